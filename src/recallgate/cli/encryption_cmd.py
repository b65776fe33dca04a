"""`recallgate encryption`: keys of sealed values, and their rotation."""

import typer

from recallgate.cli.gateways import ConfigOption, StoreOption, gateway_of, with_gateway
from recallgate.cli.output import JsonFlag, print_json, say

app = typer.Typer(help="Keys of encrypted contents.", no_args_is_help=True)


@app.command("new-key")
def new_key() -> None:
    """Print a new key, for [encryption] keys: keep it where secrets are kept, and never only beside the database."""
    from recallgate.model.sealing import new_key as made

    say(made())


@app.command("rotate")
def rotate(config: ConfigOption = None, store: StoreOption = None, json_output: JsonFlag = False) -> None:
    """Seal everything with the current key, what was stored in the clear, too; older keys may go afterwards."""
    rows = with_gateway(gateway_of(config, store=store), lambda one: one.people.rotate())
    if json_output:
        print_json({"rows": rows})
    else:
        say(f"{rows} rows looked at; all are sealed with the current key now")
