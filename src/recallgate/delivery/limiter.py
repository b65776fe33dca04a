"""Rate limit and circuit breaker of an account: they delay, and never count against the recipient."""

from datetime import datetime, timedelta


class RateLimit:
    """A token bucket by theoretical arrival time (GCRA): `rate` a second, `burst` at once; None is no limit."""

    def __init__(self, rate: float | None, burst: int = 1) -> None:
        self._step = timedelta(seconds=1 / rate) if rate else timedelta(0)
        self._slack = self._step * max(burst - 1, 0)
        self._arrival: datetime | None = None

    def grant(self, now: datetime, most: int) -> int:
        """How many of `most` may leave now; they are counted as gone."""
        if not self._step:
            return most
        arrival = max(self._arrival or now, now)
        granted = 0
        while granted < most and arrival - self._slack <= now:
            arrival += self._step
            granted += 1
        self._arrival = arrival
        return granted

    def next_grant(self, now: datetime) -> datetime:
        """When the next one may leave."""
        return now if self._arrival is None else max(now, self._arrival - self._slack)


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
