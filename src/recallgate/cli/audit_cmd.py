"""`recallgate audit`: does what was written down explain the state of every message?"""

from typing import Annotated

import typer

from recallgate.cli.gateways import ConfigOption, StoreOption, gateway_of, with_gateway
from recallgate.cli.output import JsonFlag, print_json, say, table


def audit(
    config: ConfigOption = None,
    store: StoreOption = None,
    most: Annotated[int, typer.Option(min=1, help="Stop after so many differences.")] = 1000,
    json_output: JsonFlag = False,
) -> None:
    """Rebuild the state of every message from its attempts, decisions and events; ends with 1 when something differs."""
    found = with_gateway(gateway_of(config, store=store), lambda one: one.audit(most=most))
    if json_output:
        print_json({"messages": found.messages, "states": dict(found.states), "differences": found.differences})
    elif found.differences:
        rows = [(one.message_id, one.what, one.stored, one.rebuilt) for one in found.differences]
        table(("message", "what", "stored", "rebuilt"), rows)
    if not json_output:
        say(f"{found.messages} messages, {len(found.differences)} differences")
    if found.differences:
        raise typer.Exit(1)
