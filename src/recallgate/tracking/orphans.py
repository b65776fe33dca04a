"""Reports that came before their receipt: matched as soon as the receipt is stored."""

from collections.abc import Sequence

from sqlalchemy import Connection

from recallgate.model.event import EventType
from recallgate.store import events


def adopt_orphans(connection: Connection, receipts: Sequence[tuple[str, str, str, str]], *, now: int) -> int:
    """Match waiting reports with fresh receipts: (tenant, message id, account, vendor id). Answers how many."""
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
    changes = [change for key, told in news.items() if (change := events.fold(subjects[key], told)) is not None]
    if changes:
        events.apply(connection, changes, now=now)
    return len(adopted)
