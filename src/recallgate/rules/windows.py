"""Allowed windows of local wall time: `[start, end)` in minutes of the day, per ISO weekday."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

DAY = 24 * 60
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00", re.ASCII)


@dataclass(frozen=True)
class Window:
    """Open from `start` (included) to `end` (not included), minutes after midnight, on ISO weekdays `days` (1 = Monday).

    Never crosses midnight: `read_windows` cuts an overnight range in two.
    """

    days: tuple[int, ...]
    start: int
    end: int

    def __post_init__(self) -> None:
        if not self.days or any(day not in EVERY_DAY for day in self.days) or len(set(self.days)) != len(self.days):
            raise ValueError(f"days: {list(self.days)} are not distinct ISO weekdays 1 (Monday) to 7 (Sunday)")
        if not 0 <= self.start < self.end <= DAY:
            raise ValueError(f"window: {clock_text(self.start)}-{clock_text(self.end)} is empty or crosses midnight")


WindowLike = Window | Mapping[str, object] | tuple[Iterable[int], str, str]


def read_windows(raw: Iterable[WindowLike]) -> tuple[Window, ...]:
    """Windows from `{"days", "start", "end"}`, `(days, start, end)` or `Window`, overnight ranges cut at midnight.

    22:00-06:00 on Monday is Monday from 22:00 and Tuesday until 06:00. Raises ValueError on what is no window.
    """
    windows: list[Window] = []
    for one in raw:
        if isinstance(one, Window):
            windows.append(one)
            continue
        days, start, end = _parts(one)
        if start < end:
            windows.append(Window(days, start, end))
            continue
        if start in (end, DAY):
            raise ValueError(f"window: {clock_text(start)}-{clock_text(end)} is empty; write 00:00-24:00 for a whole day")
        windows.append(Window(days, start, DAY))
        if end > 0:
            windows.append(Window(tuple(sorted(day % 7 + 1 for day in days)), 0, end))
    return tuple(windows)


def _parts(one: Mapping[str, object] | tuple[Iterable[int], str, str]) -> tuple[tuple[int, ...], int, int]:
    if isinstance(one, Mapping):
        if unknown := one.keys() - {"days", "start", "end"}:
            raise ValueError(f"window: {', '.join(sorted(unknown))} not understood; a window has days, start and end")
        days, start, end = one.get("days", EVERY_DAY), one.get("start"), one.get("end")
    else:
        days, start, end = one
    if not isinstance(days, Iterable):
        raise ValueError("days: write a list of ISO weekdays, for example [1, 2, 3]")
    return tuple(sorted(days)), minutes(start), minutes(end)


def minutes(clock: object) -> int:
    """Minutes after midnight of a clock time "HH:MM"; "24:00" is the end of the day."""
    if not isinstance(clock, str) or not _CLOCK.fullmatch(clock):
        raise ValueError(f"time of day: {clock!r} is not HH:MM; write for example 08:30")
    return int(clock[:2]) * 60 + int(clock[3:])


def clock_text(minute: int) -> str:
    """The inverse of `minutes`."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


Spans = tuple[tuple[int, int], ...]


def merge(spans: Iterable[tuple[int, int]]) -> Spans:
    """Sorted spans without overlaps; those that touch become one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)


def intersect(left: Spans, right: Spans) -> Spans:
    """What lies in both; each side sorted and without overlaps."""
    common: list[tuple[int, int]] = []
    i = j = 0
    while i < len(left) and j < len(right):
        start, end = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if start < end:
            common.append((start, end))
        if left[i][1] <= right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(common)


def subtract(spans: Spans, hole: tuple[int, int]) -> Spans:
    """The spans without what lies in the hole."""
    return intersect(spans, merge([(0, hole[0]), (hole[1], DAY)])) if hole[0] < hole[1] else spans
