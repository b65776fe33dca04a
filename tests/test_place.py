"""Zone and region of a recipient: the first fact that exists decides, and is named."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from recallgate.phone import Location, locate
from recallgate.rules.hours import Hours
from recallgate.rules.place import Place, common_opening, country_zones, region_zones, resolve

TEXAN = locate("+12142345678")
AU_MOBILE = locate("+61412345678")
RU_MOBILE = locate("+79161234567")
TOLL_FREE = locate("+18002345678")
ALASKA = locate("+19072345678")
NINE_TO_EIGHT = Hours.of(tenant=[((1, 2, 3, 4, 5, 6, 7), "09:00", "20:00")])
EIGHT_TO_NINE = Hours.of(tenant=[((1, 2, 3, 4, 5, 6, 7), "08:00", "21:00")])
JANUARY = date(2026, 1, 14)

FACTS = {
    "zone": "Asia/Tokyo",
    "region": "US-CA",
    "device_zone": "Europe/Paris",
    "phone_location": TEXAN,
    "country": "US",
    "country_zone": "America/Denver",
    "tenant_zone": "Asia/Shanghai",
}
ORDER = [
    ((), "recipient", "Asia/Tokyo"),
    (("zone",), "region", "America/Los_Angeles"),
    (("zone", "region"), "device", "Europe/Paris"),
    (("zone", "region", "device_zone"), "phone", "America/Chicago"),
    (("zone", "region", "device_zone", "phone_location"), "country", "America/Denver"),
    (("zone", "region", "device_zone", "phone_location", "country_zone"), "country", "America/New_York"),
    (("zone", "region", "device_zone", "phone_location", "country_zone", "country"), "tenant", "Asia/Shanghai"),
]


@pytest.mark.parametrize(("missing", "source", "zone"), ORDER)
def test_the_first_fact_that_exists_decides(missing: tuple[str, ...], source: str, zone: str) -> None:
    place = resolve(**{name: fact for name, fact in FACTS.items() if name not in missing})  # type: ignore[arg-type]  # a table of mixed facts

    assert (place.tz_source, place.zones) == (source, (zone,))


def test_a_region_in_two_zones_leaves_the_choice_to_the_next_fact() -> None:
    place = resolve(region="US-TX", device_zone="America/Denver")

    assert place == Place("US", "US-TX", ("America/Denver",), "device")


def test_the_region_is_the_recipients_before_the_numbers() -> None:
    assert resolve(region="US-RI", phone_location=TEXAN).region == "US-RI"
    assert resolve(phone_location=TEXAN).region == "US-TX"
    assert resolve(country="FR").region is None


def test_the_country_is_given_or_read_from_region_or_number() -> None:
    assert resolve(country="CA", phone_location=TEXAN).country == "CA"
    assert resolve(region="CN-XJ").country == "CN"
    assert resolve(phone_location=TEXAN).country == "US"
    assert resolve(tenant_zone="UTC").country is None


def test_xinjiang_keeps_beijing_time_unless_the_person_says_otherwise() -> None:
    number = locate("+8613999900000")

    assert resolve(phone_location=number) == Place("CN", "CN-XJ", ("Asia/Shanghai",), "phone")
    assert resolve(phone_location=number, zone="Asia/Urumqi").zones == ("Asia/Urumqi",)


# Common opening in January, hours a day
OPENINGS = [
    (AU_MOBILE, NINE_TO_EIGHT, 6.5),
    (RU_MOBILE, NINE_TO_EIGHT, 1.0),
    (TOLL_FREE, NINE_TO_EIGHT, 0.5),
    (ALASKA, NINE_TO_EIGHT, 10.0),
    (AU_MOBILE, EIGHT_TO_NINE, 8.5),
    (RU_MOBILE, EIGHT_TO_NINE, 3.0),
    (TOLL_FREE, EIGHT_TO_NINE, 2.5),
    (ALASKA, EIGHT_TO_NINE, 12.0),
]


@pytest.mark.parametrize(("location", "hours", "expected"), OPENINGS)
def test_candidates_have_these_hours_in_common(location: Location, hours: Hours, expected: float) -> None:
    assert common_opening(location.zones, hours, on=JANUARY) == timedelta(hours=expected)


@pytest.mark.parametrize(
    ("location", "hours", "source", "count"),
    [
        (AU_MOBILE, NINE_TO_EIGHT, "phone", 8),
        (RU_MOBILE, NINE_TO_EIGHT, "country", 1),
        (TOLL_FREE, NINE_TO_EIGHT, "country", 1),
        (RU_MOBILE, EIGHT_TO_NINE, "phone", 16),
        (TOLL_FREE, EIGHT_TO_NINE, "phone", 42),
        (ALASKA, NINE_TO_EIGHT, "phone", 2),
    ],
)
def test_candidates_far_apart_give_the_countrys_zone(location: Location, hours: Hours, source: str, count: int) -> None:
    place = resolve(phone_location=location, hours=hours, on=JANUARY)

    assert (place.tz_source, len(place.zones)) == (source, count)
    assert place.tz_uncertain is (source == "country")


def test_the_configured_country_zone_stands_before_the_table() -> None:
    place = resolve(phone_location=TOLL_FREE, hours=NINE_TO_EIGHT, country_zone="America/Chicago", on=JANUARY)

    assert place == Place("US", None, ("America/Chicago",), "country", tz_uncertain=True)


@pytest.mark.parametrize(("needed", "source"), [(timedelta(hours=6.5), "phone"), (timedelta(hours=6, minutes=31), "country")])
def test_exactly_enough_common_opening_is_enough(needed: timedelta, source: str) -> None:
    assert resolve(phone_location=AU_MOBILE, hours=NINE_TO_EIGHT, min_open=needed, on=JANUARY).tz_source == source


def test_an_australian_mobile_is_never_written_to_before_nine_in_perth_or_after_eight_in_sydney() -> None:
    zones = resolve(phone_location=AU_MOBILE, hours=NINE_TO_EIGHT, on=JANUARY).zones
    minute = datetime(2026, 1, 14, tzinfo=UTC)
    for n in range(1440):
        now = minute + timedelta(minutes=n)
        if NINE_TO_EIGHT.is_open(now, zones):
            assert now.astimezone(ZoneInfo("Australia/Perth")).hour >= 9
            assert now.astimezone(ZoneInfo("Australia/Sydney")).hour < 20


def test_without_hours_all_candidates_stay() -> None:
    assert len(resolve(phone_location=RU_MOBILE).zones) == 16


def test_without_a_date_the_poorer_season_counts() -> None:
    both = [common_opening(TOLL_FREE.zones, EIGHT_TO_NINE, on=day) for day in (JANUARY, date(2026, 7, 15))]

    assert common_opening(TOLL_FREE.zones, EIGHT_TO_NINE) == min(both)
    assert common_opening(TOLL_FREE.zones, Hours.of()) == timedelta(days=1)


def test_an_invalid_number_gives_no_zone() -> None:
    place = resolve(phone_location=locate("+15555550123"), tenant_zone="Europe/Berlin")

    assert (place.tz_source, place.zones) == ("tenant", ("Europe/Berlin",))


def test_the_usual_zone_of_a_country_in_several_is_marked_uncertain() -> None:
    assert resolve(country="US").tz_uncertain
    assert not resolve(country="FR").tz_uncertain


def test_nothing_known_at_all_is_universal_time_and_uncertain() -> None:
    assert resolve() == Place(None, None, ("UTC",), "tenant", tz_uncertain=True)


@pytest.mark.parametrize("fact", ["zone", "device_zone", "country_zone", "tenant_zone"])
def test_a_misspelt_zone_is_an_error(fact: str) -> None:
    with pytest.raises(ValueError, match="IANA"):
        resolve(**{fact: "Europe/Berlyn"})  # type: ignore[arg-type]  # one of several names


@pytest.mark.parametrize(
    ("country", "zone"),
    [
        ("CN", "Asia/Shanghai"),
        ("US", "America/New_York"),
        ("AU", "Australia/Sydney"),
        ("BR", "America/Sao_Paulo"),
        ("RU", "Europe/Moscow"),
    ],
)
def test_the_usual_zone_is_that_of_most_people(country: str, zone: str) -> None:
    assert country_zones(country)[0] == zone


def test_every_zone_of_the_tables_exists() -> None:
    for code in ("US-AK", "US-HI", "CA-NL", "AU-SA", "CN-XZ"):
        assert region_zones(code)
    for country in ("US", "GB", "FR", "DE", "IN", "TW", "HK", "SG", "AE", "MX", "NZ", "JP"):
        for name in country_zones(country):
            assert ZoneInfo(name).key == name
    assert region_zones("XX-YY") == ()
    assert country_zones("XX") == ()
