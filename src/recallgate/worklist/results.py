"""What a call by hand can come to, and the events that follow: what plays branch on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from recallgate.model.errors import ErrorKind
from recallgate.model.event import Event, EventType


@dataclass(frozen=True)
class Result:
    """`events` in order, the telling one last; `again`: the call may be tried once more."""

    events: tuple[EventType, ...]
    again: bool = False


# A word that an agent enters -> what it tells. The last event is the one by which the result is known.
RESULTS: Mapping[str, Result] = {
    "reached": Result((EventType.ANSWERED,)),
    "promised": Result((EventType.ANSWERED, EventType.PROMISED)),
    "bought": Result((EventType.ANSWERED, EventType.CONVERTED)),
    "refused": Result((EventType.ANSWERED, EventType.REFUSED)),
    "opted_out": Result((EventType.ANSWERED, EventType.UNSUBSCRIBED)),
    "no_answer": Result((EventType.NO_ANSWER,), again=True),
    "busy": Result((EventType.BUSY,), again=True),
    "wrong_number": Result((EventType.UNDELIVERED,)),
}
# What becomes of a task without a call.
ENDINGS: Mapping[str, EventType] = {"expired": EventType.EXPIRED, "withdrawn": EventType.CANCELLED}
STATUSES: Mapping[str, EventType | None] = {**{word: found.events[-1] for word, found in RESULTS.items()}, **ENDINGS}


def events_of(
    identity: str, result: str, *, at: datetime, agent: str = "", minutes: float = 0, amount_cents: int | None = None
) -> list[Event]:
    """The events of a task's end; entered twice they are one."""
    types = RESULTS[result].events if result in RESULTS else (ENDINGS[result],)
    data: dict[str, object] = {"agent": agent, "minutes": minutes} if agent else {}
    if amount_cents is not None:
        data["amount_cents"] = amount_cents
    return [
        Event(
            kind,
            message_id=identity,
            vendor_id=identity,
            at=at,
            vendor_event_id=f"{identity}:{result}",
            status=result,
            kind=ErrorKind.UNREACHABLE if kind is EventType.UNDELIVERED else None,
            code="wrong_number" if kind is EventType.UNDELIVERED else None,
            data={**data, "source": "call:opted_out"} if kind is EventType.UNSUBSCRIBED else data,
        )
        for kind in types
    ]
