"""Migrations on a real PostgreSQL: up and down with data in it, and the same tables as a new database has."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, inspect, text

from postgres import database
from recallgate import Message
from recallgate.model.errors import StoreError
from recallgate.store import messages
from recallgate.store.postgres import PostgresStore
from recallgate.store.tables import HEAD
from recallgate.store.upgrade import downgrade, upgrade, version


def described(url: str) -> dict[str, Any]:
    """Columns, keys and indexes of every table of ours."""

    def work(connection: Connection) -> dict[str, Any]:
        seen = inspect(connection)
        return {
            table: (
                [(column["name"], str(column["type"]), column["nullable"]) for column in seen.get_columns(table)],
                seen.get_pk_constraint(table)["constrained_columns"],
                sorted((index["name"] or "", tuple(index["column_names"]), index["unique"]) for index in seen.get_indexes(table)),
            )
            for table in seen.get_table_names()
            if table.startswith("rg_")
        }

    return inside(url, work)


def inside(url: str, work: Any) -> Any:
    async def run() -> Any:
        store = PostgresStore(url, pool=0)
        await store.open()
        try:
            return await store.run(work)
        finally:
            await store.close()

    return asyncio.run(run())


def test_migrated_and_new_databases_have_the_same_tables(postgres_server: Any) -> None:
    new, migrated = database(postgres_server, empty=True), database(postgres_server, empty=True)
    inside(new, lambda connection: None)

    assert upgrade(migrated) == HEAD

    assert described(migrated) == described(new)


def test_up_and_down_with_data_in_it(postgres_server: Any) -> None:
    url = database(postgres_server, empty=True)
    upgrade(url)
    message = Message.sms("+14155550123", "Hello", purpose="service")
    inside(url, lambda c: messages.insert(c, [message], datetime(2026, 11, 20, tzinfo=UTC)))

    assert downgrade(url, to="base") == ""
    assert version(url) == ""
    assert upgrade(url) == HEAD
    assert inside(url, lambda c: messages.count_by_state(c, "default")) == {}


def test_a_database_of_another_version_is_not_opened(postgres_server: Any) -> None:
    url = database(postgres_server, empty=True)
    upgrade(url)
    inside(url, lambda c: c.execute(text("update rg_schema_version set version_num = '9999'")))

    with pytest.raises(StoreError, match="recallgate db upgrade"):
        inside(url, lambda c: None)


def test_a_server_that_is_not_there_is_named(tmp_path: Any) -> None:
    with pytest.raises(StoreError, match="PostgreSQL"):
        upgrade(f"postgresql://postgres@/postgres?host={tmp_path}")
