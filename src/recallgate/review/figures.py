"""One number of a review with its limits, its counts and its definition."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from recallgate.review.definitions import DEFINITIONS
from recallgate.stats import RateInterval, wilson


@dataclass(frozen=True)
class Figure:
    """A number between its limits; `k` of `n` where it is a rate.

    `unit` is share, points, people, money, ratio or p. `unbounded` says that a limit that is None is infinite, not unknown.
    `more` holds what belongs to this number alone, as plain values.
    """

    name: str
    value: float | None
    low: float | None = None
    high: float | None = None
    unit: str = "share"
    k: int | None = None
    n: int | None = None
    unbounded: bool = False
    more: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def to_json(self, window_days: int) -> dict[str, object]:
        """The number with its definition in both languages, its denominator and its window in days."""
        absent = "not bounded" if self.unbounded else None
        definition = DEFINITIONS[self.name]
        found: dict[str, object] = {
            "value": absent if self.value is None else self.value,
            "low": absent if self.low is None else self.low,
            "high": absent if self.high is None else self.high,
            "unit": self.unit,
            "window_days": window_days,
            "label": definition.label._asdict(),
            "definition": definition.text._asdict(),
            "denominator": definition.denominator._asdict(),
        }
        if self.n is not None:
            found |= {"k": self.k, "n": self.n}
        return found | dict(self.more)


def rate_or_none(k: int, n: int, *, alpha: float) -> RateInterval | None:
    """Wilson's interval, or None when there is nobody to count."""
    return wilson(k, n, alpha=alpha) if n else None


def rate_figure(name: str, k: int, n: int, *, alpha: float) -> Figure:
    """A rate as a figure; without anybody it has no value."""
    found = rate_or_none(k, n, alpha=alpha)
    if found is None:
        return Figure(name, None, k=k, n=n)
    return Figure(name, found.rate, found.low, found.high, k=k, n=n)
