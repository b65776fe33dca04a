"""Dead letters: messages that ended as failed and are kept, to be looked at and tried again."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.store import moves
from recallgate.store.dialect import bind, execute, values

REPLAYED = "replayed"


class DeadRow(NamedTuple):
    """A dead letter, with what its last attempt heard from the vendor."""

    tenant: str
    id: str
    channel: str
    purpose: str
    reason: str | None
    kind: str | None
    address: str
    campaign: str | None
    account: str | None
    attempts: int
    created_at: int
    updated_at: int
    code: str | None
    detail: str | None


_COLUMNS = ", ".join("m." + name for name in DeadRow._fields[:-2])


def letters(
    connection: Connection,
    tenant: str,
    *,
    ids: Sequence[str] = (),
    kind: str | None = None,
    reason: str | None = None,
    campaign: str | None = None,
    channel: str | None = None,
    most: int,
) -> list[DeadRow]:
    """Dead letters, the latest first; `ids` and the others narrow them down."""
    rows = execute(
        connection,
        f"select {_COLUMNS}, a.code, a.detail from rg_message m"
        " left join rg_attempt a on a.tenant = m.tenant and a.message_id = m.id and a.n = m.attempts"
        " where m.tenant = :tenant and m.state = 'failed'"
        f" and (:any = 1 or m.id in {values('ids')})"
        " and (cast(:kind as text) is null or m.kind = :kind) and (cast(:reason as text) is null or m.reason = :reason)"
        " and (cast(:campaign as text) is null or m.campaign = :campaign)"
        " and (cast(:channel as text) is null or m.channel = :channel)"
        " order by m.updated_at desc, m.id limit :most",
        {
            "tenant": tenant,
            "any": 0 if ids else 1,
            "ids": bind(ids),
            "kind": kind,
            "reason": reason,
            "campaign": campaign,
            "channel": channel,
            "most": most,
        },
    )
    return [DeadRow(*row) for row in rows]


def replay(connection: Connection, tenant: str, ids: Sequence[str], *, now: int) -> list[str]:
    """Put dead letters back into the queue, due at once and marked; answers which."""
    found = execute(
        connection,
        f"update rg_message set state = 'queued', reason = '{REPLAYED}', kind = null, due_at = :now, updated_at = :now"
        f" where tenant = :tenant and state = 'failed' and id in {values('ids')} returning tenant, id",
        {"tenant": tenant, "ids": bind(ids), "now": now},
    )
    moves.note(connection, found)
    return sorted(identity for _, identity in found)
