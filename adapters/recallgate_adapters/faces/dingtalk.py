"""A DingTalk group robot as its callers see it: robot/send with its security settings.

Source: open.dingtalk.com custom robot page, read 2026-11-22.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

import httpx

from recallgate import ErrorKind, FaceReply, Fault, IdSource, Taken, VendorFace
from recallgate_adapters.faces._wire import answer, document, gateway_fault, links_in, words_in

_REFUSALS: Mapping[ErrorKind, tuple[int, str]] = {
    ErrorKind.RATE_LIMITED: (130101, "send too fast, exceed 20 times per minute"),
    ErrorKind.AUTH: (310000, "sign not match"),
    ErrorKind.BLOCKED_CONTENT: (310000, "keywords not in content"),
    ErrorKind.INVALID_RECIPIENT: (400013, "group dissolved"),
    ErrorKind.TEMPORARY: (-1, "system busy"),
}
_NEEDED = {
    "text": ("content",),
    "link": ("title", "text", "messageUrl"),
    "markdown": ("title", "text"),
    "actionCard": ("title", "text"),
    "feedCard": ("links",),
}


class DingtalkRobotFace(VendorFace):
    """One robot of one group."""

    adapter = "dingtalk.robot"
    hosts = ("oapi.dingtalk.com",)

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if request.method != "POST" or request.url.path != "/robot/send":
            return FaceReply(404)
        query = request.url.params
        if query.get("access_token") != self.config["access_token"]:
            return _errcode(300001, "token is not exist")
        secret = self.config.get("secret")
        if secret and not _signed(query.get("timestamp", ""), query.get("sign", ""), str(secret), now):
            return _errcode(310000, "sign not match, more: [https://ding-doc.dingtalk.com]")
        if fault is not None:
            code, words = _REFUSALS.get(fault.kind, (40035, "缺少参数 json"))
            return gateway_fault(fault) or _errcode(int(fault.code or code), words)
        body = document(request) or {}
        msgtype = str(body.get("msgtype"))
        content = body.get(msgtype)
        if msgtype not in _NEEDED:
            return _errcode(400105, "unsupported msgtype")
        if not isinstance(content, dict) or any(not content.get(name) for name in _NEEDED[msgtype] if name != "text"):
            return _errcode(40035, "缺少参数")
        text = words_in(content)
        vendor_id = new_id.hex(request.content.decode(), now.isoformat())
        taken = Taken(vendor_id, "default", "robot", text, links_in(text))
        return answer({"errcode": 0, "errmsg": "ok"}, taken=(taken,))


def _signed(timestamp: str, given: str, secret: str, now: datetime) -> bool:
    if not timestamp.isdigit() or abs(int(timestamp) / 1000 - now.timestamp()) > 3600:
        return False
    digest = hmac.new(secret.encode(), f"{timestamp}\n{secret}".encode(), hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest), given.encode())


def _errcode(code: int, words: str) -> FaceReply:
    return answer({"errcode": code, "errmsg": words})
