"""Every test runs on SQLite in memory and on a real PostgreSQL, but for those that name their own store."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway import ground
from postgres import database


@pytest.fixture(params=["sqlite", "postgres"], autouse=True)
def where(request: pytest.FixtureRequest) -> Iterator[None]:
    """The database that `floor()` opens where a test names none."""
    if request.param == "sqlite":
        yield
        return
    server: Any = request.getfixturevalue("postgres_server")
    ground.DEFAULT["store"] = database(server)
    yield
    ground.DEFAULT["store"] = "sqlite://"
