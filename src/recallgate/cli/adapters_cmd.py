"""`recallgate adapters`: what there is, what it needs, what it would send, what it reads."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from recallgate.cli.adapters_check import check
from recallgate.cli.adapters_matrix import matrix
from recallgate.cli.adapters_new import new
from recallgate.cli.adapters_record import record
from recallgate.cli.inputs import instant, read_object
from recallgate.cli.output import JsonFlag, note, pairs, print_json, say, table

app = typer.Typer(help="Adapters: list, show, request, callback, check, record, new, matrix.", no_args_is_help=True)
app.command("check")(check)
app.command("record")(record)
app.command("new")(new)
app.command("matrix")(matrix)

Name = Annotated[str, typer.Argument(metavar="NAME", help="An adapter, such as twilio.sms.")]
ConfigFile = Annotated[str, typer.Option("--config", metavar="C.json", help="The adapter's settings as JSON; - is stdin.")]
Now = Annotated[str | None, typer.Option(metavar="ISO", help="The time to work with, such as 2026-11-22T10:00:00Z.")]
Nonce = Annotated[str | None, typer.Option(metavar="TEXT", help="Used as it is wherever random text is needed.")]

_CALLBACKS = {
    "signature": "callbacks are signed by the vendor and verified",
    "secret_path": (
        "the vendor does not sign its callbacks: only the secret in their address proves their origin, so give the vendor "
        "the whole address /callbacks/ACCOUNT/SECRET, over https, and set the gateway's secret so that it stays the same"
    ),
    "none": "the vendor sends no callbacks",
}


@app.command("list")
def list_adapters(json_output: JsonFlag = False) -> None:
    """List the adapters that are installed, those of other packages too."""
    from recallgate.model.errors import ConfigError
    from recallgate.registry import ADAPTERS, adapter_class, names

    rows: list[dict[str, Any]] = []
    for name in names(ADAPTERS):
        try:
            cls = adapter_class(name)
        except ConfigError as exc:
            rows.append({"name": name, "error": str(exc)})
            continue
        rows.append({"name": name, "vendor": cls.vendor, "channel": cls.channel.name, "capabilities": asdict(cls.abilities())})
    if json_output:
        print_json({"adapters": rows})
        return
    table(
        ("name", "channel", "can"),
        [(row["name"], row.get("channel", "–"), row.get("error") or _abilities(row["capabilities"])) for row in rows],
    )


@app.command("show")
def show(name: Name, json_output: JsonFlag = False) -> None:
    """Show an adapter: settings and message as JSON Schema, an example of both, capabilities, error codes."""
    from recallgate.cli.examples import example_of
    from recallgate.cli.schemas import config_schema, message_schema
    from recallgate.config import shadowed
    from recallgate.registry import adapter_class

    cls = adapter_class(name)
    abilities = cls.abilities()
    config, message = example_of(cls)
    if json_output:
        print_json(
            {
                "name": name,
                "vendor": cls.vendor,
                "channel": cls.channel.name,
                "capabilities": asdict(abilities),
                "callbacks": {
                    "verified_by": abilities.callbacks,
                    "secret_path_needed": abilities.callbacks == "secret_path",
                    "means": _CALLBACKS[abilities.callbacks],
                },
                "needs": dict(cls.needs),
                "of_the_account": [f"account.{one}" for one in shadowed(cls)],
                "config_schema": config_schema(cls),
                "message_schema": message_schema(cls),
                "example_config": config,
                "example_message": message,
                "errors": dict(cls.errors),
                "report_errors": dict(cls.report_errors),
                "unverified": sorted(cls.unverified),
                "statuses": dict(cls.statuses),
            }
        )
        return
    pairs(
        {
            "name": name,
            "channel": cls.channel.name,
            "can": _abilities(asdict(abilities)),
            "callbacks": _CALLBACKS[abilities.callbacks],
            **({"needs": ", ".join(f"pip install '{one}'" for one in sorted({*cls.needs.values()}))} if cls.needs else {}),
            "addresses": ", ".join(cls.channel.addresses),
            "contents": ", ".join(cls.channel.contents),
            **({"account's own": ", ".join(f"account.{one}" for one in shadowed(cls))} if shadowed(cls) else {}),
            "example config": config,
            "example message": message,
        }
    )
    required = set(config_schema(cls).get("required", ()))
    properties = config_schema(cls).get("properties", {})
    table(
        ("setting", "needed", "default", "how to set it"),
        [
            (key, "yes" if key in required else "", _default(about), about.get("description", ""))
            for key, about in properties.items()
        ],
    )
    if cls.errors or cls.report_errors:
        codes = sorted({**cls.errors, **cls.report_errors}.items())
        table(("code", "means", ""), [(code, kind, "unverified" if code in cls.unverified else "") for code, kind in codes])


@app.command("request")
def request(
    name: Name,
    config: ConfigFile,
    message: Annotated[str, typer.Option("--message", metavar="M.json", help="The message as JSON; - is stdin.")],
    now: Now = None,
    nonce: Nonce = None,
    token: Annotated[str | None, typer.Option(metavar="TEXT", help="The access token, where one is fetched first.")] = None,
    public_url: Annotated[str | None, typer.Option(help="Ask for callbacks under this address.")] = None,
    show_secrets: Annotated[bool, typer.Option("--show-secrets", help="Do not mask secrets.")] = False,
    json_output: JsonFlag = False,
) -> None:
    """Show the request that would be sent, without a network.

    Where a token is fetched first and none is given, that request comes first. A driver's dialogue is shown as one request.
    """
    from recallgate.cli.requests import Given, describe_sending, make_adapter, read_message
    from recallgate.model.errors import ConfigError

    if public_url is not None and not public_url.startswith(("https://", "http://")):
        raise ConfigError("public_url: write the whole address, starting with https://")
    given = Given(instant(now, "now"), nonce, token, public_url, show_secrets)
    adapter = make_adapter(name, read_object(config, "config"), given)
    described = describe_sending(adapter, read_message(adapter, read_object(message, "message")), given)
    if json_output:
        print_json(described)
    elif "first" in described:
        _as_http(described["first"])
        say()
        _as_http(described["request"])
    else:
        _as_http(described)


@app.command("callback")
def callback(
    name: Name,
    config: ConfigFile,
    request_file: Annotated[
        str, typer.Option("--request", metavar="R.json", help="method, url, headers, body or body_base64 as JSON; - is stdin.")
    ],
    now: Now = None,
    nonce: Nonce = None,
    json_output: JsonFlag = False,
) -> None:
    """Show what an adapter reads from a vendor's callback, and the answer the vendor gets.

    Ends with 1 for a forged callback.
    """
    from recallgate.cli.requests import Given, make_adapter, text_or_base64
    from recallgate.model.errors import ConfigError, ForgedCallback, RecallgateError

    given = Given(instant(now, "now"), nonce)
    adapter = make_adapter(name, read_object(config, "config"), given)
    came = _callback_of(read_object(request_file, "request"), given.now or datetime.now(UTC))
    forged: ForgedCallback | None = None
    events: list[dict[str, Any]] = []
    try:
        reading = adapter.read_callback(came)
    except ForgedCallback as exc:
        forged, reply = exc, {"status": exc.status, "headers": {}, "body": ""}
    except RecallgateError:
        raise
    except Exception as exc:  # a gateway would keep such a callback raw
        raise ConfigError(f"request: the callback is genuine, but cannot be read ({type(exc).__name__})") from exc
    else:
        events = [_event(event) for event in reading.events]
        reply = {"status": reading.reply.status, "headers": dict(reading.reply.headers), **text_or_base64(reading.reply.body)}
    if json_output:
        print_json({"verified": forged is None, "events": events, "reply": reply})
    elif forged is None:
        say("verified")
        for event in events:
            pairs({key: value for key, value in event.items() if value not in (None, {})})
            say()
        say(f"reply: {reply['status']} {reply.get('body', '')}")
    else:
        note(f"not verified: {forged}")
    if forged is not None:
        raise typer.Exit(1)


def _callback_of(data: Mapping[str, Any], now: datetime) -> Any:
    import httpx

    from recallgate.adapter import Callback
    from recallgate.model.errors import ConfigError

    known = ("method", "url", "headers", "body", "body_base64")
    if strange := sorted(set(data) - set(known)):
        raise ConfigError(f"request: {strange[0]} is not known; there are {', '.join(known)}")
    url, method = data.get("url"), data.get("method", "POST")
    if not isinstance(url, str) or not url.startswith(("https://", "http://")):
        raise ConfigError("request: url: write the whole public address, starting with https://")
    if not isinstance(method, str) or not method.isalpha():
        raise ConfigError("request: method: write GET or POST")
    headers = data.get("headers") or {}
    given = list(headers.items()) if isinstance(headers, Mapping) else headers
    if not isinstance(given, list) or any(not isinstance(one, list | tuple) or len(one) != 2 for one in given):
        raise ConfigError("request: headers: write an object of names and values")
    body, packed = data.get("body"), data.get("body_base64")
    if body is not None and packed is not None:
        raise ConfigError("request: body, body_base64: give one of them")
    if not isinstance(body, str | None) or not isinstance(packed, str | None):
        raise ConfigError("request: body: write it as text, exactly as it came")
    try:
        raw = base64.b64decode(packed, validate=True) if packed is not None else (body or "").encode()
    except (ValueError, binascii.Error):
        raise ConfigError("request: body_base64: it is not base64") from None
    pairs_of_headers = [(str(key), str(value)) for key, value in given]
    return Callback(method.upper(), url, httpx.Headers(pairs_of_headers), raw, now)


def _event(event: Any) -> dict[str, Any]:
    from recallgate.policies.policy import utc_text

    return {
        "type": event.type.value,
        "message_id": event.message_id,
        "vendor_id": event.vendor_id,
        "address": event.address,
        "at": utc_text(event.at) if event.at is not None else None,
        "vendor_event_id": event.vendor_event_id,
        "status": event.status,
        "kind": event.kind.value if event.kind is not None else None,
        "code": event.code,
        "text": event.text,
        "data": dict(event.data),
    }


def _as_http(described: Mapping[str, Any]) -> None:
    say(f"{described['method']} {described['url']}")
    for key, value in described["headers"].items():
        say(f"{key}: {value}")
    say()
    say(described.get("body", described.get("body_base64", "")))


def _abilities(capabilities: Mapping[str, Any]) -> str:
    """What it can do, in words."""
    alone = capabilities["batch"] < 2
    words = [
        name.replace("_", " ") for name, value in capabilities.items() if value is True and not (alone and name == "key_in_batch")
    ]
    if capabilities["batch"] > 1:
        words.append(f"batches of {capabilities['batch']}")
    if capabilities["idempotency"]:
        words.append(f"idempotency for {capabilities['idempotency']} s")
    return ", ".join([*words, f"callbacks: {capabilities['callbacks']}"])


def _default(about: Mapping[str, Any]) -> str:
    value = about.get("default")
    return "" if value in (None, "") else str(value)
