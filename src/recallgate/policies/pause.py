"""Pause: marketing waits until a person's, or the tenant's, pause is over."""

from dataclasses import dataclass
from datetime import UTC, datetime

from recallgate.model.verdict import Defer, Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW, utc_text


@dataclass(frozen=True)
class Pause:
    """Holds marketing until the person's `paused_until`, or the fact `pause` (tenant, brand, topic) if that is later."""

    name = "pause"
    phase = phases.ELIGIBILITY
    needs = frozenset({"pause"})

    def __call__(self, case: Case, /) -> Verdict:
        own, other = case.person.paused_until, case.facts.get("pause")
        if (own is None and other is None) or not case.marketing:
            return ALLOW
        ends = {"pause.person": own, "pause.tenant": other}
        open_ends = [(code, end) for code, end in ends.items() if isinstance(end, datetime) and end > case.now]
        if not open_ends:
            return ALLOW
        code, until = max(open_ends, key=lambda one: one[1])
        return Defer(until=until.astimezone(UTC), code=code, facts={"paused_until": utc_text(until)}, policy=self.name)
