"""A vendor that takes 50 ms for each answer, 200 calls at once: the share of a bare loop's rate that the whole path keeps.

Bare and whole use the same kind of transport and send the same bodies; rounds alternate and the medians are compared.
Aim: at least 0.8, by wall. What a vendor that is down for a minute costs is shown in virtual time by a test.
Usage: python benchmarks/latency.py [--transport lanes|fast] [--delay-ms 50] [--in-flight 200] [--messages 6000] [--rounds 3]
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from pathlib import Path

from lanes import bare, whole
from servers import TRANSPORTS, sink

from recallgate.cli.memory import steady_heap

SHARE = 0.8


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=TRANSPORTS, help="both unless one is named")
    parser.add_argument("--delay-ms", type=int, default=50)
    parser.add_argument("--in-flight", type=int, default=200)
    parser.add_argument("--messages", type=int, default=6_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    at_once, count = given.in_flight, given.messages
    shares = []
    with tempfile.TemporaryDirectory() as name, sink(delay_ms=given.delay_ms) as base:
        for transport in [given.transport] if given.transport else TRANSPORTS:
            make = TRANSPORTS[transport]
            alone: list[float] = []
            ours: list[float] = []
            asyncio.run(whole(base, 2 * at_once, Path(name), transport=make, in_flight=at_once))
            steady_heap()  # for both, as `recallgate worker` does once it stands
            for _ in range(given.rounds):
                alone.append(asyncio.run(bare(base, count, transport=make, in_flight=at_once)))
                ours.append(asyncio.run(whole(base, count, Path(name), transport=make, in_flight=at_once)))
            rate, least = statistics.median(ours), statistics.median(alone)
            shares.append(rate / least)
            print(f"{transport:6s} whole path {rate:6.0f} a second, bare loop {least:6.0f}: {rate / least:.2f}")
    most = at_once * 1000 / given.delay_ms
    print(f"{at_once} at once and {given.delay_ms} ms allow {most:.0f} a second at most")
    met = min(shares) >= SHARE
    print(f"aim {SHARE}: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
