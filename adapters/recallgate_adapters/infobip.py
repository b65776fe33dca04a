"""Infobip SMS: POST /sms/3/messages, JSON, `Authorization: App KEY`, many messages in one request.

Source: infobip-api-python-client 6.0.0, "Response codes" and "Message status codes", vendor documents, read 2026-11-22.
Quirk: the message id is ours; the same id a second time is rejected with status 23, which means: taken before.
Quirk: a message may be rejected at once inside HTTP 200: status group 5, or another group that is an end.
Quirk: DELIVERED_TO_OPERATOR (id 2) stands in the group of delivered messages, and is not delivered.
Quirk: a status that nobody has listed is read by its group.
Quirk: error ids and status ids are two lists; the code of an event is a status id, the error's name stands in its data.
Quirk: reports come several in one request, up to 100, and carry no signature.
Quirk: /sms/3/reports gives each report once, so a lookup asks /sms/3/logs.
Quirk: messages live for at most 48 hours.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import httpx
from pydantic import Field, SecretStr

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
    Message,
    Receipt,
    SendError,
    Signed,
    Tools,
    channels,
    read_json,
)
from recallgate_adapters._shared import (
    count_of,
    mask_digits,
    object_in,
    objects_of,
    part_of,
    phone,
    present,
    receipt_of,
    refusal,
    told_object,
    unreadable,
)
from recallgate_adapters._sms import failed_as, heard, iso_time, price_of, said, sender_of, validity_s, without_plus

# Ids of a rejecting status, at the submit and in reports. 18 is a fault of a trial account, not of the address; 23 is no
# fault at all and stands in no table.
ERRORS: dict[str, ErrorKind] = {
    "6": ErrorKind.UNSUPPORTED_REGION,
    "8": ErrorKind.INVALID_RECIPIENT,
    "10": ErrorKind.OPTED_OUT,
    "11": ErrorKind.INVALID_SENDER,
    "12": ErrorKind.INSUFFICIENT_FUNDS,
    "13": ErrorKind.INVALID_SENDER,
    "14": ErrorKind.OPTED_OUT,
    "17": ErrorKind.INSUFFICIENT_FUNDS,
    "18": ErrorKind.UNSUPPORTED,
    "19": ErrorKind.UNSUPPORTED_REGION,
    "20": ErrorKind.RATE_LIMITED,
    "21": ErrorKind.TEMPORARY,
    "24": ErrorKind.UNKNOWN,
    "25": ErrorKind.PAYLOAD_TOO_LARGE,
    "51": ErrorKind.INVALID_RECIPIENT,
    "52": ErrorKind.INVALID_RECIPIENT,
    "99": ErrorKind.UNKNOWN,
    "100": ErrorKind.TEMPORARY,
}
STATUSES: dict[str, EventType | None] = {
    "PENDING_ACCEPTED": EventType.ACCEPTED,
    "PENDING_WAITING_DELIVERY": EventType.SENT,
    "PENDING_ENROUTE": EventType.SENT,
    "DELIVERED_TO_OPERATOR": EventType.SENT,
    "DELIVERED_TO_HANDSET": EventType.DELIVERED,
    "EXPIRED_EXPIRED": EventType.EXPIRED,
    "EXPIRED_DLR_UNKNOWN": EventType.EXPIRED,
    "UNDELIVERABLE_REJECTED_OPERATOR": EventType.UNDELIVERED,
    "UNDELIVERABLE_NOT_DELIVERED": EventType.UNDELIVERED,
    "UNDELIVERABLE_NOT_SENT": EventType.UNDELIVERED,
    "SIGNALS_BLOCKED": EventType.UNDELIVERED,
    "NO_ANSWER": EventType.NO_ANSWER,
    "BUSY": EventType.BUSY,
    "CANCELLED": EventType.UNDELIVERED,
}
GROUPS = {
    "0": EventType.ACCEPTED,
    "1": EventType.SENT,
    "2": EventType.UNDELIVERED,
    "3": EventType.DELIVERED,
    "4": EventType.EXPIRED,
    "5": EventType.UNDELIVERED,
}
ENDED_AT_ONCE = ("2", "4", "5")
TAKEN_BEFORE = "23"
LONGEST_VALIDITY_S = 48 * 3600


class InfobipSmsConfig(AdapterConfig):
    """An Infobip account. `base_url` is its own host, https://….api.infobip.com; the common one is slower."""

    dsn_password: ClassVar[str] = "api_key"  # noqa: S105 - the name of a field
    base_url: str = "https://api.infobip.com"
    api_key: SecretStr = Field(min_length=1)
    sender: str | None = None


class InfobipSmsOptions(AdapterOptions):
    """Options of one message. `flash` shows it at once and keeps no copy."""

    flash: bool | None = None
    campaign_reference_id: str | None = Field(default=None, max_length=255)


class InfobipSms(Adapter):
    vendor, channel, api = "infobip", channels.SMS, 1
    Config, Options = InfobipSmsConfig, InfobipSmsOptions
    errors, statuses = ERRORS, STATUSES
    batch_size: ClassVar[int] = 100
    # How long ids are remembered is not told; an hour is far below the 48 hours that a message may live.
    capabilities: ClassVar[Capabilities] = Capabilities(
        callbacks="secret_path", reports=True, inbound=True, validity=True, idempotency=3600
    )
    config: InfobipSmsConfig

    def __init__(self, config: InfobipSmsConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._sign)
        self.endpoint = httpx.URL(f"{config.base_url.rstrip('/')}/sms/3/messages")

    def build(self, message: Message) -> httpx.Request:
        return self.build_batch([message])

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        return httpx.Request("POST", self.endpoint, json={"messages": [self._written(message) for message in messages]})

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        return receipt_of(*self.parse_batch([message], response))

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        """Outcomes by our own ids; a message that the answer leaves out is uncertain."""
        if response.status_code >= 400:
            fault = part_of(part_of(told_object(response), "requestError"), "serviceException")
            words = str(fault.get("text") or "")
            raise refusal(response, str(fault.get("messageId") or ""), words, errors={}, now=self.tools.now())
        answers = {str(one.get("messageId")): one for one in objects_of(read_json(response).get("messages"))}
        if response.status_code >= 300 or not answers:
            raise unreadable(response, "the answer names no messageId")
        return [
            _outcome(message, answers[message.id])
            if message.id in answers
            else unreadable(response, "the answer leaves this message out")
            for message in messages
        ]

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        """The question for one message, by its id, which is ours as well."""
        url = self.endpoint.copy_with(path=self.endpoint.path.removesuffix("messages") + "logs")
        return httpx.Request("GET", url.copy_set_param("messageId", vendor_id or message.id))

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        """The news of the log; none where the vendor has not heard of the message, or not yet."""
        answer = read_json(response)
        if response.status_code >= 300 or not isinstance(answer.get("results"), list):
            raise unreadable(response, "the answer has no results")
        return tuple(_report(log) for log in objects_of(answer["results"]))

    def read_callback(self, callback: Callback) -> CallbackReading:
        """Reports and replies; the vendor signs nothing, so the secret path is what proves them."""
        results = objects_of(object_in(callback.body).get("results"))
        told = [one for one in results if "status" in one or "text" in one]
        return CallbackReading(tuple(_report(one) if "status" in one else _reply_of_a_person(one) for one in told))

    def _written(self, message: Message) -> dict[str, Any]:
        options: InfobipSmsOptions = self.options(message)
        url = self.tools.callback_url(message, "status")
        left_s = validity_s(message, self.tools.now(), least=1, most=LONGEST_VALIDITY_S)
        chosen = {
            "validityPeriod": None if left_s is None else {"amount": left_s, "timeUnit": "SECONDS"},
            "campaignReferenceId": options.campaign_reference_id,
            "flash": options.flash,
        }
        written: dict[str, Any] = {
            "sender": without_plus(sender_of(message, self.config.sender)),
            "destinations": [{"to": without_plus(phone(message)), "messageId": message.id}],
            "content": {"text": said(message, self.adapter_name())},
        }
        if given := present(chosen):
            written["options"] = given
        if url:
            written["webhooks"] = {"delivery": {"url": url, "intermediateReport": True}, "contentType": "application/json"}
        return written

    def _sign(self, request: httpx.Request) -> httpx.Request:
        request.headers["authorization"] = f"App {self.config.api_key.get_secret_value()}"
        return request


def _outcome(message: Message, answer: Mapping[str, Any]) -> Receipt | SendError:
    status = part_of(answer, "status")
    code = str(status.get("id"))
    if str(status.get("groupId")) in ENDED_AT_ONCE and code != TAKEN_BEFORE:
        kind = ERRORS.get(code, ErrorKind.UNKNOWN)
        words = mask_digits(str(status.get("description") or status.get("name") or ""))
        # A flooding filter counts what one number gets.
        return SendError(kind, code, words, scope="address" if kind is ErrorKind.RATE_LIMITED else "account")
    parts = count_of(part_of(answer, "details").get("messageCount"))
    note = "taken before" if code == TAKEN_BEFORE else ""
    return Receipt(message_id=message.id, vendor_id=message.id, parts=parts, note=note)


def _report(told: Mapping[str, Any]) -> Event:
    status, error, price = (part_of(told, name) for name in ("status", "error", "price"))
    name, code = str(status.get("name") or ""), str(status.get("id") or "")
    type_ = STATUSES.get(name) or GROUPS.get(str(status.get("groupId")), EventType.UNKNOWN)
    vendor_id = str(told.get("messageId") or "")
    billed = price_of(price.get("pricePerMessage"), price.get("currency"))
    data = {
        "error": error.get("name") if error.get("id") else None,
        "parts": told.get("messageCount") or told.get("smsCount"),
        "price": str(billed.amount) if billed else None,
        "currency": billed.currency if billed else None,
        "network": told.get("mccMnc"),
    }
    return Event(
        type_,
        message_id=vendor_id or None,
        vendor_id=vendor_id or None,
        at=iso_time(told.get("doneAt")),
        vendor_event_id=f"{vendor_id}:{name}",
        status=name,
        kind=failed_as(type_, lambda: _kind(code, error.get("permanent"))),
        code=code if type_ is EventType.UNDELIVERED and code else None,
        data=present(data),
    )


def _kind(code: str, permanent: object) -> ErrorKind:
    """The kind of a rejecting status; of another failure only whether it may pass is told."""
    return ERRORS.get(code) or (ErrorKind.TEMPORARY if permanent is False else ErrorKind.UNKNOWN)


def _reply_of_a_person(told: Mapping[str, Any]) -> Event:
    return heard(
        told.get("from"),
        told.get("text"),
        vendor_event_id=str(told.get("messageId") or ""),
        at=iso_time(told.get("receivedAt")),
        data={"to": told.get("to"), "keyword": told.get("keyword"), "clean_text": told.get("cleanText")},
    )
