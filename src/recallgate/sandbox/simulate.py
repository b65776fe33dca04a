"""Simulate: a gateway and a world in virtual time, which moves only when nothing is due, in flight or unflushed."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

from recallgate.adapter import Callback, Reply
from recallgate.model.clock import Clock, FrozenClock
from recallgate.model.errors import ConfigError, RecallgateError
from recallgate.sandbox.happenings import Deed, Happening, Inbound, Report, Visit
from recallgate.sandbox.world import World
from recallgate.tracking.clicks import ClickAnswer
from recallgate.tracking.people import PersonEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TOGETHER = 200
_NUDGE = timedelta(seconds=1)
_MOST_NUDGES = 3600


class SimulatedGateway(Protocol):
    """What a simulation asks of a gateway; `recallgate.Gateway` has it."""

    clock: Clock

    async def drain(self) -> int: ...

    async def next_due(self) -> datetime | None: ...

    async def receive(self, account: str, callback: Callback) -> Reply: ...

    async def click(self, address: str, *, method: str = "GET", agent: str | None = None) -> ClickAnswer: ...

    async def record(self, did: Iterable[PersonEvent]) -> int: ...


class SimulatedVendors(Protocol):
    """What a simulation asks of the vendors; `recallgate.sandbox.vendors.Vendors` has it."""

    world: World

    def callbacks(self, happening: Report | Inbound) -> Sequence[Callback]: ...

    def deliveries(self, happening: Report | Inbound) -> Sequence[Callable[[], Awaitable[None]]]: ...


@dataclass(frozen=True)
class Progress:
    """How far a simulation is: virtual time now, its span, and what was counted so far."""

    now: datetime
    start: datetime
    end: datetime
    handled: int

    @property
    def share(self) -> float:
        return min(1.0, (self.now - self.start) / (self.end - self.start)) if self.end > self.start else 1.0


@dataclass(frozen=True)
class SimulationSummary:
    """What a simulation did: equal for equal seeds.

    `handled` counts rows and job steps of the gateway, `instants` the moments at which virtual time stood still, `counts`
    what the world saw (`taken.sms`, `reached.sms`, `refused.…`) and told (`told.report`, `told.click`, …), by name;
    `left` what the world would still have done after `end`.
    """

    start: datetime
    end: datetime
    handled: int
    instants: int
    counts: Mapping[str, int]
    left: int


async def simulate(
    gateway: SimulatedGateway,
    vendors: SimulatedVendors,
    *,
    start: datetime,
    end: datetime,
    on_progress: Callable[[Progress], None] | None = None,
    grain: timedelta = timedelta(0),
) -> SimulationSummary:
    """Run gateway and world from `start` to `end` in virtual time.

    The gateway's clock is a `FrozenClock` and is moved; its accounts use `vendors.transport`, and `vendors.attach` was
    called. At each instant the world tells what has happened by then, and only then the gateway works until idle: nobody
    is written to after a return that the instant covers. This repeats until neither has anything; then time jumps to
    whichever is next, rounded up to whole `grain`s: fewer, fuller instants. Callbacks and clicks of one instant are told in
    order of their keys, up to 200 at once. Raises `RecallgateError` when the gateway keeps saying that
    work is due and does none.
    """
    clock = gateway.clock
    if not isinstance(clock, FrozenClock):
        raise ConfigError("simulate: the gateway runs on a real clock; make it with Gateway(..., clock=FrozenClock(start))")
    if end < start:
        raise ConfigError("simulate: end is before start")
    clock.move_to(start)
    world = vendors.world
    told: Counter[str] = Counter()
    handled = instants = nudges = 0
    while True:
        instants += 1
        due = world.take_due(clock.now())
        while True:
            if due:
                nudges = 0
                await _tell(gateway, vendors, due, told)
            done = await gateway.drain()
            handled += done
            nudges = 0 if done else nudges
            due = world.take_due(clock.now())
            if not due:
                break
        if on_progress is not None:
            on_progress(Progress(clock.now(), start, end, handled))
        coming = [at for at in (await gateway.next_due(), world.next_due()) if at is not None]
        if not coming or min(coming) > end:
            break
        later = min(coming)
        if later <= clock.now():
            # due by its row, yet not taken: the account is out or its rate is used up for this instant
            nudges += 1
            if nudges > _MOST_NUDGES:
                raise RecallgateError("simulate: the gateway says that work is due, but does none of it")
            later = min([clock.now() + _NUDGE, *(at for at in coming if at > clock.now())])
            if later > end:
                break
        clock.move_to(min(_round_up(later, grain), end))
    clock.move_to(end)
    counts = Counter(world.counts) + told
    return SimulationSummary(start, end, handled, instants, dict(sorted(counts.items())), world.waiting)


def _round_up(at: datetime, grain: timedelta) -> datetime:
    return at + (_EPOCH - at) % grain if grain else at


async def _tell(gateway: SimulatedGateway, vendors: SimulatedVendors, due: Sequence[Happening], told: "Counter[str]") -> None:
    """Tell what is due, kind by kind: deeds, then vendors' news and answers, then requests for links."""
    deeds, visits = [], []
    news: list[Callable[[], Awaitable[object]]] = []
    for happening in due:
        match happening.what:
            case Deed(event):
                deeds.append(event)
                told[f"told.{event.type}"] += 1
            case Report() | Inbound() as what:
                calls: list[Callable[[], Awaitable[object]]] = [
                    partial(gateway.receive, what.account, callback) for callback in vendors.callbacks(what)
                ]
                calls += vendors.deliveries(what)
                told["told.report" if isinstance(what, Report) else "told.reply"] += len(calls)
                news += calls
            case Visit() as visit:
                visits.append(visit)
                told[_name(visit)] += 1
    if deeds:
        await gateway.record(deeds)
    await _in_groups(news)
    await _in_groups([partial(gateway.click, visit.url, method=visit.method, agent=visit.agent) for visit in visits])


def _name(visit: Visit) -> str:
    if not visit.human:
        return "told.scan"
    return "told.click" if visit.method == "GET" else "told.unsubscribe"


async def _in_groups(work: Sequence[Callable[[], Awaitable[object]]]) -> None:
    """Do everything, some at a time, started in order; a fault is raised when its group is done."""
    for start in range(0, len(work), _TOGETHER):
        ends = await asyncio.gather(*(one() for one in work[start : start + _TOGETHER]), return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
