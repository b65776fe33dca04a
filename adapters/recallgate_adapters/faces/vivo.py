"""vivo PUSH-UPS as its clients see it: message/auth, message/send, and receipts as JSON.

Source: vivo server API document 2.9.2 (copies), read 2026-11-22.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._wire import answer, document, gateway_fault, links_in

_REFUSALS: Mapping[ErrorKind, int] = {
    ErrorKind.UNREGISTERED_TOKEN: 10302,
    ErrorKind.RATE_LIMITED: 10072,
    ErrorKind.AUTH: 10094,
    ErrorKind.BLOCKED_CONTENT: 10104,
}
_TYPES = {EventType.DELIVERED: 0, EventType.CLICKED: 1, EventType.UNDELIVERED: 2}
_NEEDED = ("regId", "notifyType", "title", "content", "skipType", "requestId")


class VivoPushFace(VendorFace):
    """One app of vivo. A requestId that was seen answers again and sends nothing."""

    adapter = "vivo.push"
    hosts = ("api-push.vivo.com.cn",)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._tokens: dict[str, datetime] = {}
        self._seen: dict[str, str] = {}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        path, body = request.url.path, document(request) or {}
        if path == "/message/auth":
            return self._auth(body, now, new_id)
        if path != "/message/send":
            return FaceReply(404)
        if self._tokens.get(request.headers.get("authtoken", ""), now) <= now:
            return _refuse(10000, "权限认证失败")
        if fault is not None:
            return gateway_fault(fault) or _refuse(int(fault.code or _REFUSALS.get(fault.kind, 10040)), "refused")
        if body.get("appId") not in (None, int(self.config["app_id"])):
            return _refuse(10094, "appId与token不一致")
        if any(not body.get(name) for name in _NEEDED) or len(body["requestId"]) > 64:
            return _refuse(10040, "参数错误")
        if len(body["title"]) > 40 or len(body["content"]) > 100 or not 60 <= body.get("timeToLive", 60) <= 604_800:
            return _refuse(10085, "格式错误")
        again = body["requestId"] in self._seen
        task = self._seen.setdefault(body["requestId"], str(int(new_id.hex(body["requestId"], length=10), 16)))
        text, extra = f"{body['title']}\n{body['content']}", body.get("extra", {})
        links = links_in(text, body.get("skipContent"), json.dumps(body.get("clientCustomMap", {})))
        data = {"param": extra.get("callback.param", "")}
        taken = Taken(task, body["regId"], "push", text, links, callback_url=extra.get("callback"), data=data)
        return answer({"result": 0, "desc": "请求成功", "taskId": task, "invalidUser": None}, taken=() if again else (taken,))

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        number = _TYPES.get(news.type)
        if number is None or taken.callback_url is None:
            return ()
        body = {taken.vendor_id: {"param": taken.data["param"], "targets": taken.recipient, "ackType": number}}
        headers = httpx.Headers({"content-type": "application/json"})
        return [Callback("POST", taken.callback_url, headers, json.dumps(body).encode(), news.at)]

    def _auth(self, body: Mapping[str, Any], now: datetime, new_id: IdSource) -> FaceReply:
        stamp = str(body.get("timestamp", ""))
        if not stamp.isdigit() or abs(int(stamp) / 1000 - now.timestamp()) > 600:
            return _refuse(10202, "timestamp")
        words = f"{self.config['app_id']}{self.config['app_key']}{stamp}{self.config['app_secret']}"
        if body.get("sign") != hashlib.md5(words.encode(), usedforsecurity=False).hexdigest():
            return _refuse(10200, "sign")
        token = new_id.hex("token", now.isoformat(), length=48)
        self._tokens[token] = now + timedelta(hours=24)
        return answer({"result": 0, "desc": "请求成功", "authToken": token})


def _refuse(code: int, words: str) -> FaceReply:
    return answer({"result": code, "desc": words})
