"""Every row of the data file, through `decide`: inside its hours, outside them, and at their four edges.

The rows are read as plain JSON and their hours worked out here, so that the reading of the file is tested, too.
"""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from recallgate.policies.lines import decide_line

ROWS: list[dict[str, Any]] = json.loads(
    files("recallgate.rules").joinpath("data", "regulations.json").read_text(encoding="utf-8")
)["rows"]
MONDAY = date(2026, 6, 8)  # no clock changes in this week or the next
ZONES = {
    "US": "America/New_York", "CA": "America/Toronto", "GB": "Europe/London", "IE": "Europe/Dublin", "NL": "Europe/Amsterdam",
    "DE": "Europe/Berlin", "NZ": "Pacific/Auckland", "FR": "Europe/Paris", "ES": "Europe/Madrid", "IT": "Europe/Rome",
    "AU": "Australia/Sydney", "IN": "Asia/Kolkata", "AE": "Asia/Dubai", "TW": "Asia/Taipei", "HK": "Asia/Hong_Kong",
    "SG": "Asia/Singapore", "CN": "Asia/Shanghai", "MX": "America/Mexico_City", "default": "America/Sao_Paulo",
}  # fmt: skip
GUARD = timedelta(minutes=5)
SECOND = timedelta(seconds=1)


def minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def rows_with(row: dict[str, Any], channel: str) -> list[dict[str, Any]]:
    """The rows that hold together with this one for somebody in its place."""
    return [
        one
        for one in ROWS
        if one["country"] == row["country"] and channel in one["channels"] and one["region"] in (None, row["region"])
    ]


def open_minutes(row: dict[str, Any], channel: str, weekday: int) -> list[int]:
    """The minutes of a weekday on which all those rows are open."""
    every = [
        {minute for w in one["windows"] if weekday in w["days"] for minute in range(minutes(w["start"]), minutes(w["end"]))}
        for one in rows_with(row, channel)
    ]
    return sorted(set.intersection(*every))


def stretches(found: list[int]) -> Iterator[tuple[int, int]]:
    """First minute, and the minute after the last, of each run."""
    start = None
    for at, minute in enumerate(found):
        if start is None:
            start = minute
        if at + 1 == len(found) or found[at + 1] != minute + 1:
            yield start, minute + 1
            start = None


EACH = [(row, channel) for row in ROWS for channel in row["channels"]]
BY_ID = [f"{row['id']}-{channel}" for row, channel in EACH]


def decided(row: dict[str, Any], channel: str, day: date, minute: int, *, shift: timedelta = timedelta(0), **facts: Any) -> Any:
    country = "BR" if row["country"] == "default" else row["country"]
    zone = ZoneInfo(ZONES[row["country"]])
    local = datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minute)  # wall time
    line = {
        "now": (local.astimezone(UTC) + shift).isoformat(),
        "channel": channel,
        "purpose": "marketing",
        "country": country,
        "region": row["region"],
        "zone": zone.key,
        **facts,
    }
    return decide_line(line)


def day_of(weekday: int) -> date:
    return MONDAY + timedelta(days=weekday - 1)


@pytest.mark.parametrize(("row", "channel"), EACH, ids=BY_ID)
def test_inside_its_hours_a_message_may_leave(row: dict[str, Any], channel: str) -> None:
    for weekday in range(1, 8):
        for start, end in stretches(open_minutes(row, channel, weekday)):
            assert decided(row, channel, day_of(weekday), (start + end) // 2)["verdict"] == "allow"


@pytest.mark.parametrize(("row", "channel"), EACH, ids=BY_ID)
def test_outside_its_hours_a_message_waits_for_the_next_opening(row: dict[str, Any], channel: str) -> None:
    ids = {one["id"] for one in rows_with(row, channel)}
    for weekday in range(1, 8):
        answer = decided(row, channel, day_of(weekday), 3 * 60)  # 03:00

        assert (answer["verdict"], answer["code"], answer["policy"]) == ("defer", "quiet_hours.outside_window", "quiet_hours")
        assert answer["rule_id"] in ids
        opens = min(
            day * 24 * 60 + minute for day in range(8) for minute in open_minutes(row, channel, (weekday - 1 + day) % 7 + 1)[:1]
        )
        until = datetime.fromisoformat(answer["until"]).astimezone(ZoneInfo(ZONES[row["country"]]))
        midnight = day_of(weekday) + timedelta(days=opens // (24 * 60))
        assert (until.date(), until.hour * 60 + until.minute) == (midnight, opens % (24 * 60))


@pytest.mark.parametrize(("row", "channel"), EACH, ids=BY_ID)
def test_its_start_is_allowed_and_its_end_less_the_guard_is_not(row: dict[str, Any], channel: str) -> None:
    edges = 0
    for weekday in range(1, 8):
        day = day_of(weekday)
        for start, end in stretches(open_minutes(row, channel, weekday)):
            verdicts = [
                decided(row, channel, day, minute, shift=shift, **facts)["verdict"]
                for minute, shift, facts in (
                    (start, -SECOND, {}),
                    (start, timedelta(0), {}),
                    (end, -GUARD - SECOND, {}),
                    (end, -GUARD, {}),
                    (end, -SECOND, {"guard_minutes": 0}),
                    (end, timedelta(0), {"guard_minutes": 0}),
                )
            ]
            assert verdicts == ["defer", "allow", "allow", "defer", "allow", "defer"], (weekday, start, end)
            edges += 1

    assert edges >= 5  # every row is open on five weekdays at least


@pytest.mark.parametrize(("row", "channel"), EACH, ids=BY_ID)
def test_a_holiday_closes_where_a_row_says_so_and_only_there(row: dict[str, Any], channel: str) -> None:
    wednesday = day_of(3)
    start, end = next(stretches(open_minutes(row, channel, 3)))
    answer = decided(row, channel, wednesday, (start + end) // 2, holidays=[wednesday.isoformat()])

    blocked = any(one["holidays"] == "block" for one in rows_with(row, channel))
    expected = ("defer", "quiet_hours.holiday") if blocked else ("allow", None)
    assert (answer["verdict"], answer["code"]) == expected


@pytest.mark.parametrize(("row", "channel"), EACH, ids=BY_ID)
@pytest.mark.parametrize("purpose", ["otp", "transactional", "service"])
def test_other_purposes_leave_at_any_hour(row: dict[str, Any], channel: str, purpose: str) -> None:
    assert decided(row, channel, MONDAY, 3 * 60, purpose=purpose)["verdict"] == "allow"


LIMITED = [(row, channel, limit) for row, channel in EACH for limit in row["limits"]]


@pytest.mark.parametrize(("row", "channel", "limit"), LIMITED, ids=[f"{row['id']}-{channel}" for row, channel, _ in LIMITED])
def test_a_rows_limit_is_reached_exactly_and_frees_itself(row: dict[str, Any], channel: str, limit: dict[str, Any]) -> None:
    start, end = next(stretches(open_minutes(row, channel, 3)))
    minute, day = (start + end) // 2, day_of(3)
    now = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONES[row["country"]])) + timedelta(minutes=minute)
    edge = now - timedelta(days=limit["window_days"])

    def verdict(*at: datetime) -> tuple[str, str | None, str | None]:
        history = [{"at": one.astimezone(UTC).isoformat(), "channel": channel, "connected": True} for one in at]
        answer = decided(row, channel, day, minute, history=history)
        return answer["verdict"], answer["policy"], answer["rule_id"]

    old = [now - timedelta(days=9 + step) for step in range(limit["count"] - 1)]  # beyond the default caps
    assert verdict(*old)[0] == "allow"
    assert verdict(edge + SECOND, *old) == ("drop", "regulation_limits", row["id"])
    assert verdict(edge, *old)[0] == "allow"


COOLING = [(row, channel) for row, channel in EACH if row.get("refusal_cooldown_days")]


@pytest.mark.parametrize(("row", "channel"), COOLING, ids=[f"{row['id']}-{channel}" for row, channel in COOLING])
def test_a_rows_cool_down_ends_to_the_second(row: dict[str, Any], channel: str) -> None:
    start, end = next(stretches(open_minutes(row, channel, 3)))
    minute, day = (start + end) // 2, day_of(3)
    now = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONES[row["country"]])) + timedelta(minutes=minute)
    over = now - timedelta(days=row["refusal_cooldown_days"])

    def answer(refused: datetime) -> Any:
        return decided(row, channel, day, minute, refused_at=refused.astimezone(UTC).isoformat())

    assert answer(over)["verdict"] == "allow"
    assert (answer(over + SECOND)["policy"], answer(over + SECOND)["rule_id"]) == ("refusal_cooldown", row["id"])


CHECKED = [(row, channel) for row, channel in EACH if row.get("registry_max_age_days")]


@pytest.mark.parametrize(("row", "channel"), CHECKED, ids=[f"{row['id']}-{channel}" for row, channel in CHECKED])
def test_a_rows_registry_check_grows_too_old(row: dict[str, Any], channel: str) -> None:
    start, end = next(stretches(open_minutes(row, channel, 3)))
    minute, day = (start + end) // 2, day_of(3)
    now = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(ZONES[row["country"]])) + timedelta(minutes=minute)
    oldest = now - timedelta(days=row["registry_max_age_days"])

    def verdict(checked: datetime) -> str | None:
        code: str | None = decided(row, channel, day, minute, registry_checked_at=checked.astimezone(UTC).isoformat())["code"]
        return code

    assert (verdict(oldest), verdict(oldest - SECOND)) == (None, "consent.missing")


def test_every_row_is_tried() -> None:
    assert {row["id"] for row, _ in EACH} == {row["id"] for row in ROWS}
    assert {row["country"] for row in ROWS} == set(ZONES)
    assert LIMITED
    assert COOLING
    assert CHECKED
