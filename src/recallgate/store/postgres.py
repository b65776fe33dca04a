"""PostgreSQL as the store: many processes on many hosts, the same transactions and the same statements."""

import asyncio
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.pool import NullPool

from recallgate.model.errors import RecallgateError, StoreError
from recallgate.store.engine import Store, Work
from recallgate.store.jobs import clock
from recallgate.store.tables import HEAD, metadata
from recallgate.store.vault import OPTION

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

_T = TypeVar("_T")
_SCHEMA_LOCK = 0x7265_6361_6C6C  # any number that nobody else is likely to take
_TRIES = 6
# Two transactions stood in each other's way, and the database ended one of them: nothing of it was kept, it is run again.
_AGAIN = frozenset({"40001", "40P01"})
POOL = 8
_STEADY_S = 1.0
_SAME_MS = 20  # clocks that differ by less are taken for one


class PostgresStore(Store):
    """A PostgreSQL database with recallgate's tables; `url` as in `postgresql://user:password@host/database`.

    A transaction is one function and runs in one turn; it may be run again when the database ended it for a deadlock, so
    it must not change anything but the database. `pool` connections are kept; 0 opens one for each transaction, for callers
    with several event loops. Needs the extra `postgres`.
    """

    def __init__(self, url: str, *, pool: int = POOL) -> None:
        self.url = url
        self.path = ""
        self.urgent_at = float("-inf")
        self.vault = None
        self._size = pool
        self._engine: AsyncEngine | None = None
        self._skew = timedelta(0)

    @property
    def skew(self) -> timedelta:
        return self._skew

    async def synchronise(self) -> None:
        began, steady = time.time(), time.monotonic()
        theirs = await self.run(clock, small=True)
        took = time.monotonic() - steady
        if took < _STEADY_S:  # an answer that took long says little about when it was true
            ours = (began + took / 2) * 1000
            off = theirs - ours
            self._skew = timedelta(milliseconds=off) if abs(off) > _SAME_MS else timedelta(0)

    @property
    def in_memory(self) -> bool:
        return False

    async def open(self) -> None:
        if self._engine is not None:
            return
        engine = engine_for(self.url, self._size)
        if self.vault is not None:
            engine = engine.execution_options(**{OPTION: self.vault})
        try:
            async with engine.begin() as connection:
                await connection.run_sync(_prepare)
        except RecallgateError:
            await engine.dispose()
            raise
        except (DBAPIError, OSError) as exc:
            await engine.dispose()
            raise StoreError(f"store: PostgreSQL cannot be opened: {_reason(exc)}") from None
        self._engine = engine
        await self.synchronise()

    async def close(self) -> None:
        engine, self._engine = self._engine, None
        if engine is not None:
            await engine.dispose()

    async def run(self, work: Work[_T], *, urgent: bool = False, small: bool = False, heavy: bool = False) -> _T:
        if self._engine is None:
            raise StoreError("store: it is not open; use `async with` or await open() first")
        if urgent and small:
            self.urgent_at = time.monotonic()
        for turn in range(1, _TRIES + 1):
            try:
                async with self._engine.begin() as connection:
                    return await connection.run_sync(work)
            except DBAPIError as exc:
                if _state(exc) in _AGAIN and turn < _TRIES:
                    await asyncio.sleep(0.01 * turn)
                    continue
                raise _translated(exc) from None
            except OSError as exc:
                raise StoreError(f"store: PostgreSQL is away: {type(exc).__name__}") from None
            except Exception as exc:
                found = _asyncpg_fault(exc)
                if found is None:
                    raise
                if found in _AGAIN and turn < _TRIES:
                    await asyncio.sleep(0.01 * turn)
                    continue
                raise StoreError(f"store: {_reason(exc)}") from None
        raise AssertionError("the last turn returned or raised")


def schema_lock(connection: Connection) -> None:
    """Let one process at a time make or change the tables."""
    connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _SCHEMA_LOCK})


def engine_for(url: str, pool: int) -> "AsyncEngine":
    """An engine for a PostgreSQL address, with a pool of connections or (0) without."""
    try:
        import asyncpg  # type: ignore[import-untyped]  # noqa: F401 - only to say clearly that it is missing
    except ImportError:
        raise StoreError("store: PostgreSQL needs the extra postgres: pip install 'recallgate[postgres]'") from None
    from sqlalchemy.ext.asyncio import create_async_engine

    address = url.replace("postgresql://", "postgresql+asyncpg://", 1).replace("postgres://", "postgresql+asyncpg://", 1)
    if not pool:
        return create_async_engine(address, poolclass=NullPool, hide_parameters=True)
    return create_async_engine(
        address, pool_size=pool, max_overflow=2, pool_pre_ping=True, pool_recycle=1800, hide_parameters=True
    )


def _prepare(connection: Connection) -> None:
    schema_lock(connection)
    if not inspect(connection).has_table("rg_schema_version"):
        metadata.create_all(connection)
        connection.execute(text("insert into rg_schema_version values (:head)"), {"head": HEAD})
        return
    found = connection.execute(text("select version_num from rg_schema_version")).scalar()
    if found != HEAD:
        raise StoreError(f"store: the database has version {found}, this release needs {HEAD}; run `recallgate db upgrade`")


_NUL = ("22021", "22P05")  # as it is, and escaped within JSON


def _state(exc: DBAPIError) -> str | None:
    return getattr(exc.orig, "sqlstate", None)


def _asyncpg_fault(exc: BaseException) -> str | None:
    """The SQLSTATE of a fault of the driver that came past SQLAlchemy's own statements; None for any other fault."""
    state = getattr(exc, "sqlstate", None)
    return str(state) if state is not None else None


def _translated(exc: DBAPIError) -> Exception:
    if isinstance(exc, (OperationalError, InterfaceError)) or exc.connection_invalidated:
        return StoreError(f"store: PostgreSQL is away: {_reason(exc)}")
    return StoreError(f"store: {_reason(exc)}")


def _reason(exc: BaseException) -> str:
    """The database's own words, without the statement and its parameters (they hold personal data)."""
    origin: Any = getattr(exc, "orig", None) or exc
    if getattr(origin, "sqlstate", None) in _NUL:
        return "a text has the character NUL, which PostgreSQL does not keep; take it out"
    words = str(getattr(origin, "__cause__", None) or origin).splitlines()
    return f"{type(origin).__name__}" + (f" ({words[0][:120]})" if words and "$" not in words[0] else "")
