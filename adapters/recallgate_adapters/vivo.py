"""vivo PUSH-UPS: POST /message/send, JSON, token in the header `authToken`.

Source: vivo server API document 2.9.2 (copies), modood/pushapi @ 1101d12, read 2026-11-22.
Quirk: every answer is HTTP 200; `result` decides.
Quirk: requestId is an idempotency key of at most 64 characters; ours is a hash of the message id.
Quirk: 10070, 10073, 10252 and 10254 are the day's quotas, and calls after them cut the quota: out until tomorrow in China.
Quirk: 10071 means outside the allowed hours; the vendor does not say when they begin.
Quirk: 10000 is cured by a new token, which lives 24 hours.
Quirk: 10302 names the user and a status, of which 2 may mean uninstalled or unsubscribed; all make the token dead.
Quirk: classification 0 is marketing, 1 is a system message; formal apps may not send digits, brackets or the word for test alone.
Quirk: receipts are not signed; their form is common knowledge and nowhere confirmed.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar, Literal

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
)
from recallgate_adapters._tokens import ended_by, in_header
from recallgate_adapters.xiaomi import tomorrow

ERRORS = {
    "10000": ErrorKind.AUTH,
    "10070": ErrorKind.RATE_LIMITED,
    "10071": ErrorKind.RATE_LIMITED,
    "10072": ErrorKind.RATE_LIMITED,
    "10073": ErrorKind.RATE_LIMITED,
    "10085": ErrorKind.BLOCKED_CONTENT,
    "10094": ErrorKind.AUTH,
    "10104": ErrorKind.BLOCKED_CONTENT,
    "10252": ErrorKind.RATE_LIMITED,
    "10254": ErrorKind.RATE_LIMITED,
    "10302": ErrorKind.UNREGISTERED_TOKEN,
}
# Types of a receipt.
STATUSES: dict[str, EventType | None] = {"0": EventType.DELIVERED, "1": EventType.CLICKED, "2": EventType.UNDELIVERED}
DAILY, BAD_TOKEN = ("10070", "10073", "10252", "10254"), ("10000",)
LEAST_TTL_S, MAX_TTL_S = 60, 604_800
MAX_MAP, MAX_CALLBACK, MAX_PARAM = 1024, 128, 64


class VivoConfig(AdapterConfig):
    """An app of vivo. `test` sends to the devices that are registered for tests."""

    dsn_user: ClassVar[str] = "app_key"
    dsn_password: ClassVar[str] = "app_secret"  # noqa: S105 - the name of a field
    base_url: str = "https://api-push.vivo.com.cn"
    app_id: int
    app_key: str = Field(min_length=1)
    app_secret: SecretStr
    message_id_key: str | None = None
    test: bool = False


class VivoOptions(AdapterOptions):
    """`classification`: 0 marketing, 1 system, with `category` below it; `notify_type`: 1 none, 2 sound, 3 vibration, 4 both."""

    classification: Literal[0, 1] | None = None
    category: str | None = None
    notify_type: int = Field(default=1, ge=1, le=4)
    profile_id: str | None = None
    page: str | None = None


class VivoPush(Adapter):
    """Push notifications to one vivo device each."""

    vendor, channel = "vivo", channels.PUSH
    Config, Options = VivoConfig, VivoOptions
    errors, statuses = ERRORS, STATUSES
    capabilities = Capabilities(callbacks="secret_path", reports=True, idempotency=86_400, validity=True)
    config: VivoConfig

    def __init__(self, config: VivoConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = TokenAuth(
            build=self._build_token,
            parse=self._parse_token,
            apply=in_header("authToken"),
            expired=ended_by("result", BAD_TOKEN),
            identity=f"vivo {config.base_url} {config.app_id}",
        )

    def build(self, message: Message) -> httpx.Request:
        token, content = push_of(message, "vivo", ("android",))
        no_sender(message)
        lacking(content, "vivo", "image", "badge", "category", "sound")
        options: VivoOptions = self.options(message)
        data = data_of(message, content, self.config.message_id_key, link=False)
        body = {
            "appId": self.config.app_id,
            "regId": token,
            "notifyType": options.notify_type,
            "title": characters(content.title, 40, "title"),
            "content": characters(content.body, 100, "body"),
            "timeToLive": ttl_s(message, self.tools.now(), most=MAX_TTL_S, least=LEAST_TTL_S),
            **_skip(content.link, options.page),
            "classification": options.classification,
            "category": options.category,
            "clientCustomMap": data or None,
            "extra": self._extra(message),
            "requestId": hashlib.sha256(f"{message.tenant}:{message.id}".encode()).hexdigest(),
            "pushMode": 1 if self.config.test else 0,
            "notifyId": number_of(content.collapse_key) if content.collapse_key else None,
            "profileId": options.profile_id,
        }
        if data:
            characters(compact(data), MAX_MAP, "data")
        return self._request("/message/send", given(body))

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        answer = self._answer(response, message)
        return Receipt(message_id=message.id, vendor_id=text_id(answer.get("taskId")))

    def read_callback(self, callback: Callback) -> CallbackReading:
        try:
            told = json.loads(callback.body)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise ForgedCallback("the body is not a JSON object", status=400)
        rows = [(task, row) for task, row in told.items() if isinstance(row, dict)]
        return CallbackReading(events=tuple(event for task, row in rows for event in _events(task, row, callback.message_id)))

    def _request(self, path: str, body: Mapping[str, Any]) -> httpx.Request:
        headers = {"content-type": "application/json"}
        return httpx.Request("POST", f"{self.config.base_url}{path}", headers=headers, content=compact(body).encode())

    def _extra(self, message: Message) -> dict[str, str] | None:
        url = self.tools.callback_url(message, "status")
        if url is None:
            return None
        return {
            "callback": short_address(url, MAX_CALLBACK),
            **({"callback.param": message.id} if len(message.id) <= MAX_PARAM else {}),
        }

    def _answer(self, response: httpx.Response, *messages: Message) -> dict[str, Any]:
        now = self.tools.now()
        code, answer = read_code(response, "result", now)
        if code == "0":
            return answer
        status = response.status_code
        kind = ERRORS.get(code) or (http_kind(status) if status >= 400 else ErrorKind.UNKNOWN)
        retry_at = tomorrow(now) if code in DAILY else retry_after(response, now)
        raise SendError(kind, code, said(answer.get("desc"), *messages), retry_at=retry_at)

    def _build_token(self) -> httpx.Request:
        app_id, app_key = str(self.config.app_id), self.config.app_key.strip()
        timestamp = str(int(self.tools.now().timestamp() * 1000))
        proof = sign(app_id, app_key, timestamp, self.config.app_secret.get_secret_value())
        body = {"appId": app_id, "appKey": app_key, "timestamp": timestamp, "sign": proof}
        return self._request("/message/auth", body)

    def _parse_token(self, response: httpx.Response) -> Token:
        """The token; no failure here can have sent a message, so none is uncertain."""
        try:
            value = text_id(self._answer(response).get("authToken"), "the answer has no token")
        except SendError as error:
            raise not_sent(error) from None
        return Token(value, self.tools.now() + timedelta(hours=24))


def sign(app_id: str, app_key: str, timestamp: str, app_secret: str) -> str:
    """The proof of a token request, at an instant in milliseconds; each part trimmed."""
    words = "".join(part.strip() for part in (app_id, app_key, timestamp, app_secret))
    return hashlib.md5(words.encode(), usedforsecurity=False).hexdigest()


def _skip(link: str | None, page: str | None) -> dict[str, Any]:
    """What a tap opens: a page of the app, an address, what the app makes of a text, else the app."""
    if page is not None:
        return {"skipType": 4, "skipContent": characters(page, 1024, "page")}
    if link is None:
        return {"skipType": 1}
    return {"skipType": 2 if link.startswith(("https://", "http://")) else 3, "skipContent": characters(link, 1024, "link")}


def _events(task: str, row: Mapping[str, Any], message_id: str | None) -> list[Event]:
    status = str(row.get("ackType"))
    type_ = STATUSES.get(status) or EventType.UNKNOWN
    failed = type_ is EventType.UNDELIVERED
    targets = [target for target in str(row.get("targets") or "").split(",") if target]
    return [
        Event(
            type=type_,
            message_id=str(row.get("param") or "") or message_id,
            vendor_id=task,
            address=target,
            vendor_event_id=f"{task}:{hashlib.sha256(target.encode()).hexdigest()[:16]}:{status}",
            status=status,
            kind=ErrorKind.UNKNOWN if failed else None,
            code=status if failed else None,
        )
        for target in targets
    ]
