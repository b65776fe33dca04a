"""`recallgate person`: everything of a person in one file, and nothing of them any more."""

import dataclasses
from pathlib import Path
from typing import Annotated

import typer

from recallgate.cli.gateways import ConfigOption, StoreOption, gateway_of, with_gateway
from recallgate.cli.output import JsonFlag, as_json, print_json, say, table

app = typer.Typer(help="A person's data: export and erasure.", no_args_is_help=True)

Person = Annotated[str | None, typer.Argument(metavar="[PERSON]", help="The person's id in your app.")]
AddressOption = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Somebody of whom only an address is known.")]


@app.command("export")
def export(
    person: Person = None,
    address: AddressOption = None,
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="A file that is not there yet; - is stdout.")] = "-",
    config: ConfigOption = None,
    store: StoreOption = None,
) -> None:
    """Write everything that is stored of a person as one JSON file."""
    from recallgate.model.errors import ConfigError

    if out != "-" and Path(out).exists():
        raise ConfigError(f"--out: {out} is there already; name another file")
    found = with_gateway(gateway_of(config, store=store), lambda one: one.export(person, address=address))
    if out == "-":
        print_json(found)
        return
    Path(out).touch(mode=0o600)
    Path(out).write_text(as_json(found) + "\n", encoding="utf-8")
    say(f"{sum(map(len, found['tables'].values()))} rows written to {out}")


@app.command("erase")
def erase(
    person: Person = None,
    address: AddressOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    allow_again: Annotated[
        bool, typer.Option("--allow-again", help="Add no opt-out: after another import they may be written to.")
    ] = False,
    config: ConfigOption = None,
    store: StoreOption = None,
    json_output: JsonFlag = False,
) -> None:
    """Erase a person from every table; waiting messages are cancelled. It cannot be undone."""
    gateway = gateway_of(config, store=store)
    gateway.config.erasure.needed()
    if not yes:
        typer.confirm("Everything of this person goes, for good. Go on?", abort=True)
    done = with_gateway(gateway, lambda one: one.erase(person, address=address, keep_out=not allow_again))
    if json_output:
        print_json(dataclasses.asdict(done))
        return
    table(("table", "rows touched"), [(name, n) for name, n in done.rows.items() if n])
    say(f"erased; {done.cancelled} waiting messages cancelled, {done.leaving} were leaving just then")
    if done.shared_addresses:
        say(f"{done.shared_addresses} addresses stay with other people who have them, too")
