"""The demo's people: real purchase histories, made-up addresses in several countries, the same ones for the same seed."""

import csv
import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from importlib.resources import files

from recallgate.model.address import Address, EmailAddress, InboxId, Phone, PushToken, WecomUser
from recallgate.model.zones import zone
from recallgate.recall.timing import local_instant
from recallgate.sandbox.draws import Draws
from recallgate.tracking.people import PersonEvent, PersonRecord

# 28 years of 365.25 days: the weekdays stay, and the purchases of 1997 and 1998 meet the rules of 2025 and 2026.
SHIFT = timedelta(days=10_227)
# The campaign begins on this day; everything before it is history, everything after it is what customers really did.
START = date(2026, 6, 1)
DAYS = 28


@dataclass(frozen=True)
class Home:
    """Where people live: their share, how their numbers begin, and the channels that are usual there."""

    country: str
    share: float
    zone: str | None
    prefixes: tuple[str, ...]
    digits: int
    locale: str
    region: str | None = None
    wecom: float = 0.0


HOMES = (
    Home("US", 0.16, "America/New_York", ("+1212555", "+1917555"), 4, "en-US", "US-NY"),
    Home("US", 0.12, "America/Los_Angeles", ("+1415555", "+1213555"), 4, "en-US", "US-CA"),
    Home("US", 0.08, "America/Chicago", ("+1512555", "+1214555"), 4, "en-US", "US-TX"),
    Home("US", 0.02, None, ("+1401555",), 4, "en-US", None),
    Home("CN", 0.22, "Asia/Shanghai", ("+86138", "+86150", "+86186"), 8, "zh-CN", None, 0.6),
    Home("CN", 0.02, "Asia/Shanghai", ("+861390991",), 4, "zh-CN", "CN-XJ", 0.6),
    Home("GB", 0.10, "Europe/London", ("+447700900", "+447400"), 6, "en-GB"),
    Home("FR", 0.08, "Europe/Paris", ("+33639",), 6, "fr-FR"),
    Home("DE", 0.08, "Europe/Berlin", ("+49151",), 8, "de-DE"),
    Home("AU", 0.06, "Australia/Sydney", ("+61491",), 6, "en-AU"),
    Home("IN", 0.06, "Asia/Kolkata", ("+9198",), 8, "en-IN"),
)
HAS_APP, HAS_EMAIL, HAS_PHONE = 0.55, 0.85, 0.96
OPTED_OUT_BEFORE = 0.02


@dataclass(frozen=True)
class Customer:
    """A customer of the data set with a made-up home and addresses."""

    id: str
    home: Home
    contacts: Mapping[str, Sequence[Address]] = field(repr=False)
    opted_out: bool = False

    def record(self) -> PersonRecord:
        """What the gateway is told of them; some homes have no zone, so that it has to be worked out."""
        return PersonRecord(
            id=self.id,
            zone=self.home.zone,
            region=self.home.region,
            country=self.home.country,
            locale=self.home.locale,
            contacts=self.contacts,
        )

    @property
    def clock(self) -> str:
        """The zone in which they live, also where the gateway is not told."""
        return self.home.zone or "America/New_York"


@dataclass(frozen=True)
class Purchase:
    """A purchase with its date moved by `SHIFT`."""

    customer: str
    day: date
    cents: int


def purchases() -> Iterator[Purchase]:
    """The purchases of CDNOW, 1997-01-01 to 1998-06-30, moved by 28 years, in the order of the file."""
    packed = files("recallgate.recall").joinpath("data", "cdnow.csv.gz").read_bytes()
    rows = csv.reader(gzip.decompress(packed).decode().splitlines())
    names = next(rows)
    customer, day, amount = names.index("customer_id"), names.index("date"), names.index("amount")
    shifted = cache(lambda text: date.fromisoformat(text) + SHIFT)  # few days, many purchases
    for row in rows:
        yield Purchase(row[customer], shifted(row[day]), int(Decimal(row[amount]) * 100))


def customers(ids: Sequence[str], seed: str) -> list[Customer]:
    """Homes and addresses for customers; no two have the same number, and none is a real person's."""
    draws = Draws(f"{seed}:people")
    shares = {str(place): home.share for place, home in enumerate(HOMES)}
    used: set[str] = set()
    found = []
    for identity in ids:
        home = HOMES[int(draws.pick(shares, "home", identity) or 0)]
        contacts: dict[str, list[Address]] = {}
        if draws.chance(HAS_PHONE, "phone", identity):
            number = Phone(e164=_number(home, identity, draws, used))
            contacts["sms"] = [number]
            contacts["voice"] = [number]
        if draws.chance(HAS_EMAIL, "email", identity):
            contacts["email"] = [EmailAddress(email=f"customer{identity}@example.{home.country.lower()}.invalid")]
        if draws.chance(HAS_APP, "app", identity):
            contacts["push"] = [PushToken(token=f"demo-token-{identity}", platform="android")]
            contacts["inapp"] = [InboxId(user=identity)]
        if draws.chance(home.wecom, "wecom", identity):
            contacts["wecom"] = [WecomUser(userid=f"u{identity}")]
        found.append(Customer(identity, home, contacts, draws.chance(OPTED_OUT_BEFORE, "opted out", identity)))
    return found


def _number(home: Home, identity: str, draws: Draws, used: set[str]) -> str:
    for attempt in range(1000):
        prefix = home.prefixes[int(draws.uniform("prefix", identity, str(attempt)) * len(home.prefixes))]
        rest = int(draws.uniform("number", identity, str(attempt)) * 10**home.digits)
        number = f"{prefix}{rest:0{home.digits}d}"
        if number not in used:
            used.add(number)
            return number
    raise AssertionError("the number ranges are large enough for every customer")


def visits(bought: Sequence[Purchase], people: Mapping[str, Customer], seed: str) -> list[PersonEvent]:
    """What people did by themselves from `START` on: each purchase at a seeded hour of its local day, 8:00 to 22:00."""
    draws = Draws(f"{seed}:hours")
    found = []
    for place, purchase in enumerate(bought):
        if purchase.day < START:
            continue
        minute = 8 * 60 + int(draws.uniform(purchase.customer, purchase.day.isoformat(), str(place)) * 14 * 60)
        at = local_instant(purchase.day, time(minute // 60, minute % 60), zone(people[purchase.customer].clock))
        found.append(PersonEvent(purchase.customer, "converted", at, purchase.cents, f"cdnow:{place}"))
    return found


def start_instant() -> datetime:
    """The virtual instant at which the campaign is launched: the first minute of `START` in UTC."""
    return datetime.combine(START, time(0), UTC)
