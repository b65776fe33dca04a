"""The face of Aliyun's SMS API: takes single and batch sends, answers look-ups, pushes reports and replies.

Source: "SendSms", "SendBatchSms", "QuerySendDetails", "SmsReport" and "SmsUp", vendor documents, read 2026-11-22.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces.aliyun_rest import (
    action_of,
    answer,
    beijing,
    e164,
    fields_of,
    is_number,
    links_in,
    local,
    pushed,
    refused_credentials,
    told,
    words_of,
)

_FAULTS: dict[ErrorKind, tuple[int, str, str]] = {
    ErrorKind.INVALID_RECIPIENT: (200, "isv.MOBILE_NUMBER_ILLEGAL", "非法手机号"),
    ErrorKind.BLOCKED_CONTENT: (200, "isv.SMS_CONTENT_ILLEGAL", "短信内容包含禁止发送内容"),
    ErrorKind.TEMPLATE_OR_SIGNATURE: (200, "isv.SMS_SIGN_ILLEGAL", "短信签名不合法"),
    ErrorKind.UNSUPPORTED_REGION: (200, "isv.DOMESTIC_NUMBER_NOT_SUPPORTED", "国际/港澳台消息模板不支持发送境内号码"),
    ErrorKind.INVALID_SENDER: (200, "isv.EXTEND_CODE_ERROR", "扩展码使用错误，相同的扩展码不可用于多个签名"),
    ErrorKind.INSUFFICIENT_FUNDS: (200, "isv.AMOUNT_NOT_ENOUGH", "账户余额不足"),
    ErrorKind.PAYLOAD_TOO_LARGE: (200, "isv.PARAM_LENGTH_LIMIT", "参数超出长度限制"),
}
_SUCCESS = {EventType.DELIVERED: True, EventType.UNDELIVERED: False, EventType.EXPIRED: False}
_ERR_CODES = {
    ErrorKind.TEMPLATE_OR_SIGNATURE: "isv.SMS_SIGNATURE_SCENE_ILLEGAL",
    ErrorKind.BLOCKED_CONTENT: "REJECTD",
}
_SEND_STATUS = {EventType.DELIVERED: 3, EventType.UNDELIVERED: 2, EventType.EXPIRED: 2}


class AliyunSmsFace(VendorFace):
    """One access key with its templates and signatures; pushes go to `config["callback_url"]`, as set in the console."""

    adapter = "aliyun.sms"
    hosts = ("dysmsapi.aliyuncs.com",)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._details: dict[str, list[dict[str, Any]]] = {}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if refused := refused_credentials(self.config, request, now):
            return refused
        if fault is not None:
            return told(fault, _FAULTS)
        fields = fields_of(request)
        match action_of(request):
            case "SendSms":
                return self._send(fields, now, new_id)
            case "SendBatchSms":
                return self._send_batch(fields, now, new_id)
            case "QuerySendDetails":
                return self._query(fields)
        return answer(404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        if news.type not in _SUCCESS:
            return ()
        success = _SUCCESS[news.type]
        code = "DELIVERED" if success else _ERR_CODES.get(news.kind or ErrorKind.UNKNOWN, "UNDELIV")
        if news.type is EventType.EXPIRED:
            code = "EXPIRED"
        for row in self._details.get(local(taken.recipient), []):
            if row["BizId"] == taken.data["biz_id"]:
                row.update(SendStatus=_SEND_STATUS[news.type], ErrCode=code, ReceiveDate=beijing(news.at))
        url = taken.callback_url or self.config.get("callback_url")
        if not url:
            return ()
        row = {
            "phone_number": local(taken.recipient),
            "send_time": taken.data["sent_at"],
            "report_time": beijing(news.at),
            "success": success,
            "err_code": code,
            "err_msg": "用户接收成功" if success else "用户接收失败",
            "sms_size": "1",
            "biz_id": taken.data["biz_id"],
            "out_id": taken.data["out_id"],
        }
        return (pushed(url, [row], news.at),)

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        row = {
            "phone_number": local(sender),
            "content": text,
            "send_time": beijing(at),
            "dest_code": recipient or "10690000",
            "sequence_id": int(hashlib.sha256(f"{nonce}:{sender}:{text}".encode()).hexdigest()[:12], 16),
        }
        return (pushed(url, [row], at),)

    def _send(self, fields: Mapping[str, str], now: datetime, new_id: IdSource) -> FaceReply:
        numbers = [number for number in fields.get("PhoneNumbers", "").split(",") if number]
        if len(numbers) > 1000:
            return answer(200, "isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制")
        params = [_object(fields.get("TemplateParam", "{}"))] * len(numbers)
        names = [fields.get("SignName", "")] * len(numbers)
        return self._take(fields, numbers, names, params, now, new_id)

    def _send_batch(self, fields: Mapping[str, str], now: datetime, new_id: IdSource) -> FaceReply:
        numbers, names = _list(fields.get("PhoneNumberJson", "")), _list(fields.get("SignNameJson", ""))
        params = _list(fields.get("TemplateParamJson", "")) or [{} for _ in numbers]
        if len(numbers) > 100:
            return answer(200, "isv.MOBILE_COUNT_OVER_LIMIT", "手机号码数量超过限制")
        if not len(numbers) == len(names) == len(params):
            return answer(200, "isv.INVALID_PARAMETERS", "参数异常")
        return self._take(fields, numbers, names, params, now, new_id)

    def _take(
        self,
        fields: Mapping[str, str],
        numbers: Sequence[str],
        names: Sequence[str],
        params: Sequence[Mapping[str, Any] | None],
        now: datetime,
        new_id: IdSource,
    ) -> FaceReply:
        if not numbers or not all(is_number(str(number)) for number in numbers):
            return answer(200, "isv.MOBILE_NUMBER_ILLEGAL", "非法手机号")
        if not all(names):
            return answer(200, "isv.SMS_SIGN_ILLEGAL", "短信签名不合法")
        if not fields.get("TemplateCode"):
            return answer(200, "isv.SMS_TEMPLATE_ILLEGAL", "短信模板不合法")
        if any(not isinstance(one, dict) for one in params):
            return answer(200, "isv.INVALID_JSON_PARAM", "JSON参数不合法")
        biz_id = f"{int(new_id.hex('sms', now.isoformat(), *numbers, json.dumps(params), length=14), 16)}^0"
        out_id, taken = fields.get("OutId", ""), []
        for number, one in zip(numbers, params, strict=True):
            text = words_of(one)
            detail = {"PhoneNum": number, "SendStatus": 1, "ErrCode": "", "OutId": out_id, "SendDate": beijing(now)}
            self._details.setdefault(local(e164(number)), []).append({**detail, "BizId": biz_id})
            data = {"biz_id": biz_id, "out_id": out_id, "sent_at": beijing(now)}
            url = self.config.get("callback_url")
            taken.append(Taken(biz_id, e164(number), "sms", text, links_in(text), callback_url=url, data=data))
        reply = answer(200, "OK", BizId=biz_id)
        return FaceReply(reply.status, reply.body, reply.headers, tuple(taken))

    def _query(self, fields: Mapping[str, str]) -> FaceReply:
        if not (fields.get("PhoneNumber") and fields.get("SendDate") and fields.get("PageSize") and fields.get("CurrentPage")):
            return answer(400, "MissingParameter", "The input parameter is missing.")
        rows = self._details.get(local(e164(fields["PhoneNumber"])), [])
        day, biz_id = fields["SendDate"], fields.get("BizId")
        found = [row for row in rows if row["SendDate"][:10].replace("-", "") == day and biz_id in (None, row["BizId"])]
        details = [{name: value for name, value in row.items() if name != "BizId"} for row in found]
        return answer(200, "OK", TotalCount=len(details), SmsSendDetailDTOs={"SmsSendDetailDTO": details})


def _object(text: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _list(text: str) -> list[Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return []
    return value if isinstance(value, list) else []
