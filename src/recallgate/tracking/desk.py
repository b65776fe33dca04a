"""The events desk: events that come in together are applied together."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial

from recallgate.store.engine import Store
from recallgate.tracking.process import Applied, Told, apply_events

_MOST = 500
_Waiting = tuple[Sequence[Told], "asyncio.Future[tuple[Applied, bool]]"]


class EventDesk:
    """Takes events from many callers and applies them in batches, one transaction each; callers wait for theirs.

    While one batch is being committed the next one fills: a flood of callbacks costs a few statements a batch instead of a
    few for each, and none is answered before it is durable.
    """

    def __init__(self, store: Store, now: Callable[[], datetime], *, tenant: str) -> None:
        self._store = store
        self._now = now
        self._tenant = tenant
        self._waiting: list[_Waiting] = []
        self._worker: asyncio.Task[None] | None = None

    async def apply(self, batch: Sequence[Told]) -> tuple[Applied, bool]:
        """Durable when it returns. The answer is of the whole batch that these events were part of.

        One caller of a batch gets True beside it: that one tells the sinks.
        """
        future: asyncio.Future[tuple[Applied, bool]] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        await asyncio.sleep(0)  # whoever comes in the same turn of the loop comes along
        while self._waiting:
            taken: list[_Waiting] = []
            size = 0
            while self._waiting and (not taken or size + len(self._waiting[0][0]) <= _MOST):
                taken.append(self._waiting.pop(0))
                size += len(taken[-1][0])
            try:
                await self._apply(taken)
            except Exception as exc:
                if len(taken) == 1:
                    _fail(taken[0], exc)
                    continue
                for one in taken:  # each for itself, so that one caller's fault costs nobody else
                    try:
                        await self._apply([one])
                    except Exception as own:
                        _fail(one, own)

    async def _apply(self, taken: Sequence[_Waiting]) -> None:
        told = [one for batch, _ in taken for one in batch]
        now = self._now()
        applied = await self._store.run(partial(apply_events, batch=told, tenant=self._tenant, now=now))
        first = True
        for _, future in taken:
            if not future.done():
                future.set_result((applied, first))
                first = False


def _fail(one: _Waiting, fault: Exception) -> None:
    if not one[1].done():
        one[1].set_exception(fault)
