"""Steady work for so many minutes over HTTP: memory, descriptors, tasks and threads, and how they grow.

Messages are submitted at an even pace to a running worker whose vendor is a process on loopback, and the process is looked at
every few seconds. Printed are the medians of the second and the last quarter and the slope of a straight line through the second
half. Aim: flat. It fails when the memory has grown by more than 5% and 5 MB, or descriptors, tasks or threads by more than five.
Usage: python benchmarks/soak.py [--minutes 60] [--pace 200] [--store postgresql://...]
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

from fakes import account, texts
from lanes import HttpSms
from servers import TRANSPORTS, sink

from recallgate import AdapterConfig, Gateway
from recallgate.cli.memory import steady_heap

_TICK_S = 0.1
_HANDFUL = 5
_MORE, _MEGABYTES = 1.05, 5.0
_SHORTEST = 12  # looks; fewer say nothing


class Look(NamedTuple):
    """The process at one moment; `at` in seconds since the start, `memory` in megabytes that are resident."""

    at: float
    memory: float
    descriptors: float
    tasks: float
    threads: float


def look(began: float) -> Look:
    """What the process holds now."""
    resident = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    descriptors = len(os.listdir("/proc/self/fd"))
    return Look(time.monotonic() - began, resident, descriptors, len(asyncio.all_tasks()), threading.active_count())


async def steadily(gateway: Gateway, pace: int, until: float) -> int:
    """Submit at an even pace until then; answers how many."""
    sent, began = 0, time.monotonic()
    while (now := time.monotonic()) < until:
        due = int((now - began) * pace) - sent
        if due:
            await gateway.submit(texts(due, purpose="service", start=sent % 7_000_000))
            sent += due
        await asyncio.sleep(_TICK_S)
    return sent


async def soak(store: str, base: str, *, seconds: float, pace: int, transport: str) -> tuple[int, list[Look]]:
    """Work and look; answers how many messages were sent and what was seen."""
    taken = account(HttpSms, settings=AdapterConfig(base_url=base), concurrency=50)
    make = TRANSPORTS[transport]
    looks: list[Look] = []
    async with Gateway(taken, store=store, transport=lambda _: make(50)) as gateway:
        stop = asyncio.Event()
        began = time.monotonic()
        working = asyncio.create_task(gateway.run(stop))
        steady_heap()  # as `recallgate worker` does once it stands
        feeding = asyncio.create_task(steadily(gateway, pace, began + seconds))
        every = min(5.0, seconds / 40)
        while not feeding.done():
            looks.append(look(began))
            await asyncio.sleep(every)
        sent = await feeding
        for _ in range(600):
            counts = (await gateway.status())["messages"]
            if counts == {"accepted": sent}:
                break
            await asyncio.sleep(0.1)
        else:
            raise SystemExit(f"a minute after the last of {sent} the states are {counts}: the pace is too high")
        stop.set()
        await working
    return sent, looks


def slope(looks: list[Look], name: str) -> float:
    """Growth an hour, by a straight line."""
    line = statistics.linear_regression([one.at for one in looks], [getattr(one, name) for one in looks])
    return line.slope * 3600


def judged(looks: list[Look]) -> bool:
    """Print what was held and how it grew; False where it grew."""
    quarter = len(looks) // 4
    flat = True
    for name in Look._fields[1:]:
        early = statistics.median(getattr(one, name) for one in looks[quarter : 2 * quarter])
        late = statistics.median(getattr(one, name) for one in looks[-quarter:])
        grew = late > early * _MORE and late > early + _MEGABYTES if name == "memory" else late > early + _HANDFUL
        flat = flat and not grew
        growth = slope(looks[len(looks) // 2 :], name)
        print(f"{name:12s} {early:8.1f} then, {late:8.1f} at the end; {growth:+9.2f} an hour{'   GREW' if grew else ''}")
    return flat


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--pace", type=int, default=200, help="messages a second")
    parser.add_argument("--transport", choices=TRANSPORTS, default="lanes")
    parser.add_argument("--store", help="a database instead of a new SQLite file; it must be empty")
    given = parser.parse_args()
    seconds = given.minutes * 60
    with tempfile.TemporaryDirectory() as name, sink() as base:
        store = given.store or f"sqlite:///{name}/soak.sqlite"
        sent, looks = asyncio.run(soak(store, base, seconds=seconds, pace=given.pace, transport=given.transport))
    if len(looks) < _SHORTEST:
        raise SystemExit(f"{len(looks)} looks say nothing; give more --minutes")
    print(f"{sent} messages in {seconds:.0f} s, {len(looks)} looks; compared are the medians of the second and the last quarter")
    return 0 if judged(looks) else 1


if __name__ == "__main__":
    sys.exit(main())
