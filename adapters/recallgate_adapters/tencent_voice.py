"""Tencent Cloud voice (VMS 2020-09-02): SendTtsVoice reads out a registered text, signed like Tencent Cloud SMS.

Source: tencentcloud-sdk-python-vms 3.0.1459 and "Voice notice callback" (document 1128/51534), vendor documents,
read 2026-11-22.
Quirk: only registered templates are read out; variables are positional, so their names are ours alone.
Quirk: a call that was taken cannot be asked for: its news comes by push alone, found by CallId.
Quirk: the push is one object under its own root, with times as seconds in text.
"""

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
from recallgate_adapters import tencent_rest as rest
from recallgate_adapters._shared import phone, template, told_rows, unix_time
from recallgate_adapters.tencent_codes import VOICE as ERRORS

# `result` of a push: answered, not answered, call error.
STATUSES: dict[str, EventType | None] = {
    "0": EventType.ANSWERED,
    "1": EventType.NO_ANSWER,
    "2": EventType.UNDELIVERED,
}
ROOTS = ("voiceprompt_callback", "voicecode_callback")
VERSION = "2020-09-02"


class TencentVoiceConfig(rest.TencentConfig):
    """An application of voice messages; its numbers call."""

    base_url: str = "https://vms.tencentcloudapi.com"


class TencentVoiceOptions(AdapterOptions):
    """`play_times`: how often the text is read, 1-3."""

    play_times: int | None = Field(default=None, ge=1, le=3)


class TencentVoice(Adapter):
    vendor, channel, api = "tencent", channels.VOICE, 1
    Config, Options = TencentVoiceConfig, TencentVoiceOptions
    errors, statuses = ERRORS, STATUSES
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="secret_path", reports=True, templates_only=True)
    config: TencentVoiceConfig

    def __init__(self, config: TencentVoiceConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = rest.signed(config, tools, service="vms")

    def build(self, message: Message) -> httpx.Request:
        options: TencentVoiceOptions = self.options(message)
        template_id, variables = template(message, self.adapter_name(), self.config.templates)
        if message.sender:
            raise SendError(ErrorKind.INVALID_SENDER, "sender", "sender: the vendor picks the caller id; leave it away")
        fields = {
            "TemplateId": template_id,
            "CalledNumber": phone(message),
            "VoiceSdkAppid": self.config.sdk_app_id,
            "TemplateParamSet": list(variables.values()) or None,
            "PlayTimes": options.play_times,
            "SessionContext": message.id,
        }
        return self.config.call("SendTtsVoice", VERSION, fields)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        answer = rest.read_answer(response, errors=ERRORS, now=self.tools.now())
        told = answer.get("SendStatus")
        if not isinstance(told, dict) or not told.get("CallId"):
            raise SendError(ErrorKind.UNCERTAIN, "no status", "the answer names no CallId")
        return Receipt(message_id=message.id, vendor_id=str(told["CallId"]))

    def read_callback(self, callback: Callback) -> CallbackReading:
        """What became of a call; the secret in the path is the only proof of origin."""
        news = [row[root] for row in told_rows(callback.body) for root in ROOTS if isinstance(row.get(root), dict)]
        return CallbackReading(tuple(_report(row) for row in news if "result" in row), rest.TAKEN)


def _report(row: Mapping[str, Any]) -> Event:
    call_id, status = str(row.get("callid") or ""), str(row["result"])
    type_ = STATUSES.get(status) or EventType.UNKNOWN
    started, ended = unix_time(row.get("start_calltime")), unix_time(row.get("end_calltime"))
    data: dict[str, object] = {}
    if type_ is EventType.ANSWERED and started and ended:
        data["seconds"] = int((ended - started).total_seconds())
    return Event(
        type_,
        vendor_id=call_id or None,
        at=ended or started or unix_time(row.get("accept_time")),
        vendor_event_id=f"{call_id}:{status}",
        status=status,
        kind=ErrorKind.UNKNOWN if type_ is EventType.UNDELIVERED else None,
        data=data,
    )
