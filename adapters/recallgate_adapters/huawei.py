"""Huawei Cloud SMS: POST /sms/batchSendSms/v1, form fields, SDK-HMAC-SHA256 or X-WSSE.

Source: pages sms_05_0001, 0003, 0046, 0051 and 0063 of the vendor's API reference; huaweicloudsdksmsapi and
huaweicloudsdkcore 3.1.219; read 2026-11-22. Closed to new customers in mainland China since 2025-01-10.
Quirk: only registered templates leave; variables are positional, so their names are ours alone.
Quirk: a request that succeeded may have refused a number: each has a status of its own.
Quirk: messages of a batch may differ, but share one report address, so their reports are found by smsMsgId.
Quirk: the texts of a batch have at most 64 KB together.
Quirk: the digest of X-WSSE is Base64 of hexadecimal text, and the signature leaves the body of a form out.
Quirk: reports come as a form, one each, or as JSON in a list; a long message has one for every part.
Quirk: pushes are unsigned unless the account switches push signing on (`signed_callbacks`).
"""

import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import httpx
from pydantic import Field, SecretStr

from recallgate import (
    Adapter,
    AdapterConfig,
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
from recallgate_adapters._shared import (
    alike,
    blameless,
    coded_refusal,
    compact_json,
    count_of,
    from_mainland,
    object_in,
    objects_of,
    phone,
    present,
    receipt_of,
    refusal,
    template,
    told_object,
    unreadable,
)
from recallgate_adapters._signing import FORM, encode_pairs, huawei, huawei_authorization, sha256_hex, wsse
from recallgate_adapters._sms import iso_time

ERRORS: dict[str, ErrorKind] = {
    "E000000": ErrorKind.TEMPORARY,
    "E000001": ErrorKind.AUTH,
    "E000002": ErrorKind.AUTH,
    "E000003": ErrorKind.AUTH,
    "E000004": ErrorKind.AUTH,
    "E000005": ErrorKind.AUTH,
    "E000006": ErrorKind.AUTH,
    "E000007": ErrorKind.AUTH,
    "E000008": ErrorKind.AUTH,
    "E000020": ErrorKind.AUTH,
    "E000021": ErrorKind.AUTH,
    "E000022": ErrorKind.AUTH,
    "E000023": ErrorKind.AUTH,
    "E000110": ErrorKind.AUTH,
    "E200015": ErrorKind.RATE_LIMITED,
    "E200028": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "E200029": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "E200030": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "E200031": ErrorKind.UNKNOWN,
    "E200033": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "E200041": ErrorKind.RATE_LIMITED,  # the same text to the same number again
}
STATUSES: dict[str, EventType | None] = {
    "DELIVRD": EventType.DELIVERED,
    "ACCEPTD": EventType.SENT,
    "EXPIRED": EventType.EXPIRED,
    "UNDELIV": EventType.UNDELIVERED,
    "REJECTD": EventType.UNDELIVERED,
    "DELETED": EventType.UNDELIVERED,
    "UNKNOWN": EventType.UNDELIVERED,
}
TAKEN = "000000"
SAME_TEXT_AGAIN = "E200041"
LONGEST_BATCH = 64 * 1024
_AUTHORIZATION = re.compile(r"SDK-HMAC-SHA256 Access=(?P<key>[^,]*), ?SignedHeaders=(?P<names>[^,]*), ?Signature=[0-9a-f]+")


class HuaweiSmsConfig(AdapterConfig):
    """An application: its key and secret, `sender` (channel number of the signature), for universal templates `sign_name`.

    `base_url` is the access address of the application, as the console shows it. `auth` `wsse` is the older way.
    `templates` names template ids in our words. With `signed_callbacks` a push without a good signature is refused.
    """

    dsn_user: ClassVar[str] = "app_key"
    dsn_password: ClassVar[str] = "app_secret"  # noqa: S105 - the name of a field
    base_url: str = "https://smsapi.cn-north-4.myhuaweicloud.com:443"
    app_key: str = Field(min_length=1)
    app_secret: SecretStr = Field(min_length=1)
    auth: Literal["sdk", "wsse"] = "sdk"
    sender: str | None = None
    sign_name: str | None = None
    templates: Mapping[str, str] = Field(default_factory=dict)
    signed_callbacks: bool = False


class HuaweiSms(Adapter):
    vendor, channel, api = "huawei", channels.SMS, 1
    Config = HuaweiSmsConfig
    errors, statuses = ERRORS, STATUSES
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="secret_path", reports=True, inbound=True, templates_only=True)
    batch_size: ClassVar[int] = 200
    config: HuaweiSmsConfig

    def __init__(self, config: HuaweiSmsConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._signed)

    def build(self, message: Message) -> httpx.Request:
        self.options(message)
        template_id, variables = template(message, self.adapter_name(), self.config.templates)
        fields = {
            "from": self._sender(message),
            "to": phone(message),
            "templateId": template_id,
            "templateParas": compact_json(list(variables.values())) if variables else None,
            "statusCallback": self.tools.callback_url(message, "status"),
            "extend": message.id,
            "signature": self.config.sign_name,
        }
        body = encode_pairs(present(fields).items())
        return self._call("batchSendSms", FORM, body.encode())

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        return receipt_of(self._outcome(message, self._rows(response)))

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """Templates and variables may differ; the sender is the same for all."""
        senders = [self._sender(message) for message in messages]
        body = {
            "from": alike(senders, "batch: all messages of one request have the same sender"),
            "statusCallback": self.tools.callback_url(messages[0], "batch"),
            "smsContent": [self._content(message) for message in messages],
        }
        content = compact_json(present(body)).encode()
        if len(content) > LONGEST_BATCH:
            raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, "batch", "batch: the texts take more than 64 KB together")
        return self._call("batchSendDiffSms", "application/json", content)

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        try:
            rows = self._rows(response)
        except SendError as error:
            return [blameless(error) for _ in messages]
        return [self._outcome(message, rows) for message in messages]

    def read_callback(self, callback: Callback) -> CallbackReading:
        """Reports and replies. The secret in the path is the proof of origin, with `signed_callbacks` the signature too."""
        if self.config.signed_callbacks:
            self._verify(callback)
        message_id = callback.message_id if callback.query.get("k") == "status" else None
        rows = _pushed(callback)
        events = [_report(row, message_id) for row in rows if row.get("status")]
        events += [_reply(row) for row in rows if "body" in row]
        return CallbackReading(tuple(events))

    def _signed(self, request: httpx.Request) -> httpx.Request:
        key_id, secret, now = self.config.app_key, self.config.app_secret.get_secret_value(), self.tools.now()
        if self.config.auth == "wsse":
            return wsse(request, key_id=key_id, secret=secret, now=now, nonce=self.tools.nonce(32))
        return huawei(request, key_id=key_id, secret=secret, now=now)

    def _call(self, action: str, content_type: str, content: bytes) -> httpx.Request:
        url = f"{self.config.base_url.rstrip('/')}/sms/{action}/v1"
        return httpx.Request("POST", url, headers={"content-type": content_type}, content=content)

    def _sender(self, message: Message) -> str:
        if sender := message.sender or self.config.sender:
            return sender
        raise SendError(ErrorKind.INVALID_SENDER, "sender", "no channel number: set sender on the account, or message.sender")

    def _content(self, message: Message) -> dict[str, object]:
        self.options(message)
        template_id, variables = template(message, self.adapter_name(), self.config.templates)
        paras = {"templateParas": list(variables.values())} if variables else {}
        named = {"signature": self.config.sign_name} if self.config.sign_name else {}
        return {"to": [phone(message)], "templateId": template_id, **paras, **named}

    def _rows(self, response: httpx.Response) -> list[dict[str, Any]]:
        answer = told_object(response)
        code, words = str(answer.get("code") or ""), str(answer.get("description") or "")
        rows = answer.get("result")
        if response.status_code >= 300:
            raise refusal(response, code, words, errors=ERRORS, now=self.tools.now())
        # Beside numbers that were refused the code may be another than success: the rows decide.
        if isinstance(rows, list) and rows:
            return objects_of(rows)
        if code and code != TAKEN:
            raise coded_refusal(code, words, errors=ERRORS)
        raise unreadable(response, "the answer names no number")

    def _outcome(self, message: Message, rows: Sequence[Mapping[str, Any]]) -> Receipt | SendError:
        row = next((row for row in rows if from_mainland(row.get("originTo")) == phone(message)), {})
        code = str(row.get("status") or "")
        if code == TAKEN and row.get("smsMsgId"):
            return Receipt(message_id=message.id, vendor_id=str(row["smsMsgId"]), parts=count_of(row.get("total")))
        if code in ("", TAKEN):
            return SendError(ErrorKind.UNCERTAIN, code or "no status", "the answer says nothing of this number")
        error = coded_refusal(code, "", errors=ERRORS)
        return SendError(error.kind, code, scope="address") if code == SAME_TEXT_AGAIN else error

    def _verify(self, callback: Callback) -> None:
        told = callback.headers.get("authorization", "")
        match = _AUTHORIZATION.fullmatch(told)
        names = match["names"].split(";") if match else []
        if match is None or match["key"] != self.config.app_key or "x-sdk-date" not in names:
            raise ForgedCallback("huawei: the callback has no signature of this application")
        request = httpx.Request(callback.method, callback.url, headers=callback.headers, content=callback.body)
        if any(name not in request.headers for name in names):
            raise ForgedCallback("huawei: a signed header is missing")
        payload = request.headers.get("x-sdk-content-sha256")
        told_signed = payload is None or "x-sdk-content-sha256" in names
        if not told_signed or payload not in (None, "UNSIGNED-PAYLOAD", sha256_hex(callback.body)):
            raise ForgedCallback("huawei: the body is not the one that was signed")
        secret = self.config.app_secret.get_secret_value()
        made = huawei_authorization(request, names, key_id=self.config.app_key, secret=secret)
        if not hmac.compare_digest(made.rpartition("=")[2].encode(), told.rpartition("=")[2].encode()):
            raise ForgedCallback("huawei: the signature does not fit")


def _pushed(callback: Callback) -> list[dict[str, Any]]:
    if callback.body.lstrip()[:1] != b"{":
        return [dict(callback.form)]
    told = object_in(callback.body)
    rows = told.get("statusReportList")
    return objects_of(rows) if isinstance(rows, list) else [told]


def _report(row: Mapping[str, Any], message_id: str | None) -> Event:
    vendor_id, status, sequence = (str(row.get(name) or "") for name in ("smsMsgId", "status", "sequence"))
    type_ = STATUSES.get(status) or EventType.UNKNOWN
    failed = type_ is EventType.UNDELIVERED
    names = ("total", "sequence", "source", "statusDesc")
    return Event(
        type_,
        message_id=str(row.get("extend") or "") or message_id,
        vendor_id=vendor_id or None,
        at=iso_time(row.get("updateTime")),
        vendor_event_id=f"{vendor_id}:{sequence or 1}:{status}",
        status=status,
        kind=ErrorKind.UNKNOWN if failed else None,
        code=str(row.get("orgCode") or "") or None if failed else None,
        data={name: str(row[name]) for name in names if row.get(name)},
    )


def _reply(row: Mapping[str, Any]) -> Event:
    return Event(
        EventType.REPLIED,
        address=from_mainland(row.get("from")),
        at=iso_time(row.get("createTime")),
        vendor_event_id=f"reply:{row.get('smsMsgId') or ''}",
        text=str(row.get("body") or ""),
        data={"to": str(row.get("to") or "")},
    )
