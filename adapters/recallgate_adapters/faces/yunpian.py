"""The face of Yunpian's SMS API: single, template and batch sends, pushed reports, and replies with their MD5.

Source: yunpian-python-sdk 1.0.0; "domestic_push_report" and "domestic_push_reply", vendor documents, read 2026-11-22.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, quote_plus

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent

_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_MOBILE = re.compile(r"1[3-9]\d{9}|\+[1-9]\d{6,14}", re.ASCII)
_SIGNED = re.compile(r"【[^】]{1,20}】.+", re.DOTALL)
_FAULTS: dict[ErrorKind, tuple[int, str, str]] = {
    ErrorKind.AUTH: (-3, "IP没有权限", ""),
    ErrorKind.INSUFFICIENT_FUNDS: (3, "账户余额不足", ""),
    ErrorKind.BLOCKED_CONTENT: (4, "关键词屏蔽", ""),
    ErrorKind.TEMPLATE_OR_SIGNATURE: (5, "未自动匹配到合适的模板", ""),
    ErrorKind.OPTED_OUT: (10, "手机号在黑名单列表中", ""),
    ErrorKind.UNSUPPORTED_REGION: (20, "暂不支持的国家地区", ""),
    ErrorKind.INVALID_RECIPIENT: (2, "请求参数格式错误", "mobile格式错误"),
    ErrorKind.RATE_LIMITED: (-5, "访问频率超限", ""),
    ErrorKind.TEMPORARY: (-51, "系统繁忙", ""),
}
_WIRE = {ErrorKind.UNAVAILABLE: 503, ErrorKind.UNCERTAIN: 504}
_REPORTS = {EventType.DELIVERED: "SUCCESS", EventType.UNDELIVERED: "FAIL", EventType.EXPIRED: "FAIL"}
_FORM = {"content-type": "application/x-www-form-urlencoded"}
_JSON = {"content-type": "application/json;charset=utf-8"}


class YunpianSmsFace(VendorFace):
    """One key; pushes go to `callback_url` of the request, else to `config["callback_url"]`, as set in the console.

    Numbers named in `config["refused_numbers"]` are on the vendor's blacklist.
    """

    adapter = "yunpian.sms"
    hosts = ("sms.yunpian.com", "us.yunpian.com")

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        fields = {name: values[-1] for name, values in parse_qs(request.content.decode("utf-8", "replace")).items()}
        if fields.get("apikey") != self.config["apikey"]:
            return _refusal(-1, "非法的apikey", "apikey错误")
        if fault is not None:
            return _told(fault)
        match request.url.path.rsplit("/", 1)[-1]:
            case "single_send.json":
                return self._send(fields, fields.get("text", ""), now, new_id)
            case "batch_send.json":
                return self._send_batch(fields, now, new_id)
            case "tpl_single_send.json":
                return self._send_template(fields, now, new_id)
        return FaceReply(404)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        url = taken.callback_url or self.config.get("callback_url")
        if news.type not in _REPORTS or not url:
            return ()
        status = _REPORTS[news.type]
        row = {
            "sid": int(taken.vendor_id),
            "uid": taken.data["uid"] or None,
            "user_receive_time": (news.at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S"),
            "error_msg": "DELIVRD" if status == "SUCCESS" else "EXPIRED" if news.type is EventType.EXPIRED else "UNDELIV",
            "error_detail": "" if status == "SUCCESS" else "接收失败",
            "mobile": _local(taken.recipient),
            "report_status": status,
        }
        return (_pushed(url, "sms_status", [row], news.at),)

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        row = {
            "base_extend": recipient or "8888",
            "extend": "",
            "id": hashlib.sha256(f"{nonce}:{sender}:{text}".encode()).hexdigest()[:32],
            "mobile": _local(sender),
            "reply_time": (at + timedelta(hours=8)).strftime("%Y-%m-%d %H:%M:%S"),
            "text": text,
        }
        joined = ",".join([*(row[name] for name in sorted(row)), self.config["apikey"]])
        sign = hashlib.md5(joined.encode(), usedforsecurity=False).hexdigest()
        return (_pushed(url, "sms_reply", {**row, "_sign": sign}, at),)

    def _send(self, fields: Mapping[str, str], text: str, now: datetime, new_id: IdSource) -> FaceReply:
        if refused := _fault_of(fields.get("mobile", ""), text):
            return refused
        row, taken = self._take(fields["mobile"], text, fields, now, new_id)
        if taken is None:
            return _refusal(row["code"], row["msg"], "")
        return FaceReply(200, json.dumps(row, ensure_ascii=False).encode(), _JSON, (taken,))

    def _send_batch(self, fields: Mapping[str, str], now: datetime, new_id: IdSource) -> FaceReply:
        numbers, text = fields.get("mobile", "").split(","), fields.get("text", "")
        if len(numbers) > 1000:
            return _refusal(2, "请求参数格式错误", "mobile超过1000个")
        if refused := next(filter(None, (_fault_of(number, text) for number in numbers)), None):
            return refused
        made = [self._take(number, text, fields, now, new_id) for number in numbers]
        taken = tuple(one for _, one in made if one is not None)
        body = {
            "total_count": len(taken),
            "total_fee": f"{0.05 * len(taken):.4f}",
            "unit": "RMB",
            "data": [row for row, _ in made],
        }
        return FaceReply(200, json.dumps(body, ensure_ascii=False).encode(), _JSON, taken)

    def _send_template(self, fields: Mapping[str, str], now: datetime, new_id: IdSource) -> FaceReply:
        if not fields.get("tpl_id"):
            return _refusal(1, "请求参数缺失", "tpl_id缺失")
        variables = dict(parse_qsl(fields.get("tpl_value", ""), keep_blank_values=True))
        if not all(re.fullmatch(r"#[^#]+#", name) for name in variables):
            return _refusal(2, "请求参数格式错误", "tpl_value格式错误")
        text = " ".join(variables.values())
        return self._send({**fields, "callback_url": ""}, f"【云片网】{text or fields['tpl_id']}", now, new_id)

    def _take(
        self, number: str, text: str, fields: Mapping[str, str], now: datetime, new_id: IdSource
    ) -> tuple[dict[str, Any], Taken | None]:
        row: dict[str, Any] = {"code": 0, "msg": "发送成功", "count": 1, "fee": 0.05, "unit": "RMB", "mobile": number}
        person = number if number.startswith("+") else f"+86{number}"
        if person in self.config.get("refused_numbers", ()):
            return {**row, "code": 10, "msg": "手机号在黑名单列表中", "count": 0, "fee": 0.0, "sid": None}, None
        sid = int(new_id.hex("sms", now.isoformat(), number, text, length=15), 16)
        url = fields.get("callback_url") or self.config.get("callback_url")
        links = tuple(link.rstrip(".,;:!?)'") for link in _LINK.findall(text))
        taken = Taken(str(sid), person, "sms", text, links, callback_url=url, data={"uid": fields.get("uid", "")})
        return {**row, "sid": sid}, taken


def _fault_of(number: str, text: str) -> FaceReply | None:
    if not number or not text:
        return _refusal(1, "请求参数缺失", f"{'text' if number else 'mobile'}缺失")
    if not _MOBILE.fullmatch(number):
        return _refusal(2, "请求参数格式错误", "mobile格式错误")
    if not _SIGNED.fullmatch(text):
        return _refusal(16, "签名格式不正确", "短信内容以【签名】开头")
    return None


def _told(fault: Fault) -> FaceReply:
    headers = {**_JSON, "retry-after": str(fault.retry_after_s)} if fault.retry_after_s is not None else _JSON
    if fault.kind in _WIRE and not fault.code:
        return FaceReply(_WIRE[fault.kind], b"", headers)
    code, words, detail = _FAULTS.get(fault.kind, (-50, "未知异常", ""))
    return _refusal(int(fault.code) if fault.code else code, words, detail, headers)


def _refusal(code: int, words: str, detail: str, headers: Mapping[str, str] = _JSON) -> FaceReply:
    body = {"http_status_code": 400, "code": code, "msg": words, "detail": detail}
    return FaceReply(400, json.dumps(body, ensure_ascii=False).encode(), headers)


def _local(address: str) -> str:
    return address[3:] if address.startswith("+861") and len(address) == 14 else address


def _pushed(url: str, name: str, value: object, at: datetime) -> Callback:
    """The vendor's POST: one form field with JSON in it."""
    body = f"{name}={quote_plus(json.dumps(value, ensure_ascii=False))}"
    return Callback("POST", url, httpx.Headers(_FORM), body.encode(), at)
