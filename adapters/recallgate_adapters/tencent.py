"""Tencent Cloud SMS (2021-01-11): POST /, action in a header, JSON, TC3-HMAC-SHA256.

Source: tencentcloud-sdk-python-sms 3.1.153 and "Status callback" (document 382/5807), vendor documents, read 2026-11-22.
Quirk: a call that succeeded may have refused a number: the outcome of each stands in SendStatusSet.
Quirk: only registered templates leave; variables are positional, so their names are ours alone.
Quirk: one request holds Chinese numbers or foreign ones, never both.
Quirk: `Fee` counts the parts that are billed.
Quirk: a look-up asks for a number's messages of the last day; only a row with our SessionContext is believed, and a batch
    has none of its own.
Quirk: reports come unsigned and with a time without a zone, so it is kept as text and never taken as the time.
Quirk: the field names of pushed replies are those of other people's integrations; the vendor's page was not seen.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

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
from recallgate_adapters import tencent_rest as rest
from recallgate_adapters._shared import (
    alike,
    count_of,
    from_mainland,
    number_tag,
    objects_of,
    phone,
    receipt_of,
    signature_of,
    template,
    told_rows,
    unix_time,
)
from recallgate_adapters._sms import heard, reported_at_home
from recallgate_adapters.tencent_codes import SMS as ERRORS

STATUSES: dict[str, EventType | None] = {"SUCCESS": EventType.DELIVERED, "FAIL": EventType.UNDELIVERED}
VERSION = "2021-01-11"
LOOK_BACK = timedelta(days=1)


class TencentSmsConfig(rest.TencentConfig):
    """`sign_name` is the registered signature, needed for Chinese numbers; `message.sender` replaces it."""

    base_url: str = "https://sms.tencentcloudapi.com"
    sign_name: str | None = None


class TencentSmsOptions(AdapterOptions):
    """`extend_code` is added to the sending number; `sender_id` names us abroad."""

    extend_code: str | None = Field(default=None, pattern=r"^[0-9]{1,12}$")
    sender_id: str | None = Field(default=None, min_length=1, max_length=16)


class TencentSms(Adapter):
    vendor, channel, api = "tencent", channels.SMS, 1
    Config, Options = TencentSmsConfig, TencentSmsOptions
    errors, statuses = ERRORS, STATUSES
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="secret_path", reports=True, inbound=True, templates_only=True)
    batch_size: ClassVar[int] = 200
    config: TencentSmsConfig

    def __init__(self, config: TencentSmsConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = rest.signed(config, tools, service="sms")

    def build(self, message: Message) -> httpx.Request:
        return self.config.call("SendSms", VERSION, self._fields([message], context=message.id))

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        return receipt_of(*self.parse_batch([message], response))

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """One text to many numbers: all messages say the same, all to China or all abroad."""
        alike([self._said(message) for message in messages], "batch: all messages of one request say the same")
        at_home = [phone(message).startswith("+86") for message in messages]
        alike(at_home, "batch: Chinese and foreign numbers do not go together")
        return self.config.call("SendSms", VERSION, self._fields(messages, context=None))

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        answer = rest.read_answer(response, errors=ERRORS, now=self.tools.now())
        rows = {row.get("PhoneNumber"): row for row in objects_of(answer.get("SendStatusSet"))}
        return [self._outcome(message, rows.get(phone(message), {})) for message in messages]

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        fields = {
            "BeginTime": int((self.tools.now() - LOOK_BACK).timestamp()),
            "Offset": 0,
            "Limit": 100,
            "PhoneNumber": phone(message),
            "SmsSdkAppId": self.config.sdk_app_id,
        }
        return self.config.call("PullSmsSendStatusByPhoneNumber", VERSION, fields)

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        answer = rest.read_answer(response, errors=ERRORS, now=self.tools.now())
        ours = [row for row in objects_of(answer.get("PullSmsSendStatusSet")) if row.get("SessionContext") == message.id]
        return tuple(_report(row, "ReportStatus", "SerialNo", message_id=message.id) for row in ours)

    def read_callback(self, callback: Callback) -> CallbackReading:
        """Reports and replies, told apart by their fields; the secret in the path is the only proof of origin."""
        rows = [row for row in told_rows(callback.body) if "report_status" in row or "text" in row]
        events = [_report(row, "report_status", "sid") if "report_status" in row else _reply(row) for row in rows]
        return CallbackReading(tuple(events), rest.TAKEN)

    def _said(self, message: Message) -> dict[str, object]:
        options: TencentSmsOptions = self.options(message)
        template_id, variables = template(message, self.adapter_name(), self.config.templates)
        sign_name = message.sender or self.config.sign_name
        if phone(message).startswith("+86"):
            sign_name = signature_of(message, sign_name, setting="sign_name")
        return {
            "TemplateId": template_id,
            "SignName": sign_name,
            "TemplateParamSet": list(variables.values()) or None,
            "ExtendCode": options.extend_code,
            "SenderId": options.sender_id,
        }

    def _fields(self, messages: Sequence[Message], *, context: str | None) -> dict[str, object]:
        numbers = [phone(message) for message in messages]
        said = self._said(messages[0])
        return {"PhoneNumberSet": numbers, "SmsSdkAppId": self.config.sdk_app_id, **said, "SessionContext": context}

    def _outcome(self, message: Message, row: Mapping[str, Any]) -> Receipt | SendError:
        code = str(row.get("Code") or "")
        if code.lower() == "ok" and row.get("SerialNo"):
            return Receipt(message_id=message.id, vendor_id=str(row["SerialNo"]), parts=count_of(row.get("Fee")))
        if not code or code.lower() == "ok":
            return SendError(ErrorKind.UNCERTAIN, code or "no status", "the answer says nothing of this number")
        return rest.refused(code, str(row.get("Message") or ""), errors=ERRORS, now=self.tools.now())


def _report(row: Mapping[str, Any], status_name: str, id_name: str, *, message_id: str | None = None) -> Event:
    """A row of a push, which has the carrier's word, or of a look-up, which has a time that needs no zone."""
    status, vendor_id = str(row.get(status_name) or ""), str(row.get(id_name) or "")
    return reported_at_home(
        STATUSES.get(status) or EventType.UNKNOWN,
        status,
        str(row.get("errmsg") or ""),
        vendor_id=vendor_id,
        message_id=message_id,
        errors={},
        named=vendor_id,
        at=unix_time(row.get("UserReceiveTime")),
        data={name: str(row.get(name) or "") for name in ("user_receive_time", "description")},
    )


def _reply(row: Mapping[str, Any]) -> Event:
    person = from_mainland(row.get("mobile"), str(row.get("nationcode") or ""))
    words, time = str(row.get("text") or ""), str(row.get("time") or "")
    news = f"reply:{time}:{number_tag(words, str(person))}"
    data = {"to": str(row.get("extend") or ""), "sign": str(row.get("sign") or "")}
    return heard(person, words, vendor_event_id=news, at=unix_time(time), data=data)
