"""Volcengine SMS: POST /?Action=…, JSON, HMAC-SHA256 of the family of AWS's version 4.

Source: pages 66716, 171584, 171585, 173288 and 1125371 of the vendor's documents; the Python SDK volcengine 1.0.229 and the
request model of volc-sdk-golang; read 2026-11-22.
Quirk: only registered templates leave, under a registered signature.
Quirk: ids of an answer stand in the order of the numbers, and are all that tells them apart.
Quirk: `Tag` comes back as `ext`, one for a whole request: a batch has none, its reports are found by their id.
Quirk: a refused batch does not say which number is bad, so no address is blamed for it.
Quirk: a report says "0" for success; every other code is a failure, and the code its reason.
Quirk: details have states of their own (`details:3` here), and are asked by id, number and day in Beijing.
Quirk: pushes are unsigned JSON arrays; their times are milliseconds.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
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
)
from recallgate_adapters._shared import (
    alike,
    beijing_day,
    blameless,
    coded_refusal,
    compact_json,
    count_of,
    from_mainland,
    number_tag,
    objects_of,
    part_of,
    phone,
    present,
    refusal,
    signature_of,
    template,
    told_object,
    told_rows,
    unreadable,
)
from recallgate_adapters._signing import volcengine
from recallgate_adapters._sms import heard

ERRORS: dict[str, ErrorKind] = {
    "RE:0000": ErrorKind.AUTH,
    "RE:0001": ErrorKind.AUTH,
    "RE:0002": ErrorKind.AUTH,
    "RE:0003": ErrorKind.AUTH,
    "RE:0004": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "RE:0005": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "RE:0006": ErrorKind.INVALID_RECIPIENT,
    "RE:0007": ErrorKind.AUTH,
    "RE:0009": ErrorKind.UNKNOWN,
    "RE:0010": ErrorKind.INSUFFICIENT_FUNDS,
    "RE:0011": ErrorKind.UNSUPPORTED_REGION,
    "RE:0012": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "RE:0013": ErrorKind.RATE_LIMITED,
    "RE:0500": ErrorKind.TEMPORARY,
}
# `status_code` of a report, and `status` of details.
STATUSES: dict[str, EventType | None] = {
    "0": EventType.DELIVERED,
    "details:1": EventType.SENT,
    "details:2": EventType.UNDELIVERED,
    "details:3": EventType.DELIVERED,
}
SUCCESS = "0"
NO_STATUS = "no status_code"


class VolcengineSmsConfig(AdapterConfig):
    """An access key; `session_token` goes with temporary keys. `sms_account` is the message group.

    `sign` is the registered signature; `message.sender` replaces it. `templates` names template ids in our words.
    """

    dsn_user: ClassVar[str] = "access_key_id"
    dsn_password: ClassVar[str] = "secret_access_key"  # noqa: S105 - the name of a field
    base_url: str = "https://sms.volcengineapi.com"
    access_key_id: str = Field(min_length=1)
    secret_access_key: SecretStr = Field(min_length=1)
    session_token: SecretStr | None = None
    sms_account: str = Field(min_length=1)
    sign: str | None = None
    region: str = "cn-north-1"
    templates: Mapping[str, str] = Field(default_factory=dict)


class VolcengineSmsOptions(AdapterOptions):
    """`user_ext_code` is added to the sending number."""

    user_ext_code: str | None = Field(default=None, pattern=r"^[0-9]{1,12}$")


class VolcengineSms(Adapter):
    vendor, channel, api = "volcengine", channels.SMS, 1
    Config, Options = VolcengineSmsConfig, VolcengineSmsOptions
    errors, statuses = ERRORS, STATUSES
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="secret_path", reports=True, inbound=True, templates_only=True)
    batch_size: ClassVar[int] = 200
    config: VolcengineSmsConfig

    def __init__(self, config: VolcengineSmsConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._signed)

    def build(self, message: Message) -> httpx.Request:
        options: VolcengineSmsOptions = self.options(message)
        template_id, variables = template(message, self.adapter_name(), self.config.templates)
        fields = {
            "SmsAccount": self.config.sms_account,
            "Sign": self._sign(message),
            "TemplateID": template_id,
            "TemplateParam": compact_json(dict(variables)) if variables else None,
            "PhoneNumbers": _number(message),
            "Tag": message.id,
            "UserExtCode": options.user_ext_code,
        }
        return self._call("SendSms", "2020-01-01", fields)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        (vendor_id,) = self._ids(response, 1)
        return Receipt(message_id=message.id, vendor_id=vendor_id)

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """One template under one signature to many numbers; variables may differ."""
        made = [template(message, self.adapter_name(), self.config.templates) for message in messages]
        signed = [(code, self._sign(message)) for message, (code, _) in zip(messages, made, strict=True)]
        template_id, sign = alike(signed, "batch: all messages of one request have one template and signature")
        if any(self.options(message).user_ext_code for message in messages):
            raise SendError(ErrorKind.UNSUPPORTED, "option", "user_ext_code: a batch has none")
        fields = {
            "SmsAccount": self.config.sms_account,
            "Sign": sign,
            "TemplateID": template_id,
            "Messages": [
                {"PhoneNumber": _number(message), **({"TemplateParam": compact_json(dict(variables))} if variables else {})}
                for message, (_, variables) in zip(messages, made, strict=True)
            ],
        }
        return self._call("SendBatchSms", "2021-01-01", fields)

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        try:
            ids = self._ids(response, len(messages))
        except SendError as error:
            return [blameless(error) for _ in messages]
        return [Receipt(message_id=one.id, vendor_id=vendor_id) for one, vendor_id in zip(messages, ids, strict=True)]

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        """The question for a message of today in Beijing; None without its id, since details do not tell our Tag."""
        if vendor_id is None:
            return None
        fields = {
            "subAccount": self.config.sms_account,
            "phoneNumber": _number(message),
            "messageId": vendor_id,
            "sendDate": beijing_day(self.tools.now()),
            "pageIndex": 1,
            "pageSize": 10,
        }
        return self._call("GetSmsSendDetails", "2021-01-11", fields)

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        rows = objects_of(self._result(response).get("sendDetailsResults"))
        if len(rows) != 1:
            return ()
        (row,) = rows
        code = str(row.get("errorCode") or "")
        status = f"details:{row.get('status')}"
        type_ = STATUSES.get(status) or EventType.UNKNOWN
        if type_ is EventType.DELIVERED and code not in ("", SUCCESS):
            type_ = EventType.UNDELIVERED
        vendor_id, at = str(row.get("messageId") or ""), _instant(row.get("receiptTime"))
        return (_event(type_, status, code, vendor_id=vendor_id, message_id=message.id, at=at, count=row.get("msgCount")),)

    def read_callback(self, callback: Callback) -> CallbackReading:
        """Reports and replies, told apart by their fields; the secret in the path is the only proof of origin."""
        rows = [row for row in told_rows(callback.body) if row.get("message_id") or "content" in row]
        return CallbackReading(tuple(_report(row) if row.get("message_id") else _reply(row) for row in rows))

    def _signed(self, request: httpx.Request) -> httpx.Request:
        return volcengine(
            request,
            key_id=self.config.access_key_id,
            secret=self.config.secret_access_key.get_secret_value(),
            service="volcSMS",
            region=self.config.region,
            now=self.tools.now(),
            token=self.config.session_token.get_secret_value() if self.config.session_token else None,
        )

    def _call(self, action: str, version: str, fields: Mapping[str, object]) -> httpx.Request:
        url = f"{self.config.base_url.rstrip('/')}/?Action={action}&Version={version}"
        content = compact_json(present(fields)).encode()
        return httpx.Request("POST", url, headers={"content-type": "application/json"}, content=content)

    def _sign(self, message: Message) -> str:
        return signature_of(message, self.config.sign, setting="sign")

    def _result(self, response: httpx.Response) -> dict[str, Any]:
        answer = told_object(response)
        fault = part_of(part_of(answer, "ResponseMetadata"), "Error")
        code, words = str(fault.get("Code") or ""), str(fault.get("Message") or "")
        if response.status_code >= 300:
            raise refusal(response, code, words, errors=ERRORS, now=self.tools.now())
        if code:
            raise coded_refusal(code, words, errors=ERRORS)
        if not isinstance(answer.get("Result"), dict):
            raise unreadable(response, "the answer has no Result")
        return part_of(answer, "Result")

    def _ids(self, response: httpx.Response, count: int) -> list[str]:
        ids = self._result(response).get("MessageID")
        if not isinstance(ids, list) or len(ids) != count or not all(ids):
            raise SendError(ErrorKind.UNCERTAIN, "no id", "the answer does not name an id for every number")
        return [str(one) for one in ids]


def _report(row: Mapping[str, Any]) -> Event:
    status = NO_STATUS if row.get("status_code") in (None, "") else str(row["status_code"])
    type_ = STATUSES.get(status) or (EventType.UNKNOWN if status == NO_STATUS else EventType.UNDELIVERED)
    ours, at = str(row.get("ext") or "") or None, _instant(row.get("recv_time"))
    code = "" if status == NO_STATUS else status
    return _event(type_, status, code, vendor_id=str(row["message_id"]), message_id=ours, at=at, count=row.get("msg_count"))


def _event(
    type_: EventType, status: str, code: str, *, vendor_id: str, message_id: str | None, at: datetime | None, count: object
) -> Event:
    failed = type_ is EventType.UNDELIVERED
    return Event(
        type_,
        message_id=message_id,
        vendor_id=vendor_id or None,
        at=at,
        vendor_event_id=f"{vendor_id}:{status if type_ is EventType.UNKNOWN else type_.value}",
        status=status,
        kind=ErrorKind.UNKNOWN if failed else None,
        code=code if failed and code else None,
        data=present({"parts": count_of(count)}),
    )


def _reply(row: Mapping[str, Any]) -> Event:
    person, words = from_mainland(row.get("mobile")), str(row.get("content") or "")
    news = f"reply:{row.get('recv_time') or ''}:{number_tag(words, str(person))}"
    data = {"sign": str(row.get("signature") or ""), "to": str(row.get("ext") or "")}
    return heard(person, words, vendor_event_id=news, at=_instant(row.get("recv_time")), data=data)


def _instant(milliseconds: object) -> datetime | None:
    """Milliseconds since 1970, as a number or as text; zero and anything else is no instant."""
    text = str(milliseconds)
    told = int(text) if text.isascii() and text.isdigit() and len(text) < 15 else 0
    return datetime.fromtimestamp(told / 1000, UTC) if told else None


def _number(message: Message) -> str:
    """Eleven digits at home, with country code and plus abroad."""
    number = phone(message)
    return number[3:] if number.startswith("+861") and len(number) == 14 else number
