"""Holdout: people kept without contact, so that the effect of contact can be measured."""

from dataclasses import dataclass

from recallgate.model.verdict import Drop, Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW
from recallgate.rules.assignment import bucket


@dataclass(frozen=True)
class HoldoutPolicy:
    """No marketing to a person whose cluster is held out, globally or in the play.

    It does not end the run: a held-out person walks through the play without contact, and each drop notes the time at which
    the message would have left.
    """

    name = "holdout"
    phase = phases.HOLDOUT

    def __call__(self, case: Case, /) -> Verdict:
        if not case.holdouts or not case.marketing:
            return ALLOW
        found: Drop | None = None
        for holdout in case.holdouts:
            place = bucket(holdout.salt, case.person.cluster)
            if place < holdout.share_bp and (found is None or holdout.kind == "global"):
                facts = {"bucket": place, "share_bp": holdout.share_bp, "salt": holdout.salt}
                found = Drop(code=f"holdout.{holdout.kind}", facts=facts, policy=self.name)
                if holdout.kind == "global":
                    break
        return found or ALLOW
