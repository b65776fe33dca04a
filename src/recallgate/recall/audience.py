"""An audience: everybody's features, scores, tier and profile as of one moment, and the questions asked of it."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import cast

from recallgate.model.errors import ConfigError
from recallgate.recall.activity import Activity, ActivityDef
from recallgate.recall.churn import quantiles_in, with_thresholds
from recallgate.recall.condition import Condition, Facts
from recallgate.recall.duck import literal, one_of
from recallgate.recall.features import COLUMNS, Features, daily, feature_query, features_from_row
from recallgate.recall.people import PROFILE
from recallgate.recall.rfm import Quintiles, RfmScores, Scoring, scored_query
from recallgate.recall.tier import TierRule

_EXTRA = ("recency_score", "frequency_score", "monetary_score", "rfm", "tier", *PROFILE, "channels")


@dataclass(frozen=True)
class Cell:
    """One cell of a description: a label, how many people, and their share of all that were described."""

    label: str
    count: int
    share: float


@dataclass(frozen=True)
class Snapshot:
    """The members of a segment frozen for an experiment, in order, with the moment they were judged at."""

    as_of: date | datetime
    members: tuple[str, ...] = field(repr=False)
    condition: str = ""

    @property
    def digest(self) -> str:
        """A short hash of the members and the moment; equal snapshots have equal digests."""
        text = "\n".join((self.as_of.isoformat(), *self.members))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Audience:
    """A table with one row a person; build it with `Audience.build`."""

    activity: Activity
    as_of: date | datetime
    definition: ActivityDef
    people: int
    table: str

    @classmethod
    def build(
        cls,
        activity: Activity,
        as_of: date | datetime,
        *,
        definition: ActivityDef | None = None,
        scoring: Scoring | None = None,
        tiers: TierRule | None = None,
        table: str = "rg_audience",
    ) -> "Audience":
        """Compute features, scores and tiers of everybody who was active up to `as_of`, set-based, in one statement.

        Profiles are joined when `add_people` was called on the activity. Raises ConfigError when nobody was active.
        """
        if not table.isidentifier():
            raise ConfigError("table: use letters, digits and underscores")
        what = definition or ActivityDef()
        connection = activity.connection
        has_people = one_of(connection, "SELECT count(*) FROM information_schema.tables WHERE table_name = 'rg_person'")
        profile = ", ".join(f"rg_person.{name}" if has_people else f"NULL::VARCHAR AS {name}" for name in PROFILE)
        channels = "rg_person.channels" if has_people else "NULL::VARCHAR[] AS channels"
        scored = scored_query(feature_query(activity, as_of, what), scoring or Quintiles())
        tier = (tiers or TierRule.none()).sql()
        connection.execute(
            f"CREATE OR REPLACE TABLE {table} AS SELECT scored.*, {tier} AS tier, {profile}, {channels} "
            f"FROM ({scored}) AS scored {'LEFT JOIN rg_person USING (person)' if has_people else ''} ORDER BY person"
        )
        people = int(str(one_of(connection, f"SELECT count(*) FROM {table}")))
        if not people:
            raise ConfigError(f"audience: nobody was active up to {as_of.isoformat()}")
        return cls(activity, as_of, what, people, table)

    def features_of(self, person: str) -> Features | None:
        """The features of one person, None for somebody without activity."""
        row = self._row(person, COLUMNS)
        return None if row is None else features_from_row(row, by_date=daily(self.activity, self.as_of))

    def scores_of(self, person: str) -> RfmScores | None:
        """The scores of one person, None for somebody who never bought."""
        row = self._row(person, _EXTRA[:3])
        return None if row is None or row[0] is None else RfmScores(*cast("tuple[int, int, int]", row))

    def facts_of(self, person: str) -> Facts | None:
        """Everything that conditions may ask of one person."""
        features, row = self.features_of(person), self._row(person, _EXTRA)
        if features is None or row is None:
            return None
        return {**features.facts(), **dict(zip(_EXTRA, row, strict=True))}

    def facts(self, condition: Condition | None = None) -> Iterator[Facts]:
        """The facts of everybody a condition holds for, in order of person."""
        where = condition.sql() if condition else "TRUE"
        cursor = self.activity.connection.cursor()
        cursor.execute(f"SELECT {', '.join(COLUMNS + _EXTRA)} FROM {self.table} WHERE {where} ORDER BY person")
        by_date = daily(self.activity, self.as_of)
        while rows := cursor.fetchmany(2000):
            for row in rows:
                features = features_from_row(row[: len(COLUMNS)], by_date=by_date)
                yield {**features.facts(), **dict(zip(_EXTRA, row[len(COLUMNS) :], strict=True))}

    def count(self, condition: Condition) -> int:
        """For how many people a condition holds."""
        return int(str(one_of(self.activity.connection, f"SELECT count(*) FROM {self.table} WHERE {condition.sql()}")))

    def members(self, condition: Condition) -> tuple[str, ...]:
        """The people for whom a condition holds, in order."""
        found = self.activity.connection.execute(f"SELECT person FROM {self.table} WHERE {condition.sql()} ORDER BY person")
        return tuple(row[0] for row in found.fetchall())

    def snapshot(self, condition: Condition) -> Snapshot:
        """Freeze the members of a segment with the reference time."""
        return Snapshot(self.as_of, self.members(condition), condition.sql())

    def describe(self, by: str, *, condition: Condition | None = None) -> tuple[Cell, ...]:
        """Count and share for each value of an SQL expression, such as `rfm`, in order of value; shares sum to 1.

        `by` is a column, or what `LapseBuckets.sql()` gives: trusted code. NULL is the label `unknown`.
        """
        where = condition.sql() if condition else "TRUE"
        rows = self.activity.connection.execute(
            f"SELECT coalesce(({by})::VARCHAR, 'unknown') AS label, count(*) AS n FROM {self.table} WHERE {where} "
            "GROUP BY label ORDER BY label"
        ).fetchall()
        total = sum(n for _, n in rows)
        return tuple(Cell(label, n, n / total) for label, n in rows)

    def fit(self, rule: Condition) -> Condition:
        """The rule with the thresholds of its population quantiles learned from everybody's gaps, rounded up to days.

        Raises ConfigError for an event without any gap.
        """
        found: dict[tuple[float, str], int] = {}
        for quantile in quantiles_in(rule):
            found[quantile.q, quantile.event] = self._gap_quantile(quantile.q, quantile.event)
        return with_thresholds(rule, found)

    def _gap_quantile(self, q: float, event: str) -> int:
        query = f"""
        SELECT quantile_cont(gap, {q!r}) FROM (
          SELECT date_diff('day', lag(day) OVER (PARTITION BY person ORDER BY day), day) AS gap
          FROM (SELECT DISTINCT person, moment::DATE AS day FROM {self.activity.table}
                WHERE event = {literal(event)} AND moment::DATE <= DATE {literal(self._day)})) WHERE gap IS NOT NULL
        """
        value = one_of(self.activity.connection, query)
        if value is None:
            raise ConfigError(f"population_quantile: nobody did {event!r} on two days; use a fixed rule")
        return max(1, -int(-float(str(value)) // 1))

    @property
    def _day(self) -> str:
        return (self.as_of.date() if isinstance(self.as_of, datetime) else self.as_of).isoformat()

    def _row(self, person: str, columns: tuple[str, ...]) -> tuple[object, ...] | None:
        query = f"SELECT {', '.join(columns)} FROM {self.table} WHERE person = ?"
        return self.activity.connection.execute(query, [person]).fetchone()


def scores_counted(audience: Audience) -> Mapping[str, Mapping[str, int]]:
    """How many people have each score, empty scores too."""
    result: dict[str, dict[str, int]] = {}
    for name in ("recency", "frequency", "monetary"):
        counted = {cell.label: cell.count for cell in audience.describe(f"{name}_score")}
        result[name] = {str(score): counted.get(str(score), 0) for score in range(1, 6)}
    return result
