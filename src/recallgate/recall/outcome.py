"""Outcomes: what a step of a play came to, in words that are the same for every channel and vendor."""

from collections.abc import Iterable
from enum import StrEnum

from recallgate.model.errors import ErrorKind
from recallgate.model.event import EventType
from recallgate.model.state import State


class Outcome(StrEnum):
    """What a step came to. The order is the priority: the first that holds is the outcome.

    What a person did comes before what a network reported, and a more telling act before a weaker one: a key pressed is
    also an answer. `machine` stands above `delivered`, because a call that a machine took is reported as delivered.
    `opened` and `read` need a human;
    `converted`, `refused` and `promised` were said to one. The last two are of a `WaitFor`.
    """

    CONVERTED = "converted"
    REFUSED = "refused"
    PROMISED = "promised"
    CLICKED = "clicked"
    REPLIED = "replied"
    KEY_PRESSED = "key_pressed"
    ANSWERED = "answered"
    OPENED = "opened"
    READ = "read"
    MACHINE = "machine"
    DELIVERED = "delivered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    UNDELIVERED = "undelivered"
    SENT = "sent"
    UNCERTAIN = "uncertain"
    HELD_OUT = "held_out"
    CAPPED = "capped"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    FAILED = "failed"
    PENDING = "pending"
    HAPPENED = "happened"
    TIMED_OUT = "timed_out"


REACTED = (Outcome.CLICKED, Outcome.REPLIED, Outcome.KEY_PRESSED)
CONNECTED = (Outcome.KEY_PRESSED, Outcome.ANSWERED, Outcome.PROMISED, Outcome.CONVERTED)
ARRIVED = (
    *REACTED,
    Outcome.CONVERTED,
    Outcome.REFUSED,
    Outcome.PROMISED,
    Outcome.ANSWERED,
    Outcome.OPENED,
    Outcome.READ,
    Outcome.DELIVERED,
)
NOT_SENT = (Outcome.UNREACHABLE, Outcome.HELD_OUT, Outcome.CAPPED, Outcome.EXPIRED, Outcome.SUPPRESSED, Outcome.FAILED)

_BY_EVENT = {
    EventType.CONVERTED: Outcome.CONVERTED,
    EventType.REFUSED: Outcome.REFUSED,
    EventType.PROMISED: Outcome.PROMISED,
    EventType.CLICKED: Outcome.CLICKED,
    EventType.REPLIED: Outcome.REPLIED,
    EventType.KEY_PRESSED: Outcome.KEY_PRESSED,
    EventType.ANSWERED: Outcome.ANSWERED,
    EventType.OPENED: Outcome.OPENED,
    EventType.READ: Outcome.READ,
    EventType.MACHINE: Outcome.MACHINE,
    EventType.NO_ANSWER: Outcome.NO_ANSWER,
    EventType.BUSY: Outcome.BUSY,
}
_BY_STATE = {
    State.HELD: Outcome.PENDING,
    State.QUEUED: Outcome.PENDING,
    State.SENDING: Outcome.PENDING,
    State.UNCERTAIN: Outcome.UNCERTAIN,
    State.ACCEPTED: Outcome.SENT,
    State.SENT: Outcome.SENT,
    State.DELIVERED: Outcome.DELIVERED,
    State.UNDELIVERED: Outcome.UNDELIVERED,
    State.FAILED: Outcome.FAILED,
    State.EXPIRED: Outcome.EXPIRED,
    State.CANCELLED: Outcome.SUPPRESSED,
    State.SUPPRESSED: Outcome.SUPPRESSED,
}
_UNREACHABLE_KINDS = {ErrorKind.INVALID_RECIPIENT, ErrorKind.UNREGISTERED_TOKEN, ErrorKind.UNREACHABLE}
_PRIORITY = {found: place for place, found in enumerate(Outcome)}


def outcome(state: State | str, reason: str = "", events: Iterable[EventType | str] = ()) -> Outcome:
    """The outcome of a message: of everything that holds, the one with the highest priority.

    `reason` is the code of the verdict that stopped it, or the error kind of a failure; `events` are those that count as
    human: leave out opens and clicks made by machines.
    """
    found = [_BY_EVENT[event] for event in map(EventType, events) if event in _BY_EVENT]
    found.append(_of_state(State(state), reason))
    return min(found, key=_PRIORITY.__getitem__)


def _of_state(state: State, reason: str) -> Outcome:
    if state is State.SUPPRESSED:
        if reason.startswith("holdout"):
            return Outcome.HELD_OUT
        if reason.startswith("cap."):
            return Outcome.CAPPED
        if reason.startswith(("expired", "stale")):
            return Outcome.EXPIRED
        if reason == "no_channel_left":
            return Outcome.UNREACHABLE
    if state in (State.FAILED, State.UNDELIVERED) and reason in _UNREACHABLE_KINDS:
        return Outcome.UNREACHABLE
    return _BY_STATE[state]
