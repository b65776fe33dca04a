"""Aliyun DirectMail: SingleSendMail, form fields, Aliyun's own signature; events come through EventBridge.

Source: alibabacloud-dm20151123 1.11.1; "SingleSendMail", "Direct Mail events" and "Return codes", vendor documents,
read 2026-11-22.
Quirk: a mail that was taken is answered without a Code, by its EnvId alone.
Quirk: all addresses of one request would share one EnvId and one copy, so each person gets a request of their own.
Quirk: InvalidSendMail.Spam is a filter's refusal, and a quota or a rate where the words say so.
Quirk: the name beside the sender has at most 15 characters.
Quirk: there is no webhook; EventBridge posts CloudEvents, unsigned, so the secret in the callback's address counts.
Quirk: a failed delivery repeats the server's words, with codes of Aliyun's own servers among them (557, 559, 563).
Quirk: files are an upload of their own, which is not spoken here.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field, field_validator

from recallgate import (
    Adapter,
    AdapterOptions,
    Callback,
    CallbackReading,
    Capabilities,
    ErrorKind,
    Event,
    EventType,
    Message,
    Receipt,
    SendError,
    Tools,
    channels,
    http_kind,
    read_json,
)
from recallgate_adapters._mail import is_mailbox, mail_of, mask_mail, read_document, recipient_of, sender_of, template_of
from recallgate_adapters._shared import refusal, told_object
from recallgate_adapters._sms import iso_time
from recallgate_adapters.aliyun_rest import AliyunConfig, signed
from recallgate_adapters.smtp_codes import REPORT_ERRORS as SMTP_ERRORS, kind_of, reply_code

ERRORS: dict[str, ErrorKind] = {
    "InvalidToAddress": ErrorKind.INVALID_RECIPIENT,
    "InvalidReceiverName.Malformed": ErrorKind.INVALID_RECIPIENT,
    "InvalidToAddress.Spam": ErrorKind.INVALID_RECIPIENT,
    "InvalidReceiver.NotFound": ErrorKind.INVALID_RECIPIENT,
    "InvalidBody": ErrorKind.UNKNOWN,
    "InvalidSendMail.Spam": ErrorKind.BLOCKED_CONTENT,
    "InvalidMailAddress.NotFound": ErrorKind.INVALID_SENDER,
    "InvalidMailAddressSendType.Malformed": ErrorKind.INVALID_SENDER,
    "InvalidMailAddressStatus.Malformed": ErrorKind.INVALID_SENDER,
    "InvalidMailAddressDomain.Malformed": ErrorKind.INVALID_SENDER,
    "InvalidSubject.Malformed": ErrorKind.UNKNOWN,
    "InvalidTemplateName.Malformed": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "InvalidTemplate.NotFound": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "SignatureDoesNotMatch": ErrorKind.AUTH,
    "InvalidAccessKeyId.NotFound": ErrorKind.AUTH,
    "InvalidTimeStamp.Expired": ErrorKind.AUTH,
    "Forbidden.RAM": ErrorKind.AUTH,
    "Throttling": ErrorKind.RATE_LIMITED,
    "Throttling.User": ErrorKind.RATE_LIMITED,
    "ServiceUnavailable": ErrorKind.UNAVAILABLE,
    # Told with HTTP 500: perhaps the mail had been taken.
    "InternalError": ErrorKind.UNCERTAIN,
    # The request arrived twice: the first copy may have been taken.
    "SignatureNonceUsed": ErrorKind.UNCERTAIN,
}
# Codes of Aliyun's own mail servers; those of others are explained by SMTP's own table.
REPORT_ERRORS: dict[str, ErrorKind] = {
    "557": ErrorKind.PAYLOAD_TOO_LARGE,
    "559": ErrorKind.INVALID_RECIPIENT,
    "563": ErrorKind.INVALID_RECIPIENT,
    "535": ErrorKind.AUTH,
}
STATUSES: dict[str, EventType | None] = {
    "dm:Deliver:Succeed": EventType.DELIVERED,
    "dm:Deliver:Fail": EventType.UNDELIVERED,
    "dm:Feedback:FblReport": EventType.COMPLAINED,
    "dm:Feedback:UnSubscribe": EventType.UNSUBSCRIBED,
    "dm:Feedback:Subscribe": None,
    "dm:Trace:Open": EventType.OPENED,
    "dm:Trace:Click": EventType.CLICKED,
}
LONGEST_SUBJECT, LONGEST_BODY, LONGEST_ALIAS = 100, 80 * 1024, 15
_LIMIT = re.compile(r"quota|exceed|frequen|rate|limit|频率|额度|配额", re.IGNORECASE)
_REPLY = re.compile(r"\D{0,20}\b([245]\d\d)[ -](.*)", re.DOTALL)


class AliyunEmailConfig(AliyunConfig):
    """`sender` is a sending address of the console, `templates` names template ids in our words.

    Other regions have hosts such as https://dm.ap-southeast-1.aliyuncs.com.
    """

    base_url: str = "https://dm.aliyuncs.com"
    sender: str | None = None
    reply_to: str | None = None
    random_account: bool = Field(default=False, description="AddressType 0: Aliyun picks an address of the same domain.")
    console_reply_to: bool = Field(default=False, description="Answers go to the address that the console names.")
    click_trace: bool = Field(default=False, description="Needs a domain registered in China (ICP).")
    ip_pool: str | None = None

    _mailboxes = field_validator("sender", "reply_to")(is_mailbox)


class AliyunEmailOptions(AdapterOptions):
    """`unsubscribe_link`: Aliyun adds one in this language; `unsubscribe_filter`: whose opt-outs it honours."""

    tag: str | None = None
    unsubscribe_link: Literal["default", "zh-cn", "en-us", "disabled"] | None = None
    unsubscribe_filter: Literal["mailfrom_domain", "mailfrom", "edm_id", "disabled"] | None = None


class AliyunEmail(Adapter):
    vendor, channel, api = "aliyun", channels.EMAIL, 1
    Config, Options = AliyunEmailConfig, AliyunEmailOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    unverified = (
        "Forbidden.RAM",
        "InternalError",
        "InvalidAccessKeyId.NotFound",
        "ServiceUnavailable",
        "SignatureDoesNotMatch",
        "Throttling",
        "Throttling.User",
    )
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="secret_path", reports=True)
    config: AliyunEmailConfig

    def __init__(self, config: AliyunEmailConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = signed(config, tools)

    def build(self, message: Message) -> httpx.Request:
        options: AliyunEmailOptions = self.options(message)
        sender = sender_of(message, self.config.sender)
        if len(sender.name) > LONGEST_ALIAS:
            raise SendError(ErrorKind.INVALID_SENDER, "sender", f"the sender's name has more than {LONGEST_ALIAS} characters")
        fields: dict[str, object] = {
            "AccountName": sender.address,
            "AddressType": 0 if self.config.random_account else 1,
            "ReplyToAddress": str(self.config.console_reply_to).lower(),
            "ToAddress": recipient_of(message).address,
            "FromAlias": sender.name or None,
            **self._said(message),
            "TagName": options.tag,
            "ClickTrace": "1" if self.config.click_trace else None,
            "UnSubscribeLinkType": options.unsubscribe_link,
            "UnSubscribeFilterLevel": options.unsubscribe_filter,
            "IpPoolId": self.config.ip_pool,
        }
        return self.config.call("SingleSendMail", fields, version="2015-11-23")

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        told = told_object(response)
        code, words = str(told.get("Code") or ""), str(told.get("Message") or "")
        if response.status_code >= 300 or code:
            error = refusal(response, code, mask_mail(words), errors=ERRORS, now=self.tools.now())
            if code and code not in ERRORS and response.status_code < 300:
                error.kind = ErrorKind.UNKNOWN
            if code == "InvalidSendMail.Spam" and _LIMIT.search(words):
                error.kind = ErrorKind.RATE_LIMITED
            raise error
        vendor_id = str(read_json(response).get("EnvId") or "")
        if not vendor_id:
            raise SendError(http_kind(response.status_code), f"http {response.status_code}", "the answer names no EnvId")
        return Receipt(message_id=message.id, vendor_id=vendor_id)

    def read_callback(self, callback: Callback) -> CallbackReading:
        document = read_document(callback, "aliyun")
        told: Mapping[str, Any] = document if isinstance(document, dict) else {}
        data = told.get("data")
        return CallbackReading(_events(told, data if isinstance(data, dict) else {}))

    def _said(self, message: Message) -> dict[str, str | None]:
        if named := template_of(message, self.config.templates):
            return {"Template": _json({"TemplateData": named[1], "TemplateId": named[0]}), "ReplyAddress": self.config.reply_to}
        mail = mail_of(message, adapter=self.adapter_name(), reply_to=self.config.reply_to)
        if mail.attachments:
            raise SendError(ErrorKind.UNSUPPORTED, "attachments", "attachments: aliyun.email takes no files")
        if len(mail.subject) > LONGEST_SUBJECT:
            raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, "subject", f"the subject has more than {LONGEST_SUBJECT} characters")
        for body in (mail.text, mail.html):
            if body is not None and len(body.encode()) > LONGEST_BODY:
                raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, "body", f"a body has more than {LONGEST_BODY} bytes")
        return {
            "Subject": mail.subject,
            "TextBody": mail.text,
            "HtmlBody": mail.html,
            "ReplyAddress": mail.reply_to,
            "Headers": _json(mail.headers) if mail.headers else None,
        }


def _events(told: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[Event, ...]:
    status = str(told.get("type") or "")
    type_ = STATUSES.get(status, EventType.UNKNOWN)
    if type_ is None:
        return ()
    vendor_id = str(data["env_id"]) if data.get("env_id") else None
    code = _code(data) if type_ is EventType.UNDELIVERED else None
    link = data.get("url")
    return (
        Event(
            type_,
            vendor_id=vendor_id,
            address=str(data["rcpt"]) if data.get("rcpt") else None,
            at=iso_time(told.get("time")),
            vendor_event_id=str(told.get("id") or f"{vendor_id}:{status}"),
            status=status,
            kind=(REPORT_ERRORS.get(code.partition(" ")[0]) or kind_of(code, SMTP_ERRORS)) if code else None,
            code=code,
            data={"url": str(link)} if link else {},
        ),
    )


def _code(data: Mapping[str, Any]) -> str:
    """The reply of the server that refused, else the vendor's own status."""
    said = _REPLY.match(str(data.get("err_msg") or ""))
    return reply_code(int(said[1]), said[2]) if said else str(data.get("status") or "failed")


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(dict(value), ensure_ascii=False, separators=(",", ":"))
