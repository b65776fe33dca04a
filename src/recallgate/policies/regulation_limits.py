"""Limits that a regulation row sets, as caps: France allows four call attempts in any 30 days."""

from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache

from recallgate.model.errors import ConfigError
from recallgate.model.verdict import Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.combine import strongest
from recallgate.policies.frequency_cap import FrequencyCap, OnExceed
from recallgate.policies.policy import ALLOW
from recallgate.policies.spans import Calendar
from recallgate.rules.regulations import Limit, Regulation, RuleBook


@dataclass(frozen=True)
class RegulationLimits:
    """All limits of the rows that hold for the recipient, per channel; `rule_id` names the row."""

    book: RuleBook = field(default_factory=RuleBook.default)
    on_exceed: OnExceed = "drop"
    name = "regulation_limits"
    phase = phases.CAPS

    def __call__(self, case: Case, /) -> Verdict:
        if not case.sent:
            return ALLOW
        message, place = case.message, case.place
        rows = self.book.select(country=place.country, region=place.region, channel=message.channel, purpose=message.purpose)
        if not any(row.limits for row in rows):
            return ALLOW
        return strongest(cap(case) for row in rows for cap in caps_of(row, message.channel, self.on_exceed))

    @property
    def looks_back(self) -> timedelta:
        """The longest window of any row."""
        return max(
            (timedelta(days=limit.window_days + 1) for row in self.book.rows for limit in row.limits), default=timedelta(0)
        )

    @property
    def counts_toward(self) -> frozenset[str]:
        """The purposes that some row's limits count."""
        return frozenset(purpose for row in self.book.rows if row.limits for purpose in row.purposes)


@lru_cache(maxsize=1024)
def caps_of(row: Regulation, channel: str, on_exceed: OnExceed) -> tuple[FrequencyCap, ...]:
    """The row's limits as caps on one channel."""
    return tuple(
        FrequencyCap(
            limit=limit.count,
            window=_window(row, limit),
            scope="channel",
            match=channel,
            on_exceed=on_exceed,
            subject_to=frozenset(row.purposes),
            counts_toward=frozenset(row.purposes),
            connects=limit.kind == "connects",
            rule_id=row.id,
            name=RegulationLimits.name,
        )
        for limit in row.limits
    )


def _window(row: Regulation, limit: Limit) -> timedelta | Calendar:
    if limit.window == "rolling":
        return timedelta(days=limit.window_days)
    if limit.window_days == 1:
        return Calendar("day")
    if limit.window_days == 7:
        return Calendar("week")
    raise ConfigError(f"regulation {row.id}: a calendar limit counts over 1 or 7 days; write window rolling for others")
