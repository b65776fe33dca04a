"""Xiaomi MiPush: POST /v3/message/regid, form, `Authorization: key=…`.

Source: dev.mi.com documentation pId=1560 (codes, 2024-10-18) and pId=1558, modood/pushapi @ 1101d12, read 2026-11-22.
Quirk: every answer is HTTP 200; `code` decides.
Quirk: the payload is url-encoded by us before the form encodes it once more.
Quirk: a channel id is needed; the vendor counts messages by the class of the channel.
Quirk: 10034 is the day's quota: the account waits until tomorrow in China.
Quirk: a receipt is one form field with JSON, a message id to a list of targets; nobody signs it, so param and address prove it.
Quirk: a type is one bit of a set; those above 16 are common knowledge and nowhere confirmed.
Quirk: no idempotency key; a notify id replaces on the device.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

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
    Event,
    EventType,
    ForgedCallback,
    Message,
    Receipt,
    SendError,
    Signed,
    Tools,
    channels,
    http_kind,
    retry_after,
)
from recallgate_adapters._push import (
    characters,
    compact,
    data_of,
    equal_content,
    instant_ms,
    lacking,
    no_sender,
    number_of,
    octets,
    push_of,
    read_code,
    said,
    text_id,
    ttl_s,
    within,
)

ERRORS = {
    "-1": ErrorKind.UNKNOWN,
    "1": ErrorKind.TEMPORARY,
    "10001": ErrorKind.TEMPORARY,
    "10002": ErrorKind.TEMPORARY,
    "10003": ErrorKind.TEMPORARY,
    "10008": ErrorKind.UNKNOWN,
    "10012": ErrorKind.UNKNOWN,
    "10016": ErrorKind.UNKNOWN,
    "10017": ErrorKind.UNKNOWN,
    "10027": ErrorKind.RATE_LIMITED,
    "10029": ErrorKind.UNREGISTERED_TOKEN,
    "10031": ErrorKind.AUTH,
    "10034": ErrorKind.RATE_LIMITED,
    "10036": ErrorKind.AUTH,
    "10037": ErrorKind.UNKNOWN,
    "20301": ErrorKind.UNKNOWN,
    "21301": ErrorKind.AUTH,
    "21302": ErrorKind.AUTH,
    "21303": ErrorKind.AUTH,
    "21305": ErrorKind.UNKNOWN,
    "22000": ErrorKind.AUTH,
    "22006": ErrorKind.AUTH,
    "22007": ErrorKind.AUTH,
    "22022": ErrorKind.INVALID_SENDER,
    "22102": ErrorKind.UNKNOWN,
    "26003": ErrorKind.TEMPORARY,
    "26006": ErrorKind.BLOCKED_CONTENT,
    "27001": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "65003": ErrorKind.UNREGISTERED_TOKEN,
    "65009": ErrorKind.PAYLOAD_TOO_LARGE,
    "65014": ErrorKind.PAYLOAD_TOO_LARGE,
    "65015": ErrorKind.PAYLOAD_TOO_LARGE,
    "65036": ErrorKind.UNKNOWN,
    "65038": ErrorKind.UNKNOWN,
}
# Types of a receipt.
STATUSES: dict[str, EventType | None] = {
    "1": EventType.DELIVERED,
    "2": EventType.CLICKED,
    "16": EventType.UNDELIVERED,
    "32": EventType.UNDELIVERED,
    "64": EventType.UNDELIVERED,
    "128": EventType.UNDELIVERED,
    "1024": EventType.UNDELIVERED,
}
REPORT_ERRORS = {
    "16": ErrorKind.UNREGISTERED_TOKEN,
    "32": ErrorKind.OPTED_OUT,
    "64": ErrorKind.UNKNOWN,
    "128": ErrorKind.RATE_LIMITED,
    "1024": ErrorKind.OPTED_OUT,
}
ALL_TYPES = sum(map(int, STATUSES))
DAILY = ("10034",)
MAX_TTL_S = 1_209_600  # 14 days
MAX_PARAM = 256


class XiaomiConfig(AdapterConfig):
    """An app: its secret, the package it has on devices, and the channel that is used where a message names none."""

    dsn_user: ClassVar[str] = "package"
    dsn_password: ClassVar[str] = "app_secret"  # noqa: S105 - the name of a field
    base_url: str = "https://api.xmpush.xiaomi.com"
    app_secret: SecretStr
    package: str = Field(min_length=1)
    channel_id: str = Field(min_length=1)
    message_id_key: str | None = None


class XiaomiOptions(AdapterOptions):
    """`notify_type`: 1 sound, 2 vibration, 4 light, added up; -1 all."""

    channel_id: str | None = None
    notify_type: int | None = Field(default=None, ge=-1, le=7)
    notify_foreground: bool = True
    intent: str | None = None


class XiaomiPush(Adapter):
    """Push notifications to registration ids, one by one or up to a thousand with equal content."""

    vendor, channel = "xiaomi", channels.PUSH
    Config, Options = XiaomiConfig, XiaomiOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    capabilities = Capabilities(callbacks="secret_path", reports=True, validity=True, max_bytes=4096)
    batch_size: ClassVar[int] = 1000
    config: XiaomiConfig

    def __init__(self, config: XiaomiConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._sign)

    def build(self, message: Message) -> httpx.Request:
        return self.build_batch([message])

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        (outcome,) = self.parse_batch([message], response)
        if isinstance(outcome, SendError):
            raise outcome
        return outcome

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        first = equal_content(messages, self.batch_size)
        tokens = [push_of(message, "Xiaomi", ("android",))[0] for message in messages]
        if any("," in token for token in tokens):
            raise SendError(ErrorKind.INVALID_RECIPIENT, "registration_id", "a comma would make it two devices")
        form = {"registration_id": ",".join(tokens), **self._form(first, alone=len(messages) == 1)}
        return httpx.Request("POST", f"{self.config.base_url}/v3/message/regid", data=form)

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        now = self.tools.now()
        try:
            code, answer = read_code(response, "code", now)
            if code != "0":
                status = response.status_code
                kind = ERRORS.get(code) or (http_kind(status) if status >= 400 else ErrorKind.UNKNOWN)
                words = said(answer.get("reason") or answer.get("description"), *messages)
                retry_at = tomorrow(now) if code in DAILY else retry_after(response, now)
                raise SendError(kind, code, words, retry_at=retry_at)
            vendor_id = text_id(within(answer, "data").get("id"))
        except SendError as error:
            return [error for _ in messages]
        return [Receipt(message_id=message.id, vendor_id=vendor_id) for message in messages]

    def read_callback(self, callback: Callback) -> CallbackReading:
        try:
            told = json.loads(dict(callback.form).get("data", ""))
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise ForgedCallback("the form has no field `data` with JSON", status=400)
        rows = [(vendor_id, row) for vendor_id, row in told.items() if isinstance(row, dict)]
        return CallbackReading(events=tuple(event for vendor_id, row in rows for event in _events(vendor_id, row)))

    def _form(self, message: Message, *, alone: bool) -> dict[str, str]:
        """Every field but the devices."""
        _, content = push_of(message, "Xiaomi", ("android",))
        no_sender(message)
        lacking(content, "Xiaomi", "image", "badge", "category", "sound")
        options: XiaomiOptions = self.options(message)
        data = data_of(message, content, self.config.message_id_key if alone else None)
        form = {
            "restricted_package_name": self.config.package,
            "title": characters(content.title, 49, "title"),
            "description": characters(content.body, 127, "body"),
            "pass_through": "0",
            "extra.channel_id": options.channel_id or self.config.channel_id,
            **_effect(content.link, options.intent),
        }
        if data:
            payload = compact(data)
            octets(len(payload.encode()), 4096)
            form["payload"] = quote(payload, safe="")
        if options.notify_type is not None:
            form["notify_type"] = str(options.notify_type)
        if not options.notify_foreground:
            form["extra.notify_foreground"] = "0"
        if (ttl := ttl_s(message, self.tools.now(), most=MAX_TTL_S)) is not None:
            form["time_to_live"] = str(ttl * 1000)
        if content.collapse_key:
            form["notify_id"] = str(number_of(content.collapse_key))
        if (url := self.tools.callback_url(message, "status")) is not None:
            # The address is that of the batch's first message, so only the parameter names a message.
            form |= {"extra.callback": url, "extra.callback.type": str(ALL_TYPES)}
            if alone and len(message.id.encode()) <= MAX_PARAM:
                form["extra.callback.param"] = message.id
        return form

    def _sign(self, request: httpx.Request) -> httpx.Request:
        request.headers["authorization"] = f"key={self.config.app_secret.get_secret_value()}"
        return request


def tomorrow(now: datetime) -> datetime:
    """The next midnight in China, where these vendors count their days."""
    here = now.astimezone(ZoneInfo("Asia/Shanghai"))
    return (here + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0).astimezone(now.tzinfo)


def _effect(link: str | None, intent: str | None) -> dict[str, str]:
    """What a tap opens: an intent, an address, else the app."""
    if intent is not None or (link is not None and not link.startswith(("https://", "http://"))):
        return {"extra.notify_effect": "2", "extra.intent_uri": intent or link or ""}
    return {"extra.notify_effect": "1"} if link is None else {"extra.notify_effect": "3", "extra.web_uri": link}


def _events(vendor_id: str, row: Mapping[str, Any]) -> list[Event]:
    status = str(row.get("type"))
    type_ = STATUSES.get(status) or EventType.UNKNOWN
    failed = type_ is EventType.UNDELIVERED
    targets = [target for target in str(row.get("targets") or "").split(",") if target]
    param = str(row.get("param") or "")
    return [
        Event(
            type=type_,
            message_id=param if param and len(targets) == 1 else None,
            vendor_id=vendor_id,
            address=target,
            at=instant_ms(row.get("timestamp")),
            vendor_event_id=f"{vendor_id}:{hashlib.sha256(target.encode()).hexdigest()[:16]}:{status}",
            status=status,
            kind=REPORT_ERRORS.get(status, ErrorKind.UNKNOWN) if failed else None,
            code=status if failed else None,
        )
        for target in targets
    ]
