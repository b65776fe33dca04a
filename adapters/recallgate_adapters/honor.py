"""HONOR Push: POST /api/v1/{appId}/sendMessage, JSON in camelCase, OAuth 2 client credentials and a time in the header.

Source: cossim/hipush @ fa2e6d2 and four more public clients, read 2026-11-22.
Quirk: clients read success as code 200, 0 or 80000000; what decides is `data.sendResult`.
Quirk: expireTokens are dead, failTokens may be tried again; both come beside a success too.
Quirk: codes are Huawei's by analogy and nowhere confirmed, and so is the form of receipts, which nobody signs.
Quirk: importance LOW is marketing, with a small quota a day.
Quirk: no idempotency key; a notify id replaces on the device.
"""

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
    EventType,
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
    within,
)
from recallgate_adapters.huawei_push import MAX_BI_TAG, MAX_PAYLOAD, MAX_TTL_S, click_action
from recallgate_adapters.huawei_push_receipts import read

ERRORS = {
    "80100000": ErrorKind.UNKNOWN,
    "80100003": ErrorKind.UNKNOWN,
    "80200001": ErrorKind.AUTH,
    "80200003": ErrorKind.AUTH,
    "80300007": ErrorKind.UNREGISTERED_TOKEN,
    "80300010": ErrorKind.UNKNOWN,
}
STATUSES: dict[str, EventType | None] = {"0": EventType.DELIVERED}
DONE, BAD_TOKEN = ("200", "0", "80000000"), ("80200001", "80200003")


class HonorConfig(AdapterConfig):
    """An app of HONOR Developers."""

    dsn_user: ClassVar[str] = "client_id"
    dsn_password: ClassVar[str] = "client_secret"  # noqa: S105 - the name of a field
    base_url: str = "https://push-api.cloud.hihonor.com"
    token_url: str = "https://iam.developer.hihonor.com/auth/token"  # noqa: S105 - an address
    app_id: str = Field(min_length=1)
    client_id: str = Field(min_length=1)
    client_secret: SecretStr
    badge_class: str | None = None
    message_id_key: str | None = None


class HonorOptions(AdapterOptions):
    """`importance` decides the quota: LOW is marketing. `target_user_type` 1 is for test devices."""

    importance: Literal["LOW", "NORMAL"] | None = None
    target_user_type: Literal[0, 1] | None = None
    intent: str | None = None
    group: str | None = None


class HonorPush(Adapter):
    """Push notifications to HONOR devices, one by one or up to a thousand with equal content."""

    vendor, channel = "honor", channels.PUSH
    Config, Options = HonorConfig, HonorOptions
    errors, statuses = ERRORS, STATUSES
    unverified = ("80100000", "80100003", "80200001", "80200003", "80300007", "80300010")
    capabilities = Capabilities(callbacks="secret_path", reports=True, validity=True, max_bytes=MAX_PAYLOAD)
    batch_size: ClassVar[int] = 1000
    config: HonorConfig

    def __init__(self, config: HonorConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = client_credentials(config.token_url, config.client_id, config.client_secret, tools, expired=_token_expired)

    def build(self, message: Message) -> httpx.Request:
        return self.build_batch([message])

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        (outcome,) = self.parse_batch([message], response)
        if isinstance(outcome, SendError):
            raise outcome
        return outcome

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        first = equal_content(messages, self.batch_size)
        tokens = [push_of(message, "HONOR", ("android",))[0] for message in messages]
        shown = self._message(first, alone=len(messages) == 1)
        octets(len(compact(shown).encode()), MAX_PAYLOAD)
        url = f"{self.config.base_url}/api/v1/{quote(self.config.app_id, safe='')}/sendMessage"
        headers = {"content-type": "application/json", "timestamp": str(int(self.tools.now().timestamp() * 1000))}
        return httpx.Request("POST", url, headers=headers, content=compact({**shown, "token": tokens}).encode())

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        try:
            code, answer = read_code(response, "code", self.tools.now())
        except SendError as error:
            return [error for _ in messages]
        told = within(answer, "data")
        lists = {name: set(map(str, told[name])) for name in ("expireTokens", "failTokens") if isinstance(told.get(name), list)}
        whole = self._refusal(code, answer, response, messages)
        return [self._outcome(message, told, lists, whole) for message in messages]

    def read_callback(self, callback: Callback) -> CallbackReading:
        return read(callback, STATUSES, {})

    def _outcome(
        self, message: Message, told: dict[str, Any], lists: dict[str, set[str]], error: SendError | None
    ) -> Receipt | SendError:
        if message.to.key in lists.get("expireTokens", ()):
            return SendError(ErrorKind.UNREGISTERED_TOKEN, "expireTokens", "the token has ended")
        if message.to.key in lists.get("failTokens", ()):
            return SendError(ErrorKind.TEMPORARY, "failTokens", "this token failed; it may be tried again")
        if error is not None:
            return error
        try:
            return Receipt(message_id=message.id, vendor_id=text_id(told.get("requestId")))
        except SendError as unread:
            return unread

    def _refusal(
        self, code: str, answer: dict[str, Any], response: httpx.Response, messages: Sequence[Message]
    ) -> SendError | None:
        """The error that concerns the whole request; None for a success, also one in part."""
        result = within(answer, "data").get("sendResult")
        if result is True or (result is None and code in DONE and response.is_success):
            return None
        status = response.status_code
        kind = ERRORS.get(code) or (http_kind(status) if status >= 400 else ErrorKind.UNKNOWN)
        return SendError(kind, code, said(answer.get("message"), *messages), retry_at=retry_after(response, self.tools.now()))

    def _message(self, message: Message, *, alone: bool) -> dict[str, Any]:
        """The message without its tokens."""
        _, content = push_of(message, "HONOR", ("android",))
        no_sender(message)
        lacking(content, "HONOR", "category", "sound")
        options: HonorOptions = self.options(message)
        ttl = ttl_s(message, self.tools.now(), most=MAX_TTL_S)
        data = data_of(message, content, self.config.message_id_key if alone else None, link=False)
        android = {
            "ttl": None if ttl is None else f"{ttl}s",
            "biTag": message.id if alone and len(message.id.encode()) <= MAX_BI_TAG else None,
            "targetUserType": options.target_user_type,
            "notification": self._notification(content, options),
        }
        shown = given({"title": content.title, "body": content.body, "image": content.image})
        return {**({"data": compact(data)} if data else {}), "notification": shown, "android": given(android)}

    def _notification(self, content: Push, options: HonorOptions) -> dict[str, Any]:
        badge = None
        if content.badge is not None:
            badge = given({"setNum": content.badge, "badgeClass": self.config.badge_class})
        shown = {
            "title": content.title,
            "body": content.body,
            "clickAction": click_action(content.link, options.intent),
            "importance": options.importance,
            "notifyId": number_of(content.collapse_key) if content.collapse_key else None,
            "tag": content.collapse_key,
            "group": options.group,
            "badge": badge,
        }
        return given(shown)


def _token_expired(response: httpx.Response) -> bool:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    code = str(answer.get("code")) if isinstance(answer, dict) else ""
    return code in BAD_TOKEN or (response.status_code == 401 and code not in ERRORS)
