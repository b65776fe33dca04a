"""Aliyun SMS (Dysmsapi 2017-05-25): POST /, action in a header, form body, ACS3-HMAC-SHA256 or HMAC-SHA1.

Source: alibabacloud_dysmsapi20170525 4.6.0; "SendSms", "SmsReport" (document 101867) and "SmsUp" (101847), vendor documents,
read 2026-11-22.
Quirk: only registered templates leave, under a registered signature.
Quirk: a batch has one BizId for all its numbers: a receipt's vendor id adds a tag of the number, which reports find again.
Quirk: a refused batch does not say which number is bad, so no address is blamed for it.
Quirk: details are asked by number and day; only a row with our OutId is believed, and a batch has no OutId of our own.
Quirk: reports and replies are pushed unsigned to one address set in the console; times are Beijing's.
Quirk: a report that failed by age has success false like any other, and EXPIRED as its err_code.
"""

from collections.abc import Mapping, Sequence
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
from recallgate_adapters import aliyun_rest as rest
from recallgate_adapters._shared import (
    alike,
    beijing_day,
    beijing_time,
    blameless,
    compact_json,
    count_of,
    from_mainland,
    mainland,
    number_tag,
    objects_of,
    part_of,
    phone,
    signature_of,
    template,
    told_rows,
)
from recallgate_adapters._sms import heard, reported_at_home

# MOBILE_COUNT_OVER_LIMIT is about the size of a request, not about a number.
ERRORS: dict[str, ErrorKind] = {
    **rest.ERRORS,
    "isv.MOBILE_NUMBER_ILLEGAL": ErrorKind.INVALID_RECIPIENT,
    "isv.MOBILE_COUNT_OVER_LIMIT": ErrorKind.PAYLOAD_TOO_LARGE,
    "isv.DOMESTIC_NUMBER_NOT_SUPPORTED": ErrorKind.UNSUPPORTED_REGION,
    "isv.SMS_CONTENT_ILLEGAL": ErrorKind.BLOCKED_CONTENT,
    "isv.BLACK_KEY_CONTROL_LIMIT": ErrorKind.BLOCKED_CONTENT,
    "isv.SMS_SIGN_ILLEGAL": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "isv.SMS_SIGNATURE_SCENE_ILLEGAL": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "isv.SIGN_STATE_ILLEGAL": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "isv.SMS_TEMPLATE_ILLEGAL": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "isv.TEMPLATE_MISSING_PARAMETERS": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "isv.INVALID_JSON_PARAM": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "isv.PARAM_LENGTH_LIMIT": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "isv.EXTEND_CODE_ERROR": ErrorKind.INVALID_SENDER,
}
REPORT_ERRORS: dict[str, ErrorKind] = {"isv.SMS_SIGNATURE_SCENE_ILLEGAL": ErrorKind.TEMPLATE_OR_SIGNATURE}
# `success` of a report, and SendStatus of a look-up.
STATUSES: dict[str, EventType | None] = {
    "true": EventType.DELIVERED,
    "false": EventType.UNDELIVERED,
    "1": EventType.SENT,
    "2": EventType.UNDELIVERED,
    "3": EventType.DELIVERED,
}


class AliyunSmsConfig(rest.AliyunConfig):
    """`sign_name` is the registered signature, without its brackets; `message.sender` replaces it."""

    base_url: str = "https://dysmsapi.aliyuncs.com"
    sign_name: str | None = None


class AliyunSmsOptions(AdapterOptions):
    """`extend_code` is added to the sending number, and comes back as the end of a reply's `dest_code`."""

    extend_code: str | None = Field(default=None, pattern=r"^[0-9]{1,12}$")


class AliyunSms(Adapter):
    vendor, channel, api = "aliyun", channels.SMS, 1
    Config, Options = AliyunSmsConfig, AliyunSmsOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    unverified = (
        "InvalidAccessKeyId.NotFound",
        "InvalidTimeStamp.Expired",
        "ServiceUnavailable",
        "SignatureDoesNotMatch",
        "SignatureNonceUsed",
        "Throttling",
        "Throttling.User",
        "isp.SYSTEM_ERROR",
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.INVALID_JSON_PARAM",
        "isv.MOBILE_COUNT_OVER_LIMIT",
        "isv.PARAM_LENGTH_LIMIT",
        "isv.SMS_TEMPLATE_ILLEGAL",
        "isv.TEMPLATE_MISSING_PARAMETERS",
    )
    capabilities: ClassVar[Capabilities] = Capabilities(
        callbacks="secret_path", reports=True, inbound=True, templates_only=True, default_rate=5000.0
    )
    batch_size: ClassVar[int] = 100
    config: AliyunSmsConfig

    def __init__(self, config: AliyunSmsConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = rest.signed(config, tools)

    def build(self, message: Message) -> httpx.Request:
        options: AliyunSmsOptions = self.options(message)
        code, variables = template(message, self.adapter_name(), self.config.templates)
        fields = {
            "PhoneNumbers": mainland(phone(message)),
            "SignName": signature_of(message, self.config.sign_name, setting="sign_name"),
            "TemplateCode": code,
            "TemplateParam": compact_json(dict(variables)) if variables else None,
            "SmsUpExtendCode": options.extend_code,
            "OutId": message.id,
        }
        return self.config.call("SendSms", fields)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        return Receipt(message_id=message.id, vendor_id=self._biz_id(response))

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """One template to many numbers; signatures and variables may differ."""
        made = [template(message, self.adapter_name(), self.config.templates) for message in messages]
        code = alike([code for code, _ in made], "batch: all messages of one request have the same template")
        variables = [dict(variables) for _, variables in made]
        sign_names = [signature_of(message, self.config.sign_name, setting="sign_name") for message in messages]
        extend_codes = [self.options(message).extend_code or "" for message in messages]
        fields = {
            "PhoneNumberJson": compact_json([mainland(phone(message)) for message in messages]),
            "SignNameJson": compact_json(sign_names),
            "TemplateCode": code,
            "TemplateParamJson": compact_json(variables) if any(variables) else None,
            "SmsUpExtendCodeJson": compact_json(extend_codes) if any(extend_codes) else None,
        }
        return self.config.call("SendBatchSms", fields)

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        try:
            biz_id = self._biz_id(response)
        except SendError as error:
            return [blameless(error) for _ in messages]
        return [Receipt(message_id=one.id, vendor_id=_batch_id(biz_id, mainland(phone(one)))) for one in messages]

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        """The question for the number's messages of today in Beijing; None for a message of a batch."""
        if vendor_id and "#" in vendor_id:
            return None
        fields = {
            "PhoneNumber": mainland(phone(message)),
            "BizId": vendor_id,
            "SendDate": beijing_day(self.tools.now()),
            "PageSize": 10,
            "CurrentPage": 1,
        }
        return self.config.call("QuerySendDetails", fields)

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        answer = rest.read_answer(response, errors=ERRORS, now=self.tools.now())
        details = objects_of(part_of(answer, "SmsSendDetailDTOs").get("SmsSendDetailDTO"))
        ours = [row for row in details if row.get("OutId") == message.id]
        return tuple(_report(row, "SendStatus", "ErrCode", message_id=message.id) for row in ours)

    def read_callback(self, callback: Callback) -> CallbackReading:
        """Reports and replies, told apart by their fields; the secret in the path is the only proof of origin."""
        rows = [row for row in told_rows(callback.body) if "success" in row or "content" in row]
        return CallbackReading(tuple(_pushed(row) if "success" in row else _reply(row) for row in rows), rest.TAKEN)

    def _biz_id(self, response: httpx.Response) -> str:
        answer = rest.read_answer(response, errors=ERRORS, now=self.tools.now())
        if not answer.get("BizId"):
            raise SendError(ErrorKind.UNCERTAIN, "OK", "the answer names no BizId")
        return str(answer["BizId"])


def _pushed(row: Mapping[str, Any]) -> Event:
    biz_id, out_id, number = (str(row.get(name) or "") for name in ("biz_id", "out_id", "phone_number"))
    vendor_id = _batch_id(biz_id, number) if biz_id and not out_id else biz_id
    return _report(row, "success", "err_code", message_id=out_id or None, vendor_id=vendor_id)


def _report(row: Mapping[str, Any], status_name: str, code_name: str, *, message_id: str | None, vendor_id: str = "") -> Event:
    """A row of a push, or of a look-up, which has neither a time with a known zone nor a number of parts."""
    status = str(row.get(status_name)).lower()
    return reported_at_home(
        STATUSES.get(status) or EventType.UNKNOWN,
        status,
        str(row.get(code_name) or ""),
        vendor_id=vendor_id,
        message_id=message_id,
        errors=REPORT_ERRORS,
        at=beijing_time(row.get("report_time")),
        data={"parts": count_of(row.get("sms_size"))},
    )


def _reply(row: Mapping[str, Any]) -> Event:
    person, time = from_mainland(row.get("phone_number")), str(row.get("send_time"))
    news = f"up:{row.get('sequence_id') or number_tag(time, str(person))}"
    data = {"to": str(row.get("dest_code") or "")}
    return heard(person, row.get("content") or "", vendor_event_id=news, at=beijing_time(time), data=data)


def _batch_id(biz_id: str, number: str) -> str:
    return f"{biz_id}#{number_tag(biz_id, mainland(from_mainland(number) or number))}"
