"""Huawei Push Kit: POST /v1/{appId}/messages:send, JSON, OAuth 2 client credentials.

Source: developer.huawei.com push-scenariozed-api-response, hms-push-serverdemo-python @ 8ce3533, read 2026-11-22.
Quirk: 80000000 is success; 80100000 is success in part, and its words are JSON that lists the illegal tokens.
Quirk: 80200001 and 80200003 are cured by a new token.
Quirk: without a category a message counts as marketing, of which a device takes few a day.
Quirk: no idempotency key; a notify id and tag replace on the device.
Quirk: our message id travels as biTag and comes back in receipts; in a batch of equal messages there is none.
Quirk: HarmonyOS devices are written to by another API (v3, PS256), which is not this one.
"""

import json
from collections.abc import Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import quote

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
    Message,
    Push,
    Receipt,
    SendError,
    Tools,
    channels,
    http_kind,
    retry_after,
)
from recallgate_adapters._push import (
    client_credentials,
    compact,
    data_of,
    equal_content,
    given,
    lacking,
    no_sender,
    number_of,
    octets,
    push_of,
    read_code,
    said,
    text_id,
    ttl_s,
)
from recallgate_adapters._tokens import ended_by
from recallgate_adapters.huawei_push_receipts import REPORT_ERRORS, STATUSES, read, verify

ERRORS = {
    "80100000": ErrorKind.UNCERTAIN,  # success in part whose list cannot be read
    "80100001": ErrorKind.UNKNOWN,
    "80100002": ErrorKind.UNKNOWN,
    "80100003": ErrorKind.UNKNOWN,
    "80100004": ErrorKind.UNKNOWN,
    "80100013": ErrorKind.UNKNOWN,
    "80100016": ErrorKind.BLOCKED_CONTENT,
    "80200001": ErrorKind.AUTH,
    "80200003": ErrorKind.AUTH,
    "80300002": ErrorKind.AUTH,
    "80300007": ErrorKind.UNREGISTERED_TOKEN,
    "80300008": ErrorKind.PAYLOAD_TOO_LARGE,
    "80300010": ErrorKind.UNKNOWN,
    "80300006": ErrorKind.RATE_LIMITED,
    "81000001": ErrorKind.TEMPORARY,
}
DONE, IN_PART, BAD_TOKEN = "80000000", "80100000", ("80200001", "80200003")
MAX_PAYLOAD = 4096
MAX_TTL_S = 1_296_000  # 15 days
MAX_BI_TAG = 64


class HuaweiPushConfig(AdapterConfig):
    """An app of AppGallery Connect. `callback_user` and `callback_secret` are those of the receipt's address."""

    dsn_user: ClassVar[str] = "app_id"
    dsn_password: ClassVar[str] = "app_secret"  # noqa: S105 - the name of a field
    base_url: str = "https://push-api.cloud.huawei.com"
    token_url: str = "https://oauth-login.cloud.huawei.com/oauth2/v3/token"  # noqa: S105 - an address
    app_id: str = Field(min_length=1)
    app_secret: SecretStr
    callback_user: str = ""
    callback_secret: SecretStr | None = None
    badge_class: str | None = None
    message_id_key: str | None = None
    dry_run: bool = False


class HuaweiPushOptions(AdapterOptions):
    """`category` is the app's own classification (IM, VOIP, MARKETING, …), which decides the quota."""

    category: str | None = None
    channel_id: str | None = None
    importance: Literal["LOW", "NORMAL"] | None = None
    receipt_id: str | None = None
    intent: str | None = None


class HuaweiPush(Adapter):
    """Push notifications to Huawei devices, one by one or up to a thousand with equal content."""

    vendor, channel = "huawei", channels.PUSH
    Config, Options = HuaweiPushConfig, HuaweiPushOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    unverified = ("80100001", "80100002", "80100004", "80100013", "80300002", "80300008", "81000001")
    capabilities = Capabilities(callbacks="signature", reports=True, validity=True, max_bytes=MAX_PAYLOAD)
    batch_size: ClassVar[int] = 1000
    config: HuaweiPushConfig

    def __init__(self, config: HuaweiPushConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = client_credentials(
            config.token_url, config.app_id, config.app_secret, tools, expired=ended_by("code", BAD_TOKEN)
        )

    def build(self, message: Message) -> httpx.Request:
        return self.build_batch([message])

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        (outcome,) = self.parse_batch([message], response)
        if isinstance(outcome, SendError):
            raise outcome
        return outcome

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        first = equal_content(messages, self.batch_size)
        tokens = [push_of(message, "Huawei", ("android",))[0] for message in messages]
        shown = self._message(first, alone=len(messages) == 1)
        octets(len(compact(shown).encode()), MAX_PAYLOAD)
        body = {**({"validate_only": True} if self.config.dry_run else {}), "message": {**shown, "token": tokens}}
        url = f"{self.config.base_url}/v1/{quote(self.config.app_id, safe='')}/messages:send"
        return httpx.Request("POST", url, headers={"content-type": "application/json"}, content=compact(body).encode())

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        now = self.tools.now()
        try:
            code, answer = read_code(response, "code", now)
            illegal = _illegal(answer.get("msg")) if code == IN_PART else set()
            if illegal is None or code not in (DONE, IN_PART):
                status = response.status_code
                kind = ERRORS.get(code) or (http_kind(status) if status >= 400 else ErrorKind.UNKNOWN)
                raise SendError(kind, code, said(answer.get("msg"), *messages), retry_at=retry_after(response, now))
            vendor_id = text_id(answer.get("requestId"))
        except SendError as error:
            return [error for _ in messages]
        return [
            SendError(ErrorKind.UNREGISTERED_TOKEN, IN_PART, "the token is illegal")
            if message.to.key in illegal
            else Receipt(message_id=message.id, vendor_id=vendor_id, note="checked, not sent" if self.config.dry_run else "")
            for message in messages
        ]

    def read_callback(self, callback: Callback) -> CallbackReading:
        secret = self.config.callback_secret
        verify(callback, secret=secret.get_secret_value() if secret else "", user_name=self.config.callback_user)
        return read(callback, STATUSES, REPORT_ERRORS)

    def _message(self, message: Message, *, alone: bool) -> dict[str, Any]:
        """The message without its tokens."""
        _, content = push_of(message, "Huawei", ("android",))
        no_sender(message)
        lacking(content, "Huawei", "category")
        options: HuaweiPushOptions = self.options(message)
        ttl = ttl_s(message, self.tools.now(), most=MAX_TTL_S)
        key = self.config.message_id_key if alone else None
        data = data_of(message, content, key, link=False)
        android = {
            "urgency": content.urgency.upper(),
            "category": options.category,
            "ttl": None if ttl is None else f"{ttl}s",
            "bi_tag": message.id if alone and len(message.id.encode()) <= MAX_BI_TAG else None,
            "receipt_id": options.receipt_id,
            "notification": self._notification(content, options),
        }
        shown = given({"title": content.title, "body": content.body, "image": content.image})
        return {**({"data": compact(data)} if data else {}), "notification": shown, "android": given(android)}

    def _notification(self, content: Push, options: HuaweiPushOptions) -> dict[str, Any]:
        badge = None
        if content.badge is not None:
            badge = given({"set_num": content.badge, "class": self.config.badge_class})
        shown = {
            "click_action": click_action(content.link, options.intent),
            "channel_id": options.channel_id,
            "importance": options.importance,
            "notify_id": number_of(content.collapse_key) if content.collapse_key else None,
            "tag": content.collapse_key,
            "badge": badge,
            "sound": content.sound,
        }
        return given(shown)


def click_action(link: str | None, intent: str | None) -> dict[str, Any]:
    """What a tap opens: an intent, an address, else the app."""
    if intent is not None or (link is not None and not link.startswith(("https://", "http://"))):
        return {"type": 1, "intent": intent or link}
    return {"type": 3} if link is None else {"type": 2, "url": link}


def _illegal(words: object) -> set[str] | None:
    """The tokens that a success in part names; None where its words cannot be read."""
    try:
        told = json.loads(str(words))
    except ValueError:
        return None
    tokens = told.get("illegal_tokens") if isinstance(told, dict) else None
    return {str(token) for token in tokens} if isinstance(tokens, list) else None
