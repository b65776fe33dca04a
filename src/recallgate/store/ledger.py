"""The ledgers: caps, suppressions, consents, decisions. Append-only but for cap states and cleared suppressions."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.store.dialect import bind, execute, page, values
from recallgate.store.rows import change, insert
from recallgate.store.vault import hidden_of, known_hidden, vault_of


class CapEntry(NamedTuple):
    """A counted send, written with the intent; one row for the person, one for the address."""

    tenant: str
    subject: str
    message_id: str
    at: int
    channel: str
    purpose: str
    campaign: str | None
    tags: str


def reserve(connection: Connection, entries: Iterable[CapEntry]) -> None:
    """Count messages before they leave; another try of the same message counts once, from its newest intent."""
    insert(
        connection,
        "rg_cap_entry",
        (*CapEntry._fields, "state"),
        [(*entry, "counted") for entry in entries],
        rest="on conflict (tenant, subject, message_id) do update"
        " set at = excluded.at, channel = excluded.channel, state = 'counted'",
    )


def release(connection: Connection, entries: Iterable[tuple[str, str, str]]) -> None:
    """Count no longer what certainly was not sent: (tenant, subject, message id)."""
    change(
        connection,
        "update rg_cap_entry set state = 'released' from {page} p"
        " where rg_cap_entry.tenant = p.tenant and rg_cap_entry.subject = p.subject and rg_cap_entry.message_id = p.message_id",
        ("tenant", "subject", "message_id"),
        list(entries),
    )


def connect(connection: Connection, entries: Iterable[tuple[str, str, str]]) -> None:
    """Note that calls were answered: (tenant, subject, message id); caps may count connects apart from attempts."""
    change(
        connection,
        "update rg_cap_entry set state = 'connected' from {page} p"
        " where rg_cap_entry.tenant = p.tenant and rg_cap_entry.subject = p.subject and rg_cap_entry.message_id = p.message_id"
        " and rg_cap_entry.state = 'counted'",
        ("tenant", "subject", "message_id"),
        list(entries),
    )


class SuppressionRow(NamedTuple):
    """A person (`p:`) or address (`a:`) that is not written to."""

    tenant: str
    subject: str
    channel: str
    topic: str
    sender: str
    reason: str
    all_purposes: int
    source: str
    proof: str | None
    review: int
    received_at: int
    effective_at: int
    expires_at: int | None
    cleared_at: int | None = None


def suppress(connection: Connection, rows: Iterable[SuppressionRow]) -> int:
    """Add suppressions; one that stands already with the same scope and reason is not added again.

    What comes later for somebody who was erased, such as a bounce of their last message, is kept under their hash.
    """
    rows = _veiled(connection, rows)
    found = execute(
        connection,
        f"insert into rg_suppression ({', '.join(SuppressionRow._fields)})"
        f" select p.* from {page('rows', SuppressionRow._fields)} p where not exists ("
        "  select 1 from rg_suppression s where s.tenant = p.tenant and s.subject = p.subject and s.channel = p.channel"
        "  and s.topic = p.topic and s.sender = p.sender and s.reason = p.reason and (s.cleared_at is null"
        "  or s.cleared_at = p.cleared_at) and (s.expires_at is null or s.expires_at >= p.expires_at))",
        {"rows": bind(rows)},
    )
    return found.rowcount


def _veiled(connection: Connection, rows: Iterable[SuppressionRow]) -> list[SuppressionRow]:
    given = list(rows)
    for tenant in {row.tenant for row in given} if vault_of(connection) is not None else ():
        hidden = hidden_of(connection, tenant, {row.subject for row in given if row.tenant == tenant})
        known = {hidden[one]: one for one in known_hidden(connection, tenant, list(hidden))} if hidden else {}
        given = [
            row._replace(subject=known[row.subject], proof=None) if row.tenant == tenant and row.subject in known else row
            for row in given
        ]
    return given


def clear(
    connection: Connection, tenant: str, subject: str, *, reason: str, now: int, channel: str = "*", topic: str = "*"
) -> int:
    """End suppressions of one reason (an opt-in clears `opt_out` only, never a complaint); a topic ends no wider one."""
    subjects = [subject, *hidden_of(connection, tenant, [subject])]
    found = execute(
        connection,
        f"update rg_suppression set cleared_at = :now where tenant = :tenant and subject in {values('subjects')} and reason = :reason"
        " and cleared_at is null and (:channel = '*' or channel in ('*', :channel)) and (:topic = '*' or topic = :topic)",
        {"tenant": tenant, "subjects": bind(subjects), "reason": reason, "now": now, "channel": channel, "topic": topic},
    )
    return found.rowcount


class ConsentRow(NamedTuple):
    """A consent given or withdrawn, with its proof."""

    tenant: str
    subject: str
    channel: str
    topic: str
    brand: str
    granted: int
    at: int
    source: str
    proof: str | None


def record_consents(connection: Connection, rows: Iterable[ConsentRow]) -> None:
    execute(
        connection,
        f"insert into rg_consent ({', '.join(ConsentRow._fields)}) select p.* from {page('rows', ConsentRow._fields)} p where true",
        {"rows": bind(rows)},
    )


def record_new_consents(connection: Connection, rows: Iterable[ConsentRow]) -> int:
    """Record consents that are not recorded yet, by everything but their proof; answers how many were new."""
    same = " and ".join(f"c.{name} = p.{name}" for name in ConsentRow._fields if name != "proof")
    found = execute(
        connection,
        f"insert into rg_consent ({', '.join(ConsentRow._fields)}) select p.* from {page('rows', ConsentRow._fields)} p"
        f" where not exists (select 1 from rg_consent c where {same})",
        {"rows": bind(rows)},
    )
    return found.rowcount


class DecisionRow(NamedTuple):
    """Why a message was sent, held or dropped; one for every time it was decided."""

    tenant: str
    message_id: str
    at: int
    verdict: str
    channel: str
    code: str | None
    policy: str | None
    rule_id: str | None
    until: int | None
    facts: str
    trace: str | None


def record_decisions(connection: Connection, rows: Iterable[DecisionRow]) -> None:
    insert(connection, "rg_decision", DecisionRow._fields, rows)
