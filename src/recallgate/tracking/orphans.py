"""Reports that came before their receipt: matched as soon as the receipt is stored."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection

from recallgate.model.clock import from_ms
from recallgate.model.errors import ErrorKind
from recallgate.model.event import Event, EventType
from recallgate.optout.effects import Effects, effects_of
from recallgate.store import campaigns, events
from recallgate.tracking.process import carry_out


def adopt_orphans(connection: Connection, receipts: Sequence[tuple[str, str, str, str]], *, now: int) -> int:
    """Match waiting reports with fresh receipts: (tenant, message id, account, vendor id). Answers how many.

    What follows from a report for its message, address and person follows now: until here nobody knew whose it was.
    """
    waiting = events.orphans(connection, [(account, vendor_id) for _, _, account, vendor_id in receipts])
    if not waiting:
        return 0
    owner = {(account, vendor_id): (tenant, identity) for tenant, identity, account, vendor_id in receipts}
    subjects: dict[tuple[str, str], events.Subject] = {}
    for tenant in sorted({tenant for tenant, _, _, _ in receipts}):
        asked = [(identity, None, None) for owner_tenant, identity in owner.values() if owner_tenant == tenant]
        for (identity, _, _), subject in events.find_messages(connection, tenant, asked).items():
            if identity is not None:
                subjects[tenant, identity] = subject
    news: dict[tuple[str, str], list[tuple[EventType, int, str | None, str | None]]] = {}
    adopted = []
    for seq, account, vendor_id, kind, at, error, code in waiting:
        key = owner[account, vendor_id]
        if key in subjects:
            adopted.append((seq, key[1], subjects[key].person))
            news.setdefault(key, []).append((EventType(kind), at, error, code))
    events.adopt(connection, adopted)
    _follow(connection, news, subjects, now)
    changes = [change for key, told in news.items() if (change := events.fold(subjects[key], told)) is not None]
    if changes:
        events.apply(connection, changes, now=now)
    return len(adopted)


def _follow(
    connection: Connection,
    news: Mapping[tuple[str, str], Sequence[tuple[EventType, int, str | None, str | None]]],
    subjects: Mapping[tuple[str, str], events.Subject],
    now: int,
) -> None:
    for tenant in sorted({tenant for tenant, _ in news}):
        effects = Effects()
        wakes: set[tuple[str, str]] = set()
        for key, told in news.items():
            if key[0] != tenant:
                continue
            subject = subjects[key]
            for kind, at, error, code in told:
                event = Event(kind, subject.id, at=from_ms(at), kind=ErrorKind(error) if error else None, code=code)
                effects_of(
                    event,
                    effects,
                    tenant=tenant,
                    now=from_ms(now),
                    subject=subject,
                    person=subject.person,
                    channel=subject.channel,
                )
                if subject.person is not None:
                    wakes.add((subject.person, kind.value))
        carry_out(connection, effects, tenant, now)
        if wakes:
            campaigns.wake(connection, tenant, sorted(wakes), now=now)
