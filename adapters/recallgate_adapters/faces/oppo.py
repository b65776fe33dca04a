"""OPPO PUSH as its clients see it: auth, unicast, unicast_batch, and receipts as JSON.

Source: OPPO open platform page on addresses, parameters and return codes, read 2026-11-22.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._wire import answer, form, gateway_fault, links_in

_REFUSALS: Mapping[ErrorKind, int] = {
    ErrorKind.UNREGISTERED_TOKEN: 10000,
    ErrorKind.RATE_LIMITED: 13,
    ErrorKind.AUTH: 28,
    ErrorKind.TEMPLATE_OR_SIGNATURE: 67,
    ErrorKind.TEMPORARY: -1,
}
_EVENTS = {EventType.DELIVERED: "push_arrive", EventType.CLICKED: "device_click"}


class OppoPushFace(VendorFace):
    """One app of OPPO. An app_message_id that was seen is a duplicate, code 32."""

    adapter = "oppo.push"
    hosts = ("api.push.oppomobile.com", "api-intl.push.oppomobile.com")

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._tokens: dict[str, datetime] = {}
        self._seen: set[str] = set()

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        path, fields = request.url.path, form(request)
        if path == "/server/v1/auth":
            return self._auth(fields, now, new_id)
        if not path.startswith("/server/v1/message/notification/"):
            return FaceReply(404)
        token = fields.get("auth_token")
        if not token:
            return _refuse(29, "auth token is missing")
        if self._tokens.get(token, now) <= now:
            return _refuse(11, "Invalid AuthToken")
        if fault is not None:
            return gateway_fault(fault) or _refuse(int(fault.code or _REFUSALS.get(fault.kind, 41)), "refused")
        try:
            if path.endswith("/unicast"):
                pushes, many = [json.loads(fields["message"])], False
            else:
                pushes, many = json.loads(fields["messages"]), True
        except (KeyError, ValueError):
            return _refuse(40, "missing or wrong parameter")
        if not 1 <= len(pushes) <= 1000 or any(_violation(push) for push in pushes):
            return _refuse(41, "illegal parameter")
        return self._send(pushes, new_id, many=many)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        name = _EVENTS.get(news.type)
        if news.type is EventType.UNDELIVERED:
            name = "regid_invalid" if news.kind is ErrorKind.UNREGISTERED_TOKEN else "user_daily_limit"
        if name is None or taken.callback_url is None:
            return ()
        row = {
            "messageId": taken.vendor_id,
            "registrationIds": taken.recipient,
            "eventType": name,
            "param": taken.data["param"],
            "eventTime": int(news.at.timestamp() * 1000),
        }
        headers = httpx.Headers({"content-type": "application/json"})
        return [Callback("POST", taken.callback_url, headers, json.dumps([row]).encode(), news.at)]

    def _auth(self, fields: Mapping[str, str], now: datetime, new_id: IdSource) -> FaceReply:
        stamp = fields.get("timestamp", "")
        if not stamp.isdigit() or abs(int(stamp) / 1000 - now.timestamp()) > 600:
            return _refuse(19, "Invalid Timestamp")
        words = f"{self.config['app_key']}{stamp}{self.config['master_secret']}"
        if fields.get("app_key") != self.config["app_key"]:
            return _refuse(14, "Invalid App Key")
        if fields.get("sign") != hashlib.sha256(words.encode()).hexdigest():
            return _refuse(16, "Signature error")
        token = new_id.hex("token", now.isoformat(), length=48)
        self._tokens[token] = now + timedelta(hours=24)
        told = {"auth_token": token, "create_time": int(now.timestamp() * 1000)}
        return answer({"code": 0, "message": "success", "data": told})

    def _send(self, pushes: Sequence[Mapping[str, Any]], new_id: IdSource, *, many: bool) -> FaceReply:
        rows, taken = [], []
        for push in pushes:
            shown, device = push["notification"], str(push["target_value"])
            key = str(shown.get("app_message_id") or "")
            if key and key in self._seen:
                rows.append({"registrationId": device, "errorCode": 32, "errorMessage": "duplicate"})
                continue
            self._seen.add(key)
            vendor_id = new_id.hex(key, device, length=24)
            rows.append({"messageId": vendor_id, "registrationId": device})
            text = f"{shown['title']}\n{shown['content']}"
            links = links_in(text, shown.get("click_action_url"), shown.get("action_parameters"))
            data = {"param": shown.get("call_back_parameter")}
            taken.append(Taken(vendor_id, device, "push", text, links, callback_url=shown.get("call_back_url"), data=data))
        if many:
            return answer({"code": 0, "message": "success", "data": rows}, taken=taken)
        if "errorCode" in rows[0]:
            return _refuse(32, "duplicate")
        return answer({"code": 0, "message": "success", "data": rows[0]}, taken=taken)


def _violation(push: Mapping[str, Any]) -> bool:
    shown = push.get("notification", {})
    return (
        push.get("target_type") not in (2, 5)
        or not push.get("target_value")
        or not 1 <= len(shown.get("title", "")) <= 50
        or not 1 <= len(shown.get("content", "")) <= (128 if shown.get("style") == 2 else 50)
        or shown.get("off_line_ttl", 0) > 864_000
        or len(shown.get("call_back_url", "")) > 200
    )


def _refuse(code: int, words: str) -> FaceReply:
    return answer({"code": code, "message": words})
