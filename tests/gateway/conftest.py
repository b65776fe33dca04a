"""Every test that stands on `ground()` (or on what is `served` upon it) runs on SQLite in memory and on a real PostgreSQL."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway import ground
from postgres import database as new_database


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    body = getattr(metafunc.function, "__wrapped__", metafunc.function)
    if {"ground", "served"} & set(body.__code__.co_names) and "store" not in body.__code__.co_consts:
        metafunc.parametrize("where", ["sqlite", "postgres"], indirect=True)


@pytest.fixture(autouse=True)
def where(request: pytest.FixtureRequest) -> Iterator[None]:
    """The database that `ground()` opens where a test names none."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield
        return
    server: Any = request.getfixturevalue("postgres_server")
    ground.DEFAULT["store"] = new_database(server)
    yield
    ground.DEFAULT["store"] = "sqlite://"
