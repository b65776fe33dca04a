"""Commands for operators: status, pause, resume, stop, suppressions."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recallgate.cli import rules_cmd
from recallgate.cli.gateways import ConfigOption, StoreOption, gateway_of, with_gateway
from recallgate.cli.output import JsonFlag, print_json, say, table

if TYPE_CHECKING:
    from recallgate.gateway import Gateway

Scope = Annotated[str, typer.Argument(help="campaign, account or channel.")]
ScopeName = Annotated[str, typer.Argument(metavar="NAME", help="Which one.")]

suppressions = typer.Typer(help="People and addresses that are not written to.", no_args_is_help=True)
rules = rules_cmd.app


def status(config: ConfigOption = None, store: StoreOption = None, json_output: JsonFlag = False) -> None:
    """How it stands: messages by state, queues and their lateness, workers, accounts."""
    found = with_gateway(gateway_of(config, store=store), lambda one: one.status())
    if json_output:
        print_json(found)
        return
    table(("state", "messages"), found["messages"].items())
    if found["queue"]:
        rows = [(name, one["due"], one["waiting"], one["lateness_s"]) for name, one in found["queue"].items()]
        table(("queue", "due", "waits for its hour", "late by (s)"), rows)
    if found["accounts"]:
        health = [(name, one["available"], one["breaker_open"], one["reason"] or "") for name, one in found["accounts"].items()]
        table(("account", "available", "breaker open", "why"), health)
    if found["workers"]:
        about = [[one[key] for key in ("host", "pid", "engine", "alive", "in_flight")] for one in found["workers"]]
        table(("worker on", "process", "engine", "alive", "in flight"), about)


def pause(scope: Scope, name: ScopeName, config: ConfigOption = None, store: StoreOption = None) -> None:
    """Pause a campaign, an account or a channel: effective before the next message leaves."""
    _switch(gateway_of(config, store=store), scope, name, switch=lambda one: one.pause(scope, name), done="paused")


def resume(scope: Scope, name: ScopeName, config: ConfigOption = None, store: StoreOption = None) -> None:
    """Let a paused campaign, account or channel go on."""
    _switch(gateway_of(config, store=store), scope, name, switch=lambda one: one.resume(scope, name), done="goes on")


def stop(scope: Scope, name: ScopeName, config: ConfigOption = None, store: StoreOption = None) -> None:
    """Stop a campaign, an account or a channel for good."""
    _switch(gateway_of(config, store=store), scope, name, switch=lambda one: one.stop(scope, name), done="stopped")


def _switch(gateway: "Gateway", scope: str, name: str, *, switch: Callable[["Gateway"], Awaitable[None]], done: str) -> None:
    from recallgate.model.errors import ConfigError
    from recallgate.registry import channel

    if scope == "channel":
        channel(name)
    elif scope == "account" and gateway.accounts and name not in gateway.accounts:
        raise ConfigError(f"account {name!r} is not known; there are: {', '.join(gateway.accounts)}")
    with_gateway(gateway, switch)
    say(f"{scope} {name} {done}")


@suppressions.command("list")
def list_suppressions(
    config: ConfigOption = None,
    store: StoreOption = None,
    person: Annotated[str | None, typer.Option(help="Only this person's.")] = None,
    address: Annotated[str | None, typer.Option(help="Only this address's.")] = None,
    json_output: JsonFlag = False,
) -> None:
    """List what stands, newest first; addresses are masked."""
    gateway = gateway_of(config, store=store)
    subject = f"p:{person}" if person is not None else f"a:{address}" if address is not None else None
    rows = with_gateway(gateway, lambda one: one.store.run(lambda c: _standing(c, one.config.tenant, subject)))
    if json_output:
        print_json({"suppressions": rows})
    else:
        table(
            ("subject", "channel", "topic", "reason", "source", "since"),
            [[row[key] for key in ("subject", "channel", "topic", "reason", "source", "effective_at")] for row in rows],
        )


@suppressions.command("add")
def add_suppression(
    config: ConfigOption = None,
    store: StoreOption = None,
    person: Annotated[str | None, typer.Option(help="The person not to be written to.")] = None,
    address: Annotated[str | None, typer.Option(help="The address not to be written to.")] = None,
    channel: Annotated[str, typer.Option(help="The channel; * is all.")] = "*",
    all_purposes: Annotated[bool, typer.Option("--all-purposes", help="Otp and transactional messages too.")] = False,
) -> None:
    """Stop writing to a person or an address, from now on."""
    from recallgate.registry import channel as known_channel

    if channel != "*":
        known_channel(channel)
    with_gateway(
        gateway_of(config, store=store),
        lambda one: one.suppress(person=person, address=address, channel=channel, all_purposes=all_purposes, source="cli"),
    )
    say("done")


def _standing(connection: Any, tenant: str, subject: str | None) -> list[dict[str, Any]]:
    from sqlalchemy import select

    from recallgate.model.clock import from_ms
    from recallgate.model.redaction import mask, mask_email
    from recallgate.store.tables import suppression

    query = select(suppression).where(suppression.c.tenant == tenant, suppression.c.cleared_at.is_(None))
    if subject is not None:
        query = query.where(suppression.c.subject == subject)
    rows = []
    for row in connection.execute(query.order_by(suppression.c.seq.desc())).mappings():
        kind, _, value = str(row["subject"]).partition(":")
        hidden = f"person {value}" if kind == "p" else mask_email(value) if "@" in value else mask(value)
        until = row["expires_at"]
        rows.append(
            {
                "subject": hidden,
                **{name: row[name] for name in ("channel", "topic", "sender", "reason", "source")},
                "all_purposes": bool(row["all_purposes"]),
                "effective_at": from_ms(row["effective_at"]).isoformat(),
                "expires_at": from_ms(until).isoformat() if until is not None else None,
            }
        )
    return rows
