"""WeCom app messages: POST /cgi-bin/message/send, JSON, access token in the query.

Source: WxJava's WxCpErrorMsgEnum (from the official code page), vendor page 90454 on rates, read 2026-11-22.
Quirk: every answer is HTTP 200; errcode alone decides, errmsg is never compared.
Quirk: errcode 0 may name our member in invaliduser or unlicenseduser; nothing was sent to them.
Quirk: 40014, 41001 and 42001 are cured by a new token, 40001 (wrong secret) is not.
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
    Token,
    TokenAuth,
    Tools,
    WecomUser,
    channels,
    http_kind,
    read_json,
    retry_after,
)
from recallgate_adapters._shared import mask_digits
from recallgate_adapters.wecom_callback import STATUSES, read
from recallgate_adapters.wecom_content import body_of, file_of
from recallgate_adapters.wecom_crypto import key_bytes

ERRORS: dict[str, ErrorKind] = {
    "-1": ErrorKind.TEMPORARY,
    "40001": ErrorKind.AUTH,
    "40003": ErrorKind.INVALID_RECIPIENT,
    "40004": ErrorKind.UNKNOWN,
    "40005": ErrorKind.UNKNOWN,
    "40006": ErrorKind.PAYLOAD_TOO_LARGE,
    "40007": ErrorKind.UNKNOWN,
    "40008": ErrorKind.UNKNOWN,
    "40009": ErrorKind.PAYLOAD_TOO_LARGE,
    "40011": ErrorKind.PAYLOAD_TOO_LARGE,
    "40013": ErrorKind.AUTH,
    "40014": ErrorKind.AUTH,
    "40031": ErrorKind.INVALID_RECIPIENT,
    "40035": ErrorKind.UNKNOWN,
    "40056": ErrorKind.INVALID_SENDER,
    "40058": ErrorKind.UNKNOWN,
    "40063": ErrorKind.UNKNOWN,
    "40091": ErrorKind.AUTH,
    "40096": ErrorKind.INVALID_RECIPIENT,
    "41001": ErrorKind.AUTH,
    "41048": ErrorKind.INVALID_RECIPIENT,
    "41050": ErrorKind.OPTED_OUT,
    "41051": ErrorKind.UNSUPPORTED,
    "42001": ErrorKind.AUTH,
    "43004": ErrorKind.INVALID_RECIPIENT,
    "44004": ErrorKind.UNKNOWN,
    "45001": ErrorKind.PAYLOAD_TOO_LARGE,
    "45002": ErrorKind.PAYLOAD_TOO_LARGE,
    "45008": ErrorKind.UNKNOWN,
    "45009": ErrorKind.RATE_LIMITED,
    "45033": ErrorKind.RATE_LIMITED,
    "46004": ErrorKind.INVALID_RECIPIENT,
    "48002": ErrorKind.AUTH,
    "50001": ErrorKind.AUTH,
    "50002": ErrorKind.AUTH,
    "50003": ErrorKind.AUTH,
    "60011": ErrorKind.AUTH,
    "60020": ErrorKind.AUTH,
    "60111": ErrorKind.INVALID_RECIPIENT,
    "81013": ErrorKind.INVALID_RECIPIENT,
    "82001": ErrorKind.INVALID_RECIPIENT,
    "82002": ErrorKind.UNKNOWN,
    "82003": ErrorKind.UNKNOWN,
    "84061": ErrorKind.OPTED_OUT,
    "84074": ErrorKind.AUTH,
    "85002": ErrorKind.BLOCKED_CONTENT,
    "86001": ErrorKind.INVALID_RECIPIENT,
    "86003": ErrorKind.INVALID_RECIPIENT,
    "301002": ErrorKind.AUTH,
    "2000002": ErrorKind.AUTH,
}
BAD_TOKEN = ("40014", "41001", "42001")
# The least that a hit limit blocks: the minute's window.
WAITS = {"45009": timedelta(seconds=60)}


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
    Config, Options = WecomConfig, WecomOptions
    errors, statuses = ERRORS, STATUSES
    capabilities = Capabilities(callbacks="signature", inbound=True, per_user_link=True)
    batch_size: ClassVar[int] = 1000
    config: WecomConfig

    def __init__(self, config: WecomConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = TokenAuth(
            build=self._build_token,
            parse=self._parse_token,
            apply=_apply_token,
            expired=_token_expired,
            identity=f"wecom {config.base_url} {config.corp_id} {config.agent_id}",
        )

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
            answer = self._answer(response, *(message.to.key for message in messages))
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
        media_id = self._answer(response).get("media_id")
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

    def _answer(self, response: httpx.Response, *users: str) -> dict[str, Any]:
        """The answer when errcode is 0; else the `SendError` behind it, in whose words no user is named."""
        answer = read_json(response)
        now = self.tools.now()
        if "errcode" not in answer:
            kind, code = http_kind(response.status_code), f"http {response.status_code}"
            raise SendError(kind, code, "the answer has no errcode", retry_at=retry_after(response, now))
        code = str(answer["errcode"])
        if code == "0":
            return answer
        retry_at = retry_after(response, now) or (now + WAITS[code] if code in WAITS else None)
        words = mask_digits(str(answer.get("errmsg", "")))
        for user in users:
            words = words.replace(user, "…")
        raise SendError(ERRORS.get(code, ErrorKind.UNKNOWN), code, words[:200], retry_at=retry_at)

    def _build_token(self) -> httpx.Request:
        return httpx.Request(
            "GET",
            f"{self.config.base_url}/cgi-bin/gettoken",
            params={"corpid": self.config.corp_id, "corpsecret": self.config.secret.get_secret_value()},
        )

    def _parse_token(self, response: httpx.Response) -> Token:
        """The access token; no failure here can have sent a message, so none is uncertain."""
        try:
            answer = self._answer(response)
            return Token(str(answer["access_token"]), self.tools.now() + timedelta(seconds=int(answer["expires_in"])))
        except SendError as error:
            if error.kind is not ErrorKind.UNCERTAIN:
                raise
        except (KeyError, ValueError, TypeError):
            pass
        raise SendError(ErrorKind.UNAVAILABLE, "token", "the token's answer cannot be read") from None


def _userid(message: Message) -> str:
    if not isinstance(message.to, WecomUser):
        raise SendError(ErrorKind.UNSUPPORTED, "address", "an app writes to members of the company only")
    userid = message.to.userid
    if "|" in userid or userid.casefold() == "@all":
        raise SendError(ErrorKind.INVALID_RECIPIENT, "touser", "the id names more than one member")
    return userid


def _apply_token(request: httpx.Request, token: Token) -> httpx.Request:
    request.url = request.url.copy_merge_params({"access_token": token.value})
    return request


def _token_expired(response: httpx.Response) -> bool:
    try:
        answer = response.json()
    except ValueError:
        return False
    return isinstance(answer, dict) and str(answer.get("errcode")) in BAD_TOKEN
