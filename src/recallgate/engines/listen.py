"""Hearing of new work on PostgreSQL: one connection that listens, opened again whenever it is lost."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from recallgate.store.dialect import execute, postgres
from recallgate.store.engine import Store

CHANNEL = "rg_due"
_AGAIN_S = 1.0
_ALIVE_S = 5.0
_log = logging.getLogger("recallgate.engines")


def notify(connection: Connection) -> None:
    """Tell those who listen, at the commit of this transaction. SQLite has nobody to tell: there others look by themselves."""
    if postgres(connection):
        execute(connection, f"select pg_notify('{CHANNEL}', '')")


async def listen(store: Store, stop: asyncio.Event, hear: Callable[[], None]) -> None:
    """Call `hear` for each commit that brought work, and after each loss of the connection, until told to stop."""
    from recallgate.store.postgres import PostgresStore

    if not isinstance(store, PostgresStore):
        return
    while not stop.is_set():
        try:
            await _hear(store.url, stop, hear)
        except Exception as exc:
            _log.debug("listening is interrupted: %s", type(exc).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _AGAIN_S)


async def _hear(url: str, stop: asyncio.Event, hear: Callable[[], None]) -> None:
    import asyncpg  # type: ignore[import-untyped]

    def heard(*_: Any) -> None:
        hear()

    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.add_listener(CHANNEL, heard)
        hear()  # what came while nobody listened
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _ALIVE_S)
            await connection.fetchval("select 1", timeout=_ALIVE_S)
    finally:
        with suppress(Exception):
            await connection.close(timeout=1)
