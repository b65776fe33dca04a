"""Sinch SMS: POST /xms/v1/{plan}/batches, JSON, bearer token, up to a thousand recipients of one text in a request.

Source: sinch 2.3.0, "Delivery reports" and "Delivery report error codes", vendor documents, read 2026-11-22.
Quirk: a batch has one id for all recipients; a message is known by that id and its number, written `id:number` here.
Quirk: documents write states as Delivered, the library as DELIVERED; they are compared without case.
Quirk: the code of a report says more than its state: 406 is an expired message, whatever the state.
Quirk: the address of a callback is not signed, so our id is read from client_reference first.
Quirk: a batch to several people has one client_reference and one callback address, so it has neither id of ours in them.
Quirk: no report can be asked for afterwards unless it was ordered with the message, so one is ordered for every recipient.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, timedelta
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from pydantic import Field

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
)
from recallgate_adapters._shared import (
    alike,
    answer_naming,
    batch_callback_url,
    object_in,
    objects_of,
    phone,
    present,
    refusal,
    told_object,
)
from recallgate_adapters._sms import heard, iso_time, reported, said, sender_of, without_plus
from recallgate_adapters.sinch_account import SinchConfig, sign_in

REPORT_ERRORS: dict[str, ErrorKind] = {
    "402": ErrorKind.UNSUPPORTED_REGION,
    "403": ErrorKind.TEMPORARY,
    "404": ErrorKind.TEMPORARY,
    "405": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "407": ErrorKind.UNKNOWN,
    "408": ErrorKind.UNKNOWN,
    "410": ErrorKind.INVALID_SENDER,
    "411": ErrorKind.PAYLOAD_TOO_LARGE,
    "412": ErrorKind.UNSUPPORTED_REGION,
}
STATUSES: dict[str, EventType | None] = {
    "QUEUED": EventType.ACCEPTED,
    "DISPATCHED": EventType.SENT,
    "DELIVERED": EventType.DELIVERED,
    "EXPIRED": EventType.EXPIRED,
    "ABORTED": EventType.UNDELIVERED,
    "CANCELLED": EventType.UNDELIVERED,
    "REJECTED": EventType.UNDELIVERED,
    "DELETED": EventType.UNDELIVERED,
    "FAILED": EventType.UNDELIVERED,
    "UNKNOWN": EventType.UNDELIVERED,
}
# Codes that are news of another kind than a failure.
CODES = {"400": EventType.ACCEPTED, "401": EventType.SENT, "406": EventType.EXPIRED}
LONGEST_VALIDITY = timedelta(days=3)


class SinchSmsOptions(AdapterOptions):
    """Options of one message. More parts than `max_parts` are refused by the vendor."""

    flash_message: bool | None = None
    max_parts: int | None = Field(default=None, ge=1)


class SinchSms(Adapter):
    vendor, channel, api = "sinch", channels.SMS, 1
    Config, Options = SinchConfig, SinchSmsOptions
    report_errors, statuses = REPORT_ERRORS, STATUSES
    batch_size: ClassVar[int] = 100
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="signature", reports=True, inbound=True, validity=True)
    config: SinchConfig

    def __init__(self, config: SinchConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = sign_in(config, tools.now)
        self.endpoint = httpx.URL(config.url)

    def build(self, message: Message) -> httpx.Request:
        url = self.tools.callback_url(message, "status")
        return self._request(self._written(message), [phone(message)], url=url, reference=message.id)

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """One request for equal messages to several people; raises `SendError(UNSUPPORTED)` for messages that differ."""
        written, url = alike([self._written(message) for message in messages]), batch_callback_url(self.tools, messages[0])
        return self._request(written, [phone(message) for message in messages], url=url, reference=None)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        batch_id = self._answer(response, "id")["id"]
        return Receipt(message_id=message.id, vendor_id=_vendor_id(batch_id, phone(message)))

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        return [self.parse(message, response) for message in messages]

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        """The question for one recipient of a batch; None without its id, since the vendor does not know ours."""
        if not vendor_id:
            return None
        batch_id, _, number = vendor_id.rpartition(":")
        return httpx.Request("GET", f"{self.endpoint}/{quote(batch_id, safe='')}/delivery_report/{quote(number, safe='')}")

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        answer = self._answer(response, "batch_id")
        return (_report(answer, answer, str(answer.get("recipient") or ""), message_id=message.id),)

    def read_callback(self, callback: Callback) -> CallbackReading:
        """Reports of one recipient or of a whole batch, and replies."""
        self.config.verify(callback)
        told = object_in(callback.body)
        kind = str(told.get("type") or "")
        if kind.startswith("mo_"):
            return CallbackReading((_reply_of_a_person(told, kind),))
        found = [(told, told.get("recipient"))] if "status" in told else []
        found += [(one, number) for one in objects_of(told.get("statuses")) for number in one.get("recipients") or ()]
        message_id = str(told.get("client_reference") or "") or callback.message_id
        return CallbackReading(tuple(_report(told, one, str(number or ""), message_id=message_id) for one, number in found))

    def _written(self, message: Message) -> dict[str, Any]:
        options: SinchSmsOptions = self.options(message)
        until = message.expires_at and min(message.expires_at, self.tools.now() + LONGEST_VALIDITY).astimezone(UTC)
        written = {
            "from": sender_of(message, self.config.sender),
            "body": said(message, self.adapter_name()),
            "type": "mt_text",
            "delivery_report": "per_recipient",
            "expire_at": until and until.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "flash_message": options.flash_message,
            "max_number_of_message_parts": options.max_parts,
        }
        return present(written)

    def _request(
        self, written: Mapping[str, Any], numbers: Sequence[str], *, url: str | None, reference: str | None
    ) -> httpx.Request:
        where = present({"callback_url": url, "client_reference": reference})
        return httpx.Request("POST", self.endpoint, json={"to": list(numbers), **written, **where})

    def _answer(self, response: httpx.Response, name: str) -> dict[str, Any]:
        if response.status_code >= 400:
            fault = told_object(response)
            raise refusal(response, str(fault.get("code") or ""), str(fault.get("text") or ""), errors={}, now=self.tools.now())
        return answer_naming(response, name)


def _vendor_id(batch_id: str, number: str) -> str:
    return f"{batch_id}:{without_plus(number)}"


def _report(batch: Mapping[str, Any], told: Mapping[str, Any], number: str, *, message_id: str | None) -> Event:
    """The news of one recipient: `told` has code and status, `batch` what is common."""
    status, code = str(told.get("status") or ""), str(told.get("code", ""))
    type_ = CODES.get(code) or STATUSES.get(status.upper()) or EventType.UNKNOWN
    vendor_id = _vendor_id(str(batch.get("batch_id") or ""), number)
    data = {name: batch.get(name) for name in ("encoding", "number_of_message_parts", "operator", "applied_originator")}
    return reported(
        type_,
        status,
        code,
        vendor_id=vendor_id,
        message_id=message_id,
        errors=REPORT_ERRORS,
        vendor_event_id=f"{vendor_id}:{status.upper()}:{code}",
        at=iso_time(batch.get("operator_status_at")) or iso_time(batch.get("at")),
        data=data,
    )


def _reply_of_a_person(told: Mapping[str, Any], kind: str) -> Event:
    vendor_event_id = str(told.get("id") or "")
    if kind != "mo_text":
        return Event(EventType.UNKNOWN, vendor_event_id=vendor_event_id or None, status=kind)
    return heard(
        told.get("from"),
        told.get("body") or "",
        vendor_event_id=vendor_event_id,
        at=iso_time(told.get("received_at")),
        data={"to": told.get("to"), "client_reference": told.get("client_reference")},
    )
