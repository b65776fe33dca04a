"""MessageBird SMS (Bird's classic REST API): POST /messages, JSON, `Authorization: AccessKey KEY`.

Source: messagebird 2.2.0, read 2026-11-22. Error codes are known by name only: the vendor's pages were not to be had.
Quirk: recipients stand in one text, with commas between them and without their plus.
Quirk: a message has one id for all recipients; one of them is known by id and number, written `id:number` here.
Quirk: code 9 is any missing or wrong parameter; which one decides whether the address is at fault.
Quirk: a message may be taken (201) while one of its recipients has failed at once.
Quirk: reports come as GET with their fields in the query; the token beside them signs the whole address.
Quirk: words of replies are not documented where we could read them, so none are taken.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import quote

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
    ForgedCallback,
    Message,
    Receipt,
    SendError,
    Signed,
    Tools,
    channels,
)
from recallgate_adapters._jwt import hash_fits, hmac_claims
from recallgate_adapters._shared import (
    alike,
    answer_naming,
    batch_callback_url,
    object_in,
    objects_of,
    part_of,
    phone,
    present,
    receipt_of,
    refusal,
    signing_secret,
    told_object,
)
from recallgate_adapters._sms import iso_time, reported, said, sender_of, validity_s, without_plus

ERRORS: dict[str, ErrorKind] = {
    "2": ErrorKind.AUTH,
    "9": ErrorKind.INVALID_RECIPIENT,
    "10": ErrorKind.UNKNOWN,
    "20": ErrorKind.UNKNOWN,
    "21": ErrorKind.UNKNOWN,
    "25": ErrorKind.INSUFFICIENT_FUNDS,
    "98": ErrorKind.UNKNOWN,
    "99": ErrorKind.TEMPORARY,
}
# `sent` is the library's; the others are known by name only.
STATUSES: dict[str, EventType | None] = {
    "scheduled": EventType.ACCEPTED,
    "buffered": EventType.ACCEPTED,
    "sent": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "expired": EventType.EXPIRED,
    "delivery_failed": EventType.UNDELIVERED,
}
WRONG_PARAMETERS = {"recipients": ErrorKind.INVALID_RECIPIENT, "originator": ErrorKind.INVALID_SENDER}
LEEWAY_S = 1
LONGEST_VALIDITY_S = 604_800


class MessagebirdSmsConfig(AdapterConfig):
    """A MessageBird account. `signing_key` is its own key for callbacks, not the access key."""

    dsn_password: ClassVar[str] = "access_key"  # noqa: S105 - the name of a field
    base_url: str = "https://rest.messagebird.com"
    access_key: SecretStr = Field(min_length=1)
    signing_key: SecretStr | None = None
    sender: str | None = None


class MessagebirdSmsOptions(AdapterOptions):
    """Options of one message; none are known yet."""


class MessagebirdSms(Adapter):
    vendor, channel, api = "messagebird", channels.SMS, 1
    Config, Options = MessagebirdSmsConfig, MessagebirdSmsOptions
    errors, statuses = ERRORS, STATUSES
    unverified = ("2", "9", "10", "20", "21", "25", "98", "99")
    batch_size: ClassVar[int] = 50
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="signature", reports=True, validity=True)
    config: MessagebirdSmsConfig

    def __init__(self, config: MessagebirdSmsConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._sign)
        self.endpoint = httpx.URL(f"{config.base_url.rstrip('/')}/messages")

    def build(self, message: Message) -> httpx.Request:
        url = self.tools.callback_url(message, "status")
        return self._request({**self._written(message), "reference": message.id}, [message], url=url)

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """One request for equal messages to several people; raises `SendError(UNSUPPORTED)` for messages that differ."""
        written = alike([self._written(message) for message in messages])
        return self._request(written, messages, url=batch_callback_url(self.tools, messages[0]))

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        return receipt_of(*self.parse_batch([message], response))

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        answer = self._answer(response)
        statuses = {str(one.get("recipient")): str(one.get("status")) for one in _recipients(answer)}
        outcomes: list[Receipt | SendError] = []
        for message in messages:
            number = without_plus(phone(message))
            if STATUSES.get(statuses.get(number, "")) is EventType.UNDELIVERED:
                outcomes.append(SendError(ErrorKind.UNKNOWN, statuses[number], "failed at once"))
            else:
                outcomes.append(Receipt(message_id=message.id, vendor_id=f"{answer['id']}:{number}"))
        return outcomes

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        """The question for a message by its id; None without one."""
        batch_id = (vendor_id or "").rpartition(":")[0]
        return httpx.Request("GET", f"{self.endpoint}/{quote(batch_id, safe='')}") if batch_id else None

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        """The news of this message's recipient alone; none where the answer does not name them."""
        answer, number = self._answer(response), without_plus(phone(message))
        return tuple(
            _report({**one, "id": answer["id"]}, message_id=message.id)
            for one in _recipients(answer)
            if str(one.get("recipient")) == number
        )

    def read_callback(self, callback: Callback) -> CallbackReading:
        self._verify(callback)
        fields = (object_in(callback.body) or dict(callback.form)) if callback.body else callback.query
        if "status" not in fields:
            return CallbackReading()
        message_id = str(fields.get("reference") or "") or callback.message_id
        return CallbackReading((_report(fields, message_id=message_id),))

    def _verify(self, callback: Callback) -> None:
        secret = signing_secret(self.config.signing_key, vendor="messagebird", setting="signing_key")
        token = callback.headers.get("messagebird-signature-jwt", "")
        claims = hmac_claims(token, secret, algorithms=("HS256", "HS384", "HS512"))
        if claims is None or claims.get("iss") != "MessageBird":
            raise ForgedCallback("messagebird: the callback has no token that the signing key has signed")
        begins, ends, now = claims.get("nbf"), claims.get("exp"), callback.received_at.timestamp()
        if not isinstance(begins, int | float) or not isinstance(ends, int | float):
            raise ForgedCallback("messagebird: the token of the callback names no time")
        if now < begins - LEEWAY_S or now > ends + LEEWAY_S:
            raise ForgedCallback("messagebird: the token of the callback is not of now")
        if not hash_fits(callback.url.encode(), claims.get("url_hash")):
            raise ForgedCallback("messagebird: the address does not have the hash that its token names")
        if bool(callback.body) != bool(claims.get("payload_hash")):
            raise ForgedCallback("messagebird: body and token do not belong together")
        if callback.body and not hash_fits(callback.body, claims["payload_hash"]):
            raise ForgedCallback("messagebird: the body does not have the hash that its token names")

    def _written(self, message: Message) -> dict[str, Any]:
        self.options(message)
        validity = validity_s(message, self.tools.now(), least=1, most=LONGEST_VALIDITY_S)
        written = {
            "originator": without_plus(sender_of(message, self.config.sender)),
            "body": said(message, self.adapter_name()),
            "datacoding": "auto",
            "validity": validity,
        }
        return present(written)

    def _request(self, written: Mapping[str, Any], messages: Sequence[Message], *, url: str | None) -> httpx.Request:
        recipients = ",".join(without_plus(phone(message)) for message in messages)
        told = {**written, "recipients": recipients, **({"reportUrl": url} if url else {})}
        content = json.dumps(told, ensure_ascii=False).encode()
        return httpx.Request("POST", self.endpoint, content=content, headers={"content-type": "application/json; charset=UTF-8"})

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        if response.status_code >= 400:
            first = next(iter(objects_of(told_object(response).get("errors"))), {})
            code, parameter = str(first.get("code") or ""), str(first.get("parameter") or "")
            fault = refusal(response, code, str(first.get("description") or ""), errors=ERRORS, now=self.tools.now())
            if code == "9":
                fault.kind = WRONG_PARAMETERS.get(parameter, ErrorKind.UNKNOWN)
            raise fault
        return answer_naming(response, "id")

    def _sign(self, request: httpx.Request) -> httpx.Request:
        request.headers["authorization"] = f"AccessKey {self.config.access_key.get_secret_value()}"
        return request


def _recipients(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    return objects_of(part_of(answer, "recipients").get("items"))


def _report(told: Mapping[str, Any], *, message_id: str | None) -> Event:
    status, code = str(told.get("status") or ""), str(told.get("statusErrorCode") or "")
    type_ = STATUSES.get(status) or EventType.UNKNOWN
    vendor_id = f"{told.get('id') or ''}:{without_plus(str(told.get('recipient') or ''))}"
    data, at = {"reason": str(told.get("statusReason") or "")}, iso_time(told.get("statusDatetime"))
    return reported(type_, status, code, vendor_id=vendor_id, message_id=message_id, errors={}, at=at, data=data)
