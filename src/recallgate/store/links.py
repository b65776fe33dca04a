"""Short links and their hits."""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.store.dialect import bind, execute, page
from recallgate.store.rows import insert as insert_rows
from recallgate.store.sealed import bound_to
from recallgate.store.vault import ring_of


class LinkRow(NamedTuple):
    """A code for one destination in one message; `kind` is click, unsubscribe or trap."""

    code: str
    tenant: str
    message_id: str
    target: str
    kind: str
    created_at: int


def insert(connection: Connection, rows: Sequence[LinkRow]) -> None:
    insert_rows(connection, "rg_link", LinkRow._fields, rows, rest="on conflict do nothing")


class Found(NamedTuple):
    """A link with what a hit is judged by: its message's person, delivery and channel."""

    code: str
    tenant: str
    message_id: str
    target: str
    kind: str
    person: str | None
    address: str | None
    channel: str | None
    delivered_at: int | None
    accepted_at: int | None
    topic: str | None


def find(connection: Connection, code: str) -> Found | None:
    row = execute(
        connection,
        "select l.code, l.tenant, l.message_id, l.target, l.kind, m.person, m.address, m.channel, m.delivered_at, m.accepted_at,"
        " m.payload from rg_link l"
        " left join rg_message m on m.tenant = l.tenant and m.id = l.message_id where l.code = :code",
        {"code": code},
    ).one_or_none()
    if row is None:
        return None
    *known, payload = row
    ring = ring_of(connection)
    if ring is not None and payload is not None:
        payload = ring.open(payload, bound_to(known[1], known[2]))
    topic = None if payload is None else json.loads(payload).get("topic")
    return Found(*(*known, topic))


class Hit(NamedTuple):
    """One request for a link, judged human, bot or unknown."""

    tenant: str
    code: str
    message_id: str
    at: int
    verdict: str
    reason: str
    method: str
    agent: str | None


def record_hits(connection: Connection, rows: Iterable[Hit]) -> None:
    execute(
        connection,
        f"insert into rg_click ({', '.join(Hit._fields)}) select p.* from {page('rows', Hit._fields)} p where true",
        {"rows": bind(rows)},
    )


def recent_hits(connection: Connection, tenant: str, message_id: str, since: int) -> list[tuple[str, int]]:
    """(code, at) of hits on any link of a message since an instant."""
    rows = execute(
        connection,
        "select code, at from rg_click where tenant = :tenant and message_id = :message and at >= :since",
        {"tenant": tenant, "message": message_id, "since": since},
    )
    return [(code, at) for code, at in rows]
