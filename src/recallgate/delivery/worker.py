"""Workers: claim a page, stage it chunk by chunk, call vendors in a rolling window, commit outcomes in batches."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from recallgate.config import GatewayConfig
from recallgate.delivery.accounts import Router
from recallgate.delivery.outcome import Conclusion, conclude
from recallgate.delivery.stage import Ready, Staged, Stager
from recallgate.model.clock import Clock, to_ms
from recallgate.model.errors import ErrorKind, SendError, StoreError
from recallgate.model.receipt import Receipt
from recallgate.store import attempts, ledger, messages, people
from recallgate.store.engine import Store
from recallgate.store.messages import Row
from recallgate.tracking.orphans import adopt_orphans

_log = logging.getLogger("recallgate.delivery")

PAGE = 500
CHUNK = 50
COMMIT = 150  # outcomes in one transaction: an otp waits for the one that is running
FLUSH_S = 0.2
URGENT_RANK = 19  # otp and transactional: the lanes 0 and 1


@dataclass(frozen=True)
class Pace:
    """How a worker goes about it. `quick_retries`: tries inside the lease after a definite fault of the wire.

    `in_order`: one chunk after the other, for simulations; else a rolling window of `window` messages. `chunk`: intents
    that are committed together, and so at most as many that a crash can leave uncertain.
    """

    lease: timedelta = timedelta(seconds=60)
    quick_retries: int = 2
    in_order: bool = False
    window: int = 1000
    chunk: int = CHUNK


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
        token: str,
        pace: Pace,
    ) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        self._router = router
        self._stager = stager
        self._token = token
        self._pace = pace
        self._done: list[Conclusion] = []
        self.in_flight = 0

    async def drain(self, channels: Sequence[str] | None = None) -> int:
        """Handle what is due now, until nothing is; answers how many rows were handled."""
        handled = 0
        for channel in channels if channels is not None else await self._waiting():
            while True:
                rows = await self.claim(channel)
                if not rows:
                    break
                handled += len(rows)
                await self._page(rows)
                await self.flush()
        return handled

    async def claim(self, channel: str, *, most: int = PAGE, urgent: bool = False) -> list[Row]:
        now = to_ms(self._clock.now())
        until = now + self._pace.lease // timedelta(milliseconds=1)
        rank = URGENT_RANK if urgent else 99
        return await self._store.run(
            lambda c: messages.claim(c, channel, now=now, token=self._token, until=until, most=most, most_rank=rank),
            urgent=urgent,
        )

    async def stage(self, rows: Sequence[Row], *, urgent: bool = False) -> Staged:
        now = self._clock.now()
        until = to_ms(now + self._pace.lease)
        return await self._store.run(
            lambda c: self._stager.stage(c, rows, token=self._token, now=now, lease_until=until), urgent=urgent
        )

    async def _waiting(self) -> list[str]:
        now = to_ms(self._clock.now())
        return await self._store.run(lambda c: messages.waiting_channels(c, now))

    async def _page(self, rows: Sequence[Row]) -> None:
        chunks = [rows[start : start + self._pace.chunk] for start in range(0, len(rows), self._pace.chunk)]
        if self._pace.in_order:
            for chunk in chunks:
                staged = await self.stage(chunk)
                await asyncio.gather(*(self._carry(ready) for ready in staged.ready))
            return
        calls: set[asyncio.Task[None]] = set()
        for chunk in chunks:
            staged = await self.stage(chunk)
            for ready in staged.ready:
                task = asyncio.create_task(self._carry(ready))
                calls.add(task)
                task.add_done_callback(calls.discard)
            while len(calls) > self._pace.window - CHUNK:
                await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        if calls:
            await asyncio.wait(calls)

    async def _carry(self, ready: Ready) -> None:
        self.in_flight += 1
        try:
            conclusion, _ = await self.carry(ready)
            self._done.append(conclusion)
        finally:
            self.in_flight -= 1
        if len(self._done) >= PAGE:
            await self.flush()

    async def carry(self, ready: Ready) -> tuple[Conclusion, Receipt | SendError]:
        """Call the vendor, and again at once after faults of the wire that certainly sent nothing."""
        result = await self._call(ready)
        if self._pace.quick_retries and _again(result):
            ready, result = await self._once_more(ready, result)
        now = self._clock.now()
        if isinstance(result, Receipt):
            ready.account.succeeded()
        else:
            ready.account.failed(result, now)
        tried = await self._tried(ready) if isinstance(result, SendError) and ready.n > 1 else {}
        return conclude(ready, result, now=now, config=self._config, router=self._router, tried=tried), result

    async def _once_more(self, ready: Ready, result: Receipt | SendError) -> tuple[Ready, Receipt | SendError]:
        """Definite *not sent* faults only, within two seconds, each try with its own attempt row."""
        from tenacity import AsyncRetrying, retry_if_result, stop_after_attempt, stop_after_delay, wait_random_exponential

        ours = True

        async def one(first: list[bool]) -> Receipt | SendError:
            nonlocal ready, result, ours
            if first:
                first.clear()  # the failed try that brought us here: tenacity waits before the next
                return result
            assert isinstance(result, SendError)
            ours = await self._another(ready, result)
            if ours:
                ready = ready._replace(n=ready.n + 1)
                result = await self._call(ready)
            return result

        retrying = AsyncRetrying(
            stop=stop_after_attempt(self._pace.quick_retries + 1) | stop_after_delay(2),
            wait=wait_random_exponential(multiplier=0.1, max=0.5),
            retry=retry_if_result(lambda outcome: ours and _again(outcome)),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else result,
        )
        await retrying(one, [True])
        return ready, result

    async def _call(self, ready: Ready) -> Receipt | SendError:
        try:
            return await ready.account.send(ready.message)
        except SendError as exc:
            return exc

    async def _another(self, ready: Ready, fault: SendError) -> bool:
        message, account, n = ready.message, ready.account.name, ready.n
        now = to_ms(self._clock.now())

        def work(connection: Connection) -> bool:
            kind, detail = fault.kind.value, fault.detail[:300]
            attempts.fault(connection, message.tenant, message.id, n=n, kind=kind, code=fault.code, detail=detail, now=now)
            return attempts.next_attempt(
                connection, message.tenant, message.id, n=n + 1, account=account, channel=message.channel, now=now
            )

        return await self._store.run(work, small=True, urgent=message.purpose.urgent)

    async def _tried(self, ready: Ready) -> dict[str, str | None]:
        pair = (ready.message.tenant, ready.message.id)
        try:
            found = await self._store.run(lambda c: attempts.tried(c, [pair]), small=True, urgent=ready.message.purpose.urgent)
        except StoreError:
            return {}  # the vendor has answered: its outcome must not be lost because earlier turns cannot be read
        return dict(found.get(ready.message.id, ()))

    async def flush(self) -> None:
        """Commit the outcomes that have come in."""
        done, self._done = self._done, []
        while done:
            try:
                await self.commit(done[:COMMIT])
            except StoreError:
                self._done = done + self._done  # the database is away: the outcomes stay here until it is back
                raise
            done = done[COMMIT:]

    async def commit(self, done: Sequence[Conclusion], *, urgent: bool = False) -> None:
        now = to_ms(self._clock.now())
        await self._store.run(_writing(done, now), urgent=urgent, small=len(done) <= 2)

    async def run(self, stop: asyncio.Event, *, idle_s: float = 0.2) -> None:
        """Work in real time until told to stop; then finish what is in flight and give back the rest."""
        lanes = [
            asyncio.create_task(self._lane(channel, stop, idle_s, urgent))
            for channel in self._router.channels
            for urgent in (True, False)
        ]
        flusher = asyncio.create_task(self._flusher(stop))
        try:
            await asyncio.gather(*lanes)
        finally:
            stop.set()
            await flusher
            await self.flush()
            await self._store.run(lambda c: messages.release(c, self._token))

    async def _lane(self, channel: str, stop: asyncio.Event, idle_s: float, urgent: bool) -> None:
        calls: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            free = self._pace.window - len(calls)
            try:
                rows = await self.claim(channel, most=min(PAGE, free), urgent=urgent) if free >= CHUNK else []
                for start in range(0, len(rows), CHUNK):
                    if stop.is_set():
                        break
                    for ready in (await self.stage(rows[start : start + CHUNK], urgent=urgent)).ready:
                        task = asyncio.create_task(self._carry(ready))
                        calls.add(task)
                        task.add_done_callback(calls.discard)
            except StoreError as exc:
                _log.warning("the store is away, trying again: %s", exc)
                rows = []
            if not rows:
                await _pause(stop, idle_s, calls)
        if calls:
            await asyncio.wait(calls)

    async def _flusher(self, stop: asyncio.Event) -> None:
        while not stop.is_set() or self.in_flight:
            try:
                await asyncio.wait_for(stop.wait(), FLUSH_S)
            except TimeoutError:
                pass
            else:
                await asyncio.sleep(FLUSH_S / 4)
            try:
                await self.flush()
            except StoreError as exc:
                _log.warning("outcomes wait for the store: %s", exc)


async def _pause(stop: asyncio.Event, idle_s: float, calls: set[asyncio.Task[None]]) -> None:
    waits: set[asyncio.Task[object]] = {asyncio.create_task(stop.wait())}
    try:
        await asyncio.wait({*waits, *calls} if calls else waits, timeout=idle_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


def _writing(done: Sequence[Conclusion], now: int) -> Callable[[Connection], None]:
    outcomes = [one.outcome for one in done]
    caps = [row for one in done for row in one.caps]
    suppressions = [row for one in done for row in one.suppressions]
    dead = [row for one in done for row in one.dead]
    receipts = [
        (one.outcome.tenant, one.outcome.id, one.account, one.outcome.vendor_id)
        for one in done
        if one.outcome.vendor_id is not None
    ]

    def work(connection: Connection) -> None:
        attempts.finish(connection, outcomes, now=now)
        if caps:
            ledger.settle_caps(connection, caps)
        if suppressions:
            ledger.suppress(connection, suppressions)
        if dead:
            people.bury_contacts(connection, dead, now=now)
        if receipts:
            adopt_orphans(connection, receipts, now=now)

    return work


def _again(result: Receipt | SendError) -> bool:
    return isinstance(result, SendError) and result.kind in (ErrorKind.UNAVAILABLE, ErrorKind.TEMPORARY)
