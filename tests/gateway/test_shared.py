"""What processes share: rates, caps, and what they found out of accounts."""

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.ground import MINUTE, NOON, account, ground, live, marketing, of
from gateway.hammer import BURST, CAP, RATE
from postgres import database
from recallgate import ErrorKind, FrozenClock, SendError
from recallgate.delivery.chunk import Staged
from recallgate.store.messages import Row

HAMMER = Path(__file__).with_name("hammer.py")
SECONDS = 3.0
AHEAD = 0.5  # seconds; so early a turn is given out


def hammered(store: str, *, processes: int = 4, seconds: float = SECONDS) -> dict[str, list[float]]:
    """When vendors took what so many processes sent."""
    running = [
        subprocess.Popen([sys.executable, HAMMER, store, str(seconds)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(processes)
    ]
    taken: dict[str, list[float]] = {"limited": [], "capped": [], "began": []}
    for process in running:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err.decode()
        for name, times in json.loads(out).items():
            taken[name] += times
    return {name: sorted(times) for name, times in taken.items()}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_four_processes_keep_one_rate_and_one_cap(kind: str, tmp_path: Path, postgres_server: Any) -> None:
    store = f"sqlite:///{tmp_path / 'shared.sqlite'}" if kind == "sqlite" else database(postgres_server)

    taken = hammered(store)
    late = hammered(store, processes=1, seconds=1.0)  # what the others left behind when they had to stop

    times = taken["limited"]
    # counted from the first message: on a busy machine calls leave after their turn, and stand closer to the next ones
    assert len(times) <= RATE * (times[-1] - taken["began"][0] + AHEAD) + BURST
    assert len(times) >= 0.7 * RATE * (times[-1] - times[0]), "the rate is not used"
    assert len(taken["capped"]) + len(late["capped"]) == CAP


@live
async def test_an_account_that_is_out_for_one_gateway_is_out_for_the_others(tmp_path: Path) -> None:
    store, clock = f"sqlite:///{tmp_path / 'shared.sqlite'}", FrozenClock(NOON)
    async with (
        ground(account("a"), account("b", order=1), at=clock, store=store) as one,
        ground(account("a"), account("b", order=1), at=clock, store=store) as other,
    ):
        one.script("a").answers.append(SendError(ErrorKind.AUTH, "401", "no"))
        await one.gateway.send(marketing(person="ann"))

        assert (await other.gateway.send(of("service", to="+14155550124"))).state == "accepted"

        assert [len(other.script(name).tried) for name in ("a", "b")] == [0, 1]


@live
async def test_an_account_that_is_well_again_is_well_for_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recallgate.delivery.standing._EVERY_S", 0.0)
    store, clock = f"sqlite:///{tmp_path / 'shared.sqlite'}", FrozenClock(NOON)
    async with (
        ground(account("a"), at=clock, store=store) as one,
        ground(account("a"), at=clock, store=store) as other,
    ):
        one.script("a").refuse(ErrorKind.UNAVAILABLE, times=5)
        for number in range(5):
            await one.gateway.send(of("service", to=f"+1415555020{number}"))
        held = await other.gateway.send(of("service", to="+14155550124"))
        assert (held.state, other.script("a").tried) == ("queued", [])

        clock.advance(timedelta(seconds=31))
        assert (await one.gateway.send(of("service", to="+14155550125"))).state == "accepted"
        for number in range(3):
            assert (await other.gateway.send(of("service", to=f"+1415555030{number}"))).state == "accepted"


@live
async def test_a_probe_under_way_is_not_forgotten_for_what_was_written_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recallgate.delivery.standing._EVERY_S", 0.0)
    async with ground(account("a")) as here:
        here.script("a").refuse(ErrorKind.UNAVAILABLE, times=6)
        for number in range(5):
            await here.gateway.send(of("service", to=f"+1415555020{number}"))
        here.clock.advance(timedelta(seconds=31))
        await here.gateway.send(of("service", to="+14155550208"))  # the probe, which is refused
        before = len(here.script("a").tried)

        for number in range(3):
            await here.gateway.send(of("service", to=f"+1415555030{number}"))

        assert len(here.script("a").tried) == before
        probe = here.gateway.accounts["a"]
        taken = here.clock.now() + timedelta(hours=1)
        probe.breaker.adopt(taken)
        probe.adopt(here.clock.now(), "breaker")
        assert probe.breaker.open_until == taken


@live
async def test_what_cannot_leave_soon_is_not_judged_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ground(account("a", rate=1.0)) as here:
        stager = here.gateway.worker._stager
        stager.ahead = timedelta(seconds=0.1)
        judged: list[int] = []
        stage = stager.stage

        def watched(connection: Connection, rows: Sequence[Row], *, now: datetime, lease_until: int) -> Staged:
            judged.append(len(rows))
            return stage(connection, rows, now=now, lease_until=lease_until)

        monkeypatch.setattr(stager, "stage", watched)
        await here.gateway.submit(of("service", to=f"+141555502{number:02}") for number in range(20))

        await here.gateway.worker.drain(["sms"])
        await here.gateway.worker.drain(["sms"])

        assert judged == [1]
        assert len(here.script().sent) == 1
        here.clock.advance(MINUTE)
        await here.gateway.worker.drain(["sms"])
        assert judged == [1, 1]
