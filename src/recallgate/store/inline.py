"""A store that works in its caller's thread, for simulations: nothing else runs meanwhile that a thread could serve."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection

from recallgate.model.errors import StoreError
from recallgate.store.engine import Order, Store, Work, connect, execute_orders

_T = TypeVar("_T")
_COMMIT_S = 0.5


class InlineStore(Store):
    """The same transactions without the way to a thread and back, which costs as much as a small one.

    Each is a savepoint, and they are committed together twice a second and when the store is closed: a simulation that
    ends early is run again from its beginning, so nothing waits for the disk, and nothing is written twice for its sake.
    """

    def __init__(self, url: str = "sqlite://") -> None:
        super().__init__(url)
        self._connection: Connection | None = None
        self._small: list[Order] = []
        self._began: float | None = None

    async def open(self) -> None:
        if self._connection is None:
            self._connection = connect(self.path, self.vault)
            raw = self._connection.connection.driver_connection
            assert raw is not None
            for setting in ("journal_mode=memory", "synchronous=off", "cache_size=-40960"):
                raw.execute(f"pragma {setting}")

    async def close(self) -> None:
        if self._connection is not None:
            self._flush()
            connection, self._connection = self._connection, None
            self._commit(connection)
            connection.close()
            connection.engine.dispose()

    async def run(self, work: Work[_T], *, urgent: bool = False, small: bool = False, heavy: bool = False) -> _T:
        if self._connection is None:
            raise StoreError("store: it is not open; use `async with` or await open() first")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        order = Order(1, 0, work, small, heavy, None, future)
        if small:
            if not self._small:
                loop.call_soon(self._flush)
            self._small.append(order)
        else:
            self._flush()
            execute_orders(self._connection, [order], self._savepoint)
        answer: _T = await future
        return answer

    def _flush(self) -> None:
        orders, self._small = self._small, []
        if orders and self._connection is not None:
            execute_orders(self._connection, orders, self._savepoint)

    @contextmanager
    def _savepoint(self, connection: Connection) -> Iterator[None]:
        raw = connection.connection.driver_connection
        assert raw is not None
        if self._began is None:
            raw.execute("begin immediate")
            self._began = time.monotonic()
        raw.execute("savepoint one")
        try:
            yield
        except BaseException:
            raw.execute("rollback to one")
            raise
        finally:
            raw.execute("release one")
            if time.monotonic() - self._began > _COMMIT_S or connection.in_transaction():
                self._commit(connection)

    def _commit(self, connection: Connection) -> None:
        raw = connection.connection.driver_connection
        assert raw is not None
        raw.commit()
        self._began = None
        if connection.in_transaction():  # somebody ran a statement of SQLAlchemy's: its notes end with ours
            connection.rollback()
