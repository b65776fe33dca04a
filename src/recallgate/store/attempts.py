"""Attempts: the intent before a vendor is called, the outcome after."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.store import moves
from recallgate.store.dialect import bind, execute, page
from recallgate.store.rows import change, insert
from recallgate.store.sealed import bound_to, opened
from recallgate.store.vault import ring_of


class Intent(NamedTuple):
    """That a message is about to be sent: as what, through which account, as the n-th attempt.

    `marketing`: 1; 0 for service and transactional; -1 for a code just asked for, which only a dead or blocked address stops.
    """

    tenant: str
    id: str
    channel: str
    account: str
    n: int
    payload: str | None
    marketing: int
    sender: str
    topic: str
    person: str | None
    address: str


class Outcome(NamedTuple):
    """What came of an attempt, and what follows for the message."""

    tenant: str
    id: str
    n: int
    outcome: str
    state: str
    reason: str | None = None
    kind: str | None = None
    code: str | None = None
    detail: str | None = None
    vendor_id: str | None = None
    due_at: int | None = None
    settle_at: int | None = None
    accepted_at: int | None = None
    parts: int | None = None
    cost_micros: int | None = None


# A message that was sent again without knowing whether it had arrived keeps that mark for good, and so does a repeat with a key.
_KEPT = "case when rg_message.reason in ('uncertain.sent_again', 'uncertain.repeated_with_key') then rg_message.reason end"
_ATTEMPT = ("tenant", "message_id", "n", "account", "channel", "at")
_BLOCKING = "('invalid', 'hard_bounce', 'manual', 'region_block')"

_INTEND = (
    "update rg_message set state = 'sending', channel = p.channel, account = p.account, attempts = p.n, intent_at = :now,"
    f" reason = {_KEPT}, kind = null, payload = coalesce(p.payload, rg_message.payload), lease_until = :until, updated_at = :now"
    " from {page} p"
    " where rg_message.tenant = p.tenant and rg_message.id = p.id and rg_message.state || '' in ('queued', 'held')"
    "{unpaused} and not exists (select 1 from rg_suppression s where s.tenant = p.tenant"
    "  and s.subject in ('p:' || coalesce(p.person, ''), 'a:' || p.address)"
    "  and s.cleared_at is null and (s.effective_at <= :now or s.effective_at <= s.received_at)"
    "  and (s.expires_at is null or s.expires_at > :now)"
    "  and s.channel in ('*', p.channel) and s.topic in ('*', p.topic) and s.sender in ('*', p.sender)"
    f"  and (p.marketing = 1 or (s.all_purposes = 1 and s.topic = '*' and p.marketing = 0) or s.reason in {_BLOCKING}))"
    " returning rg_message.id"
)
# What a vendor took is what nearly all outcomes are: fewer values, the same effect.
_ACCEPTED = ("tenant", "id", "n", "vendor_id", "accepted_at", "parts", "cost_micros")
_ACCEPT_ATTEMPT = (
    "update rg_attempt set finished_at = :now, outcome = 'accepted', kind = null, code = null, detail = null,"
    " vendor_id = p.vendor_id from {page} p"
    " where rg_attempt.tenant = p.tenant and rg_attempt.message_id = p.id and rg_attempt.n = p.n"
)
_ACCEPT_MESSAGE = (
    f"update rg_message set state = 'accepted', reason = {_KEPT}, kind = null, vendor_id = p.vendor_id, settle_at = null,"
    " accepted_at = p.accepted_at, parts = p.parts, cost_micros = p.cost_micros, lease_until = 0, updated_at = :now from {page} p"
    " where rg_message.tenant = p.tenant and rg_message.id = p.id and rg_message.state || '' in ('sending', 'uncertain')"
    " and rg_message.attempts = p.n"
)
_FINISH_ATTEMPT = (
    "update rg_attempt set finished_at = :now, outcome = p.outcome, kind = p.kind, code = p.code, detail = p.detail,"
    " vendor_id = p.vendor_id, became = p.state from {page} p"
    " where rg_attempt.tenant = p.tenant and rg_attempt.message_id = p.id and rg_attempt.n = p.n"
)
_FINISH_MESSAGE = (
    f"update rg_message set state = p.state, reason = case when p.state in ('queued', 'held') then coalesce({_KEPT}, p.reason)"
    f" else coalesce(p.reason, {_KEPT}) end, kind = p.kind,"
    " vendor_id = coalesce(p.vendor_id, rg_message.vendor_id), due_at = coalesce(p.due_at, rg_message.due_at),"
    " settle_at = p.settle_at, accepted_at = coalesce(p.accepted_at, rg_message.accepted_at),"
    " parts = coalesce(p.parts, rg_message.parts), cost_micros = coalesce(p.cost_micros, rg_message.cost_micros),"
    " lease_until = 0, updated_at = :now from {page} p"
    " where rg_message.tenant = p.tenant and rg_message.id = p.id and rg_message.state || '' in ('sending', 'uncertain')"
    " and rg_message.attempts = p.n"
)
_LATE_RECEIPT = (
    "update rg_message set vendor_id = p.vendor_id, accepted_at = coalesce(rg_message.accepted_at, p.accepted_at),"
    " parts = coalesce(rg_message.parts, p.parts), cost_micros = coalesce(rg_message.cost_micros, p.cost_micros),"
    " lease_until = 0 from {page} p"
    " where rg_message.tenant = p.tenant and rg_message.id = p.id and rg_message.vendor_id is null and p.vendor_id is not null"
)


def intend(connection: Connection, intents: Sequence[Intent], *, now: int, lease_until: int) -> set[str]:
    """Commit the intent: rows still waiting and not suppressed become `sending`; answers their ids.

    The suppression is asked for inside the statement: an opt-out that was committed before it stops the message.
    """
    if (ring := ring_of(connection)) is not None:
        intents = [
            one._replace(payload=ring.seal(one.payload, bound_to(one.tenant, one.id))) if one.payload is not None else one
            for one in intents
        ]
    _, returned = change(connection, _INTEND, Intent._fields, intents, now=now, until=lease_until)
    ours = {identity for (identity,) in returned}
    insert(
        connection,
        "rg_attempt",
        _ATTEMPT,
        [(one.tenant, one.id, one.n, one.account, one.channel, now) for one in intents if one.id in ours],
    )
    return ours


def finish(connection: Connection, outcomes: Sequence[Outcome], *, now: int) -> None:
    """Commit outcomes: the attempt and the message."""
    taken = [one for one in outcomes if one.state == "accepted" and one.settle_at is None]
    others = outcomes if not taken else [one for one in outcomes if one.state != "accepted" or one.settle_at is not None]
    moved = 0
    if taken:
        accepted = [(one.tenant, one.id, one.n, one.vendor_id, one.accepted_at, one.parts, one.cost_micros) for one in taken]
        change(connection, _ACCEPT_ATTEMPT, _ACCEPTED, accepted, now=now)
        moved += change(connection, _ACCEPT_MESSAGE, _ACCEPTED, accepted, now=now)[0]
    if others:
        change(connection, _FINISH_ATTEMPT, Outcome._fields, others, now=now)
        moved += change(connection, _FINISH_MESSAGE, Outcome._fields, others, now=now)[0]
    if moved < len(outcomes):
        # a report may have come before the receipt: the state is then higher already, and only the ids are still missing
        change(connection, _LATE_RECEIPT, Outcome._fields, outcomes)


def fault(
    connection: Connection, tenant: str, identity: str, *, n: int, kind: str, code: str | None, detail: str, now: int
) -> None:
    """Close an attempt that certainly sent nothing, before another follows inside the lease."""
    execute(
        connection,
        "update rg_attempt set finished_at = :now, outcome = 'failed', kind = :kind, code = :code, detail = :detail,"
        " became = 'sending'"
        " where tenant = :tenant and message_id = :id and n = :n",
        {"tenant": tenant, "id": identity, "n": n, "kind": kind, "code": code, "detail": detail, "now": now},
    )


def next_attempt(connection: Connection, tenant: str, identity: str, *, n: int, account: str, channel: str, now: int) -> bool:
    """A further try inside the lease, as its own row; False when the message is no longer ours to send."""
    moved = execute(
        connection,
        "update rg_message set attempts = :n, intent_at = :now, updated_at = :now"
        " where tenant = :tenant and id = :id and state = 'sending' and attempts = :n - 1",
        {"tenant": tenant, "id": identity, "n": n, "now": now},
    )
    if moved.rowcount != 1:
        return False
    execute(
        connection,
        "insert into rg_attempt (tenant, message_id, n, account, channel, at) values (:tenant, :id, :n, :account, :channel, :now)",
        {"tenant": tenant, "id": identity, "n": n, "account": account, "channel": channel, "now": now},
    )
    return True


_RENEW = (
    "update rg_message set lease_until = :until from {page} p"
    " where rg_message.tenant = p.tenant and rg_message.id = p.id and rg_message.state || '' = 'sending'"
    " and rg_message.attempts = p.n returning rg_message.tenant, rg_message.id"
)


def renew(connection: Connection, rows: Sequence[tuple[str, str, int]], *, until: int) -> set[tuple[str, str]]:
    """A longer lease for rows (tenant, id, attempt) that are still being sent by this attempt; answers which."""
    _, returned = change(connection, _RENEW, ("tenant", "id", "n"), rows, until=until)
    return {(tenant, identity) for tenant, identity in returned}


def tried(connection: Connection, pairs: Iterable[tuple[str, str]]) -> dict[str, list[tuple[str, str | None]]]:
    """The accounts that were tried for each message, oldest first, with the kind of failure."""
    found: dict[str, list[tuple[str, str | None]]] = {}
    for identity, account, kind in execute(
        connection,
        f"select a.message_id, a.account, a.kind from {page('rows', ('tenant', 'id'))} p cross join rg_attempt a"
        " where a.tenant = p.tenant and a.message_id = p.id order by a.message_id, a.n",
        {"rows": bind(pairs)},
    ):
        found.setdefault(identity, []).append((account, kind))
    return found


def reap(connection: Connection, *, now: int, settle_at: int) -> int:
    """Rows in `sending` whose lease has ended were perhaps sent: they become `uncertain`. Answers how many."""
    rows = execute(
        connection, "select tenant, id, attempts from rg_message where state = 'sending' and lease_until <= :now", {"now": now}
    )
    if not rows:
        return 0
    stuck = bind([tuple(row) for row in rows])
    execute(
        connection,
        "update rg_attempt set finished_at = :now, outcome = 'uncertain', kind = 'uncertain', code = 'crash'"
        f" from {page('rows', ('tenant', 'id', 'n'))} p"
        " where rg_attempt.tenant = p.tenant and rg_attempt.message_id = p.id and rg_attempt.n = p.n and rg_attempt.outcome is null",
        {"rows": stuck, "now": now},
    )
    found = execute(
        connection,
        "update rg_message set state = 'uncertain', kind = 'uncertain', reason = 'uncertain.crash', settle_at = :settle,"
        " lease_until = 0, updated_at = :now where state = 'sending' and lease_until <= :now",
        {"now": now, "settle": settle_at},
    )
    return found.rowcount


class Unsettled(NamedTuple):
    """An uncertain message that is to be looked at."""

    tenant: str
    id: str
    purpose: str
    account: str | None
    vendor_id: str | None
    payload: str
    attempts: int
    expires_at: int | None
    channel: str
    reason: str | None
    rank: int
    created_at: int
    due_at: int
    person: str | None
    address: str

    @property
    def subjects(self) -> tuple[str, ...]:
        """Under which names it is counted."""
        return ("a:" + self.address,) if self.person is None else ("a:" + self.address, "p:" + self.person)


def unsettled(connection: Connection, *, now: int, most: int) -> list[Unsettled]:
    rows = execute(
        connection,
        f"select {', '.join(Unsettled._fields)} from rg_message where state = 'uncertain' and settle_at <= :now"
        " order by settle_at, id limit :most {take}",
        {"now": now, "most": most},
    )
    return list(opened(connection, [Unsettled(*row) for row in rows]))


def settle(connection: Connection, rows: Iterable[tuple[str, str, str, str, int | None]], *, now: int) -> None:
    """Close uncertain rows or send them again: (tenant, id, state, reason, due_at)."""
    rows = list(rows)
    execute(
        connection,
        "update rg_message set state = p.state, reason = p.reason, due_at = coalesce(p.due_at, rg_message.due_at),"
        f" settle_at = null, updated_at = :now from {page('rows', ('tenant', 'id', 'state', 'reason', 'due_at'))} p"
        " where rg_message.tenant = p.tenant and rg_message.id = p.id and rg_message.state || '' = 'uncertain'",
        {"rows": bind(rows), "now": now},
    )
    moves.note(connection, [(tenant, identity) for tenant, identity, state, *_ in rows if state != "uncertain"])
