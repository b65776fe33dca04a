"""DingTalk group robot: POST /robot/send, JSON, access token and sign in the query.

Source: open.dingtalk.com custom robot page, apprise 2.2.0 for the sign, read 2026-11-22.
Quirk: every answer is HTTP 200; errcode decides.
Quirk: the sign takes the secret as key over timestamp and secret, in milliseconds, in the address (Feishu does it otherwise).
Quirk: 310000 means a missing keyword, a wrong sign or a foreign IP; only the text tells which.
Quirk: 20 messages a minute for a robot; one more and it is blocked for ten minutes.
Quirk: no message id and no reports; our id stands for the vendor's.
Quirk: all codes but 130101 are common knowledge and nowhere confirmed.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

import httpx
from pydantic import SecretStr

from recallgate import (
    Adapter,
    AdapterConfig,
    AdapterOptions,
    Capabilities,
    Card,
    Conversation,
    ErrorKind,
    Markdown,
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
    "130101": ErrorKind.RATE_LIMITED,
    "310000": ErrorKind.AUTH,  # unless a keyword is missing, see `_security`
    "-1": ErrorKind.TEMPORARY,
    "40035": ErrorKind.UNKNOWN,
    "43004": ErrorKind.UNKNOWN,
    "300001": ErrorKind.AUTH,
    "400013": ErrorKind.INVALID_RECIPIENT,
    "400101": ErrorKind.AUTH,
    "400102": ErrorKind.AUTH,
    "400105": ErrorKind.UNKNOWN,
    "400106": ErrorKind.UNKNOWN,
    "410100": ErrorKind.RATE_LIMITED,
    "430101": ErrorKind.BLOCKED_CONTENT,
    "430102": ErrorKind.BLOCKED_CONTENT,
    "430103": ErrorKind.BLOCKED_CONTENT,
    "430104": ErrorKind.BLOCKED_CONTENT,
}
BLOCKED_FOR = timedelta(minutes=10)
MAX_BODY = 20_000
MSGTYPES = ("text", "link", "markdown", "actionCard", "feedCard")


class DingtalkConfig(AdapterConfig):
    """One robot of one group, by the access token of its webhook; `secret` where the robot checks signs."""

    dsn_user: ClassVar[str] = "access_token"
    dsn_password: ClassVar[str] = "secret"  # noqa: S105 - the name of a field
    base_url: str = "https://oapi.dingtalk.com"
    access_token: SecretStr
    secret: SecretStr | None = None


class DingtalkOptions(AdapterOptions):
    """Who is called by name."""

    at_mobiles: tuple[str, ...] = ()
    at_user_ids: tuple[str, ...] = ()
    at_all: bool = False


class DingtalkRobot(Adapter):
    """Messages into one group chat; the address names the conversation, the account holds its token."""

    vendor, channel = "dingtalk", channels.ROBOT
    Config, Options = DingtalkConfig, DingtalkOptions
    errors = ERRORS
    unverified = (
        "-1",
        "40035",
        "43004",
        "300001",
        "310000",
        "400013",
        "400101",
        "400102",
        "400105",
        "400106",
        "410100",
        "430101",
        "430102",
        "430103",
        "430104",
    )
    capabilities = Capabilities(per_user_link=False, max_bytes=MAX_BODY, default_rate=20 / 60)
    config: DingtalkConfig

    def __init__(self, config: DingtalkConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._sign)

    def build(self, message: Message) -> httpx.Request:
        if not isinstance(message.to, Conversation):
            raise _unsupported("address", f"a robot writes into a conversation, not to {message.to.type}")
        if message.sender is not None:
            raise _unsupported("sender", "a robot has no other sender than itself")
        options: DingtalkOptions = self.options(message)
        called: dict[str, Any] = {
            "atMobiles": list(options.at_mobiles),
            "atUserIds": list(options.at_user_ids),
            "isAtAll": options.at_all,
        }
        body = {**body_of(message), **({"at": called} if any(called.values()) else {})}
        try:
            content = compact(body).encode()
        except (TypeError, ValueError):
            raise _unsupported("payload", "it is not a JSON document") from None
        octets(len(content), MAX_BODY)
        url = f"{self.config.base_url}/robot/send"
        return httpx.Request("POST", url, headers={"content-type": "application/json"}, content=content)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        now = self.tools.now()
        code, answer = read_code(response, "errcode", now)
        if code == "0":
            return Receipt(message_id=message.id, vendor_id=message.id, note="the vendor names no message")
        words = str(answer.get("errmsg", ""))
        kind = _security(words) if code == "310000" else ERRORS.get(code, ErrorKind.UNKNOWN)
        retry_at = retry_after(response, now)
        if kind is ErrorKind.RATE_LIMITED:
            retry_at = retry_at or now + BLOCKED_FOR
        raise SendError(kind, code, said(words, message), retry_at=retry_at)

    def _sign(self, request: httpx.Request) -> httpx.Request:
        query = {"access_token": self.config.access_token.get_secret_value()}
        if self.config.secret is not None:
            timestamp = str(int(self.tools.now().timestamp() * 1000))
            query |= {"timestamp": timestamp, "sign": sign(timestamp, self.config.secret.get_secret_value())}
        request.url = request.url.copy_merge_params(query)
        return request


def sign(timestamp: str, secret: str) -> str:
    """The sign of an instant in milliseconds, base64, not yet quoted for an address."""
    return b64encode(hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()).decode()


def body_of(message: Message) -> dict[str, Any]:
    """`msgtype` and the object of that name."""
    match message.content:
        case Text(text=text):
            return {"msgtype": "text", "text": {"content": text}}
        case Markdown(text=text, title=title):
            # A list view shows the title, and the vendor wants one.
            shown = title or text.strip().splitlines()[0].lstrip("#>* ")[:64] or "…"
            return {"msgtype": "markdown", "markdown": {"title": shown, "text": text}}
        case Card(button=None) as card:
            link = {"title": card.title, "text": card.description, "messageUrl": card.url}
            return {"msgtype": "link", "link": link if card.image is None else {**link, "picUrl": card.image}}
        case Card() as card:
            picture = f"![]({card.image})\n\n" if card.image else ""
            action = {
                "title": card.title,
                "text": f"{picture}### {card.title}\n\n{card.description}",
                "singleTitle": card.button,
                "singleURL": card.url,
            }
            return {"msgtype": "actionCard", "actionCard": action}
        case News(articles=articles):
            return {"msgtype": "feedCard", "feedCard": {"links": [_feed(card) for card in articles]}}
        case Payload(data=data):
            return _payload(data)
        case other:
            raise _unsupported("content", f"a DingTalk robot cannot send {other.type}")


def _feed(card: Card) -> dict[str, Any]:
    if card.description or card.button is not None:
        raise _unsupported("news", "a feed shows titles and pictures only; leave description and button out")
    link = {"title": card.title, "messageURL": card.url}
    return link if card.image is None else {**link, "picURL": card.image}


def _payload(data: Mapping[str, Any]) -> dict[str, Any]:
    msgtype = data.get("msgtype")
    if msgtype not in MSGTYPES or not isinstance(data.get(msgtype), Mapping) or set(data) != {"msgtype", msgtype}:
        raise _unsupported("payload.msgtype", f"give msgtype, one of {', '.join(MSGTYPES)}, and its object alone")
    return dict(data)


def _security(words: str) -> ErrorKind:
    """What the robot's security setting missed: a keyword is the author's, sign and address are the account's."""
    return ErrorKind.BLOCKED_CONTENT if "keyword" in words.lower() or "关键词" in words else ErrorKind.AUTH


def _unsupported(name: str, why: str) -> SendError:
    return SendError(ErrorKind.UNSUPPORTED, name, why)
