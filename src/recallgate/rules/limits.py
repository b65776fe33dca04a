"""Limits that hold whatever the vendor: blocked regions, text lengths, when mail must stop."""

from functools import lru_cache

from pydantic import BaseModel, ConfigDict

from recallgate.rules.datafile import read
from recallgate.rules.regulations import Certainty

_Frozen = ConfigDict(frozen=True, extra="ignore")


class RegionBlock(BaseModel):
    """A region that cannot be reached on a channel, unless the account declares it open."""

    model_config = _Frozen
    id: str
    country: str
    region: str
    channel: str
    purposes: tuple[str, ...]
    notes: str = ""
    source: str = ""
    as_of: str = ""
    certainty: Certainty = "L"


class MailGuards(BaseModel):
    """Shares of deliveries, per sending domain, from which marketing mail is warned about or stopped."""

    model_config = _Frozen
    complaint_warn: float
    complaint_stop: float
    hard_bounce_warn: float
    hard_bounce_stop: float
    min_deliveries: int


class PartSizes(BaseModel):
    """Characters of a text in one part, and of each part of a longer one."""

    model_config = _Frozen
    single: int
    multi: int
    double_width: str = ""
    max_chars: int | None = None


def region_block(
    *, region: str | None, channel: str, purpose: str, open_regions: frozenset[str] = frozenset()
) -> RegionBlock | None:
    """The block that holds for a recipient's region, if any. An unknown region is not blocked."""
    if region is None or region in open_regions:
        return None
    for block in _blocks():
        if block.region == region and block.channel == channel and purpose in block.purposes:
            return block
    return None


@lru_cache(maxsize=1)
def _blocks() -> tuple[RegionBlock, ...]:
    return tuple(RegionBlock.model_validate(row) for row in read("vendor_limits")["region_blocks"])


@lru_cache(maxsize=1)
def mail_guards() -> MailGuards:
    """The thresholds for marketing mail."""
    (row,) = (row for row in read("vendor_limits")["email_requirements"] if row["id"] == "guards")
    return MailGuards.model_validate(row["facts"])


@lru_cache(maxsize=1)
def sms_lengths() -> dict[str, PartSizes]:
    """Part sizes by "gsm7", "ucs2" and "cn"."""
    lengths = read("vendor_limits")["sms_length"]
    return {name: PartSizes.model_validate(lengths[name]) for name in ("gsm7", "ucs2", "cn")}
