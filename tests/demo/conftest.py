"""One run of the demo, shared by all tests of this folder."""

import sqlite3
from collections.abc import Iterator

import pytest

from demo.runs import Demo, demo

CUSTOMERS, SEED = 1200, "2026"


@pytest.fixture(scope="session")
def run_of_demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """1,200 customers, some twenty seconds."""
    return demo(tmp_path_factory.mktemp("demo") / "out", customers=CUSTOMERS, seed=SEED)


@pytest.fixture
def store(run_of_demo: Demo) -> Iterator[sqlite3.Connection]:
    """The store after the run, read only."""
    connection = sqlite3.connect(f"file:{run_of_demo.store}?mode=ro", uri=True)
    yield connection
    connection.close()
