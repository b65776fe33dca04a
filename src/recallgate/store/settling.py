"""Rows whose fate is asked for: uncertain ones, and those that accounts without reports took. One statement a page."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.store import moves
from recallgate.store.dialect import bind, execute, page
from recallgate.store.rows import change
from recallgate.store.sealed import opened

REPEATED = "uncertain.repeated_with_key"
NOT_TAKEN = "uncertain.not_taken"


class Try(NamedTuple):
    """An attempt: through which account, when it began and ended."""

    n: int
    account: str
    at: int
    finished_at: int | None

    @property
    def ended_at(self) -> int:
        return self.at if self.finished_at is None else self.finished_at


def tries(connection: Connection, pairs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], list[Try]]:
    """The attempts of messages (tenant, id), oldest first."""
    found: dict[tuple[str, str], list[Try]] = {}
    for tenant, identity, *rest in execute(
        connection,
        f"select a.tenant, a.message_id, a.n, a.account, a.at, a.finished_at from {page('rows', ('tenant', 'id'))} p"
        " cross join rg_attempt a where a.tenant = p.tenant and a.message_id = p.id order by a.tenant, a.message_id, a.n",
        {"rows": bind(pairs)},
    ):
        found.setdefault((tenant, identity), []).append(Try(*rest))
    return found


class Polled(NamedTuple):
    """A message that a vendor took who tells nothing by itself."""

    tenant: str
    id: str
    account: str
    vendor_id: str | None
    payload: str
    accepted_at: int


def polled(connection: Connection, *, now: int, most: int) -> list[Polled]:
    """Messages that were taken and are to be asked about now."""
    rows = execute(
        connection,
        f"select {', '.join(Polled._fields)} from rg_message where state in ('accepted', 'sent') and settle_at is not null"
        " and settle_at <= :now order by settle_at, id limit :most {take}",
        {"now": now, "most": most},
    )
    return list(opened(connection, [Polled(*row) for row in rows]))


_PUT_OFF = (
    "update rg_message set settle_at = p.settle_at from {page} p where rg_message.tenant = p.tenant and rg_message.id = p.id"
    " and rg_message.settle_at is not null"
)
_WATCH = (
    "update rg_message set settle_at = p.settle_at from {page} p where rg_message.tenant = p.tenant and rg_message.id = p.id"
    " and rg_message.state || '' in ('accepted', 'sent') and rg_message.settle_at is null"
)
_BACK = (
    "update rg_message set state = 'uncertain', kind = 'uncertain', reason = p.reason, due_at = p.due_at, settle_at = p.settle_at,"
    " planned_at = null, lease_until = 0, updated_at = :now from {page} p"
    " where rg_message.tenant = p.tenant and rg_message.id = p.id"
)
_NEVER_TAKEN = (
    "update rg_attempt set outcome = 'failed', kind = 'temporary', code = 'not_taken', became = p.state from {page} p"
    " where rg_attempt.tenant = p.tenant and rg_attempt.message_id = p.id and rg_attempt.outcome = 'uncertain'"
)
_UNCOUNT = (
    "update rg_cap_entry set state = p.state from {page} p"
    " where rg_cap_entry.tenant = p.tenant and rg_cap_entry.subject = p.subject and rg_cap_entry.message_id = p.id"
    " and rg_cap_entry.state <> p.state"
)


def put_off(connection: Connection, rows: Sequence[tuple[str, str, int | None]]) -> None:
    """Look at rows (tenant, id) again at another instant, or no more."""
    if rows:
        change(connection, _PUT_OFF, ("tenant", "id", "settle_at"), rows)


def watch(connection: Connection, rows: Sequence[tuple[str, str, int | None]]) -> None:
    """Messages (tenant, id) that turn out to have been taken by an account without reports are asked about from an instant on."""
    if rows:
        change(connection, _WATCH, ("tenant", "id", "settle_at"), rows)


def back(connection: Connection, rows: Sequence[tuple[str, str, str | None, int, int]], *, now: int) -> None:
    """Rows (tenant, id, reason, due_at, settle_at) that were about to be repeated in this transaction stay uncertain."""
    if rows:
        change(connection, _BACK, ("tenant", "id", "reason", "due_at", "settle_at"), rows, now=now)
        moves.note(connection, [(tenant, identity) for tenant, identity, *_ in rows])


def still_uncertain(connection: Connection, pairs: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of some messages (tenant, id) of which nothing was told meanwhile; nobody else changes them until the commit."""
    rows = execute(
        connection,
        f"select m.tenant, m.id from {page('rows', ('tenant', 'id'))} p cross join rg_message m"
        " where m.tenant = p.tenant and m.id = p.id and m.state || '' = 'uncertain' {lock:m}",
        {"rows": bind(pairs)},
    )
    return {(tenant, identity) for tenant, identity in rows}


def never_taken(connection: Connection, rows: Sequence[tuple[str, str, str]]) -> None:
    """The vendor has never heard of messages (tenant, id, state that follows): their uncertain attempts are failed ones."""
    change(connection, _NEVER_TAKEN, ("tenant", "id", "state"), rows)


def count(connection: Connection, rows: Sequence[tuple[str, str, str]], *, state: str) -> None:
    """Set the cap entries of messages (tenant, subject, id) to `counted` or `released`; only those that exist."""
    if rows:
        entries = [(*row, state) for row in rows]
        change(connection, _UNCOUNT, ("tenant", "subject", "id", "state"), entries)


class Known(NamedTuple):
    """A short link of a message as it was first made."""

    message_id: str
    target: str
    kind: str
    code: str


def codes(connection: Connection, pairs: Iterable[tuple[str, str]]) -> list[Known]:
    """All links of messages (tenant, id), oldest first."""
    rows = execute(
        connection,
        f"select l.message_id, l.target, l.kind, l.code from {page('rows', ('tenant', 'id'))} p cross join rg_link l"
        " where l.tenant = p.tenant and l.message_id = p.id order by l.created_at, l.code",
        {"rows": bind(pairs)},
    )
    return [Known(*row) for row in rows]


def next_due(connection: Connection, *, polls: bool) -> int | None:
    """The earliest instant at which a row is to be looked at."""
    uncertain = "select min(settle_at) as at from rg_message where state = 'uncertain' and settle_at is not null"
    taken = "select min(settle_at) from rg_message where state in ('accepted', 'sent') and settle_at is not null"
    statement = f"select min(at) from ({uncertain} union all {taken}) as due" if polls else uncertain
    found = execute(connection, statement).scalar()
    return int(found) if found is not None else None
