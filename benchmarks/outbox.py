"""A million planned messages durably in the outbox: seconds, and the peak memory of the process.

Each is a marketing text of a campaign's step that is due tomorrow; making the message objects is counted. They are submitted a
page at a time, as a planner does, to SQLite with synchronous=FULL. Beside it sqlite3 alone writes the same rows in transactions
of the same size into the same tables. Aims: 45 s (stretch 30 s) and 400 MB.
Usage: python benchmarks/outbox.py [--messages 1000000]
"""

import argparse
import asyncio
import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from fakes import NOON, NoOpSms, account, texts

from recallgate import FrozenClock, Gateway, Message, Origin

SECONDS, MEGABYTES = 45.0, 400
_AIMED = 1_000_000
_PAGE = 10_000
_TRANSACTION = 1_000  # what `submit` commits together
_NUMBERS = 7_900_000  # there are no more seven-digit numbers in the area


def planned(count: int, *, start: int) -> Iterator[Message]:
    """Messages of a campaign's first step."""
    origin = Origin(campaign="spring", step="first")
    tomorrow = NOON + timedelta(days=1)
    for n in range(start, start + count):
        yield Message.sms(
            f"+1415{2_000_000 + n % _NUMBERS:07d}",
            f"We kept your cart: https://shop.example/c/{n}",
            purpose="marketing",
            person=f"p{n}",
            tags=frozenset({"winback"}),
            origin=origin,
            not_before=tomorrow,
            timezone="America/Los_Angeles",
            country="US",
        )


async def submitted(file: Path, count: int) -> tuple[float, float]:
    """Seconds until the last page is committed, and seconds of CPU."""
    taken = account(NoOpSms, optout_suffix="Reply STOP to opt out")
    async with Gateway(taken, store=f"sqlite:///{file}", clock=FrozenClock(NOON)) as gateway:
        await gateway.submit(texts(100, purpose="service"))
        began, cpu = time.perf_counter(), time.process_time()
        for start in range(0, count, _PAGE):
            await gateway.submit(planned(min(_PAGE, count - start), start=start), page=_TRANSACTION)
        return time.perf_counter() - began, time.process_time() - cpu


def bare(file: Path, rows_of: Path) -> tuple[int, float]:
    """How many planned rows there are, and the seconds in which sqlite3 alone writes them."""
    source = sqlite3.connect(rows_of)
    raw = sqlite3.connect(file, isolation_level=None)
    raw.execute("pragma journal_mode=wal")
    raw.execute("pragma synchronous=full")
    for (statement,) in source.execute("select sql from sqlite_master where sql is not null and name not like 'sqlite_%'"):
        raw.execute(statement)
    reading = source.execute("select * from rg_message where campaign = 'spring'")
    marks = ", ".join("?" for _ in reading.description)
    written, took = 0, 0.0
    while rows := reading.fetchmany(_TRANSACTION):
        began = time.perf_counter()
        raw.execute("begin immediate")
        raw.executemany(f"insert into rg_message values ({marks})", rows)
        raw.execute("commit")
        took += time.perf_counter() - began
        written += len(rows)
    raw.close()
    source.close()
    return written, took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=_AIMED)
    count = parser.parse_args().messages
    with tempfile.TemporaryDirectory() as name:
        ours = Path(name) / "ours.sqlite"
        took, cpu = asyncio.run(submitted(ours, count))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        size = ours.stat().st_size / 1e6
        written, least = bare(Path(name) / "bare.sqlite", ours)
    if written != count:
        raise SystemExit(f"{written} of {count} are in the outbox")
    whole = took * _AIMED / count
    print(f"{count} messages in {took:.1f} s, {cpu / count * 1e6:.1f} us of CPU each; peak {peak:.0f} MB; file {size:.0f} MB")
    print(f"sqlite3 alone, the same rows: {least:.1f} s; {took / least:.2f} times")
    print(f"a million at this pace: {whole:.0f} s")
    met = whole <= SECONDS and peak < MEGABYTES
    print(f"aims {SECONDS:.0f} s for a million and {MEGABYTES} MB: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
