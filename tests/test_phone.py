"""Numbers to places. Expectations are typed from the numbering plans, not computed."""

import random
import subprocess
import sys

import pytest

from phone_regions import RANGES, described, region, region_of
from recallgate.phone import Location, locate, normalise, regions
from recallgate.phone.location import _locate_block, _place, _read

PLACES = [
    ("+8613999900000", "CN", "CN-XJ", "Asia/Shanghai"),
    ("+8613999712345", "CN", "CN-XJ", "Asia/Shanghai"),
    ("+8613908911234", "CN", "CN-XZ", "Asia/Shanghai"),
    ("+8613800138000", "CN", "CN-BJ", "Asia/Shanghai"),
    ("+8617012345678", "CN", None, "Asia/Shanghai"),
    ("+8619912345678", "CN", None, "Asia/Shanghai"),
    ("+12125550123", "US", "US-NY", "America/New_York"),
    ("+14015550123", "US", "US-RI", "America/New_York"),
    ("+12142345678", "US", "US-TX", "America/Chicago"),
    ("+14155550123", "US", "US-CA", "America/Los_Angeles"),
    ("+12025550123", "US", "US-DC", "America/New_York"),
    ("+12065550123", "US", "US-WA", "America/Los_Angeles"),
    ("+14165550123", "CA", "CA-ON", "America/Toronto"),
    ("+33612345678", "FR", None, "Europe/Paris"),
    ("+919812345678", "IN", None, "Asia/Calcutta"),
    ("+886912345678", "TW", None, "Asia/Taipei"),
    ("+85251234567", "HK", None, "Asia/Hong_Kong"),
    ("+6581234567", "SG", None, "Asia/Singapore"),
    ("+390612345678", "IT", None, "Europe/Rome"),
]


@pytest.mark.parametrize(("number", "country", "region", "zone"), PLACES)
def test_a_number_tells_country_region_and_zone(number: str, country: str, region: str | None, zone: str) -> None:
    location = locate(number)

    assert (location.country, location.region, location.zones) == (country, region, (zone,))


@pytest.mark.parametrize(
    ("description", "code"),
    [
        ("Texas", "US-TX"),
        ("New York, NY", "US-NY"),
        ("Rhode Island", "US-RI"),
        ("Washington State", "US-WA"),
        ("United States", None),
    ],
)
def test_both_written_forms_of_a_state_are_understood(description: str, code: str | None) -> None:
    assert region_of("US", description) == code


def test_a_description_of_several_provinces_is_no_region() -> None:
    assert region_of("CA", "Nova Scotia/Prince Edward Island") is None


@pytest.mark.parametrize(
    ("number", "count", "kind"),
    [
        ("+19072345678", 2, "fixed_or_mobile"),
        ("+18002345678", 42, "toll_free"),
        ("+61412345678", 8, "mobile"),
        ("+79161234567", 16, "mobile"),
        ("+447911123456", 4, "mobile"),
    ],
)
def test_some_numbers_have_several_candidate_zones(number: str, count: int, kind: str) -> None:
    location = locate(number)

    assert len(location.zones) == count
    assert location.kind == kind


@pytest.mark.parametrize("number", ["+15555550123", "+861010", "+8699999999999", "+12", "nonsense", "", "+1415555012３"])
def test_an_invalid_number_has_no_zone(number: str) -> None:
    location = locate(number)

    assert location.zones == ()
    assert location.region is None
    assert location.kind == "invalid"


def test_a_range_missing_from_the_tables_still_has_its_country() -> None:
    assert locate("+8614912345678") == Location("CN", None, (), "invalid")


def test_a_satellite_number_has_no_country() -> None:
    assert locate("+881612345678").country is None


def test_the_last_four_digits_never_matter_where_blocks_are_shared() -> None:
    draw = random.Random(7)
    for _ in range(600):
        if draw.random() < 0.5:
            number = "+861" + "".join(draw.choices("0123456789", k=10))
        else:
            number = "+1" + draw.choice("23456789") + "".join(draw.choices("0123456789", k=9))
        assert locate(number) == _read(number), number


def test_numbers_of_one_block_are_read_once() -> None:
    _locate_block.cache_clear()
    for last in range(1000):
        locate(f"+861391234{last:04d}")

    assert _locate_block.cache_info().misses == 1


@pytest.mark.parametrize(
    ("text", "country", "e164"),
    [
        ("139 0991 1234", "CN", "+8613909911234"),
        ("0086-139 0991 1234", "CN", "+8613909911234"),
        ("+86 139-0991-1234", None, "+8613909911234"),
        ("１３９０９９１１２３４", "cn", "+8613909911234"),
        ("010-12345678", "CN", "+861012345678"),
        ("(415) 555-0123", "US", "+14155550123"),
        ("07911 123456", "GB", "+447911123456"),
        ("14912345678", "CN", "+8614912345678"),
    ],
)
def test_written_forms_become_e164(text: str, country: str | None, e164: str) -> None:
    assert normalise(text, country=country) == e164


@pytest.mark.parametrize(
    ("text", "country", "fault"),
    [
        ("13909911234", None, "without a country"),
        ("13909911234", "XX", "ISO 3166-1"),
        ("hello", "CN", "not a telephone number"),
        ("+999123456789", None, "unknown country code"),
        ("+1 415 555 01", None, "wrong length"),
        ("555-0123", "US", "area code"),
        ("+1 415 555 0123 4567", None, "too long"),
        ("+86139099112345678901", None, "too long"),
        ("+1 415 555 0123 ext. 44", None, "extension"),
        ("1", "US", "not a telephone number"),
    ],
)
def test_a_fault_is_named_and_the_number_is_not(text: str, country: str | None, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as caught:
        normalise(text, country=country)

    digits = "".join(ch for ch in text if ch.isdigit())
    assert len(digits) < 6 or digits not in str(caught.value)
    assert caught.value.__cause__ is None


def test_finding_a_region_loads_no_geocoder() -> None:
    code = (
        "import sys; from recallgate.phone import locate; assert 'phonenumbers' not in sys.modules; "
        "assert locate('+8613800138000').region == 'CN-BJ'; assert 'phonenumbers.geocoder' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("code", RANGES)
def test_the_table_of_ranges_says_what_the_geocoder_says(code: str) -> None:
    """A newer geocoder may know some ranges better: then the table is made anew."""
    chance, (width, countries), prefixes = random.Random(1), RANGES[code], described(code)
    numbers = [prefix.ljust(width, "5")[:width] for prefix in chance.sample(sorted(prefixes), 3000)]

    told = [regions.region_of(countries[0], int(code), number) for number in numbers]
    known = [found if (found := region(prefixes, number)) and found.startswith(countries[0]) else None for number in numbers]

    assert sum(one == other for one, other in zip(told, known, strict=True)) >= 0.99 * len(numbers)
    assert len(set(told)) > 20


def test_place_reads_a_parsed_number() -> None:
    import phonenumbers

    assert _place(phonenumbers.parse("+33612345678")) == Location("FR", None, ("Europe/Paris",), "mobile")
