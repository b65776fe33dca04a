"""When a wait is over: spans, local times of day, and the two hours a year that clocks skip or repeat."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from recallgate.model.errors import ConfigError

if TYPE_CHECKING:
    from recallgate.recall.steps import Wait

JUST_PASSED = timedelta(minutes=30)


@lru_cache(maxsize=256)
def parse_local(text: str) -> time:
    """A time of day such as 10:00; raises ConfigError for anything else."""
    try:
        hour, minute = text.split(":")
        return time(int(hour), int(minute))
    except ValueError:
        raise ConfigError(f"until: {text!r} is no time of day; write 10:00") from None


def wait_ends(wait: "Wait", *, now: datetime, zone: ZoneInfo) -> datetime:
    """The UTC instant at which a wait that begins at `now` is over; `now` itself when it is over at once.

    A time of day that passed at most 30 minutes ago counts as reached, else the next allowed day is taken.
    """
    if wait.until is None:
        return now.astimezone(UTC) + timedelta(days=wait.days, hours=wait.hours, minutes=wait.minutes)
    at, start = parse_local(wait.until), now.astimezone(zone).date() + timedelta(days=wait.days)
    for day in _allowed(start, wait.weekdays):
        instant = local_instant(day, at, zone)
        if instant >= now:
            return instant
        if wait.days == 0 and now - instant <= JUST_PASSED:
            return now.astimezone(UTC)
    raise AssertionError("a week holds an allowed day")


@lru_cache(maxsize=4096)  # many people of one zone wait for the same local time
def local_instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """The UTC instant of a local time: the first one of two, and for a skipped one the first instant after the gap."""
    local = datetime.combine(day, at, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    # Inside a gap the earlier offset points past the change and the later one before it; the change lies between.
    low, high = local.replace(fold=1).astimezone(UTC), instant
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def _allowed(start: date, weekdays: Sequence[int]) -> Iterator[date]:
    for offset in range(9):
        day = start + timedelta(days=offset)
        if not weekdays or day.isoweekday() in weekdays:
            yield day
