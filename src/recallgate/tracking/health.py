"""What events say of a sender's health, counted by account and day for the deliverability guard."""

from collections.abc import Iterable

from recallgate.model.errors import ErrorKind
from recallgate.model.event import Event, EventType
from recallgate.store.asked import DAY_MS, Tally
from recallgate.store.events import Change
from recallgate.store.ledger import SuppressionRow

_DEAD = frozenset({ErrorKind.INVALID_RECIPIENT.value, ErrorKind.UNREGISTERED_TOKEN.value})


class HealthCounts:
    """Collects the counts of one batch of events; `rows` are what it adds."""

    def __init__(self, tenant: str, now: int) -> None:
        self._tenant = tenant
        self._day = now // DAY_MS
        self.rows: list[Tally] = []

    def told(self, event: Event, account: str | None, suppressed: Iterable[SuppressionRow]) -> None:
        """An event, and the suppressions that followed from it."""
        if event.type is EventType.COMPLAINED:
            self._add(account, "complaints")
        if any(row.reason == "opt_out" for row in suppressed):
            self._add(account, "opt_outs")

    def changed(self, changes: Iterable[tuple[Change, str | None]]) -> None:
        """States that reports raised: each message counts once, however often it is reported."""
        for change, account in changes:
            if change.state == change.was:
                continue
            if change.state == "delivered":
                self._add(account, "delivered")
                if change.was == "undelivered":
                    self._add(account, "undelivered", -1)
            elif change.state == "undelivered":
                self._add(account, "undelivered")
                if change.kind in _DEAD:
                    self._add(account, "hard_bounces")

    def _add(self, account: str | None, what: str, amount: int = 1) -> None:
        if account is not None:
            self.rows.append(Tally(self._tenant, f"h:{account}:{what}", self._day, amount))
