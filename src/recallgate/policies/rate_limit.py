"""Rate limit: what an account, a sender or a play may still send now. It delays, and never counts against the person."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from recallgate.model.errors import ConfigError
from recallgate.model.verdict import Defer, Drop, Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW, utc_text


@dataclass(frozen=True, slots=True)
class RateState:
    """When the buckets have room again: of the account or sender, of the play; and until when the vendor asked for rest.

    `queued_at` is when the message was first due. None says that nothing is in the way.
    """

    account_free_at: datetime | None = None
    play_free_at: datetime | None = None
    retry_at: datetime | None = None
    queued_at: datetime | None = None


@dataclass(frozen=True)
class RateLimit:
    """Defers until account, play and vendor all have room; drops what would have waited for more than `max_queue_age`.

    The fact `rate` is the message's `RateState`. A wait past `expires_at` becomes `stale.rate_limit`, too.
    """

    max_queue_age: timedelta = timedelta(hours=24)
    name = "rate_limit"
    phase = phases.RATE
    needs = frozenset({"rate"})

    def __post_init__(self) -> None:
        if self.max_queue_age <= timedelta(0):
            raise ConfigError("max_queue_age: a span longer than zero")

    def __call__(self, case: Case, /) -> Verdict:
        rate = case.facts.get("rate")
        if not isinstance(rate, RateState):
            return ALLOW
        waits = {"account": rate.account_free_at, "play": rate.play_free_at, "vendor": rate.retry_at}
        ahead = [(at, who) for who, at in waits.items() if at is not None and at > case.now]
        if not ahead:
            return ALLOW
        until, who = max(ahead)
        facts: dict[str, object] = {"free_at": utc_text(until)}
        if rate.queued_at is not None and until - rate.queued_at > self.max_queue_age:
            facts |= {"queued_at": utc_text(rate.queued_at), "max_queue_age_s": int(self.max_queue_age.total_seconds())}
            return Drop(code="stale.rate_limit", facts=facts, policy=self.name)
        return Defer(until=until.astimezone(UTC), code=f"rate_limit.{who}", facts=facts, policy=self.name)
