"""OPPO PUSH (also OnePlus, realme): POST /server/v1/message/notification/unicast, form, auth token in a form field.

Source: OPPO open platform page on addresses, parameters and return codes, modood/pushapi @ 1101d12, read 2026-11-22.
Quirk: every answer is HTTP 200; `code` decides.
Quirk: the document wants the auth token as a form field, clients were seen to send a header; ours is the field.
Quirk: registration ids of domestic devices go to one host, all others to the international one.
Quirk: app_message_id is an idempotency key, and code 32 says that the message had been taken before: it is no refusal.
Quirk: 33 and 34 are the day's quotas: the account waits until tomorrow in China.
Quirk: 11 and 29 are cured by a new token, which lives 24 hours.
Quirk: receipts are not signed; their address proves them, and their event names are nowhere confirmed.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

from recallgate import (
    Adapter,
    AdapterConfig,
    AdapterOptions,
    Callback,
    CallbackReading,
    Capabilities,
    ErrorKind,
    ForgedCallback,
    Message,
    Receipt,
    SendError,
    Token,
    TokenAuth,
    Tools,
    channels,
    http_kind,
    retry_after,
)
from recallgate_adapters._push import (
    characters,
    compact,
    data_of,
    given,
    instant_ms,
    lacking,
    no_sender,
    not_sent,
    number_of,
    push_of,
    read_code,
    said,
    short_address,
    text_id,
    ttl_s,
    within,
)
from recallgate_adapters._tokens import ended_by
from recallgate_adapters.oppo_receipts import ERRORS, REPORT_ERRORS, STATUSES, events_of
from recallgate_adapters.xiaomi import tomorrow

DUPLICATE, BAD_TOKEN, DAILY = "32", ("11", "29"), ("33", "34")
MAX_TTL_S = 864_000  # ten days
HOST, ABROAD = "https://api.push.oppomobile.com", "https://api-intl.push.oppomobile.com"


class OppoConfig(AdapterConfig):
    """An app of OPPO. `abroad_url` is the host for devices that are not domestic; a replaced `base_url` serves both."""

    dsn_user: ClassVar[str] = "app_key"
    dsn_password: ClassVar[str] = "master_secret"  # noqa: S105 - the name of a field
    base_url: str = HOST
    abroad_url: str = ""
    app_key: str = Field(min_length=1)
    master_secret: SecretStr
    message_id_key: str | None = None


class OppoOptions(AdapterOptions):
    """`category` and `notify_level` decide the quota; `style` 2 takes a long text."""

    channel_id: str | None = None
    category: str | None = None
    notify_level: int | None = None
    sub_title: str | None = Field(default=None, max_length=10)
    style: int | None = Field(default=None, ge=1, le=3)
    private_msg_template_id: str | None = None
    activity: str | None = None


class OppoPush(Adapter):
    """Push notifications to registration ids, one by one or a thousand different ones at a time."""

    vendor, channel = "oppo", channels.PUSH
    Config, Options = OppoConfig, OppoOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    unverified = ("10000",)
    capabilities = Capabilities(callbacks="secret_path", reports=True, idempotency=86_400, validity=True)
    batch_size: ClassVar[int] = 1000
    config: OppoConfig

    def __init__(self, config: OppoConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = TokenAuth(
            build=self._build_token,
            parse=self._parse_token,
            apply=_apply_token,
            expired=ended_by("code", BAD_TOKEN),
            identity=f"oppo {config.base_url} {config.app_key}",
        )

    def build(self, message: Message) -> httpx.Request:
        return self._request(message, "unicast", {"message": compact(self._push(message))})

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        code, answer = self._answer(response, message)
        if code == DUPLICATE:
            return Receipt(message_id=message.id, vendor_id=_key(message), note="it had been taken before")
        told = within(answer, "data")
        return Receipt(message_id=message.id, vendor_id=text_id(told.get("messageId") or told.get("message_id")))

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        if len(messages) > self.batch_size or len({self._host(message) for message in messages}) > 1:
            raise SendError(ErrorKind.UNSUPPORTED, "batch", f"at most {self.batch_size} messages, all to devices of one host")
        return self._request(messages[0], "unicast_batch", {"messages": compact([self._push(one) for one in messages])})

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        try:
            code, answer = self._answer(response, *messages)
        except SendError as error:
            return [error for _ in messages]
        rows = answer.get("data")
        if code == DUPLICATE or not isinstance(rows, list) or len(rows) != len(messages):
            unread = SendError(ErrorKind.UNCERTAIN, "data", "the answer has not one row for each message")
            return [unread for _ in messages]
        return [self._row(message, row if isinstance(row, dict) else {}) for message, row in zip(messages, rows, strict=True)]

    def read_callback(self, callback: Callback) -> CallbackReading:
        try:
            rows = json.loads(callback.body)
        except ValueError:
            rows = None
        if not isinstance(rows, list):
            raise ForgedCallback("the body is not a list of receipts", status=400)
        return CallbackReading(events=tuple(event for row in rows if isinstance(row, dict) for event in events_of(row)))

    def _row(self, message: Message, row: Mapping[str, Any]) -> Receipt | SendError:
        code = str(row.get("errorCode") or row.get("code") or "0")
        if code == DUPLICATE:
            return Receipt(message_id=message.id, vendor_id=_key(message), note="it had been taken before")
        if code != "0":
            words = said(row.get("errorMessage") or row.get("message"), message)
            return SendError(ERRORS.get(code, ErrorKind.UNKNOWN), code, words)
        try:
            return Receipt(message_id=message.id, vendor_id=text_id(row.get("messageId") or row.get("message_id")))
        except SendError as unread:
            return unread

    def _host(self, message: Message) -> str:
        if self.config.base_url != HOST or domestic(message.to.key):
            return self.config.base_url
        return self.config.abroad_url or ABROAD

    def _request(self, message: Message, operation: str, form: Mapping[str, str]) -> httpx.Request:
        url = f"{self._host(message)}/server/v1/message/notification/{operation}"
        return httpx.Request("POST", url, data=dict(form))

    def _push(self, message: Message) -> dict[str, Any]:
        token, content = push_of(message, "OPPO", ("android",))
        no_sender(message)
        lacking(content, "OPPO", "image", "badge", "category", "sound")
        options: OppoOptions = self.options(message)
        data = data_of(message, content, self.config.message_id_key, link=False)
        ttl = ttl_s(message, self.tools.now(), most=MAX_TTL_S)
        url = self.tools.callback_url(message, "status")
        shown = {
            "app_message_id": _key(message),
            "title": characters(content.title, 50, "title"),
            "sub_title": options.sub_title,
            "content": characters(content.body, 128 if options.style == 2 else 50, "body"),
            "style": options.style,
            **_click(content.link, options.activity),
            "action_parameters": compact(data) if data else None,
            "off_line": True if ttl is not None else None,
            "off_line_ttl": ttl,
            "channel_id": options.channel_id,
            "category": options.category,
            "notify_level": options.notify_level,
            "notify_id": number_of(content.collapse_key) if content.collapse_key else None,
            "private_msg_template_id": options.private_msg_template_id,
            "call_back_url": None if url is None else short_address(url, 200),
            "call_back_parameter": message.id if url is not None else None,
        }
        return {"target_type": 2, "target_value": token, "notification": given(shown)}

    def _answer(self, response: httpx.Response, *messages: Message) -> tuple[str, dict[str, Any]]:
        """Code and answer of a success, or of a message that had been taken before; else the `SendError` behind it."""
        now = self.tools.now()
        code, answer = read_code(response, "code", now)
        if code in ("0", DUPLICATE):
            return code, answer
        status = response.status_code
        kind = ERRORS.get(code) or (http_kind(status) if status >= 400 else ErrorKind.UNKNOWN)
        retry_at = tomorrow(now) if code in DAILY else retry_after(response, now)
        raise SendError(kind, code, said(answer.get("message"), *messages), retry_at=retry_at)

    def _build_token(self) -> httpx.Request:
        timestamp = str(int(self.tools.now().timestamp() * 1000))
        proof = sign(self.config.app_key, timestamp, self.config.master_secret.get_secret_value())
        form = {"app_key": self.config.app_key, "timestamp": timestamp, "sign": proof}
        return httpx.Request("POST", f"{self.config.base_url}/server/v1/auth", data=form)

    def _parse_token(self, response: httpx.Response) -> Token:
        """The token; no failure here can have sent a message, so none is uncertain."""
        try:
            told = within(self._answer(response)[1], "data")
            value = text_id(told.get("auth_token"), "the answer has no token")
        except SendError as error:
            raise not_sent(error) from None
        created = instant_ms(told.get("create_time")) or self.tools.now()
        return Token(value, created + timedelta(hours=24))


def sign(app_key: str, timestamp: str, master_secret: str) -> str:
    """The proof of a token request, at an instant in milliseconds."""
    return hashlib.sha256(f"{app_key}{timestamp}{master_secret}".encode()).hexdigest()


def domestic(registration_id: str) -> bool:
    """Whether a device is one of the domestic host, by the form of its id."""
    parts = registration_id.split("_")
    return len(parts) == 1 or parts[0] == "CN" or parts[:2] == ["OPPO", "CN"]


def _key(message: Message) -> str:
    return hashlib.sha256(f"{message.tenant}:{message.id}".encode()).hexdigest()[:32]


def _click(link: str | None, activity: str | None) -> dict[str, Any]:
    """What a tap opens: a page of the app, an address, a scheme, else the app."""
    if activity is not None:
        return {"click_action_type": 4, "click_action_activity": activity}
    if link is None:
        return {"click_action_type": 0}
    return {"click_action_type": 2 if link.startswith(("https://", "http://")) else 5, "click_action_url": link}


def _apply_token(request: httpx.Request, token: Token) -> httpx.Request:
    form = {"auth_token": token.value, **dict(httpx.QueryParams(request.content.decode()))}
    return httpx.Request(request.method, request.url, data=form)
