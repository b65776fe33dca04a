"""Messages a second through a worker whose vendor does nothing: all checks, caps and records of marketing texts are on.

SQLite (WAL, synchronous=FULL) in one process, and PostgreSQL with several worker processes; beside each a bare loop that
commits the same rows at the same points, in as many processes. `submit` is done before. Wall time, from the word "go" to the
last committed outcome. Aims: 3,000 a second on both, stretch 5,000 on PostgreSQL with two workers.
Usage: python benchmarks/throughput.py [--store sqlite|postgres] [--workers 2] [--messages 20000]
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import page
from fakes import NOON, NoonClock, NoOpSms, account, texts
from servers import postgres

from recallgate import Clock, FrozenClock, Gateway
from recallgate.cli.memory import steady_heap
from recallgate.delivery.worker import CHUNK, COMMIT
from recallgate.model.clock import to_ms

AIM = 3_000
_WARM = 500
_LONGEST_S = 600
_ROWS = (
    "select tenant, id, person, address from rg_message where channel = 'sms' and state = 'queued' and rank = 34 and due_at <= $1"
    " order by due_at, id limit $2 for update skip locked"
)
_LOOK = (
    "select subject from rg_suppression where tenant = 'default' and subject = any($1)",
    "select subject from rg_cap_entry where tenant = 'default' and subject = any($1)",
)
_INTENTS = (
    """update rg_message set state = 'sending', account = 'bench', attempts = 1, intent_at = $2,
    lease_until = $2::bigint + 60000, updated_at = $2 where tenant = 'default' and id = any($1) and state = 'queued'""",
    """insert into rg_attempt (tenant, message_id, n, account, channel, at)
    select 'default', id, 1, 'bench', 'sms', $2::bigint from unnest($1::text[]) as t(id)""",
    """insert into rg_decision (tenant, message_id, at, verdict, channel, facts)
    select 'default', id, $2::bigint, 'allow', 'sms', '{}' from unnest($1::text[]) as t(id)""",
)
_CAPS = (
    "insert into rg_cap_entry (tenant, subject, message_id, at, channel, purpose, campaign, tags, state)"
    " select 'default', subject, id, $3::bigint, 'sms', 'marketing', null, '[\"winback\"]', 'counted'"
    " from unnest($1::text[], $2::text[]) as t(subject, id)"
)
_OUTCOMES = (
    """update rg_attempt set finished_at = $2, outcome = 'accepted', vendor_id = message_id
    where tenant = 'default' and message_id = any($1) and n = 1""",
    """update rg_message set state = 'accepted', vendor_id = id, accepted_at = $2, parts = 1, cost_micros = 0, lease_until = 0,
    updated_at = $2 where tenant = 'default' and id = any($1) and state = 'sending'""",
)


def made(store: str, *, clock: Clock | None = None) -> Gateway:
    """A gateway with the chain that a user gets who configures nothing, at noon."""
    taken = account(NoOpSms, concurrency=1000, optout_suffix="Reply STOP to opt out")
    return Gateway(taken, store=store, clock=clock or NoonClock())


async def filled(store: str, count: int) -> None:
    """The schema and so many due messages."""
    async with made(store, clock=FrozenClock(NOON)) as gateway:  # a worker's clock begins at noon again: all are due by then
        for start in range(0, count, 10_000):
            await gateway.submit(texts(min(10_000, count - start), purpose="marketing", start=_WARM + start))


async def on_sqlite(folder: Path, count: int) -> float:
    """Seconds for draining in one process."""
    async with made(f"sqlite:///{folder}/ours.sqlite") as gateway:
        await gateway.submit(texts(_WARM, purpose="marketing"))
        await gateway.worker.drain(["sms"])
        await gateway.submit(texts(count, purpose="marketing", start=_WARM))
        steady_heap()  # as `recallgate worker` does once it stands
        began = time.perf_counter()
        await gateway.worker.drain(["sms"])
        took = time.perf_counter() - began
        counts = (await gateway.status())["messages"]
    if counts != {"accepted": count + _WARM}:
        raise SystemExit(f"states {counts}: the figure would be of something else")
    return took


async def one_worker(store: str) -> None:
    """A worker process: says when it stands, begins at a line on standard input, ends with it."""
    loop = asyncio.get_running_loop()
    async with made("sqlite://") as gateway:  # numbering plans and the like are read once by a process that runs for long
        await gateway.submit(texts(_WARM, purpose="marketing"))
        await gateway.worker.drain(["sms"])
    async with made(store) as gateway:
        await gateway.status()
        stop = asyncio.Event()
        steady_heap()
        print("ready", flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        working = asyncio.create_task(gateway.run(stop))
        await loop.run_in_executor(None, sys.stdin.read)
        stop.set()
        await working


async def one_bare(store: str) -> None:
    """The same rows at the same points, and nothing else, with asyncpg alone."""
    import asyncpg  # type: ignore[import-untyped]

    now = to_ms(NoonClock().now()) + 3_600_000
    connection: Any = await asyncpg.connect(store)
    print("ready", flush=True)
    sys.stdin.readline()
    waiting: list[str] = []
    while True:
        async with connection.transaction():
            rows = await connection.fetch(_ROWS, now, CHUNK)
            ids = [row["id"] for row in rows]
            subjects = [subject for row in rows for subject in ("a:" + row["address"], "p:" + row["person"])]
            for statement in _LOOK:
                await connection.fetch(statement, subjects)
            for statement in _INTENTS:
                await connection.execute(statement, ids, now)
            await connection.execute(_CAPS, subjects, [one for one in ids for _ in range(2)], now)
        waiting += ids
        while len(waiting) >= COMMIT or (waiting and not rows):
            async with connection.transaction():
                for statement in _OUTCOMES:
                    await connection.execute(statement, waiting[:COMMIT], now)
            waiting = waiting[COMMIT:]
        if not rows:
            break
    await connection.close()


@contextmanager
def processes(kind: str, store: str, workers: int) -> Iterator[list["subprocess.Popen[str]"]]:
    """Processes that stand and wait for the word."""
    program = [sys.executable, __file__, "--one", kind, "--url", store]
    started = [subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(workers)]
    try:
        for one in started:
            if one.stdout is None or one.stdout.readline() != "ready\n":
                raise SystemExit(f"a {kind} process did not start")
        yield started
    finally:
        for one in started:
            if one.stdin is not None:
                one.stdin.close()
            one.wait(timeout=60)


async def on_postgres(kind: str, store: str, count: int, workers: int) -> float:
    """Seconds from the word until all outcomes are committed, by processes of a kind."""
    import asyncpg

    connection: Any = await asyncpg.connect(store)
    await connection.execute("vacuum analyze")
    with processes(kind, store, workers) as started:
        began = time.perf_counter()
        for one in started:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        while left := await connection.fetchval("select count(*) from rg_message where state <> 'accepted'"):
            if any(one.poll() for one in started):
                raise SystemExit(f"a {kind} process has ended; {left} of {count} are left")
            if time.perf_counter() - began > _LONGEST_S:
                raise SystemExit(f"after {_LONGEST_S} s {left} of {count} are left")
            await asyncio.sleep(0.05)  # asking is work, too
        took = time.perf_counter() - began
    caps = await connection.fetchval("select count(*) from rg_cap_entry")
    await connection.close()
    if caps != 2 * count:
        raise SystemExit(f"{caps} cap entries for {count} messages: the figure would be of something else")
    return took


def told(name: str, count: int, ours: float, theirs: float) -> None:
    rate = count / ours
    print(
        f"{name:24s} {rate:7.0f} messages a second; bare loop {count / theirs:7.0f}; {ours / theirs:.2f} times its time", end=""
    )
    print(f"; aim {AIM}: {'met' if rate >= AIM else 'MISSED'}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--store", choices=("sqlite", "postgres"), help="both unless one is named")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--one", choices=("worker", "bare"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    given = parser.parse_args()
    count = given.messages
    if given.one:
        asyncio.run({"worker": one_worker, "bare": one_bare}[given.one](given.url))
        return
    if given.store != "postgres":
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            ours = asyncio.run(on_sqlite(folder, count))
            theirs = page.bare(folder / "bare.sqlite", folder / "ours.sqlite", count, clock=time.perf_counter)
        told("SQLite, one process", count, ours, theirs)
    if given.store != "sqlite":
        with postgres() as database:
            took = {}
            for kind in ("bare", "worker"):
                store = database(kind)
                asyncio.run(filled(store, count))
                took[kind] = asyncio.run(on_postgres(kind, store, count, given.workers))
        told(f"PostgreSQL, {given.workers} workers", count, took["worker"], took["bare"])


if __name__ == "__main__":
    main()
