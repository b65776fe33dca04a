"""`recallgate dead`: messages that failed for good, why, what to do, and the way back into the queue."""

import dataclasses
from typing import Annotated

import typer

from recallgate.cli.gateways import ConfigOption, StoreOption, gateway_of, with_gateway
from recallgate.cli.output import JsonFlag, pairs, print_json, say, table

app = typer.Typer(help="Dead letters: failed messages, their remedy, and their replay.", no_args_is_help=True)

Kind = Annotated[str | None, typer.Option(help="Only of this kind of failure, such as auth.")]
Reason = Annotated[str | None, typer.Option(help="Only with this reason, as `dead list` shows it.")]
CampaignName = Annotated[str | None, typer.Option(help="Only of this campaign.")]
ChannelName = Annotated[str | None, typer.Option(help="Only of this channel.")]
Most = Annotated[int, typer.Option(min=1, help="At most so many, the latest first.")]


@app.command("list")
def list_letters(
    config: ConfigOption = None,
    store: StoreOption = None,
    kind: Kind = None,
    reason: Reason = None,
    campaign: CampaignName = None,
    channel: ChannelName = None,
    most: Most = 100,
    json_output: JsonFlag = False,
) -> None:
    """List dead letters with reason and remedy, the latest first; addresses are masked."""
    found = with_gateway(
        gateway_of(config, store=store),
        lambda one: one.dead.list(kind=kind, reason=reason, campaign=campaign, channel=channel, most=most),
    )
    if json_output:
        print_json({"dead": found})
        return
    rows = [(one.id, one.channel, one.address, one.died_at.isoformat(), one.reason, one.remedy) for one in found]
    table(("message", "channel", "to", "since", "reason", "remedy"), rows)


@app.command("show")
def show(
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="The id of the message.")],
    config: ConfigOption = None,
    store: StoreOption = None,
    json_output: JsonFlag = False,
) -> None:
    """Show one dead letter: why it died, what the vendor said, what to do."""
    letters = with_gateway(gateway_of(config, store=store), lambda one: one.dead.list([message]))
    if not letters:
        from recallgate.model.errors import ConfigError

        raise ConfigError(f"message {message!r} is no dead letter; `recallgate explain {message}` tells where it is")
    told = {field.name: getattr(letters[0], field.name) for field in dataclasses.fields(letters[0])}
    if json_output:
        print_json(told)
    else:
        pairs({name: value.isoformat() if name.endswith("_at") else value for name, value in told.items()})


@app.command("replay")
def replay(
    messages: Annotated[list[str] | None, typer.Argument(metavar="[MESSAGE]...", help="Ids; or choose with the options.")] = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    kind: Kind = None,
    reason: Reason = None,
    campaign: CampaignName = None,
    channel: ChannelName = None,
    every: Annotated[bool, typer.Option("--all", help="Every dead letter.")] = False,
    most: Most = 1000,
    json_output: JsonFlag = False,
) -> None:
    """Put dead letters back into the queue; all rules decide again, and the replay stays visible."""
    from recallgate.gateway import Gateway
    from recallgate.model.errors import ConfigError

    chosen = tuple(messages or ())
    if not (chosen or every or kind or reason or campaign or channel):
        raise ConfigError("dead replay: name messages, or choose with --kind, --reason, --campaign, --channel, or --all")

    async def work(one: Gateway) -> list[str]:
        found = await one.dead.list(chosen, kind=kind, reason=reason, campaign=campaign, channel=channel, most=most)
        return list(await one.dead.replay([letter.id for letter in found]))

    again = with_gateway(gateway_of(config, store=store), work)
    if json_output:
        print_json({"replayed": again})
    else:
        say(f"{len(again)} of {len(chosen)} replayed" if chosen else f"{len(again)} replayed")
