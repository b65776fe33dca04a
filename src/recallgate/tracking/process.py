"""Applying events: stored once, folded into states, with their side effects, all in one transaction."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.model.clock import to_ms
from recallgate.model.custody import ERASED
from recallgate.model.event import Event, EventType
from recallgate.optout.answers import Left
from recallgate.optout.effects import Effects, effects_of
from recallgate.store import asked, campaigns, events, ledger, people
from recallgate.store.events import Change, EventRow, Subject
from recallgate.tracking.health import HealthCounts


@dataclass(frozen=True)
class Told:
    """An event and who told it: the account whose vendor did, None for the gateway itself.

    `channel` is the account's, for events that no message is known for; `codes` the opt-out codes of its own suffix.
    `sender`: what an opt-out told here is from, `*` for everything that we send.
    """

    event: Event
    account: str | None = None
    channel: str | None = None
    codes: Sequence[str] = ()
    sender: str = "*"


@dataclass(frozen=True)
class Applied:
    """What a batch of events did: those that were new, with our message id filled in, and how many states changed."""

    events: tuple[Event, ...] = ()
    people: tuple[str | None, ...] = ()
    changed: int = 0
    duplicates: int = 0
    help_wanted: tuple[str, ...] = field(default=(), repr=False)
    left: tuple[Left, ...] = field(default=(), repr=False)


class _News(NamedTuple):
    """An event with the message and person behind it."""

    told: Told
    subject: Subject | None
    person: str | None


def apply_events(connection: Connection, batch: Sequence[Told], *, tenant: str, now: datetime) -> Applied:
    """Store events and do what follows, a few statements for the whole batch."""
    at_now = to_ms(now)
    found = events.find_messages(
        connection, tenant, [(told.event.message_id, told.event.vendor_id, told.account) for told in batch]
    )
    owners = _owners(connection, tenant, batch, found)
    rows: list[EventRow] = []
    keyed: dict[str, _News] = {}
    for told in batch:
        subject = _subject(told, found)
        person = subject.person if subject is not None else owners.get(told.event.address or "")
        news = _News(told, subject, person)
        key = _dedupe(news)
        if key not in keyed:
            keyed[key] = news
            rows.append(_row(news, key, tenant=tenant, now=at_now))
    fresh = events.insert(connection, rows)
    new = [news for key, news in keyed.items() if key in fresh]
    changes = _fold(connection, new, at_now)
    effects = Effects()
    health = HealthCounts(tenant, at_now)
    for told, subject, person in new:
        if subject is not None and subject.payload == ERASED:
            continue  # nothing follows for somebody who was erased
        before = len(effects.suppressions)
        effects_of(
            told.event,
            effects,
            tenant=tenant,
            now=now,
            subject=subject,
            person=person,
            channel=subject.channel if subject is not None else told.channel or "*",
            codes=told.codes,
            sender=told.sender,
        )
        health.told(told.event, subject.account if subject is not None else told.account, effects.suppressions[before:])
    health.changed(changes)
    if health.rows:
        asked.count(connection, health.rows)
    answered = [news.subject for news in new if news.told.event.type is EventType.ANSWERED and news.subject is not None]
    if answered:
        ledger.connect(connection, [(tenant, whom, one.id) for one in answered for whom in _counted(one)])
    carry_out(connection, effects, tenant, at_now)
    wakes = sorted({(news.person, news.told.event.type.value) for news in new if news.person is not None})
    if wakes:
        campaigns.wake(connection, tenant, wakes, now=at_now)
    return Applied(
        tuple(
            replace(news.told.event, message_id=news.subject.id if news.subject is not None else news.told.event.message_id)
            for news in new
        ),
        tuple(news.person for news in new),
        len(changes),
        len(batch) - len(new),
        tuple(effects.answers),
        tuple(effects.left),
    )


def _subject(told: Told, found: Mapping[events.Asked, Subject]) -> Subject | None:
    return found.get((told.event.message_id, told.event.vendor_id, told.account))


def _owners(connection: Connection, tenant: str, batch: Sequence[Told], found: Mapping[events.Asked, Subject]) -> dict[str, str]:
    strangers = sorted({told.event.address for told in batch if told.event.address is not None and _subject(told, found) is None})
    return people.person_of(connection, tenant, strangers) if strangers else {}


def _counted(subject: Subject) -> tuple[str, ...]:
    """Whom a message was counted for."""
    address = f"a:{subject.address}"
    return (address, f"p:{subject.person}") if subject.person is not None else (address,)


def _dedupe(news: _News) -> str:
    """The vendor's own id of the news; where there is none, the news itself."""
    event, account = news.told.event, news.told.account or ""
    who = news.subject.id if news.subject is not None else event.vendor_id or event.address or ""
    if event.vendor_event_id is not None:
        return f"{account}|{event.type}|{event.vendor_event_id}"
    said = hashlib.sha256((event.text or "").encode()).hexdigest()[:16] if event.text else ""
    return f"{account}|{event.type}|{who}|{event.status or ''}|{to_ms(event.at) if event.at else ''}|{said}"


def _row(news: _News, key: str, *, tenant: str, now: int) -> EventRow:
    event = news.told.event
    gone = news.subject is not None and news.subject.payload == ERASED
    kept = {} if gone else event.data
    data = {name: value for name, value in kept.items() if isinstance(value, (str, int, float, bool)) or value is None}
    return EventRow(
        tenant,
        key,
        event.type.value,
        news.subject.id if news.subject is not None else None,
        event.vendor_id,
        news.told.account,
        news.person,
        to_ms(event.at) if event.at is not None else now,
        now,
        event.status,
        event.kind.value if event.kind is not None else None,
        event.code,
        json.dumps(data, ensure_ascii=False, sort_keys=True) if data else "{}",
    )


def _fold(connection: Connection, new: Sequence[_News], now: int) -> list[tuple[Change, str | None]]:
    """Raise states; answers what changed, and through which account each message had gone."""
    told: dict[str, list[tuple[EventType, int, str | None, str | None]]] = {}
    subjects: dict[str, Subject] = {}
    for news in new:
        if news.subject is not None:
            event = news.told.event
            subjects[news.subject.id] = news.subject
            at = to_ms(event.at) if event.at is not None else now
            told.setdefault(news.subject.id, []).append((event.type, at, event.kind.value if event.kind else None, event.code))
    changes = [change for identity, items in told.items() if (change := events.fold(subjects[identity], items)) is not None]
    if changes:
        events.apply(connection, changes, now=now)
    return [(change, subjects[change.id].account) for change in changes]


def carry_out(connection: Connection, effects: Effects, tenant: str, now: int) -> None:
    """Write side effects to the ledgers."""
    if effects.suppressions:
        ledger.suppress(connection, effects.suppressions)
    for subject, channel in effects.cleared:
        ledger.clear(connection, tenant, subject, reason="opt_out", now=now, channel=channel)
    if effects.consents:
        ledger.record_consents(connection, effects.consents)
    if effects.dead:
        people.bury_contacts(connection, effects.dead, now=now)
