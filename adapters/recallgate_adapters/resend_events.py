"""Resend's webhooks: the check of their Svix signature, and the event in each.

Source: svix, "Verifying webhooks manually", "Event types", django-anymail 15.2's reading of them, read 2026-11-22.
Quirk: several signatures may stand in one header, parted by spaces, while a secret is being changed.
Quirk: the signature covers id, time and the raw body; the id names the news, also when it is sent again.
Quirk: a bounce that says suppressed means that Resend did not even try.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recallgate import Callback, ErrorKind, Event, EventType, ForgedCallback
from recallgate_adapters._mail import ID_KEY, read_document
from recallgate_adapters._sms import iso_time

# Codes are the type of a bounce, else the event.
REPORT_ERRORS: dict[str, ErrorKind] = {
    "Permanent": ErrorKind.INVALID_RECIPIENT,
    "Transient": ErrorKind.UNREACHABLE,
    "Undetermined": ErrorKind.UNKNOWN,
    "email.failed": ErrorKind.UNKNOWN,
    "email.suppressed": ErrorKind.OPTED_OUT,
}
STATUSES: dict[str, EventType | None] = {
    "email.scheduled": EventType.ACCEPTED,
    "email.sent": EventType.SENT,
    "email.delivered": EventType.DELIVERED,
    "email.delivery_delayed": EventType.ACCEPTED,
    "email.bounced": EventType.UNDELIVERED,
    "email.complained": EventType.COMPLAINED,
    "email.opened": EventType.OPENED,
    "email.clicked": EventType.CLICKED,
    "email.failed": EventType.UNDELIVERED,
    "email.suppressed": EventType.UNDELIVERED,
    "contact.updated": None,
    "contact.updated/unsubscribed": EventType.UNSUBSCRIBED,
}
TOLERANCE_S = 300
_DIGITS = re.compile(r"\d{1,12}", re.ASCII)


def key_bytes(secret: str) -> bytes:
    """The key in a secret of the form whsec_BASE64; raises `ValueError` for anything else."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (ValueError, binascii.Error):
        raise ValueError("write the signing secret as the webhook's page shows it: whsec_…") from None


def signature(secret: str, identity: str, stamp: str, body: bytes) -> str:
    """The signature with its version: v1,BASE64."""
    signed = f"{identity}.{stamp}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key_bytes(secret), signed, hashlib.sha256).digest()).decode()}"


def verify(callback: Callback, *, secret: str, now: datetime) -> None:
    """Raise `ForgedCallback` unless the secret signed this body within five minutes of now."""
    identity, stamp, told = (callback.headers.get(f"svix-{name}", "") for name in ("id", "timestamp", "signature"))
    if not (identity and stamp and told):
        raise ForgedCallback("resend: the callback is not signed")
    if not secret:
        raise ForgedCallback("resend: no secret is configured; set webhook_secret")
    expected = signature(secret, identity, stamp, callback.body).encode()
    if not any(hmac.compare_digest(expected, one.encode()) for one in told.split(" ")):
        raise ForgedCallback("resend: the signature does not fit")
    if not _DIGITS.fullmatch(stamp) or abs(now.timestamp() - int(stamp)) > TOLERANCE_S:
        raise ForgedCallback("resend: the callback was signed too long ago")


def read_event(callback: Callback) -> tuple[Event, ...]:
    """The event of a verified callback; none for what is no news."""
    document = read_document(callback, "resend")
    told: Mapping[str, Any] = document if isinstance(document, dict) else {}
    data = _part(told, "data")
    status = _status(told, data)
    type_ = STATUSES.get(status, EventType.UNKNOWN)
    if type_ is None:
        return ()
    bounce = _part(data, "bounce")
    code = _code(status, bounce) if type_ is EventType.UNDELIVERED else None
    link = _part(data, "click").get("link")
    return (
        Event(
            type_,
            message_id=_own_id(data.get("tags")),
            vendor_id=str(data["email_id"]) if data.get("email_id") else None,
            address=_address(data),
            at=iso_time(told.get("created_at")),
            vendor_event_id=callback.headers["svix-id"],
            status=status,
            kind=_kind(code, bounce) if code else None,
            code=code,
            data={"url": str(link)} if link else {},
        ),
    )


def _status(told: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    name = str(told.get("type") or "")
    return f"{name}/unsubscribed" if name == "contact.updated" and data.get("unsubscribed") is True else name


def _code(status: str, bounce: Mapping[str, Any]) -> str:
    parts = [str(bounce[name]) for name in ("type", "subType") if bounce.get(name)]
    return "/".join(parts) if status == "email.bounced" and parts else status


def _kind(code: str, bounce: Mapping[str, Any]) -> ErrorKind:
    if "suppress" in f"{bounce.get('subType')} {bounce.get('message')}".lower():
        return ErrorKind.OPTED_OUT
    return REPORT_ERRORS.get(code) or REPORT_ERRORS.get(code.partition("/")[0], ErrorKind.UNKNOWN)


def _own_id(tags: object) -> str | None:
    """Tags come back as an object, and as a list in older events."""
    if isinstance(tags, list):
        tags = {one.get("name"): one.get("value") for one in tags if isinstance(one, dict)}
    value = tags.get(ID_KEY) if isinstance(tags, dict) else None
    return str(value) if value else None


def _address(data: Mapping[str, Any]) -> str | None:
    to = data.get("to") or data.get("email")
    first = to[0] if isinstance(to, list) and to else to
    return str(first) if isinstance(first, str) else None


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}
