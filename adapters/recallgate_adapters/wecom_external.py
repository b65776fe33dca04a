"""WeCom customers: POST /cgi-bin/externalcontact/add_msg_template (mass message) or send_welcome_msg, JSON, token in the query.

Source: WxJava's WxCpErrorMsgEnum and external-contact beans, wechatpy 2.0.0a26 external_contact.py, read 2026-11-22.
Quirk: a mass message is a task: errcode 0 means that a member may send it, and nothing leaves before they do.
Quirk: errcode 0 may name a customer in fail_list; to them the task does not go.
Quirk: what became of it is asked by the task's id and the member who was to send it; without a member nothing can be asked.
Quirk: status 3 means that the customer has had their mass messages of the period, which are few.
Quirk: a welcome message needs the code of the event, within 20 seconds and once; its answer names no message.
Quirk: external_userid and sender must not both be missing; a sender alone would mean all of their customers.
Quirk: the meanings of 41048 and 41050 and the quotas are common knowledge and nowhere confirmed.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr, field_validator

from recallgate import (
    Adapter,
    AdapterConfig,
    AdapterOptions,
    Callback,
    CallbackReading,
    Capabilities,
    Card,
    ErrorKind,
    Event,
    EventType,
    Media,
    Message,
    MiniProgram,
    News,
    Payload,
    Receipt,
    SendError,
    Text,
    Tools,
    WecomExternal,
    channels,
)
from recallgate_adapters import wecom_callback
from recallgate_adapters._push import compact, equal_content, text_id
from recallgate_adapters.wecom_api import ERRORS, answer_of, token_auth
from recallgate_adapters.wecom_content import within
from recallgate_adapters.wecom_crypto import key_bytes

# What a send result says, and below what callbacks say.
RESULTS: dict[str, EventType | None] = {
    "0": EventType.ACCEPTED,
    "1": EventType.SENT,
    "2": EventType.UNDELIVERED,
    "3": EventType.UNDELIVERED,
}
REPORT_ERRORS = {"2": ErrorKind.OPTED_OUT, "3": ErrorKind.RATE_LIMITED}
MAX_TEXT, MAX_ATTACHMENTS = 4000, 9
ATTACHMENTS = ("image", "link", "miniprogram", "video", "file")


class WecomExternalConfig(AdapterConfig):
    """A company's customer contact: its secret (or an app's that may use it), and the member who writes by default.

    `callback_token` and `encoding_aes_key` are those of the customer-contact callback.
    """

    dsn_user: ClassVar[str] = "corp_id"
    dsn_password: ClassVar[str] = "secret"  # noqa: S105 - the name of a field
    base_url: str = "https://qyapi.weixin.qq.com"
    corp_id: str = Field(min_length=1)
    secret: SecretStr
    sender: str | None = None
    callback_token: SecretStr | None = None
    encoding_aes_key: SecretStr | None = None

    @field_validator("encoding_aes_key")
    @classmethod
    def _is_aes_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key_bytes(value.get_secret_value())
        return value


class WecomExternalOptions(AdapterOptions):
    """`welcome_code` makes it a welcome message. `text` goes before a card or picture; `thumb_media_id` is a mini program's
    cover. `allow_select` lets the member choose among the customers."""

    welcome_code: str | None = None
    text: str | None = None
    thumb_media_id: str | None = None
    allow_select: bool = False


class WecomExternalMessages(Adapter):
    """Messages of members to their customers; up to a thousand customers of one member in one task."""

    vendor, channel, product = "wecom", channels.WECOM, "external"
    needs = {"cryptography": "recallgate[wecom]"}
    Config, Options = WecomExternalConfig, WecomExternalOptions
    errors, report_errors = ERRORS, REPORT_ERRORS
    unverified = ("41048", "41050")
    statuses = {**RESULTS, **wecom_callback.STATUSES}
    capabilities = Capabilities(callbacks="signature", reports=True, inbound=True, per_user_link=False)
    # A task takes 10,000; the answer about what became of it has a thousand a page.
    batch_size: ClassVar[int] = 1000
    config: WecomExternalConfig

    def __init__(self, config: WecomExternalConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        mark = sha256(config.secret.get_secret_value().encode()).hexdigest()[:12]
        self.auth = token_auth(config.base_url, config.corp_id, config.secret, tools, product=f"external {mark}")

    def build(self, message: Message) -> httpx.Request:
        return self.build_batch([message])

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        (outcome,) = self.parse_batch([message], response)
        if isinstance(outcome, SendError):
            raise outcome
        return outcome

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        first = equal_content(messages, self.batch_size)
        options: WecomExternalOptions = self.options(first)
        customers = [_customer(message) for message in messages]
        senders = {self._sender(message) for message in messages}
        if len(senders) > 1:
            raise _unsupported("batch", "one request carries customers of one member only")
        said = _content(first, options)
        if options.welcome_code is not None:
            if len(messages) > 1 or options.allow_select:
                raise _unsupported("welcome_code", "a welcome message goes to the one customer of its code")
            return self._request("send_welcome_msg", {"welcome_code": options.welcome_code, **said})
        document: dict[str, Any] = {"chat_type": "single", "external_userid": customers}
        if (sender := senders.pop()) is not None:
            document["sender"] = sender
        if options.allow_select:
            document["allow_select"] = True
        return self._request("add_msg_template", {**document, **said})

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        options: WecomExternalOptions = self.options(messages[0])
        try:
            answer = answer_of(response, self.tools.now(), *(message.to.key for message in messages))
            if options.welcome_code is not None:
                return [Receipt(message_id=one.id, vendor_id=one.id, note="the vendor names no message") for one in messages]
            vendor_id = text_id(answer.get("msgid"))
        except SendError as error:
            return [error for _ in messages]
        failed = answer.get("fail_list")
        refused = set(failed) if isinstance(failed, list) else set()
        return [
            SendError(ErrorKind.UNREACHABLE, "fail_list", "the task does not go to this customer")
            if message.to.key in refused
            else Receipt(message_id=message.id, vendor_id=vendor_id, note="waits for the member")
            for message in messages
        ]

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        sender = self._sender(message)
        if vendor_id is None or vendor_id == message.id or sender is None:
            return None
        return self._request("get_groupmsg_send_result", {"msgid": vendor_id, "userid": sender, "limit": 1000})

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        answer = answer_of(response, self.tools.now(), message.to.key)
        rows = answer.get("send_list")
        found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return tuple(_result(message, row) for row in found if row.get("external_userid") == message.to.key)

    def read_callback(self, callback: Callback) -> CallbackReading:
        token, key = self.config.callback_token, self.config.encoding_aes_key
        return wecom_callback.read(
            callback,
            token=token.get_secret_value() if token else "",
            aes_key=key.get_secret_value() if key else "",
            corp_id=self.config.corp_id,
        )

    def _sender(self, message: Message) -> str | None:
        return message.sender or getattr(message.to, "sender", None) or self.config.sender

    def _request(self, operation: str, document: Mapping[str, Any]) -> httpx.Request:
        try:
            content = compact(document).encode()
        except (TypeError, ValueError):
            raise _unsupported("payload", "it is not a JSON document") from None
        url = f"{self.config.base_url}/cgi-bin/externalcontact/{operation}"
        return httpx.Request("POST", url, headers={"content-type": "application/json"}, content=content)


def _customer(message: Message) -> str:
    if not isinstance(message.to, WecomExternal):
        raise _unsupported("address", f"a mass message goes to customers, not to {message.to.type}")
    return message.to.external_userid


def _content(message: Message, options: WecomExternalOptions) -> dict[str, Any]:
    """`text` and `attachments` of a message."""
    match message.content:
        case Text(text=text) if options.text is None:
            return _said(text, [])
        case Text():
            raise _unsupported("text", "the content is the text already")
        case Card() as card:
            return _said(options.text, [_link(card)])
        case News(articles=articles):
            return _said(options.text, [_link(card) for card in articles])
        case Media() as media:
            return _said(options.text, [_media(media)])
        case MiniProgram() as program:
            return _said(options.text, [_program(program, options)])
        case Payload(data=data):
            attachments = data.get("attachments", [])
            if set(data) - {"text", "attachments"} or not isinstance(attachments, list):
                raise _unsupported("payload", "give text and attachments in the vendor's form, and nothing else")
            words = data.get("text")
            return _said(words.get("content") if isinstance(words, Mapping) else None, attachments)
        case other:
            raise _unsupported("content", f"customers cannot be sent {other.type}")


def _said(text: str | None, attachments: list[Any]) -> dict[str, Any]:
    if len(attachments) > MAX_ATTACHMENTS:
        raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, "attachments", f"{len(attachments)} attachments, at most {MAX_ATTACHMENTS}")
    if any(not isinstance(one, Mapping) or one.get("msgtype") not in ATTACHMENTS for one in attachments):
        raise _unsupported("attachments", f"the msgtype of each is one of {', '.join(ATTACHMENTS)}")
    if not text and not attachments:
        raise _unsupported("content", "a text or an attachment is needed")
    words = {"text": {"content": within(text, MAX_TEXT, "text")}} if text else {}
    return {**words, **({"attachments": attachments} if attachments else {})}


def _link(card: Card) -> dict[str, Any]:
    if card.button is not None:
        raise _unsupported("card.button", "a link to customers has no button")
    link = {"title": within(card.title, 128, "card.title"), "url": card.url}
    if card.description:
        link["desc"] = within(card.description, 512, "card.description")
    if card.image is not None:
        link["picurl"] = card.image
    return {"msgtype": "link", "link": link}


def _media(media: Media) -> dict[str, Any]:
    if media.kind == "voice" or media.title is not None or media.description is not None:
        raise _unsupported("media", "customers are sent pictures, films and files, without words beside them")
    if media.media_id is not None:
        return {"msgtype": media.kind, media.kind: {"media_id": media.media_id}}
    if media.kind == "image" and media.url is not None:
        return {"msgtype": "image", "image": {"pic_url": media.url}}
    raise _unsupported("media", "upload it first and give its media_id")


def _program(program: MiniProgram, options: WecomExternalOptions) -> dict[str, Any]:
    if options.thumb_media_id is None or program.page is None:
        raise _unsupported("thumb_media_id", "a mini program needs a page and, in the options, the media id of its cover")
    if program.description is not None or program.items:
        raise _unsupported("miniprogram", "customers see its title and cover only")
    body = {"title": program.title, "pic_media_id": options.thumb_media_id, "appid": program.appid, "page": program.page}
    return {"msgtype": "miniprogram", "miniprogram": body}


def _result(message: Message, row: Mapping[str, Any]) -> Event:
    status, sent_at = str(row.get("status")), row.get("send_time")
    told = isinstance(sent_at, int) and 0 < sent_at < 10**11
    return Event(
        type=RESULTS.get(status) or EventType.UNKNOWN,
        message_id=message.id,
        address=message.to.key,
        at=datetime.fromtimestamp(sent_at, UTC) if told and isinstance(sent_at, int) else None,
        vendor_event_id=f"{message.id}:send_result:{status}",
        status=status,
        kind=REPORT_ERRORS.get(status),
        code=status if status in REPORT_ERRORS else None,
    )


def _unsupported(name: str, why: str) -> SendError:
    return SendError(ErrorKind.UNSUPPORTED, name, why)
