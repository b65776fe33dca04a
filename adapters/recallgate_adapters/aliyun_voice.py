"""Aliyun voice calls (Dyvmsapi 2017-05-25): a registered text or a recording read out, signed like Aliyun SMS.

Source: alibabacloud_dyvmsapi20170525 5.3.0; call status codes (documents 55085 and 112804), "VoiceReport" and
"VoiceCallReport", vendor documents, read 2026-11-22.
Quirk: nothing is said but registered templates (TtsCode) and recordings (VoiceCode); free scripts are refused.
Quirk: OutId holds 15 bytes, so only a short message id of the app's own travels; reports are found by CallId.
Quirk: variables take fewer than 250 characters together.
Quirk: landlines at home are written with their area code and a zero, mobiles with eleven digits.
Quirk: an unanswered call and a busy line come as codes of the report, not as failures.
Quirk: what is pushed during the call (VoiceCallReport) has the same form as the report; 300000 tells a key, not which.
Quirk: call details are asked for one day and one product number; their text is JSON inside JSON.
Quirk: times of pushes have no zone, so they are kept as text and never taken as the time.
"""

import json
from collections.abc import Mapping
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
from recallgate_adapters._shared import BEIJING, mainland, phone, template, told_rows

ERRORS = rest.ERRORS
# Why a call failed; a busy line and an unanswered call are events of their own.
REPORT_ERRORS: dict[str, ErrorKind] = {
    "200004": ErrorKind.INVALID_RECIPIENT,
    "200005": ErrorKind.UNREACHABLE,
    "200006": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "200007": ErrorKind.UNREACHABLE,
    "200010": ErrorKind.UNREACHABLE,
    "200011": ErrorKind.UNREACHABLE,
    "200012": ErrorKind.UNREACHABLE,
    "200117": ErrorKind.INVALID_SENDER,
    "200118": ErrorKind.RATE_LIMITED,
    "200119": ErrorKind.RATE_LIMITED,
    "200121": ErrorKind.RATE_LIMITED,
    "200130": ErrorKind.TEMPORARY,
    "400": ErrorKind.TEMPORARY,
    "476": ErrorKind.UNKNOWN,
    "482": ErrorKind.INVALID_RECIPIENT,
    "500": ErrorKind.UNKNOWN,
    "999999": ErrorKind.UNKNOWN,
}
STATUSES: dict[str, EventType | None] = {
    "200000": EventType.ANSWERED,
    "200001": EventType.ANSWERED,
    "200002": EventType.BUSY,
    "200003": EventType.NO_ANSWER,
    "200008": EventType.ANSWERED,
    **dict.fromkeys(REPORT_ERRORS, EventType.UNDELIVERED),
    # During the call; its end and a pressed key are told in full by the report.
    "200101": EventType.ACCEPTED,
    "200201": EventType.SENT,
    "200102": EventType.ANSWERED,
    "200100": None,
    "300000": None,
}
LONGEST_OUT_ID = 15
LONGEST_VARIABLES = 249


class AliyunVoiceConfig(rest.AliyunConfig):
    """`show_number` is the caller id, needed in the dedicated mode; `message.sender` replaces it.

    `templates` names texts (TtsCode) in our words, `recordings` recordings (VoiceCode). `tts_product` and
    `voice_product` are the product numbers under which details of either are kept.
    """

    base_url: str = "https://dyvmsapi.aliyuncs.com"
    show_number: str | None = None
    recordings: Mapping[str, str] = Field(default_factory=dict)
    tts_product: int = 11010000138001
    voice_product: int = 11000000300006


class AliyunVoiceOptions(AdapterOptions):
    """How it is read out: `play_times` 1-3, `volume` 0-100, `speed` -500 to 500."""

    play_times: int | None = Field(default=None, ge=1, le=3)
    volume: int | None = Field(default=None, ge=0, le=100)
    speed: int | None = Field(default=None, ge=-500, le=500)


class AliyunVoice(Adapter):
    vendor, channel, api = "aliyun", channels.VOICE, 1
    Config, Options = AliyunVoiceConfig, AliyunVoiceOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="secret_path", reports=True, templates_only=True)
    config: AliyunVoiceConfig

    def __init__(self, config: AliyunVoiceConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = rest.signed(config, tools)

    def build(self, message: Message) -> httpx.Request:
        options: AliyunVoiceOptions = self.options(message)
        name, variables = template(message, self.adapter_name(), {})
        recording = self.config.recordings.get(name)
        if recording and variables:
            raise SendError(ErrorKind.UNSUPPORTED, "variables", "variables: a recording has none")
        if sum(map(len, variables.values())) > LONGEST_VARIABLES:
            raise SendError(
                ErrorKind.PAYLOAD_TOO_LARGE, "variables", f"the variables take more than {LONGEST_VARIABLES} characters"
            )
        fields = {
            "CalledNumber": _called(phone(message)),
            "CalledShowNumber": message.sender or self.config.show_number,
            "VoiceCode": recording,
            "TtsCode": None if recording else self.config.templates.get(name, name),
            "TtsParam": json.dumps(dict(variables), ensure_ascii=False, separators=(",", ":")) if variables else None,
            "PlayTimes": options.play_times,
            "Volume": options.volume,
            "Speed": options.speed,
            "OutId": message.id if len(message.id.encode()) <= LONGEST_OUT_ID else None,
        }
        return self.config.call("SingleCallByVoice" if recording else "SingleCallByTts", fields)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        answer = rest.read_answer(response, errors=ERRORS, now=self.tools.now())
        if not answer.get("CallId"):
            raise SendError(ErrorKind.UNCERTAIN, "OK", "the answer names no CallId")
        return Receipt(message_id=message.id, vendor_id=str(answer["CallId"]))

    def build_lookup(self, message: Message, vendor_id: str | None) -> httpx.Request | None:
        """The question for a call of today in Beijing; None without its CallId, since the vendor does not know our ids."""
        if vendor_id is None:
            return None
        name, _ = template(message, self.adapter_name(), {})
        today = self.tools.now().astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
        fields = {
            "CallId": vendor_id,
            "ProdId": self.config.voice_product if name in self.config.recordings else self.config.tts_product,
            "QueryDate": int(today.timestamp()) * 1000,
        }
        return self.config.call("QueryCallDetailByCallId", fields)

    def parse_lookup(self, message: Message, response: httpx.Response) -> tuple[Event, ...]:
        answer = rest.read_answer(response, errors=ERRORS, now=self.tools.now())
        details = told_rows(str(answer.get("Data") or ""))
        rows = [{**row, "status_code": row["state"], "end_time": row.get("endDate")} for row in details if row.get("state")]
        return tuple(event for row in rows for event in _news(row, message.id))

    def read_callback(self, callback: Callback) -> CallbackReading:
        """Reports, during the call and after it; the secret in the path is the only proof of origin."""
        rows = [row for row in told_rows(callback.body) if row.get("status_code")]
        events = tuple(event for row in rows for event in _news(row, str(row.get("out_id") or "") or None))
        return CallbackReading(events, rest.TAKEN)


def _news(row: Mapping[str, Any], message_id: str | None) -> list[Event]:
    call_id, status, keys = (str(row.get(name) or "") for name in ("call_id", "status_code", "dtmf"))
    type_ = STATUSES.get(status, EventType.UNKNOWN)
    events: list[Event] = []
    if type_ is not None:
        failed = type_ is EventType.UNDELIVERED
        told = Event(
            type_,
            message_id=message_id,
            vendor_id=call_id or None,
            vendor_event_id=f"{call_id or message_id}:{status}",
            status=status,
            kind=REPORT_ERRORS.get(status, ErrorKind.UNKNOWN) if failed else None,
            code=status if failed else None,
            data=_facts(row),
        )
        events.append(told)
    if keys:
        name = f"{call_id or message_id}:key:{keys}"
        pressed = Event(
            EventType.KEY_PRESSED, message_id=message_id, vendor_id=call_id or None, vendor_event_id=name, data={"key": keys}
        )
        events.append(pressed)
    return events


def _facts(row: Mapping[str, Any]) -> dict[str, object]:
    names = ("end_time", "status_time", "hangup_direction", "toll_type", "smart_status_code", "early_media_code")
    facts: dict[str, object] = {name: str(row[name]) for name in names if row.get(name)}
    seconds = str(row.get("duration") or "")
    return {**facts, "seconds": int(seconds)} if seconds.isascii() and seconds.isdigit() else facts


def _called(e164: str) -> str:
    number = mainland(e164)
    return f"0{number[2:]}" if e164.startswith("+86") and number.startswith("86") else number
