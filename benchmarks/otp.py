"""How long an otp takes through `send()`, alone and while a campaign drains on the same SQLite file.

Usage: python benchmarks/otp.py [--rows 100000] [--codes 300]
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from fakes import NoOpSms, account, texts

from recallgate import Gateway


async def latencies(gateway: Gateway, count: int, *, start: int) -> list[float]:
    """Milliseconds of each of `count` sends, one after the other with a breath between them."""
    found = []
    for message in texts(count, purpose="otp", start=start):
        before = time.perf_counter()
        delivery = await gateway.send(message)
        found.append((time.perf_counter() - before) * 1000)
        if not delivery.state.taken:
            raise SystemExit(f"an otp ended as {delivery.state}")
        await asyncio.sleep(0.01)
    return found


async def measure(file: Path, rows: int, codes: int) -> None:
    taken = account(NoOpSms, concurrency=1000)
    async with Gateway(taken, store=f"sqlite:///{file}") as gateway:
        await latencies(gateway, 30, start=8_000_000)
        alone = await latencies(gateway, codes, start=8_100_000)
        for start in range(0, rows, 10_000):
            await gateway.submit(texts(min(10_000, rows - start), purpose="service", start=start))
        stop = asyncio.Event()
        worker = asyncio.create_task(gateway.run(stop))
        await asyncio.sleep(0.5)
        loaded = await latencies(gateway, codes, start=8_500_000)
        left = (await gateway.status())["messages"].get("queued", 0)
        stop.set()
        await worker
    if not left:
        raise SystemExit("the campaign had drained before the last code was sent; give more --rows")
    for name, found in (("alone", alone), ("under load", loaded)):
        print(f"{name:11s} p50 {statistics.median(found):7.2f} ms   p99 {_p99(found):7.2f} ms   of {len(found)} codes")
    print(f"added p99   {_p99(loaded) - _p99(alone):7.2f} ms while {rows} rows drained ({rows - left} had left)")


def _p99(found: list[float]) -> float:
    return statistics.quantiles(found, n=100)[98]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--codes", type=int, default=300)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder) / "otp.sqlite", given.rows, given.codes))


if __name__ == "__main__":
    main()
