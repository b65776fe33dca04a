"""Region blocks: regions that a channel cannot or must not reach, for the purposes that the row lists."""

from dataclasses import dataclass, field
from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from recallgate.model.verdict import Verdict
from recallgate.policies import policy as phases
from recallgate.policies.case import Account, Case
from recallgate.policies.policy import ALLOW
from recallgate.policies.refusal import OnRefusal, refuse
from recallgate.rules.datafile import read


class RegionBlockRow(BaseModel):
    """One closed region of a channel; it holds for all accounts but those that list the region as open.

    A row with a `vendor` holds for that vendor's accounts only.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: str
    country: str
    region: str
    channel: str
    purposes: tuple[str, ...]
    vendor: str = "*"
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
    on_block: OnRefusal = "drop"
    name = "region_block"
    phase = phases.REGION
    mandatory = True
    _blocked: dict[tuple[str, str], tuple[RegionBlockRow, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for row in self.rows:
            key = (row.region, row.channel)
            self._blocked[key] = (*self._blocked.get(key, ()), row)

    def __call__(self, case: Case, /) -> Verdict:
        region = case.place.region
        if region is None:
            return ALLOW
        message = case.message
        rows = self._blocked.get((region, message.channel))
        if rows is None or (case.account is not None and region in case.account.open_regions):
            return ALLOW
        for row in rows:
            if message.purpose in row.purposes and _concerns(row, case.account):
                facts = {"region": region, "channel": message.channel}
                return refuse(case, self.on_block, code="region.blocked", policy=self.name, facts=facts, rule_id=row.id)
        return ALLOW


def _concerns(row: RegionBlockRow, account: Account | None) -> bool:
    """True for rows of everyone, and for those of the account's vendor; an unknown account may be the vendor's."""
    return row.vendor == "*" or account is None or account.adapter.partition(".")[0] == row.vendor
