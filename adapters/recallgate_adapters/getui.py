"""Getui: POST /v2/{appId}/push/single/cid, JSON, token in the header `token`.

Source: docs.getui.com rest_v2/code, getui-pushapi-java-client-v2 @ 837fd9c, read 2026-11-22.
Quirk: a request_id of 10 to 32 characters is an idempotency key; ours is a hash of the message id.
Quirk: 20001 is a dead device only with the words "target user is invalid"; else a parameter is wrong.
Quirk: 10001 is cured by a new token; 10003 and 10005 come with HTTP 401 and are limits.
Quirk: HTTP 403 concerns the package that was bought, not the credentials.
Quirk: code 0 with successed_ignore means that the device was inactive for 30 days and got nothing.
Quirk: tokens live 24 hours; their end comes in milliseconds, as text.
Quirk: push results, batch answers and report fields are common knowledge and nowhere confirmed.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr

from recallgate import (
    Adapter,
    AdapterConfig,
    AdapterOptions,
    Capabilities,
    ErrorKind,
    Event,
    EventType,
    Message,
    Push,
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
    no_sender,
    not_sent,
    number_of,
    octets,
    push_of,
    read_code,
    said,
    ttl_s,
    within,
)
from recallgate_adapters._tokens import ended_by, in_header

ERRORS = {
    "1": ErrorKind.UNKNOWN,
    "2": ErrorKind.TEMPORARY,
    "301": ErrorKind.UNKNOWN,
    "404": ErrorKind.UNKNOWN,
    "405": ErrorKind.UNKNOWN,
    "10001": ErrorKind.AUTH,
    "10002": ErrorKind.AUTH,
    "10003": ErrorKind.RATE_LIMITED,
    "10004": ErrorKind.AUTH,
    "10005": ErrorKind.RATE_LIMITED,
    "20001": ErrorKind.UNKNOWN,  # UNREGISTERED_TOKEN with the words of a dead device
}
DEAD = "target user is invalid"
# Words of a push result; successed_ignore is told as a refusal, since nothing was sent.
STATUSES: dict[str, EventType | None] = {
    "successed_online": EventType.SENT,
    "successed_offline": EventType.ACCEPTED,
    "successed_ignore": EventType.UNDELIVERED,
}
STATUS_KINDS = {403: ErrorKind.INSUFFICIENT_FUNDS}
WAIT = timedelta(minutes=1)
MAX_TTL_S = 259_200  # three days


class GetuiConfig(AdapterConfig):
    """An app of Getui. With `message_id_key` our message id goes to the app under that key."""

    dsn_user: ClassVar[str] = "app_key"
    dsn_password: ClassVar[str] = "master_secret"  # noqa: S105 - the name of a field
    base_url: str = "https://restapi.getui.com"
    app_id: str = Field(min_length=1)
    app_key: str = Field(min_length=1)
    master_secret: SecretStr
    message_id_key: str | None = None


class GetuiOptions(AdapterOptions):
    """`strategy` as in the vendor's settings: 1 both ways, 2 vendor channels only, 3 Getui only, 4 Getui first."""

    channel_id: str | None = None
    channel_level: int | None = Field(default=None, ge=0, le=4)
    strategy: int | None = Field(default=None, ge=1, le=4)
    thread_id: str | None = None


class GetuiPush(Adapter):
    """Push notifications to client ids (cid) on Android and iOS."""

    vendor, channel = "getui", channels.PUSH
    Config, Options = GetuiConfig, GetuiOptions
    errors, statuses = ERRORS, STATUSES
    capabilities = Capabilities(idempotency=86_400, validity=True, max_bytes=3072)
    batch_size: ClassVar[int] = 200
    config: GetuiConfig

    def __init__(self, config: GetuiConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = TokenAuth(
            build=self._build_token,
            parse=self._parse_token,
            apply=in_header("token"),
            expired=ended_by("code", ("10001",)),
            identity=f"getui {config.base_url} {config.app_id} {config.app_key}",
        )

    def build(self, message: Message) -> httpx.Request:
        return self._request("/push/single/cid", self._push(message))

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        (outcome,) = self.parse_batch([message], response)
        if isinstance(outcome, SendError):
            raise outcome
        return outcome

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        if len(messages) > self.batch_size:
            raise SendError(ErrorKind.UNSUPPORTED, "batch", f"{len(messages)} messages, at most {self.batch_size}")
        body = {"is_async": False, "msg_list": [self._push(message) for message in messages]}
        return self._request("/push/single/batch/cid", body)

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        try:
            told = within(self._answer(response, *messages), "data")
        except SendError as error:
            return [error for _ in messages]
        # One task a message; two messages to one device stand in the order in which they were sent.
        results: dict[str, list[tuple[str, str]]] = {}
        for task, devices in told.items():
            for device, result in devices.items() if isinstance(devices, dict) else ():
                results.setdefault(device, []).append((task, str(result)))
        return [_outcome(message, results.get(message.to.key, [])) for message in messages]

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        if vendor_id is None:
            return None
        return httpx.Request("GET", f"{self._base()}/report/push/task/{quote(vendor_id, safe='')}")

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        answer = self._answer(response, message)
        events = []
        for task, report in within(answer, "data").items():
            total = within(report, "total") if isinstance(report, dict) else {}
            for name, type_ in (("receive_num", EventType.DELIVERED), ("click_num", EventType.CLICKED)):
                if isinstance(count := total.get(name), int) and count > 0:
                    event = Event(type_, message_id=message.id, vendor_id=task, vendor_event_id=f"{task}:{name}", status=name)
                    events.append(event)
        return tuple(events)

    def _base(self) -> str:
        return f"{self.config.base_url.rstrip('/').removesuffix('/v2')}/v2/{quote(self.config.app_id, safe='')}"

    def _request(self, path: str, body: dict[str, Any]) -> httpx.Request:
        headers = {"content-type": "application/json"}
        return httpx.Request("POST", f"{self._base()}{path}", headers=headers, content=compact(body).encode())

    def _push(self, message: Message) -> dict[str, Any]:
        token, content = push_of(message, "Getui", ("android", "ios"))
        no_sender(message)
        options: GetuiOptions = self.options(message)
        platform = getattr(message.to, "platform", None)
        data = data_of(message, content, self.config.message_id_key)
        shown = _notification(content, data)
        ours = given(
            {
                **shown,
                "channel_id": options.channel_id,
                "channel_level": options.channel_level,
                "notify_id": number_of(content.collapse_key) if content.collapse_key else None,
                "badge_add_num": content.badge,
                "big_image": content.image,
            }
        )
        # Devices that are offline are reached over the vendor's own channel.
        offline: dict[str, Any] = {}
        if platform in (None, "android"):
            offline["android"] = {"ups": {"notification": shown}}
        if platform in (None, "ios"):
            offline["ios"] = _ios(content, data, options)
        ttl = ttl_s(message, self.tools.now(), most=MAX_TTL_S)
        settings = given(
            {
                "ttl": None if ttl is None else ttl * 1000,
                "strategy": None if options.strategy is None else {"default": options.strategy},
            }
        )
        return {
            "request_id": hashlib.sha256(f"{message.tenant}:{message.id}".encode()).hexdigest()[:32],
            **({"settings": settings} if settings else {}),
            "audience": {"cid": [token]},
            "push_message": {"notification": ours},
            "push_channel": offline,
        }

    def _answer(self, response: httpx.Response, *messages: Message) -> dict[str, Any]:
        now = self.tools.now()
        try:
            code, answer = read_code(response, "code", now)
        except SendError as error:
            kind = STATUS_KINDS.get(response.status_code, error.kind)
            raise SendError(kind, error.code, error.detail, retry_at=error.retry_at) from None
        if code == "0":
            return answer
        words = str(answer.get("msg", ""))
        kind = ERRORS.get(code) or STATUS_KINDS.get(response.status_code) or http_kind(response.status_code)
        if code == "20001" and DEAD in words.lower():
            kind = ErrorKind.UNREGISTERED_TOKEN
        elif code not in ERRORS and response.status_code < 400:
            kind = ErrorKind.UNKNOWN
        retry_at = retry_after(response, now) or (now + WAIT if kind is ErrorKind.RATE_LIMITED else None)
        raise SendError(kind, code, said(words, *messages), retry_at=retry_at)

    def _build_token(self) -> httpx.Request:
        timestamp = str(int(self.tools.now().timestamp() * 1000))
        proof = sign(self.config.app_key, timestamp, self.config.master_secret.get_secret_value())
        return self._request("/auth", {"sign": proof, "timestamp": timestamp, "appkey": self.config.app_key})

    def _parse_token(self, response: httpx.Response) -> Token:
        """The token; no failure here can have sent a message, so none is uncertain."""
        try:
            told = within(self._answer(response), "data")
        except SendError as error:
            raise not_sent(error) from None
        ends = instant_ms(told.get("expire_time"))
        if not told.get("token") or ends is None:
            raise SendError(ErrorKind.UNAVAILABLE, "token", "the token's answer cannot be read")
        return Token(str(told["token"]), ends)


def sign(app_key: str, timestamp: str, master_secret: str) -> str:
    """The proof of a token request, at an instant in milliseconds."""
    return hashlib.sha256(f"{app_key}{timestamp}{master_secret}".encode()).hexdigest()


def _notification(content: Push, data: dict[str, str]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "title": characters(content.title, 50, "title"),
        "body": characters(content.body, 256, "body"),
        "click_type": "startapp",
    }
    link = content.link
    if data and set(data) != {"link"}:
        payload = compact(data)
        octets(len(payload.encode()), 3072)
        return {**shown, "click_type": "payload", "payload": payload}
    if link is None:
        return shown
    if link.startswith(("https://", "http://")):
        return {**shown, "click_type": "url", "url": characters(link, 1024, "link")}
    return {**shown, "click_type": "intent", "intent": characters(link, 4096, "link")}


def _ios(content: Push, data: dict[str, str], options: GetuiOptions) -> dict[str, Any]:
    aps = {
        "alert": {"title": content.title, "body": content.body},
        "sound": content.sound,
        "category": content.category,
        "thread-id": options.thread_id,
        "mutable-content": 1 if content.image else None,
    }
    block = {
        "type": "notify",
        "aps": given(aps),
        "auto_badge": None if content.badge is None else str(content.badge),
        "payload": compact(data) if data else None,
        "multimedia": [{"url": content.image, "type": 1}] if content.image else None,
        "apns-collapse-id": content.collapse_key,
    }
    return given(block)


def _outcome(message: Message, results: list[tuple[str, str]]) -> Receipt | SendError:
    if not results:
        return SendError(ErrorKind.UNCERTAIN, "data", "the answer does not name the device")
    task, result = results.pop(0) if len(results) > 1 else results[0]
    if result == "successed_ignore":
        return SendError(ErrorKind.UNREACHABLE, result, "the device was inactive for 30 days and got nothing")
    return Receipt(message_id=message.id, vendor_id=task, note=result)
