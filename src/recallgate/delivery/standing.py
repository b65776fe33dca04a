"""What processes tell each other of accounts: which is out, and how much of its rate is used."""

import time
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import Connection

from recallgate.delivery.accounts import LiveAccount, Router
from recallgate.model.clock import from_ms, to_ms
from recallgate.store import health

_EVERY_S = 1.0  # so old is what others found out of an account


class SharedStanding:
    """Reads before a chunk what others know, and writes what this process learned.

    Rates are counted in the chunk's own transaction: of several processes each sees what the others have used. Whether an
    account is out is read once a second and told with the outcomes that showed it.
    """

    def __init__(self, router: Router, tenant: str) -> None:
        self._tenant = tenant
        self._accounts = {account.name: account for account in router.accounts}
        self._limited = {
            channel: sorted(account.name for account in router.accounts if account.channel == channel and account.limit.limited)
            for channel in router.channels
        }
        self._any_limited = any(self._limited.values())
        self._looked = 0.0

    def look(self, connection: Connection, channels: Collection[str]) -> dict[str, int]:
        """Before a chunk whose messages may leave by these channels; answers how far their rates are used, for `used`.

        On PostgreSQL chunks of several lanes are under way in one process: what one has taken stays with it.
        """
        taken: dict[str, int] = {}
        if self._any_limited and (names := sorted(name for channel in channels for name in self._limited.get(channel, ()))):
            for one in health.take_rates(connection, self._tenant, names):
                self._accounts[one.name].limit.arrival_us = taken[one.name] = one.arrival_us
        if time.monotonic() - self._looked >= _EVERY_S:
            self._looked = time.monotonic()
            self._adopt(health.standings(connection, self._tenant, sorted(self._accounts)))
        return taken

    def used(self, connection: Connection, taken: Mapping[str, int]) -> None:
        """After the chunk: what it used of the rates since it looked."""
        moved = [
            (name, arrival) for name, before in taken.items() if (arrival := self._accounts[name].limit.arrival_us) != before
        ]
        if moved:
            health.use_rates(connection, self._tenant, moved)

    def news(self) -> list[LiveAccount]:
        """Accounts of which something was learned since it was told last."""
        return [account for account in self._accounts.values() if account.learned]

    def tell(self, connection: Connection, accounts: Iterable[LiveAccount], *, now: int) -> None:
        """Write down what was learned of these accounts."""
        rows = []
        for account in accounts:
            until, reason = account.out()
            rows.append((account.name, to_ms(until) if until is not None else 0, reason, account.breaker.faults))
        if rows:
            health.tell(connection, self._tenant, rows, now=now)

    def _adopt(self, known: Iterable[health.Standing]) -> None:
        for one in known:
            account = self._accounts[one.name]
            if not account.learned:
                account.adopt(from_ms(one.out_until) if one.out_until else None, one.reason)
