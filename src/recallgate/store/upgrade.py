"""Bring a database to this release's tables, or back: alembic's migrations, with a version table of our own."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from recallgate.model.errors import StoreError

if TYPE_CHECKING:
    from alembic.config import Config

_WAIT_S = 30


def upgrade(url: str, *, to: str = "head") -> str:
    """Migrate the database at `url` up to a version; answers the version it has then.

    A file that is not there yet is made. All steps are one transaction: a fault leaves the database as it was. Raises
    `StoreError` for a database in memory, one that a newer release made, and one that is in use or no database.
    """
    return _migrate(url, "upgrade", to)


def downgrade(url: str, *, to: str) -> str:
    """Migrate back to an older version, `base` for none of our tables; answers the version it has then, or an empty text."""
    return _migrate(url, "downgrade", to)


def version(url: str) -> str:
    """The version that the database at `url` has, or an empty text."""
    return _within(url, _found)


def alembic_config(connection: Any = None) -> "Config":
    """The settings with which alembic finds the migrations; for hosts that run them beside their own."""
    from pathlib import Path

    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _migrate(url: str, direction: str, to: str) -> str:
    from alembic import command
    from alembic.util import CommandError
    from sqlalchemy.exc import DBAPIError

    def work(connection: Any) -> str:
        (command.upgrade if direction == "upgrade" else command.downgrade)(alembic_config(connection), to)
        return _found(connection)

    try:
        return _within(url, work)
    except CommandError as exc:
        raise StoreError(f"store: {exc}; was the database made by a newer release? Then install that one") from exc
    except DBAPIError as exc:
        raise StoreError(f"store: it cannot be migrated: {str(exc.orig).splitlines()[0]}") from exc


def _within(url: str, work: Callable[[Any], str]) -> str:
    """Do it in one transaction that has the changes of the schema in it as well."""
    if url.startswith(("postgresql:", "postgres:")):
        return _within_postgres(url, work)
    with _begun(url) as connection:
        return work(connection)


def _within_postgres(url: str, work: Callable[[Any], str]) -> str:
    import asyncio

    from recallgate.store.postgres import engine_for, schema_lock

    async def run() -> str:
        engine = engine_for(url, pool=0)
        try:
            async with engine.begin() as connection:
                await connection.run_sync(schema_lock)
                return await connection.run_sync(work)
        except OSError as exc:
            raise StoreError(f"store: PostgreSQL cannot be reached: {type(exc).__name__}") from None
        finally:
            await engine.dispose()

    return asyncio.run(run())


def _begun(url: str) -> Any:
    """A connection in a transaction that takes the write lock at once."""
    from sqlalchemy import create_engine, event
    from sqlalchemy.pool import NullPool

    if not url.startswith("sqlite:///") or url == "sqlite:///:memory:":
        raise StoreError(
            "store: only a database in a file can be migrated; write sqlite:///path/to/file, or a postgresql:// address"
        )
    # without sqlite3's own transactions, which would commit before each change of the schema
    engine = create_engine(url, poolclass=NullPool, connect_args={"isolation_level": None, "timeout": _WAIT_S})
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("begin immediate"))
    return engine.begin()


def _found(connection: Any) -> str:
    from sqlalchemy import inspect, text

    if not inspect(connection).has_table("rg_schema_version"):
        return ""
    return str(connection.execute(text("select version_num from rg_schema_version")).scalar() or "")
