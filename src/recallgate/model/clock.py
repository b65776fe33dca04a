"""Wall clocks: what time it is, handed in so that every instant can be reproduced."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Answers with the present instant, aware and in UTC."""

    def now(self) -> datetime: ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class FrozenClock:
    """A clock that moves only when told: for tests and for simulations in virtual time."""

    def __init__(self, now: datetime | str) -> None:
        self._now = _aware(datetime.fromisoformat(now) if isinstance(now, str) else now)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Move forward by a span of at least zero; answers the new instant."""
        if by < timedelta(0):
            raise ValueError("advance(by): a clock does not run backwards; use move_to() to set any instant")
        self._now += by
        return self._now

    def move_to(self, instant: datetime) -> None:
        self._now = _aware(instant)


def to_ms(instant: datetime) -> int:
    """UTC milliseconds since 1970, the form in which instants are stored."""
    since = instant - EPOCH  # whole parts are added up: dividing spans takes four times as long, and this is called everywhere
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def from_ms(milliseconds: int) -> datetime:
    return EPOCH + timedelta(milliseconds=milliseconds)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("clock: the instant has no time zone; add one, for example +00:00")
    return instant.astimezone(UTC)
