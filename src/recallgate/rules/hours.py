"""When a recipient may be written to: the intersection of all windows, in the wall time of every candidate zone."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from recallgate.model.zones import zone as find_zone
from recallgate.rules.localtime import EPOCH_DAY, instant_of, minute_of, to_utc
from recallgate.rules.regulations import Regulation
from recallgate.rules.windows import DAY, EVERY_DAY, Spans, Window, WindowLike, intersect, merge, read_windows, subtract

GUARD = timedelta(minutes=5)
HORIZON = timedelta(days=35)
_CHUNK_DAYS = 7
_CHUNK = _CHUNK_DAYS * DAY
_KEPT = 4096


class EmptyHours(ValueError):  # noqa: N818 - says what it is
    """The windows have nothing in common on any weekday."""


@dataclass(frozen=True)
class Layer:
    """One rule's hours: spans of minutes per weekday (Monday first), with its own view of holidays."""

    name: str
    by_day: tuple[Spans, ...]
    blocks_holidays: bool = False
    eve: Spans | None = None

    @classmethod
    def of_windows(cls, name: str, windows: Iterable[Window]) -> "Layer":
        spans: list[list[tuple[int, int]]] = [[] for _ in EVERY_DAY]
        for window in windows:
            for day in window.days:
                spans[day - 1].append((window.start, window.end))
        return cls(name, tuple(merge(one) for one in spans))

    @classmethod
    def of_rule(cls, rule: Regulation, *, blocks: frozenset[str] = frozenset()) -> "Layer":
        by_day = list(cls.of_windows(rule.id, rule.windows).by_day)
        blocking = rule.holidays == "block"
        for block in rule.optional_blocks:
            if block.name not in blocks:
                continue
            if block.start is None or block.end is None:
                blocking = True
            else:
                hole = (block.start, block.end)
                by_day = [subtract(spans, hole) for spans in by_day]
        eve = rule.holiday_eve_windows
        return cls(rule.id, tuple(by_day), blocking, None if eve is None else merge((w.start, w.end) for w in eve))

    def on(self, day: date, *, holidays: frozenset[date]) -> Spans:
        """The spans of one local date."""
        usual = self.by_day[day.weekday()]
        if not (self.blocks_holidays and holidays):
            return usual
        if day in holidays:
            return ()
        if self.eve is not None and usual and day + timedelta(days=1) in holidays:
            return self.eve
        return usual


_Stretches = tuple[list[int], list[int]]  # starts and ends in UTC minutes, sorted, apart from each other


@dataclass(frozen=True)
class Hours:
    """Layers that hold together; `guard_minutes` is taken off every end. Without layers always open.

    Several zones: open only when open in all of them. Local wall time: a start or end inside a DST gap means the first
    valid instant after it, an ambiguous end closes at its first occurrence, an ambiguous start opens at its second.
    """

    layers: tuple[Layer, ...] = ()
    guard_minutes: int = 5
    holidays: frozenset[date] = frozenset()
    _chunks: dict[tuple[tuple[str, ...], int], _Stretches] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )
    _usual: dict[tuple[tuple[str, ...], date], int] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )

    def __post_init__(self) -> None:
        if not 0 <= self.guard_minutes <= DAY // 2:
            raise ValueError(f"guard: {self.guard_minutes} minutes is not between 0 and {DAY // 2}")
        week = _join(self._weekday(day % 7) for day in range(14))
        if not any(end - start > self.guard_minutes for start, end in week):
            names = ", ".join(layer.name for layer in self.layers)
            raise EmptyHours(f"hours: {names} have no common time on any weekday; widen one of them")

    @classmethod
    def of(
        cls,
        rules: tuple[Regulation, ...] = (),
        *,
        tenant: Iterable[WindowLike] = (),
        play: Iterable[WindowLike] = (),
        recipient: Iterable[WindowLike] = (),
        holidays: frozenset[date] = frozenset(),
        guard: timedelta = GUARD,
        blocks: frozenset[str] = frozenset(),
    ) -> "Hours":
        """The hours of some rows, narrowed by tenant, play and recipient; equal arguments give the same object.

        `blocks` names optional blocks of the rows that the app switched on. Raises `EmptyHours`.
        """
        if guard % timedelta(minutes=1):
            raise ValueError("guard: write whole minutes")
        own = (("tenant", tuple(tenant)), ("play", tuple(play)), ("recipient", tuple(recipient)))
        given = tuple((name, _read(windows)) for name, windows in own if windows)
        return _build(rules, given, holidays, guard // timedelta(minutes=1), blocks)

    @property
    def unrestricted(self) -> bool:
        """True without any rule: every instant is allowed, and no zone is asked for."""
        return not self.layers

    def is_open(self, instant: datetime, zones: Sequence[str]) -> bool:
        """True when a message may leave at this aware instant, in all zones."""
        if not self.layers:
            return True
        minute = minute_of(instant)
        starts, ends = self._chunk(zones, minute // _CHUNK)
        at = bisect_right(starts, minute) - 1
        return at >= 0 and minute < ends[at]

    def next_opening(self, instant: datetime, zones: Sequence[str]) -> datetime | None:
        """The first instant strictly later at which a closed time ends, in UTC; None within 35 days."""
        if not self.layers:
            return None
        minute = minute_of(instant)
        last = minute + HORIZON // timedelta(minutes=1)
        for chunk in range(minute // _CHUNK, last // _CHUNK + 1):
            starts, _ = self._chunk(zones, chunk)
            for start in starts[bisect_right(starts, minute) :]:
                if start > last:
                    return None
                if start % _CHUNK or not self._open_at(start - 1, zones):  # else it only goes on from the chunk before
                    return instant_of(start)
        return None

    def end_of_window(self, instant: datetime, zones: Sequence[str]) -> datetime:
        """The end of the open stretch around the instant, at most 35 days away; ValueError when it is closed."""
        if not self.layers:
            return instant.astimezone(UTC) + HORIZON
        minute = minute_of(instant)
        last = minute + HORIZON // timedelta(minutes=1)
        at = minute
        while at < last:
            starts, ends = self._chunk(zones, at // _CHUNK)
            found = bisect_right(starts, at) - 1
            if found < 0 or at >= ends[found]:
                break
            at = ends[found]
        if at == minute:
            raise ValueError("hours: closed at this instant, so no window ends")
        return instant_of(min(at, last))

    def open_minutes_per_day(self, zones: Sequence[str], day: date) -> int:
        """Minutes in which all zones are open, within the date as the first zone counts it."""
        if not self.layers:
            return DAY
        first = find_zone(zones[0])
        begin = (day.toordinal() - EPOCH_DAY) * DAY
        start, end = to_utc(begin, first, ending=False), to_utc(begin + DAY, first, ending=True)
        total = 0
        for chunk in range(start // _CHUNK, end // _CHUNK + 1):
            for one, other in zip(*self._chunk(zones, chunk), strict=True):
                total += max(0, min(other, end) - max(one, start))
        return total

    def each_alone(self) -> tuple["Hours", ...]:
        """Each layer as hours of its own, with the same guard and holidays; made once and kept."""
        return tuple(_alone(layer, self.guard_minutes, self.holidays) for layer in self.layers)

    def closed_by(self, instant: datetime, zones: Sequence[str]) -> tuple[str, ...]:
        """The names of the layers that are closed at this instant: row ids, or tenant, play, recipient."""
        return tuple(one.layers[0].name for one in self.each_alone() if not one.is_open(instant, zones))

    def usual_minutes_per_day(self, zones: tuple[str, ...], monday: date) -> int:
        """Minutes in which all zones are open on the best day of that week, guard and holidays apart."""
        key = (zones, monday)
        found = self._usual.get(key)
        if found is None:
            if len(self._usual) >= _KEPT:
                self._usual.clear()
            plain = Hours(self.layers, 0)
            found = max(plain.open_minutes_per_day(zones, monday + timedelta(days=day)) for day in range(7))
            self._usual[key] = found
        return found

    def _open_at(self, minute: int, zones: Sequence[str]) -> bool:
        starts, ends = self._chunk(zones, minute // _CHUNK)
        at = bisect_right(starts, minute) - 1
        return at >= 0 and minute < ends[at]

    def _weekday(self, index: int) -> Spans:
        spans: Spans = ((0, DAY),)
        for layer in self.layers:
            spans = intersect(spans, layer.by_day[index])
        return spans

    def _date(self, day: date) -> Spans:
        spans: Spans = ((0, DAY),)
        for layer in self.layers:
            spans = intersect(spans, layer.on(day, holidays=self.holidays))
        return spans

    def _chunk(self, zones: Sequence[str], number: int) -> _Stretches:
        names = zones if isinstance(zones, tuple) else tuple(zones)
        key = (names, number)
        found = self._chunks.get(key)
        if found is not None:
            return found
        if not names:
            raise ValueError("zones: at least one zone is needed to know the recipient's time of day")
        if len(names) == 1:
            spans = self._stretches(find_zone(names[0]), number)
        else:
            spans = ((number * _CHUNK, (number + 1) * _CHUNK),)
            for name in names:
                spans = intersect(spans, tuple(zip(*self._chunk((name,), number), strict=True)))
        if len(self._chunks) >= _KEPT:
            self._chunks.clear()
        found = self._chunks[key] = ([start for start, _ in spans], [end for _, end in spans])
        return found

    def _stretches(self, where: tzinfo, number: int) -> Spans:
        """One zone's open stretches within a chunk of seven UTC days.

        Two more local days on either side keep the cuts, and the guards on them, out of the chunk.
        """
        first = number * _CHUNK_DAYS - 2
        days = range(first, first + _CHUNK_DAYS + 4)
        local = _join((self._date(date.fromordinal(EPOCH_DAY + day)) for day in days), first_day=first)
        low, high = number * _CHUNK, (number + 1) * _CHUNK
        spans = []
        for start, end in local:
            opened = max(low, to_utc(start, where, ending=False))
            closed = min(high, to_utc(end, where, ending=True) - self.guard_minutes)
            if opened < closed:
                spans.append((opened, closed))
        return merge(spans)


def _join(days: Iterable[Spans], *, first_day: int = 0) -> Spans:
    """Spans of consecutive days on one line of minutes; what goes on over midnight is one span and has no end there."""
    return merge((day * DAY + start, day * DAY + end) for day, spans in enumerate(days, start=first_day) for start, end in spans)


def _read(windows: tuple[WindowLike, ...]) -> tuple[Window, ...]:
    try:
        return _read_again(windows)
    except TypeError:  # mappings cannot be a cache key
        return read_windows(windows)


_read_again = lru_cache(maxsize=1024)(read_windows)


@lru_cache(maxsize=4096)
def _build(
    rules: tuple[Regulation, ...],
    own: tuple[tuple[str, tuple[Window, ...]], ...],
    holidays: frozenset[date],
    guard_minutes: int,
    blocks: frozenset[str],
) -> Hours:
    layers = [Layer.of_rule(rule, blocks=blocks) for rule in rules]
    layers += [Layer.of_windows(name, windows) for name, windows in own]
    return Hours(tuple(layers), guard_minutes, holidays)


@lru_cache(maxsize=1024)
def _alone(layer: Layer, guard_minutes: int, holidays: frozenset[date]) -> Hours:
    return Hours((layer,), guard_minutes, holidays)
