"""Calls to vendors: one message or several equal ones, tried again at once where nothing was sent, and what came of them."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from recallgate.config import GatewayConfig
from recallgate.delivery.accounts import Router
from recallgate.delivery.chunk import Ready
from recallgate.delivery.leases import Leases, NotOurs
from recallgate.delivery.outcome import Conclusion, conclude, released
from recallgate.delivery.together import send_together
from recallgate.model.clock import Clock, to_ms
from recallgate.model.errors import ErrorKind, SendError, StoreError
from recallgate.model.receipt import Receipt
from recallgate.store import attempts
from recallgate.store.engine import Store


class Caller:
    """Calls vendors for a worker. `quick_retries`: further tries at once after a fault of the wire that sent nothing."""

    def __init__(self, store: Store, clock: Clock, config: GatewayConfig, *, router: Router, leases: Leases) -> None:
        self.quick_retries = 0
        self._store = store
        self._clock = clock
        self._config = config
        self._router = router
        self._leases = leases

    async def outcomes(self, group: Sequence[Ready]) -> list[Conclusion]:
        """What came of a call for one message, or for several equal ones."""
        if len(group) > 1:
            return await self._together(group)
        try:
            conclusion, _ = await self.carry(group[0])
        except NotOurs as exc:
            conclusion = released(exc.ready or group[0], now=self._clock.now())
        return [conclusion]

    async def carry(self, ready: Ready) -> tuple[Conclusion, Receipt | SendError]:
        """Call the vendor, and again at once after faults of the wire that certainly sent nothing."""
        result = await self._call(ready)
        if self.quick_retries and _again(result):
            ready, result = await self._once_more(ready, result)
        if isinstance(result, Receipt):
            ready.account.succeeded()
        tried = await self._tried(ready) if isinstance(result, SendError) and ready.n > 1 else {}
        return conclude(ready, result, now=self._clock.now(), config=self._config, router=self._router, tried=tried), result

    def cut_short(self, ready: Ready) -> Conclusion:
        """The worker had to end: a vendor that was called may have taken the message."""
        now = self._clock.now()
        if not self._leases.begun(ready):
            return released(ready, now=now)
        fault = SendError(ErrorKind.UNCERTAIN, "stopped", "the worker ended before the answer came")
        return conclude(ready, fault, now=now, config=self._config, router=self._router, tried={})

    async def _together(self, batch: Sequence[Ready]) -> list[Conclusion]:
        """One request for equal messages: an outcome for each."""
        account = batch[0].account
        await self._turn(max((one.leaves_at for one in batch if one.leaves_at is not None), default=None))
        results, lost = await send_together(batch, self._leases)
        now = self._clock.now()
        faults = [result for _, result in results if isinstance(result, SendError)]
        if len(faults) < len(results):
            account.succeeded()
        elif faults:
            account.failed(faults[0], now)
        conclusions = [released(one, now=now) for one in lost]
        for one, result in results:
            tried = await self._tried(one) if isinstance(result, SendError) and one.n > 1 else {}
            conclusions.append(conclude(one, result, now=now, config=self._config, router=self._router, tried=tried))
        return conclusions

    async def _turn(self, leaves_at: datetime | None) -> None:
        """Wait for a turn in the account's rate."""
        if leaves_at is not None:
            await asyncio.sleep((leaves_at - self._clock.now()).total_seconds())

    async def _call(self, ready: Ready) -> Receipt | SendError:
        await self._turn(ready.leaves_at)
        try:
            return await ready.account.send(ready.message, partial(self._leases.begin, ready))
        except SendError as exc:
            ready.account.failed(exc, self._clock.now())  # at once: the next chunk must not find an account that is out
            return exc

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
            try:
                now = self._clock.now()
                ours = ready.account.available(now) and ready.account.retries.take(now) and await self._another(ready, result)
            except StoreError:  # what the vendor said is known, and is written down when the store is back
                ours = False
            if ours:
                ready = ready._replace(n=ready.n + 1)
                self._leases.follow(ready)
                result = await self._call(ready)
            return result

        retrying = AsyncRetrying(
            stop=stop_after_attempt(self.quick_retries + 1) | stop_after_delay(2),
            wait=wait_random_exponential(multiplier=0.1, max=0.5),
            retry=retry_if_result(lambda outcome: ours and _again(outcome)),
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else result,
        )
        await retrying(one, [True])
        return ready, result

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


def _again(result: Receipt | SendError) -> bool:
    """What certainly was not sent, and may go at once: a vendor that says when to come back is not asked earlier."""
    return (
        isinstance(result, SendError) and result.kind in (ErrorKind.UNAVAILABLE, ErrorKind.TEMPORARY) and result.retry_at is None
    )
