"""Rate limit and circuit breaker of an account: they delay, and never count against the recipient."""

from datetime import datetime, timedelta

from recallgate.model.clock import EPOCH


class RateLimit:
    """A token bucket by theoretical arrival time (GCRA): `rate` a second, `burst` at once; None is no limit.

    `arrival_us` is all its state, in microseconds since 1970: when the next message would come if all kept to the rate.
    """

    def __init__(self, rate: float | None, burst: int = 1) -> None:
        self._step_us = max(1, round(1e6 / rate)) if rate else 0
        self._slack_us = self._step_us * max(burst - 1, 0)
        self.limited = bool(self._step_us)
        self.arrival_us = 0

    def slot(self, now: datetime, *, ahead: timedelta = timedelta(0)) -> datetime | None:
        """When the next message may leave, at most `ahead` from now, counted as gone; None when that is too soon."""
        if not self._step_us:
            return now
        at = _us(now)
        leaves = max(at, self.arrival_us - self._slack_us)
        if leaves > at + ahead // _US:
            return None
        self.arrival_us = max(self.arrival_us, at) + self._step_us
        return now if leaves == at else EPOCH + leaves * _US

    def room(self, now: datetime, *, ahead: timedelta) -> int:
        """How many slots there are between now and then."""
        assert self._step_us, "there is no end of room without a limit"
        at = _us(now)
        free = at + ahead // _US - (max(self.arrival_us, at) - self._slack_us)
        return max(0, free // self._step_us + 1) if free >= 0 else 0

    def next_grant(self, now: datetime) -> datetime:
        """When the next one may leave."""
        leaves = self.arrival_us - self._slack_us
        return now if leaves <= _us(now) else EPOCH + leaves * _US


_US = timedelta(microseconds=1)


def _us(instant: datetime) -> int:
    return (instant - EPOCH) // _US


class Breaker:
    """Opens after `threshold` faults of the vendor in a row, then lets one message through each `pause`.

    Only faults of the vendor or the wire count: a bad number says nothing about an account.
    """

    def __init__(
        self, *, threshold: int = 5, pause: timedelta = timedelta(seconds=30), most: timedelta = timedelta(minutes=10)
    ) -> None:
        self._threshold = threshold
        self._pause = pause
        self._most = most
        self._faults = 0
        self._rounds = 0
        self._probing = False
        self.open_until: datetime | None = None

    @property
    def faults(self) -> int:
        """Faults of the vendor in a row, as far as they were counted here."""
        return self._faults

    def adopt(self, open_until: datetime | None) -> None:
        """Take over what another process found out: open until then, or closed again."""
        if open_until is None:
            self._faults = self._rounds = 0
        else:
            self._faults = max(self._faults, self._threshold)
        self._probing = False
        self.open_until = open_until

    def allows(self, now: datetime) -> bool:
        return self.open_until is None or now >= self.open_until

    def take(self, now: datetime) -> bool:
        """Whether one more message may go now. After the pause only one goes, to find out whether the vendor is back."""
        if not self.allows(now):
            return False
        if self.open_until is not None:
            self.open_until = now + self._pause
            self._probing = True
        return True

    def succeeded(self) -> None:
        self._faults = self._rounds = 0
        self._probing = False
        self.open_until = None

    def failed(self, now: datetime) -> bool:
        """Count a fault; True when it opened the breaker."""
        self._faults += 1
        if self._faults < self._threshold and self.open_until is None:
            return False
        if self.open_until is not None and now < self.open_until and not self._probing:
            return False
        self._probing = False
        self.open_until = now + min(self._pause * 2**self._rounds, self._most)
        self._rounds = min(self._rounds + 1, 10)
        return True
