"""Workers: stage what is due chunk by chunk, call vendors in a rolling window, commit outcomes in batches."""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from recallgate.config import GatewayConfig
from recallgate.delivery.accounts import Router
from recallgate.delivery.calls import Caller
from recallgate.delivery.chunk import Ready, Staged
from recallgate.delivery.leases import Leases
from recallgate.delivery.outcome import Conclusion
from recallgate.delivery.stage import Stager
from recallgate.delivery.together import grouped
from recallgate.model.clock import Clock, to_ms
from recallgate.store import asked, attempts, ledger, messages, people
from recallgate.store.backlog import URGENT_RANK
from recallgate.store.engine import Store
from recallgate.tracking.orphans import adopt_orphans

PAGE = 500
CHUNK = 200
COMMIT = 400  # outcomes in one transaction
SHORT = 50  # rows in a transaction while urgent messages are about: an otp waits for the one that is running
_URGENT_S = 1.0
FLUSH_S = 0.2
NOT_AHEAD = timedelta(0)
AHEAD = timedelta(seconds=0.5)  # turns in an account's rate that are given out before they come; a worker looks more often


@dataclass(frozen=True)
class Pace:
    """How a worker goes about it. `quick_retries`: tries inside the lease after a definite fault of the wire.

    `in_order`: one chunk after the other, for simulations; else a rolling window of `window` messages. `chunk`: intents
    that are committed together; None: 200, and 50 while urgent messages are about. `grace`: how long calls may go on after
    the worker was told to stop.
    """

    lease: timedelta = timedelta(seconds=60)
    quick_retries: int = 2
    in_order: bool = False
    window: int = 1000
    chunk: int | None = None
    grace: timedelta = timedelta(seconds=6)

    @classmethod
    def of(cls, config: GatewayConfig) -> "Pace":
        """The pace that the settings ask for."""
        return cls(lease=timedelta(seconds=config.lease_s), window=config.concurrency)


class Worker:
    """Carries messages of a store to their vendors."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        config: GatewayConfig,
        *,
        router: Router,
        stager: Stager,
        pace: Pace,
    ) -> None:
        self._store = store
        self._clock = clock
        self._router = router
        self._stager = stager
        self._done: list[Conclusion] = []
        self._calls: dict[asyncio.Task[None], Ready] = {}
        self._gap = asyncio.Event()
        self.leases = Leases(store, clock, pace.lease)
        self.caller = Caller(store, clock, config, router=router, leases=self.leases)
        self.pace = pace
        self.in_flight = 0

    @property
    def pace(self) -> Pace:
        return self._pace

    @pace.setter
    def pace(self, pace: Pace) -> None:
        self._pace = pace
        self.caller.quick_retries = pace.quick_retries

    @property
    def grace(self) -> timedelta:
        return self._pace.grace

    @property
    def window(self) -> int:
        return self._pace.window

    def room(self, calls: Collection[object], channel: str) -> bool:
        """Whether another chunk fits beside these calls of a lane: what waits here for its turn is in doubt after a crash."""
        chunk = self.chunk(channel)
        return len(calls) <= max(min(self._pace.window - chunk, self._router.slots(channel) + chunk), 0)

    def chunk(self, channel: str) -> int:
        """How many intents are committed together: as many as are soon under way."""
        return self.step(min(CHUNK, max(SHORT, 4 * self._router.slots(channel))))

    def begun(self, call: "asyncio.Task[None]") -> bool:
        """Whether the vendor of a spawned call was called; true also when its outcome is known."""
        ready = self._calls.get(call)
        return ready is None or self.leases.begun(ready)

    async def drain(self, channels: Sequence[str] | None = None) -> int:
        """Handle what is due now, until nothing is; answers how many rows were handled."""
        handled = 0
        for channel in channels if channels is not None else await self._waiting():
            calls: set[asyncio.Task[None]] = set()
            while True:
                staged = await self.stage(channel)
                handled += staged.rows
                if staged.rows:
                    await self._start(staged.ready, calls, channel)
                elif calls:
                    await asyncio.wait(calls)
                elif self._done:
                    await self.flush()  # what was refused may be due at once through another account
                else:
                    break
        return handled

    async def stage(self, channel: str, *, most: int | None = None, urgent: bool = False) -> Staged:
        """Decide the next due rows of a channel, at most a chunk; the intents of those that may leave are committed."""
        now, since = self._clock.now(), time.monotonic()
        if self._stager.ahead and (room := self._router.room(channel, now, ahead=self._stager.ahead)) is not None:
            if not room:
                return Staged()  # what has no turn soon is not judged again and again meanwhile
            most = min(room, most or self.step(CHUNK))
        at, until = to_ms(now), to_ms(now + self._pace.lease)
        rank = URGENT_RANK if urgent else 99

        def work(connection: Connection) -> Staged:
            rows = messages.due(connection, channel, now=at, most=most or self.step(CHUNK), most_rank=rank)
            return self._stager.stage(connection, rows, now=now, lease_until=until) if rows else Staged()

        staged = await self._store.run(work, urgent=urgent, heavy=True)
        if staged.ready and not self._pace.in_order:
            self.leases.hold(staged.ready, since)
        return staged

    def step(self, usual: int) -> int:
        """How many rows a transaction takes: fewer than usual while urgent messages are about."""
        if self._pace.chunk is not None:
            return self._pace.chunk
        return usual if time.monotonic() - self._store.urgent_at > _URGENT_S else SHORT

    async def _waiting(self) -> list[str]:
        now = to_ms(self._clock.now())
        return await self._store.run(lambda c: messages.waiting_channels(c, now))

    async def _start(self, ready: Sequence[Ready], calls: "set[asyncio.Task[None]]", channel: str) -> None:
        """Call vendors for a chunk: one after the other in simulations, else in a rolling window."""
        if self._pace.in_order:
            await asyncio.gather(*(self._carry(group, calls) for group in grouped(ready)))
            return
        self.spawn(ready, calls)
        while not self.room(calls, channel):
            self._gap.clear()  # waiting for each of a thousand calls would cost more than the calls
            await self._gap.wait()

    def spawn(self, ready: Sequence[Ready], calls: "set[asyncio.Task[None]]") -> None:
        """Begin the calls of a chunk; they leave the set as they end."""
        for group in grouped(ready):
            task = asyncio.create_task(self._carry(group, calls))
            calls.add(task)
            self._calls[task] = group[0]

    async def _carry(self, group: Sequence[Ready], calls: "set[asyncio.Task[None]]") -> None:
        task = asyncio.current_task()
        assert task is not None
        self.in_flight += len(group)
        try:
            try:
                conclusions = await self.caller.outcomes(group)
            except asyncio.CancelledError:
                conclusions = [self.caller.cut_short(self.leases.present(one)) for one in group]
            finally:
                self.in_flight -= len(group)
                self._calls.pop(task, None)
            self._done += conclusions
            for one in group:
                self.leases.drop(one)
            if len(self._done) >= PAGE:
                await self.flush()
        finally:
            calls.discard(task)
            self._gap.set()

    async def flush(self) -> None:
        """Commit the outcomes that have come in."""
        done, self._done = self._done, []
        while done:
            step = self.step(COMMIT)
            try:
                await self.commit(done[:step])
            except BaseException:
                self._done = done + self._done  # the database is away, or time is up: the outcomes stay here
                raise
            done = done[step:]

    async def commit(self, done: Sequence[Conclusion], *, urgent: bool = False) -> None:
        now = to_ms(self._clock.now())
        standing = self._stager.standing
        learned = standing.news() if standing is not None else []
        write = _writing(done, now)

        def work(connection: Connection) -> None:
            write(connection)
            if standing is not None and learned:
                standing.tell(connection, learned, now=now)

        for account in learned:
            account.learned = False
        try:
            await self._store.run(work, urgent=urgent, small=len(done) <= 2, heavy=len(done) > 2)
        except BaseException:
            for account in learned:
                account.learned = True
            raise


def _writing(done: Sequence[Conclusion], now: int) -> Callable[[Connection], None]:
    outcomes = [one.outcome for one in done]
    released = [row for one in done for row in one.released]
    suppressions = [row for one in done for row in one.suppressions]
    dead = [row for one in done for row in one.dead]
    tallies = [row for one in done for row in one.tallies]
    receipts = [
        (one.outcome.tenant, one.outcome.id, one.account, one.outcome.vendor_id)
        for one in done
        if one.outcome.vendor_id is not None
    ]

    def work(connection: Connection) -> None:
        attempts.finish(connection, outcomes, now=now)
        if released:
            ledger.release(connection, released)
        if suppressions:
            ledger.suppress(connection, suppressions)
        if dead:
            people.bury_contacts(connection, dead, now=now)
        if tallies:
            asked.count(connection, tallies)
        if receipts:
            adopt_orphans(connection, receipts, now=now)

    return work
