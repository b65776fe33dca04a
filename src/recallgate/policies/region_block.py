"""Region blocks: regions that a channel cannot or must not reach, for the purposes that the row lists."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from pydantic import BaseModel, ConfigDict

from recallgate.model.verdict import Drop, Reroute, Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW
from recallgate.rules.datafile import read


class RegionBlockRow(BaseModel):
    """One closed region of a channel; it holds for all accounts but those that list the region as open."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: str
    country: str
    region: str
    channel: str
    purposes: tuple[str, ...]
    notes: str = ""
    source: str = ""
    as_of: str = ""
    certainty: str = "L"


@lru_cache(maxsize=1)
def default_blocks() -> tuple[RegionBlockRow, ...]:
    """The rows that come with the package and concern every vendor."""
    rows = read("vendor_limits")["region_blocks"]
    return tuple(RegionBlockRow.model_validate(row) for row in rows if row["vendor"] == "*")


@dataclass(frozen=True)
class RegionBlock:
    """Drops, or reroutes, a message into a blocked region. An unknown region is not blocked."""

    rows: tuple[RegionBlockRow, ...] = field(default_factory=default_blocks)
    on_block: Literal["drop", "reroute"] = "drop"
    name = "region_block"
    phase = phases.REGION
    mandatory = True
    _blocked: dict[tuple[str, str], RegionBlockRow] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._blocked.update({(row.region, row.channel): row for row in self.rows})

    def __call__(self, case: Case, /) -> Verdict:
        region = case.place.region
        if region is None:
            return ALLOW
        message = case.message
        row = self._blocked.get((region, message.channel))
        if row is None or message.purpose not in row.purposes:
            return ALLOW
        if case.account is not None and region in case.account.open_regions:
            return ALLOW
        facts = {"region": region, "channel": message.channel}
        if self.on_block == "reroute":
            exclude = frozenset({message.channel})
            return Reroute(exclude=exclude, code="region.blocked", facts=facts, policy=self.name, rule_id=row.id)
        return Drop(code="region.blocked", facts=facts, policy=self.name, rule_id=row.id)
