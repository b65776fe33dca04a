"""How the senders are doing: counted as reports come in, read once a minute, judged by the deliverability guard."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from recallgate.model.clock import to_ms
from recallgate.policies.deliverability import Health
from recallgate.store.asked import DAY_MS, tallies_of

RECENT_DAYS = 7
USUAL_DAYS = 28
_USUAL_FROM = 1_000  # reports, below which a usual rate says nothing
_AGAIN = timedelta(minutes=1)


class _Named(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def reputation(self) -> str: ...


class SenderHealth:
    """The `Health` of each reputation (a sending domain, a signature, else the account), as of at most a minute ago."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[datetime, Mapping[str, Health]]] = {}

    def of(self, connection: Connection, tenant: str, now: datetime, accounts: Iterable[_Named]) -> Mapping[str, Health]:
        """Health by reputation; senders of which nothing was told lately are left out."""
        known = self._known.get(tenant)
        if known is not None and timedelta(0) <= now - known[0] < _AGAIN:
            return known[1]
        today = to_ms(now) // DAY_MS
        rows = tallies_of(connection, tenant, "h:", since=today - RECENT_DAYS - USUAL_DAYS)
        found = health_of(rows, today=today, reputations={one.name: one.reputation for one in accounts})
        self._known[tenant] = (now, found)
        return found


def health_of(rows: Sequence[tuple[str, int, int]], *, today: int, reputations: Mapping[str, str]) -> Mapping[str, Health]:
    """From (`h:<account>:<what>`, day, amount) to figures: the last 7 days, and the share delivered in the 28 before them."""
    recent: dict[str, dict[str, int]] = {}
    before: dict[str, dict[str, int]] = {}
    for key, day, amount in rows:
        account, _, what = key[2:].rpartition(":")
        into = recent if day > today - RECENT_DAYS else before
        sums = into.setdefault(reputations.get(account, account), {})
        sums[what] = sums.get(what, 0) + amount
    found = {}
    for reputation, sums in recent.items():
        past = before.get(reputation, {})
        reported = past.get("delivered", 0) + past.get("undelivered", 0)
        delivered = sums.get("delivered", 0)
        found[reputation] = Health(
            sent=delivered + sums.get("undelivered", 0),
            delivered=delivered,
            complaints=sums.get("complaints", 0),
            hard_bounces=sums.get("hard_bounces", 0),
            opt_outs=sums.get("opt_outs", 0),
            usual_rate=past.get("delivered", 0) / reported if reported >= _USUAL_FROM else None,
        )
    return found
