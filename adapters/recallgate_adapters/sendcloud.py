"""SendCloud (sendcloud.net): POST /mail/send and /mail/sendtemplate, form fields (multipart with files), keys in the form.

Source: sendcloud.net/doc/en/email_v2, aurorasendcloud.com/docs/API/index, read 2026-11-22.
Quirk: user and key are fields of every form; they are added when the request is signed, never before.
Quirk: refusals come with HTTP 200; statusCode decides.
Quirk: 40000 means that the request came twice: the first copy may have been taken.
Quirk: an id ends with $ and the recipient, and so tells which message of a batch it belongs to.
Quirk: several addresses in `to` see each other; in `xsmtpapi` each person gets a mail of their own.
Quirk: variables of a template stand between percent signs.
Quirk: the signature of webhooks was read in no machine-readable source; it is checked where `app_key` is set, and the
secret in the callback's address counts in any case.
"""

import hashlib
import hmac
import json
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal
from urllib.parse import urlencode

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
)
from recallgate_adapters._mail import (
    for_all,
    instant_of,
    is_mailbox,
    mail_of,
    mask_mail,
    one_content,
    recipient_of,
    sender_of,
    template_of,
)
from recallgate_adapters._shared import refusal, told_object

ERRORS: dict[str, ErrorKind] = {
    "40000": ErrorKind.UNCERTAIN,
    "40005": ErrorKind.AUTH,
    "40011": ErrorKind.INVALID_RECIPIENT,
    "40012": ErrorKind.INVALID_RECIPIENT,
    "40201": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "40202": ErrorKind.TEMPLATE_OR_SIGNATURE,
}
REPORT_ERRORS: dict[str, ErrorKind] = {
    "bounce": ErrorKind.INVALID_RECIPIENT,
    "soft_bounce": ErrorKind.UNREACHABLE,
    "invalid": ErrorKind.INVALID_RECIPIENT,
}
STATUSES: dict[str, EventType | None] = {
    "request": EventType.ACCEPTED,
    "deliver": EventType.DELIVERED,
    "bounce": EventType.UNDELIVERED,
    "soft_bounce": EventType.UNDELIVERED,
    "invalid": EventType.UNDELIVERED,
    "report_spam": EventType.COMPLAINED,
    "unsubscribe": EventType.UNSUBSCRIBED,
    "open": EventType.OPENED,
    "click": EventType.CLICKED,
}
_DIGITS = re.compile(r"\d{1,15}", re.ASCII)


class SendcloudConfig(AdapterConfig):
    """One API user; abroad `base_url` is https://api2.sendcloud.net and `edition` is api. `templates` names invoke names."""

    dsn_user: ClassVar[str] = "api_user"
    dsn_password: ClassVar[str] = "api_key"  # noqa: S105 - the name of a field
    base_url: str = "https://api.sendcloud.net"
    edition: Literal["apiv2", "api"] = "apiv2"
    api_user: str = Field(min_length=1)
    api_key: SecretStr = Field(min_length=1)
    app_key: SecretStr | None = Field(default=None, description="The webhook's app key; with it signatures are checked.")
    sender: str | None = None
    reply_to: str | None = None
    templates: Mapping[str, str] = Field(default_factory=dict)

    _mailboxes = field_validator("sender", "reply_to")(is_mailbox)


class SendcloudOptions(AdapterOptions):
    label_id: int | None = None


class SendcloudEmail(Adapter):
    vendor, channel, api = "sendcloud", channels.EMAIL, 1
    Config, Options = SendcloudConfig, SendcloudOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="secret_path", reports=True)
    batch_size: ClassVar[int] = 100
    config: SendcloudConfig

    def __init__(self, config: SendcloudConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._with_key)

    def build(self, message: Message) -> httpx.Request:
        return self.build_batch([message])

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        (outcome,) = self.parse_batch([message], response)
        if isinstance(outcome, SendError):
            raise outcome
        return outcome

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """One request for messages of equal content; variables of a template may differ."""
        first = messages[0]
        one_content(messages)
        options: SendcloudOptions = self.options(first)
        sender = sender_of(first, self.config.sender)
        fields: dict[str, str | None] = {
            "from": sender.address,
            "fromName": sender.name or None,
            "labelId": str(options.label_id) if options.label_id is not None else None,
            "respEmailId": "true",
        }
        people = [recipient_of(message).address for message in messages]
        if named := [template_of(message, self.config.templates) for message in messages if message.content.type == "template"]:
            variables = [one[1] for one in named if one]
            names = sorted({name for one in variables for name in one})
            sub = {f"%{name}%": [one.get(name, "") for one in variables] for name in names}
            fields |= {
                "templateInvokeName": named[0][0] if named[0] else None,
                "xsmtpapi": _json({"to": people, **({"sub": sub} if sub else {})}),
                "replyTo": self.config.reply_to,
            }
            return self._post("mail/sendtemplate", fields, [])
        mail = mail_of(first, adapter=self.adapter_name(), reply_to=self.config.reply_to)
        fields |= {"to": people[0]} if len(people) == 1 else {"xsmtpapi": _json({"to": people})}
        fields |= {
            "subject": mail.subject,
            "html": mail.html,
            "plain": mail.text,
            "replyTo": mail.reply_to,
            "headers": _json(mail.headers) if mail.headers else None,
        }
        files = [("attachments", (one.filename, b64decode(one.data), one.media_type)) for one in mail.attachments]
        return self._post("mail/send", fields, files, mark=first.id)

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        told = told_object(response)
        code, words = str(told.get("statusCode") or ""), str(told.get("message") or "")
        if response.status_code >= 300 or (code and code != "200"):
            error = refusal(response, code, mask_mail(words), errors=ERRORS, now=self.tools.now())
            if response.status_code < 300 and code not in ERRORS:
                error.kind = ErrorKind.UNKNOWN
            raise for_all(error, messages)
        info = told.get("info")
        ids = info.get("emailIdList") if isinstance(info, dict) else None
        if not isinstance(ids, list) or not ids:
            raise SendError(http_kind(response.status_code), f"http {response.status_code}", "the answer names no emailIdList")
        by_person = {one.rpartition("$")[2].lower(): one for one in ids if isinstance(one, str) and "$" in one}
        return [self._outcome(message, by_person) for message in messages]

    def read_callback(self, callback: Callback) -> CallbackReading:
        fields = dict(callback.form)
        if self.config.app_key is not None:
            _verify(fields, key=self.config.app_key.get_secret_value())
        return CallbackReading(_events(fields))

    def _outcome(self, message: Message, by_person: Mapping[str, str]) -> Receipt | SendError:
        vendor_id = by_person.get(recipient_of(message).address.lower())
        if vendor_id is None:
            return SendError(ErrorKind.UNCERTAIN, "result", "the answer names no id for this message")
        return Receipt(message_id=message.id, vendor_id=vendor_id)

    def _post(
        self, path: str, fields: Mapping[str, str | None], files: list[tuple[str, tuple[str, bytes, str]]], *, mark: str = ""
    ) -> httpx.Request:
        present = {name: value for name, value in fields.items() if value is not None}
        url = f"{self.config.base_url.rstrip('/')}/{self.config.edition}/{path}"
        if not files:
            return httpx.Request("POST", url, data=present)
        # The boundary follows from the message: equal messages make equal requests.
        headers = {"content-type": f"multipart/form-data; boundary=rg-{re.sub(r'[^A-Za-z0-9-]', '-', mark)}"}
        request = httpx.Request("POST", url, headers=headers, data=present, files=files)
        request.read()
        return request

    def _with_key(self, request: httpx.Request) -> httpx.Request:
        """The request with user and key in its form."""
        pairs = {"apiUser": self.config.api_user, "apiKey": self.config.api_key.get_secret_value()}
        content_type = request.headers["content-type"]
        if content_type.startswith("multipart/"):
            boundary = content_type.partition("boundary=")[2]
            parts = "".join(
                f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                for name, value in pairs.items()
            )
            content = parts.encode() + request.content
        else:
            content = urlencode(pairs).encode() + b"&" + request.content
        return httpx.Request(request.method, request.url, headers={"content-type": content_type}, content=content)


def _verify(fields: Mapping[str, str], *, key: str) -> None:
    stamp, token, told = (fields.get(name, "") for name in ("timestamp", "token", "signature"))
    expected = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    if not token or not hmac.compare_digest(expected.encode(), told.encode()):
        raise ForgedCallback("sendcloud: the signature does not fit")


def _events(fields: Mapping[str, str]) -> tuple[Event, ...]:
    status = fields.get("event", "")
    type_ = STATUSES.get(status, EventType.UNKNOWN)
    if type_ is None:
        return ()
    vendor_id, stamp = fields.get("emailId"), fields.get("timestamp", "")
    failed = type_ is EventType.UNDELIVERED
    return (
        Event(
            type_,
            vendor_id=vendor_id or None,
            address=fields.get("recipient") or None,
            # Milliseconds since 1970.
            at=instant_of(int(stamp) / 1000) if _DIGITS.fullmatch(stamp) else None,
            vendor_event_id=fields.get("token") or f"{vendor_id}:{status}:{stamp}",
            status=status,
            kind=REPORT_ERRORS.get(status, ErrorKind.UNKNOWN) if failed else None,
            code=status if failed else None,
            data={"url": fields["url"]} if fields.get("url") else {},
        ),
    )


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), ensure_ascii=False, separators=(",", ":"))
