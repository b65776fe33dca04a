"""Crash at every named step, once and twice, and look at what is left: `python tests/crash.py [--store postgres]`.

A step is a transaction (dead before it, in it, after it) or a call of the vendor (dead before it, after it). A process that has
died does nothing more; another begins on the same rows. The command tries every pair of places, the tests one pair of each name.
"""

# ruff: noqa: T201 - a script prints

import argparse
import asyncio
import logging
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from gateway.ground import NOON, account, marketing, of, otp
from recallgate import Event, EventType, FrozenClock, Gateway, GatewayConfig, Message
from recallgate.delivery.worker import Pace
from recallgate.store.engine import Store
from recallgate.store.tables import metadata

MINUTE = timedelta(minutes=1)
FINAL = {"accepted", "sent", "delivered", "uncertain", "failed", "suppressed", "expired"}
_NAMES = {
    "accept": "submit",
    "Worker.stage": "claim and intent",
    "Worker.commit": "outcome",
    "apply_events": "callback",
    "Reaper": "reap",
}


class Died(BaseException):
    """The process is no more."""


class _Inside(Exception):  # noqa: N818
    """Died within a transaction, which is rolled back."""


@dataclass
class Points:
    """Counts the places at which a process may die, and lets it die at one of them."""

    at: int = -1
    names: list[str] = field(default_factory=list)
    dead: bool = False
    death: asyncio.Event = field(default_factory=asyncio.Event)

    def pass_by(self, name: str, *, inside: bool = False) -> None:
        if self.dead:
            raise _Inside if inside else Died
        self.names.append(name)
        if len(self.names) - 1 == self.at:
            self.dead = True
            if inside:  # in the store's own thread, which has to go on
                raise _Inside
            self.death.set()
            raise Died


def _step(work: Callable[..., Any]) -> str | None:
    """The name of a transaction that writes; None for those that only look."""
    name = getattr(getattr(work, "func", work), "__qualname__", "")
    if "next_due" in name or "_waiting" in name:
        return None
    return next((step for part, step in _NAMES.items() if part in name), name.partition(".<locals>")[0] or "transaction")


class World:
    """What outlives a process: the rows, the vendor with its ledger, the time."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FrozenClock(NOON)
        self.taken: list[Message] = []
        self.batch = [
            otp("+14155550101", id="code", idempotency_key="k:code"),
            marketing("+14155550102", id="offer", idempotency_key="k:offer", person="ann"),
            of("service", to="+14155550103", id="news", idempotency_key="k:news"),
        ]

    def process(self, points: Points) -> Gateway:
        """A new process over the rows, which dies where it is told to."""
        config = GatewayConfig(accounts=(account(),), jitter_minutes=0, report_wait_s=60)
        gateway = Gateway(config=config, store=_Watched(self.store, points), clock=self.clock)
        gateway.worker.pace = Pace(quick_retries=0)
        adapter: Any = gateway.accounts["a"].adapter
        answer = adapter.send

        async def send(message: Message) -> Any:
            points.pass_by("call: before")
            receipt = await answer(message)
            self.taken.append(message)
            points.pass_by("call: after")
            return receipt

        adapter.send = send
        return gateway

    async def live(self, points: Points) -> None:
        """One process's life, to its end or its death: it hands in, sends, hears reports, waits."""
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # calls that died with it are nobody's fault
        life = asyncio.create_task(self._days(self.process(points)))
        death = asyncio.create_task(points.death.wait())
        await asyncio.wait({life, death}, return_when=asyncio.FIRST_COMPLETED)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:  # what it had begun goes with it
            task.cancel()
            with suppress(Died, asyncio.CancelledError):
                await task
        self.clock.advance(MINUTE)

    async def _days(self, gateway: Gateway) -> None:
        await gateway.submit(self.batch)
        for _ in range(4):
            await gateway.drain()
            at = self.clock.now()
            told = [Event(EventType.DELIVERED, message_id=one.id, at=at) for one in self.taken if one.id == "offer"]
            if told:
                await gateway.apply(told, account="a")
            self.clock.advance(MINUTE)

    async def faults(self) -> list[str]:
        """Promises that do not hold, when everything is over."""
        rows = await self.store.run(
            lambda c: [tuple(row) for row in c.execute(text("select id, state, reason, attempts from rg_message"))]
        )
        attempts = await self.store.run(
            lambda c: [tuple(row) for row in c.execute(text("select message_id, n, outcome from rg_attempt order by 1, 2"))]
        )
        counted = await self.store.run(
            lambda c: {row[0] for row in c.execute(text("select message_id from rg_cap_entry where state = 'counted'"))}
        )
        found, times = [], Counter(one.id for one in self.taken)
        if {row[0] for row in rows} != {one.id for one in self.batch}:
            found.append(f"lost or made up: {rows}")
        for identity, state, reason, tries in rows:
            if state not in FINAL:
                found.append(f"{identity} is still {state}")
            if times[identity] and state in ("failed", "suppressed", "expired"):
                found.append(f"{identity} was taken and is called {state}")
            if not times[identity] and state in ("accepted", "sent", "delivered"):
                found.append(f"{identity} was not taken and is called {state}")
            if times[identity] > 1 and (reason != "uncertain.sent_again" or identity != "code"):
                found.append(f"{identity} was sent {times[identity]} times, and is marked {reason}")
            if [n for who, n, _ in attempts if who == identity] != list(range(1, tries + 1)):
                found.append(f"{identity} has other attempts than it counts")
        found += [f"attempt {n} of {who} has no outcome" for who, n, outcome in attempts if outcome is None]
        if times["offer"] and "offer" not in counted:
            found.append("offer was taken and does not count against the cap")
        return found

    async def clear(self) -> None:
        """The beginning of the world."""
        self.taken.clear()
        self.clock.move_to(NOON)
        await self.store.run(
            lambda c: [c.execute(text(f"delete from {name}")) for name in metadata.tables if name != "rg_schema_version"]  # noqa: S608
        )


class _Watched(Store):
    """The store as a process has it: each transaction is a step at which it may die."""

    def __init__(self, store: Store, points: Points) -> None:
        super().__init__()
        self._store = store
        self._points = points

    async def run(self, work: Callable[..., Any], **how: Any) -> Any:
        step = _step(work)
        if step is None:
            return await self._store.run(work, **how)
        self._points.pass_by(f"{step}: before")

        def watched(connection: Any) -> Any:
            result = work(connection)
            self._points.pass_by(f"{step}: inside", inside=True)
            return result

        try:
            result = await self._store.run(watched, **how)
        except _Inside:
            self._points.death.set()
            raise Died from None
        self._points.pass_by(f"{step}: after")
        return result


async def one(world: World, *deaths: int) -> tuple[list[str], list[list[str]]]:
    """Live on through deaths at these places; answers the broken promises, and the places that each process passed."""
    await world.clear()
    passed = []
    for at in (*deaths, -1, -1):
        points = Points(at)
        await world.live(points)
        passed.append(points.names)
    return await world.faults(), passed


async def every(world: World, *, pairs: str = "names") -> tuple[int, list[str], set[str]]:
    """All places once, then pairs of them (`names`: one of each pair of names, `all`, `none`)."""
    faults, ((*first,), *_) = await one(world)
    tried, broken = 1, [f"without a crash: {fault}" for fault in faults]
    seen: set[tuple[str, str]] = set()
    for place, name in enumerate(first):
        faults, (_, second, *_) = await one(world, place)
        tried += 1
        broken += [f"{name}: {fault}" for fault in faults]
        for later, other in enumerate(second):
            if pairs == "none" or (pairs == "names" and (name, other) in seen):
                continue
            seen.add((name, other))
            faults, _ = await one(world, place, later)
            tried += 1
            broken += [f"{name}, then {other}: {fault}" for fault in faults]
    return tried, broken, set(first) | {other for _, other in seen}


async def _main(kind: str) -> int:
    from kill import new_store

    logging.disable(logging.CRITICAL)
    from pathlib import Path

    from recallgate.store.choice import store_of

    with new_store(kind, Path()) if kind != "sqlite" else _memory() as url:
        store = store_of(url, simulated=False)
        await store.open()
        tried, broken, names = await every(World(store), pairs="all")
        await store.close()
    print(f"{tried} ways to die at {len(names)} named places: {len(broken)} broken promises")
    for line in broken[:20]:
        print(f"  {line}")
    return 1 if broken else 0


def _memory() -> Any:
    from contextlib import nullcontext

    return nullcontext("sqlite://")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Crash at every named step, once and twice.")
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    sys.exit(asyncio.run(_main(parser.parse_args().store)))
