"""Amazon SES v2: POST /v2/email/outbound-emails, JSON, AWS Signature Version 4; many by template to outbound-bulk-emails.

Source: botocore 1.44.5 service model sesv2, and "Amazon SES API v2", read 2026-11-22.
Quirk: the name of an error stands in the header x-amzn-ErrorType before a colon; the text is under message or Message.
Quirk: MessageRejected also means that the sender is not verified; the text says so.
Quirk: BadRequestException is often a bad address; the text decides.
Quirk: LimitExceededException is the quota of 24 hours, so nothing more leaves before the next day.
Quirk: names outside ASCII must be encoded words in FromEmailAddress and ToAddresses.
Quirk: events come only through a configuration set (or the identity's feedback topics), see `configuration_set`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import httpx
from pydantic import Field, field_validator

from recallgate import (
    Adapter,
    AdapterOptions,
    Callback,
    CallbackReading,
    Capabilities,
    ErrorKind,
    Message,
    Receipt,
    SendError,
    Tools,
    channels,
    http_kind,
    read_json,
)
from recallgate_adapters._mail import (
    ID_KEY,
    Mail,
    Mailbox,
    for_all,
    is_mailbox,
    mail_of,
    mask_mail,
    one_content,
    recipient_of,
    safe_id,
    sender_of,
    template_of,
)
from recallgate_adapters._shared import refusal
from recallgate_adapters.aws_account import KEY_ERRORS
from recallgate_adapters.aws_notices import AwsNoticeConfig, read_notice
from recallgate_adapters.ses_events import REPORT_ERRORS, STATUSES, read_event
from recallgate_adapters.smtp_mime import header, mailbox

ERRORS: dict[str, ErrorKind] = {
    **KEY_ERRORS,
    "TooManyRequestsException": ErrorKind.RATE_LIMITED,
    "ThrottlingException": ErrorKind.RATE_LIMITED,
    "LimitExceededException": ErrorKind.RATE_LIMITED,
    "AccountSuspendedException": ErrorKind.AUTH,
    "SendingPausedException": ErrorKind.AUTH,
    "MessageRejected": ErrorKind.BLOCKED_CONTENT,
    "MailFromDomainNotVerifiedException": ErrorKind.INVALID_SENDER,
    "NotFoundException": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "BadRequestException": ErrorKind.UNKNOWN,
    # States of single entries of a bulk request.
    "MESSAGE_REJECTED": ErrorKind.BLOCKED_CONTENT,
    "MAIL_FROM_DOMAIN_NOT_VERIFIED": ErrorKind.INVALID_SENDER,
    "CONFIGURATION_SET_NOT_FOUND": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "TEMPLATE_NOT_FOUND": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "ACCOUNT_SUSPENDED": ErrorKind.AUTH,
    "ACCOUNT_THROTTLED": ErrorKind.RATE_LIMITED,
    "ACCOUNT_DAILY_QUOTA_EXCEEDED": ErrorKind.RATE_LIMITED,
    "INVALID_SENDING_POOL_NAME": ErrorKind.UNKNOWN,
    "ACCOUNT_SENDING_PAUSED": ErrorKind.AUTH,
    "CONFIGURATION_SET_SENDING_PAUSED": ErrorKind.AUTH,
    "INVALID_PARAMETER": ErrorKind.UNKNOWN,
    "TRANSIENT_FAILURE": ErrorKind.TEMPORARY,
    "FAILED": ErrorKind.UNKNOWN,
}
DAILY = {"LimitExceededException": timedelta(days=1), "ACCOUNT_DAILY_QUOTA_EXCEEDED": timedelta(days=1)}
_UNVERIFIED = re.compile(r"not verified", re.IGNORECASE)
_BAD_ADDRESS = re.compile(r"illegal address|missing final|invalid (email|to|destination) address", re.IGNORECASE)


class SesConfig(AwsNoticeConfig):
    """`sender` is a verified identity; `configuration_set` publishes events; `templates` names SES templates in our words."""

    sender: str | None = None
    reply_to: str | None = None
    configuration_set: str | None = Field(default=None, description="Events of delivery come only through one.")
    tenant: str | None = None
    templates: Mapping[str, str] = Field(default_factory=dict)

    _mailboxes = field_validator("sender", "reply_to")(is_mailbox)


class SesOptions(AdapterOptions):
    """`contact_list` and `contact_topic`: SES keeps opt-outs of this list itself, and adds List-Unsubscribe."""

    configuration_set: str | None = None
    contact_list: str | None = None
    contact_topic: str | None = None


class SesEmail(Adapter):
    vendor, channel, api = "ses", channels.EMAIL, 1
    needs = {"cryptography": "recallgate[email]"}
    Config, Options = SesConfig, SesOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    unverified = ("ThrottlingException",)
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="signature", reports=True)
    batch_size: ClassVar[int] = 50
    config: SesConfig

    def __init__(self, config: SesConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = config.signed("ses", tools)

    def build(self, message: Message) -> httpx.Request:
        options: SesOptions = self.options(message)
        named = template_of(message, self.config.templates)
        reply_to = self.config.reply_to
        if named:
            content = {"Template": {"TemplateName": named[0], "TemplateData": _json(named[1])}}
        else:
            mail = mail_of(message, adapter=self.adapter_name(), reply_to=reply_to)
            reply_to, content = mail.reply_to, {"Simple": _simple(mail)}
        contacts = {"ContactListName": options.contact_list, "TopicName": options.contact_topic}
        body = {
            **self._from(message, reply_to),
            "Destination": {"ToAddresses": [_encoded(recipient_of(message))]},
            "Content": content,
            "EmailTags": _tags(message),
            "ListManagementOptions": _present(contacts) if options.contact_list else None,
            **self._common(options),
        }
        return self._post("outbound-emails", body)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        vendor_id = self._answer(response).get("MessageId")
        if not isinstance(vendor_id, str) or not vendor_id:
            raise SendError(http_kind(response.status_code), f"http {response.status_code}", "the answer names no MessageId")
        return Receipt(message_id=message.id, vendor_id=vendor_id)

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """One request for messages of equal content: a template with variables of each, or one text for all."""
        first = messages[0]
        one_content(messages)
        reply_to = self.config.reply_to
        if named := template_of(first, self.config.templates):
            template: dict[str, Any] = {"TemplateName": named[0], "TemplateData": "{}"}
        else:
            mail = mail_of(first, adapter=self.adapter_name(), reply_to=reply_to)
            reply_to, template = mail.reply_to, _inline(mail)
        body = {
            **self._from(first, reply_to),
            "DefaultContent": {"Template": template},
            "BulkEmailEntries": [self._entry(message) for message in messages],
            **self._common(self.options(first)),
        }
        return self._post("outbound-bulk-emails", body)

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        try:
            results = self._answer(response).get("BulkEmailEntryResults")
        except SendError as error:
            raise for_all(error, messages) from None
        if not isinstance(results, list) or len(results) != len(messages):
            raise SendError(http_kind(response.status_code), f"http {response.status_code}", "not one result for each message")
        return [self._outcome(message, result) for message, result in zip(messages, results, strict=True)]

    def read_callback(self, callback: Callback) -> CallbackReading:
        notice = read_notice(callback, self.config)
        return notice if isinstance(notice, CallbackReading) else CallbackReading(read_event(notice))

    def _from(self, message: Message, reply_to: str | None) -> dict[str, Any]:
        answers = [reply_to] if reply_to else None
        return {"FromEmailAddress": _encoded(sender_of(message, self.config.sender)), "ReplyToAddresses": answers}

    def _common(self, options: SesOptions) -> dict[str, Any]:
        configuration = options.configuration_set or self.config.configuration_set
        return {"ConfigurationSetName": configuration, "TenantName": self.config.tenant}

    def _entry(self, message: Message) -> dict[str, Any]:
        entry = {"Destination": {"ToAddresses": [_encoded(recipient_of(message))]}, "ReplacementTags": _tags(message)}
        if named := template_of(message, self.config.templates):
            entry["ReplacementEmailContent"] = {"ReplacementTemplate": {"ReplacementTemplateData": _json(named[1])}}
        return _present(entry)

    def _post(self, resource: str, body: Mapping[str, Any]) -> httpx.Request:
        content = json.dumps(_present(body), ensure_ascii=False, separators=(",", ":")).encode()
        url = f"{self.config.url('email')}/v2/email/{resource}"
        return httpx.Request("POST", url, headers={"content-type": "application/json"}, content=content)

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        if response.status_code < 300:
            return read_json(response)
        name, words = error_of(response)
        error = refusal(response, name, mask_mail(words), errors=ERRORS, now=self.tools.now())
        error.kind = _by_words(error.kind, name, words)
        if name in DAILY:
            error.retry_at = self.tools.now() + DAILY[name]
        raise error

    def _outcome(self, message: Message, result: Any) -> Receipt | SendError:
        told: Mapping[str, Any] = result if isinstance(result, dict) else {}
        status, vendor_id, words = str(told.get("Status") or ""), told.get("MessageId"), str(told.get("Error") or "")
        if status == "SUCCESS" and isinstance(vendor_id, str) and vendor_id:
            return Receipt(message_id=message.id, vendor_id=vendor_id)
        if status in ("", "SUCCESS"):
            return SendError(ErrorKind.UNCERTAIN, "result", "the result of this message cannot be read")
        kind = _by_words(ERRORS.get(status, ErrorKind.UNKNOWN), status, words)
        retry_at = self.tools.now() + DAILY[status] if status in DAILY else None
        return SendError(kind, status, mask_mail(words)[:300], retry_at=retry_at)


def error_of(response: httpx.Response) -> tuple[str, str]:
    """Name and words of an error as AWS's JSON services tell it; empty where it does not."""
    try:
        body = response.json()
    except ValueError:
        body = None
    told: Mapping[str, Any] = body if isinstance(body, dict) else {}
    name = response.headers.get("x-amzn-errortype", "").partition(":")[0]
    name = name or str(told.get("__type") or told.get("code") or "").rpartition("#")[2]
    return name, str(told.get("message") or told.get("Message") or "")


def _by_words(kind: ErrorKind, name: str, words: str) -> ErrorKind:
    """The kind that the text gives to an error whose name means several things."""
    if name in ("MessageRejected", "MESSAGE_REJECTED") and _UNVERIFIED.search(words):
        return ErrorKind.INVALID_SENDER
    if name in ("BadRequestException", "INVALID_PARAMETER") and _BAD_ADDRESS.search(words):
        return ErrorKind.INVALID_RECIPIENT
    return kind


def _encoded(box: Mailbox) -> str:
    return mailbox(box.name, box.address, column=0).replace("\r\n ", " ")


def _simple(mail: Mail) -> dict[str, Any]:
    simple = {
        "Subject": _text(mail.subject),
        "Body": _present({"Text": _text(mail.text), "Html": _text(mail.html)}),
        "Headers": _headers(mail),
        "Attachments": _attachments(mail),
    }
    return _present(simple)


def _inline(mail: Mail) -> dict[str, Any]:
    words = {"Subject": mail.subject, "Text": mail.text, "Html": mail.html}
    if any("{{" in text for text in words.values() if text):
        raise SendError(ErrorKind.UNSUPPORTED, "batch", "a text with {{ would be read as a template; send it one by one")
    template = {"TemplateContent": _present(words), "TemplateData": "{}"}
    return _present({**template, "Headers": _headers(mail), "Attachments": _attachments(mail)})


def _headers(mail: Mail) -> list[dict[str, str]]:
    lines = ((name, header(name, value)[len(name) + 2 :]) for name, value in mail.headers.items())
    return [{"Name": name, "Value": value.replace("\r\n ", " ")} for name, value in lines]


def _attachments(mail: Mail) -> list[dict[str, str]]:
    return [
        {"RawContent": one.data, "ContentDisposition": "ATTACHMENT", "FileName": one.filename, "ContentType": one.media_type}
        for one in mail.attachments
    ]


def _tags(message: Message) -> list[dict[str, str]]:
    identity = safe_id(message)
    return [{"Name": ID_KEY, "Value": identity}] if identity else []


def _text(data: str | None) -> dict[str, str] | None:
    return None if data is None else {"Data": data, "Charset": "UTF-8"}


def _json(variables: Mapping[str, str]) -> str:
    return json.dumps(dict(variables), ensure_ascii=False, separators=(",", ":"))


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in (None, [])}
