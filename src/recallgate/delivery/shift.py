"""A shift: a worker at work in real time, until it is told to stop. What it has begun it finishes, the rest it gives back."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from recallgate.delivery.worker import FLUSH_S, Worker
from recallgate.model.errors import StoreError

_log = logging.getLogger("recallgate.delivery")
_AGAIN_S = 0.5  # a store that is away is asked again


class Shift:
    """Runs lanes that look for work themselves, or single pages that somebody else hands out.

    After `stop` no further intent is committed, what waits for its turn goes back to the queue at once, and calls to
    vendors have the pace's `grace` to end; those that then still run are called uncertain.
    """

    def __init__(self, worker: Worker, stop: asyncio.Event) -> None:
        self.worker = worker
        self.stop = stop
        self._wake = asyncio.Event()
        self._away = False
        self._pages: dict[tuple[str, bool], tuple[asyncio.Lock, set[asyncio.Task[None]]]] = {}

    def wake(self) -> None:
        """Let idle lanes look for work now."""
        old, self._wake = self._wake, asyncio.Event()
        old.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Outcomes are committed and leases renewed within the block; at its end nothing is left in flight."""
        self.worker.leases.take_up()
        tasks = [asyncio.create_task(work()) for work in (self._flush, self._renew)]
        try:
            yield
        finally:
            self.stop.set()
            self.worker.leases.let_go()
            await asyncio.gather(*tasks)
            await self.worker.flush()

    async def lanes(self, channels: Sequence[str], *, idle_s: float = 0.2) -> None:
        """Send what is due until told to stop; urgent messages have a lane of their own."""
        await asyncio.gather(*(self._lane(channel, idle_s, urgent) for channel in channels for urgent in (True, False)))

    async def page(self, channel: str, *, urgent: bool) -> int:
        """Send one chunk of what is due, to its end; answers how many rows it had. Pages of a lane share its room."""
        turn, lane = self._pages.setdefault((channel, urgent), (asyncio.Lock(), set()))
        async with turn:
            while lane and not self.worker.room(lane, channel) and not self.stop.is_set():
                await self._pause(None, (self.stop,), lane)
            if self.stop.is_set():
                return 0
            staged = await self.worker.stage(channel, most=self.worker.chunk(channel), urgent=urgent)
            calls: set[asyncio.Task[None]] = set()
            self.worker.spawn(staged.ready, calls)
            lane |= calls
        for call in calls:
            call.add_done_callback(lane.discard)
        await self._finish(calls)
        await self.worker.flush()
        return staged.rows

    async def _lane(self, channel: str, idle_s: float, urgent: bool) -> None:
        calls: set[asyncio.Task[None]] = set()
        while not self.stop.is_set():
            rows, wake = 0, self._wake
            try:
                if self.worker.room(calls, channel):
                    staged = await self.worker.stage(channel, most=self.worker.chunk(channel), urgent=urgent)
                    rows = staged.rows
                    self.worker.spawn(staged.ready, calls)
                self._back()
            except StoreError as exc:
                self._gone(exc)
                await self._pause(_AGAIN_S, (self.stop,))
                continue
            if not rows:
                await self._pause(idle_s, (self.stop, wake), calls)
        await self._finish(calls)

    async def _finish(self, calls: set[asyncio.Task[None]]) -> None:
        """Wait for calls. Once told to stop, those that have not begun go back at once, the others have the grace to end."""
        if calls:
            await self._pause(None, (self.stop,), {asyncio.gather(*calls, return_exceptions=True)})
        if not self.stop.is_set():
            return
        self.worker.leases.let_go()
        await asyncio.sleep(0)  # a task that has not started yet could not say what became of its message
        waiting = {call for call in calls if not self.worker.begun(call)}
        for late, grace in ((waiting, 0.0), (calls, self.worker.grace.total_seconds())):
            if grace and calls:
                await asyncio.wait(calls, timeout=grace)
            ending = set(late)
            for call in ending:
                call.cancel()
            if ending:
                await asyncio.wait(ending)

    async def _flush(self) -> None:
        while not self.stop.is_set() or self.worker.in_flight:
            await self._pause(FLUSH_S, (self.stop,))
            if self.stop.is_set():
                await asyncio.sleep(FLUSH_S / 4)
            try:
                await self.worker.flush()
            except StoreError as exc:
                self._gone(exc)

    async def _renew(self) -> None:
        every = self.worker.leases.span.total_seconds() / 3
        while not self.stop.is_set() or self.worker.in_flight:
            await self._pause(every if not self.stop.is_set() else FLUSH_S, (self.stop,))
            try:
                if lost := await self.worker.leases.renew():
                    _log.warning("%d messages were taken over by the reaper before their turn came; they are not sent", lost)
            except StoreError as exc:
                self._gone(exc)

    def _gone(self, exc: StoreError) -> None:
        if not self._away:
            _log.warning("the store is away; nothing is lost, it is tried again: %s", exc)
        self._away = True

    def _back(self) -> None:
        if self._away:
            _log.warning("the store is back")
        self._away = False

    async def _pause(
        self, seconds: float | None, events: Sequence[asyncio.Event], calls: Iterable[asyncio.Future[Any]] = ()
    ) -> None:
        """Wait for the first of some events or calls, or for a time."""
        waits = {asyncio.create_task(event.wait()) for event in events}
        try:
            await asyncio.wait({*waits, *calls}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
