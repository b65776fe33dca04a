"""Where a recipient is: country, region and time zones, with the reason for the choice."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

from recallgate.model.zones import zone as find_zone
from recallgate.phone.location import Location
from recallgate.rules.datafile import read
from recallgate.rules.hours import Hours

TzSource = Literal["recipient", "region", "device", "phone", "country", "tenant"]
_MIN_OPEN = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Place:
    """`zones` has at least one IANA name; open means open in all of them. `tz_uncertain`: a stand-in for an unknown zone."""

    country: str | None
    region: str | None
    zones: tuple[str, ...]
    tz_source: TzSource
    tz_uncertain: bool = False


def resolve(
    *,
    zone: str | None = None,
    region: str | None = None,
    country: str | None = None,
    device_zone: str | None = None,
    phone_location: Location | None = None,
    country_zone: str | None = None,
    tenant_zone: str | None = None,
    hours: Hours | None = None,
    min_open: timedelta = _MIN_OPEN,
    on: date | None = None,
) -> Place:
    """The first that exists of recipient zone, region with one zone, device zone, phone, country default, tenant default.

    Several candidates of a phone number that leave less than `min_open` a day in common give the country's zone, marked
    uncertain. `on` is the date whose season counts. `country_zone` stands before the table of country defaults.
    """
    where = country or (region.partition("-")[0] if region else None) or (phone_location.country if phone_location else None)
    part = region or (phone_location.region if phone_location else None)

    def place(zones: tuple[str, ...], source: TzSource, *, uncertain: bool = False) -> Place:
        return Place(where, part, zones, source, uncertain)

    if zone:
        return place((_checked(zone),), "recipient")
    if region and len(zones := region_zones(region)) == 1:
        return place(zones, "region")
    if device_zone:
        return place((_checked(device_zone),), "device")
    defaults = (_checked(country_zone),) if country_zone else country_zones(where)
    scattered = False
    if phone_location is not None and phone_location.zones:
        candidates = phone_location.zones
        if len(candidates) == 1 or hours is None or common_opening(candidates, hours, on=on) >= min_open:
            return place(candidates, "phone")
        scattered = True
    if defaults:
        return place(defaults[:1], "country", uncertain=scattered or len(country_zones(where)) > 1)
    return place((_checked(tenant_zone or "UTC"),), "tenant", uncertain=scattered or tenant_zone is None)


def common_opening(zones: tuple[str, ...], hours: Hours, *, on: date | None = None) -> timedelta:
    """How long a day all zones are open together, on the best weekday, guard and holidays apart.

    Without a date, the poorer of mid-January and mid-July: clocks change apart in the two halves of the world.
    """
    if hours.unrestricted:
        return timedelta(days=1)
    seasons = (date(2026, 1, 12), date(2026, 7, 13)) if on is None else (on,)
    mondays = (begin - timedelta(days=begin.weekday()) for begin in seasons)
    return timedelta(minutes=min(hours.usual_minutes_per_day(zones, monday) for monday in mondays))


def country_zones(country: str | None) -> tuple[str, ...]:
    """The zones of a country that differ from each other, the usual one first; empty for an unknown country."""
    return _table()["countries"].get(country, ()) if country else ()


def region_zones(region: str) -> tuple[str, ...]:
    """The zones of an ISO 3166-2 region; empty when the table has no row for it."""
    return _table()["regions"].get(region, ())


@lru_cache(maxsize=1)
def _table() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    data = read("zones")
    return {part: {code: tuple(zones) for code, zones in data[part].items()} for part in ("countries", "regions")}


def _checked(name: str) -> str:
    find_zone(name)
    return name
