"""States of a message, and what may follow what, as one table."""

from enum import StrEnum

from recallgate.model.event import EventType


class State(StrEnum):
    """Where a message is. A claim is a lease, not a state; a dead letter is a `failed` that is kept for replay."""

    HELD = "held"
    SUPPRESSED = "suppressed"
    QUEUED = "queued"
    SENDING = "sending"
    UNCERTAIN = "uncertain"
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    UNDELIVERED = "undelivered"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """True when we do nothing more for the message; later reports may still raise it."""
        return self not in (State.HELD, State.QUEUED, State.SENDING, State.UNCERTAIN)

    @property
    def taken(self) -> bool:
        """True when a vendor took the message, as far as anybody knows."""
        return self in RANK


# What reports may do after acceptance: a lower one is stored and never applied, so that every order and every
# duplication of reports ends in the same state. Expired and cancelled stand on one step: the first to come stays.
RANK: dict[State, int] = {
    State.ACCEPTED: 1,
    State.SENT: 2,
    State.EXPIRED: 3,
    State.CANCELLED: 3,
    State.UNDELIVERED: 4,
    State.DELIVERED: 5,
}

# What we ourselves may do.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.QUEUED: frozenset({State.HELD, State.SUPPRESSED, State.SENDING, State.FAILED, State.EXPIRED, State.CANCELLED}),
    State.HELD: frozenset({State.QUEUED, State.SUPPRESSED, State.SENDING, State.FAILED, State.EXPIRED, State.CANCELLED}),
    State.SENDING: frozenset({State.ACCEPTED, State.HELD, State.QUEUED, State.FAILED, State.UNCERTAIN, *RANK}),
    State.UNCERTAIN: frozenset({State.QUEUED, State.SENDING, State.FAILED, *RANK}),
    State.SUPPRESSED: frozenset(),
    State.FAILED: frozenset({State.QUEUED}),
    **{state: frozenset(higher for higher in RANK if RANK[higher] > RANK[state]) for state in RANK},
}

# The state that a report asks for; events that are not in the table leave the state alone.
REPORTED: dict[EventType, State] = {
    EventType.ACCEPTED: State.ACCEPTED,
    EventType.SENT: State.SENT,
    EventType.EXPIRED: State.EXPIRED,
    EventType.CANCELLED: State.CANCELLED,
    EventType.DELIVERED: State.DELIVERED,
    EventType.READ: State.DELIVERED,
    EventType.ANSWERED: State.DELIVERED,
    EventType.MACHINE: State.DELIVERED,
    EventType.PROMISED: State.DELIVERED,
    EventType.REFUSED: State.DELIVERED,
    EventType.UNDELIVERED: State.UNDELIVERED,
    EventType.NO_ANSWER: State.UNDELIVERED,
    EventType.BUSY: State.UNDELIVERED,
}


def after_report(current: State, event: EventType) -> State:
    """The state after a vendor's report: raised, or unchanged when the report is lower or says nothing of the state.

    A report lifts `sending` and `uncertain`; it never wakes a message that was not sent.
    """
    reported = REPORTED.get(event)
    if reported is None:
        return current
    if current in (State.SENDING, State.UNCERTAIN):
        return reported
    if current in RANK and RANK[reported] > RANK[current]:
        return reported
    return current
