"""Postmark's webhooks: one JSON record each.

Source: "Webhooks overview", "Bounce types", and django-anymail 15.2's reading of them, read 2026-11-22.
Quirk: a bounce has an ID; the other records are told apart by message, type and time.
Quirk: a change of subscription with SuppressSending false puts an address back.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recallgate import Callback, ErrorKind, Event, EventType
from recallgate_adapters._mail import ID_KEY, read_document
from recallgate_adapters._sms import iso_time

# By the type of a bounce.
REPORT_ERRORS: dict[str, ErrorKind] = {
    "HardBounce": ErrorKind.INVALID_RECIPIENT,
    "SoftBounce": ErrorKind.UNREACHABLE,
    "BadEmailAddress": ErrorKind.INVALID_RECIPIENT,
    "ManuallyDeactivated": ErrorKind.OPTED_OUT,
    "Blocked": ErrorKind.BLOCKED_CONTENT,
    "DMARCPolicy": ErrorKind.INVALID_SENDER,
    "VirusNotification": ErrorKind.BLOCKED_CONTENT,
    "TemplateRenderingFailed": ErrorKind.TEMPLATE_OR_SIGNATURE,
}
# Records by RecordType, bounces by their type. Answers of machines and changes of address are no news of a message.
STATUSES: dict[str, EventType | None] = {
    "Delivery": EventType.DELIVERED,
    "SpamComplaint": EventType.COMPLAINED,
    "Open": EventType.OPENED,
    "Click": EventType.CLICKED,
    "SubscriptionChange": EventType.UNSUBSCRIBED,
    "SubscriptionChange/back": EventType.RESUBSCRIBED,
    "Bounce/HardBounce": EventType.UNDELIVERED,
    "Bounce/SoftBounce": EventType.UNDELIVERED,
    "Bounce/Transient": EventType.ACCEPTED,
    "Bounce/DnsError": EventType.ACCEPTED,
    "Bounce/SpamNotification": EventType.COMPLAINED,
    "Bounce/SpamComplaint": EventType.COMPLAINED,
    "Bounce/Unsubscribe": EventType.UNSUBSCRIBED,
    "Bounce/ManualSuppression": EventType.UNSUBSCRIBED,
    "Bounce/BadEmailAddress": EventType.UNDELIVERED,
    "Bounce/ManuallyDeactivated": EventType.UNDELIVERED,
    "Bounce/Blocked": EventType.UNDELIVERED,
    "Bounce/DMARCPolicy": EventType.UNDELIVERED,
    "Bounce/VirusNotification": EventType.UNDELIVERED,
    "Bounce/TemplateRenderingFailed": EventType.UNDELIVERED,
    "Bounce/AutoResponder": None,
    "Bounce/AddressChange": None,
    "Bounce/ChallengeVerification": None,
    "Bounce/Unknown": None,
}
_TIMES = ("DeliveredAt", "BouncedAt", "ReceivedAt", "ChangedAt")


def read_event(callback: Callback) -> tuple[Event, ...]:
    """The event of a record; none for what is no news. Raises `ForgedCallback` for a body that is no JSON."""
    document = read_document(callback, "postmark")
    told: Mapping[str, Any] = document if isinstance(document, dict) else {}
    status = _status(told)
    type_ = STATUSES.get(status, EventType.UNKNOWN)
    if type_ is None:
        return ()
    time = next((str(told[name]) for name in _TIMES if told.get(name)), "")
    metadata, vendor_id = told.get("Metadata"), told.get("MessageID")
    own_id = metadata.get(ID_KEY) if isinstance(metadata, dict) else None
    failed = type_ is EventType.UNDELIVERED
    code = str(told.get("Type")) if failed else None
    link = told.get("OriginalLink")
    return (
        Event(
            type_,
            message_id=str(own_id) if own_id else None,
            vendor_id=str(vendor_id) if vendor_id else None,
            address=_address(told),
            at=_instant(time),
            vendor_event_id=f"bounce:{told['ID']}" if told.get("ID") else f"{vendor_id}:{status}:{time}:{link or ''}",
            status=status,
            kind=REPORT_ERRORS.get(code, ErrorKind.UNKNOWN) if code else None,
            code=code,
            data={"url": str(link)} if link else {},
        ),
    )


def _status(told: Mapping[str, Any]) -> str:
    name = str(told.get("RecordType") or "")
    if name == "Bounce":
        return f"Bounce/{told.get('Type')}"
    if name == "SubscriptionChange" and told.get("SuppressSending") is False:
        return "SubscriptionChange/back"
    return name


def _address(told: Mapping[str, Any]) -> str | None:
    address = told.get("Recipient") or told.get("Email")
    return str(address) if address else None


def _instant(text: str) -> datetime | None:
    """The vendor writes up to seven digits of a second, of which six are read."""
    head, dot, rest = text.partition(".")
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return iso_time(f"{head}.{rest[: min(digits, 6)]}{rest[digits:]}" if dot and digits else text)
