"""Which of several accounts in the same place takes a message: by their weights, or by what they delivered lately."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from recallgate.config import AccountConfig
from recallgate.delivery.health import RECENT_DAYS, health_of
from recallgate.model.clock import to_ms
from recallgate.store.asked import DAY_MS, tallies_of

_LEAST = 50  # reports, below which an account is as good as the best: it has to be tried to be known
_AGAIN = timedelta(minutes=1)


class _Routed(Protocol):
    @property
    def config(self) -> AccountConfig: ...


_A = TypeVar("_A", bound=_Routed)


class Preference:
    """Orders accounts for a message: by `order`; then, `by_ratio`, by the delivered share of the last seven days in whole
    percent; then by weights, so that each takes its share and the same message always goes the same way; then by name.

    `decides` is False where the order of the accounts is the same for all messages.
    """

    def __init__(self, accounts: Iterable[AccountConfig], *, by_ratio: bool = False) -> None:
        known = list(accounts)
        self.by_ratio = by_ratio
        self.decides = by_ratio or any(one.weight is not None for one in known)
        self._names = [one.name for one in known]
        self._looked: dict[str, tuple[datetime, Mapping[str, int]]] = {}
        self._percent: Mapping[str, int] = {}

    def __call__(self, identity: str, accounts: tuple[_A, ...]) -> tuple[_A, ...]:
        return tuple(sorted(accounts, key=lambda account: self._place(identity, account.config)))

    def _place(self, identity: str, one: AccountConfig) -> tuple[int, int, float, str]:
        percent = self._percent.get(one.name, 100) if self.by_ratio else 0
        return one.order, -percent, _turn(identity, one.name, one.weight), one.name

    def look(self, connection: Connection, tenant: str, now: datetime) -> None:
        """From here on the ratios are this tenant's, as of at most a minute ago."""
        known = self._looked.get(tenant)
        if known is None or not timedelta(0) <= now - known[0] < _AGAIN:
            today = to_ms(now) // DAY_MS
            rows = tallies_of(connection, tenant, "h:", since=today - RECENT_DAYS)
            health = health_of(rows, today=today, reputations={name: name for name in self._names})
            percent = {name: one.delivered * 100 // one.sent for name, one in health.items() if one.sent >= _LEAST}
            known = self._looked[tenant] = (now, percent)
        self._percent = known[1]


def _turn(identity: str, name: str, weight: int | None) -> float:
    """Weighted rendezvous: the smallest of these is each account's as often as its weight says; without a weight never first."""
    if weight is None:
        return math.inf
    draw = int.from_bytes(blake2b(f"{identity}\x1f{name}".encode(), digest_size=8).digest(), "big")
    return -math.log((draw + 1) / (2**64 + 1)) / weight
