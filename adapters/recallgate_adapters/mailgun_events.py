"""Mailgun's webhooks: the check of their signature, and the event in each.

Source: "Securing webhooks" and "Event structure", and django-anymail 15.2's reading of them, read 2026-11-22.
Quirk: an event's own id is unique within a day only; the token of the signature is unique for good.
Quirk: older webhooks are forms with the three fields of the signature at the top; they are no longer offered.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recallgate import Callback, ErrorKind, Event, EventType, ForgedCallback
from recallgate_adapters._mail import ID_KEY, instant_of, read_document
from recallgate_adapters.smtp_codes import REPORT_ERRORS as SMTP_ERRORS, kind_of

# Codes are the vendor's reason, else what the receiving server said, such as "550 5.1.1", which SMTP's own table explains.
REPORT_ERRORS: dict[str, ErrorKind] = {
    "suppress-bounce": ErrorKind.INVALID_RECIPIENT,
    "suppress-unsubscribe": ErrorKind.OPTED_OUT,
    "suppress-complaint": ErrorKind.OPTED_OUT,
    "rejected": ErrorKind.BLOCKED_CONTENT,
}
STATUSES: dict[str, EventType | None] = {
    "accepted": EventType.ACCEPTED,
    "delivered": EventType.DELIVERED,
    "failed/permanent": EventType.UNDELIVERED,
    "failed/temporary": EventType.ACCEPTED,
    "rejected": EventType.UNDELIVERED,
    "opened": EventType.OPENED,
    "clicked": EventType.CLICKED,
    "unsubscribed": EventType.UNSUBSCRIBED,
    "complained": EventType.COMPLAINED,
    "stored": None,
}
_DIGITS = re.compile(r"\d{1,12}", re.ASCII)


def read_event(callback: Callback, *, key: str, now: datetime, oldest_s: int) -> tuple[Event, ...]:
    """The event of a callback; raises `ForgedCallback` unless the key signed its token, not longer ago than `oldest_s`."""
    document = read_document(callback, "mailgun")
    told: Mapping[str, Any] = document if isinstance(document, dict) else {}
    signature = _part(told, "signature")
    _verify(signature, key=key, now=now, oldest_s=oldest_s)
    data = _part(told, "event-data")
    status = _status(data)
    type_ = STATUSES.get(status, EventType.UNKNOWN)
    if type_ is None:
        return ()
    code = _code(status, data) if type_ is EventType.UNDELIVERED else None
    own_id = _part(data, "user-variables").get(ID_KEY)
    vendor_id = _part(_part(data, "message"), "headers").get("message-id")
    return (
        Event(
            type_,
            message_id=str(own_id) if own_id else None,
            vendor_id=str(vendor_id).strip("<>") if vendor_id else None,
            address=str(data["recipient"]) if data.get("recipient") else None,
            at=instant_of(data.get("timestamp")),
            vendor_event_id=signature["token"],
            status=status,
            kind=_kind(code) if code else None,
            code=code,
            data={"url": str(data["url"])} if data.get("url") else {},
        ),
    )


def signature_of(key: str, timestamp: str, token: str) -> str:
    return hmac.new(key.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()


def _verify(told: Mapping[str, Any], *, key: str, now: datetime, oldest_s: int) -> None:
    stamp, token, signature = (told.get(name) for name in ("timestamp", "token", "signature"))
    if not (isinstance(stamp, str | int) and isinstance(token, str) and isinstance(signature, str) and token):
        raise ForgedCallback("mailgun: the callback is not signed")
    if not key:
        raise ForgedCallback("mailgun: no key is configured; set webhook_key")
    expected = signature_of(key, str(stamp), token)
    if not hmac.compare_digest(expected.encode(), signature.encode()):
        raise ForgedCallback("mailgun: the signature does not fit")
    if not _DIGITS.fullmatch(str(stamp)) or abs(now.timestamp() - int(stamp)) > oldest_s:
        raise ForgedCallback("mailgun: the callback was signed too long ago")


def _status(data: Mapping[str, Any]) -> str:
    name = str(data.get("event") or "")
    return f"failed/{data.get('severity')}" if name == "failed" else name


def _code(status: str, data: Mapping[str, Any]) -> str:
    reason = str(data.get("reason") or "")
    if status == "rejected" or reason in REPORT_ERRORS:
        return reason if reason in REPORT_ERRORS else "rejected"
    delivery = _part(data, "delivery-status")
    reply, enhanced = str(delivery.get("code") or ""), str(delivery.get("enhanced-code") or "")
    return f"{reply} {enhanced}".strip() or reason or "failed"


def _kind(code: str) -> ErrorKind:
    """By the vendor's reason, else by the enhanced code: a bare 550 may refuse the text and is no proof against the address."""
    return REPORT_ERRORS.get(code) or kind_of(code, SMTP_ERRORS)


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}
