"""JPush as its clients see it: push, validate, batches of single pushes, and the report of what was received.

Source: docs.jiguang.cn http_status_code, server_overview, rest_api_v3_push_advanced, jpush 3.4.1, read 2026-11-22.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._wire import answer, document, gateway_fault, links_in

_REFUSALS: Mapping[ErrorKind, tuple[int, int]] = {
    ErrorKind.UNREGISTERED_TOKEN: (400, 1011),
    ErrorKind.PAYLOAD_TOO_LARGE: (400, 1005),
    ErrorKind.BLOCKED_CONTENT: (400, 1009),
    ErrorKind.AUTH: (403, 2004),
    ErrorKind.RATE_LIMITED: (429, 2002),
    ErrorKind.TEMPORARY: (500, 1000),
}
_PLATFORMS = {"android", "ios", "quickapp", "hmos", "winphone"}
_TYPES = {EventType.DELIVERED: 1, EventType.CLICKED: 2}


class JpushFace(VendorFace):
    """One app of JPush. A cid that was seen answers again and sends nothing."""

    adapter = "jpush.push"
    hosts = ("api.jpush.cn", "report.jpush.cn", "bjapi.push.jiguang.cn")

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        pair = f"{config['app_key']}:{config['master_secret']}"
        self._authorization = f"Basic {b64encode(pair.encode()).decode()}"
        self._seen: dict[str, str] = {}
        self._reached: set[str] = set()

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        path = request.url.path.removeprefix("/v3")
        if request.headers.get("authorization") != self._authorization:
            return _refuse(401, 1004, "Basic authentication failed")
        if request.method == "GET" and path == "/received/detail":
            ids = request.url.params.get("msg_ids", "").split(",")
            return answer([{"msg_id": one, "jpush_received": int(one in self._reached)} for one in ids])
        if fault is not None:
            return gateway_fault(fault) or _fail(fault)
        body = document(request)
        if request.method != "POST" or path not in ("/push", "/push/validate", "/push/batch/regid/single"):
            return _refuse(405, 1001, "only POST")
        if body is None:
            return _refuse(400, 1002, "Missing parameter")
        if path == "/push/batch/regid/single":
            return self._batch(body, new_id)
        audience = body.get("audience")
        tokens = audience.get("registration_id") if isinstance(audience, dict) else None
        if wrong := _violation(body, tokens):
            return wrong
        assert isinstance(tokens, list)
        if path == "/push/validate":
            return answer({"sendno": "0", "msg_id": "0"})
        again, vendor_id = self._id(str(body.get("cid", "")), new_id, request.content.decode())
        taken = () if again else tuple(_taken(body, token, vendor_id) for token in tokens)
        return answer({"sendno": "0", "msg_id": vendor_id}, taken=taken)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        if news.type is EventType.DELIVERED:
            self._reached.add(taken.vendor_id)
        if taken.callback_url is None or news.type not in _TYPES:
            return ()
        body = {"msg_id": taken.vendor_id, "type": _TYPES[news.type], "registration_id": taken.recipient}
        headers = httpx.Headers({"content-type": "application/json"})
        return [Callback("POST", taken.callback_url, headers, json.dumps(body).encode(), news.at)]

    def _batch(self, body: dict[str, Any], new_id: IdSource) -> FaceReply:
        pushes = body.get("pushlist")
        if not isinstance(pushes, dict) or not pushes:
            return _refuse(400, 1002, "Missing parameter pushlist")
        outcomes: dict[str, Any] = {}
        taken: list[Taken] = []
        for cid, push in pushes.items():
            token = push.get("target")
            if not token or _violation(push, [token]):
                outcomes[cid] = {"error": {"code": 1003, "message": "The parameter value is invalid"}}
                continue
            again, vendor_id = self._id(cid, new_id, token)
            outcomes[cid] = {"msg_id": vendor_id}
            if not again:
                taken.append(_taken(push, token, vendor_id))
        return answer(outcomes, taken=taken)

    def _id(self, cid: str, new_id: IdSource, *parts: str) -> tuple[bool, str]:
        if cid and cid in self._seen:
            return True, self._seen[cid]
        vendor_id = str(int(new_id.hex(cid, *parts, length=14), 16))
        if cid:
            self._seen[cid] = vendor_id
        return False, vendor_id


def _taken(push: Mapping[str, Any], token: str, vendor_id: str) -> Taken:
    told = push["notification"]
    block: Mapping[str, Any] = next((told[name] for name in ("android", "hmos", "ios") if name in told), {})
    alert = block.get("alert", told.get("alert", ""))
    title = block.get("title") or (alert.get("title") if isinstance(alert, dict) else "")
    body = alert.get("body", "") if isinstance(alert, dict) else alert
    extras = block.get("extras", {})
    text = "\n".join(filter(None, (title, body)))
    url = push.get("callback", {}).get("url")
    return Taken(vendor_id, token, "push", text, links_in(text, *map(str, extras.values())), callback_url=url)


def _violation(body: Mapping[str, Any], tokens: object) -> FaceReply | None:
    """The first thing that JPush would refuse."""
    platform = body.get("platform")
    if platform != "all" and not (isinstance(platform, list) and platform and set(platform) <= _PLATFORMS):
        return _refuse(400, 1003, "platform is invalid")
    if not isinstance(tokens, list) or not 1 <= len(tokens) <= 1000:
        return _refuse(400, 1003, "audience is invalid")
    told = body.get("notification")
    if not isinstance(told, dict):
        return _refuse(400, 1002, "notification and message are both empty")
    if any(len(json.dumps(block, ensure_ascii=False).encode()) > 4500 for block in told.values()):
        return _refuse(400, 1005, "The message body is too large")
    return None


def _fail(fault: Fault) -> FaceReply:
    status, code = _REFUSALS.get(fault.kind, (400, 1003))
    headers = {} if fault.retry_after_s is None else {"x-rate-limit-reset": str(fault.retry_after_s)}
    return _refuse(status, int(fault.code or code), "refused", headers)


def _refuse(status: int, code: int, words: str, headers: Mapping[str, str] | None = None) -> FaceReply:
    return answer({"error": {"code": code, "message": words}}, status, headers=headers)
