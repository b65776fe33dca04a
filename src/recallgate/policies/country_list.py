"""Country allow-list: messages leave only for the countries that the app serves."""

from dataclasses import dataclass

from recallgate.model.errors import ConfigError
from recallgate.model.verdict import Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW
from recallgate.policies.refusal import OnRefusal, refuse


@dataclass(frozen=True)
class CountryAllowList:
    """Nothing, for any purpose, to phone numbers of other countries; numbers of no known country are refused, too.

    It is the first wall against fraud that makes an app send costly texts abroad. Channels without numbers pass.
    """

    countries: frozenset[str]
    channels: frozenset[str] = frozenset({"sms", "voice"})
    on_refusal: OnRefusal = "drop"
    name = "country_list"
    phase = phases.REGION

    def __post_init__(self) -> None:
        if not self.countries or any(len(code) != 2 or not code.isascii() or not code.isupper() for code in self.countries):
            raise ConfigError("countries: write ISO 3166-1 codes of two capitals, at least one, for example US")

    def __call__(self, case: Case, /) -> Verdict:
        country = case.place.country
        if country in self.countries or case.message.channel not in self.channels:
            return ALLOW
        code = "country.not_allowed" if country is not None else "country.unknown"
        return refuse(case, self.on_refusal, code=code, policy=self.name, facts={"country": country})
