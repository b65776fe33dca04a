"""Message rows: in, claimed, held, closed. Every statement takes a whole page."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from recallgate.model.clock import to_ms
from recallgate.model.errors import IdempotencyConflict
from recallgate.model.message import Message
from recallgate.model.purpose import Purpose
from recallgate.model.state import State
from recallgate.store.dialect import bind, page, sql

_LANES = {Purpose.OTP: 0, Purpose.TRANSACTIONAL: 1, Purpose.SERVICE: 2, Purpose.MARKETING: 3}
_COLUMNS = [
    "tenant",
    "id",
    "channel",
    "purpose",
    "rank",
    "state",
    "person",
    "address",
    "campaign",
    "step",
    "arm",
    "offer",
    "run",
    "idempotency_key",
    "body_hash",
    "payload",
    "created_at",
    "updated_at",
    "due_at",
    "expires_at",
    "lease_until",
    "lease_token",
    "attempts",
]


class Row(NamedTuple):
    """A claimed message row."""

    tenant: str
    id: str
    channel: str
    state: str
    payload: str
    due_at: int
    created_at: int
    attempts: int
    account: str | None
    rank: int


_ROW = ", ".join(Row._fields)


@dataclass(frozen=True)
class Stored:
    """What became of a message handed in: its id, and whether an equal one was there already."""

    id: str
    duplicate: bool


def rank(message: Message) -> int:
    """The place in the queue: the purpose's lane first, then priority; smaller leaves first."""
    return _LANES[message.purpose] * 10 + 9 - message.priority


def body_hash(message: Message) -> str:
    """A digest of everything but the id: equal for a repeated call, different for another message."""
    return hashlib.sha256(message.model_dump_json(exclude={"id"}).encode()).hexdigest()


def insert(
    connection: Connection, messages: Sequence[Message], now: datetime, *, lease_token: str | None = None, lease_until: int = 0
) -> list[Stored]:
    """Write messages as `queued`; one with a known idempotency key (or id) is not written again.

    Raises `IdempotencyConflict` when the known one says something else. With a lease the writer owns them at once.
    """
    at = to_ms(now)
    rows = []
    for message in messages:
        origin = message.origin
        rows.append(
            (
                message.tenant,
                message.id,
                message.channel,
                message.purpose.value,
                rank(message),
                State.QUEUED.value,
                message.person,
                message.to.key,
                origin.campaign if origin else None,
                origin.step if origin else None,
                origin.arm if origin else None,
                origin.offer if origin else None,
                origin.run if origin else 0,
                message.idempotency_key,
                body_hash(message) if message.idempotency_key else "",
                message.model_dump_json(exclude_none=True),
                at,
                at,
                max(at, to_ms(message.not_before)) if message.not_before else at,
                to_ms(message.expires_at) if message.expires_at else None,
                lease_until,
                lease_token,
                0,
            )
        )
    written = {
        (tenant, identity)
        for tenant, identity in connection.execute(
            sql(
                f"insert into rg_message ({', '.join(_COLUMNS)}) select * from {page('rows', _COLUMNS)} where true "
                "on conflict do nothing returning tenant, id"
            ),
            {"rows": bind(rows)},
        )
    }
    if len(written) == len(rows):
        return [Stored(message.id, False) for message in messages]
    return [
        Stored(message.id, False) if (message.tenant, message.id) in written else _known(connection, message)
        for message in messages
    ]


def _known(connection: Connection, message: Message) -> Stored:
    found = connection.execute(
        sql(
            "select id, body_hash, idempotency_key from rg_message where tenant = :tenant and "
            "(idempotency_key = :key or id = :id) order by idempotency_key is null limit 1"
        ),
        {"tenant": message.tenant, "key": message.idempotency_key, "id": message.id},
    ).one()
    if message.idempotency_key is None:
        return Stored(found.id, True)
    if found.body_hash != body_hash(message):
        raise IdempotencyConflict(
            "idempotency_key: it was used before for another message; send the same message again, or take a new key"
        )
    return Stored(found.id, True)


_RANKS = sql(
    "with recursive r(rank) as ("
    " select min(rank) from rg_message where channel = :channel and state in ('queued', 'held')"
    " union all"
    " select (select min(rank) from rg_message where channel = :channel and state in ('queued', 'held') and rank > r.rank)"
    " from r where r.rank is not null"
    ") select rank from r where rank is not null"
)
_CLAIM = sql(
    "update rg_message set lease_token = :token, lease_until = :until where rowid in ("
    " select rowid from rg_message where channel = :channel and rank = :rank and due_at <= :now"
    " and state in ('queued', 'held') and lease_until <= :now order by due_at, created_at, id limit :most"
    f") returning {_ROW}"
)


def claim(connection: Connection, channel: str, *, now: int, token: str, until: int, most: int, most_rank: int = 99) -> list[Row]:
    """Lease up to `most` due rows of a channel: urgent lanes first, then priority, deadline, age."""
    found: list[Row] = []
    for (place,) in connection.execute(_RANKS, {"channel": channel}).all():
        if place > most_rank or len(found) >= most:
            break
        rows = connection.execute(
            _CLAIM,
            {"token": token, "until": until, "channel": channel, "rank": place, "now": now, "most": most - len(found)},
        )
        found += sorted((Row(*row) for row in rows), key=lambda row: (row.due_at, row.created_at, row.id))
    return found


def claim_one(connection: Connection, tenant: str, identity: str, *, now: int, token: str, until: int) -> Row | None:
    """Lease one message, if it is due and nobody has it."""
    found = connection.execute(
        sql(
            "update rg_message set lease_token = :token, lease_until = :until where tenant = :tenant and id = :id"
            f" and state in ('queued', 'held') and due_at <= :now and lease_until <= :now returning {_ROW}"
        ),
        {"tenant": tenant, "id": identity, "now": now, "token": token, "until": until},
    ).one_or_none()
    return Row(*found) if found is not None else None


# The (channel, rank) pairs that occur among waiting rows, each found by one seek: the backlog itself is never walked.
_PAIRS = (
    "with recursive pairs(channel, rank) as ("
    " select * from (select channel, rank from rg_message where state in ('queued', 'held') order by channel, rank limit 1)"
    " union all"
    " select (select channel from rg_message where state in ('queued', 'held') and (channel, rank) > (p.channel, p.rank)"
    "  order by channel, rank limit 1),"
    " (select rank from rg_message where state in ('queued', 'held') and (channel, rank) > (p.channel, p.rank)"
    "  order by channel, rank limit 1)"
    " from pairs p where p.channel is not null"
    "), first(channel, due_at) as ("
    " select p.channel, (select min(due_at) from rg_message where channel = p.channel and rank = p.rank"
    "  and state in ('queued', 'held')) from pairs p where p.channel is not null)"
)


def next_due(connection: Connection) -> int | None:
    """The earliest instant at which a waiting row is due; None when nothing waits. Who holds its lease is not asked."""
    found = connection.execute(sql(f"{_PAIRS} select min(due_at) from first")).scalar()
    return int(found) if found is not None else None


def waiting_channels(connection: Connection, now: int) -> list[str]:
    """Channels with due rows."""
    rows = connection.execute(sql(f"{_PAIRS} select distinct channel from first where due_at <= :now"), {"now": now}).all()
    return sorted(channel for (channel,) in rows)


_CLOSED = ("tenant", "id", "state", "reason", "kind", "due_at", "planned_at", "channel", "payload")


class Close(NamedTuple):
    """What a decision makes of a row: its state and why, when it is due again, and what it became by rerouting."""

    tenant: str
    id: str
    state: str
    reason: str | None = None
    kind: str | None = None
    due_at: int | None = None
    planned_at: int | None = None
    channel: str | None = None
    payload: str | None = None


def close(connection: Connection, rows: Iterable[Close], *, token: str, now: int) -> None:
    """Give back leased rows with a new state."""
    connection.execute(
        sql(
            "update rg_message set state = p.state, reason = p.reason, kind = p.kind, due_at = coalesce(p.due_at, rg_message.due_at),"
            " planned_at = coalesce(p.planned_at, rg_message.planned_at), channel = coalesce(p.channel, rg_message.channel),"
            " payload = coalesce(p.payload, rg_message.payload), lease_token = null, lease_until = 0, updated_at = :now"
            f" from {page('rows', _CLOSED)} p"
            " where rg_message.tenant = p.tenant and rg_message.id = p.id and rg_message.lease_token = :token"
        ),
        {"rows": bind(rows), "token": token, "now": now},
    )


def release(connection: Connection, token: str) -> int:
    """Give back every row of a lease that was not sent."""
    found = connection.execute(
        sql(
            "update rg_message set lease_token = null, lease_until = 0 where lease_token = :token and state in ('queued', 'held')"
        ),
        {"token": token},
    )
    return found.rowcount


def cancel(connection: Connection, tenant: str, identity: str, now: int) -> bool:
    """Cancel a message that has not left yet."""
    found = connection.execute(
        sql(
            "update rg_message set state = 'cancelled', reason = 'cancelled.by_caller', updated_at = :now, lease_token = null,"
            " lease_until = 0 where tenant = :tenant and id = :id and state in ('queued', 'held') and lease_until <= :now"
        ),
        {"tenant": tenant, "id": identity, "now": now},
    )
    return found.rowcount == 1


def load(connection: Connection, tenant: str, identity: str) -> dict[str, Any] | None:
    """A message row as a mapping, or None."""
    found = connection.execute(
        sql("select * from rg_message where tenant = :tenant and id = :id"), {"tenant": tenant, "id": identity}
    ).one_or_none()
    return dict(found._mapping) if found is not None else None


def load_row(connection: Connection, tenant: str, identity: str) -> Row:
    """One message as a claimed row; the caller holds its lease."""
    found = connection.execute(
        sql(f"select {_ROW} from rg_message where tenant = :tenant and id = :id"), {"tenant": tenant, "id": identity}
    ).one()
    return Row(*found)


def count_by_state(connection: Connection, tenant: str) -> dict[str, int]:
    rows = connection.execute(
        sql("select state, count(*) from rg_message where tenant = :tenant group by state"), {"tenant": tenant}
    )
    return {key: value for key, value in rows}  # noqa: C416 - a cursor is no mapping for dict()
