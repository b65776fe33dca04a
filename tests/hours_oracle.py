"""An oracle of the allowed hours that shares no code with the package.

It reads the data file as plain JSON, looks at clocks on the wall through zoneinfo alone, and knows windows as sets of minutes.
"""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
ROWS: list[dict[str, Any]] = json.loads((ROOT / "src/recallgate/rules/data/regulations.json").read_text(encoding="utf-8"))["rows"]
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
Windows = tuple[tuple[tuple[int, ...], str, str], ...]


@dataclass(frozen=True)
class Rule:
    """One rule as 7 bit sets of 1440 minutes, Monday first; `closes_holidays`, and on their eves other minutes."""

    days: tuple[int, ...]
    closes_holidays: bool = False
    eve: int | None = None


def clock(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def bits(start: int, end: int) -> int:
    return ((1 << (end - start)) - 1) << start


@lru_cache(maxsize=4096)
def own_rule(windows: Windows) -> Rule:
    """A tenant's or person's windows; 22:00-06:00 goes on into the next day."""
    days = [0] * 7
    for weekdays, start, end in windows:
        for weekday in weekdays:
            if clock(start) < clock(end):
                days[weekday - 1] |= bits(clock(start), clock(end))
            else:
                days[weekday - 1] |= bits(clock(start), 1440)
                days[weekday % 7] |= bits(0, clock(end))
    return Rule(tuple(days))


@lru_cache(maxsize=4096)
def rules_of_law(country: str | None, region: str | None, channel: str) -> tuple[Rule, ...]:
    fitting = [row for row in ROWS if channel in row["channels"] and "marketing" in row["purposes"]]
    named = [row for row in fitting if row["country"] == country and row["region"] in (None, region)]
    found = []
    for row in named or [row for row in fitting if row["country"] == "default"]:
        days = [0] * 7
        for window in row["windows"]:
            for weekday in window["days"]:
                days[weekday - 1] |= bits(clock(window["start"]), clock(window["end"]))
        eve = row.get("holiday_eve_windows")
        of_eve = None if eve is None else sum(bits(clock(one["start"]), clock(one["end"])) for one in eve)
        found.append(Rule(tuple(days), row["holidays"] == "block", of_eve))
    return tuple(found)


def minutes_open(rules: tuple[Rule, ...], day: date, holidays: frozenset[date]) -> int:
    found = bits(0, 1440)
    for rule in rules:
        usual = rule.days[day.weekday()]
        if rule.closes_holidays and day in holidays:
            usual = 0
        elif rule.closes_holidays and rule.eve is not None and usual and day + DAY in holidays:
            usual = rule.eve
        found &= usual
    return found


def wall(instant: datetime, zone: ZoneInfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def may_leave(
    instant: datetime, zones: tuple[str, ...], rules: tuple[Rule, ...], holidays: frozenset[date], guard: timedelta
) -> bool:
    """Whether a window is open in all zones.

    A window opens when the wall's clock will show neither its start nor a time before it again, and closes, `guard` early,
    when the clock has shown its end for the first time. So open means: every minute from the one before the earliest that
    the clock will jump back to, or from now, to the latest that it has shown by `instant + guard` is an allowed one. Clocks
    change on quarters of an hour.
    """
    if not rules:
        return True
    quarter = instant.replace(minute=instant.minute - instant.minute % 15, second=0, microsecond=0)
    for name in zones:
        zone = ZoneInfo(name)
        ahead = [quarter + 15 * MINUTE * step for step in range(1, 14)]
        earliest = min(wall(instant, zone), *(wall(one, zone) - MINUTE for one in ahead))
        late = instant + guard
        late_quarter = late.replace(minute=late.minute - late.minute % 15, second=0, microsecond=0)
        behind = [late_quarter - 15 * MINUTE * step - timedelta(microseconds=1) for step in range(13)]
        latest = max(wall(one, zone) for one in (late, *behind))
        at = earliest.replace(second=0, microsecond=0)
        while at <= latest:
            if not minutes_open(rules, at.date(), holidays) >> (at.hour * 60 + at.minute) & 1:
                return False
            at += MINUTE
    return True
