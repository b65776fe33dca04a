"""`recallgate adapters record`: real answers of a vendor or a sandbox, as rows of a table in which nobody is recognised."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qs, urlsplit

import typer

from recallgate.cli.inputs import read_object
from recallgate.cli.output import JsonFlag, note, print_json, say

if TYPE_CHECKING:
    import httpx

    from recallgate.adapter import Adapter
    from recallgate.cli.disguise import Disguise
    from recallgate.model.message import Message

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
# of an answer: the wire's own, and what would tell whose it was
_NOT_KEPT = ("connection", "content-length", "content-encoding", "date", "server", "set-cookie", "transfer-encoding", "via")
_NOT_COMPARED = ("host", "content-length", "user-agent", "accept", "accept-encoding", "connection")
_FORM = "application/x-www-form-urlencoded"
_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as rows of a table."""

    name: str
    request: Mapping[str, Any]
    answer: Mapping[str, Any]


def record(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An adapter, such as acme.sms.")],
    config: Annotated[str, typer.Option("--config", metavar="C.json", help="The adapter's settings as JSON.")],
    message: Annotated[list[str], typer.Option("--message", metavar="M.json", help="A message to send; may be repeated.")],
    base_url: Annotated[str, typer.Option(help="Where it is sent: the vendor, its test system, or a sandbox on this machine.")],
    out: Annotated[str, typer.Option(metavar="T.json", help="The table; rows are added to one that exists.")],
    json_output: JsonFlag = False,
) -> None:
    """Send messages and keep request and answer as rows of an exchange table. What is sent this way arrives.

    Settings, addresses, tokens and ids of messages are replaced by placeholders, always the same; requests are built anew
    from these, as the kit will build them. Nothing is kept when a request would change its shape by that, or when a secret
    would still be seen.
    """
    from recallgate.cli.requests import Given, make_adapter, read_message
    from recallgate.model.errors import ConfigError
    from recallgate.registry import adapter_class

    cls = adapter_class(name)
    if not hasattr(cls, "build"):
        raise ConfigError(f"{name} has no HTTP: what its server says is typed into the table by hand")
    _check_base(base_url)
    settings = {**read_object(config, "config"), "base_url": base_url.rstrip("/")}
    table = _table(out)
    done = []
    for path in message:
        now = datetime.now(UTC)
        adapter: Any = make_adapter(name, settings, Given(now=now))
        exchange = exchanged(adapter, settings, read_message(adapter, read_object(path, "message")), now=now)
        done.append(_added(table, exchange))
    Path(out).write_text(json.dumps(table, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if json_output:
        print_json({"table": out, "recorded": done})
        return
    for row in done:
        say(f"recorded: {row}")
    note(f"{out}: read it through before it is published; codes and statuses are typed from the vendor's page")


def exchanged(adapter: "Adapter", settings: Mapping[str, Any], message: "Message", *, now: datetime) -> Exchange:
    """Send a message and disguise what went over the wire. Raises ConfigError where nothing came back, or too much shows."""
    import httpx

    from recallgate.adapter import TokenAuth, authorize
    from recallgate.cli.disguise import Disguise
    from recallgate.model.errors import ConfigError
    from recallgate.testing.kit_base import outcome

    disguise = Disguise.of(type(adapter), settings, message, now=now)
    with httpx.Client(timeout=_TIMEOUT_S, follow_redirects=False, trust_env=False) as client:
        token = None
        try:
            if isinstance(auth := adapter.auth, TokenAuth):
                token = auth.parse(_sent(client, auth.build(), settings))
                disguise = disguise.with_token(token.value)
            request = authorize(adapter, adapter.build(message), token)
            answer = _sent(client, request, settings)
        except httpx.HTTPError as exc:
            raise ConfigError(f"base_url: no answer came from {settings['base_url']} ({type(exc).__name__})") from None
    told = outcome(adapter, message, answer)
    row = _answer_row(disguise, answer)
    twin, again = _twin(type(adapter), disguise, row)
    if _verdict(told, named=False) != _verdict(again, named=False):
        raise ConfigError("the disguised answer is read otherwise than the real one; record this exchange by hand")
    if _shape(request) != _shape(twin):
        raise ConfigError("the disguised request has another shape than the real one; record this exchange by hand")
    expected = _expected(type(adapter), disguise, twin)
    common = {"config": dict(disguise.config), "message": dict(disguise.message)}
    verdict = _verdict(again)
    ((outcome_key, fields),) = verdict.items()
    label = "taken" if outcome_key == "receipt" else " ".join(("refused", str(fields["kind"]), str(fields.get("code") or "")))
    exchange = Exchange(
        label.strip(), {**common, "callback_url": None, "expected": expected}, {**common, "callback_url": None, **row, **verdict}
    )
    if disguise.leaks(json.dumps([exchange.request, exchange.answer], ensure_ascii=False)):
        raise ConfigError("a secret or an address would still be seen in the row; record this exchange by hand")
    return exchange


def _check_base(base_url: str) -> None:
    from recallgate.model.errors import ConfigError

    parts = urlsplit(base_url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK):
        return
    raise ConfigError("base_url: write the whole address with https://; http:// is for this machine")


def _sent(client: "httpx.Client", request: "httpx.Request", settings: Mapping[str, Any]) -> "httpx.Response":
    """Send to the host of `base_url` and to no other."""
    from recallgate.model.errors import ConfigError

    wanted = urlsplit(settings["base_url"]).hostname
    if request.url.host != wanted:
        raise ConfigError(f"base_url: a request would go to {request.url.host}, not to {wanted}; set what leads there")
    return client.send(request)


def _answer_row(disguise: "Disguise", answer: "httpx.Response") -> dict[str, Any]:
    from recallgate.model.errors import ConfigError

    try:
        text = disguise.text(answer.content.decode())
    except UnicodeDecodeError:
        raise ConfigError("the answer is not text; record this exchange by hand") from None
    headers = {name: disguise.text(value) for name, value in answer.headers.items() if name not in _NOT_KEPT}
    try:
        body = json.loads(text)
    except ValueError:
        body = text
    return {"status": answer.status_code, "headers": headers, "body": body if isinstance(body, dict | list) else text}


def _twin(cls: type["Adapter"], disguise: "Disguise", row: Mapping[str, Any]) -> tuple["httpx.Request", Any]:
    """The request and the outcome as the kit will have them."""
    from recallgate.testing.exchanges import message_of, response_of, signed, tools_of
    from recallgate.testing.kit_base import outcome

    adapter = cls(cls.Config.model_validate(disguise.config), tools_of(None))
    message = message_of(disguise.message)
    return signed(adapter, adapter.build(message)), outcome(adapter, message, response_of(row))


def _expected(cls: type["Adapter"], disguise: "Disguise", request: "httpx.Request") -> dict[str, Any]:
    """What a table expects of a request; headers that differ each time (a signature with chance in it) are left out."""
    again, _ = _twin(cls, disguise, {})
    headers = {
        name: value for name, value in request.headers.items() if name not in _NOT_COMPARED and again.headers.get(name) == value
    }
    expected: dict[str, Any] = {"method": request.method, "url": str(request.url), "headers": headers}
    kind = request.headers.get("content-type", "").partition(";")[0]
    if request.content and kind == "application/json":
        expected["json"] = json.loads(request.content)
    elif kind == _FORM:
        fields = parse_qs(request.content.decode(), keep_blank_values=True)
        expected["form"] = {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
    elif request.content and request.content == again.content:
        try:
            expected["body"] = request.content.decode()
        except UnicodeDecodeError:
            return expected  # not text: method, address and headers are compared
    return expected


def _verdict(told: Any, *, named: bool = True) -> dict[str, dict[str, Any]]:
    """The outcome as a row has it; without names only what a disguise must not change."""
    from recallgate.model.receipt import Receipt
    from recallgate.testing.exchanges import plain

    if isinstance(told, Receipt):
        fields = {"vendor_id": told.vendor_id, "parts": told.parts, "price": plain(told.price)}
        return {"receipt": {key: value for key, value in fields.items() if value is not None and (named or key != "vendor_id")}}
    fields = {"kind": told.kind.value, "code": told.code, "scope": told.scope}
    if named and told.retry_at is not None:
        fields["retry_at"] = plain(told.retry_at)
    return {"error": {key: value for key, value in fields.items() if value is not None}}


def _shape(request: "httpx.Request") -> tuple[object, ...]:
    """What a disguise must not change: method, depth of the path, names of query, headers and fields."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    body: Any = None
    if kind == "application/json":
        body = _names(json.loads(request.content or b"null"))
    elif kind == _FORM:
        body = sorted(parse_qs(request.content.decode(), keep_blank_values=True))
    headers = sorted(name for name in request.headers if name not in _NOT_COMPARED)
    return request.method, sorted(request.url.params.keys()), headers, body


def _names(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _names(one) for key, one in sorted(value.items())}
    return [_names(one) for one in value] if isinstance(value, list) else None


def _table(path: str) -> dict[str, Any]:
    return read_object(path, "out") if Path(path).exists() else {}


def _added(table: dict[str, Any], exchange: Exchange) -> str:
    """Put an exchange into a table; answers the name of its rows. What they share with a new table stands there once."""
    if not table:
        table.update(config=exchange.request["config"], message=exchange.request["message"])
    requests, answers = table.setdefault("requests", []), table.setdefault("answers", [])
    taken = {row["name"] for row in (*requests, *answers)}
    names = (f"{exchange.name}{f' {number}' if number > 1 else ''}" for number in range(1, len(taken) + 2))
    name = next(one for one in names if one not in taken)
    for rows, row in ((requests, exchange.request), (answers, exchange.answer)):
        shared = {key for key in ("config", "message") if table.get(key) == row[key]}
        rows.append({"name": name, **{key: value for key, value in row.items() if key not in shared}})
    return name
