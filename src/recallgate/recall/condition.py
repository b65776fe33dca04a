"""Conditions on one person: an algebra of `&`, `|` and `~` that compiles to SQL and judges the same in Python.

A fact that is not known makes a comparison false on both sides, so that negation means the same everywhere.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from recallgate.model.errors import ConfigError
from recallgate.recall.duck import literal

Facts = Mapping[str, object]
Kind = Literal["number", "text"]
Operator = Literal[">=", ">", "<=", "<", "=", "<>"]

# Every field that a condition may name. There is no plain `recency`: scoring counts it from now, lifetime value from
# the first to the last event, and mixing the two up is silent.
FIELDS: Mapping[str, Kind] = {
    "days_since_last": "number",
    "days_since_first": "number",
    "last_minus_first": "number",
    "orders": "number",
    "repeat_orders": "number",
    "purchase_days": "number",
    "quantity": "number",
    "monetary_cents": "number",
    "days_since_last_visit": "number",
    "visits_before_last_visit": "number",
    "days_since_last_purchase": "number",
    "orders_before_last_order": "number",
    "activity_score": "number",
    "recency_score": "number",
    "frequency_score": "number",
    "monetary_score": "number",
    "rfm": "text",
    "tier": "text",
    "country": "text",
    "region": "text",
    "locale": "text",
    "device": "text",
    "cause": "text",
    "need_left": "text",
    "has_substitute": "text",
    "arm": "text",
}
# Known of a person inside a play only; there is no column for them.
RUN_FIELDS = frozenset({"arm"})

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "=": operator.eq,
    "<>": operator.ne,
}


@dataclass(frozen=True)
class Condition:
    """A claim about a person that can be true or false, never unknown."""

    def sql(self) -> str:
        """The claim as a boolean SQL expression over the columns of an audience."""
        raise NotImplementedError

    def holds(self, facts: Facts) -> bool:
        """The claim about one person's facts."""
        raise NotImplementedError

    def __and__(self, other: "Condition") -> "Condition":
        return AllOf((self, other))

    def __or__(self, other: "Condition") -> "Condition":
        return AnyOf((self, other))

    def __invert__(self) -> "Condition":
        return Not(self)


@dataclass(frozen=True)
class AllOf(Condition):
    """True when every part is; true for no parts."""

    parts: tuple[Condition, ...]

    def sql(self) -> str:
        return "(" + " AND ".join(part.sql() for part in self.parts) + ")" if self.parts else "TRUE"

    def holds(self, facts: Facts) -> bool:
        return all(part.holds(facts) for part in self.parts)


@dataclass(frozen=True)
class AnyOf(Condition):
    """True when a part is; false for no parts."""

    parts: tuple[Condition, ...]

    def sql(self) -> str:
        return "(" + " OR ".join(part.sql() for part in self.parts) + ")" if self.parts else "FALSE"

    def holds(self, facts: Facts) -> bool:
        return any(part.holds(facts) for part in self.parts)


@dataclass(frozen=True)
class Not(Condition):
    """True when the part is false."""

    part: Condition

    def sql(self) -> str:
        return f"(NOT {self.part.sql()})"

    def holds(self, facts: Facts) -> bool:
        return not self.part.holds(facts)


@dataclass(frozen=True)
class Compare(Condition):
    """A field against a value."""

    field: str
    op: Operator
    value: int | float | str

    def __post_init__(self) -> None:
        _check_value(self.field, self.value)

    def sql(self) -> str:
        return f"coalesce({column(self.field)} {self.op} {literal(self.value)}, FALSE)"

    def holds(self, facts: Facts) -> bool:
        known = facts.get(self.field)
        return known is not None and bool(_COMPARE[self.op](known, self.value))


@dataclass(frozen=True)
class OneOf(Condition):
    """A field is one of several values."""

    field: str
    values: tuple[int | float | str, ...]

    def __post_init__(self) -> None:
        for value in self.values:
            _check_value(self.field, value)

    def sql(self) -> str:
        if not self.values:
            return "FALSE"
        return f"coalesce({column(self.field)} IN ({', '.join(literal(value) for value in self.values)}), FALSE)"

    def holds(self, facts: Facts) -> bool:
        return facts.get(self.field) in self.values


@dataclass(frozen=True)
class Known(Condition):
    """Something is known of a field."""

    field: str

    def __post_init__(self) -> None:
        _check_field(self.field)

    def sql(self) -> str:
        return f"({column(self.field)} IS NOT NULL)"

    def holds(self, facts: Facts) -> bool:
        return facts.get(self.field) is not None


@dataclass(frozen=True)
class Reachable(Condition):
    """The person has an address on a channel."""

    channel: str

    def sql(self) -> str:
        return f"coalesce(list_contains(channels, {literal(self.channel)}), FALSE)"

    def holds(self, facts: Facts) -> bool:
        channels = facts.get("channels")
        return isinstance(channels, tuple | list | frozenset) and self.channel in channels


@dataclass(frozen=True)
class CellLike(Condition):
    """The RFM cell fits a pattern of three signs, 1 to 5 or `*` for any: `5**`."""

    pattern: str

    def __post_init__(self) -> None:
        if len(self.pattern) != 3 or any(sign not in "12345*" for sign in self.pattern):
            raise ConfigError(f"rfm: {self.pattern!r} is no pattern; write three signs, each 1 to 5 or *, such as 5**")

    def sql(self) -> str:
        return f"coalesce(rfm LIKE {literal(self.pattern.replace('*', '_'))}, FALSE)"

    def holds(self, facts: Facts) -> bool:
        cell = facts.get("rfm")
        return isinstance(cell, str) and all(want in ("*", sign) for want, sign in zip(self.pattern, cell, strict=True))


@dataclass(frozen=True, eq=False)
class Field:
    """A field by name; comparing it builds a condition."""

    name: str

    def __post_init__(self) -> None:
        _check_field(self.name)

    def __ge__(self, value: float) -> Condition:
        return Compare(self.name, ">=", value)

    def __gt__(self, value: float) -> Condition:
        return Compare(self.name, ">", value)

    def __le__(self, value: float) -> Condition:
        return Compare(self.name, "<=", value)

    def __lt__(self, value: float) -> Condition:
        return Compare(self.name, "<", value)

    def __eq__(self, value: object) -> Condition:  # type: ignore[override]  # builds a condition, as in a query language
        return Compare(self.name, "=", _plain(value))

    def __ne__(self, value: object) -> Condition:  # type: ignore[override]  # builds a condition
        return Compare(self.name, "<>", _plain(value))

    __hash__ = None  # type: ignore[assignment]  # what cannot be compared cannot be a key

    def one_of(self, *values: int | float | str) -> Condition:
        return OneOf(self.name, values)

    def between(self, low: float, high: float) -> Condition:
        """Both ends belong to it."""
        return AllOf((Compare(self.name, ">=", low), Compare(self.name, "<=", high)))

    @property
    def known(self) -> Condition:
        return Known(self.name)


def field(name: str) -> Field:
    """A field of the allow-list `FIELDS`; raises ConfigError with the list for any other name."""
    return Field(name)


def column(name: str) -> str:
    """The SQL column of a field; raises ConfigError for one that is known inside a play only."""
    if name in RUN_FIELDS:
        raise ConfigError(f"field: {name!r} is known inside a play only; use it in a Choose step, not in a segment")
    return name


def _check_field(name: str) -> None:
    if name not in FIELDS:
        hint = "write days_since_last or last_minus_first" if name == "recency" else f"there are {', '.join(FIELDS)}"
        raise ConfigError(f"field: there is no field {name!r}; {hint}")


def _check_value(name: str, value: object) -> None:
    _check_field(name)
    fits = isinstance(value, str) if FIELDS[name] == "text" else isinstance(value, int | float) and not isinstance(value, bool)
    if not fits:
        raise ConfigError(f"field {name}: it is a {FIELDS[name]} and cannot be compared with a {type(value).__name__}")


def _plain(value: object) -> int | float | str:
    if isinstance(value, int | float | str):
        return value
    raise ConfigError(f"field: a {type(value).__name__} cannot be compared; use a text or a number")
