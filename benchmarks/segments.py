"""Segments of short texts, CPU a text, aim: at most 10 us; a smsutil count of the same texts beside it.

python benchmarks/segments.py [--texts 20000] [--rounds 5]
"""

import argparse
import random
import sys
import time
from collections.abc import Callable, Sequence

import smsutil  # type: ignore[import-untyped]  # has no types

from recallgate.text.segments import count

AIM_US = 10.0
KINDS = {
    "gsm7": "abcdefghij klmnop ABC 0123 .,!?",
    "gsm7 with escapes": "abcdefg €[]{} 123",
    "accents": "abc éèàùäöñü £¥ ",
    "chinese": "你好回来看看有优惠券，。满减",
    "emoji": "abc 😀👍 你好",
}


def a_text(draw: random.Random, letters: str) -> str:
    return "".join(draw.choices(letters, k=draw.randint(20, 160)))


def us_each(work: Callable[[str], object], texts: Sequence[str], rounds: int) -> float:
    """The least CPU time a text of some rounds, in microseconds."""
    least = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        for text in texts:
            work(text)
        least = min(least, time.process_time() - began)
    return least / len(texts) * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description="Segments of short texts.")
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    draw, slowest = random.Random(1), 0.0
    for kind, letters in KINDS.items():
        texts = [a_text(draw, letters) for _ in range(chosen.texts // len(KINDS))]
        assert all(count(text).parts == len(smsutil.split(text).parts) for text in texts[:300])
        ours = us_each(count, texts, chosen.rounds)
        theirs = us_each(smsutil.split, texts[:500], 1)
        slowest = max(slowest, ours)
        print(f"{kind:<18} {ours:6.2f} us a text; smsutil {theirs:8.1f} us")
    print(f"aim {AIM_US:.0f} us: {'met' if slowest <= AIM_US else 'MISSED'}")
    return 0 if slowest <= AIM_US else 1


if __name__ == "__main__":
    sys.exit(main())
