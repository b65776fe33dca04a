"""What a review starts from: how many were assigned, returned, paid and stayed, and what it cost."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from recallgate.stats.checks import count, number, positive

_SIDE_KEYS = ("n", "returned", "paid", "retained_7d", "margin_mean", "margin_sd")
_COST_KEYS = ("message", "labour", "incentive", "fixed")
_KEYS = ("weights", "treatment", "control", "costs", "cac")


@dataclass(frozen=True)
class Share:
    """`k` of `n` people, counted `days` after their return."""

    days: int
    k: int
    n: int


@dataclass(frozen=True)
class Side:
    """One group of a campaign; everybody assigned counts, also those who were never reached.

    `returned`, `paid` and `retained_7d` are people; `paid` and `retained_7d` are among the returned. `observed_7d` are the
    returned whose seven days are over (None: all of them). `margin_mean` and `margin_sd` are per assigned person, the sample
    standard deviation. `by_day[d]` is how many had returned by day d.
    """

    n: int
    returned: int
    paid: int
    retained_7d: int
    margin_mean: float = 0.0
    margin_sd: float = 0.0
    observed_7d: int | None = None
    by_day: tuple[int, ...] = ()
    retained: tuple[Share, ...] = ()
    lapsed_again: tuple[Share, ...] = ()
    repeated: int | None = None

    def __post_init__(self) -> None:
        count("n", self.n)
        number("margin_mean", self.margin_mean)
        number("margin_sd", self.margin_sd, least=0)
        _within("returned", self.returned, "n", self.n)
        _within("paid", self.paid, "returned", self.returned)
        _within("observed_7d", self.observed, "returned", self.returned)
        _within("retained_7d", self.retained_7d, "returned", self.observed)
        if self.repeated is not None:
            _within("repeated", self.repeated, "paid", self.paid)
        if list(self.by_day) != sorted(self.by_day) or (self.by_day and self.by_day[-1] > self.n):
            raise ValueError("by_day must rise from day to day and stay within n: it counts everybody who returned by that day")

    @property
    def observed(self) -> int:
        """The returned people whose seven days after the return are over."""
        return self.returned if self.observed_7d is None else self.observed_7d


@dataclass(frozen=True)
class Pair:
    """Both groups of one arm, tier or country; `control` is None where nobody was held out."""

    treatment: Side
    control: Side | None = None


@dataclass(frozen=True)
class ChannelCounts:
    """What happened on one channel: messages, and people who returned after a last touch on it."""

    channel: str
    messages: int
    sent: int
    delivered: int
    clicked: int
    people: int
    returned: int
    paid: int
    opted_out: int
    complained: int
    uncertain: int
    cost: float


@dataclass(frozen=True)
class Costs:
    """What the campaign cost, in units of one currency. `incentive` is what was redeemed, not what was issued."""

    message: float = 0.0
    labour: float = 0.0
    incentive: float = 0.0
    fixed: float = 0.0

    def __post_init__(self) -> None:
        for name in _COST_KEYS:
            number(name, getattr(self, name), least=0)

    @property
    def total(self) -> float:
        return math.fsum((self.message, self.labour, self.incentive, self.fixed))


@dataclass(frozen=True)
class ReviewCounts:
    """Everything that the statistics need. `weights` are the intended sizes: treatment and control, or each arm and control.

    `cac` is what it costs to win a new user. Groups by arm are compared with the whole control, groups by tier, lapse and
    country with the held-out people of the same group.
    """

    treatment: Side
    control: Side | None = None
    weights: tuple[float, ...] = ()
    costs: Costs = field(default_factory=Costs)
    cac: float | None = None
    window_days: int = 7
    by_arm: Mapping[str, Side] = field(default_factory=dict)
    by_tier: Mapping[str, Pair] = field(default_factory=dict)
    by_lapse: Mapping[str, Pair] = field(default_factory=dict)
    by_country: Mapping[str, Pair] = field(default_factory=dict)
    by_channel: tuple[ChannelCounts, ...] = ()

    def __post_init__(self) -> None:
        if self.weights and len(self.weights) not in (2, len(self.by_arm) + 1):
            raise ValueError("weights must hold two numbers, of treatment and control, or one an arm and one of the control")
        for index, weight in enumerate(self.weights):
            positive(f"weights[{index}]", weight)
        if self.cac is not None:
            positive("cac", self.cac)
        count("window_days", self.window_days)

    @classmethod
    def from_json(cls, data: object) -> "ReviewCounts":
        """Read `{"weights", "treatment", "control", "costs", "cac"?}`; raises ValueError that names the field and the remedy.

        Without a holdout, `control` is null or left out and `weights` may be left out too.
        """
        found = _mapping("counts", data, known=_KEYS)
        if "treatment" not in found:
            raise ValueError(f"treatment is missing: give an object with {', '.join(_SIDE_KEYS)}")
        control = found.get("control")
        cac = found.get("cac")
        return cls(
            treatment=_side("treatment", found["treatment"]),
            control=None if control is None else _side("control", control),
            weights=_weights(found.get("weights"), needed=control is not None),
            costs=_costs(found.get("costs")),
            cac=None if cac is None else positive("cac", cac),
        )


def _side(name: str, data: object) -> Side:
    found = _mapping(name, data, known=_SIDE_KEYS)
    for key in _SIDE_KEYS:
        if key not in found:
            raise ValueError(f"{name}.{key} is missing: {name} needs {', '.join(_SIDE_KEYS)}; write 0 for what did not happen")
    n = count(f"{name}.n", found["n"], least=1)
    returned = _within(f"{name}.returned", found["returned"], f"{name}.n", n)
    return Side(
        n=n,
        returned=returned,
        paid=_within(f"{name}.paid", found["paid"], f"{name}.returned", returned),
        retained_7d=_within(f"{name}.retained_7d", found["retained_7d"], f"{name}.returned", returned),
        margin_mean=number(f"{name}.margin_mean", found["margin_mean"]),
        margin_sd=number(f"{name}.margin_sd", found["margin_sd"], least=0),
    )


def _costs(data: object) -> Costs:
    if data is None:
        raise ValueError(f"costs is missing: give an object with {', '.join(_COST_KEYS)}; write 0 for what cost nothing")
    found = _mapping("costs", data, known=_COST_KEYS)
    return Costs(**{key: number(f"costs.{key}", found.get(key, 0), least=0) for key in _COST_KEYS})


def _weights(data: object, *, needed: bool) -> tuple[float, ...]:
    if data is None:
        if needed:
            raise ValueError("weights is missing: give the intended sizes of treatment and control, for example [90, 10]")
        return ()
    if not isinstance(data, Sequence) or isinstance(data, str | bytes) or len(data) != 2:
        raise ValueError("weights must be a list of two numbers, for example [90, 10]")
    return tuple(positive(f"weights[{index}]", weight) for index, weight in enumerate(data))


def _mapping(name: str, data: object, *, known: Sequence[str]) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise ValueError(f"{name} must be an object with {', '.join(known)}, got {type(data).__name__}")
    for key in data:
        if key not in known:
            raise ValueError(f"{name}: {key!r} is not known; it takes {', '.join(known)}")
    return data


def _within(name: str, value: object, whole_name: str, whole: int) -> int:
    read = count(name, value)
    if read > whole:
        raise ValueError(f"{name} must not exceed {whole_name}, got {read} of {whole}; count each person once")
    return read
