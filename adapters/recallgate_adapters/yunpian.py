"""Yunpian SMS (v2): POST /v2/sms/….json, form fields, the key among them.

Source: yunpian-python-sdk 1.0.0; "domestic_push_report" and "domestic_push_reply", vendor documents; the code table as
several public integrations have it; read 2026-11-22.
Quirk: a text begins with its registered signature in 【】 and matches a registered template; we write the signature before it.
Quirk: variables of a template are encoded once by themselves and once more by the form.
Quirk: code 2 is any bad parameter; the number is bad only where the detail names mobile.
Quirk: a batch has no code of its own, but one for every number, and takes Chinese numbers alone.
Quirk: ids have 64 bits; they are kept as text.
Quirk: reports come unsigned in the form field sms_status, by some accounts encoded twice; replies carry an MD5 of their values
    and the key, which is checked.
Quirk: the vendor wants to hear the text SUCCESS.
Quirk: times have no zone, so they are kept as text and never taken as the time.
Quirk: `uid` comes back in reports where support has opened it for the account; `callback_url` needs no opening.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote_plus

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
    Price,
    Receipt,
    Reply,
    SendError,
    Signed,
    Template,
    Text,
    Tools,
    channels,
)
from recallgate_adapters._shared import (
    alike,
    blameless,
    coded_refusal,
    count_of,
    from_mainland,
    next_beijing_day,
    objects_of,
    phone,
    present,
    receipt_of,
    refusal,
    told_object,
    told_rows,
    unreadable,
    unsupported,
)
from recallgate_adapters._signing import encode_pairs
from recallgate_adapters.yunpian_codes import ERRORS, NUMBER_LIMITS

STATUSES: dict[str, EventType | None] = {"SUCCESS": EventType.DELIVERED, "FAIL": EventType.UNDELIVERED}
HEARD = Reply(200, {"content-type": "text/plain"}, b"SUCCESS")
_FORM = {"content-type": "application/x-www-form-urlencoded;charset=utf-8"}


class YunpianSmsConfig(AdapterConfig):
    """A Yunpian key. `sign_name` is the signature before texts that have none; `message.sender` replaces it.

    `templates` names template ids in our words. `send_uid` sends our message id as `uid`, which support must open first.
    Abroad the host is https://us.yunpian.com.
    """

    dsn_password: ClassVar[str] = "apikey"  # noqa: S105 - the name of a field
    base_url: str = "https://sms.yunpian.com"
    apikey: SecretStr = Field(min_length=1)
    sign_name: str | None = None
    templates: Mapping[str, str] = Field(default_factory=dict)
    send_uid: bool = False


class YunpianSmsOptions(AdapterOptions):
    """`extend` is added to the sending number, and comes back with replies."""

    extend: str | None = Field(default=None, pattern=r"^[0-9]{1,12}$")


class YunpianSms(Adapter):
    vendor, channel, api = "yunpian", channels.SMS, 1
    Config, Options = YunpianSmsConfig, YunpianSmsOptions
    errors, statuses = ERRORS, STATUSES
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="secret_path", reports=True, inbound=True)
    batch_size: ClassVar[int] = 1000
    config: YunpianSmsConfig

    def __init__(self, config: YunpianSmsConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._with_key)

    def build(self, message: Message) -> httpx.Request:
        action, said = self._said(message)
        uid = message.id if self.config.send_uid else None
        url = self.tools.callback_url(message, "status") if action == "single_send" else None
        return self._call(action, {"mobile": _mobile(message), **said, "uid": uid, "callback_url": url})

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        answer = self._answer(response)
        if "code" not in answer:
            raise unreadable(response, "the answer has no code")
        return receipt_of(self._outcome(message, answer))

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        """One text to many Chinese numbers."""
        same_text = "batch: all messages of one request are the same text"
        action, said = alike([self._said(message) for message in messages], same_text)
        if action != "single_send":
            raise SendError(ErrorKind.UNSUPPORTED, "batch", same_text)
        numbers = [_mobile(message) for message in messages]
        if any(number.startswith("+") for number in numbers):
            raise SendError(ErrorKind.UNSUPPORTED, "batch", "batch: foreign numbers are sent one by one")
        return self._call("batch_send", {"mobile": ",".join(numbers), **said})

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        try:
            answer = self._answer(response)
        except SendError as error:
            return [blameless(error) for _ in messages]
        rows = {str(row.get("mobile")): row for row in objects_of(answer.get("data"))}
        return [self._outcome(message, rows.get(_mobile(message), {})) for message in messages]

    def read_callback(self, callback: Callback) -> CallbackReading:
        """Reports by the secret in the path; a reply by its `_sign` as well (`ForgedCallback` where it does not fit)."""
        fields = dict(callback.form)
        events = [_report(row, callback.message_id) for row in _pushed(fields.get("sms_status", "")) if "report_status" in row]
        for row in _pushed(fields.get("sms_reply", "")):
            self._verify(row)
            events.append(_reply(row))
        return CallbackReading(tuple(events), HEARD)

    def _said(self, message: Message) -> tuple[str, dict[str, str | None]]:
        options: YunpianSmsOptions = self.options(message)
        match message.content:
            case Text(text=text):
                signature = message.sender or self.config.sign_name
                if not text.startswith("【"):
                    if not signature:
                        words = "no signature: set sign_name on the account, or message.sender, or begin the text with 【…】"
                        raise SendError(ErrorKind.INVALID_SENDER, "sender", words)
                    text = f"【{signature}】{text}"
                return "single_send", {"text": text, "extend": options.extend}
            case Template(template=name, variables=variables):
                value = encode_pairs((f"#{variable}#", text) for variable, text in variables.items())
                said = {"tpl_id": self.config.templates.get(name, name), "tpl_value": value, "extend": options.extend}
                return "tpl_single_send", said
        raise unsupported(message, self.adapter_name(), "a text or a template")

    def _call(self, action: str, fields: Mapping[str, str | None]) -> httpx.Request:
        body = encode_pairs(present(fields).items())
        return httpx.Request("POST", f"{self.config.base_url.rstrip('/')}/v2/sms/{action}.json", headers=_FORM, content=body)

    def _with_key(self, request: httpx.Request) -> httpx.Request:
        fields = [("apikey", self.config.apikey.get_secret_value()), *parse_qsl(request.content.decode(), keep_blank_values=True)]
        return httpx.Request(request.method, request.url, headers=_FORM, content=encode_pairs(fields))

    def _answer(self, response: httpx.Response) -> dict[str, Any]:
        answer = told_object(response)
        if response.status_code >= 300:
            code, words = str(answer.get("code", "")), f"{answer.get('msg') or ''} {answer.get('detail') or ''}".strip()
            raise self._refused(refusal(response, code, words, errors=ERRORS, now=self.tools.now()), words)
        return answer

    def _outcome(self, message: Message, row: Mapping[str, Any]) -> Receipt | SendError:
        code, words = str(row.get("code", "")), f"{row.get('msg') or ''} {row.get('detail') or ''}".strip()
        if code == "0" and row.get("sid"):
            return Receipt(message_id=message.id, vendor_id=str(row["sid"]), parts=count_of(row.get("count")), price=_price(row))
        if code in ("", "0"):
            return SendError(ErrorKind.UNCERTAIN, code or "no code", "the answer names no sid")
        return self._refused(coded_refusal(code, words, errors=ERRORS), words)

    def _refused(self, error: SendError, words: str) -> SendError:
        now, code = self.tools.now(), error.code or ""
        if code in NUMBER_LIMITS or code == "43":
            ends = now + NUMBER_LIMITS[code] if code in NUMBER_LIMITS else next_beijing_day(now)
            return SendError(error.kind, code, error.detail, retry_at=ends, scope="address")
        if code == "2" and "mobile" in words:
            return SendError(ErrorKind.INVALID_RECIPIENT, code, error.detail)
        return error

    def _verify(self, row: Mapping[str, Any]) -> None:
        told = str(row.get("_sign") or "")
        made = reply_sign(row, apikey=self.config.apikey.get_secret_value())
        if not hmac.compare_digest(made.encode(), told.encode()):
            raise ForgedCallback("yunpian: the _sign of a reply does not fit")


def reply_sign(row: Mapping[str, Any], *, apikey: str) -> str:
    """The MD5 of a reply: its values in the order of their names, then the key, with commas between."""
    values = [str(row[name]) for name in sorted(row) if name != "_sign"]
    return hashlib.md5(",".join([*values, apikey]).encode(), usedforsecurity=False).hexdigest()


def _pushed(text: str) -> list[dict[str, Any]]:
    return told_rows(text) or told_rows(unquote_plus(text))


def _report(row: Mapping[str, Any], message_id: str | None) -> Event:
    sid, status, code = (str(row.get(name) or "") for name in ("sid", "report_status", "error_msg"))
    type_ = STATUSES.get(status) or EventType.UNKNOWN
    failed = type_ is EventType.UNDELIVERED
    told = {name: str(row[name]) for name in ("user_receive_time", "error_detail") if row.get(name)}
    return Event(
        type_,
        message_id=str(row.get("uid") or "") or message_id,
        vendor_id=sid or None,
        vendor_event_id=f"{sid}:{status if type_ is EventType.UNKNOWN else type_.value}",
        status=status,
        kind=ErrorKind.UNKNOWN if failed else None,
        code=code if failed and code else None,
        data=told,
    )


def _reply(row: Mapping[str, Any]) -> Event:
    return Event(
        EventType.REPLIED,
        address=from_mainland(row.get("mobile")),
        vendor_event_id=f"reply:{row.get('id') or ''}",
        text=str(row.get("text") or ""),
        data={
            "to": f"{row.get('base_extend') or ''}{row.get('extend') or ''}",
            "reply_time": str(row.get("reply_time") or ""),
        },
    )


def _mobile(message: Message) -> str:
    """Eleven digits at home, with country code and plus abroad."""
    number = phone(message)
    return number[3:] if number.startswith("+86") and len(number) == 14 else number


def _price(row: Mapping[str, Any]) -> Price | None:
    try:
        amount = Decimal(str(row.get("fee")))
    except InvalidOperation:
        return None
    unit = str(row.get("unit") or "RMB").upper()
    return Price(amount, "CNY" if unit == "RMB" else unit) if amount.is_finite() else None
