"""Budget: marketing stops where its money ends."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from recallgate.model.errors import ConfigError
from recallgate.model.purpose import Purpose
from recallgate.model.verdict import Defer, Drop, Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.frequency_cap import campaign_of
from recallgate.policies.policy import ALLOW, utc_text
from recallgate.policies.spans import Calendar


@dataclass(frozen=True, slots=True)
class Spent:
    """What a budget has paid and reserved in the unit that `at`, the instant of asking, lies in; millionths."""

    micros: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Budget:
    """At most `limit_micros` (millionths of a currency unit) for the messages of a scope, in all or each calendar unit.

    The fact `spent` maps budget ids to `Spent`, `cost_micros` is what this message would cost: one that costs more than is
    left does not leave, a cheaper one still may. Exhausted: drop, or wait for the next unit.
    """

    id: str
    limit_micros: int
    window: Calendar | None = None
    scope: Literal["global", "channel", "campaign"] = "global"
    match: str | None = None
    subject_to: frozenset[str] = frozenset({Purpose.MARKETING})
    on_exceed: Literal["drop", "defer"] = "drop"
    name = "budget"
    phase = phases.ELIGIBILITY
    needs = frozenset({"spent", "cost_micros"})

    def __post_init__(self) -> None:
        if type(self.limit_micros) is not int or self.limit_micros < 0:
            raise ConfigError(f"budget {self.id}: limit_micros is a whole number of millionths, at least 0")
        if (self.scope == "global") != (self.match is None):
            raise ConfigError(f"budget {self.id}: name the {self.scope} in match; only a global budget has none")
        if self.window is not None and self.window.zone == "recipient":
            raise ConfigError(
                f"budget {self.id}: money has no recipient's midnight; give the window a zone, such as the tenant's"
            )
        if self.on_exceed == "defer" and self.window is None:
            raise ConfigError(f"budget {self.id}: without a window there is nothing to wait for; drop, or set a window")

    def concerns(self, case: Case) -> bool:
        """True for messages that this budget pays."""
        if case.message.purpose not in self.subject_to:
            return False
        match self.scope:
            case "global":
                return True
            case "channel":
                return case.message.channel == self.match
            case "campaign":
                return campaign_of(case) == self.match

    def __call__(self, case: Case, /) -> Verdict:
        known = case.facts.get("spent")
        if not isinstance(known, Mapping) or not self.concerns(case):
            return ALLOW
        used, cost = self._used(known.get(self.id), case.now), case.facts.get("cost_micros")
        if used + cost <= self.limit_micros if isinstance(cost, int) else used < self.limit_micros:
            return ALLOW
        facts = {"budget": self.id, "limit_micros": self.limit_micros, "spent_micros": used, "cost_micros": cost}
        if self.on_exceed == "defer" and self.window is not None:
            until = self.window.around(case.now, self.window.zone)[1]
            return Defer(until=until, code="budget.exhausted", facts={**facts, "free_at": utc_text(until)}, policy=self.name)
        return Drop(code="budget.exhausted", facts=facts, policy=self.name)

    def _used(self, spent: object, now: datetime) -> int:
        """What is used of the unit around `now`; what was asked in an earlier one is of no account."""
        if not isinstance(spent, Spent):
            return 0
        if self.window is not None and self.window.around(spent.at, self.window.zone)[1] <= now:
            return 0
        return spent.micros
