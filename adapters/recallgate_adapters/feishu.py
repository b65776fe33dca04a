"""Feishu (Lark) group robot: POST /open-apis/bot/v2/hook/{token}, JSON, sign in the body.

Source: open.larkoffice.com custom robot and rate pages, read 2026-11-22.
Quirk: HTTP 200 for most failures; `code` decides, and an older form of success has StatusCode alone.
Quirk: the sign takes timestamp and secret as key over nothing, in seconds, in the body (DingTalk does it otherwise).
Quirk: 100 messages a minute and 5 a second for a robot; whole hours and half hours are crowded (11232).
Quirk: a hit limit may name its seconds in x-ogw-ratelimit-reset instead of Retry-After.
Quirk: no message id and no reports; our id stands for the vendor's.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from pydantic import SecretStr

from recallgate import (
    Adapter,
    AdapterConfig,
    Capabilities,
    Card,
    Conversation,
    ErrorKind,
    Markdown,
    Media,
    Message,
    News,
    Payload,
    Receipt,
    SendError,
    Signed,
    Text,
    Tools,
    channels,
    retry_after,
)
from recallgate_adapters._push import compact, octets, read_code, said

ERRORS = {
    "19021": ErrorKind.AUTH,
    "11232": ErrorKind.RATE_LIMITED,
    "99991400": ErrorKind.RATE_LIMITED,
    "9499": ErrorKind.UNKNOWN,
    "19001": ErrorKind.AUTH,
    "19022": ErrorKind.AUTH,
    "19024": ErrorKind.BLOCKED_CONTENT,
    "19036": ErrorKind.PAYLOAD_TOO_LARGE,
}
WAIT = timedelta(minutes=1)
MAX_BODY = 20 * 1024
MSG_TYPES = {"text": "content", "post": "content", "image": "content", "share_chat": "content", "interactive": "card"}


class FeishuConfig(AdapterConfig):
    """One robot of one group, by the token in its webhook address; `secret` where the robot checks signs.

    Outside China set `base_url` to https://open.larksuite.com.
    """

    dsn_user: ClassVar[str] = "token"
    dsn_password: ClassVar[str] = "secret"  # noqa: S105 - the name of a field
    base_url: str = "https://open.feishu.cn"
    token: SecretStr
    secret: SecretStr | None = None


class FeishuRobot(Adapter):
    """Messages into one group chat; the address names the conversation, the account holds its token."""

    vendor, channel = "feishu", channels.ROBOT
    Config = FeishuConfig
    errors = ERRORS
    unverified = ("9499", "19001", "19022", "19024")
    capabilities = Capabilities(per_user_link=False, max_bytes=MAX_BODY, default_rate=100 / 60)
    config: FeishuConfig

    def __init__(self, config: FeishuConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._sign)

    def build(self, message: Message) -> httpx.Request:
        self.options(message)
        if not isinstance(message.to, Conversation):
            raise _unsupported("address", f"a robot writes into a conversation, not to {message.to.type}")
        if message.sender is not None:
            raise _unsupported("sender", "a robot has no other sender than itself")
        try:
            content = compact(body_of(message)).encode()
        except (TypeError, ValueError):
            raise _unsupported("payload", "it is not a JSON document") from None
        octets(len(content), MAX_BODY)
        return self._request("", content)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        now = self.tools.now()
        code, answer = self._code(response, now)
        if code == "0":
            return Receipt(message_id=message.id, vendor_id=message.id, note="the vendor names no message")
        kind = ERRORS.get(code, ErrorKind.UNKNOWN)
        retry_at = retry_after(response, now)
        if kind is ErrorKind.RATE_LIMITED:
            retry_at = retry_at or _reset(response, now) or now + WAIT
        raise SendError(kind, code, said(answer.get("msg"), message), retry_at=retry_at)

    def _code(self, response: httpx.Response, now: datetime) -> tuple[str, dict[str, Any]]:
        try:
            return read_code(response, "code", now)
        except SendError:
            return read_code(response, "StatusCode", now)

    def _request(self, token: str, content: bytes) -> httpx.Request:
        url = f"{self.config.base_url}/open-apis/bot/v2/hook/{quote(token, safe='')}"
        return httpx.Request("POST", url, headers={"content-type": "application/json"}, content=content)

    def _sign(self, request: httpx.Request) -> httpx.Request:
        content = request.content
        if self.config.secret is not None:
            timestamp = str(int(self.tools.now().timestamp()))
            proof = {"timestamp": timestamp, "sign": sign(timestamp, self.config.secret.get_secret_value())}
            content = compact({**proof, **json.loads(content)}).encode()
        return self._request(self.config.token.get_secret_value(), content)


def sign(timestamp: str, secret: str) -> str:
    """The sign of an instant in seconds, base64."""
    return b64encode(hmac.new(f"{timestamp}\n{secret}".encode(), b"", hashlib.sha256).digest()).decode()


def body_of(message: Message) -> dict[str, Any]:
    """`msg_type` with its content or card."""
    match message.content:
        case Text(text=text):
            return {"msg_type": "text", "content": {"text": text}}
        case Markdown(text=text, title=title):
            return {"msg_type": "interactive", "card": _card(title, [{"tag": "markdown", "content": text}])}
        case Card() as card:
            return {"msg_type": "interactive", "card": _linked(card)}
        case News(articles=articles):
            lines = [[{"tag": "a", "text": card.title, "href": card.url}, *_beside(card)] for card in articles]
            return {"msg_type": "post", "content": {"post": {"zh_cn": {"title": "", "content": lines}}}}
        case Media(kind="image", media_id=str() as key, title=None, description=None):
            return {"msg_type": "image", "content": {"image_key": key}}
        case Payload(data=data):
            return _payload(data)
        case other:
            raise _unsupported("content", f"a Feishu robot cannot send this {other.type}")


def _card(title: str | None, elements: list[dict[str, Any]]) -> dict[str, Any]:
    head = {} if title is None else {"header": {"title": {"tag": "plain_text", "content": title}}}
    return {**head, "elements": elements}


def _linked(card: Card) -> dict[str, Any]:
    if card.image is not None:
        raise _unsupported("card.image", "a picture needs an image key of the vendor; send the card as payload")
    button = {"tag": "button", "text": {"tag": "plain_text", "content": card.button or card.title}, "url": card.url}
    words = [{"tag": "markdown", "content": card.description}] if card.description else []
    return _card(card.title, [*words, {"tag": "action", "actions": [{**button, "type": "primary"}]}])


def _beside(card: Card) -> list[dict[str, Any]]:
    if card.image is not None or card.button is not None:
        raise _unsupported("news", "an article of a post has words and a link only")
    return [{"tag": "text", "text": f" {card.description}"}] if card.description else []


def _payload(data: Mapping[str, Any]) -> dict[str, Any]:
    name = MSG_TYPES.get(str(data.get("msg_type")))
    if name is None or not isinstance(data.get(name), Mapping) or set(data) != {"msg_type", name}:
        raise _unsupported("payload.msg_type", f"give msg_type, one of {', '.join(MSG_TYPES)}, and its content or card alone")
    return dict(data)


def _reset(response: httpx.Response, now: datetime) -> datetime | None:
    text = response.headers.get("x-ogw-ratelimit-reset", "")
    return now + timedelta(seconds=min(int(text), 3600)) if text.isascii() and text.isdigit() and len(text) < 8 else None


def _unsupported(name: str, why: str) -> SendError:
    return SendError(ErrorKind.UNSUPPORTED, name, why)
