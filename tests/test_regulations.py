"""Which rows hold, and what each allows: hand-typed from the published hours, not read from the data file."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from recallgate.rules.hours import Hours
from recallgate.rules.regulations import Regulation, RuleBook
from recallgate.rules.windows import Window

BOOK = RuleBook.default()
NO_GUARD = timedelta(0)


def ids(country: str | None, region: str | None, channel: str, purpose: str = "marketing") -> tuple[str, ...]:
    return tuple(row.id for row in BOOK.select(country=country, region=region, channel=channel, purpose=purpose))


@pytest.mark.parametrize(
    ("country", "region", "channel", "expected"),
    [
        ("US", None, "sms", ("us-fed",)),
        ("US", "US-TX", "sms", ("us-fed", "us-tx")),
        ("US", "US-TX", "voice", ("us-fed", "us-tx")),
        ("US", "US-KY", "sms", ("us-fed",)),
        ("US", "US-KY", "voice", ("us-fed", "us-ky")),
        ("US", "US-NJ", "voice", ("us-fed",)),
        ("US", "US-CA", "sms", ("us-fed",)),
        ("CN", "CN-XJ", "voice", ("cn-voice",)),
        ("FR", None, "voice", ("fr-voice",)),
        ("GB", None, "voice", ("default",)),
        ("DE", None, "sms", ("de-sms",)),
        ("BR", None, "sms", ("default",)),
        (None, None, "sms", ("default",)),
        ("US", None, "email", ()),
        ("BR", None, "push", ()),
        ("CN", None, "wecom", ()),
    ],
)
def test_country_rows_hold_together_and_the_default_only_without_them(
    country: str | None, region: str | None, channel: str, expected: tuple[str, ...]
) -> None:
    assert ids(country, region, channel) == expected


@pytest.mark.parametrize("purpose", ["otp", "transactional", "service"])
def test_only_marketing_is_held(purpose: str) -> None:
    assert ids("US", "US-TX", "sms", purpose) == ()


# region or country, channel, zone, weekday (1 = Monday), first minute, last minute (guard apart)
ROWS = [
    ("US", None, "sms", "America/New_York", 7, "08:00", "21:00"),
    ("US", "US-FL", "sms", "America/New_York", 1, "08:00", "20:00"),
    ("US", "US-OK", "voice", "America/Chicago", 6, "08:00", "20:00"),
    ("US", "US-CT", "sms", "America/New_York", 2, "09:00", "20:00"),
    ("US", "US-TX", "sms", "America/Chicago", 3, "09:00", "21:00"),
    ("US", "US-TX", "sms", "America/Chicago", 7, "12:00", "21:00"),
    ("US", "US-RI", "voice", "America/New_York", 5, "09:00", "18:00"),
    ("US", "US-RI", "sms", "America/New_York", 6, "10:00", "17:00"),
    ("US", "US-AL", "voice", "America/Chicago", 6, "08:00", "20:00"),
    ("US", "US-KY", "voice", "America/New_York", 4, "10:00", "21:00"),
    ("US", "US-NV", "voice", "America/Los_Angeles", 4, "09:00", "20:00"),
    ("CA", None, "voice", "America/Toronto", 1, "09:00", "21:30"),
    ("CA", None, "voice", "America/Toronto", 7, "10:00", "18:00"),
    ("CA", None, "sms", "America/Toronto", 7, "08:00", "21:00"),
    ("GB", None, "sms", "Europe/London", 7, "08:00", "21:00"),
    ("FR", None, "sms", "Europe/Paris", 6, "08:30", "20:00"),
    ("ES", None, "voice", "Europe/Madrid", 5, "09:00", "21:00"),
    ("IT", None, "voice", "Europe/Rome", 6, "10:00", "19:00"),
    ("AU", None, "voice", "Australia/Sydney", 6, "09:00", "17:00"),
    ("AU", None, "voice", "Australia/Sydney", 5, "09:00", "20:00"),
    ("IN", None, "sms", "Asia/Kolkata", 7, "10:00", "21:00"),
    ("IN", None, "voice", "Asia/Kolkata", 7, "09:00", "21:00"),
    ("AE", None, "sms", "Asia/Dubai", 5, "07:00", "21:00"),
    ("TW", None, "sms", "Asia/Taipei", 1, "09:00", "12:30"),
    ("TW", None, "sms", "Asia/Taipei", 1, "13:30", "21:00"),
    ("FR", None, "voice", "Europe/Paris", 1, "10:00", "13:00"),
    ("FR", None, "voice", "Europe/Paris", 1, "14:00", "20:00"),
    ("CN", None, "sms", "Asia/Shanghai", 7, "08:00", "21:00"),
    ("CN", None, "voice", "Asia/Shanghai", 7, "09:00", "20:00"),
    ("BR", None, "sms", "America/Sao_Paulo", 7, "09:00", "20:00"),
]


@pytest.mark.parametrize(("country", "region", "channel", "zone", "weekday", "start", "end"), ROWS)
def test_each_row_opens_at_its_start_and_is_closed_at_its_end(
    country: str, region: str | None, channel: str, zone: str, weekday: int, start: str, end: str
) -> None:
    rows = BOOK.select(country=country, region=region, channel=channel, purpose="marketing")
    hours = Hours.of(rows, guard=NO_GUARD)
    day = f"2026-06-{7 + weekday:02d}"  # 2026-06-08 is a Monday
    opens, closes = (datetime.fromisoformat(f"{day} {clock}").replace(tzinfo=ZoneInfo(zone)) for clock in (start, end))

    assert hours.is_open(opens, (zone,))
    assert not hours.is_open(opens - timedelta(minutes=1), (zone,))
    assert hours.is_open(closes - timedelta(minutes=1), (zone,))
    assert not hours.is_open(closes, (zone,))
    assert Hours.of(rows).end_of_window(opens, (zone,)) == closes - timedelta(minutes=5)


CLOSED_DAYS = [
    ("US", "US-AL", "voice", 7),
    ("US", "US-LA", "voice", 7),
    ("US", "US-MS", "sms", 7),
    ("US", "US-PA", "voice", 6),
    ("FR", None, "sms", 7),
    ("FR", None, "voice", 6),
    ("ES", None, "voice", 6),
    ("IT", None, "voice", 7),
    ("AU", None, "voice", 7),
]


@pytest.mark.parametrize(("country", "region", "channel", "weekday"), CLOSED_DAYS)
def test_a_weekday_without_a_window_is_closed(country: str, region: str | None, channel: str, weekday: int) -> None:
    hours = Hours.of(BOOK.select(country=country, region=region, channel=channel, purpose="marketing"))

    assert hours.open_minutes_per_day(("UTC",), date(2026, 6, 7 + weekday)) == 0


def test_rows_that_block_holidays_are_these() -> None:
    assert {row.id for row in BOOK.rows if row.holidays == "block"} == {
        "us-al",
        "us-la",
        "us-pa",
        "fr-sms",
        "fr-voice",
        "es-voice",
        "it-voice",
        "au-voice",
    }


def test_the_extras_of_rows_are_read() -> None:
    france, italy, china = BOOK["fr-voice"], BOOK["it-voice"], BOOK["cn-voice"]

    assert [(limit.kind, limit.count, limit.window_days, limit.window) for limit in france.limits] == [
        ("attempts", 4, 30, "rolling")
    ]
    assert france.refusal_cooldown_days == 60
    assert france.consent_lifts_hours
    assert not italy.consent_lifts_hours
    assert italy.holiday_eve_windows == (Window((1, 2, 3, 4, 5, 6, 7), 600, 1140),)
    assert [(block.name, block.start, block.end) for block in china.optional_blocks] == [
        ("lunch", 720, 840),
        ("holidays", None, None),
    ]
    assert china.proof_retention_days == 30
    assert BOOK["ca-voice"].registry_max_age_days == 31
    assert BOOK["us-va"].optout_retention_years == 10


def test_an_alternative_can_be_chosen() -> None:
    assert BOOK["fr-sms"].choose("wider").windows == (Window((1, 2, 3, 4, 5, 6), 480, 1320),)
    assert [window.start for window in BOOK["es-voice"].choose("stricter").windows] == [600, 960]
    with pytest.raises(ValueError, match="cn-sms has no wider"):
        BOOK["cn-sms"].choose("wider")


@pytest.mark.parametrize("row", BOOK.rows, ids=lambda row: row.id)
def test_every_row_has_source_date_certainty_and_usable_hours(row: Regulation) -> None:
    assert row.source
    assert date.fromisoformat(row.as_of) >= date(2026, 1, 1)
    assert row.certainty in ("H", "M", "L")
    hours = Hours.of((row,))
    total = sum(hours.open_minutes_per_day(("UTC",), date(2026, 6, 8) + timedelta(days=n)) for n in range(7))
    assert 5 * 8 * 60 <= total <= 7 * 14 * 60
    assert not any(hours.is_open(datetime(2026, 6, 8 + n, 3, tzinfo=UTC), ("UTC",)) for n in range(7))


def test_state_rows_only_narrow_the_federal_one() -> None:
    federal = Hours.of((BOOK["us-fed"],))
    for row in BOOK.rows:
        if row.country == "US" and row.region:
            both = Hours.of((BOOK["us-fed"], row))
            for n in range(7):
                day = date(2026, 6, 8) + timedelta(days=n)
                assert both.open_minutes_per_day(("UTC",), day) <= federal.open_minutes_per_day(("UTC",), day)


OWN = {
    "id": "de-voice",
    "country": "DE",
    "channels": ["voice"],
    "purposes": ["marketing", "service"],
    "windows": [{"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "17:00"}],
}


def test_an_own_row_is_added_and_takes_the_place_of_the_default() -> None:
    book = BOOK.override([OWN])

    assert [row.id for row in book.select(country="DE", region=None, channel="voice", purpose="service")] == ["de-voice"]
    assert ids("DE", None, "voice") == ("default",)


def test_an_own_row_replaces_the_row_of_its_id_in_place() -> None:
    wider = BOOK["fr-sms"].choose("wider")
    book = BOOK.override([wider])

    assert book["fr-sms"].windows == wider.windows
    assert [row.id for row in book.rows] == [row.id for row in BOOK.rows]
    assert BOOK["fr-sms"].windows != wider.windows


def test_a_row_can_be_taken_out_by_its_id_only() -> None:
    assert ids("US", "US-WA", "sms") == ("us-fed", "us-wa")
    book = BOOK.without(["us-wa"])

    assert [row.id for row in book.select(country="US", region="US-WA", channel="sms", purpose="marketing")] == ["us-fed"]
    with pytest.raises(KeyError, match="us-xx"):
        BOOK.without(["us-xx"])


@pytest.mark.parametrize(
    "change",
    [
        {"window": []},
        {"limits": [{"kind": "attempts", "count": 0, "window_days": 1}]},
        {"holidays": "maybe"},
        {"windows": [{"days": [9]}]},
    ],
)
def test_a_misspelt_row_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        BOOK.override([{**OWN, **change}])


def test_two_rows_of_one_id_are_refused() -> None:
    with pytest.raises(ValueError, match="appears twice"):
        RuleBook([BOOK["default"], BOOK["default"]])


def test_an_unknown_country_never_gets_the_default_twice() -> None:
    assert ids("default", None, "sms") == ("default",)
