"""A budget for retries: a vendor that is down must not be asked for the same messages again and again."""

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from recallgate.model.errors import KIND_RULES

_WINDOW = timedelta(minutes=1)
_FAULTS = frozenset(kind.value for kind, rule in KIND_RULES.items() if rule.next == "retry" or rule.concerns == "account")
_ENOUGH = 1_000_000
_COUNTED = _FAULTS - {"rate_limited"}


def faulted(tried: Iterable[tuple[str, str | None]]) -> frozenset[str]:
    """Accounts whose own fault, or whose vendor's, sent a message back: (account, kind) of its attempts."""
    return frozenset(account for account, kind in tried if kind in _COUNTED)


class RetryBudget:
    """Retries of the last minute stay below a share of the first attempts in it; a few are always allowed.

    It holds while the vendor's last answer was a fault: once it takes messages again, what waited goes at full rate.
    What counts is a further attempt of one message through one account after a fault of the vendor or the wire: neither a
    failover, nor a limit that was waited for, nor a copy under the vendor's key.
    """

    def __init__(self, *, share: float = 0.2, least: int = 10) -> None:
        self._share = share
        self._least = least
        self._firsts: deque[tuple[datetime, int]] = deque()
        self._first = 0
        self._retries: deque[datetime] = deque()
        self.well = False  # the vendor's last answer was no fault of its own

    def first(self, now: datetime, n: int = 1) -> None:
        """So many messages go out for the first time."""
        if self._firsts and now - self._firsts[-1][0] < timedelta(seconds=1):
            at, before = self._firsts.pop()
            self._firsts.append((at, before + n))
        else:
            self._firsts.append((now, n))
        self._first += n
        while self._firsts[0][0] <= now - _WINDOW:
            self._first -= self._firsts.popleft()[1]

    def left(self, now: datetime) -> int:
        """How many retries may go now."""
        if self.well:
            return _ENOUGH
        while self._firsts and self._firsts[0][0] <= now - _WINDOW:
            self._first -= self._firsts.popleft()[1]
        while self._retries and self._retries[0] <= now - _WINDOW:
            self._retries.popleft()
        return max(int(self._first * self._share), self._least) - len(self._retries)

    def take(self, now: datetime) -> bool:
        """Whether one more retry may go now; it is counted as gone."""
        if self.left(now) < 1:
            return False
        if not self.well:
            self._retries.append(now)
        return True
