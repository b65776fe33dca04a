"""Events: stored once each, matched to messages, and folded into states."""

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from recallgate.model.event import EventType
from recallgate.model.state import REPORTED, State, after_report
from recallgate.store.dialect import bind, execute, page
from recallgate.store.rows import change


class EventRow(NamedTuple):
    """An event as it is stored; `dedupe` makes a second copy harmless, `message_id` may be found later."""

    tenant: str
    dedupe: str
    type: str
    message_id: str | None
    vendor_id: str | None
    account: str | None
    person: str | None
    at: int
    received_at: int
    status: str | None
    kind: str | None
    code: str | None
    data: str


class Subject(NamedTuple):
    """The message behind an event, with what side effects need to know."""

    tenant: str
    id: str
    state: str
    channel: str
    purpose: str
    person: str | None
    address: str
    campaign: str | None
    account: str | None
    payload: str


_SUBJECT = ", ".join("m." + name for name in Subject._fields)


Asked = tuple[str | None, str | None, str | None]


def find_messages(connection: Connection, tenant: str, asked: Iterable[Asked]) -> dict[Asked, Subject]:
    """The messages behind (message id, vendor id, account): by our id, else by the vendor's in that account."""
    wanted = sorted(set(asked), key=str)
    found: dict[Asked, Subject] = {}
    if ours := [one for one in wanted if one[0] is not None]:
        for row in execute(
            connection,
            f"select p.message_id, p.vendor_id, p.account, {_SUBJECT} from {page('asked', ('message_id', 'vendor_id', 'account'))} p"
            " cross join rg_message m where m.tenant = :tenant and m.id = p.message_id {lock:m}",
            {"tenant": tenant, "asked": bind(ours)},
        ):
            found[row[0], row[1], row[2]] = Subject(*row[3:])
    if theirs := [one for one in wanted if one not in found and one[1] is not None and one[2] is not None]:
        for row in execute(
            connection,
            f"select p.message_id, p.vendor_id, p.account, {_SUBJECT} from {page('asked', ('message_id', 'vendor_id', 'account'))} p"
            " cross join rg_message m where m.account = p.account and m.vendor_id = p.vendor_id and m.tenant = :tenant {lock:m}",
            {"tenant": tenant, "asked": bind(theirs)},
        ):
            found[row[0], row[1], row[2]] = Subject(*row[3:])
    return found


def insert(connection: Connection, rows: Sequence[EventRow]) -> set[str]:
    """Store events; answers the dedupe keys of those that were new."""
    _, new = change(
        connection,
        f"insert into rg_event ({', '.join(EventRow._fields)}) select p.* from {{page}} p where true"
        " on conflict do nothing returning dedupe",
        EventRow._fields,
        rows,
    )
    return {dedupe for (dedupe,) in new}


class Change(NamedTuple):
    """A state that a report raised."""

    tenant: str
    id: str
    state: str
    kind: str | None
    reason: str | None
    delivered_at: int | None
    accepted_at: int | None
    was: str


def fold(subject: Subject, news: Iterable[tuple[EventType, int, str | None, str | None]]) -> Change | None:
    """The state after reports (type, at, kind, code), whatever their order; None when nothing changes."""
    state = State(subject.state)
    kind = reason = None
    delivered_at = accepted_at = None
    for event, at, event_kind, code in news:
        after = after_report(state, event)
        if REPORTED.get(event) is State.DELIVERED:
            delivered_at = at if delivered_at is None else min(delivered_at, at)
        if after is not state:
            accepted_at = at if accepted_at is None else min(accepted_at, at)
            kind = event_kind if after is State.UNDELIVERED else None
            reason = f"report.{code or event.value}" if after is State.UNDELIVERED else None
        state = after
    if state == subject.state and delivered_at is None:
        return None
    return Change(subject.tenant, subject.id, state.value, kind, reason, delivered_at, accepted_at, subject.state)


def apply(connection: Connection, changes: Iterable[Change], *, now: int) -> None:
    """Raise states, only from the state that was read in this transaction."""
    execute(
        connection,
        "update rg_message set state = p.state, kind = case when p.state <> p.was then p.kind else rg_message.kind end,"
        " reason = case when p.state <> p.was and coalesce(rg_message.reason, '') not in ('uncertain.sent_again', 'uncertain.repeated_with_key')"
        " then p.reason else rg_message.reason end,"
        " delivered_at = case when rg_message.delivered_at <= p.delivered_at then rg_message.delivered_at"
        " else coalesce(p.delivered_at, rg_message.delivered_at) end,"
        " accepted_at = coalesce(rg_message.accepted_at, p.accepted_at), updated_at = :now,"
        " settle_at = case when p.was = 'accepted' and p.state = 'sent' then rg_message.settle_at end"
        f" from {page('rows', Change._fields)} p"
        " where rg_message.tenant = p.tenant and rg_message.id = p.id and rg_message.state || '' = p.was",
        {"rows": bind(changes), "now": now},
    )


def orphans(
    connection: Connection, receipts: Iterable[tuple[str, str]]
) -> list[tuple[int, str, str, str, int, str | None, str | None]]:
    """Events that came before their receipt: (seq, account, vendor id, type, at, kind, code) of (account, vendor id) pairs."""
    rows = execute(
        connection,
        f"select e.seq, e.account, e.vendor_id, e.type, e.at, e.kind, e.code from {page('rows', ('account', 'vendor_id'))} p"
        " cross join rg_event e where e.account = p.account and e.vendor_id = p.vendor_id"
        " and e.message_id is null and e.vendor_id is not null order by e.seq",
        {"rows": bind(receipts)},
    )
    return [(seq, account, vendor_id, kind, at, error, code) for seq, account, vendor_id, kind, at, error, code in rows]


_KNOWN_AS = "replace(rg_event.dedupe, '|' || rg_event.vendor_id || '|', '|' || p.message_id || '|')"


def adopt(connection: Connection, rows: Iterable[tuple[int, str, str | None]]) -> None:
    """Tie orphans to their message: (seq, message id, person). A copy that comes from now on is known by the message."""
    execute(
        connection,
        "update rg_event set message_id = p.message_id, person = p.person, dedupe = case when exists (select 1 from rg_event x"
        f" where x.tenant = rg_event.tenant and x.dedupe = {_KNOWN_AS}) then rg_event.dedupe else {_KNOWN_AS} end"
        f" from {page('rows', ('seq', 'message_id', 'person'))} p where rg_event.seq = p.seq",
        {"rows": bind(rows)},
    )


def keep_raw(connection: Connection, values: dict[str, Any]) -> None:
    """Keep a callback that was genuine but could not be read, so that nothing told is lost."""
    execute(
        connection,
        "insert into rg_callback (tenant, account, received_at, method, url, headers, body, error)"
        " values (:tenant, :account, :received_at, :method, :url, :headers, :body, :error)",
        {**values, "headers": json.dumps(values["headers"])},
    )


def of_messages(connection: Connection, tenant: str, ids: Sequence[str]) -> dict[str, list[tuple[str, int, str]]]:
    """(type, at, data) of the events of messages, by message id, in order of their instants."""
    found: dict[str, list[tuple[str, int, str]]] = {}
    for identity, kind, at, data in execute(
        connection,
        "select message_id, type, at, data from rg_event where tenant = :tenant"
        " and message_id in {values:ids} order by at, type, dedupe",
        {"tenant": tenant, "ids": bind(ids)},
    ):
        found.setdefault(identity, []).append((kind, at, data))
    return found
