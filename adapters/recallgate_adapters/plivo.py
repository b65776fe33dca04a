"""Plivo SMS: POST /v1/Account/{auth_id}/Message/, JSON, HTTP Basic, many recipients of one text in a request.

Source: plivo 4.63.0, "Message status callbacks" and "Error codes", vendor documents, read 2026-11-22.
Quirk: recipients stand in one text, joined with <; the answer has one message_uuid for each, in their order.
Quirk: all recipients of a request share one callback address, so a batch is followed by message_uuid alone.
Quirk: a refusal has words and no code; the HTTP status decides. 403 with words is a missing geo permission.
Quirk: an ErrorCode of 000 means that there is no error.
Quirk: STOP is handled by the vendor on US and Canadian numbers, and shows only as code 200 of a later message.
Quirk: prices have no currency, so they are kept as text.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr, model_validator

from recallgate import (
    Adapter,
    AdapterConfig,
    AdapterOptions,
    Basic,
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
    read_json,
)
from recallgate_adapters._shared import (
    alike,
    batch_callback_url,
    phone,
    present,
    receipt_of,
    refusal,
    told_object,
    unreadable,
)
from recallgate_adapters._sms import heard, reported, said, sender_of, validity_s
from recallgate_adapters.plivo_signature import verify

# From 60 on the codes are known by name only.
REPORT_ERRORS: dict[str, ErrorKind] = {
    "10": ErrorKind.UNKNOWN,
    "20": ErrorKind.TEMPORARY,
    "30": ErrorKind.BLOCKED_CONTENT,
    "40": ErrorKind.INVALID_SENDER,
    "50": ErrorKind.INVALID_RECIPIENT,
    "60": ErrorKind.UNKNOWN,
    "70": ErrorKind.INVALID_RECIPIENT,
    "80": ErrorKind.UNREACHABLE,
    "90": ErrorKind.UNSUPPORTED_REGION,
    "100": ErrorKind.UNSUPPORTED_REGION,
    "110": ErrorKind.PAYLOAD_TOO_LARGE,
    "200": ErrorKind.OPTED_OUT,
    "300": ErrorKind.UNKNOWN,
    "420": ErrorKind.TEMPORARY,
    "450": ErrorKind.UNSUPPORTED_REGION,
    "900": ErrorKind.INSUFFICIENT_FUNDS,
    "1000": ErrorKind.UNKNOWN,
}
STATUSES: dict[str, EventType | None] = {
    "queued": EventType.ACCEPTED,
    "sent": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "read": EventType.READ,
    "undelivered": EventType.UNDELIVERED,
    "failed": EventType.UNDELIVERED,
    "rejected": EventType.UNDELIVERED,
}
# The limits of message_expiry are known by hearsay only.
VALIDITY_S = (5, 14_400)


class PlivoSmsConfig(AdapterConfig):
    """A Plivo account or subaccount. `sender` or `powerpack_uuid`; `auth_token` also verifies callbacks."""

    dsn_user: ClassVar[str] = "auth_id"
    dsn_password: ClassVar[str] = "auth_token"  # noqa: S105 - the name of a field
    base_url: str = "https://api.plivo.com"
    auth_id: str = Field(min_length=1)
    auth_token: SecretStr = Field(min_length=1)
    sender: str | None = None
    powerpack_uuid: str | None = None

    @model_validator(mode="after")
    def _one_sender(self) -> "PlivoSmsConfig":
        if self.sender and self.powerpack_uuid:
            raise ValueError("sender, powerpack_uuid: give one of them; the other would never be used")
        return self


class PlivoSmsOptions(AdapterOptions):
    """Options of one message. `log` false keeps the text out of the vendor's logs; `dlt_…` are India's registrations."""

    log: bool | None = None
    trackable: bool | None = None
    dlt_entity_id: str | None = None
    dlt_template_id: str | None = None
    dlt_template_category: str | None = None


class PlivoSms(Adapter):
    vendor, channel, api = "plivo", channels.SMS, 1
    Config, Options = PlivoSmsConfig, PlivoSmsOptions
    report_errors, statuses = REPORT_ERRORS, STATUSES
    unverified = ("60", "70", "80", "90", "100", "110", "200", "300", "420", "450", "900", "1000")
    auth = Basic("auth_id", "auth_token")
    batch_size: ClassVar[int] = 100
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="signature", reports=True, inbound=True, validity=True)
    config: PlivoSmsConfig

    def __init__(self, config: PlivoSmsConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.endpoint = httpx.URL(f"{config.base_url.rstrip('/')}/v1/Account/{quote(config.auth_id, safe='')}/Message/")

    def build(self, message: Message) -> httpx.Request:
        return self._request(self._written(message), [message], url=self.tools.callback_url(message, "status"))

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """One request for equal messages to several people; raises `SendError(UNSUPPORTED)` for messages that differ."""
        written = alike([self._written(message) for message in messages])
        return self._request(written, messages, url=batch_callback_url(self.tools, messages[0]))

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        return receipt_of(*self.parse_batch([message], response))

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        """Outcomes in order; where the vendor names fewer ids than messages, nobody can say whose they are."""
        answer = self._answer(response)
        ids = answer.get("message_uuid")
        if response.status_code >= 300 or not isinstance(ids, list) or len(ids) != len(messages) or not all(ids):
            raise unreadable(response, "the answer names no message_uuid")
        return [Receipt(message_id=message.id, vendor_id=str(one)) for message, one in zip(messages, ids, strict=True)]

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        """The question for one message by its uuid; None without one, since the vendor does not know our ids."""
        return httpx.Request("GET", f"{self.endpoint}{quote(vendor_id, safe='')}/") if vendor_id else None

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        answer = self._answer(response)
        if response.status_code >= 300 or not answer.get("message_state"):
            raise unreadable(response, "the answer has no message_state")
        data = {"parts": answer.get("units"), "price": answer.get("total_rate")}
        status, code = str(answer["message_state"]), str(answer.get("error_code") or "")
        return (_report(status, str(answer.get("message_uuid") or ""), code, message_id=message.id, data=data),)

    def read_callback(self, callback: Callback) -> CallbackReading:
        verify(callback, secret=self.config.auth_token.get_secret_value())
        fields = dict(callback.form) if callback.body else callback.query
        if "Status" not in fields and "Text" in fields:
            return CallbackReading((_reply_of_a_person(fields),))
        told = {"price": "TotalAmount", "rate": "TotalRate", "parts": "Units", "sequence": "Sequence", "sent": "SentTime"}
        data = {name: fields.get(field) for name, field in told.items()}
        status, vendor_id, code = fields.get("Status", ""), fields.get("MessageUUID", ""), fields.get("ErrorCode", "")
        return CallbackReading((_report(status, vendor_id, code, message_id=callback.message_id, data=data),))

    def _written(self, message: Message) -> dict[str, Any]:
        options: PlivoSmsOptions = self.options(message)
        written = {
            **self._from(message),
            "text": said(message, self.adapter_name()),
            "type": "sms",
            "message_expiry": validity_s(message, self.tools.now(), least=VALIDITY_S[0], most=VALIDITY_S[1]),
            "log": None if options.log is None else str(options.log).lower(),
            "trackable": options.trackable,
            "dlt_entity_id": options.dlt_entity_id,
            "dlt_template_id": options.dlt_template_id,
            "dlt_template_category": options.dlt_template_category,
        }
        return present(written)

    def _request(self, written: Mapping[str, Any], messages: Sequence[Message], *, url: str | None) -> httpx.Request:
        numbers = "<".join(phone(message) for message in messages)
        reports = {"url": url, "method": "POST"} if url else {}
        return httpx.Request("POST", self.endpoint, json={"dst": numbers, **written, **reports})

    def _from(self, message: Message) -> dict[str, str]:
        if self.config.powerpack_uuid and not message.sender:
            return {"powerpack_uuid": self.config.powerpack_uuid}
        return {"src": sender_of(message, self.config.sender)}

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        if response.status_code < 400:
            return read_json(response)
        error = told_object(response).get("error")
        words = error if isinstance(error, str) else ""
        fault = refusal(response, "", words.replace(self.config.auth_id, "…"), errors={}, now=self.tools.now())
        if response.status_code == 403 and words:
            fault.kind = ErrorKind.UNSUPPORTED_REGION
        raise fault


def _report(status: str, vendor_id: str, code: str, *, message_id: str | None, data: Mapping[str, object]) -> Event:
    type_ = STATUSES.get(status) or EventType.UNKNOWN
    return reported(type_, status, code, vendor_id=vendor_id, message_id=message_id, errors=REPORT_ERRORS, data=data)


def _reply_of_a_person(fields: Mapping[str, str]) -> Event:
    data = {"to": fields.get("To"), "type": fields.get("Type")}
    return heard(fields.get("From"), fields["Text"], vendor_event_id=fields.get("MessageUUID", ""), data=data)
