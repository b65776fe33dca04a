"""Hopeless pruning: who was called back several times without effect is left in peace."""

from dataclasses import dataclass, field
from datetime import timedelta

from recallgate.model.errors import ConfigError
from recallgate.model.verdict import Drop, Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW
from recallgate.rules.presets import presets


@dataclass(frozen=True)
class HopelessPruning:
    """No marketing after `failed_plays` plays in `window` that ended without a return; it ends the run.

    The fact `failed_plays` is a tuple of the instants at which the person's plays ended so, in any order; a play counts from
    its end until `window` has passed. A return clears those before it. Service messages are not touched.
    """

    failed_plays: int = field(default_factory=lambda: presets().hopeless.failed_plays)
    window: timedelta = field(default_factory=lambda: timedelta(days=presets().hopeless.window_days))
    name = "pruning"
    phase = phases.ELIGIBILITY
    needs = frozenset({"failed_plays"})

    def __post_init__(self) -> None:
        if type(self.failed_plays) is not int or self.failed_plays < 1 or self.window <= timedelta(0):
            raise ConfigError("failed_plays: at least 1, in a window longer than zero; leave the policy out to prune nobody")

    def __call__(self, case: Case, /) -> Verdict:
        ended = case.facts.get("failed_plays")
        if not isinstance(ended, tuple) or len(ended) < self.failed_plays or not case.marketing:
            return ALLOW
        returned = case.person.returned_at
        failed = [at for at in ended if case.now - self.window < at <= case.now and (returned is None or at > returned)]
        if len(failed) < self.failed_plays:
            return ALLOW
        facts = {"failed_plays": len(failed), "limit": self.failed_plays, "window_days": self.window.days}
        return Drop(code="pruned.hopeless", facts=facts, policy=self.name, terminal=True)
