"""Applying events: stored once, folded into states, with their side effects, all in one transaction."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import Connection

from recallgate.model.clock import to_ms
from recallgate.model.event import Event, EventType
from recallgate.optout.effects import Effects, effects_of
from recallgate.store import campaigns, events, ledger, people
from recallgate.store.events import EventRow, Subject


@dataclass(frozen=True)
class Applied:
    """What a batch of events did: those that were new, with our message id and person filled in."""

    events: tuple[Event, ...] = ()
    people: tuple[str | None, ...] = ()
    changed: int = 0
    duplicates: int = 0
    replies: tuple[str, ...] = field(default=(), repr=False)


def apply_events(
    connection: Connection,
    told: Sequence[Event],
    *,
    tenant: str,
    account: str | None,
    now: datetime,
    sender_codes: Mapping[str, Sequence[str]] | None = None,
    channel: str | None = None,
) -> Applied:
    """Store events and do what follows. `account` is the one whose vendor told them, None for the gateway itself.

    `sender_codes` are the opt-out codes of the account's own suffix; `channel` is the account's, for events that no
    message is known for (a reply out of the blue).
    """
    at_now = to_ms(now)
    found = events.find_messages(connection, tenant, account, [(event.message_id, event.vendor_id) for event in told])
    owners = _owners(connection, tenant, told, found)
    rows: list[EventRow] = []
    keyed: dict[str, tuple[Event, Subject | None, str | None]] = {}
    for event in told:
        subject = _subject(event, found)
        key = _dedupe(event, subject, account)
        person = subject.person if subject is not None else owners.get(event.address or "")
        rows.append(_row(event, subject, person, key, tenant=tenant, account=account, now=at_now))
        keyed.setdefault(key, (event, subject, person))
    fresh = events.insert(connection, rows)
    new = [(event, subject, person) for key, (event, subject, person) in keyed.items() if key in fresh]
    changed = _fold(connection, new, at_now)
    effects = Effects()
    for event, subject, person in new:
        effects_of(
            event,
            effects,
            tenant=tenant,
            now=now,
            subject=subject,
            person=person,
            channel=subject.channel if subject is not None else channel or "*",
            codes=(sender_codes or {}).get(account or "", ()),
        )
    _carry_out(connection, effects, tenant, at_now)
    wakes = [(person, event.type.value) for event, _, person in new if person is not None]
    if wakes:
        campaigns.wake(connection, tenant, wakes, now=at_now)
    return Applied(
        tuple(replace(event, message_id=subject.id if subject is not None else event.message_id) for event, subject, _ in new),
        tuple(person for _, _, person in new),
        changed,
        len(told) - len(new),
        tuple(effects.answers),
    )


def _subject(event: Event, found: Mapping[tuple[str | None, str | None], Subject]) -> Subject | None:
    subject = found.get((event.message_id, event.vendor_id))
    if subject is None and event.message_id is not None:
        subject = found.get((None, event.vendor_id))
    return subject


def _owners(
    connection: Connection, tenant: str, told: Sequence[Event], found: Mapping[tuple[str | None, str | None], Subject]
) -> dict[str, str]:
    strangers = sorted({event.address for event in told if event.address is not None and _subject(event, found) is None})
    return people.person_of(connection, tenant, strangers) if strangers else {}


def _dedupe(event: Event, subject: Subject | None, account: str | None) -> str:
    """The vendor's own id of the news; where there is none, the news itself."""
    who = subject.id if subject is not None else event.vendor_id or event.address or ""
    if event.vendor_event_id is not None:
        return f"{account or ''}|{event.type}|{event.vendor_event_id}"
    said = hashlib.sha256((event.text or "").encode()).hexdigest()[:16] if event.text else ""
    return f"{account or ''}|{event.type}|{who}|{event.status or ''}|{to_ms(event.at) if event.at else ''}|{said}"


def _row(
    event: Event, subject: Subject | None, person: str | None, key: str, *, tenant: str, account: str | None, now: int
) -> EventRow:
    data = {name: value for name, value in event.data.items() if isinstance(value, (str, int, float, bool)) or value is None}
    return EventRow(
        tenant,
        key,
        event.type.value,
        subject.id if subject is not None else None,
        event.vendor_id,
        account,
        person,
        to_ms(event.at) if event.at is not None else now,
        now,
        event.status,
        event.kind.value if event.kind is not None else None,
        event.code,
        json.dumps(data, ensure_ascii=False, sort_keys=True) if data else "{}",
    )


def _fold(connection: Connection, new: Sequence[tuple[Event, Subject | None, str | None]], now: int) -> int:
    news: dict[str, list[tuple[EventType, int, str | None, str | None]]] = {}
    subjects: dict[str, Subject] = {}
    for event, subject, _ in new:
        if subject is not None:
            subjects[subject.id] = subject
            at = to_ms(event.at) if event.at is not None else now
            news.setdefault(subject.id, []).append((event.type, at, event.kind.value if event.kind else None, event.code))
    changes = [change for identity, told in news.items() if (change := events.fold(subjects[identity], told)) is not None]
    if changes:
        events.apply(connection, changes, now=now)
    return len(changes)


def _carry_out(connection: Connection, effects: Effects, tenant: str, now: int) -> None:
    if effects.suppressions:
        ledger.suppress(connection, effects.suppressions)
    for subject, channel in effects.cleared:
        ledger.clear(connection, tenant, subject, reason="opt_out", now=now, channel=channel)
    if effects.consents:
        ledger.record_consents(connection, effects.consents)
    if effects.dead:
        people.bury_contacts(connection, effects.dead, now=now)
