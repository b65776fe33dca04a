"""Account capability: what the account that would send cannot carry is sent another way, or not at all."""

from dataclasses import dataclass

from recallgate.model.message import Message
from recallgate.model.verdict import Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Account, Case
from recallgate.policies.policy import ALLOW
from recallgate.policies.refusal import OnRefusal, refuse
from recallgate.text.registered import TemplateRegistry


@dataclass(frozen=True)
class AccountAbility:
    """Refuses what the account lacks: a country, free text, so many bytes, an approved template.

    The fact `templates` is the tenant's `TemplateRegistry`; without it approval is the vendor's to judge. A case without an
    account passes: that none is there is told when one is chosen.
    """

    on_refusal: OnRefusal = "drop"
    name = "account_ability"
    phase = phases.REGION
    needs = frozenset({"templates"})

    def __call__(self, case: Case, /) -> Verdict:
        if case.account is None:
            return ALLOW
        registry = case.facts.get("templates")
        templates = registry if isinstance(registry, TemplateRegistry) else None
        code = lack_of(case.account, case.message, country=case.place.country, templates=templates)
        if code is None:
            return ALLOW
        facts = {"account": case.account.name, "adapter": case.account.adapter}
        return refuse(case, self.on_refusal, code=code, policy=self.name, facts=facts)


def lack_of(account: Account, message: Message, *, country: str | None, templates: TemplateRegistry | None) -> str | None:
    """The code of what the account lacks for a message; None when it can carry it. Choosing among accounts asks this, too."""
    ability, content = account.capabilities, message.content
    if account.countries and country is not None and country not in account.countries:
        return "account.country"
    if ability.templates_only and content.type == "text":
        return "account.templates_only"
    if ability.max_bytes is not None and len(message.text.encode()) > ability.max_bytes:
        return "account.too_large"
    if content.type == "template" and templates is not None:
        record = templates.find(content.template, account=account.name)
        if record is None:
            return "template.unknown"
        if not record.usable:
            return f"template.{record.state}"
        if record.missing(content.variables):
            return "template.variables"
    return None
