"""People and what they do: as the app tells it, written down, and what wakes because of it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from recallgate.model.address import Address
from recallgate.model.clock import to_ms
from recallgate.store import campaigns, people
from recallgate.store.people import ContactRow, PersonEventRow, PersonRow


@dataclass(frozen=True)
class PersonRecord:
    """A person as the app knows them; `contacts` maps channel names to addresses in order of preference."""

    id: str
    zone: str | None = None
    region: str | None = None
    country: str | None = None
    locale: str | None = None
    device_zone: str | None = None
    cluster: str | None = None
    contacts: Mapping[str, Sequence[Address]] = field(default_factory=dict, repr=False)
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def row(self, tenant: str) -> PersonRow:
        return PersonRow(
            tenant,
            self.id,
            self.cluster or self.id,
            self.zone,
            self.region,
            self.country,
            self.device_zone,
            self.locale,
            data=_json(self.data),
        )

    def contact_rows(self, tenant: str) -> list[ContactRow]:
        return [
            ContactRow(tenant, self.id, channel, position, address.model_dump_json(), address.key)
            for channel, addresses in self.contacts.items()
            for position, address in enumerate(addresses)
        ]


@dataclass(frozen=True)
class PersonEvent:
    """Something a person did in the app: `returned`, `core_action`, `converted`, `repeat`, or a word of your own.

    `amount_cents` is in the currency's smallest unit. The same `dedupe` is the same event.
    """

    person: str
    type: str
    at: datetime
    amount_cents: int | None = None
    dedupe: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)

    def row(self, tenant: str) -> PersonEventRow:
        at = to_ms(self.at)
        same = self.dedupe or f"{self.type}:{at}:{self.amount_cents or ''}"
        return PersonEventRow(tenant, self.person, self.type, at, same, self.amount_cents, _json(self.data))


def save_people(connection: Connection, records: Sequence[PersonRecord], *, tenant: str) -> None:
    """Store or renew people and their addresses."""
    people.save_people(connection, [one.row(tenant) for one in records])
    people.save_contacts(connection, [row for one in records for row in one.contact_rows(tenant)])


def record_deeds(connection: Connection, rows: Sequence[PersonEventRow], *, tenant: str, now: int) -> int:
    """Write what people did, once each, and wake their plays; answers how many were new."""
    new = people.record_events(connection, rows)
    if new:
        campaigns.wake(connection, tenant, new, now=now)
    return len(new)


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(dict(data), ensure_ascii=False, sort_keys=True) if data else "{}"
