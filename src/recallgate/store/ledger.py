"""The ledgers: caps, suppressions, consents, decisions. Append-only but for cap states and cleared suppressions."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.store import rows as table_rows
from recallgate.store.dialect import bind, page, sql


class CapEntry(NamedTuple):
    """A counted send, reserved before the call; one row for the person, one for the address."""

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
    table_rows.insert(
        connection,
        "rg_cap_entry",
        (*CapEntry._fields, "state"),
        [(*entry, "reserved") for entry in entries],
        rest="on conflict (tenant, subject, message_id) do update"
        " set at = excluded.at, channel = excluded.channel, state = 'reserved'",
    )


def settle_caps(connection: Connection, rows: Iterable[tuple[str, str, str, str]]) -> None:
    """Confirm or release entries: (tenant, subject, message id, state)."""
    connection.execute(
        sql(
            f"update rg_cap_entry set state = p.state from {page('rows', ('tenant', 'subject', 'message_id', 'state'))} p"
            " where rg_cap_entry.tenant = p.tenant and rg_cap_entry.subject = p.subject and rg_cap_entry.message_id = p.message_id"
        ),
        {"rows": bind(rows)},
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


def suppress(connection: Connection, rows: Iterable[SuppressionRow]) -> int:
    """Add suppressions; one that stands already with the same scope and reason is not added again."""
    found = connection.execute(
        sql(
            f"insert into rg_suppression ({', '.join(SuppressionRow._fields)})"
            f" select p.* from {page('rows', SuppressionRow._fields)} p where not exists ("
            "  select 1 from rg_suppression s where s.tenant = p.tenant and s.subject = p.subject and s.channel = p.channel"
            "  and s.topic = p.topic and s.sender = p.sender and s.reason = p.reason and s.cleared_at is null"
            "  and s.expires_at is null)"
        ),
        {"rows": bind(rows)},
    )
    return found.rowcount


def clear(connection: Connection, tenant: str, subject: str, *, reason: str, now: int, channel: str = "*") -> int:
    """End suppressions of one reason (an opt-in clears `opt_out` only, never a complaint)."""
    found = connection.execute(
        sql(
            "update rg_suppression set cleared_at = :now where tenant = :tenant and subject = :subject and reason = :reason"
            " and cleared_at is null and (:channel = '*' or channel in ('*', :channel))"
        ),
        {"tenant": tenant, "subject": subject, "reason": reason, "now": now, "channel": channel},
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
    connection.execute(
        sql(
            f"insert into rg_consent ({', '.join(ConsentRow._fields)}) select p.* from {page('rows', ConsentRow._fields)} p where true"
        ),
        {"rows": bind(rows)},
    )


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
    table_rows.insert(connection, "rg_decision", DecisionRow._fields, rows)
