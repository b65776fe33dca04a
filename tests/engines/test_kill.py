"""The kill loop in short: the same as `python tests/kill.py`, which takes longer and more of it."""

from pathlib import Path

import pytest

import kill
from engines.conftest import new_store

# engine, store, whether the vendor takes keys, kills
LOOPS = [("embedded", "sqlite", False, 15), ("pgqueuer", "postgres", True, 5)]


@pytest.mark.parametrize(("engine", "store", "keys", "kills"), LOOPS)
def test_killed_workers_lose_nothing_and_double_nothing_unsaid(
    engine: str, store: str, keys: bool, kills: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    address = new_store(request, tmp_path, store)

    tally = kill.run(kills, workers=4, engine=engine, store=address, folder=tmp_path, keys=keys, every=(0.1, 0.4))

    assert tally.faults(keys=keys) == []
    assert tally.uncertain > 0 or engine == "pgqueuer"  # somebody was killed while sending; tickets may all have been idle
