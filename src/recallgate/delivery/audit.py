"""Audit: every message's state is worked out anew from what was written down of it, and held against the stored one."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from recallgate.model.event import EventType
from recallgate.model.state import REPORTED, State, after_report
from recallgate.store import audit
from recallgate.store.audit import Record, ReportRow
from recallgate.store.engine import Store

PAGE = 500
_SLACK_MS = 1_000  # hosts' clocks differ: what came so short before an attempt may belong to it or to the one before
_NOT_SENT = ("failed", "released")


@dataclass(frozen=True)
class Difference:
    """One thing that the records do not explain.

    `what`: `state`, `attempts` (their numbers), `vendor_id`, `double` (sent again after a vendor had taken it), `cap` (counted
    though not sent, or the reverse), or `stray` (a row of a message that is not there).
    """

    message_id: str
    what: str
    stored: str
    rebuilt: str


@dataclass
class AuditReport:
    """How many messages were looked at, their rebuilt states, and the differences."""

    messages: int = 0
    states: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)


async def replayed(store: Store, tenant: str, *, most: int = 1000) -> AuditReport:
    """Go through all messages of a tenant, page by page; stops after `most` differences. Nothing is changed."""
    report = AuditReport()
    after = ""
    while len(report.differences) < most:
        page = await store.run(lambda c, after=after: audit.records(c, tenant, after=after, most=PAGE))  # type: ignore[misc]
        for record in page:
            report.messages += 1
            report.states[record.message.state] += 1
            report.differences += differences(record)
        if len(page) < PAGE:
            break
        after = page[-1].message.id
    strays: Mapping[str, Sequence[str]] = await store.run(lambda c: audit.strays(c, tenant, most=most))
    report.differences += [
        Difference(identity, "stray", table, "no such message") for table, ids in strays.items() for identity in ids
    ]
    del report.differences[most:]
    return report


def differences(record: Record) -> list[Difference]:
    """What of a message its records do not explain."""
    message, attempts, found = record.message, record.attempts, list[Difference]()

    def differs(what: str, stored: object, rebuilt: object) -> None:
        found.append(Difference(message.id, what, str(stored), str(rebuilt)))

    allowed = states(record)
    if message.state not in allowed:
        differs("state", message.state, " or ".join(sorted(allowed)))
    if message.attempts != len(attempts) or any(one.n != n for n, one in enumerate(attempts, 1)):
        differs("attempts", message.attempts, ", ".join(str(one.n) for one in attempts) or "none")
    taken = [one for one in attempts if one.outcome == State.ACCEPTED]
    if taken and message.vendor_id != taken[-1].vendor_id:
        differs("vendor_id", message.vendor_id, taken[-1].vendor_id)
    if taken and taken[0] is not attempts[-1]:
        differs("double", f"{len(attempts)} attempts", f"taken by the attempt {taken[0].n}")
    if attempts and record.caps:
        sent = attempts[-1].outcome not in _NOT_SENT
        heard = any(_raises(one.type) for one in record.reports)
        if sent and "released" in record.caps:
            differs("cap", ", ".join(sorted(record.caps)), "counted")
        elif not sent and not heard and record.caps != {"released"}:
            differs("cap", ", ".join(sorted(record.caps)), "released")
    return found


def states(record: Record) -> set[str]:
    """The states in which a message with these records may be: one, but where instants are too close to tell an order."""
    last = record.attempts[-1] if record.attempts else None
    move = record.moves[-1] if record.moves else None
    state, since, ended = State.QUEUED, -math.inf, None
    if last is not None and (move is None or last.n > move.n):
        since, ended = last.at, last.finished_at
        state = State(last.became or last.outcome or State.SENDING)
    elif move is not None:
        state, since = State(move.state), move.at
    if state in (State.QUEUED, State.HELD):
        decided = [one for one in record.decisions if one.verdict in ("defer", "drop") and one.at >= since]
        if decided:
            state, since, ended = _decided(decided[-1].verdict, decided[-1].code), decided[-1].at, None
    surely = [one for one in record.reports if one.received_at > since]
    perhaps = [one for one in record.reports if one.received_at > since - _SLACK_MS]
    found = {_raised(state, surely), _raised(state, perhaps)}
    if ended is not None:
        # a report that came while the vendor's answer was awaited stands, whatever the answer said
        early = [one for one in perhaps if one.received_at <= ended]
        if any(_raises(one.type) for one in early):
            found.add(_raised(_raised(State.SENDING, early), perhaps))
    return {one.value for one in found}


def _decided(verdict: str, code: str | None) -> State:
    if verdict == "defer":
        return State.HELD
    return State.EXPIRED if (code or "").startswith(("expired", "stale")) else State.SUPPRESSED


def _raises(kind: str) -> bool:
    return kind in set(EventType) and EventType(kind) in REPORTED


def _raised(state: State, reports: Iterable[ReportRow]) -> State:
    for one in reports:
        if one.type in set(EventType):
            state = after_report(state, EventType(one.type))
    return state
