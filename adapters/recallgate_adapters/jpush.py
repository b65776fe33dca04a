"""JPush: POST /v3/push, JSON, HTTP Basic with app key and master secret.

Source: docs.jiguang.cn http_status_code, server_overview, rest_api_v3_push_advanced, jpush 3.4.1, read 2026-11-22.
Quirk: a cid of the form {app key}-{uuid} is an idempotency key for a day: a second push with it answers as the first.
Quirk: 1011 means that no device matched; with one registration id that device is gone.
Quirk: a hit limit names the seconds left in X-Rate-Limit-Reset instead of Retry-After.
Quirk: a failure never comes with HTTP 200, but in a batch each message has its own error.
Quirk: reports count devices by message id, on a host of their own.
Quirk: callbacks are a paid feature and are not signed; their fields are common knowledge and nowhere confirmed.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

import httpx
from pydantic import Field, SecretStr

from recallgate import (
    Adapter,
    AdapterConfig,
    AdapterOptions,
    Basic,
    Callback,
    CallbackReading,
    Capabilities,
    ErrorKind,
    Event,
    EventType,
    ForgedCallback,
    Message,
    Push,
    Receipt,
    SendError,
    channels,
    http_kind,
)
from recallgate_adapters._push import compact, data_of, given, no_sender, octets, push_of, said, text_id, ttl_s, within
from recallgate_adapters._shared import refusal

ERRORS = {
    "1000": ErrorKind.TEMPORARY,
    "1001": ErrorKind.UNKNOWN,
    "1002": ErrorKind.UNKNOWN,
    "1003": ErrorKind.UNKNOWN,
    "1004": ErrorKind.AUTH,
    "1005": ErrorKind.PAYLOAD_TOO_LARGE,
    "1008": ErrorKind.AUTH,
    "1009": ErrorKind.BLOCKED_CONTENT,
    "1011": ErrorKind.UNREGISTERED_TOKEN,
    "1012": ErrorKind.UNKNOWN,
    "1020": ErrorKind.UNKNOWN,
    "1030": ErrorKind.UNCERTAIN,  # a time-out inside the vendor
    "2002": ErrorKind.RATE_LIMITED,
    "2003": ErrorKind.AUTH,
    "2004": ErrorKind.AUTH,
    "2005": ErrorKind.UNKNOWN,
}
# Types of a callback.
STATUSES: dict[str, EventType | None] = {"1": EventType.DELIVERED, "2": EventType.CLICKED}
MAX_ANDROID, MAX_IOS = 4000, 3584
MAX_TTL_S = 864_000  # ten days
PLATFORMS = {"android": "android", "ios": "ios", "harmony": "hmos"}
HOST, REPORT_HOST = "https://api.jpush.cn", "https://report.jpush.cn"


class JpushConfig(AdapterConfig):
    """An app of JPush. `report_url` is where delivery is asked for; by default JPush's own, or `base_url` where that is another.

    `callbacks` asks for delivered and clicked by callback, which the app must have bought. `dry_run` has JPush check
    messages and send none. `apns_production` is false for development builds.
    """

    dsn_user: ClassVar[str] = "app_key"
    dsn_password: ClassVar[str] = "master_secret"  # noqa: S105 - the name of a field
    base_url: str = HOST
    app_key: str = Field(min_length=1)
    master_secret: SecretStr
    report_url: str = ""
    apns_production: bool = True
    callbacks: bool = False
    dry_run: bool = False
    message_id_key: str | None = None


class JpushOptions(AdapterOptions):
    """What only JPush knows. `third_party_channel` goes to vendor channels as it is."""

    channel_id: str | None = None
    category: str | None = None
    priority: int | None = Field(default=None, ge=-2, le=2)
    alert_type: int | None = Field(default=None, ge=-1, le=7)
    builder_id: int | None = None
    thread_id: str | None = None
    third_party_channel: Mapping[str, Any] | None = None


class JpushPush(Adapter):
    """Push notifications to registration ids on Android, iOS and HarmonyOS."""

    vendor, channel = "jpush", channels.PUSH
    Config, Options = JpushConfig, JpushOptions
    auth = Basic("app_key", "master_secret")
    errors, statuses = ERRORS, STATUSES
    unverified = ("1000", "1001", "1009", "1012", "1020", "1030", "2002", "2003", "2004", "2005")
    capabilities = Capabilities(
        callbacks="secret_path", reports=True, idempotency=86_400, validity=True, max_bytes=MAX_IOS, default_rate=10.0
    )
    batch_size: ClassVar[int] = 500
    config: JpushConfig

    def build(self, message: Message) -> httpx.Request:
        token, _ = push_of(message, "JPush", tuple(PLATFORMS))
        body = {"cid": self._cid(message), "audience": {"registration_id": [token]}, **self._push(message)}
        return self._request("/push/validate" if self.config.dry_run else "/push", body)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        return self._receipt(message, self._answer(response, message))

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        if len(messages) > self.batch_size or self.config.dry_run:
            raise SendError(ErrorKind.UNSUPPORTED, "batch", f"at most {self.batch_size} messages, and none of them dry")
        pushes = {self._cid(message): {"target": message.to.key, **self._push(message)} for message in messages}
        return self._request("/push/batch/regid/single", {"pushlist": pushes})

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        try:
            answer = self._answer(response, *messages)
        except SendError as error:
            return [error for _ in messages]
        outcomes: list[Receipt | SendError] = []
        for message in messages:
            told = within(answer, self._cid(message))
            try:
                outcomes.append(self._receipt(message, told))
            except SendError as error:
                outcomes.append(error)
        return outcomes

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        if vendor_id is None:
            return None
        moved = self.config.base_url if self.config.base_url != HOST else REPORT_HOST
        base = _bare(self.config.report_url or moved)
        return httpx.Request("GET", f"{base}/v3/received/detail?msg_ids={quote(vendor_id, safe='')}")

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        try:
            rows = response.json()
        except ValueError:
            rows = None
        if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
            raise SendError(http_kind(response.status_code), "report", "the report cannot be read")
        counts = {name: count for name, count in rows[0].items() if isinstance(count, int) and count > 0}
        vendor_id = str(rows[0].get("msg_id", ""))
        for ending, type_ in (("_received", EventType.DELIVERED), ("_sent", EventType.SENT)):
            if any(name.endswith(ending) for name in counts):
                return (
                    Event(type_, message_id=message.id, vendor_id=vendor_id, vendor_event_id=f"{vendor_id}:{type_}", data=counts),
                )
        return ()

    def read_callback(self, callback: Callback) -> CallbackReading:
        try:
            told = json.loads(callback.body)
        except ValueError:
            raise ForgedCallback("the body is not JSON", status=400) from None
        rows = told.get("data", told) if isinstance(told, dict) else told
        rows = rows if isinstance(rows, list) else [rows]
        return CallbackReading(events=tuple(_event(row, callback.message_id) for row in rows if isinstance(row, dict)))

    def _request(self, path: str, body: Mapping[str, Any]) -> httpx.Request:
        headers = {"content-type": "application/json"}
        try:
            return httpx.Request(
                "POST", f"{_bare(self.config.base_url)}/v3{path}", headers=headers, content=compact(body).encode()
            )
        except (TypeError, ValueError):
            raise SendError(ErrorKind.UNSUPPORTED, "third_party_channel", "it is not a JSON document") from None

    def _cid(self, message: Message) -> str:
        return f"{self.config.app_key}-{uuid5(NAMESPACE_URL, f'recallgate:{message.tenant}:{message.id}')}"

    def _push(self, message: Message) -> dict[str, Any]:
        """Everything but the address."""
        _, content = push_of(message, "JPush", tuple(PLATFORMS))
        no_sender(message)
        options: JpushOptions = self.options(message)
        platform = getattr(message.to, "platform", None)
        extras = data_of(message, content, self.config.message_id_key) or None
        blocks = {
            "android": _android(content, options, extras),
            "ios": _ios(content, options, extras),
            "hmos": given({"alert": content.body, "title": content.title, "category": options.category, "extras": extras}),
        }
        told = blocks if platform is None else {PLATFORMS[platform]: blocks[PLATFORMS[platform]]}
        for name, block in told.items():
            octets(len(compact(block).encode()), MAX_IOS if name == "ios" else MAX_ANDROID)
        switches = {
            "time_to_live": ttl_s(message, self.tools.now(), most=MAX_TTL_S),
            "apns_production": self.config.apns_production,
            "apns_collapse_id": content.collapse_key,
            "third_party_channel": options.third_party_channel and dict(options.third_party_channel),
        }
        push = {
            "platform": "all" if platform is None else [PLATFORMS[platform]],
            "notification": {"alert": content.body, **told},
            "options": given(switches),
        }
        if self.config.callbacks and (url := self.tools.callback_url(message, "status")) is not None:
            push["callback"] = {"url": url, "type": 3}
        return push

    def _answer(self, response: httpx.Response, *messages: Message) -> dict[str, Any]:
        """The answer to a push that was taken; else the `SendError` behind it."""
        try:
            answer = response.json()
        except ValueError:
            answer = None
        told = answer if isinstance(answer, dict) else {}
        if response.is_success and told and "error" not in told:
            return told
        raise self._error(response, told, messages)

    def _receipt(self, message: Message, told: dict[str, Any]) -> Receipt:
        if error := within(told, "error"):
            code = str(error.get("code", ""))
            raise SendError(ERRORS.get(code, ErrorKind.UNKNOWN), code or "error", "the vendor refused this message of the batch")
        return Receipt(message_id=message.id, vendor_id=text_id(told.get("msg_id")))

    def _error(self, response: httpx.Response, told: dict[str, Any], messages: Sequence[Message]) -> SendError:
        error, now = within(told, "error"), self.tools.now()
        code = str(error.get("code", ""))
        found = refusal(response, code, "", errors=ERRORS, now=now)
        # A refusal with a code of its own is definite, whatever status a proxy gave it.
        kind = ERRORS.get(code) or (http_kind(response.status_code) if not code or response.is_error else ErrorKind.UNKNOWN)
        retry_at = found.retry_at or (_reset(response, now) if kind is ErrorKind.RATE_LIMITED else None)
        return SendError(kind, found.code, said(error.get("message"), *messages), retry_at=retry_at)


def _android(content: Push, options: JpushOptions, extras: dict[str, str] | None) -> dict[str, Any]:
    block = {
        "alert": content.body,
        "title": content.title,
        "builder_id": options.builder_id,
        "channel_id": options.channel_id,
        "category": options.category,
        "priority": options.priority if options.priority is not None else (1 if content.urgency == "high" else None),
        "alert_type": options.alert_type,
        "style": 3 if content.image else None,
        "big_pic_path": content.image,
        "badge_set_num": content.badge,
        "sound": content.sound,
        "extras": extras,
    }
    return given(block)


def _ios(content: Push, options: JpushOptions, extras: dict[str, str] | None) -> dict[str, Any]:
    # A picture is fetched by the app's extension, which runs only for mutable content and looks for it in the extras.
    pictured = {**(extras or {}), "image": content.image} if content.image else extras
    block = {
        "alert": {"title": content.title, "body": content.body},
        "sound": content.sound,
        "badge": content.badge,
        "mutable-content": True if content.image else None,
        "category": content.category,
        "thread-id": options.thread_id,
        "extras": pictured,
    }
    return given(block)


def _event(row: Mapping[str, Any], message_id: str | None) -> Event:
    status = str(row.get("type", ""))
    vendor_id = str(row["msg_id"]) if "msg_id" in row else None
    address = row.get("registration_id")
    return Event(
        type=STATUSES.get(status) or EventType.UNKNOWN,
        message_id=message_id,
        vendor_id=vendor_id,
        address=str(address) if address else None,
        vendor_event_id=f"{vendor_id or message_id}:{address or ''}:{status}",
        status=status or None,
    )


def _bare(url: str) -> str:
    """The address without its version, with which the vendor's documents print it."""
    return url.rstrip("/").removesuffix("/v3")


def _reset(response: httpx.Response, now: datetime) -> datetime | None:
    text = response.headers.get("x-rate-limit-reset", "")
    return now + timedelta(seconds=min(int(text), 3600)) if text.isascii() and text.isdigit() and len(text) < 8 else None
