"""Vonage SMS: POST /sms/json, form fields, HTTP Basic or a signature over the fields.

Source: "SMS API errors", "Delivery receipts" and DLR err-codes (204014733), vendor pages, and vonage-sms 1.2.0, read 2026-11-22.
Quirk: a refusal answers HTTP 200 with a `status` other than "0".
Quirk: a long text has one entry and one message-id for every part; reports come for each of them.
Quirk: characters outside the GSM alphabet need type=unicode, or they arrive as question marks.
Quirk: a callback address has at most 100 characters; ours goes without its query, since client-ref brings our id back.
Quirk: webhooks come as form, JSON or GET query, by a setting of the account; `sig` signs the fields in all three.
Quirk: the URL of a webhook is not signed, so our id is read from client-ref first.
Quirk: message-timestamp and scts have no zone, so they are kept as text and never taken as the time.
Quirk: prices have no currency; it is that of the account, EUR unless set.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl

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
    Price,
    Receipt,
    SendError,
    Signed,
    Tools,
    channels,
    read_json,
)
from recallgate_adapters._shared import (
    batch_callback_url,
    coded_refusal,
    object_in,
    objects_of,
    phone,
    present,
    refusal,
    signing_secret,
    told_object,
    unreadable,
)
from recallgate_adapters._sms import (
    heard,
    in_gsm7,
    price_of,
    reported,
    said,
    sender_of,
    validity_s,
    without_plus,
)
from recallgate_adapters.vonage_signature import signature, verify_fields

# 23 and 29 are known by name only. 29 (not on the list of a trial account) says nothing against the address.
ERRORS: dict[str, ErrorKind] = {
    "1": ErrorKind.RATE_LIMITED,
    "2": ErrorKind.UNKNOWN,
    "3": ErrorKind.UNKNOWN,
    "4": ErrorKind.AUTH,
    "5": ErrorKind.TEMPORARY,
    "6": ErrorKind.INVALID_RECIPIENT,
    "7": ErrorKind.OPTED_OUT,
    "8": ErrorKind.AUTH,
    "9": ErrorKind.INSUFFICIENT_FUNDS,
    "10": ErrorKind.RATE_LIMITED,
    "11": ErrorKind.AUTH,
    "12": ErrorKind.PAYLOAD_TOO_LARGE,
    "14": ErrorKind.AUTH,
    "15": ErrorKind.INVALID_SENDER,
    "22": ErrorKind.UNSUPPORTED_REGION,
    "23": ErrorKind.UNKNOWN,
    "29": ErrorKind.UNSUPPORTED,
}
REPORT_ERRORS: dict[str, ErrorKind] = {
    "1": ErrorKind.UNKNOWN,
    "2": ErrorKind.UNREACHABLE,
    "3": ErrorKind.INVALID_RECIPIENT,
    "4": ErrorKind.OPTED_OUT,
    "5": ErrorKind.TEMPORARY,
    "6": ErrorKind.BLOCKED_CONTENT,
    "7": ErrorKind.UNREACHABLE,
    "8": ErrorKind.TEMPORARY,
    "9": ErrorKind.OPTED_OUT,
    "10": ErrorKind.UNKNOWN,
    "11": ErrorKind.UNSUPPORTED_REGION,
    "12": ErrorKind.INVALID_RECIPIENT,
    "13": ErrorKind.OPTED_OUT,
    "14": ErrorKind.OPTED_OUT,
}
STATUSES: dict[str, EventType | None] = {
    "accepted": EventType.ACCEPTED,
    "buffered": EventType.ACCEPTED,
    "submitted": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "read": EventType.READ,
    "expired": EventType.EXPIRED,
    "failed": EventType.UNDELIVERED,
    "rejected": EventType.UNDELIVERED,
    "undeliverable": EventType.UNDELIVERED,
    "unknown": EventType.UNDELIVERED,
}
LONGEST_CALLBACK_URL = 100
VALIDITY_S = (20, 604_800)


class VonageSmsConfig(AdapterConfig):
    """A Vonage account. Without `api_secret` requests are signed with `signature_secret`, which also verifies webhooks."""

    dsn_user: ClassVar[str] = "api_key"
    dsn_password: ClassVar[str] = "api_secret"  # noqa: S105 - the name of a field
    base_url: str = "https://rest.nexmo.com"
    api_key: str = Field(min_length=1)
    api_secret: SecretStr | None = None
    signature_secret: SecretStr | None = None
    signature_method: Literal["md5", "sha1", "sha256", "sha512"] = "sha256"
    sender: str | None = None
    currency: str = "EUR"

    @model_validator(mode="after")
    def _can_sign_in(self) -> "VonageSmsConfig":
        if not self.api_secret and not self.signature_secret:
            raise ValueError("api_secret, signature_secret: give at least one of them")
        return self


class VonageSmsOptions(AdapterOptions):
    """Options of one message. `entity_id` and `content_id` are the registrations that India asks for."""

    message_class: int | None = Field(default=None, ge=0, le=3)
    entity_id: str | None = None
    content_id: str | None = None


class VonageSms(Adapter):
    vendor, channel, api = "vonage", channels.SMS, 1
    Config, Options = VonageSmsConfig, VonageSmsOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    unverified = ("23", "29")
    capabilities: ClassVar[Capabilities] = Capabilities(
        callbacks="signature", reports=True, inbound=True, validity=True, default_rate=30.0
    )
    config: VonageSmsConfig

    def __init__(self, config: VonageSmsConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Basic("api_key", "api_secret") if config.api_secret else Signed(self._sign)
        self.endpoint = httpx.URL(f"{config.base_url.rstrip('/')}/sms/json")

    def build(self, message: Message) -> httpx.Request:
        options: VonageSmsOptions = self.options(message)
        text = said(message, self.adapter_name())
        left_s = validity_s(message, self.tools.now(), least=VALIDITY_S[0], most=VALIDITY_S[1])
        url = batch_callback_url(self.tools, message)
        fields = {
            "to": without_plus(phone(message)),
            "from": without_plus(sender_of(message, self.config.sender)),
            "text": text,
            "type": None if in_gsm7(text) else "unicode",
            "ttl": None if left_s is None else left_s * 1000,
            "callback": url if url and len(url) <= LONGEST_CALLBACK_URL else None,
            "client-ref": message.id,
            "message-class": options.message_class,
            "entity-id": options.entity_id,
            "content-id": options.content_id,
        }
        return httpx.Request("POST", self.endpoint, data={name: str(value) for name, value in present(fields).items()})

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        if response.status_code >= 400:
            code, words = _fault(objects_of(told_object(response).get("messages")))
            raise refusal(response, code, words, errors=ERRORS, now=self.tools.now())
        parts = objects_of(read_json(response).get("messages"))
        taken = [str(part.get("message-id") or "") for part in parts if str(part.get("status")) == "0"]
        if parts and not taken and "status" in parts[0]:
            raise coded_refusal(*_fault(parts), errors=ERRORS)
        if response.status_code >= 300 or not taken or not taken[0]:
            raise unreadable(response, "the answer names no message-id")
        if len(taken) < len(parts):
            code, _ = _fault([part for part in parts if str(part.get("status")) != "0"])
            raise SendError(ErrorKind.UNCERTAIN, code, f"{len(taken)} of {len(parts)} parts were taken")
        return Receipt(message_id=message.id, vendor_id=taken[0], parts=len(parts), price=self._price(parts))

    def read_callback(self, callback: Callback) -> CallbackReading:
        fields = callback_fields(callback)
        secret = signing_secret(self.config.signature_secret, vendor="vonage", setting="signature_secret")
        verify_fields(fields, secret=secret, method=self.config.signature_method)
        if "status" not in fields and "text" in fields:
            return CallbackReading((_reply_of_a_person(fields),))
        return CallbackReading((_report(fields, str(fields.get("client-ref") or "") or callback.message_id),))

    def _sign(self, request: httpx.Request) -> httpx.Request:
        assert self.config.signature_secret is not None
        fields = dict(parse_qsl(request.content.decode(), keep_blank_values=True))
        fields |= {"api_key": self.config.api_key, "timestamp": str(int(self.tools.now().timestamp()))}
        secret = self.config.signature_secret.get_secret_value()
        fields["sig"] = signature(secret, fields, method=self.config.signature_method)
        return httpx.Request(request.method, request.url, data=fields)

    def _price(self, parts: Sequence[Mapping[str, Any]]) -> Price | None:
        prices = [price_of(part.get("message-price"), self.config.currency) for part in parts]
        told = [price.amount for price in prices if price is not None]
        return Price(sum(told, Decimal()), self.config.currency.upper()) if len(told) == len(parts) else None


def callback_fields(callback: Callback) -> dict[str, object]:
    """The vendor's fields: of the JSON object, of the form, or of the query without what we put into it."""
    if not callback.body:
        return {name: value for name, value in callback.query.items() if name not in ("m", "k")}
    return object_in(callback.body) if callback.body.lstrip().startswith(b"{") else dict(callback.form)


def _fault(parts: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The code and the words of the first part that was refused."""
    part = parts[0] if parts else {}
    return str(part.get("status") or ""), str(part.get("error-text") or "")


def _report(fields: Mapping[str, object], message_id: str | None) -> Event:
    status, vendor_id, code = (str(fields.get(name) or "") for name in ("status", "messageId", "err-code"))
    type_ = STATUSES.get(status) or EventType.UNKNOWN
    data = {name: fields.get(name) for name in ("price", "network-code", "scts", "message-timestamp")}
    return reported(type_, status, code, vendor_id=vendor_id, message_id=message_id, errors=REPORT_ERRORS, data=data)


def _reply_of_a_person(fields: Mapping[str, object]) -> Event:
    told = ("to", "keyword", "concat-ref", "concat-total", "concat-part", "message-timestamp")
    data = {name: fields.get(name) for name in told}
    return heard(fields.get("msisdn"), fields["text"], vendor_event_id=str(fields.get("messageId") or ""), data=data)
