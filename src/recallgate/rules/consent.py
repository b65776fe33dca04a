"""What the law of a country says about consent and opting out, as dated facts. Data, not legal advice."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from recallgate.rules.datafile import read
from recallgate.rules.regulations import Certainty, RuleBook

EU = frozenset({
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU", "LV", "MT",
    "NL", "PL", "PT", "RO", "SE", "SI", "SK",
})  # fmt: skip

Fact = bool | int | str | list[str] | dict[str, int]


class ConsentRow(BaseModel):
    """Facts on some channels of a country (or "EU"). `draft` rows are not in force."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    id: str
    country: str
    channels: tuple[str, ...]
    facts: Mapping[str, Fact]
    notes: str = ""
    source: str = ""
    as_of: str = ""
    certainty: Certainty = "L"
    status: Literal["in_force", "draft", "vendor_practice"] = "in_force"


class ConsentLaw:
    """All rows, immutable."""

    def __init__(self, rows: Iterable[ConsentRow]) -> None:
        self.rows = tuple(rows)

    @classmethod
    def default(cls) -> "ConsentLaw":
        """The rows that come with the package."""
        return _default()

    def select(self, *, country: str | None, channel: str, drafts: bool = False) -> tuple[ConsentRow, ...]:
        """Rows of the country, then those of the EU for a member state."""
        places = [country, *(["EU"] if country in EU else [])]
        return tuple(
            row
            for place in places
            for row in self.rows
            if row.country == place and channel in row.channels and (drafts or row.status != "draft")
        )

    def fact(self, name: str, *, country: str | None, channel: str) -> Fact | None:
        """The first row's answer; None when no row in force has it."""
        for row in self.select(country=country, channel=channel):
            if name in row.facts:
                return row.facts[name]
        return None

    def registry_max_age(self, *, country: str | None, channel: str, rules: RuleBook | None = None) -> timedelta | None:
        """How old a check of the do-not-call registry may be; None where there is none to check."""
        days = self.fact("registry_check_valid_days", country=country, channel=channel)
        ages = [days] if isinstance(days, int) else []
        for row in (rules or RuleBook.default()).rows:
            if row.country == country and channel in row.channels and row.registry_max_age_days is not None:
                ages.append(row.registry_max_age_days)
        return timedelta(days=min(ages)) if ages else None

    def label(self, *, country: str | None, channel: str) -> str | None:
        """The label that advertising must begin with, such as <ADV>."""
        label = self.fact("label", country=country, channel=channel)
        return label if isinstance(label, str) else None


@lru_cache(maxsize=1)
def _default() -> ConsentLaw:
    return ConsentLaw(ConsentRow.model_validate(row) for row in read("consent")["rows"])
