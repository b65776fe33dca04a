"""Churn rules: when a person counts as lapsed. Each is a condition: SQL for everybody, Python for one person.

Whole days since the last event of the rule's type are compared with a threshold by `>=`. Somebody who never did the
event is counted from the first sign of life, so that a daily visitor who never buys is a lapsed buyer in the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from recallgate.model.errors import ConfigError
from recallgate.recall.condition import AllOf, AnyOf, Condition, Facts, Not
from recallgate.recall.duck import literal
from recallgate.rules.datafile import read
from recallgate.stats.churn import p_alive


@dataclass(frozen=True)
class Fixed(Condition):
    """Lapsed after a fixed number of days without the event."""

    event: str
    days: int

    def __post_init__(self) -> None:
        if self.days < 1:
            raise ConfigError("days: a churn threshold is at least 1 day")

    def sql(self) -> str:
        return f"({_idle_sql(self.event)} >= {self.days})"

    def holds(self, facts: Facts) -> bool:
        return _idle(facts, self.event) >= self.days


@dataclass(frozen=True)
class OwnInterval(Condition):
    """Lapsed after `k` times the person's own median gap, kept between `min_days` and `max_days`.

    Gaps lie between distinct days. A person with a single day of the event has no gap yet and gets `max_days`.
    """

    k: float
    min_days: int
    max_days: int
    event: str = "purchase"

    def __post_init__(self) -> None:
        if self.k <= 0:
            raise ConfigError("k: the multiple of the own interval is above 0")
        if not 1 <= self.min_days <= self.max_days:
            raise ConfigError("min_days, max_days: at least 1 day, and min_days is not above max_days")

    def threshold(self, facts: Facts) -> float:
        """The person's own threshold in days."""
        gap = _by_event(facts, "median_gap_days").get(self.event)
        return float(self.max_days) if gap is None else min(max(self.k * gap, float(self.min_days)), float(self.max_days))

    def sql(self) -> str:
        own = f"{self.k!r}::DOUBLE * median_gap_days[{literal(self.event)}]"
        kept = f"least(greatest({own}, {self.min_days}::DOUBLE), {self.max_days}::DOUBLE)"
        known = f"median_gap_days[{literal(self.event)}] IS NULL"
        return f"({_idle_sql(self.event)} >= CASE WHEN {known} THEN {self.max_days}::DOUBLE ELSE {kept} END)"

    def holds(self, facts: Facts) -> bool:
        return _idle(facts, self.event) >= self.threshold(facts)


@dataclass(frozen=True)
class PopulationQuantile(Condition):
    """Lapsed after more days than the share `q` of everybody's gaps lasted.

    `days` is learned from an audience by `fitted`; without it the rule cannot judge and raises ConfigError.
    """

    q: float
    event: str = "purchase"
    days: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.q < 1:
            raise ConfigError("q: a quantile lies between 0 and 1")

    @property
    def fixed(self) -> Fixed:
        """The rule with its learned threshold."""
        if self.days is None:
            raise ConfigError("population_quantile: the threshold is not known yet; call audience.fit(rule) first")
        return Fixed(self.event, self.days)

    def sql(self) -> str:
        return self.fixed.sql()

    def holds(self, facts: Facts) -> bool:
        return self.fixed.holds(facts)


@dataclass(frozen=True)
class BgNbd:
    """Parameters of a BG/NBD model; one unit of its time is `unit_days` days (7 when fitted on weeks)."""

    r: float
    alpha: float
    a: float
    b: float
    unit_days: float = 1.0

    def __post_init__(self) -> None:
        if min(self.r, self.alpha, self.a, self.b, self.unit_days) <= 0:
            raise ConfigError("params: r, alpha, a, b and unit_days are above 0")


@dataclass(frozen=True)
class PAlive(Condition):
    """Lapsed when the probability of being still a buyer is below a limit.

    x repeat purchase days, t_x between first and last purchase, T since the first: 1 / (1 + (a/(b+x-1)) ·
    ((alpha+T)/(alpha+t_x))^(r+x)), and 1 for x = 0, so that one-time buyers need a fixed rule beside this one.
    Source: Fader, Hardie, Lee, "Counting your customers the easy way", 2005.
    """

    below: float
    params: BgNbd

    def __post_init__(self) -> None:
        if not 0 < self.below < 1:
            raise ConfigError("below: a probability lies between 0 and 1")

    def sql(self) -> str:
        p = self.params
        unit = f"{p.unit_days!r}::DOUBLE"
        x = "(purchase_days - 1)::DOUBLE"
        ratio = (
            f"({p.alpha!r}::DOUBLE + days_since_first_purchase / {unit}) / ({p.alpha!r}::DOUBLE + purchase_span_days / {unit})"
        )
        odds = f"({p.a!r}::DOUBLE / ({p.b!r}::DOUBLE + {x} - 1)) * pow({ratio}, {p.r!r}::DOUBLE + {x})"
        return f"coalesce(purchase_days > 1 AND 1 / (1 + {odds}) < {self.below!r}::DOUBLE, FALSE)"

    def probability(self, facts: Facts) -> float:
        """P(alive); 1 for a person with fewer than two purchase days."""
        days, age, span = (facts.get(name) for name in ("purchase_days", "days_since_first_purchase", "purchase_span_days"))
        if not (isinstance(days, int) and isinstance(age, int) and isinstance(span, int)) or days < 2:
            return 1.0
        p = self.params
        return p_alive(days - 1, span / p.unit_days, age=age / p.unit_days, r=p.r, alpha=p.alpha, a=p.a, b=p.b)

    def holds(self, facts: Facts) -> bool:
        return self.probability(facts) < self.below


@dataclass(frozen=True)
class Preset:
    """A churn rule of practice: the rule, the product class it is for, the kind of value that brings people back."""

    id: str
    rule: Fixed
    product_class: str
    value_type: str
    source: str


def all_of(*rules: Condition) -> Condition:
    """Lapsed when every rule says so."""
    return AllOf(rules)


def any_of(*rules: Condition) -> Condition:
    """Lapsed when one of the rules says so."""
    return AnyOf(rules)


def presets() -> Mapping[str, Preset]:
    """The churn presets by id."""
    return {
        row["id"]: Preset(
            row["id"], Fixed(row["event"], row["threshold_days"]), row["product_class"], row["value_type"], row["source"]
        )
        for row in read("churn_presets")["presets"]
    }


def preset(name: str) -> Fixed:
    """The rule of a preset; raises ConfigError that lists the presets."""
    known = presets()
    if name not in known:
        raise ConfigError(f"churn: there is no preset {name!r}; there are {', '.join(known)}")
    return known[name].rule


def value_types(product_class: str) -> tuple[str, ...]:
    """The kinds of value that fit a product class; empty for a class that nothing is known of."""
    table = read("churn_presets")
    for row in table["presets"]:
        if row["product_class"] == product_class:
            return (str(row["value_type"]),)
    return tuple(table["value_type_by_product"].get(product_class, ()))


def with_thresholds(rule: Condition, thresholds: Mapping[tuple[float, str], int]) -> Condition:
    """The rule with the learned days of its population quantiles, keyed by (q, event)."""
    match rule:
        case PopulationQuantile(q=q, event=event):
            return replace(rule, days=thresholds[q, event])
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return replace(rule, parts=tuple(with_thresholds(part, thresholds) for part in parts))
        case Not(part=part):
            return Not(with_thresholds(part, thresholds))
        case _:
            return rule


def quantiles_in(rule: Condition) -> tuple[PopulationQuantile, ...]:
    """The population quantiles inside a rule, in order of appearance."""
    match rule:
        case PopulationQuantile():
            return (rule,)
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return tuple(found for part in parts for found in quantiles_in(part))
        case Not(part=part):
            return quantiles_in(part)
        case _:
            return ()


def _idle_sql(event: str) -> str:
    return f"coalesce(days_since[{literal(event)}], days_since_first)"


def _idle(facts: Facts, event: str) -> float:
    since = _by_event(facts, "days_since").get(event)
    if since is not None:
        return since
    first = facts.get("days_since_first")
    assert isinstance(first, int)
    return first


def _by_event(facts: Facts, name: str) -> Mapping[str, float]:
    table = facts.get(name)
    return table if isinstance(table, Mapping) else {}
