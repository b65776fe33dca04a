"""Checks of what is handed to a statistic: each raises ValueError that names the field and what to do."""

import math

MOST = 10**10  # more people than live; keeps exact sums short
_LEAST_POSITIVE = 1e-100  # smaller amounts divide into infinity
_LEAST_RATE = 1e-15  # smaller shares are lost beside 1


def count(field: str, value: object, *, least: int = 0, most: int = MOST) -> int:
    """Read a whole number of people or units from `least` to `most`; 3.0 counts as 3."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"{field} must be a whole number, got {value!r}; pass a count, not a share or a text")
    if not least <= value <= most:
        shown = value if abs(value) < 10**15 else "a number of more than 15 digits"
        raise ValueError(f"{field} must be from {least} to {most}, got {shown}; check what was counted")
    return value


def number(field: str, value: object, *, least: float = -math.inf) -> float:
    """Read a finite number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{field} must be a number, got {value!r}; write it without quotes")
    try:
        read = float(value)
    except OverflowError:
        raise ValueError(f"{field} must be a number below 1e308; check the unit") from None
    if not math.isfinite(read):
        raise ValueError(f"{field} must be finite, got {read!r}; leave out what was not measured")
    if read < least:
        raise ValueError(f"{field} must be at least {least:g}, got {read!r}; check its sign and unit")
    return read


def positive(field: str, value: object) -> float:
    """Read a finite number above 0."""
    read = number(field, value)
    if read <= 0:
        raise ValueError(f"{field} must be above 0, got {read!r}; check its sign and unit")
    if read < _LEAST_POSITIVE:
        raise ValueError(f"{field} must be at least {_LEAST_POSITIVE:g}, got {read!r}; check its unit")
    return read


def rate(field: str, value: object) -> float:
    """Read a share from 0 to 1, both allowed."""
    read = number(field, value)
    if not 0 <= read <= 1:
        raise ValueError(f"{field} must be from 0 to 1, got {read!r}; write 5 % as 0.05")
    return read


def inner_rate(field: str, value: object) -> float:
    """Read a share strictly between 0 and 1: significance levels, powers and base rates."""
    read = number(field, value)
    if not 0 < read < 1:
        raise ValueError(f"{field} must be above 0 and below 1, got {read!r}; write 5 % as 0.05")
    if read < _LEAST_RATE:
        raise ValueError(f"{field} must be at least {_LEAST_RATE:g}, got {read!r}; such a share cannot be told from 0")
    return read


def successes(k_field: str, k: object, n_field: str, n: object) -> tuple[int, int]:
    """Read `k` of `n`: n at least 1, k from 0 to n."""
    n_read = count(n_field, n, least=1)
    k_read = count(k_field, k)
    if k_read > n_read:
        raise ValueError(
            f"{k_field} must not exceed {n_field}, got {k_read} of {n_read}; count each person once, {n_field} being all assigned"
        )
    return k_read, n_read
