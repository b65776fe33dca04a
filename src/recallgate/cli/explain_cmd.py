"""`recallgate explain`: why a message is where it is, what would happen to one now, a person's story."""

from typing import Annotated, Any

import typer

from recallgate.cli.gateways import ConfigOption, DsnOption, StoreOption, gateway_of, verdict_words, with_gateway
from recallgate.cli.inputs import read_object
from recallgate.cli.output import JsonFlag, print_json, say, table


def explain(
    identity: Annotated[str | None, typer.Argument(metavar="[ID]", help="A stored message.")] = None,
    message: Annotated[str | None, typer.Option("--message", metavar="M.json", help="Ask without sending; - is stdin.")] = None,
    person: Annotated[str | None, typer.Option("--person", metavar="ID", help="Everything about one person.")] = None,
    store: StoreOption = None,
    config: ConfigOption = None,
    dsn: DsnOption = None,
    json_output: JsonFlag = False,
) -> None:
    """Explain a stored message, a message that was not sent, or a person. Nothing is written or reserved."""
    from recallgate.config import parse_message
    from recallgate.model.errors import ConfigError

    if sum(one is not None for one in (identity, message, person)) != 1:
        raise ConfigError("explain: give one of a message's ID, --message M.json and --person ID")
    if message is not None:
        words = parse_message(read_object(message, "message"))
        told = with_gateway(gateway_of(config, store=store, dsn=dsn, memory=store is None), lambda one: one.explain(words))
    elif person is not None:
        told = with_gateway(gateway_of(config, store=store), lambda one: one.explain_person(person))
    else:
        told = with_gateway(gateway_of(config, store=store), lambda one: one.explain(str(identity)))
    if json_output:
        print_json(told)
    elif message is not None:
        _show_dry(told)
    else:
        for line in told.get("summary", ()):
            say(line)
        if told.get("summary") and told["story"]:
            say()
        for line in told["story"]:
            say(line)
        if not told["story"]:
            say("Nothing is known of this person.")


def _show_dry(told: dict[str, Any]) -> None:
    say(verdict_words(told))
    if told["account"] is None:
        say(f"No account serves {told['channel']}.")
    place = told["place"]
    zones = ", ".join(place["zones"]) or "unknown"
    say(f"Its recipient's zone is {zones}, from the {place['tz_source'] or 'default'}.")
    table(
        ("policy", "verdict", "code", "rule"),
        [(step.get("policy"), step.get("verdict"), step.get("code"), step.get("rule_id")) for step in told["trace"]],
    )
