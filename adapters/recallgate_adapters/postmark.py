"""Postmark: POST /email, /email/withTemplate and /email/batch, JSON, the server token in a header.

Source: "API overview: error codes", "Bounce API: bounce types", postmarker 1.0, django-anymail 15.2, read 2026-11-22.
Quirk: a refusal is HTTP 422 with an ErrorCode; 406 means that Postmark will not write to this address any more.
Quirk: 300 is any bad request; the words say whether it is the address.
Quirk: the code 405 is about credits, whatever HTTP has at that number.
Quirk: a batch answers HTTP 200, and each message has an ErrorCode of its own.
Quirk: marketing belongs on a broadcast stream, see `marketing_stream`.
Quirk: webhooks are not signed; the secret in the callback's address proves their origin.
Quirk: a bounce has a type, and some types are no bounce at all; a change of subscription names both directions.
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
    Callback,
    CallbackReading,
    Capabilities,
    ErrorKind,
    Message,
    Purpose,
    Receipt,
    SendError,
    Signed,
    Tools,
    channels,
    http_kind,
    read_json,
)
from recallgate_adapters._mail import ID_KEY, is_mailbox, mail_of, mask_mail, recipient_of, sender_of, template_of
from recallgate_adapters._shared import refusal, told_object
from recallgate_adapters.postmark_events import REPORT_ERRORS, STATUSES, read_event

ERRORS: dict[str, ErrorKind] = {
    "10": ErrorKind.AUTH,
    "100": ErrorKind.UNAVAILABLE,
    "300": ErrorKind.UNKNOWN,
    "400": ErrorKind.INVALID_SENDER,
    "401": ErrorKind.INVALID_SENDER,
    "402": ErrorKind.UNKNOWN,
    "403": ErrorKind.UNKNOWN,
    "405": ErrorKind.INSUFFICIENT_FUNDS,
    "406": ErrorKind.OPTED_OUT,
    "409": ErrorKind.UNKNOWN,
    "410": ErrorKind.UNKNOWN,
    "411": ErrorKind.BLOCKED_CONTENT,
    "412": ErrorKind.AUTH,
    "413": ErrorKind.AUTH,
    "429": ErrorKind.RATE_LIMITED,
    "1101": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "1105": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "1109": ErrorKind.TEMPLATE_OR_SIGNATURE,
}
_BAD_TO = re.compile(r"'to'|\bto address|recipient", re.IGNORECASE)
_BAD_FROM = re.compile(r"'from'|\bfrom address|sender", re.IGNORECASE)


class PostmarkConfig(AdapterConfig):
    """One server. `templates` names template aliases in our words; `stream` and `marketing_stream` are message streams."""

    dsn_password: ClassVar[str] = "server_token"  # noqa: S105 - the name of a field
    base_url: str = "https://api.postmarkapp.com"
    server_token: SecretStr = Field(min_length=1)
    sender: str | None = None
    reply_to: str | None = None
    stream: str = "outbound"
    marketing_stream: str | None = Field(default=None, description="A broadcast stream; without one `stream` is taken.")
    templates: Mapping[str, str] = Field(default_factory=dict)

    _mailboxes = field_validator("sender", "reply_to")(is_mailbox)


class PostmarkOptions(AdapterOptions):
    tag: str | None = Field(default=None, max_length=1000)
    track_opens: bool | None = None
    track_links: str | None = Field(default=None, pattern=r"^(None|HtmlAndText|HtmlOnly|TextOnly)$")
    stream: str | None = None


class PostmarkEmail(Adapter):
    vendor, channel, api = "postmark", channels.EMAIL, 1
    Config, Options = PostmarkConfig, PostmarkOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    unverified = ("1101", "1105", "1109")
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="secret_path", reports=True)
    batch_size: ClassVar[int] = 500
    config: PostmarkConfig

    def __init__(self, config: PostmarkConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._with_token)

    def build(self, message: Message) -> httpx.Request:
        is_template = template_of(message, self.config.templates) is not None
        return self._post("email/withTemplate" if is_template else "email", self._body(message))

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        if response.status_code >= 300:
            raise self._refused(response)
        outcome = self._outcome(message, read_json(response))
        if isinstance(outcome, SendError):
            raise outcome
        return outcome

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """Up to 500 messages, whatever they say; templates and own texts are asked for at two addresses."""
        bodies = [self._body(message) for message in messages]
        templated = {"TemplateAlias" in body for body in bodies}
        if templated == {True}:
            return self._post("email/batchWithTemplates", {"Messages": bodies})
        if templated == {False}:
            return self._post("email/batch", bodies)
        raise SendError(ErrorKind.UNSUPPORTED, "batch", "templates and own texts do not go in one batch")

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        if response.status_code >= 300:
            raise self._refused(response)
        try:
            results = response.json()
        except ValueError:
            results = None
        if not isinstance(results, list) or len(results) != len(messages):
            raise SendError(http_kind(response.status_code), f"http {response.status_code}", "not one result for each message")
        return [
            self._outcome(message, result if isinstance(result, dict) else {})
            for message, result in zip(messages, results, strict=True)
        ]

    def read_callback(self, callback: Callback) -> CallbackReading:
        return CallbackReading(read_event(callback))

    def _with_token(self, request: httpx.Request) -> httpx.Request:
        request.headers["x-postmark-server-token"] = self.config.server_token.get_secret_value()
        return request

    def _body(self, message: Message) -> dict[str, Any]:
        options: PostmarkOptions = self.options(message)
        marketing = self.config.marketing_stream if message.purpose is Purpose.MARKETING else None
        fields = {
            "From": str(sender_of(message, self.config.sender)),
            "To": str(recipient_of(message)),
            **self._said(message),
            "Tag": options.tag,
            "TrackOpens": options.track_opens,
            "TrackLinks": options.track_links,
            "Metadata": {ID_KEY: message.id},
            "MessageStream": options.stream or marketing or self.config.stream,
        }
        return {name: value for name, value in fields.items() if value is not None}

    def _said(self, message: Message) -> dict[str, Any]:
        if named := template_of(message, self.config.templates):
            return {"TemplateAlias": named[0], "TemplateModel": named[1], "ReplyTo": self.config.reply_to}
        mail = mail_of(message, adapter=self.adapter_name(), reply_to=self.config.reply_to)
        files = [{"Name": one.filename, "Content": one.data, "ContentType": one.media_type} for one in mail.attachments]
        return {
            "Subject": mail.subject,
            "TextBody": mail.text,
            "HtmlBody": mail.html,
            "ReplyTo": mail.reply_to,
            "Headers": [{"Name": name, "Value": value} for name, value in mail.headers.items()] or None,
            "Attachments": files or None,
        }

    def _post(self, path: str, body: Any) -> httpx.Request:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"content-type": "application/json", "accept": "application/json"}
        return httpx.Request("POST", f"{self.config.base_url.rstrip('/')}/{path}", headers=headers, content=content)

    def _outcome(self, message: Message, told: Mapping[str, Any]) -> Receipt | SendError:
        code, vendor_id = told.get("ErrorCode"), told.get("MessageID")
        if code == 0 and isinstance(vendor_id, str) and vendor_id:
            return Receipt(message_id=message.id, vendor_id=vendor_id)
        if not code or isinstance(code, bool):
            return SendError(ErrorKind.UNCERTAIN, "result", "the result of this message cannot be read")
        words = str(told.get("Message") or "")
        kind = _by_words(ERRORS.get(str(code), ErrorKind.UNKNOWN), str(code), words)
        return SendError(kind, str(code), mask_mail(words)[:300])

    def _refused(self, response: httpx.Response) -> SendError:
        told = told_object(response)
        code, words = str(told.get("ErrorCode") or ""), str(told.get("Message") or "")
        error = refusal(response, code, mask_mail(words), errors=ERRORS, now=self.tools.now())
        error.kind = _by_words(error.kind, code, words)
        return error


def _by_words(kind: ErrorKind, code: str, words: str) -> ErrorKind:
    if code != "300":
        return kind
    if _BAD_FROM.search(words):
        return ErrorKind.INVALID_SENDER
    return ErrorKind.INVALID_RECIPIENT if _BAD_TO.search(words) else kind
