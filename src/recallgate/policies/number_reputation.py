"""Number reputation: a caller id that people's phones mark as harassment must not call, and must be looked at monthly."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from recallgate.model.errors import ConfigError
from recallgate.model.verdict import Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW, utc_text
from recallgate.policies.refusal import OnRefusal, refuse


@dataclass(frozen=True, slots=True)
class NumberCheck:
    """The last look at a caller id: when, and whether somebody's phone shows a mark on it."""

    checked_at: datetime
    marked: bool = False


@dataclass(frozen=True)
class NumberReputation:
    """No calls, for any purpose, from a number that is marked, was not checked, or whose check is older than `max_age`.

    The fact `caller_ids` maps senders, or names of accounts for messages without one, to their `NumberCheck`; without the
    fact no checks are kept and nothing is stopped. No other number is taken instead: changing numbers to get round a mark
    is what marks are for.
    """

    max_age: timedelta = timedelta(days=30)
    channels: frozenset[str] = frozenset({"voice"})
    on_refusal: OnRefusal = "drop"
    name = "number_reputation"
    phase = phases.REGION
    needs = frozenset({"caller_ids"})

    def __post_init__(self) -> None:
        if not timedelta(0) < self.max_age <= timedelta(days=30):
            raise ConfigError("max_age: numbers are checked at least every 30 days; write a shorter span")

    def __call__(self, case: Case, /) -> Verdict:
        checks = case.facts.get("caller_ids")
        if checks is None or case.message.channel not in self.channels:
            return ALLOW
        sender = case.message.sender or (case.account.name if case.account is not None else "")
        check = checks.get(sender) if isinstance(checks, Mapping) else None
        facts: dict[str, object] = {"sender": sender, "max_age_days": self.max_age.days}
        if not isinstance(check, NumberCheck):
            code = "number_reputation.unchecked"
        else:
            facts["checked_at"] = utc_text(check.checked_at)
            if check.marked:
                code = "number_reputation.marked"
            elif case.now - check.checked_at > self.max_age:
                code = "number_reputation.stale"
            else:
                return ALLOW
        return refuse(case, self.on_refusal, code=code, policy=self.name, facts=facts)
