"""Twilio SMS: POST /2010-04-01/Accounts/{sid}/Messages.json, form fields, HTTP Basic.

Source: OpenAPI description twilio_api_v2010 and "Advanced Opt-Out", vendor documents, read 2026-11-22.
Quirk: a message through a Messaging Service is answered with num_segments 0: the parts are not counted yet.
Quirk: a message may be taken (201) and have failed at once; the answer then carries error_code.
Quirk: through a Messaging Service codes of a submit (21610) come in the status callback.
Quirk: prices are negative numbers, and null until the carrier has billed.
Quirk: RawDlrDoneDate has no zone, so it is kept as text and never taken as the time.
Quirk: the vendor keeps an opt-out list of its own; OptOutType in a reply says that it has already acted.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field, model_validator

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
    Price,
    Receipt,
    Reply,
    SendError,
    Template,
    Text,
    Tools,
    channels,
)
from recallgate_adapters._shared import compact_json, count_of, mail_date, mask_digits, phone, present, unsupported
from recallgate_adapters._sms import price_of, validity_s
from recallgate_adapters.twilio_rest import ERRORS, TwilioConfig, callback_fields, read_answer

REPORT_ERRORS: dict[str, ErrorKind] = {
    "30001": ErrorKind.TEMPORARY,
    "30003": ErrorKind.UNREACHABLE,
    "30004": ErrorKind.BLOCKED_CONTENT,
    "30005": ErrorKind.INVALID_RECIPIENT,
    "30006": ErrorKind.INVALID_RECIPIENT,
    "30007": ErrorKind.BLOCKED_CONTENT,
    "30008": ErrorKind.UNKNOWN,
    "30036": ErrorKind.TEMPORARY,
}
STATUSES: dict[str, EventType | None] = {
    "accepted": EventType.ACCEPTED,
    "scheduled": EventType.ACCEPTED,
    "queued": EventType.ACCEPTED,
    "sending": EventType.ACCEPTED,
    "sent": EventType.SENT,
    "partially_delivered": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "read": EventType.READ,
    "undelivered": EventType.UNDELIVERED,
    "failed": EventType.UNDELIVERED,
    "canceled": EventType.UNDELIVERED,
    "receiving": None,
    "received": None,
}
OPT_OUT_TYPES = {"STOP": EventType.UNSUBSCRIBED, "START": EventType.RESUBSCRIBED}
_SERVICE_SID = re.compile(r"MG[0-9a-fA-F]{32}")
LONGEST_BODY = 1600
LONGEST_VALIDITY_S = 36_000
EMPTY_TWIML = Reply(200, {"content-type": "text/xml"}, b"<Response/>")


class TwilioSmsConfig(TwilioConfig):
    """`sender` (E.164, short code or alphanumeric) or `messaging_service_sid`; `templates` names ContentSids in our words."""

    sender: str | None = None
    messaging_service_sid: str | None = None
    templates: Mapping[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_sender(self) -> "TwilioSmsConfig":
        if self.sender and self.messaging_service_sid:
            raise ValueError("sender, messaging_service_sid: give one of them; the other would never be used")
        return self


class TwilioSmsOptions(AdapterOptions):
    """Options of one message. `attempt` counts how often we have tried to tell this; the vendor only records it."""

    attempt: int | None = Field(default=None, ge=1)
    smart_encoded: bool | None = None
    shorten_urls: bool | None = None
    risk_check: Literal["enable", "disable"] | None = None


class TwilioSms(Adapter):
    vendor, channel, api = "twilio", channels.SMS, 1
    Config, Options = TwilioSmsConfig, TwilioSmsOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="signature", reports=True, inbound=True, validity=True)
    config: TwilioSmsConfig

    def __init__(self, config: TwilioSmsConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = config.basic
        self.endpoint = httpx.URL(config.url("Messages"))  # parsed once: it took 40% of a build

    def build(self, message: Message) -> httpx.Request:
        options: TwilioSmsOptions = self.options(message)
        fields = {
            "To": phone(message),
            "StatusCallback": self.tools.callback_url(message, "status"),
            "Attempt": options.attempt,
            "ValidityPeriod": validity_s(message, self.tools.now(), least=1, most=LONGEST_VALIDITY_S),
            "SmartEncoded": _yes_no(options.smart_encoded),
            "ShortenUrls": _yes_no(options.shorten_urls),
            "RiskCheck": options.risk_check,
            **self._from(message),
            **self._said(message),
        }
        return httpx.Request("POST", self.endpoint, data={name: str(value) for name, value in present(fields).items()})

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        answer = read_answer(response, self.config, now=self.tools.now())
        if answer.get("error_code") and STATUSES.get(str(answer.get("status"))) is EventType.UNDELIVERED:
            code = str(answer["error_code"])
            raise SendError(_kind(code), code, mask_digits(str(answer.get("error_message") or "")))
        return Receipt(
            message_id=message.id,
            vendor_id=answer["sid"],
            parts=count_of(answer.get("num_segments")),
            price=_price(answer),
        )

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        """The question for one message by its sid; None without one, since the vendor does not know our ids."""
        return httpx.Request("GET", self.config.url("Messages", vendor_id)) if vendor_id else None

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        answer = read_answer(response, self.config, now=self.tools.now())
        data: dict[str, object] = {}
        if price := _price(answer):
            data = {"price": str(price.amount), "currency": price.currency}
        return _report(
            str(answer.get("status") or ""),
            message_id=message.id,
            vendor_id=answer["sid"],
            code=str(answer.get("error_code") or ""),
            at=mail_date(answer.get("date_updated")),
            data=data,
        )

    def read_callback(self, callback: Callback) -> CallbackReading:
        self.config.verify(callback)
        fields = callback_fields(callback)
        if "MessageStatus" not in fields and "Body" in fields:
            return CallbackReading(_reply_of_a_person(fields), EMPTY_TWIML)
        done = fields.get("RawDlrDoneDate")
        return CallbackReading(
            _report(
                fields.get("MessageStatus") or fields.get("SmsStatus") or "",
                message_id=callback.message_id,
                vendor_id=fields.get("MessageSid") or fields.get("SmsSid") or "",
                code=fields.get("ErrorCode", ""),
                data={"raw_dlr_done_date": done} if done else {},
            )
        )

    def _from(self, message: Message) -> dict[str, str]:
        if message.sender:
            return {"MessagingServiceSid" if _SERVICE_SID.fullmatch(message.sender) else "From": message.sender}
        if self.config.messaging_service_sid:
            return {"MessagingServiceSid": self.config.messaging_service_sid}
        if self.config.sender:
            return {"From": self.config.sender}
        raise SendError(
            ErrorKind.INVALID_SENDER, "sender", "no sender: set sender or messaging_service_sid on the account, or message.sender"
        )

    def _said(self, message: Message) -> dict[str, str]:
        match message.content:
            case Text(text=text):
                if len(text) > LONGEST_BODY:
                    raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, "body", f"the text has more than {LONGEST_BODY} characters")
                return {"Body": text}
            case Template() as template:
                said = {"ContentSid": self.config.templates.get(template.template, template.template)}
                if template.variables:
                    said = {"ContentVariables": compact_json(dict(template.variables)), **said}
                return said
        raise unsupported(message, self.adapter_name(), "a text or a template")


def _report(
    status: str,
    *,
    message_id: str | None,
    vendor_id: str,
    code: str,
    at: datetime | None = None,
    data: Mapping[str, object],
) -> tuple[Event, ...]:
    type_ = STATUSES.get(status, EventType.UNKNOWN)
    if type_ is None:
        return ()
    return (
        Event(
            type_,
            message_id=message_id,
            vendor_id=vendor_id or None,
            at=at,
            vendor_event_id=f"{vendor_id}:{status}",
            status=status,
            kind=_kind(code) if type_ is EventType.UNDELIVERED else None,
            code=code or None,
            data=data,
        ),
    )


def _reply_of_a_person(fields: Mapping[str, str]) -> tuple[Event, ...]:
    sid, person = fields.get("MessageSid") or fields.get("SmsSid") or "", fields.get("From")
    replied = Event(
        EventType.REPLIED,
        address=person,
        vendor_event_id=sid or None,
        text=fields["Body"],
        data={"to": fields.get("To", ""), "media": fields.get("NumMedia", "0")},
    )
    opt_out = fields.get("OptOutType", "")
    if opt_out not in OPT_OUT_TYPES:
        return (replied,)
    acted = Event(OPT_OUT_TYPES[opt_out], address=person, vendor_event_id=f"{sid}:{opt_out}", status=opt_out, text=fields["Body"])
    return replied, acted


def _kind(code: str) -> ErrorKind:
    return REPORT_ERRORS.get(code) or ERRORS.get(code, ErrorKind.UNKNOWN)


def _price(answer: Mapping[str, Any]) -> Price | None:
    return price_of(answer.get("price"), answer.get("price_unit") or "USD")


def _yes_no(choice: bool | None) -> str | None:
    return None if choice is None else str(choice).lower()
