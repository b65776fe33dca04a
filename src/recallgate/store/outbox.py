"""The outbox in the caller's transaction: messages are written through whatever connection the application has.

SQLAlchemy (sync and async, connections and sessions), asyncpg, psycopg, sqlite3, aiosqlite and Django's connections. Nothing is
begun or committed here: the caller's commit is the promise, and after a rollback nothing was accepted.
"""

import re
import sqlite3
from collections.abc import Callable, Generator, Mapping, Sequence
from datetime import datetime
from typing import Any

from recallgate.model.clock import to_ms
from recallgate.model.errors import ConfigError, StoreError
from recallgate.model.message import Message
from recallgate.model.sealing import KeyRing
from recallgate.store import dialect, messages
from recallgate.store.messages import Stored

Rows = Sequence[Sequence[Any]]
Steps = Generator[tuple[str, Mapping[str, Any]], Rows, list[Stored]]
Ask = Callable[[str, Mapping[str, Any]], Any]
NOTIFY = "select pg_notify('rg_due', '')"
_KINDS = "SQLAlchemy, asyncpg, psycopg, sqlite3, aiosqlite and Django"
_NAMED = re.compile(r"(?<![:\w]):([a-z_]\w*)")


def write(connection: Any, batch: Sequence[Message], now: datetime, ring: KeyRing | None = None) -> list[Stored]:
    """Write messages through a connection that is used without `await`, in the thread that it belongs to."""
    ask, postgres = _asked_by(connection)
    steps = _steps(batch, now, ring, postgres=postgres)
    try:
        statement, values = next(steps)
        while True:
            statement, values = steps.send(ask(statement, values))
    except StopIteration as done:
        return list(done.value)


async def write_async(connection: Any, batch: Sequence[Message], now: datetime, ring: KeyRing | None = None) -> list[Stored]:
    """Write messages through any connection that is known here, awaited or not."""
    family = _family(connection)
    if family == "sqlalchemy" and _is(connection, "AsyncConnection", "AsyncSession", "async_scoped_session"):
        return list(await connection.run_sync(write, batch, now, ring))
    if not (family in ("asyncpg", "aiosqlite") or (family == "psycopg" and _is(connection, "AsyncConnection"))):
        return write(connection, batch, now, ring)
    steps = _steps(batch, now, ring, postgres=family != "aiosqlite")
    try:
        statement, values = next(steps)
        while True:
            statement, values = steps.send(await _awaited(family, connection, statement, values))
    except StopIteration as done:
        return list(done.value)


def _steps(batch: Sequence[Message], now: datetime, ring: KeyRing | None, *, postgres: bool) -> Steps:
    """What is to be asked of the database, one statement after the other; answers what became of each message."""
    if not batch:
        return []
    at = to_ms(now)
    rows = [messages.record(message, at) for message in batch]
    page = dialect.bind(rows if ring is None else messages.sealed_rows(rows, ring))
    written = {(tenant, identity) for tenant, identity in (yield messages.INSERT_PAGE, {"rows": page})}
    stored = []
    for message in batch:
        if (message.tenant, message.id) in written:
            stored.append(Stored(message.id, False))
            continue
        key = {"tenant": message.tenant, "key": message.idempotency_key or "", "id": message.id}
        found = yield messages.KNOWN, key
        if not found:
            raise StoreError("store: another transaction holds this message or its key and is not seen by yours; run it again")
        stored.append(messages.as_known(message, found[0]))
    if postgres:
        yield NOTIFY, {}
    return stored


def _family(connection: Any) -> str:
    if isinstance(connection, sqlite3.Connection):
        return "sqlite3"
    for cls in type(connection).__mro__:
        root = cls.__module__.partition(".")[0]
        if root in ("sqlalchemy", "asyncpg", "psycopg", "psycopg2", "aiosqlite", "django"):
            return root
    # Django hands out its connections through a proxy that names no module of the real one
    if hasattr(connection, "vendor") and hasattr(connection, "in_atomic_block"):
        return "django"
    raise ConfigError(f"connection: {type(connection).__name__} is not known; {_KINDS} connections are")


def _is(connection: Any, *names: str) -> bool:
    return any(cls.__name__ in names for cls in type(connection).__mro__)


def _asked_by(connection: Any) -> tuple[Ask, bool]:
    """How a connection is asked, and whether PostgreSQL answers."""
    family = _family(connection)
    if family == "sqlalchemy":
        return _through_sqlalchemy(connection)
    if family == "sqlite3":
        return lambda statement, values: connection.execute(dialect.for_sqlite(statement), values).fetchall(), False
    if family in ("psycopg", "psycopg2") and not _is(connection, "AsyncConnection"):
        return _through_cursor(connection, _pyformat), True
    if family == "django":
        if connection.vendor not in ("postgresql", "sqlite"):
            raise ConfigError(f"connection: {connection.vendor} is not a store of this release; PostgreSQL and SQLite are")
        postgres = connection.vendor == "postgresql"
        return _through_cursor(connection, _pyformat if postgres else _pyformat_sqlite), postgres
    raise ConfigError(f"connection: {type(connection).__name__} is awaited; use `await gateway.submit(..., connection=)`")


def _through_sqlalchemy(connection: Any) -> tuple[Ask, bool]:
    from sqlalchemy import text

    name = (connection.get_bind() if hasattr(connection, "get_bind") else connection).dialect.name
    if name not in ("postgresql", "sqlite"):
        raise ConfigError(f"connection: {name} is not a store of this release; PostgreSQL and SQLite are")
    named = _postgres if name == "postgresql" else dialect.for_sqlite

    def ask(statement: str, values: Mapping[str, Any]) -> Rows:
        found = connection.execute(text(named(statement)), dict(values))
        return [tuple(row) for row in found]

    return ask, name == "postgresql"


def _through_cursor(connection: Any, translate: Callable[[str], str]) -> Ask:
    def ask(statement: str, values: Mapping[str, Any]) -> Rows:
        with connection.cursor() as cursor:
            cursor.execute(translate(statement), dict(values) or None)
            return list(cursor.fetchall())

    return ask


async def _awaited(family: str, connection: Any, statement: str, values: Mapping[str, Any]) -> Rows:
    if family == "asyncpg":
        names = list(dict.fromkeys(_NAMED.findall(_postgres(statement))))
        numbered = _NAMED.sub(lambda found: f"${names.index(found[1]) + 1}", _postgres(statement))
        return [tuple(row) for row in await connection.fetch(numbered, *(values[name] for name in names))]
    if family == "aiosqlite":
        return list(await connection.execute_fetchall(dialect.for_sqlite(statement), dict(values)))
    async with connection.cursor() as cursor:
        await cursor.execute(_pyformat(statement), dict(values) or None)
        return list(await cursor.fetchall())


def _postgres(statement: str) -> str:
    # as text first: an application may have taught its driver to read and write jsonb in its own way
    return dialect.marked_for_postgres(statement).replace("cast(:rows as jsonb)", "cast(cast(:rows as text) as jsonb)")


def _pyformat(statement: str) -> str:
    return _NAMED.sub(r"%(\1)s", _postgres(statement).replace("%", "%%"))


def _pyformat_sqlite(statement: str) -> str:
    return _NAMED.sub(r"%(\1)s", dialect.for_sqlite(statement).replace("%", "%%"))
