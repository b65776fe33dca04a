"""Message ids: UUID version 7, so that ids sort by the time at which they were made."""

import hashlib
import os
import time
from datetime import datetime

from recallgate.model.clock import to_ms


def new_id() -> str:
    """A UUIDv7 of this moment."""
    return _text(time.time_ns() // 1_000_000, _random())


def uuid7(now: datetime, *, random_bits: int | None = None) -> str:
    """A UUIDv7 as text for an instant; `random_bits` (74 of them) fixes the rest. Source: RFC 9562 5.7."""
    return _text(to_ms(now), _random() if random_bits is None else random_bits & ((1 << 74) - 1))


def derived_id(now: datetime, *parts: str) -> str:
    """The same UUIDv7 for the same instant and parts: a step planned twice is one message, and a simulation repeats."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return uuid7(now, random_bits=int.from_bytes(digest[:10], "big"))


def _random() -> int:
    return int.from_bytes(os.urandom(10), "big") >> 6


def _text(ms: int, bits: int) -> str:
    value = (ms & ((1 << 48) - 1)) << 80 | 0x7 << 76 | (bits >> 62) << 64 | 0b10 << 62 | bits & ((1 << 62) - 1)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
