"""Refusal cool-down: after a refusal on a channel, that channel rests for as long as the law's row says."""

from dataclasses import dataclass, field
from datetime import UTC, timedelta

from recallgate.model.verdict import Defer, Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW, utc_text
from recallgate.rules.regulations import RuleBook


@dataclass(frozen=True)
class RefusalCooldown:
    """Defers until `refusal_cooldown_days` after the person's last refusal on this channel; the longest row holds."""

    book: RuleBook = field(default_factory=RuleBook.default)
    name = "refusal_cooldown"
    phase = phases.HOURS

    def __call__(self, case: Case, /) -> Verdict:
        if not case.person.refused_at:
            return ALLOW
        message, place = case.message, case.place
        refused = case.person.refused_at.get(message.channel)
        if refused is None:
            return ALLOW
        rows = self.book.select(country=place.country, region=place.region, channel=message.channel, purpose=message.purpose)
        resting = [(row.refusal_cooldown_days, row.id) for row in rows if row.refusal_cooldown_days]
        if not resting:
            return ALLOW
        days, row_id = max(resting)
        until = refused.astimezone(UTC) + timedelta(days=days)
        if until <= case.now:
            return ALLOW
        facts = {"refused_at": utc_text(refused), "cooldown_days": days}
        return Defer(until=until, code="refusal_cooldown.active", facts=facts, policy=self.name, rule_id=row_id)
