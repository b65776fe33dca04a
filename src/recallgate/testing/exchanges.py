r"""Tables of recorded exchanges: what an adapter must send, and how it must read what comes back.

A table is one JSON file beside the tests of an adapter. All keys are optional, but a case is only as good as its rows:

```
{"config":       {"token": "a-token"},               the adapter's settings, where the contract does not give them
 "message":      {"channel": "sms", "to": {…}, …},   the same for the message
 "codes":        {"21211": "invalid_recipient"},     all of the adapter's `errors`, typed from the vendor's page
 "report_codes": {"30003": "unreachable"},           the same for `report_errors`
 "statuses":     {"sent": "sent", "received": null}, the same for `statuses`
 "refusal":      {"status": 400, "headers": {}, "body": "{\"code\": $code, \"message\": \"no $to\"}"},
                 an answer of the vendor to a submit; `$code` and `$to` are filled in for every row of `codes`, and
                 `"status": "$code"` is for vendors whose codes are HTTP statuses
 "new_code":     "418",                              a code that the vendor does not have; absent, a number
 "signature":    {"header": "X-Acme-Signature"},     or {"query": name}, {"form": name}, {"json": "a.b"}: where it stands
 "signed":       ["url", "body"],                    what the signature covers; other words are paths into a JSON body
 "requests":  [{"name", "config", "message", "callback_url", "expected": {"method", "url", "headers", "form"|"json"|"body"}}],
 "answers":   [{"name", "status", "headers", "body", "receipt": {…} | "error": {"kind", "code", "retry_at", "scope"}}],
 "callbacks": [{"name", "request": {"method", "url", "headers", "body"}, "events": [{…}],
                "reply": {"status", "headers", "body"}}],
 "batches":   [{"name", "messages": [{…}], "expected": {…}, "answer": {…}, "outcomes": [{"receipt": {…}} | {"error": {…}}]}],
 "lookups":   [{"name", "vendor_id", "expected": {"method", "url"} | null, "answer": {…}, "events": [{…}]}]}
```

`config` and `message` of a row are laid over those of the contract. `callback_url` is what the tools answer: absent, one
made of the message id and the kind; null, none; a text, that text. `headers` and `receipt` name what is compared; `form`,
`json` and `body` are whole. An event is written with the fields that are set, `type` always, times in ISO 8601.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx

from recallgate.adapter import Adapter, Callback, Token, TokenAuth, Tools, authorize
from recallgate.model.errors import SendError
from recallgate.model.event import Event
from recallgate.model.message import Message
from recallgate.model.receipt import Receipt

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
NONCE = "0123456789abcdef" * 8
TOKEN = Token("a-token-for-tests", datetime(2099, 1, 1, tzinfo=UTC))
_MADE = object()


def load_table(path: str | Path | Mapping[str, Any]) -> Mapping[str, Any]:
    """The table at a path; one that is already read is given back."""
    if isinstance(path, Mapping):
        return path
    table = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(table, dict):
        raise TypeError(f"{path}: a table of exchanges is a JSON object")
    return table


def rows(table: Mapping[str, Any], section: str) -> list[Mapping[str, Any]]:
    """The rows of a section, in order; each has a name of its own."""
    found: list[Mapping[str, Any]] = table.get(section, [])
    names = [row["name"] for row in found]
    if len(names) != len(set(names)):
        raise ValueError(f"{section}: two rows have the same name")
    return found


def tools_of(callback_url: object = _MADE) -> Tools:
    """Frozen tools: one instant, one nonce, and callback addresses that repeat."""

    def made(message: Message, kind: str = "status", **extra: str) -> str | None:
        if callback_url is None or isinstance(callback_url, str):
            return callback_url
        return f"https://app.example/callbacks/acme/s3cret?{urlencode({'m': message.id, 'k': kind, **extra})}"

    return Tools(now=lambda: NOW, nonce=lambda n: NONCE[:n], callback_url=made)


def row_tools(row: Mapping[str, Any]) -> Tools:
    return tools_of(row["callback_url"]) if "callback_url" in row else tools_of()


def message_of(base: Mapping[str, Any], over: Mapping[str, Any] | None = None) -> Message:
    """The message of a row: its fields laid over those of the contract; the id is always the same."""
    return Message.model_validate({"id": "01890a5d-ac96-774b-bcce-b302099a8057", **base, **(over or {})})


def callback_of(request: Mapping[str, Any]) -> Callback:
    return Callback(
        method=request.get("method", "POST"),
        url=request["url"],
        headers=httpx.Headers(request.get("headers", {})),
        body=str(request.get("body", "")).encode(),
        received_at=NOW,
    )


def response_of(answer: Mapping[str, Any], filled: Mapping[str, str] | None = None) -> httpx.Response:
    """The answer of a row as an HTTP response; a body that is not text is written as JSON."""
    body = answer.get("body", "")
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    for name, value in (filled or {}).items():
        text = text.replace(f"${name}", value)
    status = answer.get("status", 200)
    number = int((filled or {})["code"]) if status == "$code" else status
    return httpx.Response(number, headers=answer.get("headers", {}), content=text.encode())


def signed(adapter: Adapter, request: httpx.Request) -> httpx.Request:
    """The request as it would leave, with a token for tests where one is needed."""
    return authorize(adapter, request, TOKEN if isinstance(adapter.auth, TokenAuth) else None)


def request_differences(request: httpx.Request, expected: Mapping[str, Any]) -> list[str]:
    """What differs between a request and the expected one, one sentence each; empty when they are the same."""
    told: list[tuple[str, object, object]] = [
        ("method", request.method, expected.get("method", "POST")),
        ("url", str(request.url), expected["url"]),
    ]
    told += [(f"header {name}", request.headers.get(name), value) for name, value in expected.get("headers", {}).items()]
    if "form" in expected:
        wanted = {name: value if isinstance(value, list) else [value] for name, value in expected["form"].items()}
        told.append(("form", parse_qs(request.content.decode(), keep_blank_values=True), wanted))
    if "json" in expected:
        told.append(("json", json.loads(request.content or b"null"), expected["json"]))
    if "body" in expected:
        told.append(("body", request.content.decode(), expected["body"]))
    return [f"{name}: {seen!r} instead of {wanted!r}" for name, seen, wanted in told if seen != wanted]


def plain(value: object) -> Any:
    """A value as a table writes it: enums by value, instants in ISO 8601, fields that are not set left out."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if is_dataclass(value):
        named = {field.name: plain(getattr(value, field.name)) for field in fields(value)}
        return {name: item for name, item in named.items() if item is not None and item != {}}
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)


def plain_events(events: Iterable[Event]) -> list[Any]:
    return [plain(event) for event in events]


def outcome_differences(outcome: Receipt | SendError, expected: Mapping[str, Any]) -> list[str]:
    """What differs between an outcome and the receipt or error of a row, in the fields that the row names."""
    wanted: Mapping[str, Any] = expected.get("receipt") or expected["error"]
    if isinstance(outcome, SendError) == ("receipt" in expected):
        return [f"{outcome!r} instead of {dict(wanted)!r}"]
    seen = {name: plain(getattr(outcome, name)) for name in wanted}
    return [f"{name}: {seen[name]!r} instead of {value!r}" for name, value in wanted.items() if seen[name] != value]
