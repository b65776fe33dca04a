"""The face of Tencent Cloud's voice API: calls that read out a template, and the push about each.

Source: the models of tencentcloud-sdk-python-vms 3.0.1459 and "Voice notice callback" (document 1128/51534), read 2026-11-22.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces.tencent_rest import (
    E164,
    body_of,
    error,
    links_in,
    pushed,
    refused_credentials,
    response,
    split,
    told,
)

_FAULTS: dict[ErrorKind, tuple[str, str]] = {
    ErrorKind.INVALID_RECIPIENT: ("InvalidParameterValue.CalledNumberVerifyFail", "called number verify failed"),
    ErrorKind.INVALID_SENDER: ("FailedOperation.PhonenumberUnappliedOrExpired", "phone number is not applied or expired"),
    ErrorKind.INSUFFICIENT_FUNDS: ("FailedOperation.InsufficientBalanceInVoicePackage", "insufficient balance"),
}
_RESULTS = {
    EventType.ANSWERED: "0",
    EventType.DELIVERED: "0",
    EventType.MACHINE: "0",
    EventType.NO_ANSWER: "1",
    EventType.BUSY: "1",
    EventType.UNDELIVERED: "2",
}
_CALL_SECONDS = 12


class TencentVoiceFace(VendorFace):
    """One application of one key; pushes go to `config["callback_url"]`, as set in the console."""

    adapter = "tencent.voice"
    hosts = ("vms.tencentcloudapi.com",)

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if refused := refused_credentials(self.config, request, now, service="vms"):
            return refused
        if fault is not None:
            return told(fault, _FAULTS)
        if request.headers.get("x-tc-action") != "SendTtsVoice":
            return error("InvalidAction", "The action is invalid")
        return self._call(body_of(request), now, new_id)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        url = taken.callback_url or self.config.get("callback_url")
        if news.type not in _RESULTS or not url:
            return ()
        code, number = split(taken.recipient)
        result, ended = _RESULTS[news.type], int(news.at.timestamp())
        heard = result == "0"
        row = {
            "result": result,
            "accept_time": taken.data["accepted"],
            "call_from": "",
            "callid": taken.vendor_id,
            "end_calltime": str(ended),
            "fee": "1" if heard else "0",
            "mobile": number,
            "nationcode": code,
            "start_calltime": str(int((news.at - timedelta(seconds=_CALL_SECONDS)).timestamp())) if heard else "0",
        }
        return (pushed(url, {"voiceprompt_callback": row}, news.at),)

    def _call(self, body: Mapping[str, Any], now: datetime, new_id: IdSource) -> FaceReply:
        if body.get("VoiceSdkAppid") != self.config["sdk_app_id"]:
            return error("UnauthorizedOperation.VoiceSdkAppidVerifyFail", "VoiceSdkAppid verify failed")
        number = str(body.get("CalledNumber") or "")
        if not body.get("TemplateId"):
            return error("MissingParameter", "TemplateId is missing")
        if not E164.fullmatch(number):
            return error("InvalidParameterValue.CalledNumberVerifyFail", "called number verify failed")
        text = " ".join(map(str, body.get("TemplateParamSet") or ()))
        context = str(body.get("SessionContext") or "")
        call_id = new_id.hex("call", now.isoformat(), number, text, context, length=36)
        taken = Taken(
            call_id,
            number,
            "voice",
            text,
            links_in(text),
            callback_url=self.config.get("callback_url"),
            data={"accepted": str(int(now.timestamp()))},
        )
        reply = response(SendStatus={"CallId": call_id, "SessionContext": context})
        return FaceReply(reply.status, reply.body, reply.headers, (taken,))
