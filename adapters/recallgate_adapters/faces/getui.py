"""Getui as its clients see it: auth, single pushes and batches of them, and the report of a task.

Source: docs.getui.com rest_v2/code, getui-pushapi-java-client-v2 @ 837fd9c, read 2026-11-22.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._wire import answer, document, gateway_fault, links_in, waiting

_REFUSALS: Mapping[ErrorKind, tuple[int, int, str]] = {
    ErrorKind.UNREGISTERED_TOKEN: (400, 20001, "target user is invalid"),
    ErrorKind.AUTH: (401, 10002, "appId or ip blacklist"),
    ErrorKind.RATE_LIMITED: (401, 10005, "minute limit"),
    ErrorKind.INSUFFICIENT_FUNDS: (403, 403, "package"),
    ErrorKind.TEMPORARY: (200, 2, "server starting"),
}


class GetuiFace(VendorFace):
    """One app of Getui. Devices named in `config["inactive"]` are ignored; a request_id that was seen sends nothing."""

    adapter = "getui.push"
    hosts = ("restapi.getui.com", "cncrestapi.getui.com", "nzrestapi.getui.com")

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._tokens: dict[str, datetime] = {}
        self._seen: dict[str, str] = {}
        self._received: dict[str, int] = {}
        self._inactive = {str(one) for one in config.get("inactive", ())}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        head = f"/v2/{self.config['app_id']}"
        if not request.url.path.startswith(f"{head}/"):
            return _refuse(404, 404, "no such address")
        path = request.url.path.removeprefix(head)
        body = document(request) if request.method == "POST" else {}
        if body is None:
            return _refuse(200, 1, "not json")
        if path == "/auth":
            return self._auth(body, now, new_id)
        if self._tokens.get(request.headers.get("token", ""), now) <= now:
            return _refuse(401, 10001, "token expired or not exist")
        if path.startswith("/report/push/task/"):
            task = path.rpartition("/")[2]
            return answer({"code": 0, "msg": "success", "data": {task: {"total": {"receive_num": self._received.get(task, 0)}}}})
        if fault is not None:
            status, code, words = _REFUSALS.get(fault.kind, (400, 20001, "params error"))
            return gateway_fault(fault) or _refuse(status, int(fault.code or code), words, waiting(fault))
        if path == "/push/single/cid":
            return self._push([body], new_id)
        if path == "/push/single/batch/cid":
            return self._push(body.get("msg_list") or [], new_id)
        return _refuse(404, 404, "no such address")

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        """Receipts are asked for; none are sent."""
        if news.type is EventType.DELIVERED:
            self._received[taken.vendor_id] = self._received.get(taken.vendor_id, 0) + 1
        return ()

    def _auth(self, body: Mapping[str, Any], now: datetime, new_id: IdSource) -> FaceReply:
        proof = f"{self.config['app_key']}{body.get('timestamp')}{self.config['master_secret']}"
        if body.get("sign") != hashlib.sha256(proof.encode()).hexdigest():
            return _refuse(400, 20001, "sign error")
        token, ends = new_id.hex("token", now.isoformat(), length=64), now + timedelta(hours=24)
        self._tokens[token] = ends
        told = {"expire_time": str(int(ends.timestamp() * 1000)), "token": token}
        return answer({"code": 0, "msg": "success", "data": told})

    def _push(self, pushes: Sequence[Mapping[str, Any]], new_id: IdSource) -> FaceReply:
        if not 1 <= len(pushes) <= 200 or any(_violation(push) for push in pushes):
            return _refuse(400, 20001, "params error")
        results: dict[str, dict[str, str]] = {}
        taken = []
        for push in pushes:
            device, request_id = str(push["audience"]["cid"][0]), str(push["request_id"])
            task = self._seen.get(request_id) or f"RASS_{new_id.hex(request_id, device, length=24)}"
            if device in self._inactive:
                results[task] = {device: "successed_ignore"}
                continue
            results[task] = {device: "successed_online"}
            if request_id not in self._seen:
                taken.append(_taken(push, device, task))
            self._seen[request_id] = task
        return answer({"code": 0, "msg": "success", "data": results}, taken=taken)


def _violation(push: Mapping[str, Any]) -> bool:
    cid = push.get("audience", {}).get("cid")
    shown = push.get("push_message", {}).get("notification", {})
    return (
        not 10 <= len(str(push.get("request_id", ""))) <= 32
        or not isinstance(cid, list)
        or len(cid) != 1
        or not 1 <= len(shown.get("title", "")) <= 50
        or not 1 <= len(shown.get("body", "")) <= 256
        or len(shown.get("payload", "")) > 3072
        or not -1 <= push.get("settings", {}).get("ttl", 0) <= 259_200_000
    )


def _taken(push: Mapping[str, Any], device: str, task: str) -> Taken:
    shown = push["push_message"]["notification"]
    text = f"{shown['title']}\n{shown['body']}"
    return Taken(task, device, "push", text, links_in(text, shown.get("url"), shown.get("payload")))


def _refuse(status: int, code: int, words: str, headers: Mapping[str, str] | None = None) -> FaceReply:
    return answer({"code": code, "msg": words}, status, headers=headers)
