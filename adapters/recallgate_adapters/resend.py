"""Resend: POST /emails and /emails/batch, JSON, bearer key; webhooks signed in the way of Svix.

Source: OpenAPI resend/resend-openapi 1.5.0, resend 2.52.0, svix, django-anymail 15.2, read 2026-11-22.
Quirk: an Idempotency-Key is remembered for 24 hours; the same key with another body is refused.
Quirk: the same key while the first request still runs is a fault of the moment, not a second message.
Quirk: validation_error is any fault of a field: with HTTP 403 the domain is not verified; else the words decide.
Quirk: daily_quota_exceeded and rate_limit_exceeded are both HTTP 429; the first lasts until the next day.
Quirk: a batch takes no files, and is taken or refused as a whole.
Quirk: tags take letters, digits, underscore and dash only; an id with others is found by the vendor's id alone.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
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
    read_json,
)
from recallgate_adapters._mail import (
    ID_KEY,
    for_all,
    is_mailbox,
    mail_of,
    mask_mail,
    recipient_of,
    sender_of,
    template_of,
)
from recallgate_adapters._shared import refusal, told_object
from recallgate_adapters.resend_events import REPORT_ERRORS, STATUSES, key_bytes, read_event, verify

ERRORS: dict[str, ErrorKind] = {
    "missing_api_key": ErrorKind.AUTH,
    "invalid_api_key": ErrorKind.AUTH,
    "restricted_api_key": ErrorKind.AUTH,
    "validation_error": ErrorKind.UNKNOWN,
    "missing_required_field": ErrorKind.UNKNOWN,
    "invalid_from_address": ErrorKind.INVALID_SENDER,
    "invalid_to_address": ErrorKind.INVALID_RECIPIENT,
    "invalid_attachment": ErrorKind.BLOCKED_CONTENT,
    "invalid_idempotency_key": ErrorKind.UNKNOWN,
    "invalid_idempotent_request": ErrorKind.UNKNOWN,
    "concurrent_idempotent_requests": ErrorKind.TEMPORARY,
    "rate_limit_exceeded": ErrorKind.RATE_LIMITED,
    "daily_quota_exceeded": ErrorKind.RATE_LIMITED,
    "monthly_quota_exceeded": ErrorKind.INSUFFICIENT_FUNDS,
    # Told with HTTP 500: perhaps the mail had been taken.
    "application_error": ErrorKind.UNCERTAIN,
    "internal_server_error": ErrorKind.UNCERTAIN,
    "not_found": ErrorKind.TEMPLATE_OR_SIGNATURE,
}
REMEMBERED = timedelta(hours=24)
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_BAD_TO = re.compile(r"`to`", re.IGNORECASE)
_BAD_FROM = re.compile(r"`from`|domain is not verified", re.IGNORECASE)


class ResendConfig(AdapterConfig):
    """`templates` names templates of the account in our words."""

    dsn_password: ClassVar[str] = "api_key"  # noqa: S105 - the name of a field
    base_url: str = "https://api.resend.com"
    api_key: SecretStr = Field(min_length=1)
    webhook_secret: SecretStr | None = Field(default=None, description="The signing secret of the webhook: whsec_….")
    sender: str | None = None
    reply_to: str | None = None
    templates: Mapping[str, str] = Field(default_factory=dict)

    _mailboxes = field_validator("sender", "reply_to")(is_mailbox)

    @field_validator("webhook_secret")
    @classmethod
    def _is_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            key_bytes(value.get_secret_value())
        return value


class ResendOptions(AdapterOptions):
    """`topic`: Resend keeps opt-outs of this topic itself."""

    tags: Mapping[str, str] = Field(default_factory=dict)
    topic: str | None = None


class ResendEmail(Adapter):
    vendor, channel, api = "resend", channels.EMAIL, 1
    Config, Options = ResendConfig, ResendOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    unverified = (
        "concurrent_idempotent_requests",
        "internal_server_error",
        "invalid_attachment",
        "invalid_from_address",
        "invalid_idempotency_key",
        "invalid_idempotent_request",
        "invalid_to_address",
        "not_found",
        "restricted_api_key",
    )
    auth = Bearer("api_key")
    capabilities: ClassVar[Capabilities] = Capabilities(
        callbacks="signature", reports=True, idempotency=int(REMEMBERED.total_seconds()), key_in_batch=False
    )
    batch_size: ClassVar[int] = 100
    config: ResendConfig

    def build(self, message: Message) -> httpx.Request:
        return self._post("emails", self._body(message), key=message.id)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        vendor_id = self._answer(response).get("id")
        if not isinstance(vendor_id, str) or not vendor_id:
            raise SendError(http_kind(response.status_code), f"http {response.status_code}", "the answer names no id")
        return Receipt(message_id=message.id, vendor_id=vendor_id)

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """Up to 100 messages, whatever they say; the key follows from their ids, so the same batch is taken once."""
        bodies = [self._body(message) for message in messages]
        if any("attachments" in body for body in bodies):
            raise SendError(ErrorKind.UNSUPPORTED, "batch", "mails with files go one by one")
        key = hashlib.sha256("\x1f".join(message.id for message in messages).encode()).hexdigest()
        return self._post("emails/batch", bodies, key=f"batch-{key}")

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        try:
            results = self._answer(response).get("data")
        except SendError as error:
            raise for_all(error, messages) from None
        ids = [one.get("id") if isinstance(one, dict) else None for one in results] if isinstance(results, list) else []
        if len(ids) != len(messages):
            raise SendError(http_kind(response.status_code), f"http {response.status_code}", "not one id for each message")
        return [
            Receipt(message_id=message.id, vendor_id=vendor_id)
            if isinstance(vendor_id, str) and vendor_id
            else SendError(ErrorKind.UNCERTAIN, "result", "the result of this message cannot be read")
            for message, vendor_id in zip(messages, ids, strict=True)
        ]

    def read_callback(self, callback: Callback) -> CallbackReading:
        secret = self.config.webhook_secret
        verify(callback, secret=secret.get_secret_value() if secret else "", now=self.tools.now())
        return CallbackReading(read_event(callback))

    def _body(self, message: Message) -> dict[str, Any]:
        options: ResendOptions = self.options(message)
        own = {ID_KEY: message.id} if _TAG.fullmatch(message.id) else {}
        fields = {
            "from": str(sender_of(message, self.config.sender)),
            "to": [str(recipient_of(message))],
            **self._said(message),
            "tags": [{"name": name, "value": value} for name, value in {**options.tags, **own}.items()] or None,
            "topic_id": options.topic,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _said(self, message: Message) -> dict[str, Any]:
        if named := template_of(message, self.config.templates):
            template = {"id": named[0], **({"variables": named[1]} if named[1] else {})}
            return {"template": template, "reply_to": self.config.reply_to}
        mail = mail_of(message, adapter=self.adapter_name(), reply_to=self.config.reply_to)
        files = [{"filename": one.filename, "content": one.data, "content_type": one.media_type} for one in mail.attachments]
        return {
            "subject": mail.subject,
            "text": mail.text,
            "html": mail.html,
            "reply_to": mail.reply_to,
            "headers": dict(mail.headers) or None,
            "attachments": files or None,
        }

    def _post(self, path: str, body: Any, *, key: str) -> httpx.Request:
        # A header takes ASCII on one line; any other id is told by its hash.
        printable = key.isascii() and key.isprintable() and " " not in key
        headers = {
            "content-type": "application/json",
            "idempotency-key": key if printable else hashlib.sha256(key.encode()).hexdigest(),
        }
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        return httpx.Request("POST", f"{self.config.base_url.rstrip('/')}/{path}", headers=headers, content=content)

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        if response.status_code < 300:
            return read_json(response)
        told = told_object(response)
        name, words = str(told.get("name") or ""), str(told.get("message") or "")
        error = refusal(response, name, mask_mail(words), errors=ERRORS, now=self.tools.now())
        if name == "validation_error":
            if response.status_code == 403 or _BAD_FROM.search(words):
                error.kind = ErrorKind.INVALID_SENDER
            elif _BAD_TO.search(words):
                error.kind = ErrorKind.INVALID_RECIPIENT
        if name == "daily_quota_exceeded" and error.retry_at is None:
            error.retry_at = self.tools.now() + timedelta(days=1)
        raise error
