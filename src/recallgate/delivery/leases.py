"""Leases: rows whose intent this process has committed. Until their outcome is known nobody else touches them."""

import time
from collections.abc import Sequence
from datetime import timedelta

from recallgate.delivery.chunk import Ready
from recallgate.model.clock import Clock, to_ms
from recallgate.store import attempts
from recallgate.store.engine import Store

Key = tuple[str, str]


class NotOurs(Exception):  # noqa: N818 - reads as what happened
    """The vendor must not be called: the process stops, or its lease is over. Certainly nothing was sent."""

    def __init__(self, ready: Ready | None = None) -> None:
        super().__init__("the lease is over")
        self.ready = ready


class Leases:
    """Keeps count of what this process is about to send, and renews its leases while messages wait for their turn.

    Ours is what was renewed within the lease, by the monotonic clock: a process that slept too long calls no vendor.
    """

    def __init__(self, store: Store, clock: Clock, span: timedelta) -> None:
        self.span = span
        self._store = store
        self._clock = clock
        self._held: dict[Key, tuple[int, float]] = {}  # attempt, until
        self._begun: set[Key] = set()
        self._stopping = False

    def hold(self, ready: Sequence[Ready], since: float) -> None:
        """Take note of rows whose intent is committed; `since` is when their lease began, by the monotonic clock."""
        until = since + self.span.total_seconds()
        for one in ready:
            key = (one.message.tenant, one.message.id)
            self._held[key] = (one.n, until)
            self._begun.discard(key)

    def follow(self, ready: Ready) -> None:
        """The next attempt of a row that is held."""
        key = (ready.message.tenant, ready.message.id)
        if key in self._held:
            self._held[key] = (ready.n, self._held[key][1])
            self._begun.discard(key)

    def drop(self, ready: Ready) -> None:
        """The outcome is known."""
        key = (ready.message.tenant, ready.message.id)
        self._held.pop(key, None)
        self._begun.discard(key)

    def begin(self, ready: Ready) -> None:
        """Right before the vendor is called; raises `NotOurs` when it must not be."""
        key = (ready.message.tenant, ready.message.id)
        held = self._held.get(key)
        if held is None:  # sent by its caller, who waits for it
            return
        if self._stopping or held[1] <= time.monotonic():
            raise NotOurs(ready)
        self._begun.add(key)

    def begun(self, ready: Ready) -> bool:
        """Whether the vendor was called for a row that is held."""
        return (ready.message.tenant, ready.message.id) in self._begun

    def let_go(self) -> None:
        """Begin no further call: what waits for its turn goes back to the queue."""
        self._stopping = True

    def take_up(self) -> None:
        self._stopping = False

    async def renew(self) -> int:
        """Renew the leases of all rows held; those that are not ours any more are not sent. Answers how many are lost."""
        asked = {key: n for key, (n, _) in self._held.items()}
        if not asked:
            return 0
        since = time.monotonic()
        until = to_ms(self._clock.now() + self.span)
        rows = [(*key, n) for key, n in asked.items()]
        ours = await self._store.run(lambda c: attempts.renew(c, rows, until=until))
        lost = 0
        for key, n in asked.items():
            held = self._held.get(key)
            if held is None or held[0] != n:
                continue  # its outcome came meanwhile, or its next attempt
            if key in ours:
                self._held[key] = (n, since + self.span.total_seconds())
            else:
                self._held[key] = (n, 0.0)
                lost += 1
        return lost

    def present(self, ready: Ready) -> Ready:
        """The row as its present attempt."""
        held = self._held.get((ready.message.tenant, ready.message.id))
        return ready if held is None else ready._replace(n=held[0])
