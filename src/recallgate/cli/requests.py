"""The request that an adapter would send, and what it reads from a callback, without a network."""

import asyncio
import base64
import secrets as random_source
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from recallgate.adapter import Adapter, Driver, Token, TokenAuth, Tools, authorize
from recallgate.cli.masking import Mask
from recallgate.config import AccountConfig, parse_message
from recallgate.model.errors import ConfigError
from recallgate.model.message import Message
from recallgate.registry import check_needs

PLACEHOLDER = "{access_token}"
SAME_ID = "00000000-0000-7000-8000-000000000000"  # of a message without an id: the same input gives the same bytes


@dataclass(frozen=True)
class Given:
    """What the command line fixes of the world; what is not given is the real time, or fresh."""

    now: datetime | None = None
    nonce: str | None = None
    token: str | None = field(default=None, repr=False)
    public_url: str | None = None
    show_secrets: bool = False


def tools_of(given: Given, account: str) -> Tools:
    """Time, nonce and callback addresses for an adapter. A nonce that is given is used as it is, whatever its length."""

    def callback_url(message: Message | None = None, kind: str = "status", **extra: str) -> str | None:
        if given.public_url is None:
            return None
        query = urlencode({**({"m": message.id} if message is not None else {}), "k": kind, **extra})
        return f"{given.public_url.rstrip('/')}/callbacks/{quote(account)}/secret?{query}"

    def nonce(length: int) -> str:
        return given.nonce if given.nonce is not None else random_source.token_hex((length + 1) // 2)[:length]

    return Tools(now=lambda: given.now or datetime.now(UTC), nonce=nonce, callback_url=callback_url)


def make_adapter(name: str, config: Mapping[str, Any], given: Given) -> Adapter | Driver:
    """The adapter with settings as in an account of a TOML file."""
    account = AccountConfig.build(name, config)
    check_needs(account.cls)
    return account.cls(account.settings, tools_of(given, name))


def read_message(adapter: Adapter | Driver, data: Mapping[str, Any]) -> Message:
    """A message for this adapter; its id may be absent."""
    message = parse_message({"id": SAME_ID, **data})
    if message.channel != adapter.channel.name:
        raise ConfigError(
            f"message: channel is {message.channel}, but {adapter.adapter_name()} serves {adapter.channel.name}; "
            "name another adapter"
        )
    return message


def describe_sending(adapter: Adapter | Driver, message: Message, given: Given) -> dict[str, Any]:
    """`{"method", "url", "headers", "body"}`, or `{"first", "request"}` where a token is needed and none is given."""
    if isinstance(adapter, Driver):
        return asyncio.run(_driven(adapter, message, given))
    mask = Mask.of(adapter.config, show=given.show_secrets, also=given.token)
    auth: Any = adapter.auth
    if not isinstance(auth, TokenAuth):
        return _described(authorize(adapter, adapter.build(message)), mask)
    end = (given.now or datetime.now(UTC)) + timedelta(hours=1)
    request = authorize(adapter, adapter.build(message), Token(given.token or PLACEHOLDER, end))
    if given.token is not None:
        return _described(request, mask)
    return {"first": _described(auth.build(), mask), "request": _described(request, mask)}


def text_or_base64(body: bytes) -> dict[str, str]:
    """A body under the key `body` as text, or under `body_base64`."""
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def _described(request: httpx.Request, mask: Mask) -> dict[str, Any]:
    body = text_or_base64(request.read())
    return {
        "method": request.method,
        "url": _readable(mask(str(request.url))),
        "headers": {name: _readable(mask.header(name, value)) for name, value in request.headers.items()},
        **{name: _readable(mask(value)) for name, value in body.items()},
    }


def _readable(text: str) -> str:
    return text.replace(quote(PLACEHOLDER), PLACEHOLDER)


class _Recorder:
    """A mail server that takes everything, and keeps what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.raw = b""

    async def command(self, line: str) -> tuple[int, str]:
        self.lines.append(line)
        return (354, "go on") if line == "DATA" else (250, "ok")

    async def content(self, raw: bytes) -> tuple[int, str]:
        self.raw = raw
        return 250, "taken"

    def close(self) -> None:
        return None


async def _driven(driver: Driver, message: Message, given: Given) -> dict[str, Any]:
    """What a driver would do: a mail server's dialogue is recorded, any other driver gets the content as it is."""
    mask = Mask.of(driver.config, show=given.show_secrets)
    method = driver.vendor.upper()
    if not hasattr(driver, "connect"):
        return {"method": method, "url": f"{driver.vendor}:", "headers": {}, "body": message.content.model_dump_json()}
    recorder = _Recorder()

    async def connect() -> _Recorder:
        return recorder

    driver.connect = connect
    await driver.send(message)
    words = dict(line.split(":", 1) for line in recorder.lines if line.startswith(("MAIL FROM:", "RCPT TO:")))
    place = f"{method.lower()}://{driver.config.host}:{driver.config.port}"
    headers = {name.lower(): mask(value) for name, value in words.items()}
    return {"method": method, "url": place, "headers": headers} | {
        name: mask(value) for name, value in text_or_base64(recorder.raw).items()
    }
