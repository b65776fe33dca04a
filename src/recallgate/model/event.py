"""Events: later news about a message or a person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from recallgate.model.errors import ErrorKind


class EventType(StrEnum):
    """What can be told of a message after it was taken, or of a person after they were written to."""

    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    READ = "read"
    OPENED = "opened"
    CLICKED = "clicked"
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    MACHINE = "machine"
    KEY_PRESSED = "key_pressed"
    REPLIED = "replied"
    PROMISED = "promised"
    REFUSED = "refused"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    RESUBSCRIBED = "resubscribed"
    FRIEND_ADDED = "friend_added"
    TOKEN_DEAD = "token_dead"  # noqa: S105 - a state of a device token, not a secret
    RETURNED = "returned"
    CORE_ACTION = "core_action"
    CONVERTED = "converted"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Event:
    """One piece of news, as an adapter read it from a callback or as the app reported it.

    `message_id` is ours and may be absent; `vendor_id` is theirs. `vendor_event_id` names the news itself where the
    vendor has such an id, and makes a second copy harmless. `status` is the vendor's own word. `at` is aware; None means
    that the vendor told no time, and the instant of receipt is taken. `data` holds further facts, without secrets.
    """

    type: EventType
    message_id: str | None = None
    vendor_id: str | None = None
    address: str | None = field(default=None, repr=False)
    at: datetime | None = None
    vendor_event_id: str | None = None
    status: str | None = None
    kind: ErrorKind | None = None
    code: str | None = None
    text: str | None = field(default=None, repr=False)
    data: Mapping[str, object] = field(default_factory=dict, repr=False)
