"""A person's way through a lapse: states, age buckets, ladder rungs, and the threshold that the data suggest."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from recallgate.model.errors import ConfigError
from recallgate.recall.activity import Activity
from recallgate.recall.condition import Condition, Facts
from recallgate.recall.duck import literal
from recallgate.rules.datafile import read


class LapseState(StrEnum):
    """How active a person is; the names say that activity fell, not where the person went."""

    ACTIVE = "active"
    AT_RISK = "at_risk"
    LAPSED = "lapsed"
    HOPELESS = "hopeless"
    RETURNED = "returned"


@dataclass(frozen=True)
class Hopeless:
    """So many plays without a return inside the window: recall stops until the person returns."""

    failed_plays: int = 3
    window: timedelta = timedelta(days=180)

    def holds(self, failed_at: Sequence[datetime], now: datetime) -> bool:
        """Judge by the instants at which plays ended without a return."""
        return sum(now - self.window < at <= now for at in failed_at) >= self.failed_plays


@dataclass(frozen=True)
class Churn:
    """What lapsed means here: the rule, an earlier warning, and when to give up; a change gets a new `version`."""

    lapsed: Condition
    at_risk: Condition | None = None
    hopeless: Hopeless = field(default_factory=Hopeless)
    version: str = "1"

    def state_of(self, facts: Facts, *, before: LapseState, failed_at: Sequence[datetime], now: datetime) -> LapseState:
        """The state at `now` of a person who was in `before`, when nothing new was heard of them."""
        if self.lapsed.holds(facts):
            return LapseState.HOPELESS if self.hopeless.holds(failed_at, now) else LapseState.LAPSED
        if before in (LapseState.LAPSED, LapseState.HOPELESS):
            return LapseState.RETURNED
        if self.at_risk is not None and self.at_risk.holds(facts):
            return LapseState.AT_RISK
        return LapseState.ACTIVE


@dataclass(frozen=True)
class Transition:
    """A change of state with the instant and the version of the rule that saw it."""

    person: str
    before: LapseState
    after: LapseState
    at: datetime
    version: str


def on_activity(state: LapseState) -> LapseState:
    """The state after an event of the person: returned from a lapse first, then active."""
    return LapseState.RETURNED if state in (LapseState.LAPSED, LapseState.HOPELESS) else LapseState.ACTIVE


@dataclass(frozen=True)
class LapseBuckets:
    """Ages of a lapse in days: each bucket begins at one edge and ends before the next, the last has no end."""

    edges: tuple[int, ...] = (30, 60, 90, 180, 365)
    version: str = "1"

    def __post_init__(self) -> None:
        if not self.edges or list(self.edges) != sorted(set(self.edges)) or self.edges[0] < 0:
            raise ConfigError("edges: write rising day numbers, such as 30, 60, 90")

    @classmethod
    def starting_at(cls, days: int) -> "LapseBuckets":
        """The usual edges, beginning where the lapse begins."""
        return cls((days, *(edge for edge in cls().edges if edge > days)))

    @property
    def labels(self) -> tuple[str, ...]:
        ends = [f"{low}-{high - 1}" for low, high in zip(self.edges, self.edges[1:], strict=False)]
        return (*ends, f"{self.edges[-1]}+")

    def label_of(self, days: int) -> str | None:
        """The bucket of an age, None before the first edge."""
        passed = sum(days >= edge for edge in self.edges)
        return self.labels[passed - 1] if passed else None

    def sql(self, column: str = "days_since_last") -> str:
        """The label as an SQL expression, NULL before the first edge."""
        pairs = list(zip(self.edges, self.labels, strict=True))[::-1]
        return "CASE " + " ".join(f"WHEN {column} >= {edge} THEN {literal(label)}" for edge, label in pairs) + " END"


def ladder_rungs() -> tuple[int, ...]:
    """The usual rungs of a recall ladder in days: 3, 7, 14, 28."""
    return tuple(read("churn_presets")["ladder"]["rungs_days"])


def rung_due(days_idle: int, *, fired: frozenset[int] | set[int] = frozenset(), rungs: Sequence[int] = ()) -> int | None:
    """The rung to fire now, or None: only the highest one reached, and never again in the same lapse.

    `fired` are the rungs of this lapse; a return empties it. A lower rung never follows a higher one.
    """
    highest = max((rung for rung in (rungs or ladder_rungs()) if days_idle >= rung), default=None)
    return None if highest is None or any(done >= highest for done in fired) else highest


def return_curve(
    activity: Activity, *, event: str = "purchase", as_of: date, max_days: int = 90, patience_days: int = 90
) -> list[tuple[int, float]]:
    """For N = 1 … `max_days`: the share of gaps that reached N days and ended with a later event, as (N, share).

    A gap still open counts as not ended once it is N + `patience_days` old; before that it is left out. Gaps lie between
    distinct days. N without any gap is left out. `recallgate.stats.churn` finds the knee, or the first N below a share.
    """
    end = f"DATE {literal(as_of.isoformat())}"
    query = f"""
    WITH days AS (SELECT DISTINCT person, moment::DATE AS day FROM {activity.table}
                  WHERE event = {literal(event)} AND moment::DATE <= {end}),
    gaps AS (SELECT day, lead(day) OVER (PARTITION BY person ORDER BY day) AS next FROM days),
    lengths AS (SELECT date_diff('day', day, coalesce(next, {end})) AS length, next IS NOT NULL AS ended, count(*) AS gaps
                FROM gaps GROUP BY ALL)
    SELECT n, coalesce(sum(gaps) FILTER (ended), 0)::DOUBLE / sum(gaps)::DOUBLE FROM range(1, {max_days + 1}) AS ns(n)
    JOIN lengths ON length >= CASE WHEN ended THEN n ELSE n + {patience_days} END
    GROUP BY n ORDER BY n
    """
    return [(int(n), float(share)) for n, share in activity.connection.execute(query).fetchall()]


def channel_order(days_idle: int) -> tuple[str, ...]:
    """Channels in the order to try: after 60 days the app is probably gone, and outer channels come first.

    Human calls and chats are the channel `worklist`.
    """
    table = read("churn_presets")["channel_order_by_lapse"]
    key = "likely_uninstalled" if days_idle > table["likely_uninstalled_after_days"] else "recent"
    return tuple("worklist" if name == "human" else name for name in table[key])
