"""A Feishu group robot as its callers see it: bot/v2/hook/{token} with its security settings.

Source: open.larkoffice.com custom robot page, read 2026-11-22.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from recallgate import ErrorKind, FaceReply, Fault, IdSource, Taken, VendorFace
from recallgate_adapters.faces._wire import answer, document, gateway_fault, links_in, words_in

_REFUSALS: Mapping[ErrorKind, tuple[int, str]] = {
    ErrorKind.RATE_LIMITED: (11232, "frequency limited psm[lark.oapi.app_platform_runtime]"),
    ErrorKind.AUTH: (19022, "Ip Not Allowed"),
    ErrorKind.BLOCKED_CONTENT: (19024, "Key Words Not Found"),
    ErrorKind.PAYLOAD_TOO_LARGE: (19036, "message too big"),
}
_PART = {"text": "content", "post": "content", "image": "content", "share_chat": "content", "interactive": "card"}


class FeishuRobotFace(VendorFace):
    """One robot of one group."""

    adapter = "feishu.robot"
    hosts = ("open.feishu.cn", "open.larksuite.com")

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        head, _, token = request.url.path.rpartition("/")
        if request.method != "POST" or head != "/open-apis/bot/v2/hook":
            return FaceReply(404)
        if token != self.config["token"]:
            return _refuse(19001, "param invalid: incoming webhook access token invalid")
        body = document(request)
        if body is None:
            return _refuse(9499, "Bad Request")
        secret = self.config.get("secret")
        if secret and not _signed(body, str(secret), now):
            return _refuse(19021, "sign match fail or timestamp is not within one hour from current time")
        if fault is not None:
            code, words = _REFUSALS.get(fault.kind, (9499, "Bad Request"))
            return gateway_fault(fault) or _refuse(int(fault.code or code), words)
        part = body.get(_PART.get(str(body.get("msg_type")), ""))
        if not isinstance(part, dict) or not part:
            return _refuse(9499, "Bad Request")
        if len(request.content) > 20 * 1024:
            return _refuse(19036, "message too big")
        text = words_in(part)
        vendor_id = new_id.hex(request.content.decode(), now.isoformat())
        taken = Taken(vendor_id, "default", "robot", text, links_in(text))
        done = {"code": 0, "msg": "success", "data": {}, "StatusCode": 0, "StatusMessage": "success"}
        return answer(done, taken=(taken,))


def _signed(body: Mapping[str, Any], secret: str, now: datetime) -> bool:
    timestamp = str(body.get("timestamp", ""))
    if not timestamp.isdigit() or abs(int(timestamp) - now.timestamp()) > 3600:
        return False
    digest = hmac.new(f"{timestamp}\n{secret}".encode(), None, hashlib.sha256).digest()
    return hmac.compare_digest(base64.b64encode(digest), str(body.get("sign", "")).encode())


def _refuse(code: int, words: str) -> FaceReply:
    return answer({"code": code, "msg": words, "data": {}})
