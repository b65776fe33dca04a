"""When to write to somebody: their own peak of the day, what people like them keep free, a slot that an experiment learned, or a
fallback; always inside the hours that are allowed.

Learned from what people did themselves (visits, orders), never from machine opens, connects or plain opens.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from recallgate.model.errors import ConfigError
from recallgate.recall.timing import parse_local
from recallgate.rules.hours import EmptyHours, Hours
from recallgate.rules.regulations import RuleBook

Windows = tuple[tuple[tuple[int, ...], str, str], ...]
Source = Literal["peak and persona", "peak", "persona", "slot", "fallback"]
Allowed = Callable[[datetime], bool]

_WORKDAYS = (1, 2, 3, 4, 5)
# Office workers look at their phone before lunch and after work.
WHITE_COLLAR: Windows = ((_WORKDAYS, "11:00", "12:00"), (_WORKDAYS, "17:30", "19:30"))
_STEP = 15  # minutes
_LATE = timedelta(hours=1)
_DAYS = 8


@dataclass(frozen=True)
class BestTime:
    """How a send time is chosen for a step.

    `persona` are windows ((ISO weekdays), "HH:MM", "HH:MM") for everybody, `personas` for those whose field `by` has the value.
    `slot` is what an experiment learned, `fallback` the time where nothing is known. A person's own peak counts from `at_least`
    events, with weights that halve every `half_life`.
    """

    fallback: str = "10:00"
    slot: str | None = None
    persona: Windows = ()
    by: str | None = None
    personas: Mapping[str, Windows] | None = None
    half_life: timedelta = timedelta(days=30)
    at_least: int = 5

    def __post_init__(self) -> None:
        for text in (self.fallback, *([self.slot] if self.slot else [])):
            parse_local(text)
        for windows in (self.persona, *(self.personas or {}).values()):
            if any(_minute(start) >= _minute(end) for _, start, end in windows):
                raise ConfigError("persona: a window ends after it starts; write one over midnight as two")
        if (self.by is None) != (self.personas is None):
            raise ConfigError("personas: name the field in `by`, and the windows of its values in `personas`")
        if self.at_least < 1 or self.half_life <= timedelta(0):
            raise ConfigError("best time: at_least is 1 or more, half_life above zero")

    def persona_of(self, known: Mapping[str, object]) -> Windows:
        """The windows of a person by what is known of them."""
        if self.by is None or self.personas is None:
            return self.persona
        return self.personas.get(str(known.get(self.by)), self.persona)


@dataclass(frozen=True)
class Chosen:
    """An instant to send at, and what it was chosen by."""

    at: datetime
    by: Source


def own_peak(active: Iterable[datetime], *, now: datetime, zone: ZoneInfo, best: BestTime) -> int | None:
    """The local hour (0 to 23) with the most recent activity in it; None with too little of it. Of equal hours the earlier."""
    weights: dict[int, float] = {}
    number = 0
    for at in active:
        if at > now:
            continue
        number += 1
        hour = at.astimezone(zone).hour
        weights[hour] = weights.get(hour, 0.0) + 0.5 ** ((now - at) / best.half_life)
    if number < best.at_least:
        return None
    return min(weights, key=lambda hour: (-weights[hour], hour))


def choose(
    best: BestTime,
    *,
    now: datetime,
    zone: ZoneInfo,
    active: Sequence[datetime] = (),
    persona: Windows | None = None,
    allowed: Allowed = lambda _: True,
) -> Chosen | None:
    """The instant for a person; None when nothing is allowed within eight days.

    Own peak, persona and allowed hours are intersected; where nothing is left the persona is dropped, then the peak. A slot or
    fallback outside the allowed hours moves to their nearest edge, to the earlier one only if it is still ahead. What passed at
    most an hour ago is sent now, what passed longer ago waits for the next day.
    """
    peak = own_peak(active, now=now, zone=zone, best=best)
    windows = best.persona if persona is None else persona
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    for day in range(_DAYS):
        start = today + timedelta(days=day)
        open_at = [minute for minute in range(0, 1440, _STEP) if allowed(_instant(start, minute))]
        if not open_at:
            continue
        found = _of_day(best, start, open_at, peak=peak, windows=windows, now=now)
        if found is None:
            continue
        minute, by = found
        at = _instant(start, minute)
        if at >= now:
            return Chosen(at, by)
        if now - at <= _LATE and allowed(now):
            return Chosen(now.astimezone(UTC), by)
    return None


def hours_for(
    book: RuleBook,
    profile: Mapping[str, object],
    *,
    channel: str,
    zone: ZoneInfo,
    windows: tuple[Windows, Windows],
    guard: timedelta,
) -> Allowed:
    """The hours of law, tenant and play at a person's place; where they have nothing in common all: the policies decide then."""
    country, region = profile.get("country"), profile.get("region")
    rows = book.select(
        country=str(country) if country else None, region=str(region) if region else None, channel=channel, purpose="marketing"
    )
    try:
        hours = Hours.of(rows, tenant=windows[0], play=windows[1], guard=guard)
    except EmptyHours:
        return lambda _: True
    return lambda at: hours.is_open(at, (zone.key,))


def _of_day(
    best: BestTime, start: datetime, open_at: Sequence[int], *, peak: int | None, windows: Windows, now: datetime
) -> tuple[int, Source] | None:
    """The minute of a local day, and what it was chosen by."""
    wanted = {m for days, one, end in windows if start.isoweekday() in days for m in range(_minute(one), _minute(end))}
    in_peak = [m for m in open_at if peak is not None and m // 60 == peak]
    both = [m for m in in_peak if m in wanted]
    if both:
        return both[0], "peak and persona"
    if in_peak:
        return in_peak[0], "peak"
    if peak is None and windows:
        suits = [m for m in open_at if m in wanted]
        # of several windows of a day the next one that is still ahead
        ahead = [m for m in suits if _instant(start, m) >= now - _LATE]
        return (ahead[0], "persona") if ahead else None if not wanted or suits else _clamped(best, start, open_at, now)
    return _clamped(best, start, open_at, now)


def _clamped(best: BestTime, start: datetime, open_at: Sequence[int], now: datetime) -> tuple[int, Source]:
    by: Source = "slot" if best.slot is not None else "fallback"
    at = _minute(best.slot or best.fallback)
    grid = at - at % _STEP
    if grid in open_at:
        return at, by
    earlier = [m for m in open_at if m < at]
    later = [m for m in open_at if m > at]
    if earlier and _instant(start, earlier[-1]) < now:
        earlier = []
    if not earlier or (later and later[0] - at < at - earlier[-1]):
        return (later[0] if later else open_at[-1]), by
    return earlier[-1], by


def _minute(text: str) -> int:
    if text == "24:00":
        return 1440
    at = parse_local(text)
    return at.hour * 60 + at.minute


def _instant(start: datetime, minute: int) -> datetime:
    """The UTC instant of a minute of a local day; what a change of clocks skips moves on with it."""
    return start.replace(hour=minute // 60, minute=minute % 60).astimezone(UTC)
