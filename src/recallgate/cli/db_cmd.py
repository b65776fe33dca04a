"""`recallgate db upgrade`: tables for a new store, later migrations for an older one."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recallgate.cli.gateways import ConfigOption, settings_of
from recallgate.cli.output import say

if TYPE_CHECKING:
    from recallgate.store.engine import Store

app = typer.Typer(help="The store's tables.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The store's tables."""


@app.command("upgrade")
def upgrade(
    store: Annotated[str | None, typer.Option("--store", metavar="URL", help="Such as sqlite:///recallgate.sqlite.")] = None,
    config: ConfigOption = None,
) -> None:
    """Make the tables of a new store, or bring an older store up to date."""
    from recallgate.model.errors import ConfigError
    from recallgate.store.engine import Store
    from recallgate.store.tables import HEAD

    address = store or settings_of(config).store
    if address is None:
        raise ConfigError("store: none is named; give --store sqlite:///path, or --config with gateway.store")
    opened = Store(address)
    if opened.in_memory:
        raise ConfigError("store: one in memory has nothing to keep; name a file, such as sqlite:///recallgate.sqlite")
    before = _version(opened.path)
    if before is not None and before != HEAD:
        _migrate(address)
    asyncio.run(_open_once(opened))
    say(f"{opened.path} is at version {HEAD}" + (f", it was at {before}" if before not in (None, HEAD) else ""))


def _version(path: str) -> str | None:
    """The version of a database file; None for a new one."""
    import sqlite3

    from recallgate.model.errors import StoreError

    if not Path(path).is_file():
        return None
    try:
        with sqlite3.connect(f"file:{Path(path).as_posix()}?mode=ro", uri=True) as connection:
            there = connection.execute("select 1 from sqlite_master where name = 'rg_schema_version'").fetchone()
            row = connection.execute("select version_num from rg_schema_version").fetchone() if there else None
    except sqlite3.DatabaseError as exc:
        raise StoreError(f"store: {path} is not a database of recallgate: {exc}") from None
    return str(row[0]) if row else None


def _migrate(address: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    import recallgate.store
    from recallgate.model.errors import StoreError

    settings = Config()
    settings.set_main_option("script_location", str(Path(str(recallgate.store.__file__)).parent / "migrations"))
    settings.set_main_option("sqlalchemy.url", address.replace("%", "%%"))
    try:
        command.upgrade(settings, "head")
    except CommandError as exc:
        raise StoreError(f"store: it cannot be brought up to date: {exc}") from None


async def _open_once(store: "Store") -> None:
    await store.open()
    await store.close()
