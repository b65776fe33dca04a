"""What a backlog does to messages that are due now: the rate beside an empty table, and how late a single message leaves.

First the same immediate texts are submitted and drained over an empty SQLite file and over one with a million rows that are
due next month; rounds alternate and the medians are compared. Then a worker runs over the full file, and single messages are
submitted one by one: late is from the call of `submit` to the call of the vendor.
Aims: at least 0.8 of the empty table's rate; p99 of the lateness under 500 ms.
Usage: python benchmarks/backlog.py [--rows 1000000] [--messages 5000] [--rounds 3] [--singles 300]
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fakes import NoOpSms, account, texts

from recallgate import Gateway, Message, Receipt
from recallgate.cli.memory import steady_heap

SHARE, LATE_MS = 0.8, 500.0
_PAGE = 10_000
_BREATH_S = 0.02


class Noting(NoOpSms):
    """Takes everything and remembers when it was called."""

    called: dict[str, float] = {}

    async def send(self, message: Message) -> Receipt:
        self.called[message.id] = time.perf_counter()
        return await super().send(message)


def made(file: Path) -> Gateway:
    return Gateway(account(Noting, concurrency=1000), store=f"sqlite:///{file}")


async def filled(file: Path, rows: int) -> float:
    """So many rows that are due next month; seconds that it took."""
    began, later = time.perf_counter(), datetime.now(UTC) + timedelta(days=30)
    async with made(file) as gateway:
        for start in range(0, rows, _PAGE):
            page = texts(min(_PAGE, rows - start), purpose="service", start=start)
            await gateway.submit(one.model_copy(update={"not_before": later}) for one in page)
    return time.perf_counter() - began


async def rate(file: Path, count: int, *, start: int) -> float:
    """Messages a second from the first `submit` to the last committed outcome."""
    batch = list(texts(count, purpose="service", start=start))
    async with made(file) as gateway:
        began = time.perf_counter()
        await gateway.submit(batch)
        handled = await gateway.worker.drain(["sms"])
        took = time.perf_counter() - began
    if handled != count:
        raise SystemExit(f"{handled} of {count} were handled")
    return count / took


async def lateness(file: Path, singles: int) -> list[float]:
    """Milliseconds from `submit` to the vendor, of single messages under a running worker."""
    asked: dict[str, float] = {}
    async with made(file) as gateway:
        stop = asyncio.Event()
        working = asyncio.create_task(gateway.run(stop))
        await asyncio.sleep(1)
        for message in texts(singles, purpose="service", start=8_900_000):
            asked[message.id] = time.perf_counter()
            await gateway.submit([message])
            await asyncio.sleep(_BREATH_S)
        await asyncio.sleep(1)
        stop.set()
        await working
    if lost := asked.keys() - Noting.called.keys():
        raise SystemExit(f"{len(lost)} of {singles} had not left after a second")
    return [(Noting.called[one] - at) * 1000 for one, at in asked.items()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--messages", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--singles", type=int, default=300)
    given = parser.parse_args()
    found: dict[str, list[float]] = {"empty": [], "full": []}
    with tempfile.TemporaryDirectory() as name:
        full = Path(name) / "full.sqlite"
        print(f"{given.rows} rows that are due next month in {asyncio.run(filled(full, given.rows)):.1f} s", flush=True)
        asyncio.run(rate(Path(name) / "warm.sqlite", 500, start=0))
        steady_heap()  # for both, as `recallgate worker` does once it stands
        for n in range(given.rounds):
            start = 5_000_000 + n * given.messages
            found["empty"].append(asyncio.run(rate(Path(name) / f"empty{n}.sqlite", given.messages, start=start)))
            found["full"].append(asyncio.run(rate(full, given.messages, start=start)))
        late = asyncio.run(lateness(full, given.singles))
    empty, crowded = statistics.median(found["empty"]), statistics.median(found["full"])
    p99 = statistics.quantiles(late, n=100)[98]
    print(f"empty table  {empty:7.0f} messages a second, submit included")
    print(f"full table   {crowded:7.0f} messages a second: {crowded / empty:.2f} of it")
    print(f"lateness     p50 {statistics.median(late):.1f} ms, p99 {p99:.1f} ms, most {max(late):.1f} ms of {len(late)}")
    met = crowded / empty >= SHARE and p99 < LATE_MS
    print(f"aims {SHARE} and {LATE_MS:.0f} ms: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
