"""The face of Aliyun's voice API: calls that read out a template or a recording, and what is pushed about them.

Source: "SingleCallByTts", "SingleCallByVoice", "VoiceReport", "VoiceCallReport" and the call status codes (document 55085),
vendor documents, read 2026-11-22.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces.aliyun_rest import (
    action_of,
    answer,
    beijing,
    fields_of,
    links_in,
    pushed,
    refused_credentials,
    told,
    words_of,
)

_FAULTS: dict[ErrorKind, tuple[int, str, str]] = {}
_CODES = {
    EventType.SENT: "200201",
    EventType.ANSWERED: "200000",
    EventType.DELIVERED: "200000",
    EventType.MACHINE: "200000",
    EventType.KEY_PRESSED: "200000",
    EventType.BUSY: "200002",
    EventType.NO_ANSWER: "200003",
}
_FAILURES = {
    ErrorKind.INVALID_RECIPIENT: "200004",
    ErrorKind.UNREACHABLE: "200010",
    ErrorKind.INVALID_SENDER: "200117",
    ErrorKind.RATE_LIMITED: "200119",
    ErrorKind.TEMPLATE_OR_SIGNATURE: "200006",
    ErrorKind.TEMPORARY: "400",
}
_CALL_SECONDS = "12"
_CALLED = re.compile(r"1[3-9]\d{9}|0\d{9,11}|[1-9]\d{7,14}", re.ASCII)


class AliyunVoiceFace(VendorFace):
    """One access key; pushes go to `config["callback_url"]`, as set in the console."""

    adapter = "aliyun.voice"
    hosts = ("dyvmsapi.aliyuncs.com",)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._details: dict[str, dict[str, str]] = {}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if refused := refused_credentials(self.config, request, now):
            return refused
        if fault is not None:
            return told(fault, _FAULTS)
        fields = fields_of(request)
        match action_of(request):
            case "SingleCallByTts":
                return self._call(fields, "TtsCode", now, new_id)
            case "SingleCallByVoice":
                return self._call(fields, "VoiceCode", now, new_id)
            case "QueryCallDetailByCallId":
                return self._query(fields)
        return answer(404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        if news.type is EventType.UNDELIVERED:
            code = _FAILURES.get(news.kind or ErrorKind.UNKNOWN, "999999")
        elif news.type in _CODES:
            code = _CODES[news.type]
        else:
            return ()
        row = {"call_id": taken.vendor_id, "status_code": code, "out_id": taken.data["out_id"]}
        if news.type is EventType.SENT:
            row["status_time"] = beijing(news.at)
        else:
            heard = code == "200000"
            duration = _CALL_SECONDS if heard else "0"
            self._details[taken.vendor_id] = {"state": code, "duration": duration, "endDate": beijing(news.at)}
            row |= {
                "status_msg": "用户听完语音" if heard else "",
                "callee": taken.data["called"],
                "caller": taken.data["caller"],
                "originate_time": taken.data["made_at"],
                "end_time": beijing(news.at),
                "duration": duration,
                "hangup_direction": "机器" if heard else "用户",
                "dtmf": news.key or "",
            }
        url = taken.callback_url or self.config.get("callback_url")
        return (pushed(url, [row], news.at),) if url else ()

    def _call(self, fields: Mapping[str, str], code_name: str, now: datetime, new_id: IdSource) -> FaceReply:
        called = fields.get("CalledNumber", "")
        if not called or not fields.get(code_name):
            return answer(400, f"Missing{code_name if called else 'CalledNumber'}", "The input parameter is missing.")
        if not _CALLED.fullmatch(called):
            return answer(200, "isv.MOBILE_NUMBER_ILLEGAL", "号码格式非法")
        if len(fields.get("OutId", "").encode()) > 15:
            return answer(200, "isv.INVALID_PARAMETERS", "OutId is too long")
        try:
            params = json.loads(fields.get("TtsParam", "{}"))
        except ValueError:
            return answer(200, "isv.INVALID_JSON_PARAM", "JSON参数不合法")
        call_id = f"{new_id.hex('call', now.isoformat(), json.dumps(dict(fields), sort_keys=True), length=12)}^1"
        text = words_of(params)
        data = {
            "out_id": fields.get("OutId", ""),
            "called": called,
            "caller": fields.get("CalledShowNumber", ""),
            "made_at": beijing(now),
        }
        taken = Taken(
            call_id,
            _e164(called),
            "voice",
            text,
            links_in(text),
            callback_url=self.config.get("callback_url"),
            data=data,
        )
        reply = answer(200, "OK", CallId=call_id)
        return FaceReply(reply.status, reply.body, reply.headers, (taken,))

    def _query(self, fields: Mapping[str, str]) -> FaceReply:
        if not (fields.get("CallId") and fields.get("ProdId", "").isdigit() and fields.get("QueryDate", "").isdigit()):
            return answer(400, "MissingParameter", "The input parameter is missing.")
        details = self._details.get(fields["CallId"])
        return answer(200, "OK", Data=json.dumps(details, ensure_ascii=False) if details else "")


def _e164(called: str) -> str:
    if called.startswith("0"):
        return f"+86{called[1:]}"
    return f"+86{called}" if len(called) == 11 and called.startswith("1") else f"+{called}"
