"""Databases that stop, lock and fill up under load, and workers that are asked to end: nothing lost, nothing doubled."""

import asyncio
import os
import signal
import sqlite3
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import kill
from engines.floor import Floor, hello, rows, script, states, until
from gateway.ground import live
from postgres import database, server
from recallgate import Gateway, StoreError
from recallgate.delivery.worker import Pace
from recallgate.testing.chaos import accepted
from recallgate.testing.chaos_adapter import install

RESUME_S = 30.0  # within 5 s on a machine that is not busy with other tests


@live
async def test_postgres_is_stopped_and_started_under_load(caplog: pytest.LogCaptureFixture) -> None:
    with server() as running:
        floor = Floor("embedded", database(running))
        async with floor.working() as worker:
            await worker.submit([hello(n) for n in range(400)])
            await until(lambda: len(script(worker).sent) > 100)
            await worker.submit([hello(n) for n in range(400)])
            await asyncio.to_thread(stop, running)
            with pytest.raises(StoreError, match=r"PostgreSQL|store:"):
                await worker.submit([hello(9999)])
            await asyncio.sleep(0.5)
            await asyncio.to_thread(running.ensure_postgres_running)
            before = len(script(worker).sent)

            async def back() -> bool:
                return len(script(worker).sent) > before or await over(worker)

            await until(back, within=RESUME_S)
            await until(lambda: over(worker), within=20)

            async def written() -> bool:
                return (await states(worker)).get("accepted") == len(script(worker).sent)

            await until(written, within=RESUME_S)
            found = await states(worker)
            sent = [one.id for one in script(worker).sent]
            assert len(sent) == len(set(sent))
            # an intent whose commit nobody confirmed waits for its lease, and is then called uncertain
            assert sum(found.values()) == 800
            assert set(found) <= {"accepted", "sending", "uncertain"}
    assert "the store is away; nothing is lost" in caplog.text
    assert "the store is back" in caplog.text


def stop(running: Any) -> None:
    """End the server at once, as a crash does: what is not committed is gone."""
    os.kill(running.get_pid(), signal.SIGQUIT)
    while (Path(running.pgdata) / "postmaster.pid").exists():
        time.sleep(0.02)


async def over(gateway: Gateway) -> bool:
    return not await rows(gateway, "select 1 from rg_message where state in ('queued', 'held') limit 1")


@live
async def test_sqlite_is_locked_by_somebody_else_for_a_while(tmp_path: Path) -> None:
    floor = Floor("embedded", f"sqlite:///{tmp_path}/locked.sqlite")
    async with floor.working() as worker:
        await worker.submit([hello(n) for n in range(100)])
        other = sqlite3.connect(tmp_path / "locked.sqlite", isolation_level=None, timeout=5)
        other.execute("begin immediate")
        submitting = asyncio.create_task(worker.submit([hello(n) for n in range(100)]))
        await asyncio.sleep(1)
        assert not submitting.done()
        other.execute("rollback")
        other.close()
        await until(lambda: len(script(worker).sent) == 200, within=RESUME_S)
    assert (await submitting)[0].duplicate is False


@live
async def test_a_new_file_that_another_process_makes_at_this_moment_is_waited_for(tmp_path: Path) -> None:
    # SQLite says at once that it is locked, whatever the timeout, while somebody else writes the first page
    other = sqlite3.connect(tmp_path / "new.sqlite", isolation_level=None)
    other.execute("begin immediate")
    gateway = Floor("embedded", f"sqlite:///{tmp_path}/new.sqlite").make()
    opening = asyncio.create_task(gateway.open())
    await asyncio.sleep(0.2)
    assert not opening.done()
    other.execute("rollback")
    other.close()
    await opening
    await gateway.close()


@live
async def test_a_full_disk_refuses_new_messages_and_keeps_the_old(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    floor = Floor("embedded", f"sqlite:///{tmp_path}/full.sqlite")
    async with floor.working() as worker:
        slow(worker, 0.02)
        await worker.submit([hello(n) for n in range(300)])
        await until(lambda: len(script(worker).tried) > 20)
        await worker.store.run(lambda c: full(c, yes=True))
        with pytest.raises(StoreError, match="free some space; nothing that was accepted is lost"):
            for n in range(50):
                await worker.submit([hello(n) for n in range(200)])
        await asyncio.sleep(0.5)
        await worker.store.run(lambda c: full(c, yes=False))
        await until(lambda: over(worker), within=30)

        sent = [one.id for one in script(worker).sent]
        assert len(sent) == len(set(sent))
        assert set(await states(worker)) <= {"accepted", "sending"}
    assert "free some space" in caplog.text


def full(connection: Any, *, yes: bool) -> None:
    """Let the database have no room left, or plenty."""
    raw = connection.connection.driver_connection
    ((pages,),) = raw.execute("pragma page_count").fetchall()
    raw.execute(f"pragma max_page_count = {pages if yes else 1 << 30}").fetchall()


def slow(gateway: Gateway, seconds: float) -> None:
    adapter: Any = gateway.accounts["a"].adapter
    send = adapter.send

    async def later(message: object) -> object:
        await asyncio.sleep(seconds)
        return await send(message)

    adapter.send = later


def test_four_processes_send_each_message_once_and_end_when_asked(store_url: str, tmp_path: Path) -> None:
    ledger, site = tmp_path / "ledger", tmp_path / "site"
    install(site)
    with kill.chaos(ledger, latency=0.1) as vendor, kill.Sender(store_url) as sender:
        config = tmp_path / "gateway.toml"
        config.write_text(kill.settings(store_url, vendor, "chaos.sms", deadline_s=30.0))  # a slow machine is no doubt here
        fleet = kill.Fleet(["--config", str(config)], site)
        try:
            for _ in range(4):
                fleet.start()
            sender.fill(2500)
            kill.wait(lambda: len(accepted(ledger)) > 300, 20)
            fleet.end()
            assert fleet.alive == [], "a worker did not end when it was asked"
        finally:
            fleet.close()
        found = dict(sender.rows("select state, count(*) from rg_message group by state"))
        reasons = sender.rows("select count(*) from rg_attempt where outcome = 'uncertain'")

    times = accepted(ledger)
    assert set(times.values()) == {1}
    assert set(found) == {"accepted", "queued"}  # nothing uncertain, nothing left as sending
    assert found["accepted"] == len(times)
    assert reasons == [(0,)]


@live
async def test_a_call_that_does_not_end_in_time_is_uncertain_and_what_waited_is_not(tmp_path: Path) -> None:
    floor = Floor("embedded", f"sqlite:///{tmp_path}/hang.sqlite")
    made = floor.make()
    made.worker.pace = Pace(lease=timedelta(seconds=6), grace=timedelta(seconds=0.3))
    slow(made, 60)
    async with floor.working(made) as worker:
        await worker.submit([hello(n) for n in range(80)])
        await until(lambda: worker.worker.in_flight == 80)
        await asyncio.sleep(0.1)
        began = time.monotonic()

    assert time.monotonic() - began < 20  # and not the minute that the vendor takes
    async with floor.make() as after:
        assert await states(after) == {"uncertain": 50, "queued": 30}  # an account has 50 calls under way
