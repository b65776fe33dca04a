"""Address validity: numbers that cannot take the message at all, or that cost whoever writes to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from recallgate.model.verdict import Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW
from recallgate.policies.refusal import OnRefusal, refuse

UNFIT: Mapping[str, frozenset[str]] = {
    "sms": frozenset({"fixed", "premium", "shared_cost", "toll_free", "pager", "voicemail", "uan"}),
    "voice": frozenset({"premium", "shared_cost", "pager", "voicemail"}),
}


@dataclass(frozen=True)
class AddressValidity:
    """Refuses kinds of phone numbers that a channel cannot reach or must not pay for; for all purposes.

    The fact `number_kind` is what the numbering plan says (`Location.kind`). A number that no table knows passes: new ranges
    are in service before the tables have them, and the vendor's answer settles it.
    """

    unfit: Mapping[str, frozenset[str]] = field(default_factory=lambda: UNFIT, hash=False)
    on_refusal: OnRefusal = "drop"
    name = "address_validity"
    phase = phases.ADDRESS
    needs = frozenset({"number_kind"})

    def __call__(self, case: Case, /) -> Verdict:
        kind = case.facts.get("number_kind")
        if kind is None or kind not in self.unfit.get(case.message.channel, ()):
            return ALLOW
        facts = {"kind": kind, "channel": case.message.channel}
        return refuse(case, self.on_refusal, code=f"address.{kind}", policy=self.name, facts=facts)
