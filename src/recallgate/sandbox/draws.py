"""Draws: numbers that look random and are functions of a seed and a key, so that no order of questions changes them."""

import math
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from statistics import NormalDist
from typing import TypeVar

_T = TypeVar("_T")
_STEPS = 1 << 53
_NORMAL = NormalDist()


class Draws:
    """Draws of one seed. There is no state: the same key always has the same draw.

    A key is a sequence of texts; different keys are independent. Source of the bits: BLAKE2b over seed and key.
    """

    def __init__(self, seed: str) -> None:
        self._start = blake2b(seed.encode(), digest_size=8, person=b"recallgate-draw")

    def within(self, *key: str) -> "Draws":
        """The draws whose keys begin with `key`: what many questions about one thing share is hashed once."""
        inner = Draws.__new__(Draws)
        inner._start = self._start.copy()
        inner._start.update(("\x1e" + "\x1f".join(key) + "\x1e").encode())
        return inner

    def uniform(self, *key: str) -> float:
        """Even between 0 and 1, both excluded."""
        return (self._bits(key) + 0.5) / _STEPS

    def chance(self, probability: float, *key: str) -> bool:
        """True with this probability."""
        return probability > 0 and self.uniform(*key) < probability

    def choice(self, options: Sequence[_T], *key: str) -> _T:
        """One of the options, each as likely."""
        return options[int(self.uniform(*key) * len(options))]

    def pick(self, shares: Mapping[_T, float], *key: str) -> _T | None:
        """An option by its share, in the order of the mapping; None with what the shares leave over to 1."""
        left = self.uniform(*key)
        for option, share in shares.items():
            if left < share:
                return option
            left -= share
        return None

    def exponential(self, mean: float, *key: str) -> float:
        """A waiting time without memory, of this mean."""
        return -mean * math.log(self.uniform(*key))

    def lognormal(self, median: float, sigma: float, *key: str) -> float:
        """A positive number of this median; `sigma` is the standard deviation of its logarithm."""
        return median * math.exp(sigma * _NORMAL.inv_cdf(self.uniform(*key)))

    def hex(self, length: int, *key: str) -> str:
        """Hexadecimal characters, for nonces."""
        text, turn = "", 0
        while len(text) < length:
            digest = self._start.copy()
            digest.update("\x1f".join(("hex", str(turn), *key)).encode())
            text += digest.hexdigest()
            turn += 1
        return text[:length]

    def _bits(self, key: Sequence[str]) -> int:
        digest = self._start.copy()
        digest.update("\x1f".join(key).encode())
        return int.from_bytes(digest.digest(), "big") >> 11
