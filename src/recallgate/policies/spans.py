"""Windows of time in which caps count: rolling, or by the calendar of the recipient."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from recallgate.model.errors import ConfigError
from recallgate.model.zones import zone as find_zone


@dataclass(frozen=True)
class Calendar:
    """A day, week or month as the calendar counts it, in the recipient's zone or in a named one such as the tenant's.

    `week_start` is the ISO weekday on which a week begins.
    """

    unit: Literal["day", "week", "month"]
    zone: str = "recipient"
    week_start: int = 1

    def __post_init__(self) -> None:
        if self.unit not in ("day", "week", "month"):
            raise ConfigError(f"calendar: {self.unit!r} is no unit; write day, week or month")
        if self.week_start not in range(1, 8):
            raise ConfigError("calendar: week_start is an ISO weekday, 1 (Monday) to 7 (Sunday)")
        if self.zone != "recipient":
            find_zone(self.zone)

    @property
    def longest(self) -> timedelta:
        """More than any such unit lasts: clocks that go back make a day longer."""
        return {"day": timedelta(days=2), "week": timedelta(days=8), "month": timedelta(days=32)}[self.unit]

    def around(self, instant: datetime, zone: str) -> tuple[datetime, datetime]:
        """Start and end, in UTC, of the unit that the instant lies in; a day that begins in a gap begins after it."""
        where = find_zone(zone if self.zone == "recipient" else self.zone)
        today = instant.astimezone(where).date()
        if self.unit == "day":
            first, last = today, today + timedelta(days=1)
        elif self.unit == "week":
            first = today - timedelta(days=(today.isoweekday() - self.week_start) % 7)
            last = first + timedelta(days=7)
        else:
            first = today.replace(day=1)
            last = (first + timedelta(days=32)).replace(day=1)

        def midnight(day: date) -> datetime:
            return datetime(day.year, day.month, day.day, tzinfo=where).astimezone(UTC)

        return midnight(first), midnight(last)


def span_text(span: timedelta) -> str:
    """`1d`, `6h`, `30m` or `45s`: the largest unit that fits without a rest."""
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
