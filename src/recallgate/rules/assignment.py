"""Who is held out and who gets which arm: one hash, no state.

A person's place follows from a salt and the id of the person's cluster, so it is sticky without being stored, and raising a
holdout's share keeps everybody who was in it.
"""

import hashlib
from collections.abc import Sequence
from itertools import accumulate

BUCKETS = 10_000  # one bucket is 1/100 percent


def bucket(salt: str, unit: str) -> int:
    """Place a unit among 10 000 buckets: the first 8 bytes of SHA-256 over `salt:unit`, modulo 10 000.

    Both texts are taken as they are, without trimming, case change or Unicode normalisation. Raises ValueError for what is no
    text or cannot be written as UTF-8; the unit is never repeated in the message.
    """
    digest = hashlib.sha256(_utf8("salt", salt) + b":" + _utf8("unit", unit)).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS


def in_holdout(salt: str, unit: str, *, share_bp: int) -> bool:
    """Tell whether a unit is kept without contact; `share_bp` is 0…10 000, so 1000 holds out 10 %."""
    if type(share_bp) is not int or not 0 <= share_bp <= BUCKETS:
        raise ValueError(f"share_bp must be an integer from 0 to {BUCKETS} (1000 is 10 %), got {share_bp!r}")
    return bucket(salt, unit) < share_bp


def arm_of(salt: str, unit: str, *, weights: Sequence[int]) -> int:
    """Choose an arm, as the index into `weights`: positive integers in declared order.

    Arm i ends before bucket 10 000 · (w₀+…+wᵢ) // (w₀+…+wₖ), so shares are exact to one bucket.
    """
    if not weights:
        raise ValueError("weights must name at least one arm, for example (50, 50)")
    for index, weight in enumerate(weights):
        if type(weight) is not int or weight < 1:
            raise ValueError(f"weights[{index}] must be a positive integer, got {weight!r}; leave out an arm that gets nobody")
    place, total = bucket(salt, unit), sum(weights)
    boundaries = (BUCKETS * reached // total for reached in accumulate(weights))
    return next(index for index, boundary in enumerate(boundaries) if place < boundary)


def _utf8(field: str, text: str) -> bytes:
    if not isinstance(text, str):
        raise ValueError(f"{field} must be text, got {type(text).__name__}; write an id as a string")
    try:
        return text.encode()
    except UnicodeEncodeError:
        # the original error would carry the text, which may be a person's address
        raise ValueError(f"{field} must be valid Unicode text; it holds half of a surrogate pair") from None
