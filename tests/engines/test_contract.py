"""What every engine promises: wake-up, tickets, sweeper, reaper, play tick, planning shards, one firing at a time."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from engines.floor import Counting, Floor, hello, rows, script, states, until
from gateway.ground import live
from recallgate import ConfigError, Gateway
from recallgate.delivery.outcome import backoff
from recallgate.delivery.worker import Pace
from recallgate.engines import pgqueuer
from recallgate.engines.choose import engine_named
from recallgate.store import messages
from recallgate.store.postgres import PostgresStore


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sweeper that looks every second, so that nobody has to wait for it."""
    monkeypatch.setattr(pgqueuer.Sweeper, "every", timedelta(seconds=1))


@live
async def test_what_another_process_submits_is_heard_of(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgqueuer.Sweeper, "every", timedelta(seconds=60))  # so that it is not the sweeper who finds it
    async with floor.working() as worker, floor.make() as app:
        await asyncio.sleep(0.5)
        (stored,) = await app.submit([hello()])
        await until(lambda: bool(script(worker).sent), within=15)

        assert script(worker).sent[0].id == stored.id


@live
async def test_more_than_a_ticket_carries_leaves_too(floor: Floor) -> None:
    async with floor.working() as worker, floor.make() as app:
        await app.submit([hello(n) for n in range(650)])
        await until(lambda: len(script(worker).sent) == 650, within=20)

    async with floor.make() as after:
        assert await states(after) == {"accepted": 650}


@live
async def test_rows_that_nobody_announced_are_found(floor: Floor) -> None:
    async with floor.working() as worker:
        await asyncio.sleep(0.3)
        await worker.store.run(lambda c: messages.insert(c, [hello()], worker.clock.now()))
        await until(lambda: bool(script(worker).sent), within=8)


@live
async def test_what_waits_leaves_when_it_is_due_and_not_before(floor: Floor) -> None:
    async with floor.working() as worker:
        due = worker.clock.now() + timedelta(seconds=1.5)
        await worker.submit([hello(not_before=due)])
        await until(lambda: bool(script(worker).sent), within=5)

        late = (worker.clock.now() - due).total_seconds()
        assert 0 <= late < 0.75


@live
async def test_a_refused_message_is_tried_again_through_the_engine(floor: Floor) -> None:
    async with floor.working() as worker:
        worker.worker.pace = Pace(lease=timedelta(seconds=6), quick_retries=0)
        script(worker).answers.append(fault())
        soon = next(one for one in map(hello, range(1000)) if backoff(one.id, 1) < timedelta(seconds=0.5))
        await worker.submit([soon])
        await until(lambda: bool(script(worker).sent), within=10)

        assert len(script(worker).tried) == 2


@live
async def test_what_a_dead_process_was_sending_is_uncertain_after_its_lease(floor: Floor) -> None:
    async with floor.make(lease_s=1.0) as dead:
        await dead.submit([hello()])
        assert len((await dead.worker.stage("sms")).ready) == 1
    async with floor.working(lease_s=1.0) as alive:
        await until(lambda: _is(alive, {"uncertain": 1}), within=11)

        assert script(alive).tried == []


@live
async def test_a_job_fires_once_in_its_time_however_many_processes_run_it(floor: Floor) -> None:
    gateways = [floor.make() for _ in range(3)]
    jobs = [Counting(one.store, every=0.3, lasts=0.05) for one in gateways]
    for gateway, job in zip(gateways, jobs, strict=True):
        gateway.add_job(job)
    async with floor.working(gateways[0]), floor.working(gateways[1]), floor.working(gateways[2]):
        await asyncio.sleep(1.4)

    ran = sorted(at for job in jobs for at in job.ran)
    assert len(ran) >= 3
    assert min(b - a for a, b in pairwise(ran)) > 0.28


@live
async def test_a_job_goes_on_elsewhere_when_its_holder_dies(floor: Floor) -> None:
    async with floor.make() as dead:
        job = Counting(dead.store)
        from recallgate.store import jobs

        assert await dead.store.run(lambda c: jobs.claim(c, job.name, holder="dead", lease_ms=1200))
    gateway = floor.make()
    heir = Counting(gateway.store)
    gateway.add_job(heir)
    began = time.monotonic()
    async with floor.working(gateway):
        await until(lambda: bool(heir.ran), within=6)

    assert heir.ran[0] - began > 0.6


class Planner:
    """A planner of messages in shards: a shard that is run again adds nothing."""

    name, every, shards = "plan:spring", timedelta(seconds=0.2), 4

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.ran: list[int] = []

    async def run(self, now: datetime) -> int:
        return sum([await self.run_shard(shard, now) for shard in range(self.shards)])

    async def run_shard(self, shard: int, now: datetime) -> int:
        self.ran.append(shard)
        await self._gateway.submit(hello(n, idempotency_key=f"spring:{n}") for n in range(shard, 40, self.shards))
        return 0

    async def next_due(self) -> datetime | None:
        return None


@live
async def test_shards_are_planned_by_whoever_is_free_and_nobody_is_planned_twice(floor: Floor) -> None:
    gateways = [floor.make() for _ in range(2)]
    planners = [Planner(one) for one in gateways]
    for gateway, planner in zip(gateways, planners, strict=True):
        gateway.add_job(planner)
    async with floor.working(gateways[0]), floor.working(gateways[1]):
        await until(lambda: len(script(gateways[0]).sent) + len(script(gateways[1]).sent) == 40, within=15)
        await until(lambda: len(planners[0].ran) + len(planners[1].ran) >= 12)

    assert set(planners[0].ran) | set(planners[1].ran) == {0, 1, 2, 3}
    sent = [message.id for gateway in gateways for message in script(gateway).sent]
    assert len(sent) == len(set(sent)) == 40


@live
async def test_codes_do_not_wait_behind_a_campaign(floor: Floor) -> None:
    async with floor.working() as worker:
        slow(worker, 0.05)
        await worker.submit([hello(n, purpose="service") for n in range(1500)])
        await until(lambda: len(script(worker).tried) > 100)
        (code,) = await worker.submit([hello(1, purpose="otp")])
        await until(lambda: any(one.id == code.id for one in script(worker).sent), within=20)

        assert len(script(worker).sent) < 1000  # the campaign is not over; in the order of arrival, the code is its last


@live
async def test_workers_are_seen_and_strike_themselves_off(floor: Floor) -> None:
    async with floor.working() as worker:

        async def seen() -> bool:
            return bool((await worker.status())["workers"])

        await until(seen)
        (found,) = (await worker.status())["workers"]
        assert (found["engine"], found["alive"]) == (floor.engine, True)
    async with floor.make() as after:
        assert (await after.status())["workers"] == []


def test_an_unknown_engine_names_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"there are: embedded, pgqueuer"):
        engine_named("celery")


@live
async def test_pgqueuer_asks_for_postgres(tmp_path: object) -> None:
    with pytest.raises(ConfigError, match="needs PostgreSQL"):
        async with Floor("pgqueuer", f"sqlite:///{tmp_path}/x.sqlite").make():
            raise AssertionError("it opened")


@live
async def test_a_clock_that_is_wrong_by_minutes_sends_nothing_early(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from recallgate.store import clock, postgres

    class Ahead(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime.now(UTC) + timedelta(minutes=10)

    class Time:
        monotonic = staticmethod(time.monotonic)

        @staticmethod
        def time() -> float:
            return time.time() + 600

    monkeypatch.setattr(clock, "datetime", Ahead)
    monkeypatch.setattr(postgres, "time", Time)
    async with Floor("embedded", postgres_url).make() as gateway:
        assert isinstance(gateway.store, PostgresStore)
        assert abs(gateway.clock.now() - datetime.now(UTC)) < timedelta(seconds=1)
        await gateway.submit([hello(not_before=datetime.now(UTC) + timedelta(minutes=5))])

        assert await gateway.drain() == 0
        assert (await rows(gateway, "select count(*) from rg_message where state = 'queued'")) == [(1,)]


def fault() -> Exception:
    from recallgate import ErrorKind, SendError

    return SendError(ErrorKind.UNAVAILABLE, "connect", "refused by the fake vendor")


def slow(gateway: Gateway, seconds: float) -> None:
    """Let the vendor take its time."""
    adapter = gateway.accounts["a"].adapter
    send = adapter.send  # type: ignore[union-attr]

    async def later(message: object) -> object:
        await asyncio.sleep(seconds)
        return await send(message)

    adapter.send = later  # type: ignore[union-attr,assignment,method-assign]


async def _is(gateway: Gateway, wanted: dict[str, int]) -> bool:
    return await states(gateway) == wanted
