"""SendGrid v3: POST /v3/mail/send, JSON, bearer key; events come in batches, signed with an elliptic curve key.

Source: OpenAPI twilio/sendgrid-oai tsg_mail_v3, sendgrid 6.12.5, django-anymail 15.2, read 2026-11-22.
Quirk: success is 202 with an empty body; the id stands in X-Message-Id, and events carry it with a suffix behind a dot.
Quirk: all messages of one request have one id, so each carries ours in custom_args.
Quirk: an error names the field that it is about; the field says more than the HTTP status.
Quirk: 401 also means that the credits are used up; the text says so.
Quirk: 403 means that the sender is not verified.
Quirk: the event `bounce` has a type: `blocked` says nothing against the address.
Quirk: opens by machines are marked with sg_machine_open and are none.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr, field_validator

from recallgate import (
    Adapter,
    AdapterConfig,
    AdapterOptions,
    Bearer,
    Callback,
    CallbackReading,
    Capabilities,
    ErrorKind,
    Message,
    Receipt,
    SendError,
    channels,
    http_kind,
)
from recallgate_adapters._mail import (
    ID_KEY,
    Mailbox,
    for_all,
    is_mailbox,
    mail_of,
    mask_mail,
    one_content,
    recipient_of,
    sender_of,
    template_of,
)
from recallgate_adapters._shared import refusal, told_object
from recallgate_adapters.sendgrid_events import REPORT_ERRORS, STATUSES, public_key, read_events, verify
from recallgate_adapters.smtp_mime import parse_mailbox

ERRORS: dict[str, ErrorKind] = {
    "400": ErrorKind.UNKNOWN,
    "401": ErrorKind.AUTH,
    "403": ErrorKind.INVALID_SENDER,
    "404": ErrorKind.UNKNOWN,
    "405": ErrorKind.UNKNOWN,
    "413": ErrorKind.PAYLOAD_TOO_LARGE,
    "429": ErrorKind.RATE_LIMITED,
    "500": ErrorKind.UNCERTAIN,
    "503": ErrorKind.UNAVAILABLE,
}
# What a refused field says, by its path without numbers.
FIELDS: dict[str, ErrorKind] = {
    "from": ErrorKind.INVALID_SENDER,
    "personalizations.to": ErrorKind.INVALID_RECIPIENT,
    "template_id": ErrorKind.TEMPLATE_OR_SIGNATURE,
}
_CREDITS = re.compile(r"maximum credits exceeded", re.IGNORECASE)


class SendgridConfig(AdapterConfig):
    """`templates` names dynamic templates (d-…) in our words; the EU's host is https://api.eu.sendgrid.com."""

    dsn_password: ClassVar[str] = "api_key"  # noqa: S105 - the name of a field
    base_url: str = "https://api.sendgrid.com"
    api_key: SecretStr = Field(min_length=1)
    sender: str | None = None
    reply_to: str | None = None
    templates: Mapping[str, str] = Field(default_factory=dict)
    unsubscribe_group: int | None = None
    ip_pool: str | None = None
    webhook_key: str = Field(
        default="",
        description="The verification key of the signed event webhook, as its settings page shows it; without it every "
        "callback is refused.",
    )
    oldest_event_s: int = Field(default=86_400, ge=60, description="A callback signed longer ago is refused.")

    _mailboxes = field_validator("sender", "reply_to")(is_mailbox)

    @field_validator("webhook_key")
    @classmethod
    def _is_key(cls, value: str) -> str:
        if value:
            public_key(value)
        return value


class SendgridOptions(AdapterOptions):
    """`unsubscribe_group` is a number of the account's groups; SendGrid adds List-Unsubscribe for it."""

    categories: tuple[str, ...] = Field(default=(), max_length=10)
    unsubscribe_group: int | None = None
    track_clicks: bool | None = None
    track_opens: bool | None = None


class SendgridEmail(Adapter):
    vendor, channel, api = "sendgrid", channels.EMAIL, 1
    needs = {"cryptography": "recallgate[email]"}
    Config, Options = SendgridConfig, SendgridOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    unverified = ("429", "503")
    auth = Bearer("api_key")
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="signature", reports=True)
    batch_size: ClassVar[int] = 1000
    config: SendgridConfig

    def build(self, message: Message) -> httpx.Request:
        return self.build_batch([message])

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        return Receipt(message_id=message.id, vendor_id=self._taken(response))

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """One request for messages of equal content; variables of a template may differ."""
        first = messages[0]
        one_content(messages)
        options: SendgridOptions = self.options(first)
        group = options.unsubscribe_group or self.config.unsubscribe_group
        body = {
            "personalizations": [self._personal(message) for message in messages],
            "from": _box(sender_of(first, self.config.sender)),
            **self._said(first),
            "categories": list(options.categories) or None,
            "asm": {"group_id": group} if group else None,
            "ip_pool_name": self.config.ip_pool,
            "tracking_settings": _tracking(options),
        }
        present = {name: value for name, value in body.items() if value is not None}
        content = json.dumps(present, ensure_ascii=False, separators=(",", ":")).encode()
        url = f"{self.config.base_url.rstrip('/')}/v3/mail/send"
        return httpx.Request("POST", url, headers={"content-type": "application/json"}, content=content)

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        try:
            vendor_id = self._taken(response)
        except SendError as error:
            raise for_all(error, messages) from None
        return [Receipt(message_id=message.id, vendor_id=vendor_id) for message in messages]

    def read_callback(self, callback: Callback) -> CallbackReading:
        verify(callback, key=self.config.webhook_key, oldest_s=self.config.oldest_event_s, now=self.tools.now())
        return CallbackReading(read_events(callback))

    def _personal(self, message: Message) -> dict[str, Any]:
        named = template_of(message, self.config.templates)
        personal: dict[str, Any] = {"to": [_box(recipient_of(message))], "custom_args": {ID_KEY: message.id}}
        return {**personal, "dynamic_template_data": named[1]} if named and named[1] else personal

    def _said(self, message: Message) -> dict[str, Any]:
        if named := template_of(message, self.config.templates):
            return {"template_id": named[0], "reply_to": _written(self.config.reply_to)}
        mail = mail_of(message, adapter=self.adapter_name(), reply_to=self.config.reply_to)
        bodies = (("text/plain", mail.text), ("text/html", mail.html))
        files = [
            {"content": one.data, "type": one.media_type, "filename": one.filename, "disposition": "attachment"}
            for one in mail.attachments
        ]
        return {
            "subject": mail.subject,
            "content": [{"type": kind, "value": text} for kind, text in bodies if text],
            "reply_to": _written(mail.reply_to),
            "headers": dict(mail.headers) or None,
            "attachments": files or None,
        }

    def _taken(self, response: httpx.Response) -> str:
        if response.status_code >= 300:
            raise self._refused(response)
        vendor_id = str(response.headers.get("x-message-id", "")).strip()
        if not vendor_id:
            raise SendError(http_kind(response.status_code), f"http {response.status_code}", "the answer has no X-Message-Id")
        return vendor_id

    def _refused(self, response: httpx.Response) -> SendError:
        errors = told_object(response).get("errors")
        first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
        words = str(first.get("message") or "")
        error = refusal(response, str(response.status_code), mask_mail(words), errors=ERRORS, now=self.tools.now())
        if _CREDITS.search(words):
            error.kind = ErrorKind.INSUFFICIENT_FUNDS
        elif kind := _kind_of_field(str(first.get("field") or "")):
            error.kind = kind
        return error


def _kind_of_field(path: str) -> ErrorKind | None:
    names = ".".join(part for part in re.split(r"[.\[\]]+", path) if part and not part.isdigit())
    return next((kind for field, kind in FIELDS.items() if f"{names}.".startswith(f"{field}.")), None)


def _box(box: Mailbox) -> dict[str, str]:
    return {"email": box.address, **({"name": box.name} if box.name else {})}


def _written(mailbox: str | None) -> dict[str, str] | None:
    if mailbox is None:
        return None
    name, address = parse_mailbox(mailbox)
    return _box(Mailbox(address, name))


def _tracking(options: SendgridOptions) -> dict[str, Any] | None:
    told = (("click_tracking", options.track_clicks), ("open_tracking", options.track_opens))
    return {name: {"enable": choice} for name, choice in told if choice is not None} or None
