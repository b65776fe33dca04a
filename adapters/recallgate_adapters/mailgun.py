"""Mailgun v3: POST /v3/{domain}/messages, form fields (multipart with files), HTTP Basic with the user api.

Source: mailgun 1.10.0, django-anymail 15.2, read 2026-11-22.
Quirk: the answer's id stands in angle brackets, events carry it without them.
Quirk: all messages of one request have one id, so each carries ours in a variable of its recipient.
Quirk: in a batch %recipient.NAME% is filled in wherever it stands.
Quirk: one bad address refuses the whole batch.
Quirk: an error is a sentence; 400 is told apart by its words.
Quirk: 404 means that the domain is not the account's.
Quirk: the signature of a webhook covers timestamp and token, not the body; a token that comes twice is a replay, so it
names the event.
Quirk: `failed` is final only with severity permanent; temporary is a delay.
Quirk: the vendor keeps suppressions of its own; a message to one of them fails with reason suppress-….
"""

import json
import re
from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr, field_validator

from recallgate import (
    Adapter,
    AdapterConfig,
    AdapterOptions,
    Basic,
    Callback,
    CallbackReading,
    Capabilities,
    Email,
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
    one_content,
    recipient_of,
    sender_of,
    template_of,
)
from recallgate_adapters._shared import refusal, told_object
from recallgate_adapters.mailgun_events import REPORT_ERRORS, STATUSES, read_event

ERRORS: dict[str, ErrorKind] = {
    "400": ErrorKind.UNKNOWN,
    "401": ErrorKind.AUTH,
    "402": ErrorKind.INSUFFICIENT_FUNDS,
    "403": ErrorKind.AUTH,
    "404": ErrorKind.INVALID_SENDER,
    "413": ErrorKind.PAYLOAD_TOO_LARGE,
    "429": ErrorKind.RATE_LIMITED,
}
# What the sentence of a 400 is about.
WORDS: tuple[tuple[re.Pattern[str], ErrorKind], ...] = (
    (re.compile(r"\bto'? parameter\b", re.IGNORECASE), ErrorKind.INVALID_RECIPIENT),
    (re.compile(r"\bfrom'? parameter\b", re.IGNORECASE), ErrorKind.INVALID_SENDER),
    (re.compile(r"\btemplate\b", re.IGNORECASE), ErrorKind.TEMPLATE_OR_SIGNATURE),
)
_MARK = "%recipient"
_BRACKETS = re.compile(r"<([^<>]+)>")


class MailgunConfig(AdapterConfig):
    """One sending domain; the EU's host is https://api.eu.mailgun.net. `templates` names stored templates in our words."""

    dsn_user: ClassVar[str] = "domain"
    dsn_password: ClassVar[str] = "api_key"  # noqa: S105 - the name of a field
    base_url: str = "https://api.mailgun.net"
    domain: str = Field(min_length=1)
    api_key: SecretStr = Field(min_length=1)
    webhook_key: SecretStr | None = Field(default=None, description="The HTTP webhook signing key of the account.")
    sender: str | None = None
    reply_to: str | None = None
    templates: Mapping[str, str] = Field(default_factory=dict)
    oldest_event_s: int = Field(default=86_400, ge=60, description="A callback signed longer ago is refused.")

    # Mailgun's user is always the same; a field of this name is what `Basic` reads.
    @property
    def user(self) -> str:
        return "api"

    _mailboxes = field_validator("sender", "reply_to")(is_mailbox)


class MailgunOptions(AdapterOptions):
    tags: tuple[str, ...] = Field(default=(), max_length=10)
    track_clicks: bool | None = None
    track_opens: bool | None = None
    require_tls: bool | None = None


class MailgunEmail(Adapter):
    vendor, channel, api = "mailgun", channels.EMAIL, 1
    Config, Options = MailgunConfig, MailgunOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    unverified = ("402", "403", "413", "429")
    auth = Basic("user", "api_key")
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="signature", reports=True)
    batch_size: ClassVar[int] = 1000
    config: MailgunConfig

    def build(self, message: Message) -> httpx.Request:
        named = template_of(message, self.config.templates)
        variables = {"t:variables": _json(named[1])} if named and named[1] else {}
        return self._post(message, {"to": str(recipient_of(message)), f"v:{ID_KEY}": message.id, **variables})

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        return Receipt(message_id=message.id, vendor_id=self._taken(response))

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """One request for messages of equal content; nobody sees another's address, since each has variables of its own."""
        first = messages[0]
        one_content(messages)
        named = [template_of(message, self.config.templates) for message in messages]
        if any(one is not None and one[1] for one in named):
            raise SendError(ErrorKind.UNSUPPORTED, "batch", "templates with variables go one by one")
        if isinstance(first.content, Email) and _MARK in f"{first.content.subject}{first.content.text}{first.content.html}":
            raise SendError(ErrorKind.UNSUPPORTED, "batch", f"a text with {_MARK} would be filled in; send it one by one")
        people = [recipient_of(message) for message in messages]
        own = {person.address: {ID_KEY: message.id} for person, message in zip(people, messages, strict=True)}
        if len(own) < len(messages):
            raise SendError(ErrorKind.UNSUPPORTED, "batch", "an address stands twice in a batch")
        recipients = {"to": [str(person) for person in people], "recipient-variables": _json(own)}
        return self._post(first, {**recipients, f"v:{ID_KEY}": f"%recipient.{ID_KEY}%"})

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        try:
            vendor_id = self._taken(response)
        except SendError as error:
            raise for_all(error, messages) from None
        return [Receipt(message_id=message.id, vendor_id=vendor_id) for message in messages]

    def read_callback(self, callback: Callback) -> CallbackReading:
        key = self.config.webhook_key
        return CallbackReading(
            read_event(
                callback,
                key=key.get_secret_value() if key else "",
                now=self.tools.now(),
                oldest_s=self.config.oldest_event_s,
            )
        )

    def _post(self, message: Message, recipients: Mapping[str, Any]) -> httpx.Request:
        options: MailgunOptions = self.options(message)
        fields: dict[str, Any] = {"from": str(sender_of(message, self.config.sender)), **recipients}
        files: list[tuple[str, tuple[str, bytes, str]]] = []
        if named := template_of(message, self.config.templates):
            fields |= {"template": named[0], "h:Reply-To": self.config.reply_to}
        else:
            mail = mail_of(message, adapter=self.adapter_name(), reply_to=self.config.reply_to)
            fields |= {"subject": mail.subject, "text": mail.text, "html": mail.html, "h:Reply-To": mail.reply_to}
            fields |= {f"h:{name}": value for name, value in mail.headers.items()}
            files = [("attachment", (one.filename, b64decode(one.data), one.media_type)) for one in mail.attachments]
        fields |= {
            "o:tag": list(options.tags) or None,
            "o:tracking-clicks": _yes_no(options.track_clicks),
            "o:tracking-opens": _yes_no(options.track_opens),
            "o:require-tls": _yes_no(options.require_tls),
        }
        present = {name: value for name, value in fields.items() if value is not None}
        url = f"{self.config.base_url.rstrip('/')}/v3/{quote(self.config.domain, safe='')}/messages"
        if not files:
            return httpx.Request("POST", url, data=present)
        # The boundary follows from the message: equal messages make equal requests.
        boundary = f"rg-{re.sub(r'[^A-Za-z0-9-]', '-', message.id)}"
        headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
        request = httpx.Request("POST", url, headers=headers, data=present, files=files)
        request.read()
        return request

    def _taken(self, response: httpx.Response) -> str:
        if response.status_code >= 300:
            raise self._refused(response)
        told = _BRACKETS.fullmatch(str(read_json(response).get("id") or "").strip())
        if told is None:
            raise SendError(http_kind(response.status_code), f"http {response.status_code}", "the answer names no id")
        return told[1]

    def _refused(self, response: httpx.Response) -> SendError:
        words = str(told_object(response).get("message") or "")
        error = refusal(response, str(response.status_code), mask_mail(words), errors=ERRORS, now=self.tools.now())
        if response.status_code == 400:
            error.kind = next((kind for pattern, kind in WORDS if pattern.search(words)), error.kind)
        return error


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), ensure_ascii=False, separators=(",", ":"))


def _yes_no(choice: bool | None) -> str | None:
    return None if choice is None else "yes" if choice else "no"
