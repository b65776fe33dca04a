"""Deliverability guard: marketing stops before complaints and bounces cost the sender its name."""

from dataclasses import dataclass, field

from recallgate.model.verdict import Allow, Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW
from recallgate.policies.refusal import OnRefusal, refuse
from recallgate.rules.limits import mail_guards


@dataclass(frozen=True, slots=True)
class Health:
    """Counts of the recent past of one sender: of a mail's sending domain, of a text's account and signature.

    `usual_rate` is the share that used to be delivered, None where it is not known.
    """

    sent: int = 0
    delivered: int = 0
    complaints: int = 0
    hard_bounces: int = 0
    opt_outs: int = 0
    usual_rate: float | None = None


@dataclass(frozen=True)
class Levels:
    """From which share a sender is warned and stopped, and from how many messages on a share says something."""

    warn: float
    stop: float
    at_least: int = 1_000


def _complaints() -> Levels:
    guards = mail_guards()
    return Levels(guards.complaint_warn, guards.complaint_stop, guards.min_deliveries)


def _hard_bounces() -> Levels:
    guards = mail_guards()
    return Levels(guards.hard_bounce_warn, guards.hard_bounce_stop, guards.min_deliveries)


@dataclass(frozen=True)
class DeliverabilityGuard:
    """Stops marketing of a sender whose figures are bad, and notes those that become so; other purposes go on.

    The fact `deliverability` is the `Health` of the message's sender. For mail, complaints and hard bounces are shares of
    the deliveries. For texts, `opt_outs` are a share of the deliveries, and `lost` is by how much the share delivered fell
    below the usual one; their levels are product choices.
    """

    complaints: Levels = field(default_factory=_complaints)
    hard_bounces: Levels = field(default_factory=_hard_bounces)
    opt_outs: Levels = field(default_factory=lambda: Levels(0.01, 0.03))
    lost: Levels = field(default_factory=lambda: Levels(0.1, 0.2))
    on_refusal: OnRefusal = "drop"
    name = "deliverability"
    phase = phases.REGION
    needs = frozenset({"deliverability"})

    def __call__(self, case: Case, /) -> Verdict:
        health = case.facts.get("deliverability")
        if not isinstance(health, Health) or not case.marketing:
            return ALLOW
        warning: Verdict = ALLOW
        for what, share, levels, among in self._shares(health, case.message.channel):
            if among < levels.at_least or share < levels.warn:
                continue
            facts: dict[str, object] = {"share": round(share, 6), "among": among, "stop": levels.stop}
            if share >= levels.stop:
                return refuse(case, self.on_refusal, code=f"deliverability.{what}", policy=self.name, facts=facts)
            if warning is ALLOW:
                notes = (f"{what}: {share:.2%} of {among}; marketing stops at {levels.stop:.2%}",)
                warning = Allow(notes=notes, code=f"deliverability.{what}_warning", facts=facts, policy=self.name)
        return warning

    def _shares(self, health: Health, channel: str) -> list[tuple[str, float, Levels, int]]:
        """(what, share, levels, of how many) on a channel."""
        delivered = health.delivered
        if channel == "email":
            bad, dead = _share(health.complaints, delivered), _share(health.hard_bounces, delivered + health.hard_bounces)
            return [
                ("complaints", bad, self.complaints, delivered),
                ("hard_bounces", dead, self.hard_bounces, delivered + health.hard_bounces),
            ]
        found = [("opt_outs", _share(health.opt_outs, delivered), self.opt_outs, delivered)]
        if health.usual_rate is not None:
            found.append(("lost", health.usual_rate - _share(delivered, health.sent), self.lost, health.sent))
        return found


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
