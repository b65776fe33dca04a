"""What a message costs on its way through a page: CPU beside a bare sqlite3 loop that commits the same rows.

Both run on SQLite in WAL with synchronous=FULL, in one process, one after the other. Enqueueing is not counted.
Usage: python benchmarks/page.py [--messages 20000] [--profile]
"""

import argparse
import asyncio
import cProfile
import json
import pstats
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fakes import NoOpSms, account, texts

from recallgate import FrozenClock, Gateway
from recallgate.cli.memory import steady_heap
from recallgate.delivery.worker import CHUNK, COMMIT
from recallgate.store.engine import Store
from recallgate.store.inline import InlineStore

NOON = "2026-11-20T20:00:00+00:00"  # a Friday, noon in San Francisco
_WARM = 1000


async def through_the_gateway(file: Path, count: int, *, profile: bool) -> float:
    """CPU seconds of the process for draining `count` marketing texts."""
    # the store has a thread of its own, and a profiler sees one thread: for a profile its work is done in this one
    store = InlineStore(f"sqlite:///{file}") if profile else Store(f"sqlite:///{file}")
    gateway = Gateway(
        account(NoOpSms, concurrency=1000, optout_suffix="Reply STOP to opt out"), store=store, clock=FrozenClock(NOON)
    )
    async with gateway:
        await gateway.submit(texts(_WARM, purpose="marketing"))
        await gateway.worker.drain(["sms"])
        await gateway.submit(texts(count, purpose="marketing", start=_WARM))
        profiler = cProfile.Profile()
        if profile:
            profiler.enable()
        steady_heap()  # as `recallgate worker` does once it stands
        before = time.process_time()
        handled = await gateway.worker.drain(["sms"])
        spent = time.process_time() - before
        if profile:
            profiler.disable()
            pstats.Stats(profiler).sort_stats("tottime").print_stats(45)
        counts = (await gateway.status())["messages"]
    if handled != count or counts != {"accepted": count + _WARM}:
        raise SystemExit(f"handled {handled} of {count}; states {counts}: the figure would be of something else")
    return spent


def bare(file: Path, rows_of: Path, count: int, *, clock: Callable[[], float] = time.process_time) -> float:
    """Seconds (CPU unless another clock is given) for committing the same rows at the same points with sqlite3 alone."""
    raw = sqlite3.connect(file, isolation_level=None)
    raw.execute("pragma journal_mode=wal")
    raw.execute("pragma synchronous=full")
    raw.execute("pragma cache_size=-65536")
    source = sqlite3.connect(rows_of)
    for (statement,) in source.execute("select sql from sqlite_master where sql is not null and name not like 'sqlite_%'"):
        raw.execute(statement)
    source.close()
    raw.execute("attach ? as theirs", (str(rows_of),))
    columns = [row[1] for row in raw.execute("pragma table_info(rg_message)")]
    fresh = {
        "state": "'queued'",
        "attempts": "0",
        "account": "null",
        "vendor_id": "null",
        "intent_at": "null",
        "accepted_at": "null",
        "parts": "null",
        "cost_micros": "null",
    }
    picked = ", ".join(fresh.get(name, name) for name in columns)
    raw.execute("begin")
    raw.execute(f"insert into rg_message select {picked} from theirs.rg_message order by id limit ?", (count,))
    raw.execute("commit")
    raw.execute("detach theirs")
    before = clock()
    handled, waiting = 0, []
    while chunk := _bare_chunk(raw):
        handled += len(chunk)
        waiting += chunk
        while len(waiting) >= COMMIT:
            _bare_outcomes(raw, waiting[:COMMIT])
            waiting = waiting[COMMIT:]
    _bare_outcomes(raw, waiting)
    spent = clock() - before
    raw.close()
    if handled != count:
        raise SystemExit(f"the bare loop handled {handled} of {count}")
    return spent


def _bare_chunk(raw: sqlite3.Connection) -> list[Any]:
    """Read what is due, look at the ledgers, write the intents: one transaction."""
    now = 1_000
    raw.execute("begin immediate")
    rows = raw.execute(
        "select tenant, id, person, address, payload from rg_message where channel='sms' and rank=34"
        " and due_at<=9999999999999 and state in ('queued', 'held') order by due_at, rowid limit ?",
        (CHUNK,),
    ).fetchall()
    subjects = json.dumps([subject for row in rows for subject in ("p:" + row[2], "a:" + row[3])])
    for table in ("rg_suppression", "rg_cap_entry"):
        raw.execute(
            f"select subject from {table} where tenant='default' and subject in (select value from json_each(?))", (subjects,)
        ).fetchall()
    raw.executemany(
        "update rg_message set state='sending', account='bench', attempts=1, intent_at=?, lease_until=61000, updated_at=?"
        " where tenant=? and id=? and state in ('queued', 'held')",
        [(now, now, row[0], row[1]) for row in rows],
    )
    raw.executemany(
        "insert into rg_attempt (tenant, message_id, n, account, channel, at) values (?, ?, 1, 'bench', 'sms', ?)",
        [(row[0], row[1], now) for row in rows],
    )
    raw.executemany(
        "insert into rg_cap_entry values (?, ?, ?, ?, 'sms', 'marketing', null, '[\"winback\"]', 'counted')",
        [(row[0], subject, row[1], now) for row in rows for subject in ("a:" + row[3], "p:" + row[2])],
    )
    raw.executemany(
        "insert into rg_decision (tenant, message_id, at, verdict, channel, facts) values (?, ?, ?, 'allow', 'sms', '{}')",
        [(row[0], row[1], now) for row in rows],
    )
    raw.execute("commit")
    return rows


def _bare_outcomes(raw: sqlite3.Connection, rows: list[Any]) -> None:
    now = 1_000
    raw.execute("begin immediate")
    raw.executemany(
        "update rg_attempt set finished_at=?, outcome='accepted', vendor_id=? where tenant=? and message_id=? and n=1",
        [(now, row[1], row[0], row[1]) for row in rows],
    )
    raw.executemany(
        "update rg_message set state='accepted', vendor_id=?, accepted_at=?, parts=1, cost_micros=0,"
        " lease_until=0, updated_at=? where tenant=? and id=? and state='sending'",
        [(row[1], now, now, row[0], row[1]) for row in rows],
    )
    raw.execute("commit")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours = Path(folder) / "ours.sqlite"
        spent = asyncio.run(through_the_gateway(ours, given.messages, profile=given.profile))
        least = bare(Path(folder) / "bare.sqlite", ours, given.messages)
    page, floor = spent / given.messages * 1e6, least / given.messages * 1e6
    print(f"page   {page:7.1f} us CPU a message over {given.messages} messages")
    print(f"bare   {floor:7.1f} us CPU a message: sqlite3 alone, the same rows at the same points")
    print(f"ratio  {page / floor:7.2f}")


if __name__ == "__main__":
    main()
