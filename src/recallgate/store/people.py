"""People: what the app knows of them, how they are reached, what they did."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from recallgate.model.errors import ConfigError
from recallgate.store.dialect import bind, execute, page, values
from recallgate.store.sealed import bound_to
from recallgate.store.vault import ring_of


class PersonRow(NamedTuple):
    """A person; `cluster` joins people who share an address, `data` is JSON for templates and segments."""

    tenant: str
    id: str
    cluster: str
    zone: str | None = None
    region: str | None = None
    country: str | None = None
    device_zone: str | None = None
    locale: str | None = None
    windows: str | None = None
    paused_until: int | None = None
    caps: str | None = None
    data: str = "{}"


class ContactRow(NamedTuple):
    """One way to reach a person; `address` is the address as JSON, `position` the order of preference."""

    tenant: str
    person: str
    channel: str
    position: int
    address: str
    key: str


_CHOSEN = ("windows", "paused_until", "caps")


def prefer(connection: Connection, row: PersonRow) -> None:
    """Write what a person chose: hours, pause and frequency as they are in the row, and nothing else of a known person."""
    execute(
        connection,
        f"insert into rg_person ({', '.join(PersonRow._fields)}) select p.* from {page('rows', PersonRow._fields)} p where true"
        " on conflict (tenant, id) do update set windows = excluded.windows, paused_until = excluded.paused_until,"
        " caps = excluded.caps",
        {"rows": bind([row])},
    )


def save_people(connection: Connection, rows: Iterable[PersonRow]) -> None:
    """Store or renew people; what they chose themselves (hours, pause, frequency) stays where the row does not say."""
    columns = ", ".join(PersonRow._fields)
    updates = ", ".join(
        f"{name} = coalesce(excluded.{name}, rg_person.{name})" if name in _CHOSEN else f"{name} = excluded.{name}"
        for name in PersonRow._fields
        if name not in ("tenant", "id")
    )
    execute(
        connection,
        f"insert into rg_person ({columns}) select p.* from {page('rows', PersonRow._fields)} p where true"
        f" on conflict (tenant, id) do update set {updates}",
        {"rows": bind(rows)},
    )


def save_contacts(connection: Connection, rows: Iterable[ContactRow]) -> None:
    if (ring := ring_of(connection)) is not None:
        rows = [one._replace(address=ring.seal(one.address, bound_to(*one[:4]))) for one in rows]
    execute(
        connection,
        f"insert into rg_contact ({', '.join(ContactRow._fields)}) select p.* from {page('rows', ContactRow._fields)} p where true"
        " on conflict (tenant, person, channel, position) do update set address = excluded.address, key = excluded.key,"
        " dead_at = case when rg_contact.key = excluded.key then rg_contact.dead_at else null end",
        {"rows": bind(rows)},
    )


_SHOWN = ("id", "cluster", "zone", "region", "country", "device_zone", "locale", "windows", "paused_until", "data")


def load_people(connection: Connection, tenant: str, people: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Person rows by id, with `contacts`: {channel: [address as JSON, …]} in order of preference, dead ones left out."""
    scope = {"tenant": tenant, "people": bind(people)}
    found: dict[str, dict[str, Any]] = {}
    for row in execute(
        connection, f"select {', '.join(_SHOWN)} from rg_person where tenant = :tenant and id in {values('people')}", scope
    ):
        known = dict(zip(_SHOWN, row, strict=True))
        known["data"] = json.loads(known["data"]) if known["data"] != "{}" else {}
        known["contacts"] = {}
        found[known["id"]] = known
    ring = ring_of(connection)
    for person, channel, address, position in execute(
        connection,
        f"select person, channel, address, position from rg_contact where tenant = :tenant and person in {values('people')}"
        " and dead_at is null order by person, channel, position",
        scope,
    ):
        if ring is not None:
            address = ring.open(address, bound_to(tenant, person, channel, position))
        if person in found:
            found[person]["contacts"].setdefault(channel, []).append(address)
    return found


def bury_contacts(connection: Connection, rows: Iterable[tuple[str, str]], *, now: int) -> None:
    """Mark addresses as dead: (tenant, address key)."""
    execute(
        connection,
        f"update rg_contact set dead_at = :now from {page('rows', ('tenant', 'key'))} p"
        " where rg_contact.tenant = p.tenant and rg_contact.key = p.key and rg_contact.dead_at is null",
        {"rows": bind(rows), "now": now},
    )


def person_of(connection: Connection, tenant: str, keys: Sequence[str]) -> dict[str, str]:
    """Address key -> person, for addresses that belong to one."""
    rows = execute(
        connection,
        f"select key, min(person) from rg_contact where tenant = :tenant and key in {values('keys')} group by key",
        {"tenant": tenant, "keys": bind(keys)},
    )
    return {key: value for key, value in rows}  # noqa: C416 - a cursor is no mapping for dict()


class PersonEventRow(NamedTuple):
    """Something a person did in the app: returned, core_action, converted, repeat or a custom name."""

    tenant: str
    person: str
    type: str
    at: int
    dedupe: str
    amount_cents: int | None
    data: str


def record_events(connection: Connection, rows: Iterable[PersonEventRow]) -> list[tuple[str, str]]:
    """Write what people did, once each; answers (person, type) of what was new."""
    found = execute(
        connection,
        f"insert into rg_person_event ({', '.join(PersonEventRow._fields)})"
        f" select p.* from {page('rows', PersonEventRow._fields)} p where true on conflict do nothing returning person, type",
        {"rows": bind(rows)},
    )
    return [(person, kind) for person, kind in found]


def did(connection: Connection, tenant: str, names: Sequence[str]) -> dict[str, list[tuple[str, int]]]:
    """What people did in the app: (type, at) by person, oldest first."""
    found: dict[str, list[tuple[str, int]]] = {}
    for person, kind, at in execute(
        connection,
        f"select person, type, at from rg_person_event where tenant = :tenant and person in {values('people')} order by person, at, seq",
        {"tenant": tenant, "people": bind(names)},
    ):
        found.setdefault(person, []).append((kind, at))
    return found


def did_of(
    connection: Connection, tenant: str, names: Sequence[str], *, field: str
) -> dict[str, list[tuple[str, int, str | None]]]:
    """What people did: (type, at, what the event's data has in `field`) by person, oldest first."""
    found: dict[str, list[tuple[str, int, str | None]]] = {}
    for person, kind, at, key in execute(
        connection,
        f"select person, type, at, {{text:data:{_field(field)}}} from rg_person_event"
        f" where tenant = :tenant and person in {values('people')} order by person, at, seq",
        {"tenant": tenant, "people": bind(names)},
    ):
        found.setdefault(person, []).append((kind, at, None if key is None else str(key)))
    return found


class Started(NamedTuple):
    """An event that starts a run: `seq`, its number, becomes the run's; `key` is what the run belongs to."""

    person: str
    seq: int
    at: int
    key: str
    data: Mapping[str, Any]


def starts(connection: Connection, tenant: str, campaign: str, *, event: str, key: str | None, most: int) -> list[Started]:
    """Events of a type that came since the campaign was stored and have no run yet, the first of each key, oldest first.

    Without `key` each event is one of its own.
    """
    what = f"coalesce({{text:e.data:{_field(key)}}}, cast(e.seq as text))" if key else "cast(e.seq as text)"
    rows = execute(
        connection,
        f"select e.person, e.seq, e.at, {what}, e.data from rg_person_event e"
        " join rg_campaign g on g.tenant = e.tenant and g.id = :campaign and g.state = 'launched'"
        " where e.tenant = :tenant and e.type = :event and e.at >= g.launched_at and e.seq > coalesce("
        "  (select max(r.run) from rg_run r where r.tenant = :tenant and r.campaign = :campaign), 0) - 1000"
        " and not exists (select 1 from rg_run r where r.tenant = e.tenant and r.campaign = :campaign and r.person = e.person"
        f"  and (r.run = e.seq or {{text:r.data:key}} = {what}))"
        " order by e.seq limit :most",
        {"tenant": tenant, "campaign": campaign, "event": event, "most": most},
    )
    first: dict[tuple[str, str], Started] = {}
    for person, seq, at, value, data in rows:
        first.setdefault((person, str(value)), Started(person, seq, at, str(value), json.loads(data)))
    return list(first.values())


def _field(name: str) -> str:
    if not name.isidentifier():
        raise ConfigError(f"trigger key: {name!r} is no name of a field; use letters, digits and underscores")
    return name


def story(connection: Connection, tenant: str, person: str) -> Mapping[str, list[dict[str, Any]]]:
    """Everything that the store knows of a person, by subject, oldest first."""
    scope = {"tenant": tenant, "person": person}
    keys = [
        key for (key,) in execute(connection, "select key from rg_contact where tenant = :tenant and person = :person", scope)
    ]
    scope["subjects"] = bind(["p:" + person, *("a:" + key for key in keys)])
    queries = {
        "messages": "select id, channel, purpose, state, reason, kind, campaign, step, created_at, due_at, accepted_at, planned_at"
        " from rg_message where tenant = :tenant and person = :person order by created_at, id",
        "decisions": "select d.message_id, d.at, d.verdict, d.channel, d.code, d.policy, d.rule_id, d.until, d.facts from rg_decision d"
        " join rg_message m on m.tenant = d.tenant and m.id = d.message_id"
        " where m.tenant = :tenant and m.person = :person order by d.seq",
        "events": "select message_id, type, at, status, kind, code from rg_event where tenant = :tenant and person = :person order by at, seq",
        "did": "select type, at, amount_cents from rg_person_event where tenant = :tenant and person = :person order by at, seq",
        "attempts": "select a.message_id, a.n, a.account, a.channel, a.at, a.finished_at, a.outcome, a.kind, a.code from rg_attempt a"
        " join rg_message m on m.tenant = a.tenant and m.id = a.message_id"
        " where m.tenant = :tenant and m.person = :person order by a.at, a.n",
        "people": "select zone, paused_until from rg_person where tenant = :tenant and id = :person",
        "suppressions": "select subject, channel, topic, reason, all_purposes, source, proof, effective_at, expires_at, cleared_at"
        " from rg_suppression"
        f" where tenant = :tenant and subject in {values('subjects')} order by seq",
        "consents": "select channel, topic, brand, granted, at, source from rg_consent"
        f" where tenant = :tenant and subject in {values('subjects')} order by seq",
        "runs": "select campaign, run, arm, holdout, state, ended, ended_at, started_at, assigned_at from rg_run"
        " where tenant = :tenant and person = :person order by started_at",
    }
    return {name: execute(connection, query, scope).mappings() for name, query in queries.items()}
