"""RFM scores by cut points: recency, frequency and monetary value, 1 to 5 each, the same on every run.

A score is 1 + floor(5 · people strictly worse / N), capped at 5. Ties share a score, and a score can stay empty. People
who never bought have no scores and are no part of N.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from recallgate.model.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RfmScores:
    """The three scores of one person; 5 is best."""

    recency: int
    frequency: int
    monetary: int

    @property
    def cell(self) -> str:
        """The scores as one text, such as 511."""
        return f"{self.recency}{self.frequency}{self.monetary}"


class Scoring(Protocol):
    """A way to give the three scores: SQL expressions over an audience, by score name."""

    def sql(self) -> tuple[str, str, str]: ...


@dataclass(frozen=True)
class Quintiles:
    """Scores by the share of people who are strictly worse, out of all who ever bought."""

    def sql(self) -> tuple[str, str, str]:
        return tuple(_by_share(order) for order in ("days_since_last_purchase DESC", "orders", "monetary_cents"))  # type: ignore[return-value]  # three of them


@dataclass(frozen=True)
class FixedCuts:
    """Scores by four fixed cuts each.

    `recency_days` fall in score: at most the first scores 5, at most the second 4, beyond the last 1. `orders` and
    `monetary_cents` rise: at least the first scores 2, at least the last 5.
    """

    recency_days: tuple[int, int, int, int]
    orders: tuple[int, int, int, int]
    monetary_cents: tuple[int, int, int, int]

    def __post_init__(self) -> None:
        for name in ("recency_days", "orders", "monetary_cents"):
            cuts: Sequence[int] = getattr(self, name)
            if len(cuts) != 4 or list(cuts) != sorted(set(cuts)):
                raise ConfigError(f"{name}: give four rising cuts")

    def sql(self) -> tuple[str, str, str]:
        days = " + ".join(f"(days_since_last_purchase <= {cut})::INTEGER" for cut in self.recency_days)
        orders = " + ".join(f"(orders >= {cut})::INTEGER" for cut in self.orders)
        monetary = " + ".join(f"(monetary_cents >= {cut})::INTEGER" for cut in self.monetary_cents)
        return f"1 + {days}", f"1 + {orders}", f"1 + {monetary}"

    def score(self, *, days_since_last_purchase: int, orders: int, monetary_cents: int) -> RfmScores:
        """The scores of one person."""
        return RfmScores(
            1 + sum(days_since_last_purchase <= cut for cut in self.recency_days),
            1 + sum(orders >= cut for cut in self.orders),
            1 + sum(monetary_cents >= cut for cut in self.monetary_cents),
        )


def scored_query(source: str, scoring: Scoring) -> str:
    """The SQL that adds `recency_score`, `frequency_score`, `monetary_score` and `rfm` to the rows of `source`."""
    recency, frequency, monetary = scoring.sql()
    return f"""
    SELECT *, recency_score || '' || frequency_score || '' || monetary_score AS rfm FROM (
      SELECT *, CASE WHEN orders > 0 THEN {recency} END::INTEGER AS recency_score,
        CASE WHEN orders > 0 THEN {frequency} END::INTEGER AS frequency_score,
        CASE WHEN orders > 0 THEN {monetary} END::INTEGER AS monetary_score
      FROM ({source}))
    """


def _by_share(order: str) -> str:
    """One plus five times the people strictly worse by the population of buyers; `order` puts the worst first."""
    worse = f"(rank() OVER (PARTITION BY orders > 0 ORDER BY {order}) - 1)"
    return f"least(5, 1 + (5 * {worse}) // count(*) OVER (PARTITION BY orders > 0))"
