"""What an audit reads: messages with everything that was written down of them, and rows that belong to no message."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import Connection

from recallgate.store.dialect import Found, bind, execute, postgres, values
from recallgate.store.moves import MOVED


class MessageRow(NamedTuple):
    """A message as it stands."""

    id: str
    state: str
    attempts: int
    vendor_id: str | None


class AttemptRow(NamedTuple):
    """A try: when it began and ended, what came of it, and in which state it left the message."""

    n: int
    at: int
    finished_at: int | None
    outcome: str | None
    became: str | None
    vendor_id: str | None


class DecisionRow(NamedTuple):
    """An answer of the chain."""

    at: int
    verdict: str
    code: str | None


class ReportRow(NamedTuple):
    """News of a message, and when it came."""

    type: str
    received_at: int


class MoveRow(NamedTuple):
    """A state in which a message was put by hand or by a job, after the n-th attempt."""

    n: int
    state: str
    at: int


@dataclass
class Record:
    """A message and its history, oldest first."""

    message: MessageRow
    attempts: list[AttemptRow] = field(default_factory=list)
    decisions: list[DecisionRow] = field(default_factory=list)
    reports: list[ReportRow] = field(default_factory=list)
    moves: list[MoveRow] = field(default_factory=list)
    caps: set[str] = field(default_factory=set)


def records(connection: Connection, tenant: str, *, after: str, most: int) -> list[Record]:
    """Messages in the order of their ids, from the one that follows `after`, as of one instant."""
    if postgres(connection):
        execute(connection, "set transaction isolation level repeatable read, read only")
    rows = execute(
        connection,
        "select id, state, attempts, vendor_id from rg_message where tenant = :tenant and id > :after order by id limit :most",
        {"tenant": tenant, "after": after, "most": most},
    )
    found = {row[0]: Record(MessageRow(*row)) for row in rows}
    scope = {"tenant": tenant, "ids": bind(list(found))}

    def of(table: str, columns: str, order: str) -> Found:
        return execute(
            connection,
            f"select message_id, {columns} from {table} where tenant = :tenant and message_id in {values('ids')} order by {order}",
            scope,
        )

    for identity, *row in of("rg_attempt", ", ".join(AttemptRow._fields), "message_id, n"):
        found[identity].attempts.append(AttemptRow(*row))
    for identity, *row in of("rg_decision", ", ".join(DecisionRow._fields), "seq"):
        found[identity].decisions.append(DecisionRow(*row))
    for identity, kind, received, status, data in of("rg_event", "type, received_at, status, data", "seq"):
        if kind == MOVED:
            found[identity].moves.append(MoveRow(int(json.loads(data)["n"]), status, received))
        else:
            found[identity].reports.append(ReportRow(kind, received))
    counted = execute(
        connection,
        f"select m.id, c.state from rg_message m cross join rg_cap_entry c where m.tenant = :tenant and m.id in {values('ids')}"
        " and c.tenant = m.tenant and c.message_id = m.id and c.subject in ('a:' || m.address, 'p:' || coalesce(m.person, ''))",
        scope,
    )
    for identity, state in counted:
        found[identity].caps.add(state)
    return list(found.values())


_OWNED = ("rg_attempt", "rg_decision", "rg_event", "rg_link", "rg_click")


def strays(connection: Connection, tenant: str, *, most: int) -> Mapping[str, Sequence[Any]]:
    """Rows that name a message which is not there, as message ids by table."""
    found = {}
    for table in _OWNED:
        rows = execute(
            connection,
            f"select distinct t.message_id from {table} t where t.tenant = :tenant and t.message_id is not null"
            " and not exists (select 1 from rg_message m where m.tenant = t.tenant and m.id = t.message_id)"
            " order by 1 limit :most",
            {"tenant": tenant, "most": most},
        )
        found[table] = [identity for (identity,) in rows]
    return found
