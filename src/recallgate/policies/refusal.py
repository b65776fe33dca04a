"""What a policy answers when this channel will not do: drop the message, or send it another way."""

from collections.abc import Mapping
from typing import Literal

from recallgate.model.verdict import Drop, Reroute
from recallgate.policies.case import Case

OnRefusal = Literal["drop", "reroute"]


def refuse(
    case: Case, on_refusal: OnRefusal, *, code: str, policy: str, facts: Mapping[str, object], rule_id: str | None = None
) -> Drop | Reroute:
    """The Drop, or the Reroute away from the message's channel."""
    if on_refusal == "reroute":
        exclude = frozenset({case.message.channel})
        return Reroute(exclude=exclude, code=code, facts=facts, policy=policy, rule_id=rule_id)
    return Drop(code=code, facts=facts, policy=policy, rule_id=rule_id)
