"""Rows for a review's tests: a store in memory and short ways to fill it."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from recallgate.model.clock import to_ms
from recallgate.store import campaigns, people, tables

TENANT, CAMPAIGN = "default", "spring"


def at(text: str) -> int:
    """An instant in UTC as milliseconds."""
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=UTC))


def memory() -> Connection:
    connection = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False}).connect()
    tables.metadata.create_all(connection)
    connection.commit()
    return connection


def add_campaign(connection: Connection, *, holdout_bp: int = 5000) -> None:
    row = campaigns.CampaignRow(TENANT, CAMPAIGN, "1", "{}", "launched", holdout_bp, "s", None, at("2026-03-01T00:00"), "")
    campaigns.save(connection, row)


def run_row(
    person: str, *, holdout: int = 0, arm: str | None = None, assigned: str = "2026-03-02T01:00", data: str = "{}"
) -> campaigns.RunRow:
    started = at("2026-03-01T00:00")
    return campaigns.RunRow(
        TENANT, CAMPAIGN, person, 1, "1", arm, holdout, 0, "active", None, None, started, at(assigned), None, None, data
    )


def did(person: str, kind: str, when: str, cents: int | None = None) -> people.PersonEventRow:
    return people.PersonEventRow(TENANT, person, kind, at(when), f"{kind}-{when}", cents, "{}")


def message_row(identity: str, person: str, channel: str = "sms", **values: object) -> dict[str, object]:
    start = at("2026-03-02T01:00")
    row: dict[str, object] = {
        "tenant": TENANT,
        "id": identity,
        "channel": channel,
        "purpose": "marketing",
        "rank": 39,
        "state": "delivered",
        "person": person,
        "address": f"addr-{person}",
        "campaign": CAMPAIGN,
        "step": "first",
        "run": 1,
        "body_hash": "",
        "payload": "{}",
        "created_at": start,
        "updated_at": start,
        "due_at": start,
        "lease_until": 0,
        "attempts": 1,
        "account": "main",
    }
    return row | values


def insert(connection: Connection, table: str, rows: Iterable[dict[str, object]]) -> None:
    for row in rows:
        connection.execute(tables.metadata.tables[table].insert(), row)
