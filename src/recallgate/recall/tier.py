"""Tiers of people by monetary value: each person is in exactly one."""

from dataclasses import dataclass

from recallgate.model.errors import ConfigError
from recallgate.recall.duck import literal


@dataclass(frozen=True)
class TierRule:
    """Names from lowest to highest, cut at thresholds in cents or at quantiles of the monetary value.

    A value at a threshold belongs to the upper tier. Quantiles count the share of people strictly worse, so equal values
    share a tier. Exactly one of `thresholds_cents` and `quantiles` is given, with one cut less than names.
    """

    names: tuple[str, ...] = ("low", "middle", "high")
    thresholds_cents: tuple[int, ...] = ()
    quantiles: tuple[float, ...] = ()
    version: str = "1"

    def __post_init__(self) -> None:
        if self.thresholds_cents and self.quantiles:
            raise ConfigError("tiers: give thresholds_cents or quantiles, not both")
        cuts = self.thresholds_cents or self.quantiles
        if len(set(self.names)) != len(self.names) or len(cuts) != len(self.names) - 1:
            raise ConfigError(f"tiers: {len(self.names)} different names need {len(self.names) - 1} cuts, not {len(cuts)}")
        if list(cuts) != sorted(set(cuts)):
            raise ConfigError("tiers: the cuts rise")
        if self.quantiles and not (self.quantiles[0] > 0 and self.quantiles[-1] < 1):
            raise ConfigError("tiers: quantiles lie between 0 and 1")

    @classmethod
    def none(cls) -> "TierRule":
        """Everybody in the one tier `all`."""
        return cls(names=("all",))

    def tier_of(self, monetary_cents: int) -> str:
        """The tier of a value by thresholds; raises ConfigError for a rule by quantiles, which needs everybody."""
        if self.quantiles:
            raise ConfigError("tiers: quantiles are known of an audience only; use thresholds_cents for one person")
        return self.names[sum(monetary_cents >= cut for cut in self.thresholds_cents)]

    def sql(self) -> str:
        """The tier as an SQL expression over an audience."""
        measure = "scored.monetary_cents"
        if self.quantiles:
            measure = "((rank() OVER (ORDER BY scored.monetary_cents) - 1)::DOUBLE / count(*) OVER ())"
        pairs = list(zip(self.thresholds_cents or self.quantiles, self.names[1:], strict=True))[::-1]
        if not pairs:
            return literal(self.names[0])
        cases = " ".join(f"WHEN {measure} >= {cut!r} THEN {literal(name)}" for cut, name in pairs)
        return f"CASE {cases} ELSE {literal(self.names[0])} END"
