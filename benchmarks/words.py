"""Blocked words: 20,000 texts against 20,000 words, one process, aim: less than 1 s.

    python benchmarks/words.py [--texts 20000] [--words 20000]

Half of the words and texts are Chinese, half English; about one text in ten has a blocked word, every second of these with
signs put between its characters. What is found is checked against a plain search.
"""

import argparse
import random
import re
import sys
import time
from collections.abc import Sequence

from recallgate.text.words import BlockedWords, WordList

CHARACTERS = "".join(map(chr, range(0x4E00, 0x4E00 + 3_000)))
LETTERS = "abcdefghijklmnopqrstuvwxyz"
AIM_S = 1.0


def a_word(draw: random.Random, *, chinese: bool) -> str:
    return "".join(draw.choices(CHARACTERS, k=draw.randint(2, 6)) if chinese else draw.choices(LETTERS, k=draw.randint(4, 10)))


def a_text(draw: random.Random, words: Sequence[str], *, chinese: bool) -> str:
    """About 60 characters, sometimes with a blocked word somewhere in it."""
    pieces = [a_word(draw, chinese=chinese) for _ in range(14 if chinese else 8)]
    if draw.random() < 0.1:
        word = draw.choice(words)
        pieces[draw.randrange(len(pieces))] = "·".join(word) if draw.random() < 0.5 and not word.isascii() else word
    return (
        "【某某】"
        + "".join(piece + draw.choice("，。 " if chinese else " ") for piece in pieces)
        + " https://s.example/a1b2 回T退订"
    )


def by_hand(text: str, words: Sequence[str]) -> set[str]:
    """The slow way: every word is looked for."""
    bare = re.sub("[·，。 ]+(?=[\u4e00-\u9fff])", "", text)
    return {word for word in words if (re.search(rf"(?<![a-z0-9]){word}(?![a-z0-9])", bare) if word.isascii() else word in bare)}


def main() -> int:
    parser = argparse.ArgumentParser(description="Blocked words against many texts.")
    parser.add_argument("--texts", type=int, default=20_000)
    parser.add_argument("--words", type=int, default=20_000)
    chosen = parser.parse_args()
    draw = random.Random(1)
    words = [a_word(draw, chinese=n % 2 == 0) for n in range(chosen.words)]
    texts = [a_text(draw, words, chinese=n % 2 == 0) for n in range(chosen.texts)]

    began = time.process_time()
    blocked = BlockedWords([WordList(id="all", words=tuple(words))])
    built = time.process_time() - began
    began = time.process_time()
    found = [blocked.find(text) for text in texts]
    took = time.process_time() - began

    hit = sum(bool(one) for one in found)
    for text, hits in zip(texts[:200], found, strict=False):
        assert {one.word for one in hits} == by_hand(text, words), text
    print(f"{len(words)} words in {built:.2f} s")
    print(f"{len(texts)} texts in {took:.2f} s ({took / len(texts) * 1e6:.1f} us each), {hit} hit")
    print(f"aim {AIM_S:.1f} s: {'met' if took + built < AIM_S else 'MISSED'}")
    return 0 if took + built < AIM_S else 1


if __name__ == "__main__":
    sys.exit(main())
