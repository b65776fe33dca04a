"""Moves: what became of messages by no attempt, decision or report, written down so that every state can be explained."""

from collections.abc import Sequence

from sqlalchemy import Connection

from recallgate.store.rows import change

MOVED = "moved"  # the type of these events: `status` is the state, `code` the reason, `data` after which attempt

_NOTE = (
    "insert into rg_event (tenant, dedupe, type, message_id, at, received_at, status, code, data)"
    " select m.tenant, 'moved|' || m.id || '|' || m.attempts || '|' || m.state || '|' || m.updated_at, 'moved', m.id,"
    " m.updated_at, m.updated_at, m.state, m.reason, '{\"n\": ' || m.attempts || '}'"
    " from {page} p cross join rg_message m where m.tenant = p.tenant and m.id = p.id on conflict do nothing"
)


def note(connection: Connection, rows: Sequence[Sequence[str]]) -> None:
    """Write down the state in which messages (tenant, id) were just put: one statement a page."""
    if rows:
        change(connection, _NOTE, ("tenant", "id"), [tuple(row) for row in rows])
