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
from pathlib import Path

from fakes import NoOpSms, account, texts

from recallgate import FrozenClock, Gateway

NOON = "2026-11-20T20:00:00+00:00"  # a Friday, noon in San Francisco
CLAIM, CHUNK = 500, 50
_WARM = 1000


async def through_the_gateway(file: Path, count: int, *, profile: bool) -> float:
    """CPU seconds of the process for draining `count` marketing texts."""
    gateway = Gateway(
        account(NoOpSms, concurrency=1000, optout_suffix="Reply STOP to opt out"),
        store=f"sqlite:///{file}",
        clock=FrozenClock(NOON),
    )
    async with gateway:
        await gateway.submit(texts(_WARM, purpose="marketing"))
        await gateway.worker.drain(["sms"])
        await gateway.submit(texts(count, purpose="marketing", start=_WARM))
        profiler = cProfile.Profile()
        if profile:
            # the store has a thread of its own; a profiler sees one thread, so its work is done in this one
            _inline(gateway)
            profiler.enable()
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


def _inline(gateway: Gateway) -> None:
    from typing import Any

    store = gateway.store
    engine = store._engine
    assert engine is not None
    connection = engine.connect()

    async def run(work: Any, *, urgent: bool = False, small: bool = False) -> Any:
        with connection.begin():
            return work(connection)

    store.run = run  # type: ignore[method-assign]  # only while profiling


def bare(file: Path, rows_of: Path, count: int) -> float:
    """CPU seconds for committing the same rows at the same points with sqlite3 alone."""
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
    before = time.process_time()
    handled = 0
    while handled < count:
        handled += _bare_page(raw)
    spent = time.process_time() - before
    raw.close()
    return spent


def _bare_page(raw: sqlite3.Connection) -> int:
    now = 1_000
    raw.execute("begin immediate")
    rows = raw.execute(
        "update rg_message set lease_token='t', lease_until=61000 where rowid in ("
        "select rowid from rg_message where channel='sms' and rank=34 and due_at<=9999999999999 and state='queued' limit ?)"
        " returning tenant, id, person, address, payload",
        (CLAIM,),
    ).fetchall()
    raw.execute("commit")
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        raw.execute("begin immediate")
        subjects = json.dumps([subject for row in chunk for subject in ("p:" + row[2], "a:" + row[3])])
        for table in ("rg_suppression", "rg_cap_entry"):
            raw.execute(
                f"select subject from {table} where tenant='default' and subject in (select value from json_each(?))", (subjects,)
            ).fetchall()
        raw.executemany(
            "update rg_message set state='sending', account='bench', attempts=1, intent_at=?, lease_until=61000, updated_at=?"
            " where tenant=? and id=? and lease_token='t'",
            [(now, now, row[0], row[1]) for row in chunk],
        )
        raw.executemany(
            "insert into rg_attempt (tenant, message_id, n, account, channel, at) values (?, ?, 1, 'bench', 'sms', ?)",
            [(row[0], row[1], now) for row in chunk],
        )
        raw.executemany(
            "insert into rg_cap_entry values (?, ?, ?, ?, 'sms', 'marketing', null, '[\"winback\"]', 'reserved')",
            [(row[0], subject, row[1], now) for row in chunk for subject in ("a:" + row[3], "p:" + row[2])],
        )
        raw.executemany(
            "insert into rg_decision (tenant, message_id, at, verdict, channel, facts) values (?, ?, ?, 'allow', 'sms', '{}')",
            [(row[0], row[1], now) for row in chunk],
        )
        raw.execute("commit")
    raw.execute("begin immediate")
    raw.executemany(
        "update rg_attempt set finished_at=?, outcome='accepted', vendor_id=? where tenant=? and message_id=? and n=1",
        [(now, row[1], row[0], row[1]) for row in rows],
    )
    raw.executemany(
        "update rg_message set state='accepted', vendor_id=?, accepted_at=?, parts=1, cost_micros=0, lease_token=null,"
        " lease_until=0, updated_at=? where tenant=? and id=? and state='sending'",
        [(row[1], now, now, row[0], row[1]) for row in rows],
    )
    raw.executemany(
        "update rg_cap_entry set state='confirmed' where tenant=? and subject=? and message_id=?",
        [(row[0], subject, row[1]) for row in rows for subject in ("a:" + row[3], "p:" + row[2])],
    )
    raw.execute("commit")
    return len(rows)


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
