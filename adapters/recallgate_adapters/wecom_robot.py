"""WeCom group robot: POST /cgi-bin/webhook/send, JSON, the robot's key in the query.

Source: WxJava's code list, vendor page on group robots, read 2026-11-22.
Quirk: errcode 0 names no message, so our id stands for the vendor's; nothing is told of it later.
Quirk: 20 messages a minute for a robot, then 45009 until the minute is over.
Quirk: a picture goes inside the message, base64 with its MD5; files and voices are uploaded first, under the robot's key.
Quirk: markdown has 4096 bytes here, twice those of an app; a text keeps 2048.
"""

import base64
import hashlib
from datetime import timedelta
from typing import Any, ClassVar, Literal

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
)
from recallgate_adapters._push import compact
from recallgate_adapters.wecom_api import ERRORS, answer_of
from recallgate_adapters.wecom_content import MEGABYTE, file_of, within

MSGTYPES = ("text", "markdown", "markdown_v2", "image", "news", "file", "voice", "template_card")
MAX_TEXT, MAX_MARKDOWN, MAX_IMAGE = 2048, 4096, 2 * MEGABYTE


class WecomRobotConfig(AdapterConfig):
    """One robot of one group chat, by the key in its webhook address."""

    dsn_password: ClassVar[str] = "key"  # noqa: S105 - the name of a field
    base_url: str = "https://qyapi.weixin.qq.com"
    key: SecretStr


class WecomRobotOptions(AdapterOptions):
    """Who a text calls by name (`@all` among them means everybody), and the dialect of a markdown."""

    mentioned_list: tuple[str, ...] = ()
    mentioned_mobile_list: tuple[str, ...] = ()
    markdown: Literal["markdown", "markdown_v2"] = "markdown"


class WecomRobot(Adapter):
    """Messages into one group chat; the address names the conversation, the account holds its key."""

    vendor, channel, product = "wecom", channels.ROBOT, "robot"
    Config, Options = WecomRobotConfig, WecomRobotOptions
    errors = ERRORS
    unverified = ("41048", "41050")
    capabilities = Capabilities(per_user_link=False, default_rate=20 / 60)
    config: WecomRobotConfig

    def __init__(self, config: WecomRobotConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._sign)

    def build(self, message: Message) -> httpx.Request:
        if not isinstance(message.to, Conversation):
            raise _unsupported("address", f"a robot writes into a conversation, not to {message.to.type}")
        if message.sender is not None:
            raise _unsupported("sender", "a robot has no other sender than itself")
        msgtype, body = self._body(message)
        try:
            content = compact({"msgtype": msgtype, msgtype: body}).encode()
        except (TypeError, ValueError):
            raise _unsupported("payload", "it is not a JSON document") from None
        url = f"{self.config.base_url}/cgi-bin/webhook/send"
        return httpx.Request("POST", url, headers={"content-type": "application/json"}, content=content)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        answer_of(response, self.tools.now(), self.config.key.get_secret_value(), message.to.key)
        return Receipt(message_id=message.id, vendor_id=message.id, note="the vendor names no message")

    def build_upload(self, media: Media) -> httpx.Request:
        """The upload of a file or voice given as base64; the id that comes back serves this robot for three days."""
        if media.kind not in ("file", "voice"):
            raise _unsupported("media.kind", "a robot uploads files and voices; a picture goes inside the message")
        boundary = self.tools.nonce(32)
        filename, content = file_of(media)
        disposition = f'Content-Disposition: form-data; name="media"; filename="{filename}"; filelength={len(content)}'
        head = f"--{boundary}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
        return httpx.Request(
            "POST",
            f"{self.config.base_url}/cgi-bin/webhook/upload_media",
            params={"type": media.kind},
            headers={"content-type": f"multipart/form-data; boundary={boundary}"},
            content=head.encode() + content + f"\r\n--{boundary}--\r\n".encode(),
        )

    def parse_upload(self, response: httpx.Response) -> tuple[str, timedelta]:
        media_id = answer_of(response, self.tools.now()).get("media_id")
        if not isinstance(media_id, str) or not media_id:
            raise SendError(ErrorKind.TEMPORARY, "media_id", "the answer to the upload names no media")
        return media_id, timedelta(days=3)

    def _body(self, message: Message) -> tuple[str, dict[str, Any]]:
        options: WecomRobotOptions = self.options(message)
        mentions = {
            name: list(getattr(options, name)) for name in ("mentioned_list", "mentioned_mobile_list") if getattr(options, name)
        }
        content = message.content
        if mentions and not isinstance(content, Text):
            raise _unsupported("mentioned_list", "only a text calls people by name")
        match content:
            case Text(text=text):
                return "text", {"content": within(text, MAX_TEXT, "text"), **mentions}
            case Markdown(text=text, title=None):
                return options.markdown, {"content": within(text, MAX_MARKDOWN, "markdown")}
            case Card() as card:
                return "news", {"articles": [_article(card)]}
            case News(articles=articles):
                return "news", {"articles": [_article(card) for card in articles]}
            case Media() as media:
                return media.kind, _media(media)
            case Payload(data=data):
                msgtype = str(data.get("msgtype"))
                body = data.get(msgtype)
                if msgtype not in MSGTYPES or not isinstance(body, dict) or set(data) != {"msgtype", msgtype}:
                    raise _unsupported("payload.msgtype", f"give msgtype, one of {', '.join(MSGTYPES)}, and its object alone")
                return msgtype, body
            case Markdown():
                raise _unsupported("markdown.title", "a WeCom markdown has no title; put it into the text")
            case other:
                raise _unsupported("content", f"a WeCom robot cannot send {other.type}")

    def _sign(self, request: httpx.Request) -> httpx.Request:
        request.url = request.url.copy_merge_params({"key": self.config.key.get_secret_value()})
        return request


def _article(card: Card) -> dict[str, Any]:
    if card.button is not None:
        raise _unsupported("card.button", "an article has no button; send a template card as payload")
    body = {
        "title": within(card.title, 128, "card.title"),
        "description": within(card.description, 512, "card.description"),
        "url": card.url,
    }
    return body if card.image is None else {**body, "picurl": card.image}


def _media(media: Media) -> dict[str, Any]:
    if media.title is not None or media.description is not None or media.kind == "video":
        raise _unsupported("media", "a robot sends pictures, files and voices, without words beside them")
    if media.kind == "image":
        if media.data is None:
            raise _unsupported("media.data", "a robot sends a picture by its bytes: give it as base64 in data")
        _, content = file_of(media)
        if len(content) > MAX_IMAGE:
            raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, "media.data", f"{len(content)} bytes, at most {MAX_IMAGE}")
        digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
        return {"base64": base64.b64encode(content).decode(), "md5": digest}
    if media.media_id is None:
        raise _unsupported("media", "upload it first and give its media_id")
    return {"media_id": media.media_id}


def _unsupported(name: str, why: str) -> SendError:
    return SendError(ErrorKind.UNSUPPORTED, name, why)
