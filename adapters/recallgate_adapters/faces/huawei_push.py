"""Huawei Push Kit as its clients see it: the token endpoint, messages:send, and signed receipts.

Source: developer.huawei.com push-scenariozed-api-response, msg-receipt-guide, read 2026-11-22.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._wire import answer, document, form, gateway_fault, links_in, waiting

_REFUSALS: Mapping[ErrorKind, tuple[int, str]] = {
    ErrorKind.UNREGISTERED_TOKEN: (400, "80300007"),
    ErrorKind.BLOCKED_CONTENT: (400, "80100016"),
    ErrorKind.PAYLOAD_TOO_LARGE: (400, "80300008"),
    ErrorKind.RATE_LIMITED: (400, "80300006"),
    ErrorKind.AUTH: (403, "80300002"),
    ErrorKind.TEMPORARY: (500, "81000001"),
}
_FAILURES = {
    ErrorKind.UNREGISTERED_TOKEN: 2,
    ErrorKind.OPTED_OUT: 6,
    ErrorKind.RATE_LIMITED: 102,
    ErrorKind.UNSUPPORTED: 31,
}
_LIFE_S = 3600


class HuaweiPushFace(VendorFace):
    """One app. Tokens named in `config["illegal"]` do not exist; receipts go to `config["callback_url"]`."""

    adapter = "huawei.push"
    hosts = ("push-api.cloud.huawei.com", "oauth-login.cloud.huawei.com")
    client = ("app_id", "app_secret")

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._tokens: dict[str, datetime] = {}
        self._illegal = {str(one) for one in config.get("illegal", ())}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        path = request.url.path
        if path.endswith("/token"):
            return self._grant(form(request), now, new_id)
        if request.method != "POST" or path != self.path():
            return FaceReply(404)
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or token not in self._tokens:
            return self.refuse(401, "80200001")
        if self._tokens[token] <= now:
            return self.refuse(401, "80200003")
        if fault is not None:
            status, code = _REFUSALS.get(fault.kind, (400, "80100003"))
            return gateway_fault(fault) or self.refuse(status, fault.code or code, waiting(fault))
        return self.send(document(request) or {}, request, now, new_id)

    def path(self) -> str:
        return f"/v1/{self.config['app_id']}/messages:send"

    def refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> FaceReply:
        return answer({"code": code, "msg": "refused", "requestId": "0"}, status, headers=headers)

    def send(self, body: Mapping[str, Any], request: httpx.Request, now: datetime, new_id: IdSource) -> FaceReply:
        message = body.get("message", {})
        if wrong := violation(message):
            return self.refuse(400, wrong)
        request_id = new_id.hex(request.content.decode(), now.isoformat(), length=24)
        known = [token for token in message["token"] if token not in self._illegal]
        gone = [token for token in message["token"] if token in self._illegal]
        if not known:
            return self.refuse(400, "80300007")
        taken = () if body.get("validate_only") else self.taken(message, known, request_id, "bi_tag")
        if not gone:
            return answer({"code": "80000000", "msg": "Success", "requestId": request_id}, taken=taken)
        words = json.dumps({"success": len(known), "failure": len(gone), "illegal_tokens": gone})
        return answer({"code": "80100000", "msg": words, "requestId": request_id}, taken=taken)

    def taken(self, message: Mapping[str, Any], tokens: Sequence[str], request_id: str, tag: str) -> tuple[Taken, ...]:
        shown, android = message["notification"], message["android"]
        action = android["notification"].get("click_action") or android["notification"].get("clickAction") or {}
        text = f"{shown['title']}\n{shown['body']}"
        links = links_in(text, action.get("url"), action.get("intent"), message.get("data"))
        data = {"bi_tag": android.get(tag)}
        url = self.config.get("callback_url")
        return tuple(Taken(request_id, token, "push", text, links, callback_url=url, data=data) for token in tokens)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        if news.type is EventType.DELIVERED:
            status = 0
        elif news.type is EventType.EXPIRED:
            status = 15
        elif news.type is EventType.UNDELIVERED:
            status = _FAILURES.get(news.kind or ErrorKind.UNKNOWN, 14)
        else:
            return ()
        told = {
            "biTag": taken.data.get("bi_tag"),
            "appid": self.config["app_id"],
            "token": taken.recipient,
            "status": status,
            "timestamp": int(news.at.timestamp() * 1000),
            "requestId": taken.vendor_id,
        }
        url = taken.callback_url or self.config.get("callback_url") or "http://localhost/"
        headers = httpx.Headers({"content-type": "application/json", **self.proof(news.at, nonce)})
        return [Callback("POST", url, headers, json.dumps({"statuses": [told]}).encode(), news.at)]

    def proof(self, at: datetime, nonce: str) -> dict[str, str]:
        """The header that proves a receipt."""
        stamp, secret = str(int(at.timestamp() * 1000)), str(self.config.get("callback_secret") or "")
        words = f"{stamp}{nonce}{self.config.get('callback_user', '')}"
        value = b64encode(hmac.new(secret.encode(), words.encode(), hashlib.sha256).digest()).decode()
        return {"x-huawei-callback-id": f"timestamp={stamp};nonce={nonce};value={value}"}

    def _grant(self, fields: Mapping[str, str], now: datetime, new_id: IdSource) -> FaceReply:
        client, secret = (str(self.config[name]) for name in self.client)
        good = fields.get("client_id") == client and fields.get("client_secret") == secret
        if fields.get("grant_type") != "client_credentials" or not good:
            return answer({"error": 1101, "sub_error": 20001, "error_description": "invalid client"}, 400)
        token = new_id.hex("token", now.isoformat(), length=64)
        self._tokens[token] = now + timedelta(seconds=_LIFE_S)
        return answer({"access_token": token, "expires_in": _LIFE_S, "token_type": "Bearer"})


def violation(message: Mapping[str, Any]) -> str | None:
    """The code of the first thing that the vendor would refuse."""
    tokens, android = message.get("token"), message.get("android", {})
    if not isinstance(tokens, list) or not 1 <= len(tokens) <= 1000:
        return "80300010"
    shown = message.get("notification", {})
    if not shown.get("title") or not shown.get("body") or not isinstance(android.get("notification"), dict):
        return "80100003"
    ttl = android.get("ttl", "86400s")
    if not ttl.endswith("s") or not ttl[:-1].isdigit() or int(ttl[:-1]) > 1_296_000:
        return "80100004"
    size = len(json.dumps({**message, "token": []}, ensure_ascii=False, separators=(",", ":")).encode())
    return "80300008" if size > 4200 else None
