"""Simulations: virtual time moves only when nothing is due, and equal seeds do equal things."""

import asyncio
import heapq
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, TextClause, text

from recallgate import (
    AccountConfig,
    Callback,
    CallScript,
    ConfigError,
    FrozenClock,
    Gateway,
    GatewayConfig,
    KeyAnswer,
    Message,
    RecallgateError,
    Reply,
    Say,
)
from recallgate.gateway import ClickAnswer, PersonEvent
from recallgate.model.chance import Simulation
from recallgate.model.clock import Clock, SystemClock
from recallgate.model.errors import ErrorKind, ForgedCallback
from recallgate.model.event import EventType
from recallgate.sandbox.face import Taken
from recallgate.sandbox.habits import ChannelHabits, Habits, Outage, Spread
from recallgate.sandbox.happenings import Inbound, Report
from recallgate.sandbox.simulate import Progress, SimulationSummary, simulate
from recallgate.sandbox.vendors import Vendors
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


# --- with the gateway itself


PEOPLE = 40
LETTERS = 10
SPAN = timedelta(hours=20)
MENU = CallScript(say=(Say(text="Press 1 to confirm"),), keys={"1": KeyAnswer(action="confirm")})


def messages() -> list[Message]:
    out = []
    for n in range(PEOPLE):
        shared: dict[str, Any] = {"purpose": "marketing", "timezone": "America/New_York"}
        words = f"Hi {n}, look: https://shop.example/offer"
        out.append(Message.sms(f"+1212555{n:04d}", f"{words} Reply STOP to stop", id=f"sms-{n}", **shared))
        if n < LETTERS:
            out.append(Message.email(f"jo{n}@example.com", "Come back", text=words, id=f"mail-{n}", **shared))
            out.append(Message.voice(f"+1646555{n:04d}", MENU, id=f"call-{n}", purpose="service", timezone="America/New_York"))
    return out


LIVELY = Habits(
    channels={
        "sms": ChannelHabits(
            undelivered={ErrorKind.UNREACHABLE: 0.1}, clicked=0.3, scanned=0.2, replies={"STOP": 0.1}, delivery_time=Spread(30.0)
        ),
        "email": ChannelHabits(
            undelivered={ErrorKind.INVALID_RECIPIENT: 0.1},
            told=Habits().of("email").told,
            clicked=0.3,
            unsubscribed=0.3,
            complained=0.1,
        ),
        "voice": replace(Habits().of("voice"), answers={EventType.ANSWERED: 0.9, EventType.BUSY: 0.1}, keys={"1": 0.9}),
    },
    lost_answers=0.05,
    outages=(Outage("texts", START, START + 2 * MINUTE),),
)


def fetched(connection: Connection, *, query: TextClause) -> Sequence[Any]:
    return connection.execute(query).all()


def story(*accounts: AccountConfig, seed: str) -> tuple[SimulationSummary, dict[str, Any]]:
    """One simulation: its summary, and the tables that matter without their surrogate keys."""

    async def scenario() -> tuple[SimulationSummary, dict[str, Any]]:
        clock = FrozenClock(START)
        vendors = Vendors(World(seed, LIVELY, visits=[PersonEvent("p1", "returned", START + HOUR)]), clock)
        config = GatewayConfig.model_validate(
            {
                "store": "sqlite://",
                "public_url": "https://s.example",
                "secret": "sandbox-secret-16",
                "tenant_zone": "America/New_York",
            }
        )
        async with Gateway(
            *accounts, config=config, clock=clock, transport=vendors.transport, simulation=Simulation(seed)
        ) as gateway:
            vendors.attach(gateway)
            await gateway.submit(messages())
            summary = await simulate(gateway, vendors, start=START, end=START + SPAN, grain=MINUTE)
            tables = {}
            for name, columns in {
                "rg_message": "id, state, reason, kind, account, vendor_id, accepted_at, delivered_at, attempts",
                "rg_event": "type, message_id, person, at, received_at, status, kind, dedupe",
                "rg_click": "code, message_id, at, verdict, reason",
                "rg_suppression": "subject, channel, topic, reason, received_at",
                "rg_person_event": "person, type, at",
            }.items():
                query = text(f"select {columns} from {name} order by {columns}")  # noqa: S608 - names of this test
                tables[name] = [tuple(row) for row in await gateway.store.run(partial(fetched, query=query))]
        return summary, tables

    return asyncio.run(scenario())


@pytest.fixture(scope="module")
def told(texts: AccountConfig, calls: AccountConfig, mail: AccountConfig) -> tuple[SimulationSummary, dict[str, Any]]:
    return story(texts, calls, mail, seed="one")


def test_same_seed_gives_the_same_bytes(
    told: tuple[SimulationSummary, dict[str, Any]], texts: AccountConfig, calls: AccountConfig, mail: AccountConfig
) -> None:
    again = story(texts, calls, mail, seed="one")

    assert again[0] == told[0]
    assert json.dumps(again[1]) == json.dumps(told[1])


def test_another_seed_gives_another_story(
    told: tuple[SimulationSummary, dict[str, Any]], texts: AccountConfig, calls: AccountConfig, mail: AccountConfig
) -> None:
    assert story(texts, calls, mail, seed="two")[1] != told[1]


def test_every_message_ends_in_one_recorded_state(told: tuple[SimulationSummary, dict[str, Any]]) -> None:
    states = {row[0]: row[1] for row in told[1]["rg_message"]}

    assert len(states) == PEOPLE + 2 * LETTERS
    assert set(states.values()) <= {"delivered", "undelivered", "accepted", "sent", "uncertain", "suppressed", "failed"}
    assert {"delivered", "undelivered"} <= set(states.values())


def test_nothing_leaves_an_account_while_it_is_out(told: tuple[SimulationSummary, dict[str, Any]]) -> None:
    ends = int((START + 2 * MINUTE).timestamp() * 1000)
    accepted = [row[6] for row in told[1]["rg_message"] if row[4] == "texts" and row[6] is not None]

    assert accepted
    assert min(accepted) >= ends


def test_what_people_do_is_in_the_store(told: tuple[SimulationSummary, dict[str, Any]]) -> None:
    summary, tables = told
    verdicts = [row[3] for row in tables["rg_click"]]
    kinds = {row[0] for row in tables["rg_event"]}

    assert verdicts.count("human") == summary.counts["told.click"]
    assert verdicts.count("bot") == summary.counts["told.scan"]
    assert {"replied", "clicked", "unsubscribed", "answered", "key_pressed"} <= kinds
    assert any(row[3] == "opt_out" for row in tables["rg_suppression"])
    assert tables["rg_person_event"] == [("p1", "returned", int((START + HOUR).timestamp() * 1000))]
    assert summary.left == 0
