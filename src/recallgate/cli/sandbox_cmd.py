"""`recallgate sandbox`: vendors and people on this machine."""

from typing import TYPE_CHECKING, Annotated

import typer

from recallgate.cli.gateways import ConfigOption
from recallgate.cli.output import say, table

if TYPE_CHECKING:
    from recallgate.sandbox.server import SandboxServer


def sandbox(
    http_port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the HTTP vendors; 0 takes a free one.")] = 8025,
    smtp_port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the mail server; 0 takes a free one.")] = 2525,
    smpp_port: Annotated[int, typer.Option(min=0, max=65_535, help="Port of the SMPP centre; 0 takes a free one.")] = 2775,
    seed: Annotated[str, typer.Option(help="The same seed gives the same people.")] = "sandbox",
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    speed: Annotated[float, typer.Option(min=0.001, help="How many times faster people live.")] = 60.0,
    config: ConfigOption = None,
) -> None:
    """Run vendors that take messages, and people who receive, click, reply and return. Ends with Ctrl-C.

    With --config the accounts of that file are served with their credentials; else accounts are made up and shown.
    """
    from recallgate.config import GatewayConfig
    from recallgate.sandbox.server import run_sandbox

    accounts = GatewayConfig.from_toml(config).accounts if config is not None else ()
    run_sandbox(
        http_port=http_port,
        smtp_port=smtp_port,
        smpp_port=smpp_port,
        seed=seed,
        accounts=accounts,
        host=host,
        speed=speed,
        ready=_say_where,
    )


def _say_where(server: "SandboxServer") -> None:
    table(
        ("account", "adapter", "base_url", "settings"),
        [(one.account, one.adapter, one.base_url, dict(one.settings)) for one in server.reaches],
    )
    say("Listening; Ctrl-C ends it.")
