"""Simulations: virtual time moves only when nothing is due, and equal seeds do equal things."""

import asyncio
import heapq
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from recallgate import (
    Callback,
    ConfigError,
    FrozenClock,
    RecallgateError,
    Reply,
)
from recallgate.gateway import ClickAnswer, PersonEvent
from recallgate.model.clock import Clock, SystemClock
from recallgate.model.errors import ForgedCallback
from recallgate.sandbox.face import Taken
from recallgate.sandbox.habits import ChannelHabits, Habits, Spread
from recallgate.sandbox.happenings import Inbound, Report
from recallgate.sandbox.simulate import Progress, SimulationSummary, simulate
from recallgate.sandbox.world import World

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # a Monday, daytime in all of the United States
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
TAKEN = Taken("V1", "+14155550101", "sms", "Hi", links=("https://s.example/l/a",), callback_url="https://s.example/cb?m=m1")


class FakeGateway:
    """Work at fixed instants; writes down what it is told, and when."""

    def __init__(self, work: Iterable[datetime] = (), *, world: World | None = None, clock: Clock | None = None) -> None:
        self.clock: Clock = clock or FrozenClock(START - HOUR)
        self.work = sorted(work)
        self.world = world
        self.log: list[tuple[datetime, str]] = []

    async def drain(self) -> int:
        done = 0
        while self.work and self.work[0] <= self.clock.now():
            heapq.heappop(self.work)
            done += 1
            self.log.append((self.clock.now(), "work"))
            if self.world is not None:
                self.world.take(TAKEN, account="texts", at=self.clock.now())
        return done

    async def next_due(self) -> datetime | None:
        return self.work[0] if self.work else None

    async def receive(self, account: str, callback: Callback) -> Reply:
        self.log.append((self.clock.now(), callback.body.decode()))
        return Reply()

    async def click(self, address: str, *, method: str = "GET", agent: str | None = None) -> ClickAnswer:
        self.log.append((self.clock.now(), f"{method} {address}"))
        return ClickAnswer(302)

    async def record(self, did: Iterable[PersonEvent]) -> int:
        self.log += [(self.clock.now(), event.type) for event in did]
        return 1


class FakeVendors:
    """Says each report as one callback."""

    def __init__(self, world: World) -> None:
        self.world = world

    def callbacks(self, happening: Report | Inbound) -> Sequence[Callback]:
        what = happening.news.type if isinstance(happening, Report) else happening.text
        return [Callback("POST", "https://s.example/cb", httpx.Headers(), what.encode(), self.world_now())]

    def deliveries(self, happening: Report | Inbound) -> Sequence[Any]:
        return ()

    def world_now(self) -> datetime:
        return START


def run(gateway: Any, world: World, **fields: Any) -> SimulationSummary:
    span = {"start": START, "end": START + HOUR, **fields}
    return asyncio.run(simulate(gateway, FakeVendors(world), **span))


def clicking() -> Habits:
    return Habits.calm(sms=ChannelHabits(delivery_time=Spread(90.0, 0.0), clicked=1.0, clicking_time=Spread(60.0, 0.0)))


def test_time_jumps_from_work_to_work_and_stops_at_the_end() -> None:
    gateway = FakeGateway([START, START + 5 * MINUTE, START + HOUR, START + HOUR + MINUTE])

    summary = run(gateway, World("s"))

    assert [at - START for at, _ in gateway.log] == [0 * MINUTE, 5 * MINUTE, HOUR]
    assert (summary.handled, summary.instants) == (3, 3)
    assert gateway.clock.now() == START + HOUR


def test_world_tells_what_is_due_and_work_that_follows_is_done_at_once() -> None:
    world = World("s", clicking(), visits=[PersonEvent("p", "returned", START + 10 * MINUTE)])
    gateway = FakeGateway([START], world=world)

    summary = run(gateway, world)

    told = [(at - START, what) for at, what in gateway.log]
    assert told[:2] == [(0 * MINUTE, "work"), (2 * MINUTE, "delivered")]
    assert (3 * MINUTE, "GET https://s.example/l/a") in told
    assert told[-1] == (10 * MINUTE, "returned")
    assert summary.counts == {"reached.sms": 1, "taken.sms": 1, "told.click": 1, "told.report": 1, "told.returned": 1}
    assert summary.left == 0


def test_what_comes_after_the_end_is_left_and_counted() -> None:
    world = World("s", visits=[PersonEvent("p", "returned", START + HOUR), PersonEvent("q", "returned", START + 2 * HOUR)])
    gateway = FakeGateway()

    assert run(gateway, world).left == 1
    assert gateway.log == [(START + HOUR, "returned")]


def test_grain_makes_fewer_instants() -> None:
    gateway = FakeGateway([START + n * timedelta(seconds=20) for n in range(1, 16)])

    summary = run(gateway, World("s"), grain=MINUTE)

    assert {at - START for at, _ in gateway.log} == {n * MINUTE for n in range(1, 6)}
    assert summary.handled == 15


def test_progress_goes_from_nothing_to_the_end() -> None:
    shares: list[float] = []

    def note(progress: Progress) -> None:
        shares.append(progress.share)

    run(FakeGateway([START + 30 * MINUTE, START + HOUR]), World("s"), on_progress=note)

    assert shares == [0.0, 0.5, 1.0]


def test_real_clock_is_refused() -> None:
    with pytest.raises(ConfigError, match="FrozenClock"):
        run(FakeGateway(clock=SystemClock()), World("s"))


def test_end_before_start_is_refused() -> None:
    with pytest.raises(ConfigError, match="end"):
        run(FakeGateway(), World("s"), end=START - MINUTE)


def test_gateway_that_never_does_its_work_is_named_and_not_waited_for() -> None:
    class Stuck(FakeGateway):
        async def next_due(self) -> datetime | None:
            return START

    with pytest.raises(RecallgateError, match="does none"):
        run(Stuck(), World("s"), end=START + timedelta(days=1))


def test_account_that_is_out_is_tried_again_a_second_later() -> None:
    class Out(FakeGateway):
        async def drain(self) -> int:
            return await super().drain() if self.clock.now() >= START + timedelta(seconds=5) else 0

    gateway = Out([START])

    run(gateway, World("s"))

    assert gateway.log == [(START + timedelta(seconds=5), "work")]


def test_forged_callback_ends_the_simulation() -> None:
    class Strict(FakeGateway):
        async def receive(self, account: str, callback: Callback) -> Reply:
            raise ForgedCallback("no")

    world = World("s", Habits.calm())

    with pytest.raises(ForgedCallback):
        run(Strict([START], world=world), world)
