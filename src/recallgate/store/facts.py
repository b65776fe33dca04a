"""Facts for a page of messages, in one query a subject: what cases are made of."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from recallgate.model.channels import SHARED
from recallgate.model.clock import from_ms, to_ms
from recallgate.model.message import Message
from recallgate.policies.case import Consent, Enrolment, Holdout, Person, Sent, Suppression
from recallgate.policies.frequency_cap import FrequencyCap
from recallgate.store.dialect import bind, execute, lock_subjects, page, values
from recallgate.store.vault import hidden_of

# Cap entries older than this, and than the longest window of any rule, are not loaded.
CAP_HORIZON_MS = 32 * 86_400_000
_CALLS = ("voice", "worklist")
_MARKETING = frozenset({"marketing"})


Windows = tuple[tuple[tuple[int, ...], str, str], ...]


@dataclass
class Facts:
    """What the store knows of a page, by person (`p:`) and address (`a:`) subjects.

    `asked` gives the further facts of a message that policies ask for (message, place, account), where there are any.
    """

    people: dict[str, Person] = field(default_factory=dict)
    sent: dict[str, list[Sent]] = field(default_factory=dict)
    suppressions: dict[str, list[Suppression]] = field(default_factory=dict)
    consents: dict[str, list[Consent]] = field(default_factory=dict)
    enrolments: dict[tuple[str, str, int], Enrolment] = field(default_factory=dict)
    holdouts: dict[str, Holdout] = field(default_factory=dict)
    play_windows: dict[str, dict[str, Windows]] = field(default_factory=dict)
    paused: frozenset[tuple[str, str]] = frozenset()
    shared: frozenset[str] = frozenset()  # subjects of more than one message of the page
    own_caps: dict[str, tuple[FrequencyCap, ...]] = field(default_factory=dict)
    asked: Callable[..., Mapping[str, object]] | None = None
    hidden: Mapping[str, str] = field(default_factory=dict)  # of erased people who came back: hashed form -> subject


def subjects(message: Message) -> tuple[str, ...]:
    """Who a message is counted for: the person, if one is named, and each address that it may go to and that is one's own."""
    address = () if message.channel in SHARED else ("a:" + message.to.key,)
    own = address if message.person is None else ("p:" + message.person, *address)
    if not message.alternatives:
        return own
    return (*own, *("a:" + other.to.key for other in message.alternatives if other.channel not in SHARED))


def load(
    connection: Connection,
    messages: Sequence[Message],
    now: datetime,
    *,
    consents: bool,
    looks_back_ms: int = CAP_HORIZON_MS,
    capped: frozenset[str] = _MARKETING,
) -> Facts:
    """Read what all chains look at; the page has messages of one tenant.

    `looks_back_ms` is the span of sends that caps count, `capped` the purposes that some cap holds.
    """
    facts = Facts()
    tenant = messages[0].tenant
    asked = [subject for message in messages for subject in subjects(message)]
    distinct = sorted(set(asked))
    if len(distinct) < len(asked):
        facts.shared = frozenset(subject for subject, times in Counter(asked).items() if times > 1)
    facts.hidden = hidden_of(connection, tenant, distinct)
    keys = bind([*distinct, *facts.hidden] if facts.hidden else distinct)
    people = sorted({message.person for message in messages if message.person is not None})
    at = to_ms(now)
    scope = {"tenant": tenant, "keys": keys, "now": at, "people": bind(people), "since": at - looks_back_ms}
    _suppressions(connection, facts, scope, at)
    if any(message.purpose in capped for message in messages):
        lock_subjects(connection, distinct)
        _sent(connection, facts, scope, at)
    if any(message.purpose == "marketing" for message in messages):
        if consents:
            _consents(connection, facts, scope, at)
        _runs(connection, facts, messages, scope)
    if people:
        _people(connection, facts, scope)
    facts.paused = frozenset(
        (kind, name) for kind, name in _rows(connection, "select scope, name from rg_pause where tenant = :tenant", scope)
    )
    return facts


def _rows(connection: Connection, statement: str, scope: Mapping[str, object]) -> Iterable[Any]:
    """Rows of a query with named parameters; handed to the driver as it stands, since a page asks it again and again."""
    return execute(connection, statement, dict(scope))


_KEYS = values("keys")
_PEOPLE = values("people")


# What another process has written may be a moment ahead of the instant of this page: the clocks differ, and the page waited
# for its turn to write. It has happened all the same, and counts as of now.


def _suppressions(connection: Connection, facts: Facts, scope: Mapping[str, object], now: int) -> None:
    rows = _rows(
        connection,
        "select subject, reason, channel, topic, sender, all_purposes, received_at, effective_at, expires_at, source"
        " from rg_suppression"
        f" where tenant = :tenant and subject in {_KEYS} and cleared_at is null order by seq",
        scope,
    )
    for subject, reason, channel, topic, sender, every, received, effective, expires, source in rows:
        subject = facts.hidden.get(subject, subject)
        facts.suppressions.setdefault(subject, []).append(
            Suppression(
                reason=reason,
                channel=channel,
                topic=topic,
                sender=sender,
                all_purposes=bool(every),
                subject="person" if subject.startswith("p:") else "address",
                effective_at=from_ms(effective if effective > received else min(effective, now)),
                expires_at=from_ms(expires) if expires is not None else None,
                source=source,
            )
        )


def _sent(connection: Connection, facts: Facts, scope: Mapping[str, object], now: int) -> None:
    rows = _rows(
        connection,
        "select subject, at, channel, purpose, tags, campaign, state from rg_cap_entry"
        f" where tenant = :tenant and subject in {_KEYS} and at > :since and state <> 'released' order by at",
        scope,
    )
    for subject, at, channel, purpose, tags, campaign, state in rows:
        subject = facts.hidden.get(subject, subject)
        by = "person" if subject[0] == "p" else "address"
        facts.sent.setdefault(subject, []).append(
            Sent(from_ms(min(at, now)), channel, purpose, _tags(tags), campaign, by, state == "connected")
        )


@lru_cache(maxsize=1024)  # a campaign's are the same for all its messages
def _tags(stored: str) -> frozenset[str]:
    return frozenset(json.loads(stored))


def _consents(connection: Connection, facts: Facts, scope: Mapping[str, object], now: int) -> None:
    rows = _rows(
        connection,
        "select subject, channel, granted, at, topic, brand, source from rg_consent"
        f" where tenant = :tenant and subject in {_KEYS} order by at, seq",
        scope,
    )
    for subject, channel, granted, at, topic, brand, source in rows:
        facts.consents.setdefault(subject, []).append(
            Consent(channel=channel, granted=bool(granted), at=from_ms(min(at, now)), topic=topic, brand=brand, source=source)
        )


def _people(connection: Connection, facts: Facts, scope: Mapping[str, object]) -> None:
    returned = {
        person: from_ms(at)
        for person, at in _rows(
            connection,
            "select person, max(at) from rg_person_event where tenant = :tenant"
            f" and person in {_PEOPLE} and type in ('returned', 'converted') and at <= :now group by person",
            scope,
        )
    }
    refused = _refused(connection, scope)
    rows = _rows(
        connection,
        "select id, cluster, zone, region, country, device_zone, windows, paused_until, caps from rg_person"
        f" where tenant = :tenant and id in {_PEOPLE}",
        scope,
    )
    for identity, cluster, zone, region, country, device, windows, paused, caps in rows:
        if caps is not None:
            facts.own_caps[identity] = as_caps(caps)
        facts.people[identity] = Person(
            id=identity,
            cluster=cluster,
            zone=zone,
            region=region,
            country=country,
            device_zone=device,
            windows=as_windows(windows),
            paused_until=from_ms(paused) if paused is not None else None,
            returned_at=returned.get(identity),
            refused_at=refused.get(identity, {}),
        )
    for identity in (*returned, *refused):
        if identity not in facts.people:
            facts.people[identity] = Person(
                id=identity, cluster=identity, returned_at=returned.get(identity), refused_at=refused.get(identity, {})
            )


def _refused(connection: Connection, scope: Mapping[str, object]) -> dict[str, dict[str, datetime]]:
    """The newest refusal of each person by channel. A call is a call: a no to a human rests the machine's calls too."""
    found: dict[str, dict[str, datetime]] = {}
    for person, channel, at in _rows(
        connection,
        "select e.person, coalesce(m.channel, 'voice'), max(e.at) from rg_event e"
        " left join rg_message m on m.tenant = e.tenant and m.id = e.message_id"
        f" where e.tenant = :tenant and e.type = 'refused' and e.person in {_PEOPLE} and e.at <= :now group by 1, 2",
        scope,
    ):
        for rests in _CALLS if channel in _CALLS else (channel,):
            known = found.setdefault(person, {}).get(rests)
            found[person][rests] = max(from_ms(at), known or from_ms(at))
    return found


def _runs(connection: Connection, facts: Facts, messages: Sequence[Message], scope: Mapping[str, object]) -> None:
    asked = sorted(
        {
            (message.origin.campaign, message.person, message.origin.run)
            for message in messages
            if message.origin is not None and message.origin.campaign is not None and message.person is not None
        }
    )
    campaigns = sorted({message.origin.campaign for message in messages if message.origin and message.origin.campaign})
    if not campaigns:
        return
    for identity, share, salt, windows in _rows(
        connection,
        "select id, holdout_bp, holdout_salt, windows from rg_campaign where tenant = :tenant and id in {values:campaigns}",
        {**scope, "campaigns": bind(campaigns)},
    ):
        facts.holdouts[identity] = Holdout("play", salt, share)
        facts.play_windows[identity] = {
            channel: as_windows(json.dumps(spans)) for channel, spans in json.loads(windows or "{}").items()
        }
    for campaign, person, run, started, ended in _rows(
        connection,
        "select r.campaign, r.person, r.run, r.started_at, r.ended"
        f" from {page('runs', ('campaign', 'person', 'run'))} p cross join rg_run r"
        " where r.tenant = :tenant and r.campaign = p.campaign and r.person = p.person and r.run = p.run",
        {**scope, "runs": bind(asked)},
    ):
        # a run that came to its end is no reason against its last messages; one that was cut short is
        facts.enrolments[campaign, person, run] = Enrolment(
            campaign, run, from_ms(started), None if ended == "completed" else ended
        )


@lru_cache(maxsize=1024)
def as_caps(stored: str) -> tuple[FrequencyCap, ...]:
    """A person's own maximum frequency, stored as [[limit, seconds, channel or null], …]."""
    return tuple(
        FrequencyCap(
            limit=limit,
            window=timedelta(seconds=seconds),
            scope="channel" if channel else "global",
            match=channel,
            on_exceed="defer",
            name="own_caps",
        )
        for limit, seconds, channel in json.loads(stored)
    )


def as_windows(stored: str | None) -> Windows:
    """Stored allowed hours as the case has them: ((weekdays), "HH:MM", "HH:MM")."""
    if not stored:
        return ()
    return tuple((tuple(days), start, end) for days, start, end in json.loads(stored))
