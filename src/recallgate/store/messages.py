"""Message rows: in, claimed, held, closed. Every statement takes a whole page."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection

from recallgate.model.clock import from_ms, to_ms
from recallgate.model.errors import IdempotencyConflict
from recallgate.model.message import Message, refuse_nul
from recallgate.model.purpose import Purpose
from recallgate.model.sealing import KeyRing
from recallgate.model.state import State
from recallgate.store import moves
from recallgate.store.dialect import bind, execute, page, values
from recallgate.store.rows import change
from recallgate.store.sealed import bound_to
from recallgate.store.vault import ring_of

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


_REMEMBERED = 2000
_fresh: dict[str, Message] = {}


def remember(payload: str, message: Message) -> None:
    """Keep a message beside its stored form for a moment: most are taken up where they were handed in, soon after."""
    if len(_fresh) >= _REMEMBERED:
        _fresh.pop(next(iter(_fresh)), None)
    _fresh[payload] = message


def remembered(payload: str) -> Message | None:
    """The message of a stored form, if it is still at hand; it is handed out once."""
    return _fresh.pop(payload, None)


_INSERT = f"insert into rg_message ({', '.join(_COLUMNS)}) select * from {{page}} p where true on conflict do nothing returning tenant, id"
INSERT_PAGE = _INSERT.replace("{page}", page("rows", _COLUMNS))
_PAYLOAD = _COLUMNS.index("payload")
_QUEUED = State.QUEUED.value


def record(message: Message, at: int) -> tuple[Any, ...]:
    """The row of a message that is accepted at an instant. Raises ValueError for one that no database keeps."""
    origin, payload = message.origin, message.model_dump_json(exclude_none=True)
    if "\\u0000" in payload:  # found in a tenth of what looking through each message's fields takes
        refuse_nul(message)
    return (
        message.tenant,
        message.id,
        message.channel,
        message.purpose.value,
        rank(message),
        _QUEUED,
        message.person,
        message.to.key,
        origin.campaign if origin else None,
        origin.step if origin else None,
        origin.arm if origin else None,
        origin.offer if origin else None,
        origin.run if origin else 0,
        message.idempotency_key,
        body_hash(message) if message.idempotency_key else "",
        payload,
        at,
        at,
        max(at, to_ms(message.not_before)) if message.not_before else at,
        to_ms(message.expires_at) if message.expires_at else None,
        0,
        0,
    )


def sealed_rows(rows: Sequence[tuple[Any, ...]], ring: KeyRing) -> list[tuple[Any, ...]]:
    """Records with their payloads sealed."""
    return [(*row[:_PAYLOAD], ring.seal(row[_PAYLOAD], bound_to(row[0], row[1])), *row[_PAYLOAD + 1 :]) for row in rows]


def insert(connection: Connection, messages: Sequence[Message], now: datetime) -> list[Stored]:
    """Write messages as `queued`; one with a known idempotency key (or id) is not written again.

    Raises `IdempotencyConflict` when the known one says something else.
    """
    at = to_ms(now)
    rows = []
    for message in messages:
        rows.append(row := record(message, at))
        remember(row[_PAYLOAD], message)
    if (ring := ring_of(connection)) is not None:
        rows = sealed_rows(rows, ring)
    _, returned = change(connection, _INSERT, _COLUMNS, rows)
    written = {(tenant, identity) for tenant, identity in returned}
    if len(written) == len(rows):
        return [Stored(message.id, False) for message in messages]
    return [
        Stored(message.id, False) if (message.tenant, message.id) in written else _known(connection, message)
        for message in messages
    ]


KNOWN = (
    "select id, body_hash from rg_message where tenant = :tenant and (idempotency_key = :key or id = :id)"
    " order by idempotency_key is null limit 1"
)


def _known(connection: Connection, message: Message) -> Stored:
    scope = {"tenant": message.tenant, "key": message.idempotency_key, "id": message.id}
    return as_known(message, execute(connection, KNOWN, scope).one())


def as_known(message: Message, row: Sequence[Any]) -> Stored:
    """The answer for a message whose key or id (id, body hash) is there already."""
    identity, digest = row
    if message.idempotency_key is not None and digest != body_hash(message):
        raise IdempotencyConflict(
            "idempotency_key: it was used before for another message; send the same message again, or take a new key"
        )
    return Stored(identity, True)


_RANKS = (
    "with recursive r(rank) as ("
    " select min(rank) from rg_message where channel = :channel and state in ('queued', 'held')"
    " union all"
    " select (select min(rank) from rg_message where channel = :channel and state in ('queued', 'held') and rank > r.rank)"
    " from r where r.rank is not null"
    ") select rank from r where rank is not null"
)
_DUE = (
    f"select {_ROW} from rg_message where channel = :channel and rank = :rank and due_at <= :now"
    " and state in ('queued', 'held') order by due_at, {age} limit :most {take}"
)


def due(connection: Connection, channel: str, *, now: int, most: int, most_rank: int = 99) -> list[Row]:
    """Up to `most` due rows of a channel: urgent lanes first, then priority, deadline, age.

    No lease is taken: the transaction that reads them also decides them, and nobody else writes meanwhile.
    """
    found: list[Row] = []
    for (place,) in execute(connection, _RANKS, {"channel": channel}):
        if place > most_rank or len(found) >= most:
            break
        scope = {"channel": channel, "rank": place, "now": now, "most": most - len(found)}
        found += [Row(*row) for row in execute(connection, _DUE, scope)]
    return found


def waiting(connection: Connection, tenant: str, identity: str, *, now: int) -> Row | None:
    """One message, if it waits and is due."""
    found = execute(
        connection,
        f"select {_ROW} from rg_message where tenant = :tenant and id = :id and state in ('queued', 'held')"
        " and due_at <= :now {take}",
        {"tenant": tenant, "id": identity, "now": now},
    ).one_or_none()
    return Row(*found) if found is not None else None


# The (channel, rank) pairs that occur among waiting rows, each found by one seek: the backlog itself is never walked.
_WAITS = "state in ('queued', 'held')"
PAIRS = (
    f"with recursive ways(channel) as (select min(channel) from rg_message where {_WAITS}"
    " union all"
    f" select (select min(channel) from rg_message where channel > w.channel and {_WAITS}) from ways w where w.channel is not null"
    "), pairs(channel, rank) as ("
    f" select w.channel, (select min(rank) from rg_message where channel = w.channel and {_WAITS})"
    " from ways w where w.channel is not null"
    " union all"
    f" select p.channel, (select min(rank) from rg_message where channel = p.channel and rank > p.rank and {_WAITS})"
    " from pairs p where p.rank is not null"
    "), first(channel, rank, due_at) as ("
    " select p.channel, p.rank, (select min(due_at) from rg_message where channel = p.channel and rank = p.rank"
    f"  and {_WAITS}) from pairs p where p.rank is not null)"
)


def next_due(connection: Connection) -> int | None:
    """The earliest instant at which a waiting row is due; None when nothing waits."""
    found = execute(connection, f"{PAIRS} select min(due_at) from first").scalar()
    return int(found) if found is not None else None


def waiting_channels(connection: Connection, now: int) -> list[str]:
    """Channels with due rows."""
    rows = execute(connection, f"{PAIRS} select distinct channel from first where due_at <= :now", {"now": now})
    return sorted(channel for (channel,) in rows)


class Close(NamedTuple):
    """What a decision makes of a row: its state (empty: as it is) and why, when it is due again, and what it became by rerouting."""

    tenant: str
    id: str
    state: str
    reason: str | None = None
    kind: str | None = None
    due_at: int | None = None
    planned_at: int | None = None
    channel: str | None = None
    payload: str | None = None


_CLOSE = (
    "update rg_message set state = coalesce(nullif(p.state, ''), rg_message.state), kind = p.kind,"
    # what was perhaps sent before keeps that mark while it waits to be sent again
    " reason = case when p.state in ('', 'queued', 'held') and rg_message.reason in ('uncertain.sent_again', 'uncertain.repeated_with_key')"
    " then rg_message.reason else p.reason end,"
    " due_at = coalesce(p.due_at, rg_message.due_at),"
    " planned_at = coalesce(p.planned_at, rg_message.planned_at), channel = coalesce(p.channel, rg_message.channel),"
    " payload = coalesce(p.payload, rg_message.payload), lease_until = 0, updated_at = :now from {page} p"
    " where rg_message.tenant = p.tenant and rg_message.id = p.id and rg_message.state || '' in ('queued', 'held')"
)


def close(connection: Connection, rows: Sequence[Close], *, now: int) -> None:
    """Give waiting rows a new state."""
    if (ring := ring_of(connection)) is not None:
        rows = [
            one._replace(payload=ring.seal(one.payload, bound_to(one.tenant, one.id))) if one.payload is not None else one
            for one in rows
        ]
    change(connection, _CLOSE, Close._fields, rows, now=now)


def queued_at(connection: Connection, tenant: str, ids: Sequence[str]) -> dict[str, datetime]:
    """When messages came in, by id."""
    rows = execute(
        connection,
        f"select id, created_at from rg_message where tenant = :tenant and id in {values('ids')}",
        {"tenant": tenant, "ids": bind(ids)},
    )
    return {identity: from_ms(at) for identity, at in rows}


def cancel(connection: Connection, tenant: str, identity: str, now: int) -> bool:
    """Cancel a message that has not left yet."""
    found = execute(
        connection,
        "update rg_message set state = 'cancelled', reason = 'cancelled.by_caller', updated_at = :now"
        " where tenant = :tenant and id = :id and state in ('queued', 'held')",
        {"tenant": tenant, "id": identity, "now": now},
    )
    if found.rowcount == 1:
        moves.note(connection, [(tenant, identity)])
    return found.rowcount == 1


def load(connection: Connection, tenant: str, identity: str) -> dict[str, Any] | None:
    """A message row as a mapping, or None."""
    found = execute(
        connection, "select * from rg_message where tenant = :tenant and id = :id", {"tenant": tenant, "id": identity}
    ).mappings()
    return found[0] if found else None


def count_by_state(connection: Connection, tenant: str) -> dict[str, int]:
    rows = execute(connection, "select state, count(*) from rg_message where tenant = :tenant group by state", {"tenant": tenant})
    return {key: value for key, value in rows}  # noqa: C416 - a cursor is no mapping for dict()
