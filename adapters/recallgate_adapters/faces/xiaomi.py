"""Xiaomi MiPush as its clients see it: message/regid, and receipts by form.

Source: dev.mi.com documentation pId=1560 and pId=1558, read 2026-11-22.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import unquote, urlencode

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._wire import answer, form, gateway_fault, links_in, waiting

_REFUSALS: Mapping[ErrorKind, int] = {
    ErrorKind.UNREGISTERED_TOKEN: 65003,
    ErrorKind.RATE_LIMITED: 10027,
    ErrorKind.AUTH: 21303,
    ErrorKind.INVALID_SENDER: 22022,
    ErrorKind.BLOCKED_CONTENT: 26006,
    ErrorKind.TEMPLATE_OR_SIGNATURE: 27001,
    ErrorKind.PAYLOAD_TOO_LARGE: 65009,
    ErrorKind.TEMPORARY: 10002,
}
_TYPES = {EventType.DELIVERED: 1, EventType.CLICKED: 2}
_FAILURES = {ErrorKind.UNREGISTERED_TOKEN: 16, ErrorKind.OPTED_OUT: 32, ErrorKind.RATE_LIMITED: 128}


class XiaomiPushFace(VendorFace):
    """One app of MiPush."""

    adapter = "xiaomi.push"
    hosts = ("api.xmpush.xiaomi.com", "api.xmpush.global.xiaomi.com")

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if request.method != "POST" or request.url.path != "/v3/message/regid":
            return FaceReply(404)
        if request.headers.get("authorization") != f"key={self.config['app_secret']}":
            return _refuse(21301)
        if fault is not None:
            return gateway_fault(fault) or _refuse(int(fault.code or _REFUSALS.get(fault.kind, 10017)), waiting(fault))
        fields = form(request)
        tokens = [token for token in fields.get("registration_id", "").split(",") if token]
        if wrong := self._violation(fields, tokens):
            return _refuse(wrong)
        vendor_id = "sdm" + new_id.hex(request.content.decode(), now.isoformat(), length=20)
        text = f"{fields['title']}\n{fields['description']}"
        payload = unquote(fields.get("payload", ""))
        links = links_in(text, fields.get("extra.web_uri"), fields.get("extra.intent_uri"), payload)
        url, data = fields.get("extra.callback"), {"param": fields.get("extra.callback.param", "")}
        taken = [Taken(vendor_id, token, "push", text, links, callback_url=url, data=data) for token in tokens]
        done = {"result": "ok", "trace_id": vendor_id, "code": 0, "data": {"id": vendor_id}, "description": "成功", "info": ""}
        return answer(done, taken=taken)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        number = _TYPES.get(news.type)
        if news.type is EventType.UNDELIVERED:
            number = _FAILURES.get(news.kind or ErrorKind.UNKNOWN, 64)
        if number is None or taken.callback_url is None:
            return ()
        row = {
            "param": taken.data["param"],
            "type": number,
            "targets": taken.recipient,
            "timestamp": int(news.at.timestamp() * 1000),
        }
        body = urlencode({"data": json.dumps({taken.vendor_id: row})}).encode()
        headers = httpx.Headers({"content-type": "application/x-www-form-urlencoded"})
        return [Callback("POST", taken.callback_url, headers, body, news.at)]

    def _violation(self, fields: Mapping[str, str], tokens: Sequence[str]) -> int | None:
        """The code of the first thing that Xiaomi would refuse."""
        if not 1 <= len(tokens) <= 1000:
            return 10016
        if self.config["package"] not in fields.get("restricted_package_name", "").split(","):
            return 22022
        if not fields.get("extra.channel_id"):
            return 27001
        if not 0 < len(fields.get("title", "")) < 50 or not 0 < len(fields.get("description", "")) < 128:
            return 65014
        if len(fields.get("extra.callback.param", "").encode()) > 256:
            return 65036
        return None


def _refuse(code: int, headers: Mapping[str, str] | None = None) -> FaceReply:
    body = {"result": "error", "reason": "refused", "trace_id": "0", "code": code, "description": "失败"}
    return answer(body, headers=headers)
