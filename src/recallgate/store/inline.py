"""A store that works in its caller's thread, for simulations: nothing else runs meanwhile that a thread could serve."""

import asyncio
from typing import Any, TypeVar

from sqlalchemy import Connection

from recallgate.model.errors import StoreError
from recallgate.store.engine import Order, Store, Work, connect, execute_orders

_T = TypeVar("_T")


class InlineStore(Store):
    """The same transactions without the way to a thread and back, which costs as much as a small one.

    Small transactions that are asked for in one turn of the loop share a commit, as they do in `Store`.
    """

    def __init__(self, url: str = "sqlite://") -> None:
        super().__init__(url)
        self._connection: Connection | None = None
        self._small: list[Order] = []

    async def open(self) -> None:
        if self._connection is None:
            self._connection = connect(self.path)

    async def close(self) -> None:
        if self._connection is not None:
            self._flush()
            connection, self._connection = self._connection, None
            connection.close()
            connection.engine.dispose()

    async def run(self, work: Work[_T], *, urgent: bool = False, small: bool = False) -> _T:
        if self._connection is None:
            raise StoreError("store: it is not open; use `async with` or await open() first")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()
        order = Order(1, 0, work, small, None, future)
        if small:
            if not self._small:
                loop.call_soon(self._flush)
            self._small.append(order)
        else:
            self._flush()
            execute_orders(self._connection, [order])
        answer: _T = await future
        return answer

    def _flush(self) -> None:
        orders, self._small = self._small, []
        if orders and self._connection is not None:
            execute_orders(self._connection, orders)
