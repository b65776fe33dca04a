"""Consent for marketing, and the age of the check against a do-not-call registry."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache

from recallgate.model.verdict import Drop, Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case, Consent
from recallgate.policies.policy import ALLOW, utc_text
from recallgate.rules.datafile import read
from recallgate.rules.regulations import RuleBook


@dataclass(frozen=True)
class ConsentPolicy:
    """Marketing needs consent where consents are kept: the newest record for channel, topic and brand decides."""

    name = "consent"
    phase = phases.CONSENT
    mandatory = True

    def __call__(self, case: Case, /) -> Verdict:
        if case.consents is None or not case.marketing:
            return ALLOW
        newest = newest_consent(case)
        if newest is not None and newest.granted:
            return ALLOW
        code = "consent.missing" if newest is None else "consent.withdrawn"
        facts = {"channel": case.message.channel, "topic": case.message.topic, "brand": case.message.brand}
        return Drop(code=code, facts=facts, policy=self.name)


def newest_consent(case: Case) -> Consent | None:
    """The newest record that fits the message at this instant; of two at the same time the withdrawal."""
    message, now = case.message, case.now
    newest: Consent | None = None
    for record in case.consents or ():
        if (
            record.at <= now
            and record.channel in ("*", message.channel)
            and record.topic in ("*", message.topic)
            and record.brand in ("*", message.brand, message.sender)
            and (newest is None or record.at > newest.at or (record.at == newest.at and not record.granted))
        ):
            newest = record
    return newest


@dataclass(frozen=True)
class RegistryAge:
    """Where a row asks for fresh do-not-call checks, an older check counts as missing consent.

    The fact `registry_age` is the instant of the last check, or None for never; without the fact no registry is in use.
    A granted consent that fits spares the check where the row says so.
    """

    book: RuleBook = field(default_factory=RuleBook.default)
    name = "registry_age"
    phase = phases.CONSENT
    needs = frozenset({"registry_age"})

    def __call__(self, case: Case, /) -> Verdict:
        if "registry_age" not in case.facts or not case.marketing:
            return ALLOW
        checked = case.facts["registry_age"]
        for row_id, days, consent_spares in self._limits(case):
            if isinstance(checked, datetime) and case.now - checked <= timedelta(days=days):
                continue
            if consent_spares and (newest := newest_consent(case)) is not None and newest.granted:
                continue
            facts = {"registry_max_age_days": days, "checked_at": utc_text(checked) if isinstance(checked, datetime) else None}
            return Drop(code="consent.missing", facts=facts, policy=self.name, rule_id=row_id)
        return ALLOW

    def _limits(self, case: Case) -> list[tuple[str, int, bool]]:
        place, message = case.place, case.message
        rows = self.book.select(country=place.country, region=place.region, channel=message.channel, purpose=message.purpose)
        limits = [(row.id, row.registry_max_age_days, False) for row in rows if row.registry_max_age_days]
        laws = _registry_laws().get((place.country, message.channel), ())
        return [*limits, *laws]


@lru_cache(maxsize=1)
def _registry_laws() -> dict[tuple[str | None, str], tuple[tuple[str, int, bool], ...]]:
    """Per country and channel: row id, days for which a check is valid, whether clear consent spares it."""
    found: dict[tuple[str | None, str], tuple[tuple[str, int, bool], ...]] = {}
    for row in read("consent")["rows"]:
        facts = row.get("facts", {})
        days = facts.get("registry_check_valid_days")
        for channel in row["channels"] if days else ():
            law = (row["id"], int(days), bool(facts.get("skip_with_clear_consent")))
            found[row["country"], channel] = (*found.get((row["country"], channel), ()), law)
    return found
