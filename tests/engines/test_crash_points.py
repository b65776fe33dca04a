"""Every named step, dead once and twice: `python tests/crash.py` tries every pair of places."""

import logging

import pytest

import crash
from gateway.ground import live
from recallgate.store.choice import store_of

STEPS = {"submit", "claim and intent", "call", "outcome", "callback", "reap"}


@live
async def test_a_process_may_die_at_any_two_steps(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    store = store_of("sqlite://", simulated=False)
    await store.open()
    tried, broken, names = await crash.every(crash.World(store))
    await store.close()

    assert broken == []
    assert {name.partition(":")[0] for name in names} >= STEPS
    assert tried > 100


@live
async def test_on_postgres_a_process_may_die_at_any_step(postgres_url: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)
    store = store_of(postgres_url, simulated=False)
    await store.open()
    tried, broken, _ = await crash.every(crash.World(store), pairs="none")
    await store.close()

    assert broken == []
    assert tried > 20
