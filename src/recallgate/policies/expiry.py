"""Expiry: a message leaves between `not_before` and `expires_at`, both included."""

from dataclasses import dataclass
from datetime import UTC

from recallgate.model.verdict import Defer, Drop, Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW, utc_text


@dataclass(frozen=True)
class Expiry:
    """Drops what has expired, holds what is not due; for all purposes."""

    name = "expiry"
    phase = phases.ELIGIBILITY

    def __call__(self, case: Case, /) -> Verdict:
        message, now = case.message, case.now
        if message.expires_at is not None and now > message.expires_at:
            return Drop(code="expired", facts={"expires_at": utc_text(message.expires_at)}, policy=self.name)
        due = message.not_before
        if due is not None and now < due:
            return Defer(
                until=due.astimezone(UTC), code="expiry.not_before", facts={"not_before": utc_text(due)}, policy=self.name
            )
        return ALLOW
