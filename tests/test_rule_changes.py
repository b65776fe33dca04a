"""Rows changed by the app's settings, rows that grew old, and holidays with their last official year."""

import logging
import warnings
from datetime import date, timedelta

import pytest

from recallgate.model.errors import ConfigError
from recallgate.rules import holidays as room
from recallgate.rules.holidays import HolidayBook, HolidayWarning, last_official_year, official_days, worked_weekends
from recallgate.rules.hours import Hours
from recallgate.rules.overrides import old_rows, overridden, warn_of_old_rows
from recallgate.rules.regulations import RuleBook

BOOK = RuleBook.default()
NINE_TO_FIVE = [{"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "17:00"}]
OWN = {"country": "BR", "channels": ["sms"], "purposes": ["marketing"], "windows": NINE_TO_FIVE}


def test_a_row_is_changed_field_by_field() -> None:
    changed = overridden(BOOK, {"fr-sms": {"windows": NINE_TO_FIVE, "source": "our counsel", "as_of": "2026-10-01"}})["fr-sms"]

    assert changed.open_days == {1, 2, 3, 4, 5}
    assert (changed.holidays, changed.country, changed.basis) == ("block", "FR", "own")
    assert (changed.source, changed.as_of) == ("our counsel", "2026-10-01")
    assert BOOK["fr-sms"].open_days == {1, 2, 3, 4, 5, 6}


def test_other_rows_stay_as_they_are() -> None:
    changed = overridden(BOOK, {"fr-sms": {"windows": NINE_TO_FIVE}})

    assert [row for row in changed.rows if row.id != "fr-sms"] == [row for row in BOOK.rows if row.id != "fr-sms"]


def test_an_own_row_takes_the_place_of_the_default() -> None:
    changed = overridden(BOOK, {"br-own": OWN})

    assert [row.id for row in changed.select(country="BR", region=None, channel="sms", purpose="marketing")] == ["br-own"]


def test_a_row_can_be_removed_and_other_windows_chosen() -> None:
    changed = overridden(BOOK, {"us-wa": {"removed": True}, "fr-sms": {"windows": "wider"}, "es-voice": {"windows": "stricter"}})

    assert [row.id for row in changed.select(country="US", region="US-WA", channel="sms", purpose="marketing")] == ["us-fed"]
    assert changed["fr-sms"].windows == BOOK["fr-sms"].wider_windows
    assert changed["es-voice"].windows == BOOK["es-voice"].stricter_windows


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"us-xx": {"removed": True}}, "rules.us-xx: there is no such row"),
        ({"us-wa": {"removed": True, "notes": "x"}}, "no other fields"),
        ({"us-wa": False}, "removed = true"),
        ({"us-wa": {"window": NINE_TO_FIVE}}, "rules.us-wa.window"),
        ({"us-wa": {"windows": [{"days": [8], "start": "09:00", "end": "17:00"}]}}, "rules.us-wa.windows"),
        ({"us-wa": {"windows": "wider"}}, "no wider windows"),
        ({"us-wa": {"id": "us-or"}}, "leave id out"),
        ({"br-own": {"country": "BR"}}, "rules.br-own.channels: it is missing"),
    ],
)
def test_what_is_wrong_in_the_settings_is_named(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        overridden(BOOK, changes)


@pytest.mark.parametrize(("days", "old"), [(0, False), (365, False), (366, True)])
def test_a_row_is_old_after_its_set_age(days: int, old: bool) -> None:
    today = date(2026, 11, 22) + timedelta(days=days)

    assert bool(old_rows(BOOK.rows, today)) is old
    assert not old_rows(BOOK.rows, today, age=timedelta(days=366))


def test_an_own_row_without_a_date_is_old_from_the_start() -> None:
    own = overridden(BOOK, {"br-own": OWN, "fr-sms": {"windows": "wider", "as_of": "2026-11-22"}})

    assert [row.id for row in old_rows(own.rows, date(2026, 11, 22))] == ["br-own"]


def test_old_rows_are_told_once_by_name(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="recallgate.rules"):
        warn_of_old_rows(BOOK, date(2028, 1, 1))
        warn_of_old_rows(BOOK, date(2026, 11, 22))

    (record,) = caplog.records
    assert "us-fed" in record.getMessage()
    assert f"{len(BOOK.rows)} rules" in record.getMessage()


# Holidays: dates typed from the governments' announcements and calendars, not from the package ---------------------------


@pytest.fixture(autouse=True)
def forget() -> None:
    room._tell.cache_clear()


def test_substitute_days_and_worked_weekends_of_china_are_known() -> None:
    days = official_days("CN", years=[2026])

    assert {date(2026, 2, 17), date(2026, 10, 1)} <= days
    assert date(2026, 2, 20) in days  # a Friday off, in exchange for Saturday 02-14
    assert date(2026, 2, 14) in worked_weekends("CN", years=[2026])
    assert date(2026, 2, 14) not in days


@pytest.mark.parametrize(
    ("country", "region", "day"),
    [
        ("FR", None, date(2026, 7, 14)),
        ("IT", None, date(2026, 4, 6)),  # Easter Monday
        ("ES", None, date(2026, 12, 25)),
        ("AU", "AU-VIC", date(2026, 11, 3)),  # Melbourne Cup
        ("US", "US-AL", date(2026, 7, 4)),
    ],
)
def test_holidays_of_places_whose_rows_close_on_them(country: str, region: str | None, day: date) -> None:
    assert day in HolidayBook().days(country, region, around=day)


def test_a_region_that_the_package_does_not_know_has_the_countrys_days() -> None:
    assert date(2026, 7, 14) in official_days("FR", "FR-ZZZ", years=[2026])


def test_beyond_the_last_official_year_dates_are_a_guess_and_said_to_be() -> None:
    last = last_official_year("CN")
    assert last is not None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert official_days("CN", years=[last])
        assert HolidayBook().days("CN", None, around=date(last, 6, 1))

    with pytest.warns(HolidayWarning, match=f"official until {last}"):
        HolidayBook().days("CN", None, around=date(last + 1, 6, 1))
    with pytest.warns(HolidayWarning, match="a guess"):
        official_days("CN", years=[last + 2])


def test_days_that_the_law_fixes_have_no_last_year() -> None:
    assert [last_official_year(country) for country in ("FR", "US", "XX")] == [None, None, None]


def test_a_country_without_dates_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.warns(HolidayWarning, match="does not know ZZ"):
        assert HolidayBook().days("ZZ", None, around=date(2026, 1, 1)) == frozenset()
    with pytest.warns(HolidayWarning, match="no holidays of FR"):
        assert HolidayBook(use_package=False).days("FR", None, around=date(2026, 7, 14)) == frozenset()
    monkeypatch.setattr(room, "_package", lambda: None)
    with pytest.warns(HolidayWarning, match="no holidays of ES"):
        assert HolidayBook().days("ES", None, around=date(2026, 12, 25)) == frozenset()
    with pytest.raises(ConfigError, match="recallgate"):
        official_days("FR", years=[2026])


def test_own_dates_stand_in_place_of_the_packages() -> None:
    book = HolidayBook.of({"FR": ["2026-07-15"], "AU-VIC": [date(2026, 11, 4)], "AU": ["2026-01-26"]})

    assert book.days("FR", None, around=date(2026, 7, 14)) == {date(2026, 7, 15)}
    assert book.days("AU", "AU-VIC", around=date(2026, 7, 14)) == {date(2026, 11, 4), date(2026, 1, 26)}
    assert book.days("AU", "AU-NSW", around=date(2026, 7, 14)) == {date(2026, 1, 26)}
    assert book.days(None, None, around=date(2026, 7, 14)) == frozenset()
    with pytest.raises(ConfigError, match=r"holidays\.FR"):
        HolidayBook.of({"FR": ["14 July"]})


def test_the_turn_of_the_year_has_both_years_days() -> None:
    days = HolidayBook().days("FR", None, around=date(2026, 12, 31))

    assert {date(2026, 12, 25), date(2027, 1, 1)} <= days


def test_equal_arguments_give_the_same_set() -> None:
    book = HolidayBook()

    assert book.days("FR", None, around=date(2026, 1, 1)) is book.days("FR", None, around=date(2026, 12, 31))


@pytest.mark.parametrize(
    ("country", "channel", "blocks", "closed"),
    [
        ("FR", "voice", (), True),
        ("DE", "sms", (), False),
        ("CN", "voice", (), False),
        ("CN", "voice", ("lunch",), False),
        ("CN", "voice", ("holidays",), True),
    ],
)
def test_holidays_are_looked_up_where_a_row_closes_on_them(
    country: str, channel: str, blocks: tuple[str, ...], closed: bool
) -> None:
    rows = BOOK.select(country=country, region=None, channel=channel, purpose="marketing")
    day = date(2026, 10, 1) if country == "CN" else date(2026, 7, 14)

    found = HolidayBook().for_rows(rows, country, None, around=day, blocks=frozenset(blocks))

    assert (day in found) is closed
    hours = Hours.of(rows, holidays=found, blocks=frozenset(blocks))
    assert any(one.layers[0].blocks_holidays for one in hours.each_alone()) is closed
