"""SendGrid's event webhook: the check of its signature, and its events.

Source: sendgrid 6.12.5 EventWebhook, npm @sendgrid/eventwebhook, "Event Webhook reference", read 2026-11-22.
Quirk: the signature covers the timestamp and the raw body, which may end with a line break; nothing may be written anew.
Quirk: `deferred` is a delay; a bounce or a delivery follows.
Quirk: what was dropped never left; the reason says why, in words.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from recallgate import Callback, ErrorKind, Event, EventType, ForgedCallback
from recallgate_adapters._mail import ID_KEY, instant_of

# Codes are the type of a bounce, or the reason of a drop in small letters.
REPORT_ERRORS: dict[str, ErrorKind] = {
    "bounce": ErrorKind.INVALID_RECIPIENT,
    "blocked": ErrorKind.BLOCKED_CONTENT,
    "bounced address": ErrorKind.INVALID_RECIPIENT,
    "invalid": ErrorKind.INVALID_RECIPIENT,
    "unsubscribed address": ErrorKind.OPTED_OUT,
    "spam reporting address": ErrorKind.OPTED_OUT,
    "spam content": ErrorKind.BLOCKED_CONTENT,
}
STATUSES: dict[str, EventType | None] = {
    "processed": EventType.ACCEPTED,
    "deferred": EventType.ACCEPTED,
    "delivered": EventType.DELIVERED,
    "bounce": EventType.UNDELIVERED,
    "blocked": EventType.UNDELIVERED,
    "dropped": EventType.UNDELIVERED,
    "open": EventType.OPENED,
    "machine open": None,
    "click": EventType.CLICKED,
    "spamreport": EventType.COMPLAINED,
    "unsubscribe": EventType.UNSUBSCRIBED,
    "group_unsubscribe": EventType.UNSUBSCRIBED,
    "group_resubscribe": None,
}


@lru_cache(maxsize=16)
def public_key(text: str) -> Any:
    """The key of the settings page: base64 of a SubjectPublicKeyInfo on P-256. Raises `ValueError` for anything else."""
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(base64.b64decode(text, validate=True))
    except (ValueError, binascii.Error):
        key = None
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("write the verification key as SendGrid's settings page shows it: MFkwEwYH…")
    return key


def verify(callback: Callback, *, key: str, oldest_s: int, now: datetime) -> None:
    """Raise `ForgedCallback` unless the key's owner signed this body, not longer ago than `oldest_s`."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    told = callback.headers.get("x-twilio-email-event-webhook-signature", "")
    stamp = callback.headers.get("x-twilio-email-event-webhook-timestamp", "")
    if not told or not stamp:
        raise ForgedCallback("sendgrid: the callback is not signed; switch on the signed event webhook")
    if not key:
        raise ForgedCallback("sendgrid: no key is configured; set webhook_key")
    try:
        public_key(key).verify(base64.b64decode(told, validate=True), stamp.encode() + callback.body, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        raise ForgedCallback("sendgrid: the signature does not fit") from None
    if not (stamp.isascii() and stamp.isdigit()) or abs(now.timestamp() - int(stamp[:12])) > oldest_s:
        raise ForgedCallback("sendgrid: the callback was signed too long ago")


def read_events(callback: Callback) -> tuple[Event, ...]:
    """The events of a verified callback, in order; raises `ValueError` where it is no list."""
    told = json.loads(callback.body)
    if not isinstance(told, list):
        raise ValueError("events are a list")
    return tuple(event for one in told if isinstance(one, dict) for event in _events(one))


def _events(told: Mapping[str, Any]) -> Iterator[Event]:
    status = _status(told)
    type_ = STATUSES.get(status, EventType.UNKNOWN)
    if type_ is None:
        return
    vendor_id = str(told.get("sg_message_id") or "").partition(".")[0]
    code = _code(status, told) if type_ is EventType.UNDELIVERED else None
    yield Event(
        type_,
        message_id=str(told[ID_KEY]) if told.get(ID_KEY) else None,
        vendor_id=vendor_id or None,
        address=str(told["email"]) if told.get("email") else None,
        at=instant_of(told.get("timestamp")),
        vendor_event_id=str(told.get("sg_event_id") or f"{vendor_id}:{told.get('email')}:{status}:{told.get('timestamp')}"),
        status=status,
        kind=REPORT_ERRORS.get(code, ErrorKind.UNKNOWN) if code else None,
        code=code,
        data=_facts(told),
    )


def _status(told: Mapping[str, Any]) -> str:
    name = str(told.get("event") or "")
    if name == "bounce" and told.get("type") == "blocked":
        return "blocked"
    if name == "open" and told.get("sg_machine_open") is True:
        return "machine open"
    return name


def _code(status: str, told: Mapping[str, Any]) -> str:
    return str(told.get("reason") or "dropped").strip().lower()[:80] if status == "dropped" else status


def _facts(told: Mapping[str, Any]) -> dict[str, object]:
    names = (("url", "url"), ("status", "smtp_status"), ("asm_group_id", "group"))
    return {ours: told[theirs] for theirs, ours in names if told.get(theirs)}
