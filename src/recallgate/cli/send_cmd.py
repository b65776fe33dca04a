"""`recallgate send`: one message now."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from recallgate.cli.gateways import ConfigOption, DsnOption, StoreOption, gateway_of, verdict_words, with_gateway
from recallgate.cli.inputs import read_object
from recallgate.cli.output import JsonFlag, note, print_json, say

if TYPE_CHECKING:
    from recallgate.gateway import Delivery
    from recallgate.model.message import Message


def send(
    message: Annotated[str | None, typer.Option("--message", metavar="M.json", help="The message as JSON; - is stdin.")] = None,
    sms: Annotated[tuple[str, str] | None, typer.Option("--sms", metavar="TO TEXT", help="A text to a number in E.164.")] = None,
    purpose: Annotated[str | None, typer.Option(help="With --sms: otp, transactional, service or marketing.")] = None,
    config: ConfigOption = None,
    dsn: DsnOption = None,
    store: StoreOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    json_output: JsonFlag = False,
) -> None:
    """Send a message and say what became of it.

    Ends with 0 when it was taken or waits, with 1 when it was refused, dropped, or nobody knows.
    """
    words = _message(message, sms, purpose)
    gateway = gateway_of(config, store=store, dsn=dsn, memory=True)
    if dry_run:
        told = with_gateway(gateway, lambda open_one: open_one.explain(words))
        if json_output:
            print_json(told)
        else:
            say(verdict_words(told))
            if told["account"] is None:
                say(f"No account serves {told['channel']}.")
        return
    if gateway.store.in_memory and not json_output:
        note("no store is configured: what is learned of this message ends with the command; name one with --store")
    delivery = with_gateway(gateway, lambda open_one: open_one.send(words))
    if json_output:
        print_json(_as_dict(delivery))
    else:
        say(_sentence(delivery))
    if not (delivery.state.taken or delivery.state in ("queued", "held", "sending")):
        raise typer.Exit(1)


def _message(path: str | None, sms: tuple[str, str] | None, purpose: str | None) -> "Message":
    from recallgate.config import parse_message
    from recallgate.model.errors import ConfigError

    if (path is None) == (sms is None):
        raise ConfigError("message: give one of --message M.json and --sms TO TEXT")
    if path is not None:
        if purpose is not None:
            raise ConfigError("purpose: it stands in the message; leave out --purpose")
        return parse_message(read_object(path, "message"))
    assert sms is not None
    if purpose is None:
        raise ConfigError("purpose: give --purpose otp, transactional, service or marketing; rules depend on it")
    to, text = sms
    content = {"type": "text", "text": text}
    return parse_message({"channel": "sms", "to": {"type": "phone", "e164": to}, "content": content, "purpose": purpose})


def _as_dict(delivery: "Delivery") -> dict[str, Any]:
    receipt, verdict, error = delivery.receipt, delivery.verdict, delivery.error
    until = getattr(verdict, "until", None)
    return {
        "message_id": delivery.message_id,
        "state": delivery.state.value,
        "duplicate": delivery.duplicate,
        "receipt": {"vendor_id": receipt.vendor_id, "parts": receipt.parts} if receipt else None,
        "verdict": {
            "verdict": type(verdict).__name__.lower(),
            "policy": verdict.policy or None,
            "code": verdict.code or None,
            "rule_id": verdict.rule_id,
            "until": until,
            "facts": dict(verdict.facts),
        }
        if verdict
        else None,
        "error": {"kind": error.kind.value, "code": error.code, "detail": error.detail} if error else None,
    }


def _sentence(delivery: "Delivery") -> str:
    words = f"{delivery.state} (message {delivery.message_id}"
    if delivery.receipt:
        words += f", the vendor's id {delivery.receipt.vendor_id}"
    words += ")"
    if delivery.duplicate:
        words += "; the same message had come before"
    verdict, error = delivery.verdict, delivery.error
    if verdict and verdict.code:
        words += f"; {verdict.policy} says {verdict.code}"
    if until := getattr(verdict, "until", None):
        words += f", until {until.isoformat()}"
    if error:
        words += f"; {error}"
    return words
