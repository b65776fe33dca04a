"""The face of Huawei Cloud's SMS API: single and different texts, either way of signing in, reports and replies.

Source: pages sms_05_0001, 0003, 0046, 0051 and 0063 of the vendor's API reference, read 2026-11-22.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters._signing import huawei_authorization

_WSSE = re.compile(r'UsernameToken Username="([^"]*)",PasswordDigest="([^"]*)",Nonce="([^"]{1,128})",Created="([^"]*)"')
_SDK = re.compile(r"SDK-HMAC-SHA256 Access=([^,]*), SignedHeaders=([^,]*), Signature=[0-9a-f]{64}")
_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_JSON = {"content-type": "application/json"}
_FAULTS: dict[ErrorKind, tuple[str, str]] = {
    ErrorKind.AUTH: ("E000002", "The request is missing the Authorization field"),
    ErrorKind.RATE_LIMITED: ("E200015", "The number of SMS messages waiting exceeds the limit"),
    ErrorKind.TEMPORARY: ("E000000", "System error"),
    ErrorKind.TEMPLATE_OR_SIGNATURE: ("E200030", "Template is not active"),
}
_WIRE = {ErrorKind.UNAVAILABLE: 503, ErrorKind.UNCERTAIN: 504}
_STATUS = {
    EventType.SENT: "ACCEPTD",
    EventType.DELIVERED: "DELIVRD",
    EventType.UNDELIVERED: "UNDELIV",
    EventType.EXPIRED: "EXPIRED",
}


class HuaweiSmsFace(VendorFace):
    """One application; reports go to `statusCallback` of a request, else to `config["callback_url"]`.

    With `config["signed_callbacks"]` pushes are signed with the application's secret.
    """

    adapter = "huawei.sms"
    hosts = ("smsapi.cn-north-4.myhuaweicloud.com",)

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if refused := self._refused(request, now):
            return refused
        if fault is not None:
            return _told(fault)
        if request.url.path.endswith("/sms/batchSendSms/v1"):
            fields = {name: values[-1] for name, values in parse_qs(request.content.decode("utf-8", "replace")).items()}
            paras = fields.get("templateParas", "[]")
            contents = [{"to": fields.get("to", "").split(","), "templateId": fields.get("templateId"), "templateParas": paras}]
            return self._send(fields, contents, now, new_id)
        if request.url.path.endswith("/sms/batchSendDiffSms/v1"):
            body = _object(request.content)
            return self._send(body, body.get("smsContent") or [], now, new_id)
        return FaceReply(404)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        url = taken.callback_url or self.config.get("callback_url")
        if news.type not in _STATUS or not url:
            return ()
        status = _STATUS[news.type]
        fields = {
            "smsMsgId": taken.vendor_id,
            "total": "1",
            "sequence": "1",
            "status": status,
            "source": "2",
            "updateTime": news.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "orgCode": "" if status in ("DELIVRD", "ACCEPTD") else status,
            "extend": taken.data["extend"],
            "to": taken.recipient,
        }
        return (self._pushed(url, {name: value for name, value in fields.items() if value}, news.at),)

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        fields = {
            "smsMsgId": hashlib.sha256(f"{nonce}:{sender}:{text}".encode()).hexdigest()[:32],
            "from": sender,
            "to": recipient or str(self.config.get("sender") or ""),
            "body": text,
            "createTime": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        return (self._pushed(url, fields, at),)

    def _refused(self, request: httpx.Request, now: datetime) -> FaceReply | None:
        shown = request.headers.get("authorization", "")
        if shown.startswith("WSSE "):
            return self._refused_wsse(request.headers.get("x-wsse", ""), now)
        match = _SDK.fullmatch(shown)
        if match is None:
            return _error(401, "E000002", "Authorization is missing or wrong")
        if match[1] != self.config["app_key"]:
            return _error(401, "E000020", "Unknown app key")
        if _far(request.headers.get("x-sdk-date", ""), "%Y%m%dT%H%M%SZ", now):
            return _error(401, "E000110", "X-Sdk-Date is too far from the server's clock")
        names = match[2].split(";")
        if not {"host", "content-type", "x-sdk-date"} <= set(names) or not all(name in request.headers for name in names):
            return _error(401, "E000004", "A header is not signed")
        made = huawei_authorization(request, names, key_id=match[1], secret=self.config["app_secret"])
        return None if made == shown else _error(401, "E000005", "The signature does not match")

    def _refused_wsse(self, told: str, now: datetime) -> FaceReply | None:
        match = _WSSE.fullmatch(told)
        if match is None:
            return _error(401, "E000003", "X-WSSE is missing or wrong")
        user, digest, nonce, created = match.groups()
        if user != self.config["app_key"]:
            return _error(401, "E000020", "Unknown app key")
        if _far(created, "%Y-%m-%dT%H:%M:%SZ", now):
            return _error(401, "E000110", "Created is too far from the server's clock")
        text = hashlib.sha256(f"{nonce}{created}{self.config['app_secret']}".encode()).hexdigest()
        right = base64.b64encode(text.encode()).decode() == digest
        return None if right else _error(401, "E000005", "PasswordDigest is wrong")

    def _send(self, told: Mapping[str, Any], contents: Sequence[Mapping[str, Any]], now: datetime, new_id: IdSource) -> FaceReply:
        if not told.get("from") or not contents or not all(one.get("to") and one.get("templateId") for one in contents):
            return _error(400, "E200031", "A parameter is missing")
        rows, taken = [], []
        url = told.get("statusCallback") or self.config.get("callback_url")
        for one in contents:
            paras = one.get("templateParas") or []
            paras = _list(paras) if isinstance(paras, str) else paras
            if paras is None:
                return _error(400, "E200028", "templateParas is no JSON array")
            text = " ".join(map(str, paras))
            links = tuple(link.rstrip(".,;:!?)'") for link in _LINK.findall(text))
            for number in one["to"]:
                row = {"originTo": number, "from": told["from"], "createTime": now.strftime("%Y-%m-%dT%H:%M:%SZ")}
                if not _E164.fullmatch(number):
                    rows.append({**row, "smsMsgId": "", "status": "E200031", "total": 0})
                    continue
                vendor_id = new_id.hex("sms", now.isoformat(), number, text, length=32)
                rows.append({**row, "smsMsgId": vendor_id, "status": "000000", "countryId": "CN", "total": 1})
                data = {"extend": told.get("extend", "")}
                taken.append(Taken(vendor_id, number, "sms", text, links, callback_url=url, data=data))
        body = {"code": "000000", "description": "Success", "result": rows}
        return FaceReply(200, json.dumps(body).encode(), _JSON, tuple(taken))

    def _pushed(self, url: str, fields: Mapping[str, str], at: datetime) -> Callback:
        headers = httpx.Headers({"content-type": "application/x-www-form-urlencoded", "host": httpx.URL(url).netloc.decode()})
        body = urlencode(fields).encode()
        if self.config.get("signed_callbacks"):
            headers["x-sdk-date"] = at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
            request = httpx.Request("POST", url, headers=headers, content=body)
            key, secret = self.config["app_key"], self.config["app_secret"]
            names = ("content-type", "host", "x-sdk-date")
            headers["authorization"] = huawei_authorization(request, names, key_id=key, secret=secret)
        return Callback("POST", url, headers, body, at)


def _told(fault: Fault) -> FaceReply:
    headers = {**_JSON, "retry-after": str(fault.retry_after_s)} if fault.retry_after_s is not None else _JSON
    if fault.kind in _WIRE and not fault.code:
        return FaceReply(_WIRE[fault.kind], b"", headers)
    code, words = _FAULTS.get(fault.kind, ("E200031", "Protocol check failed"))
    return _error(400, fault.code or code, words, headers)


def _error(status: int, code: str, words: str, headers: Mapping[str, str] = _JSON) -> FaceReply:
    return FaceReply(status, json.dumps({"code": code, "description": words}).encode(), headers)


def _far(stamp: str, form: str, now: datetime) -> bool:
    try:
        at = datetime.strptime(stamp, form).replace(tzinfo=UTC)
    except ValueError:
        return True
    return abs(now - at) > timedelta(minutes=15)


def _object(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _list(text: str) -> list[Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, list) else None
