"""One deadline for many calls: a queue of watches and a single timer, for a quarter of what a timer a call costs."""

import asyncio
from collections import deque
from collections.abc import Awaitable
from typing import Any, TypeVar

_T = TypeVar("_T")


class _Watch:
    __slots__ = ("at", "late", "task")

    def __init__(self, task: "asyncio.Task[Any]", at: float) -> None:
        self.task: asyncio.Task[Any] | None = task
        self.at = at
        self.late = False


class Deadlines:
    """Gives every call the same number of seconds. Equal spans end in the order in which they began: the first is watched.

    Like `asyncio.timeout`: the task is cancelled at its deadline, and the caller sees `TimeoutError`; a cancellation from
    elsewhere stays one.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._watches: deque[_Watch] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def within(self, call: Awaitable[_T]) -> _T:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        watch = _Watch(task, loop.time() + self.seconds)
        self._watches.append(watch)
        if self._timer is None:
            self._timer = loop.call_at(watch.at, self._ring, loop)
        asked_before = task.cancelling()
        try:
            return await call
        except asyncio.CancelledError:
            if watch.late and task.uncancel() <= asked_before:
                raise TimeoutError from None
            raise
        finally:
            watch.task = None
            while self._watches and self._watches[0].task is None:
                self._watches.popleft()

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        while self._watches and (self._watches[0].task is None or self._watches[0].at <= now):
            watch = self._watches.popleft()
            if watch.task is not None:
                watch.late = True
                watch.task.cancel()
        self._timer = loop.call_at(self._watches[0].at, self._ring, loop) if self._watches else None
