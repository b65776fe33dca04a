"""Allowed hours in local wall time: every sentence of the rule, and an independent evaluator minute by minute."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from recallgate.rules.hours import EmptyHours, Hours, Layer
from recallgate.rules.regulations import Regulation, RuleBook
from recallgate.rules.windows import Window, read_windows

ALL = [1, 2, 3, 4, 5, 6, 7]
NO_GUARD = timedelta(0)
NY, BERLIN, SYDNEY, HAVANA, SANTIAGO, SHANGHAI, LORD_HOWE = (
    "America/New_York",
    "Europe/Berlin",
    "Australia/Sydney",
    "America/Havana",
    "America/Santiago",
    "Asia/Shanghai",
    "Australia/Lord_Howe",
)


def hours(*spans: str, guard: int = 0, days: Sequence[int] = ALL, holidays: frozenset[date] = frozenset()) -> Hours:
    """Tenant hours from "HH:MM-HH:MM"."""
    windows = [{"days": list(days), "start": span[:5], "end": span[6:]} for span in spans]
    return Hours.of(tenant=windows, guard=timedelta(minutes=guard), holidays=holidays)


def at(text: str, zone: str, *, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("wall", "is_open"),
    [("07:59:59", False), ("08:00:00", True), ("20:59:59", True), ("21:00:00", False), ("00:00:00", False), ("23:59:59", False)],
)
def test_the_start_is_allowed_and_the_end_is_not(wall: str, is_open: bool) -> None:
    assert hours("08:00-21:00").is_open(at(f"2026-06-10 {wall}", BERLIN), (BERLIN,)) is is_open


@pytest.mark.parametrize(
    ("wall", "is_open"),
    [("20:54:59", True), ("20:55:00", False), ("20:59:00", False), ("12:54:59", True), ("12:55:00", False), ("14:00:00", True)],
)
def test_the_guard_is_taken_off_every_end(wall: str, is_open: bool) -> None:
    guarded = hours("08:00-13:00", "14:00-21:00", guard=5)

    assert guarded.is_open(at(f"2026-06-10 {wall}", BERLIN), (BERLIN,)) is is_open


def test_the_guard_is_five_minutes_by_default() -> None:
    usual = Hours.of(tenant=[((1, 2, 3, 4, 5, 6, 7), "09:00", "20:00")])

    assert usual.end_of_window(at("2026-06-10 12:00", BERLIN), (BERLIN,)) == at("2026-06-10 19:55", BERLIN)


@pytest.mark.parametrize(
    ("wall", "is_open"),
    [
        ("21:59", False),
        ("22:00", True),
        ("23:00", True),
        ("23:57", True),
        ("00:00", True),
        ("05:59", True),
        ("06:00", False),
        ("12:00", False),
    ],
)
def test_overnight_hours_never_turn_into_their_complement(wall: str, is_open: bool) -> None:
    assert hours("22:00-06:00").is_open(at(f"2026-06-10 {wall}", BERLIN), (BERLIN,)) is is_open


def test_an_end_at_midnight_that_goes_on_has_no_guard() -> None:
    night = hours("22:00-06:00", guard=5)

    assert night.is_open(at("2026-06-10 23:59", BERLIN), (BERLIN,))
    assert night.end_of_window(at("2026-06-10 23:00", BERLIN), (BERLIN,)) == at("2026-06-11 05:55", BERLIN)


def test_an_end_at_midnight_that_does_not_go_on_has_a_guard() -> None:
    friday_night = hours("22:00-24:00", guard=5, days=[5])

    assert friday_night.is_open(at("2026-06-12 23:54", BERLIN), (BERLIN,))
    assert not friday_night.is_open(at("2026-06-12 23:55", BERLIN), (BERLIN,))


def test_a_short_stretch_after_midnight_passes_the_guard_on_to_the_evening() -> None:
    late = hours("22:00-00:03", guard=5)

    assert late.end_of_window(at("2026-06-12 23:00", BERLIN), (BERLIN,)) == at("2026-06-12 23:58", BERLIN)


def test_the_next_weekday_of_an_overnight_range_follows_sunday_with_monday() -> None:
    assert read_windows([{"days": [5, 7], "start": "22:00", "end": "06:00"}]) == (
        Window((5, 7), 22 * 60, 24 * 60),
        Window((1, 6), 0, 6 * 60),
    )


def test_until_midnight_is_no_overnight_range() -> None:
    assert read_windows([((1,), "22:00", "00:00")]) == (Window((1,), 1320, 1440),)


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        ({"days": [1], "start": "08:00", "end": "08:00"}, "empty"),
        ({"days": [1], "start": "24:00", "end": "08:00"}, "empty"),
        ({"days": [0], "start": "08:00", "end": "09:00"}, "weekdays"),
        ({"days": [], "start": "08:00", "end": "09:00"}, "weekdays"),
        ({"days": [1, 1], "start": "08:00", "end": "09:00"}, "weekdays"),
        ({"days": [1], "start": "8:00", "end": "09:00"}, "HH:MM"),
        ({"days": [1], "start": "08:00", "end": "24:01"}, "HH:MM"),
        ({"days": [1], "start": "08:00", "end": "25:00"}, "HH:MM"),
        ({"days": [1], "start": "08:00", "ends": "25:00"}, "ends not understood"),
        ({"days": 1, "start": "08:00", "end": "09:00"}, "list of ISO weekdays"),
    ],
)
def test_what_is_no_window_is_refused_by_name(raw: dict[str, object], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_windows([raw])


def test_all_rules_hold_together() -> None:
    both = Hours.of(
        tenant=[(ALL, "08:00", "18:00")],
        play=[(ALL, "10:00", "20:00")],
        recipient=[((1, 2, 3, 4, 5), "00:00", "24:00")],
        guard=NO_GUARD,
    )

    assert both.open_minutes_per_day((BERLIN,), date(2026, 6, 10)) == 8 * 60
    assert both.open_minutes_per_day((BERLIN,), date(2026, 6, 13)) == 0
    assert both.closed_by(at("2026-06-10 09:00", BERLIN), (BERLIN,)) == ("play",)
    assert both.closed_by(at("2026-06-13 19:00", BERLIN), (BERLIN,)) == ("tenant", "recipient")


def test_hours_in_common_on_no_weekday_are_an_error_when_built() -> None:
    with pytest.raises(EmptyHours, match="tenant, play"):
        Hours.of(tenant=[(ALL, "08:00", "12:00")], play=[(ALL, "12:00", "20:00")])


def test_hours_that_the_guard_eats_whole_are_an_error_when_built() -> None:
    with pytest.raises(EmptyHours):
        hours("08:00-08:05", guard=5)
    assert hours("08:00-08:06", guard=5).is_open(at("2026-06-10 08:00", BERLIN), (BERLIN,))


def test_one_common_weekday_is_enough() -> None:
    narrow = Hours.of(tenant=[((1, 2), "08:00", "12:00")], play=[((2, 3), "08:00", "12:00")], guard=NO_GUARD)

    assert narrow.next_opening(at("2026-06-11 00:00", BERLIN), (BERLIN,)) == at("2026-06-16 08:00", BERLIN)


def test_without_any_rule_every_instant_is_allowed_and_no_zone_is_asked() -> None:
    free = Hours.of()

    assert free.unrestricted
    assert free.is_open(utc("2026-06-10 03:00"), ())
    assert free.next_opening(utc("2026-06-10 03:00"), ()) is None


def test_a_rule_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one zone"):
        hours("08:00-21:00").is_open(utc("2026-06-10 03:00"), ())


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        hours("08:00-21:00").is_open(datetime(2026, 6, 10), (BERLIN,))


@pytest.mark.parametrize(
    ("now", "opening"),
    [
        ("2026-06-10 07:59:59", "2026-06-10 08:00"),
        ("2026-06-10 08:00:00", "2026-06-11 08:00"),
        ("2026-06-10 12:00:00", "2026-06-11 08:00"),
        ("2026-06-10 21:00:00", "2026-06-11 08:00"),
        ("2026-06-12 21:00:00", "2026-06-15 08:00"),
    ],
)
def test_the_next_opening_is_strictly_later_and_in_utc(now: str, opening: str) -> None:
    found = hours("08:00-21:00", days=[1, 2, 3, 4, 5]).next_opening(at(now, BERLIN), (BERLIN,))

    assert found == at(opening, BERLIN)
    assert found is not None
    assert found.tzinfo is UTC


def test_hours_without_a_pause_have_no_opening_and_end_at_the_horizon() -> None:
    always = hours("00:00-24:00", guard=5)
    now = utc("2026-06-10 03:00")

    assert always.is_open(now, (BERLIN,))
    assert always.next_opening(now, (BERLIN,)) is None
    assert always.end_of_window(now, (BERLIN,)) == now + timedelta(days=35)


def test_no_window_ends_while_closed() -> None:
    with pytest.raises(ValueError, match="closed"):
        hours("08:00-21:00").end_of_window(at("2026-06-10 22:00", BERLIN), (BERLIN,))


def test_several_zones_are_open_only_when_all_are() -> None:
    alaska = ("America/Anchorage", "America/Adak")
    day = hours("09:00-20:00")

    assert not day.is_open(at("2026-01-14 09:30", alaska[0]), alaska)
    assert day.is_open(at("2026-01-14 10:00", alaska[0]), alaska)
    assert not day.is_open(at("2026-01-14 20:00", alaska[0]), alaska)
    assert day.next_opening(at("2026-01-14 20:00", alaska[0]), alaska) == at("2026-01-15 10:00", alaska[0])
    assert day.open_minutes_per_day(alaska, date(2026, 1, 14)) == 600


def test_zones_may_be_a_list() -> None:
    assert hours("09:00-20:00").is_open(at("2026-01-14 12:00", BERLIN), [BERLIN, "Europe/Madrid"])


def test_zones_that_are_never_open_together_have_no_opening_within_35_days() -> None:
    apart = ("Pacific/Auckland", "Pacific/Honolulu")

    assert hours("09:00-10:00").next_opening(utc("2026-01-14 12:00"), apart) is None


def test_a_month_of_holidays_is_longer_than_the_horizon() -> None:
    blocked = frozenset(date(2026, 6, 10) + timedelta(days=n) for n in range(40))
    france = Hours.of((RuleBook.default()["fr-sms"],), holidays=blocked)

    assert france.next_opening(at("2026-06-10 12:00", "Europe/Paris"), ("Europe/Paris",)) is None
    assert france.next_opening(at("2026-06-20 12:00", "Europe/Paris"), ("Europe/Paris",)) == at(
        "2026-07-20 08:30", "Europe/Paris"
    )


# DST: (zone, windows, instant in UTC, open?). New York springs 2026-03-08 07:00Z, falls 2026-11-01 06:00Z.
DST = [
    # a start inside a gap is the first valid instant after it
    (NY, "02:30-09:00", "2026-03-08 06:59", False),
    (NY, "02:30-09:00", "2026-03-08 07:00", True),
    # an end inside a gap too
    (NY, "00:30-02:30", "2026-03-08 06:59", True),
    (NY, "00:30-02:30", "2026-03-08 07:00", False),
    # a window wholly inside a gap does not exist
    (NY, "02:10-02:50", "2026-03-08 07:00", False),
    # an ambiguous start opens at its second occurrence (06:30Z), not the first (05:30Z)
    (NY, "01:30-09:00", "2026-11-01 05:30", False),
    (NY, "01:30-09:00", "2026-11-01 06:29", False),
    (NY, "01:30-09:00", "2026-11-01 06:30", True),
    # an ambiguous end closes at its first occurrence (05:30Z)
    (NY, "00:00-01:30", "2026-11-01 05:29", True),
    (NY, "00:00-01:30", "2026-11-01 05:30", False),
    (NY, "00:00-01:30", "2026-11-01 06:10", False),
    # the first minute of the overlap is ambiguous too
    (NY, "01:00-09:00", "2026-11-01 05:59", False),
    (NY, "01:00-09:00", "2026-11-01 06:00", True),
    # a window over the whole overlap is open throughout
    (NY, "00:00-09:00", "2026-11-01 06:10", True),
    # a window inside the overlap: opens at the second 01:10, closed since the first 01:50
    (NY, "01:10-01:50", "2026-11-01 05:20", False),
    (NY, "01:10-01:50", "2026-11-01 06:20", False),
    # Berlin springs 2026-03-29 01:00Z (02:00 to 03:00), falls 2026-10-25 01:00Z (03:00 to 02:00)
    (BERLIN, "02:30-09:00", "2026-03-29 00:59", False),
    (BERLIN, "02:30-09:00", "2026-03-29 01:00", True),
    (BERLIN, "02:30-09:00", "2026-10-25 00:30", False),
    (BERLIN, "02:30-09:00", "2026-10-25 01:30", True),
    (BERLIN, "00:00-02:30", "2026-10-25 00:29", True),
    (BERLIN, "00:00-02:30", "2026-10-25 00:30", False),
    (BERLIN, "00:00-02:30", "2026-10-25 01:10", False),
    # Sydney falls 2026-04-04 16:00Z (03:00 to 02:00), springs 2026-10-03 16:00Z (02:00 to 03:00)
    (SYDNEY, "02:30-09:00", "2026-04-04 15:45", False),
    (SYDNEY, "02:30-09:00", "2026-04-04 16:29", False),
    (SYDNEY, "02:30-09:00", "2026-04-04 16:30", True),
    (SYDNEY, "02:30-09:00", "2026-10-03 15:59", False),
    (SYDNEY, "02:30-09:00", "2026-10-03 16:00", True),
    # Havana falls 2026-11-01 05:00Z (01:00 to 00:00): midnight comes twice
    (HAVANA, "22:00-24:00", "2026-11-01 03:59", True),
    (HAVANA, "22:00-24:00", "2026-11-01 04:00", False),
    (HAVANA, "00:00-06:00", "2026-11-01 04:30", False),
    (HAVANA, "00:00-06:00", "2026-11-01 05:00", True),
    (HAVANA, "22:00-06:00", "2026-11-01 04:30", True),
    # Santiago springs 2026-09-06 04:00Z (00:00 to 01:00): midnight does not exist
    (SANTIAGO, "22:00-24:00", "2026-09-06 03:59", True),
    (SANTIAGO, "22:00-24:00", "2026-09-06 04:00", False),
    (SANTIAGO, "00:00-06:00", "2026-09-06 04:00", True),
    # Lord Howe changes by half an hour: springs 2026-10-03 15:30Z (02:00 to 02:30)
    (LORD_HOWE, "02:15-09:00", "2026-10-03 15:29", False),
    (LORD_HOWE, "02:15-09:00", "2026-10-03 15:30", True),
]


@pytest.mark.parametrize(("zone", "span", "instant", "is_open"), DST)
def test_clock_changes_never_open_too_early_or_close_too_late(zone: str, span: str, instant: str, is_open: bool) -> None:
    assert hours(span).is_open(utc(instant), (zone,)) is is_open


def test_the_guard_is_elapsed_time_across_a_gap() -> None:
    guarded = hours("00:30-03:10", guard=20)

    assert guarded.end_of_window(utc("2026-03-08 06:00"), (NY,)) == utc("2026-03-08 06:50")


def test_the_opening_keeps_its_wall_time_across_a_clock_change() -> None:
    day = hours("08:00-20:00")

    assert day.next_opening(at("2026-03-07 21:00", NY), (NY,)) == utc("2026-03-08 12:00")
    assert day.next_opening(at("2026-03-06 21:00", NY), (NY,)) == utc("2026-03-07 13:00")


def test_the_day_of_a_clock_change_is_an_hour_shorter_or_longer() -> None:
    always = hours("00:00-24:00")

    assert always.open_minutes_per_day((NY,), date(2026, 3, 8)) == 23 * 60
    assert always.open_minutes_per_day((NY,), date(2026, 11, 1)) == 25 * 60


BASTILLE = date(2026, 7, 14)  # a Tuesday


def test_a_blocked_holiday_is_closed_all_day() -> None:
    france = Hours.of((RuleBook.default()["fr-sms"],), holidays=frozenset({BASTILLE}))
    paris = ("Europe/Paris",)

    assert not france.is_open(at("2026-07-14 12:00", "Europe/Paris"), paris)
    assert france.is_open(at("2026-07-13 19:54", "Europe/Paris"), paris)
    assert france.next_opening(at("2026-07-13 20:00", "Europe/Paris"), paris) == at("2026-07-15 08:30", "Europe/Paris")


def test_an_allowed_holiday_is_an_ordinary_day() -> None:
    britain = Hours.of((RuleBook.default()["gb-sms"],), holidays=frozenset({date(2026, 12, 25)}))

    assert britain.is_open(at("2026-12-25 12:00", "Europe/London"), ("Europe/London",))


def test_the_eve_of_a_holiday_has_its_own_hours() -> None:
    italy = Hours.of((RuleBook.default()["it-voice"],), holidays=frozenset({date(2026, 6, 2)}), guard=NO_GUARD)  # a Tuesday
    rome = ("Europe/Rome",)

    assert [italy.is_open(at(f"2026-06-01 {wall}", "Europe/Rome"), rome) for wall in ("09:30", "10:00", "18:59", "19:00")] == [
        False,
        True,
        True,
        False,
    ]
    assert not italy.is_open(at("2026-06-02 12:00", "Europe/Rome"), rome)


def test_the_eve_of_a_holiday_on_a_closed_weekday_stays_closed() -> None:
    italy = Hours.of((RuleBook.default()["it-voice"],), holidays=frozenset({date(2026, 6, 1)}))  # a Monday, its eve a Sunday

    assert not italy.is_open(at("2026-05-31 12:00", "Europe/Rome"), ("Europe/Rome",))


def test_an_eve_that_is_a_holiday_itself_stays_closed() -> None:
    italy = Hours.of((RuleBook.default()["it-voice"],), holidays=frozenset({date(2026, 12, 25), date(2026, 12, 26)}))

    assert not italy.is_open(at("2026-12-25 12:00", "Europe/Rome"), ("Europe/Rome",))


def test_midnight_before_a_holiday_is_an_end_with_a_guard() -> None:
    row = Regulation.model_validate(
        {
            "id": "own",
            "country": "CN",
            "channels": ["sms"],
            "purposes": ["marketing"],
            "windows": [{"days": ALL, "start": "00:00", "end": "24:00"}],
            "holidays": "block",
        }
    )
    china = Hours.of((row,), holidays=frozenset({date(2026, 10, 1)}))

    assert china.end_of_window(at("2026-09-30 12:00", SHANGHAI), (SHANGHAI,)) == at("2026-09-30 23:55", SHANGHAI)
    assert china.next_opening(at("2026-09-30 23:57", SHANGHAI), (SHANGHAI,)) == at("2026-10-02 00:00", SHANGHAI)


def test_an_optional_block_closes_only_when_switched_on() -> None:
    row = (RuleBook.default()["cn-voice"],)
    noon = at("2026-06-10 12:30", SHANGHAI)

    assert Hours.of(row).is_open(noon, (SHANGHAI,))
    lunch = Hours.of(row, blocks=frozenset({"lunch"}))
    assert not lunch.is_open(noon, (SHANGHAI,))
    assert lunch.end_of_window(at("2026-06-10 11:00", SHANGHAI), (SHANGHAI,)) == at("2026-06-10 11:55", SHANGHAI)
    holiday = frozenset({date(2026, 6, 10)})
    assert Hours.of(row, holidays=holiday).is_open(noon, (SHANGHAI,))
    assert not Hours.of(row, holidays=holiday, blocks=frozenset({"holidays"})).is_open(noon, (SHANGHAI,))


def test_half_past_ten_at_night_is_closed_in_the_recipients_zone_whatever_the_servers() -> None:
    day = Hours.of((RuleBook.default()["cn-sms"],))

    assert not day.is_open(at("2026-06-10 22:30", SHANGHAI), (SHANGHAI,))
    assert day.is_open(at("2026-06-10 22:30", SHANGHAI), (NY,))


def test_equal_arguments_give_the_same_hours() -> None:
    rows = RuleBook.default().select(country="US", region="US-TX", channel="sms", purpose="marketing")

    assert Hours.of(rows, tenant=[((1, 2), "08:00", "12:00")]) is Hours.of(rows, tenant=[((1, 2), "08:00", "12:00")])


@pytest.mark.parametrize("guard", [timedelta(seconds=90), timedelta(minutes=-1), timedelta(days=1)])
def test_a_guard_of_odd_length_is_refused(guard: timedelta) -> None:
    with pytest.raises(ValueError, match="guard"):
        Hours.of(tenant=[(ALL, "08:00", "12:00")], guard=guard)


def test_layers_can_be_made_by_hand() -> None:
    layer = Layer.of_windows("shop", [Window((1,), 600, 660)])

    assert Hours((layer,)).next_opening(utc("2026-06-10 00:00"), ("UTC",)) == utc("2026-06-15 10:00")


# --- the same, by brute force -------------------------------------------------------------------------------------------
DAYS = 9


def brute(windows: Sequence[tuple[int, int, int]], zone: str, first: date, guard: int, blocked: set[date]) -> list[bool]:
    """Open or not for each UTC minute from `first`, by looking at the wall clock of every minute.

    A stretch of wall time opens with the last minute whose wall clock shows its start (without one, the first that is past
    it), and closes with the first minute whose wall clock is at or past its end.
    """
    where = ZoneInfo(zone)
    start = datetime.combine(first, time(), UTC) - timedelta(days=3)
    count = (DAYS + 6) * 1440
    origin = datetime.combine(first, time()) - timedelta(days=4)
    walls = [
        ((start + timedelta(minutes=n)).astimezone(where).replace(tzinfo=None) - origin) // timedelta(minutes=1)
        for n in range(count)
    ]
    line = [False] * ((DAYS + 9) * 1440)
    for index in range(DAYS + 9):
        day = origin.date() + timedelta(days=index)
        for weekday, begin, end in windows:
            if day.isoweekday() == weekday and day not in blocked:
                line[index * 1440 + begin : index * 1440 + end] = [True] * (end - begin)
    result = [False] * count
    edges = [n for n in range(1, len(line)) if line[n] != line[n - 1]] + [len(line)]
    opened: int | None = 0 if line[0] else None
    for edge in edges:
        if opened is None:
            opened = edge
            continue
        at_start = [n for n in range(count) if walls[n] == opened]
        opens = at_start[-1] if at_start else min((n for n in range(count) if walls[n] > opened), default=count)
        closes = min((n for n in range(count) if walls[n] >= edge), default=count + guard)
        for n in range(opens, min(count, closes - guard)):
            result[n] = True
        opened = None
    return result[3 * 1440 : (3 + DAYS) * 1440]


CHANGES = [
    (NY, date(2026, 3, 5)),
    (NY, date(2026, 10, 29)),
    (BERLIN, date(2026, 3, 26)),
    (BERLIN, date(2026, 10, 21)),
    (SYDNEY, date(2026, 4, 1)),
    (SYDNEY, date(2026, 10, 1)),
    (HAVANA, date(2026, 10, 28)),
    (SANTIAGO, date(2026, 9, 3)),
    (LORD_HOWE, date(2026, 4, 1)),
    ("Pacific/Apia", date(2011, 12, 27)),  # a whole day is missing
    (SHANGHAI, date(2026, 2, 12)),
]
_clock = st.sampled_from([0, 1, 60, 90, 120, 130, 150, 170, 180, 540, 1200, 1320, 1437, 1440])
_window = st.tuples(st.integers(1, 7), _clock, _clock).filter(lambda w: w[1] < w[2])


@settings(max_examples=15, deadline=None)
@given(
    windows=st.lists(_window, min_size=1, max_size=12),
    change=st.sampled_from(CHANGES),
    guard=st.sampled_from([0, 5, 30]),
    holiday=st.one_of(st.none(), st.integers(0, DAYS)),
)
def test_every_minute_agrees_with_the_wall_clock(
    windows: list[tuple[int, int, int]], change: tuple[str, date], guard: int, holiday: int | None
) -> None:
    zone, first = change
    blocked = set() if holiday is None else {first + timedelta(days=holiday)}
    row = Layer.of_windows("row", [Window((day,), begin, end) for day, begin, end in windows])
    try:
        judged = Hours((Layer("row", row.by_day, True),), guard, frozenset(blocked))
    except EmptyHours:
        return
    expected = brute(windows, zone, first, guard, blocked)
    midnight = datetime.combine(first, time(), UTC)

    found = [judged.is_open(midnight + timedelta(minutes=n), (zone,)) for n in range(len(expected))]

    assert found == expected
    openings = [n for n in range(1, len(expected)) if expected[n] and not expected[n - 1]]
    for n in range(0, len(expected), 97):
        later = [o for o in openings if o > n]
        if later:
            assert judged.next_opening(midnight + timedelta(minutes=n), (zone,)) == midnight + timedelta(minutes=later[0])
        if expected[n] and False in expected[n:]:
            end = n + expected[n:].index(False)
            assert judged.end_of_window(midnight + timedelta(minutes=n), (zone,)) == midnight + timedelta(minutes=end)
