"""What SES tells of a mail after it was taken: event publishing and feedback notifications, one event each.

Source: "Contents of event data that Amazon SES publishes", and django-anymail 15.2's reading of it, read 2026-11-22.
Quirk: event publishing names its kind under eventType, feedback notifications under notificationType.
Quirk: a complaint whose complaintFeedbackType is not-spam is the opposite of one.
Quirk: a transient bounce is final too, but the address stays sound.
Quirk: when a topic is first connected SES sends a plain sentence to it; that is no news.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from recallgate import ErrorKind, Event, EventType
from recallgate_adapters._mail import ID_KEY
from recallgate_adapters.aws_notices import Notice

# Codes are bounceType/bounceSubType, else bounceType, else the event itself.
REPORT_ERRORS: dict[str, ErrorKind] = {
    "Permanent": ErrorKind.INVALID_RECIPIENT,
    "Transient": ErrorKind.UNREACHABLE,
    "Transient/MessageTooLarge": ErrorKind.PAYLOAD_TOO_LARGE,
    "Transient/ContentRejected": ErrorKind.BLOCKED_CONTENT,
    "Transient/AttachmentRejected": ErrorKind.BLOCKED_CONTENT,
    "Undetermined": ErrorKind.UNKNOWN,
    "Reject": ErrorKind.BLOCKED_CONTENT,
    "Rendering Failure": ErrorKind.TEMPLATE_OR_SIGNATURE,
}
STATUSES: dict[str, EventType | None] = {
    "Send": EventType.SENT,
    "Delivery": EventType.DELIVERED,
    "DeliveryDelay": EventType.ACCEPTED,
    "Bounce/Permanent": EventType.UNDELIVERED,
    "Bounce/Transient": EventType.UNDELIVERED,
    "Bounce/Undetermined": EventType.UNDELIVERED,
    "Complaint": EventType.COMPLAINED,
    "Complaint/not-spam": None,
    "Reject": EventType.UNDELIVERED,
    "Rendering Failure": EventType.UNDELIVERED,
    "Open": EventType.OPENED,
    "Click": EventType.CLICKED,
    "Subscription": EventType.UNSUBSCRIBED,
    "Subscription/kept": None,
}
# Where an event keeps its own facts, and among them the recipients that it is about.
_PARTS = {"Rendering Failure": "failure", "DeliveryDelay": "deliveryDelay"}
_RECIPIENTS = {"Bounce": "bouncedRecipients", "Complaint": "complainedRecipients", "DeliveryDelay": "delayedRecipients"}
_CONNECTED = "Successfully validated SNS topic"


def read_event(notice: Notice) -> tuple[Event, ...]:
    """The event in a notification; none for what is no news, UNKNOWN with its word for what is new to us."""
    name = str(notice.body.get("eventType") or notice.body.get("notificationType") or "")
    if not name:
        if notice.text.startswith(_CONNECTED):
            return ()
        return (Event(EventType.UNKNOWN, vendor_event_id=notice.id, status="notification"),)
    mail, part = _part(notice.body, "mail"), _part(notice.body, _PARTS.get(name, name.lower()))
    status = _status(name, part)
    type_ = STATUSES.get(status, EventType.UNKNOWN)
    if type_ is None:
        return ()
    code = _code(name, part) if type_ is EventType.UNDELIVERED else None
    tags = _part(mail, "tags").get(ID_KEY)
    return (
        Event(
            type_,
            message_id=str(tags[0]) if isinstance(tags, list) and tags else None,
            vendor_id=_word(mail, "messageId"),
            address=_address(name, mail, part),
            at=_instant(part.get("timestamp") or mail.get("timestamp")),
            vendor_event_id=notice.id,
            status=status,
            kind=_kind(code) if code else None,
            code=code,
            data=_facts(name, part),
        ),
    )


def _status(name: str, part: Mapping[str, Any]) -> str:
    if name == "Bounce":
        return f"Bounce/{part.get('bounceType')}"
    if name == "Complaint" and part.get("complaintFeedbackType") == "not-spam":
        return "Complaint/not-spam"
    if name == "Subscription" and not _turned_off(part):
        return "Subscription/kept"
    return name


def _turned_off(part: Mapping[str, Any]) -> bool:
    wishes = _part(part, "newTopicPreferences")
    if wishes.get("unsubscribeAll"):
        return True
    topics = wishes.get("topicSubscriptionStatus")
    states = [one.get("subscriptionStatus") for one in topics if isinstance(one, dict)] if isinstance(topics, list) else []
    return bool(states) and all(state == "OptOut" for state in states)


def _code(name: str, part: Mapping[str, Any]) -> str:
    if name != "Bounce":
        return name
    return "/".join(str(part[key]) for key in ("bounceType", "bounceSubType") if part.get(key))


def _kind(code: str) -> ErrorKind:
    return REPORT_ERRORS.get(code) or REPORT_ERRORS.get(code.partition("/")[0], ErrorKind.UNKNOWN)


def _address(name: str, mail: Mapping[str, Any], part: Mapping[str, Any]) -> str | None:
    told = part.get(_RECIPIENTS.get(name, "recipients"))
    first = told[0] if isinstance(told, list) and told else None
    if isinstance(first, dict):
        first = first.get("emailAddress")
    if not isinstance(first, str):
        sent_to = mail.get("destination")
        first = sent_to[0] if isinstance(sent_to, list) and sent_to else None
    return first if isinstance(first, str) else None


def _facts(name: str, part: Mapping[str, Any]) -> dict[str, object]:
    """The code of the receiving server, or the link that was clicked."""
    if name == "Click" and isinstance(part.get("link"), str):
        return {"url": part["link"]}
    bounced = part.get("bouncedRecipients")
    first = bounced[0] if isinstance(bounced, list) and bounced and isinstance(bounced[0], dict) else {}
    return {"smtp_status": str(first["status"])} if first.get("status") else {}


def _part(whole: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _word(part: Mapping[str, Any], name: str) -> str | None:
    return str(part[name]) if part.get(name) else None


def _instant(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo else None
