"""Turns of two threads at the interpreter: while the store judges a page, the loop does not fight for the lock.

A loop with many requests under way lets go of the interpreter's lock at each of its system calls, and has it back at once:
a thread that waits for the lock is woken each time for nothing, which costs both of them a third of their time. On
PostgreSQL, where pages are judged in the loop itself, it stands still for as long.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_PATIENCE_S = 0.25  # a loop that is busy, stopped or closed is not waited for
_LONGEST_S = 1.0  # a policy may bring a loader that asks this very loop


@contextmanager
def stand_still(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Let a loop of another thread wait while the block runs, for a second at most.

    If the loop does not come to that soon, the block runs beside it.
    """
    came, over = threading.Event(), threading.Event()

    def wait() -> None:
        came.set()
        over.wait(_LONGEST_S)

    try:
        loop.call_soon_threadsafe(wait)
    except RuntimeError:  # it is closed
        over.set()
    try:
        if not over.is_set():
            came.wait(_PATIENCE_S)
        yield
    finally:
        over.set()
