"""WeChat official account: template, subscription and customer-service messages, JSON, access token in the query.

Source: binarywang/WxJava @ 3e48dc7, WxMpErrorMsgEnum and WxMaErrorMsgEnum, read 2026-11-22.
Quirk: every answer is HTTP 200; errcode alone decides.
Quirk: fetching a token kills the one before it, so the stable token is asked for: the same for every process.
Quirk: 40001, 40014, 41001 and 42001 are cured by a new token.
Quirk: client_msg_id refuses a second template message for a day; the other operations have no such key.
Quirk: only a template message has an id; for the others ours stands for the vendor's.
Quirk: template messages may not carry marketing; a customer-service message needs an action of the user within 48 hours.
Quirk: 45009 is the day's limit of calls, 45047 that of messages to one user.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

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
    Message,
    MiniProgram,
    News,
    OfficialAccountUser,
    Receipt,
    SendError,
    Template,
    Text,
    Token,
    TokenAuth,
    Tools,
    channels,
    http_kind,
    retry_after,
)
from recallgate_adapters._push import compact, given, not_sent, read_code, said, text_id
from recallgate_adapters._tokens import ended_by, in_query
from recallgate_adapters.wechat_callback import REPORT_ERRORS, STATUSES, read
from recallgate_adapters.wecom_content import within
from recallgate_adapters.wecom_crypto import key_bytes
from recallgate_adapters.xiaomi import tomorrow

ERRORS = {
    "-1": ErrorKind.TEMPORARY,
    "40001": ErrorKind.AUTH,
    "40003": ErrorKind.INVALID_RECIPIENT,
    "40013": ErrorKind.AUTH,
    "40014": ErrorKind.AUTH,
    "40037": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "40097": ErrorKind.UNKNOWN,
    "41001": ErrorKind.AUTH,
    "41030": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "42001": ErrorKind.AUTH,
    "43004": ErrorKind.OPTED_OUT,
    "43101": ErrorKind.OPTED_OUT,
    "45009": ErrorKind.RATE_LIMITED,
    "45011": ErrorKind.RATE_LIMITED,
    "45047": ErrorKind.RATE_LIMITED,
    "47001": ErrorKind.UNKNOWN,
    "47003": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "48001": ErrorKind.AUTH,
    "48004": ErrorKind.AUTH,
    "50002": ErrorKind.AUTH,
    "61451": ErrorKind.UNKNOWN,
    "40164": ErrorKind.AUTH,
    "45015": ErrorKind.OPTED_OUT,
}
BAD_TOKEN, DAILY, ONE_USER = ("40001", "40014", "41001", "42001"), ("45009",), ("45047",)
OPERATIONS = {"template": "template/send", "subscription": "subscribe/bizsend", "miniprogram": "subscribe/send"}


class WechatConfig(AdapterConfig):
    """An official account. `callback_token` and `encoding_aes_key` are those of its server settings; with a key, in safe mode."""

    dsn_user: ClassVar[str] = "app_id"
    dsn_password: ClassVar[str] = "secret"  # noqa: S105 - the name of a field
    base_url: str = "https://api.weixin.qq.com"
    app_id: str = Field(min_length=1)
    secret: SecretStr
    callback_token: SecretStr | None = None
    encoding_aes_key: SecretStr | None = None

    @field_validator("encoding_aes_key")
    @classmethod
    def _is_aes_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key_bytes(value.get_secret_value())
        return value


class WechatOptions(AdapterOptions):
    """`kind` says what a template is: one of the account, a subscription of the account, or one of a mini program.

    `url` opens on tap, or `miniprogram_appid` with `page`. `thumb_media_id` is the cover of a mini program's card.
    """

    kind: Literal["template", "subscription", "miniprogram"] = "template"
    url: str | None = None
    miniprogram_appid: str | None = None
    page: str | None = None
    miniprogram_state: Literal["developer", "trial", "formal"] | None = None
    lang: str | None = None
    thumb_media_id: str | None = None


class WechatOa(Adapter):
    """Messages of an official account to its followers."""

    vendor, channel = "wechat", channels.OA
    needs = {"cryptography": "recallgate[wecom]", "defusedxml": "recallgate[wecom]"}
    Config, Options = WechatConfig, WechatOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    unverified = ("40164", "45015")
    capabilities = Capabilities(callbacks="signature", reports=True, inbound=True)
    config: WechatConfig

    def __init__(self, config: WechatConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = TokenAuth(
            build=self._build_token,
            parse=self._parse_token,
            apply=in_query,
            expired=ended_by("errcode", BAD_TOKEN),
            identity=f"wechat {config.base_url} {config.app_id}",
        )

    def build(self, message: Message) -> httpx.Request:
        if not isinstance(message.to, OfficialAccountUser):
            raise _unsupported("address", f"an official account writes to its followers, not to {message.to.type}")
        if message.sender is not None:
            raise _unsupported("sender", "the sender is the account itself")
        options: WechatOptions = self.options(message)
        if isinstance(message.content, Template):
            operation, body = OPERATIONS[options.kind], _template(message, message.content, options)
        else:
            operation, body = "custom/send", _custom(message, options)
        return self._request(f"/cgi-bin/message/{operation}", {"touser": message.to.openid, **body})

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        answer = self._answer(response, message)
        options: WechatOptions = self.options(message)
        if isinstance(message.content, Template) and options.kind == "template":
            return Receipt(message_id=message.id, vendor_id=text_id(answer.get("msgid")))
        vendor_id = answer.get("msgid")
        return Receipt(message_id=message.id, vendor_id=str(vendor_id) if vendor_id else message.id)

    def read_callback(self, callback: Callback) -> CallbackReading:
        token, key = self.config.callback_token, self.config.encoding_aes_key
        return read(
            callback,
            token=token.get_secret_value() if token else "",
            aes_key=key.get_secret_value() if key else "",
            app_id=self.config.app_id,
        )

    def _request(self, path: str, body: Mapping[str, Any]) -> httpx.Request:
        headers = {"content-type": "application/json"}
        return httpx.Request("POST", f"{self.config.base_url}{path}", headers=headers, content=compact(body).encode())

    def _answer(self, response: httpx.Response, *messages: Message) -> dict[str, Any]:
        now = self.tools.now()
        code, answer = read_code(response, "errcode", now)
        if code == "0":
            return answer
        status = response.status_code
        kind = ERRORS.get(code) or (http_kind(status) if status >= 400 else ErrorKind.UNKNOWN)
        retry_at = tomorrow(now) if code in DAILY else retry_after(response, now)
        if code == "45011":
            retry_at = retry_at or now + timedelta(minutes=1)
        scope: Literal["account", "address"] = "address" if code in ONE_USER else "account"
        raise SendError(kind, code, said(answer.get("errmsg"), *messages), retry_at=retry_at, scope=scope)

    def _build_token(self) -> httpx.Request:
        body = {
            "grant_type": "client_credential",
            "appid": self.config.app_id,
            "secret": self.config.secret.get_secret_value(),
            "force_refresh": False,
        }
        return self._request("/cgi-bin/stable_token", body)

    def _parse_token(self, response: httpx.Response) -> Token:
        """The token, whose answer has an errcode only when it failed; no failure here can have sent a message."""
        try:
            answer = response.json()
            return Token(str(answer["access_token"]), self.tools.now() + timedelta(seconds=int(answer["expires_in"])))
        except (ValueError, KeyError, TypeError):
            pass
        try:
            self._answer(response)
        except SendError as error:
            raise not_sent(error) from None
        raise SendError(ErrorKind.UNAVAILABLE, "token", "the token's answer cannot be read")


def _template(message: Message, content: Template, options: WechatOptions) -> dict[str, Any]:
    """The body of one of the three operations that take a template."""
    body: dict[str, Any] = {
        "template_id": content.template,
        "data": {name: {"value": value} for name, value in content.variables.items()},
    }
    program = given({"appid": options.miniprogram_appid, "pagepath": options.page}) if options.miniprogram_appid else None
    page = options.page if program is None else None
    mini = {"miniprogram_state": options.miniprogram_state, "lang": options.lang}
    if options.kind != "miniprogram" and any(mini.values()):
        raise _unsupported("miniprogram_state", "state and language are those of a mini program's template")
    if options.kind == "template":
        if page is not None:
            raise _unsupported("page", "a page needs the appid of its mini program")
        key = hashlib.sha256(f"{message.tenant}:{message.id}".encode()).hexdigest()[:32]
        return {**body, **given({"url": options.url, "miniprogram": program, "client_msg_id": key})}
    if options.url is not None:
        raise _unsupported("url", "a subscription message opens a page, not an address")
    if options.kind == "subscription":
        return {**body, **given({"page": page, "miniprogram": program})}
    if program is not None:
        raise _unsupported("miniprogram_appid", "a mini program's template opens the mini program itself")
    return {**body, **given({"page": page, **mini})}


def _custom(message: Message, options: WechatOptions) -> dict[str, Any]:
    """The body of a customer-service message."""
    if options.kind != "template" or options.url is not None or options.miniprogram_appid is not None or options.page is not None:
        raise _unsupported("kind", "only a template has a kind, an address and a page")
    match message.content:
        case Text(text=text):
            return {"msgtype": "text", "text": {"content": within(text, 2048, "text")}}
        case News(articles=(card,)):
            return {"msgtype": "news", "news": {"articles": [_article(card)]}}
        case News():
            raise _unsupported("news", "a customer-service message has one article")
        case MiniProgram(description=None, items=()) as program:
            if options.thumb_media_id is None or program.page is None:
                raise _unsupported("thumb_media_id", "a mini program needs a page and, in the options, the media id of its cover")
            page = {"title": program.title, "appid": program.appid, "pagepath": program.page}
            return {"msgtype": "miniprogrampage", "miniprogrampage": {**page, "thumb_media_id": options.thumb_media_id}}
        case other:
            raise _unsupported("content", f"an official account cannot send this {other.type}")


def _article(card: Card) -> dict[str, Any]:
    if card.button is not None:
        raise _unsupported("news.button", "an article has no button")
    return given({"title": card.title, "description": card.description, "url": card.url, "picurl": card.image})


def _unsupported(name: str, why: str) -> SendError:
    return SendError(ErrorKind.UNSUPPORTED, name, why)
