"""Migrations make the same database as a new store does, keep rows on the way up and down, and refuse what they do not know."""

import asyncio
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from recallgate import Gateway, Message, StoreError
from recallgate.store.engine import Store
from recallgate.store.tables import HEAD, metadata
from recallgate.store.upgrade import downgrade, upgrade, version


def ask(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(statement).fetchall()


def schema(path: Path) -> dict[str, str]:
    """What SQLite itself remembers of every table and index: columns, types, keys, partial conditions."""
    rows = ask(path, "select name, sql from sqlite_master where sql is not null")
    return {name: re.sub(r"\s+", " ", sql).replace("( ", "(").replace(" )", ")") for name, sql in rows}


def accept(url: str, *ids: str) -> None:
    async def work() -> None:
        async with Gateway(store=url) as gateway:
            await gateway.submit(Message.sms("+14155550123", "Hi", purpose="service", id=one) for one in ids)

    asyncio.run(work())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recallgate.sqlite"


@pytest.fixture
def url(path: Path) -> str:
    return f"sqlite:///{path}"


def test_migrations_make_what_a_new_store_makes(path: Path, url: str, tmp_path: Path) -> None:
    made = tmp_path / "made.sqlite"
    engine = create_engine(f"sqlite:///{made}")
    metadata.create_all(engine)
    engine.dispose()

    upgrade(url)

    assert schema(path) == schema(made)


def test_the_newest_migration_is_the_version_that_the_store_needs(url: str) -> None:
    assert upgrade(url) == HEAD == version(url)


def test_a_new_store_needs_no_migration(path: Path, url: str) -> None:
    accept(url, "m1")
    before = schema(path)

    assert upgrade(url) == HEAD
    assert schema(path) == before
    assert len(ask(path, "select * from rg_message")) == 1


def test_a_migrated_database_is_opened_and_used(path: Path, url: str) -> None:
    upgrade(url)

    accept(url, "m1", "m2")

    assert ask(path, "select id from rg_message order by id") == [("m1",), ("m2",)]


def test_the_way_down_removes_our_tables_and_no_others(path: Path, url: str) -> None:
    accept(url, "m1")
    ask(path, "create table host_orders (id integer)")
    ask(path, "insert into host_orders values (7)")

    assert downgrade(url, to="base") == ""
    assert set(schema(path)) == {"rg_schema_version", "host_orders"}
    assert ask(path, "select * from host_orders") == [(7,)]


def test_up_after_down_is_whole_again(path: Path, url: str) -> None:
    upgrade(url)
    whole = schema(path)

    downgrade(url, to="base")
    upgrade(url)

    assert schema(path) == whole


def test_a_fault_on_the_way_leaves_the_database_as_it_was(path: Path, url: str) -> None:
    ask(path, "create table rg_run (of_somebody_else integer)")
    before = schema(path)

    with pytest.raises(StoreError, match="rg_run already exists"):
        upgrade(url)

    assert schema(path) == before


@pytest.mark.parametrize("found", ["0000", "9999"])
def test_a_store_refuses_another_version_and_names_the_command(path: Path, url: str, found: str) -> None:
    upgrade(url)
    ask(path, f"update rg_schema_version set version_num = '{found}'")  # noqa: S608 - a constant of this test

    with pytest.raises(StoreError, match=rf"version {found}, this release needs {HEAD}; run `recallgate db upgrade`"):
        asyncio.run(Store(url).open())


def test_a_database_of_a_newer_release_is_not_touched(path: Path, url: str) -> None:
    upgrade(url)
    ask(path, "update rg_schema_version set version_num = '9999'")
    before = schema(path)

    with pytest.raises(StoreError, match="newer release"):
        upgrade(url)

    assert schema(path) == before
    assert ask(path, "select * from rg_schema_version") == [("9999",)]


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_only_a_file_is_migrated(url: str) -> None:
    with pytest.raises(StoreError, match="sqlite:///path/to/file"):
        upgrade(url)


def test_a_file_that_is_no_database_is_refused(path: Path, url: str) -> None:
    path.write_text("not a database " * 100, encoding="utf-8")

    with pytest.raises(StoreError, match="not a database"):
        upgrade(url)
