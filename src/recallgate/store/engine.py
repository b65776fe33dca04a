"""The store's engine: transactions are functions, run one at a time by the one thread that may write.

SQLite in WAL with synchronous=FULL, each transaction `BEGIN IMMEDIATE`. Small transactions that wait together are
committed together (and one by one when one of them fails), so that many callers share one flush to disk. Urgent ones go first: an
otp never waits behind more than the one transaction that is running.
"""

import asyncio
import itertools
import logging
import math
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DatabaseError, DBAPIError
from sqlalchemy.pool import StaticPool

from recallgate.model.errors import RecallgateError, StoreError
from recallgate.store.tables import HEAD, metadata
from recallgate.store.turns import stand_still
from recallgate.store.vault import OPTION, Vault

_T = TypeVar("_T")
Work = Callable[[Connection], _T]
_log = logging.getLogger("recallgate.store")
_GROUP = 64
_BUSY_S = 30


@dataclass(order=True)
class Order:
    """A transaction that somebody waits for; without a loop it is answered in the thread that runs it."""

    priority: int
    seq: int
    work: Work[Any] | None = field(compare=False)
    small: bool = field(compare=False, default=False)
    heavy: bool = field(compare=False, default=False)
    loop: asyncio.AbstractEventLoop | None = field(compare=False, default=None)
    future: "asyncio.Future[Any] | None" = field(compare=False, default=None)


class Store:
    """A database with recallgate's tables; `url` is `sqlite:///path` or `sqlite://` for memory.

    `urgent_at`: when somebody last waited for a small urgent transaction, by the monotonic clock.
    """

    def __init__(self, url: str = "sqlite://") -> None:
        if not url.startswith("sqlite:"):
            raise StoreError(f"store: {url.split(':', 1)[0]} is not a store of this release; write sqlite:///path/to/file")
        self.url = url
        self.path = url.removeprefix("sqlite:///") if url.startswith("sqlite:///") else ":memory:"
        self._queue: queue.PriorityQueue[Order] = queue.PriorityQueue()
        self._seq = itertools.count()
        self._thread: threading.Thread | None = None
        self.vault: Vault | None = None
        self.urgent_at = -math.inf

    @property
    def skew(self) -> timedelta:
        """How far the database's clock is ahead of this machine's."""
        return timedelta(0)

    async def synchronise(self) -> None:
        """Compare the clocks; on SQLite they are one."""

    @property
    def in_memory(self) -> bool:
        return self.path == ":memory:"

    async def open(self) -> None:
        """Connect, and make the tables in a new database; an older one is brought up to date by `recallgate db upgrade`."""
        if self._thread is not None:
            return
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._thread = threading.Thread(
            target=self._serve, args=(asyncio.get_running_loop(), ready), name="recallgate-store", daemon=True
        )
        self._thread.start()
        try:
            await ready
        except BaseException:
            self._thread = None
            raise

    async def close(self) -> None:
        """Finish what waits, then disconnect."""
        if self._thread is None:
            return
        thread, self._thread = self._thread, None
        self._queue.put(Order(9, next(self._seq), None))
        await asyncio.to_thread(thread.join)

    async def run(self, work: Work[_T], *, urgent: bool = False, small: bool = False, heavy: bool = False) -> _T:
        """Run a transaction and answer what it returned, after its commit.

        `small`: a few rows, may share a commit with others. `urgent`: before everything that is not. `heavy`: a page of work
        that is Python more than SQLite, some milliseconds of it: the loop stands still meanwhile, but not for the commit.
        """
        if self._thread is None:
            raise StoreError("store: it is not open; use `async with` or await open() first")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_T] = loop.create_future()
        if urgent and small:
            self.urgent_at = time.monotonic()
        self._queue.put(Order(0 if urgent else 1, next(self._seq), work, small, heavy, loop, future))
        return await future

    def _serve(self, loop: asyncio.AbstractEventLoop, ready: "asyncio.Future[None]") -> None:
        try:
            connection = connect(self.path, self.vault)
        except Exception as exc:
            loop.call_soon_threadsafe(_settle, ready, None, exc)
            return
        loop.call_soon_threadsafe(_settle, ready, None, None)
        with connection:
            while (order := self._queue.get()).work is not None:
                orders = [order]
                while order.small and len(orders) < _GROUP:
                    try:
                        following = self._queue.get_nowait()
                    except queue.Empty:
                        break
                    if following.work is None or not following.small:
                        self._queue.put(following)
                        break
                    orders.append(following)
                execute_orders(connection, orders)
        connection.engine.dispose()


def connect(path: str, vault: Vault | None = None) -> Connection:
    """An open connection to a database that is up to date; raises `StoreError`."""
    try:
        engine = _engine(path)
        connection = engine.connect()
        if vault is not None:
            connection.execution_options(**{OPTION: vault})
        _prepare(connection)
    except RecallgateError:
        raise
    except Exception as exc:
        raise StoreError(f"store: {path} cannot be opened: {_reason(exc)}") from exc
    return connection


@contextmanager
def transaction(connection: Connection) -> Iterator[None]:
    """From `begin immediate` to the commit, past SQLAlchemy, whose own bookkeeping costs as much as a small transaction."""
    raw = connection.connection.driver_connection
    assert raw is not None
    raw.execute("begin immediate")
    try:
        yield
        raw.commit()
    except BaseException:
        raw.rollback()
        raise
    finally:
        if connection.in_transaction():  # somebody ran a statement of SQLAlchemy's: its notes end with ours
            connection.rollback()


Scope = Callable[[Connection], AbstractContextManager[None]]


def execute_orders(connection: Connection, orders: list[Order], scope: Scope = transaction) -> None:
    """Run transactions, together where there are several, and answer each of them."""
    results = _together(connection, orders, scope)
    if results is None:  # one of them failed: each for itself, so that a neighbour's fault costs nobody else
        results = [_alone(connection, order, scope) for order in orders]
    for order, (result, fault) in zip(orders, results, strict=True):
        if order.future is None:
            continue
        if order.loop is None:
            _settle(order.future, result, fault)
            continue
        try:
            order.loop.call_soon_threadsafe(_settle, order.future, result, fault)
        except RuntimeError:  # the caller's loop is closed: the work is committed, nobody waits for the answer
            _log.debug("a caller went away before its transaction was answered")


def _together(connection: Connection, orders: list[Order], scope: Scope) -> list[tuple[Any, BaseException | None]] | None:
    if len(orders) == 1:
        return [_alone(connection, orders[0], scope)]
    try:
        with scope(connection):
            return [(_call(order, connection), None) for order in orders]
    except Exception:
        return None


def _alone(connection: Connection, order: Order, scope: Scope) -> tuple[Any, BaseException | None]:
    try:
        with scope(connection):
            return _call(order, connection), None
    except Exception as exc:
        return None, _translated(exc)


def _call(order: Order, connection: Connection) -> Any:
    assert order.work is not None
    if order.heavy and order.loop is not None:
        with stand_still(order.loop):
            return order.work(connection)
    return order.work(connection)


def _settle(future: "asyncio.Future[Any]", result: Any, fault: BaseException | None) -> None:
    if future.done():
        return
    if fault is not None:
        future.set_exception(fault)
    else:
        future.set_result(result)


def _translated(exc: Exception) -> Exception:
    if isinstance(exc, (DBAPIError, sqlite3.Error)):
        return StoreError(f"store: {_reason(exc)}")
    return exc


def _reason(exc: BaseException) -> str:
    """The database's own words, without the statement and its parameters (they hold personal data)."""
    origin = getattr(exc, "orig", None) or exc
    words = str(origin).splitlines()[0] if str(origin) else type(origin).__name__
    hint = {
        "database is locked": "another process holds the write lock; it is tried for 30 s",
        "database or disk is full": "free some space; nothing that was accepted is lost",
        "unable to open database file": "does its folder exist, and may this user write there?",
        "attempt to write a readonly database": "make the file and its folder writable",
    }.get(words)
    return f"{words} ({hint})" if hint else words


def _engine(path: str) -> Engine:
    def creator() -> sqlite3.Connection:
        raw = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_S, cached_statements=512)
        _write_ahead(raw)
        raw.execute("pragma synchronous=full")
        raw.execute("pragma foreign_keys=off")
        raw.execute("pragma cache_size=-65536")
        raw.execute("pragma wal_autocheckpoint=4000")  # 16 MiB: a page that changes often is carried over once
        raw.execute("pragma temp_store=memory")
        return raw

    if path != ":memory:":
        folder = Path(path).parent
        if not folder.is_dir():
            raise StoreError(f"store: the folder {folder} does not exist; make it first")
    return create_engine("sqlite://", creator=creator, poolclass=StaticPool, hide_parameters=True)


def _write_ahead(raw: sqlite3.Connection) -> None:
    """Switch to WAL. Of several processes that open a new file one does it, and SQLite lets the others fail at once."""
    until = time.monotonic() + _BUSY_S
    while True:
        try:
            raw.execute("pragma journal_mode=wal")
            return
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _prepare(connection: Connection) -> None:
    with transaction(connection):
        try:
            tables = inspect(connection).has_table("rg_schema_version")
        except DatabaseError as exc:
            raise StoreError(f"store: this is not a database of recallgate: {_reason(exc)}") from None
        if not tables:
            metadata.create_all(connection)
            connection.execute(text("insert into rg_schema_version values (:head)"), {"head": HEAD})
            return
        found = connection.execute(text("select version_num from rg_schema_version")).scalar()
    if found != HEAD:
        raise StoreError(f"store: the database has version {found}, this release needs {HEAD}; run `recallgate db upgrade`")
