"""The face of Tencent Cloud's SMS API: takes messages number by number, answers look-ups, pushes reports and replies.

Source: the models of tencentcloud-sdk-python-sms 3.1.153 and "Status callback" (document 382/5807), read 2026-11-22.
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
    ErrorKind.INVALID_RECIPIENT: ("InvalidParameterValue.IncorrectPhoneNumber", "incorrect phone number"),
    ErrorKind.OPTED_OUT: ("FailedOperation.PhoneNumberInBlacklist", "phone number is in blacklist"),
    ErrorKind.UNSUPPORTED_REGION: ("UnsupportedOperation.UnsupportedRegion", "region is not supported"),
    ErrorKind.INSUFFICIENT_FUNDS: ("FailedOperation.InsufficientBalanceInSmsPackage", "insufficient balance"),
}
# report_status, the carrier's word, the vendor's description.
_REPORTS = {
    EventType.DELIVERED: ("SUCCESS", "DELIVRD", "用户短信送达成功"),
    EventType.UNDELIVERED: ("FAIL", "UNDELIV", "用户短信接收失败"),
    EventType.EXPIRED: ("FAIL", "EXPIRED", "短信过期"),
}


class TencentSmsFace(VendorFace):
    """One application of one key; pushes go to `config["callback_url"]`, as set in the console.

    Numbers named in `config["refused_numbers"]` are on the vendor's blacklist.
    """

    adapter = "tencent.sms"
    hosts = ("sms.tencentcloudapi.com",)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._reports: dict[str, list[dict[str, Any]]] = {}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if refused := refused_credentials(self.config, request, now, service="sms"):
            return refused
        if fault is not None:
            return told(fault, _FAULTS)
        body = body_of(request)
        if body.get("SmsSdkAppId") != self.config["sdk_app_id"]:
            return error("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "SmsSdkAppId verify failed")
        match request.headers.get("x-tc-action"):
            case "SendSms":
                return self._send(body, now, new_id)
            case "PullSmsSendStatusByPhoneNumber":
                return self._pull(body)
        return error("InvalidAction", "The action is invalid")

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        if news.type not in _REPORTS:
            return ()
        status, word, description = _REPORTS[news.type]
        code, number = split(taken.recipient)
        self._reports.setdefault(taken.recipient, []).append(
            {
                "UserReceiveTime": int(news.at.timestamp()),
                "CountryCode": code,
                "SubscriberNumber": number,
                "PhoneNumber": taken.recipient,
                "SerialNo": taken.vendor_id,
                "ReportStatus": status,
                "Description": description,
                "SessionContext": taken.data["context"],
            }
        )
        url = taken.callback_url or self.config.get("callback_url")
        if not url:
            return ()
        row = {
            "user_receive_time": (news.at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S"),
            "nationcode": code,
            "mobile": number,
            "report_status": status,
            "errmsg": word,
            "description": description,
            "sid": taken.vendor_id,
        }
        return (pushed(url, [row], news.at),)

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        code, number = split(sender)
        told_row = {
            "extend": recipient,
            "mobile": number,
            "nationcode": code,
            "sign": self.config.get("sign_name") or "",
            "text": text,
            "time": int(at.timestamp()),
        }
        return (pushed(url, told_row, at),)

    def _send(self, body: Mapping[str, Any], now: datetime, new_id: IdSource) -> FaceReply:
        numbers = body.get("PhoneNumberSet") or []
        if not numbers:
            return error("MissingParameter.EmptyPhoneNumberSet", "PhoneNumberSet is empty")
        if len(numbers) > 200:
            return error("LimitExceeded.PhoneNumberCountLimit", "too many phone numbers")
        at_home = {str(number).startswith("+86") for number in numbers}
        if len(at_home) != 1:
            words = "domestic and international phone numbers do not go together"
            return error("UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber", words)
        if not body.get("TemplateId"):
            return error("MissingParameter", "TemplateId is missing")
        if True in at_home and not body.get("SignName"):
            return error("FailedOperation.SignatureIncorrectOrUnapproved", "signature is incorrect")
        rows, taken = [], []
        text = " ".join(map(str, body.get("TemplateParamSet") or ()))
        context = str(body.get("SessionContext") or "")
        for number in map(str, numbers):
            serial = f"2028:{new_id.hex('sms', now.isoformat(), number, text, context, length=24)}"
            row = {"SerialNo": serial, "PhoneNumber": number, "Fee": 1, "SessionContext": context, "IsoCode": ""}
            if not E164.fullmatch(number):
                refused = {"Code": "InvalidParameterValue.IncorrectPhoneNumber", "Message": "incorrect phone number"}
            elif number in self.config.get("refused_numbers", ()):
                refused = {"Code": "FailedOperation.PhoneNumberInBlacklist", "Message": f"{number} is in blacklist"}
            else:
                refused = {}
                url = self.config.get("callback_url")
                told_of = Taken(serial, number, "sms", text, links_in(text), callback_url=url, data={"context": context})
                taken.append(told_of)
            rows.append(
                {**row, "Code": "Ok", "Message": "send success", **refused, **({"Fee": 0, "SerialNo": ""} if refused else {})}
            )
        reply = response(SendStatusSet=rows)
        return FaceReply(reply.status, reply.body, reply.headers, tuple(taken))

    def _pull(self, body: Mapping[str, Any]) -> FaceReply:
        if not body.get("PhoneNumber") or "BeginTime" not in body or "Offset" not in body or "Limit" not in body:
            return error("MissingParameter", "a parameter is missing")
        if not 0 < int(body["Limit"]) <= 100:
            return error("InvalidParameterValue.LimitVerifyFail", "Limit is out of range")
        since = int(body["BeginTime"])
        rows = [row for row in self._reports.get(str(body["PhoneNumber"]), ()) if row["UserReceiveTime"] >= since]
        return response(PullSmsSendStatusSet=rows[int(body["Offset"]) :][: int(body["Limit"])])
