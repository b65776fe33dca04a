"""WeCom app messages: POST /cgi-bin/message/send, JSON, access token in the query.

Source: WxJava's WxCpErrorMsgEnum (from the official code page), vendor page 90454 on rates, read 2026-11-22.
Quirk: errcode 0 may name our member in invaliduser or unlicenseduser; nothing was sent to them.
Quirk: in touser a | separates members and @all means everybody; neither may come in as one member's id.
Quirk: the duplicate check compares contents, so an intended second copy is dropped too; it is off unless configured.
Quirk: a call limit blocks for the window that was hit (a minute, an hour, the day) and does not say which.
"""

import json
from collections.abc import Mapping, Sequence
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
    ErrorKind,
    Media,
    Message,
    Receipt,
    SendError,
    Tools,
    WecomUser,
    channels,
)
from recallgate_adapters.wecom_api import ERRORS, answer_of, token_auth
from recallgate_adapters.wecom_callback import STATUSES, read
from recallgate_adapters.wecom_content import body_of, file_of
from recallgate_adapters.wecom_crypto import key_bytes


class WecomConfig(AdapterConfig):
    """One app of a company. `callback_token` and `encoding_aes_key` are those of the app's message API, for callbacks.

    `duplicate_check_interval`: seconds within which WeCom drops a second equal content to the same member, at most 14400.
    """

    dsn_user: ClassVar[str] = "corp_id"
    dsn_password: ClassVar[str] = "secret"  # noqa: S105 - the name of a field
    base_url: str = "https://qyapi.weixin.qq.com"
    corp_id: str = Field(min_length=1)
    secret: SecretStr
    agent_id: int
    callback_token: SecretStr | None = None
    encoding_aes_key: SecretStr | None = None
    duplicate_check_interval: int | None = Field(default=None, ge=1, le=14_400)

    @field_validator("encoding_aes_key")
    @classmethod
    def _is_aes_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key_bytes(value.get_secret_value())
        return value


class WecomOptions(AdapterOptions):
    """`safe`: 1 forbids passing on, 2 also outside the company; `enable_id_trans` shows ids as names."""

    safe: Literal[0, 1, 2] = 0
    enable_id_trans: bool = False


class WecomApp(Adapter):
    """Messages of a company's app to its members, one by one or up to a thousand with equal content."""

    vendor, channel, product = "wecom", channels.WECOM, "app"
    needs = {"cryptography": "recallgate[wecom]", "defusedxml": "recallgate[wecom]"}
    Config, Options = WecomConfig, WecomOptions
    errors, statuses = ERRORS, STATUSES
    unverified = ("41048", "41050")
    capabilities = Capabilities(callbacks="signature", inbound=True, per_user_link=True)
    batch_size: ClassVar[int] = 1000
    config: WecomConfig

    def __init__(self, config: WecomConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = token_auth(config.base_url, config.corp_id, config.secret, tools, product=str(config.agent_id))

    def build(self, message: Message) -> httpx.Request:
        return self._request(message, [_userid(message)], body_of(message))

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        outcome = self.parse_batch([message], response)[0]
        if isinstance(outcome, SendError):
            raise outcome
        return outcome

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        first = messages[0]
        if len(messages) > self.batch_size:
            raise SendError(ErrorKind.UNSUPPORTED, "batch", f"{len(messages)} members, at most {self.batch_size}")
        for other in messages:
            if other.content != first.content or other.sender != first.sender or self.options(other) != self.options(first):
                raise SendError(ErrorKind.UNSUPPORTED, "batch", "one request carries equal content, sender and options only")
        return self._request(first, [_userid(message) for message in messages], body_of(first, shared=len(messages) > 1))

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        try:
            answer = answer_of(response, self.tools.now(), *(message.to.key for message in messages))
        except SendError as error:
            return [error for _ in messages]
        vendor_id = answer.get("msgid")
        refused = {
            user.casefold(): field
            for field in ("unlicenseduser", "invaliduser")
            for user in str(answer.get(field) or "").split("|")
        }
        outcomes: list[Receipt | SendError] = []
        for message in messages:
            # Member ids ignore case, and come back as the directory writes them.
            if field := refused.get(message.to.key.casefold()):
                outcomes.append(SendError(ErrorKind.INVALID_RECIPIENT, field, "the member got nothing"))
            elif isinstance(vendor_id, str) and vendor_id:
                outcomes.append(Receipt(message_id=message.id, vendor_id=vendor_id))
            else:
                outcomes.append(SendError(ErrorKind.UNCERTAIN, "msgid", "the answer names no message"))
        return outcomes

    def build_upload(self, media: Media) -> httpx.Request:
        """The upload of a file given as base64; the id that comes back serves for three days."""
        boundary = self.tools.nonce(32)
        filename, content = file_of(media)
        disposition = f'Content-Disposition: form-data; name="media"; filename="{filename}"; filelength={len(content)}'
        head = f"--{boundary}\r\n{disposition}\r\nContent-Type: application/octet-stream\r\n\r\n"
        return httpx.Request(
            "POST",
            f"{self.config.base_url}/cgi-bin/media/upload",
            params={"type": media.kind},
            headers={"content-type": f"multipart/form-data; boundary={boundary}"},
            content=head.encode() + content + f"\r\n--{boundary}--\r\n".encode(),
        )

    def parse_upload(self, response: httpx.Response) -> tuple[str, timedelta]:
        media_id = answer_of(response, self.tools.now()).get("media_id")
        if not isinstance(media_id, str) or not media_id:
            raise SendError(ErrorKind.TEMPORARY, "media_id", "the answer to the upload names no media")
        return media_id, timedelta(days=3)

    def read_callback(self, callback: Callback) -> CallbackReading:
        token, key = self.config.callback_token, self.config.encoding_aes_key
        return read(
            callback,
            token=token.get_secret_value() if token else "",
            aes_key=key.get_secret_value() if key else "",
            corp_id=self.config.corp_id,
        )

    def _request(self, message: Message, users: list[str], body: Mapping[str, Any]) -> httpx.Request:
        options: WecomOptions = self.options(message)
        document: dict[str, Any] = {"touser": "|".join(users), "agentid": self._agent_id(message), **body}
        if options.safe:
            document["safe"] = options.safe
        if options.enable_id_trans:
            document["enable_id_trans"] = 1
        if self.config.duplicate_check_interval is not None:
            document["enable_duplicate_check"] = 1
            document["duplicate_check_interval"] = self.config.duplicate_check_interval
        try:
            content = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        except (TypeError, ValueError):
            raise SendError(ErrorKind.UNSUPPORTED, "payload", "it is not a JSON document") from None
        url = f"{self.config.base_url}/cgi-bin/message/send"
        return httpx.Request("POST", url, headers={"content-type": "application/json"}, content=content)

    def _agent_id(self, message: Message) -> int:
        if message.sender is None:
            return self.config.agent_id
        if not message.sender.isascii() or not message.sender.isdigit():
            raise SendError(ErrorKind.UNSUPPORTED, "sender", "the sender of an app message is an agent id, a number")
        return int(message.sender)


def _userid(message: Message) -> str:
    if not isinstance(message.to, WecomUser):
        raise SendError(ErrorKind.UNSUPPORTED, "address", "an app writes to members of the company only")
    userid = message.to.userid
    if "|" in userid or userid.casefold() == "@all":
        raise SendError(ErrorKind.INVALID_RECIPIENT, "touser", "the id names more than one member")
    return userid
