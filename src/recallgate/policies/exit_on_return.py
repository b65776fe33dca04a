"""Exit on return: who came back is not called back."""

from dataclasses import dataclass

from recallgate.model.verdict import Drop, Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW, utc_text


@dataclass(frozen=True)
class ExitOnReturn:
    """Ends the person's run when it has ended elsewhere, or when the person returned since it started."""

    name = "exit_on_return"
    phase = phases.ELIGIBILITY

    def __call__(self, case: Case, /) -> Verdict:
        run = case.enrolment
        if run is None or not case.marketing:
            return ALLOW
        if run.ended is not None:
            return Drop(code="exit.run_ended", facts={"ended": run.ended, "run": run.run}, policy=self.name, terminal=True)
        returned = case.person.returned_at
        if returned is not None and returned >= run.started_at:
            facts = {"returned_at": utc_text(returned), "started_at": utc_text(run.started_at)}
            return Drop(code="exit.already_returned", facts=facts, policy=self.name, terminal=True)
        return ALLOW
