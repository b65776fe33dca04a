"""Every case of the contract runs on the embedded engine over SQLite and PostgreSQL, and on PgQueuer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engines.floor import Floor
from postgres import database

GROUNDS = ("embedded-sqlite", "embedded-postgres", "pgqueuer-postgres")


@pytest.fixture(params=GROUNDS)
def floor(request: pytest.FixtureRequest, tmp_path: Path) -> Floor:
    """An engine and a new store for it."""
    engine, _, store = request.param.partition("-")
    return Floor(engine, new_store(request, tmp_path, store))


def new_store(request: pytest.FixtureRequest, folder: Path, kind: str) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder}/engine.sqlite"
    return database(request.getfixturevalue("postgres_server"))


@pytest.fixture(params=("sqlite", "postgres"))
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A new store of each kind."""
    return new_store(request, tmp_path, request.param)


@pytest.fixture
def postgres_url(postgres_server: Any) -> str:
    return database(postgres_server)


Until = Callable[[], Any]
