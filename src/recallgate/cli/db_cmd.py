"""`recallgate db`: the store's tables and their version."""

from typing import Annotated

import typer

from recallgate.cli.gateways import ConfigOption, check_file, settings_of
from recallgate.cli.output import say
from recallgate.model.errors import ConfigError

app = typer.Typer(help="The store's tables.", no_args_is_help=True)

StoreUrl = Annotated[str | None, typer.Option("--store", metavar="URL", help="Such as sqlite:///recallgate.sqlite.")]


@app.command("upgrade")
def upgrade(store: StoreUrl = None, config: ConfigOption = None) -> None:
    """Make the tables of a new store, or bring an older store up to date, in one transaction."""
    from recallgate.store.upgrade import upgrade as migrate

    address = _address(store, config)
    say(f"{address} is at version {migrate(address)}")


@app.command("version")
def version(store: StoreUrl = None, config: ConfigOption = None) -> None:
    """Show the version of a store, and the one that this release needs."""
    from recallgate.store.tables import HEAD
    from recallgate.store.upgrade import version as found

    address = _address(store, config)
    check_file(address)
    say(f"{address} is at version {found(address) or 'none'}; this release needs {HEAD}")


def _address(store: str | None, config: str | None) -> str:
    address = store or settings_of(config).store
    if address is None:
        raise ConfigError("store: none is named; give --store sqlite:///path, or --config with gateway.store")
    return address
