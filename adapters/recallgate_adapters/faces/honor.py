"""HONOR Push as its clients see it: the token endpoint, sendMessage, and receipts that nobody signs.

Source: cossim/hipush @ fa2e6d2 and four more public clients, read 2026-11-22.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from recallgate import FaceReply, IdSource
from recallgate_adapters.faces._wire import answer
from recallgate_adapters.faces.huawei_push import HuaweiPushFace, violation


class HonorPushFace(HuaweiPushFace):
    """One app. Tokens named in `config["illegal"]` have ended, those in `config["failing"]` fail."""

    adapter = "honor.push"
    hosts = ("push-api.cloud.hihonor.com", "iam.developer.hihonor.com")
    client = ("client_id", "client_secret")

    def path(self) -> str:
        return f"/api/v1/{self.config['app_id']}/sendMessage"

    def refuse(self, status: int, code: str, headers: Mapping[str, str] | None = None) -> FaceReply:
        lists = {"sendResult": False, "failTokens": [], "expireTokens": []}
        return answer({"code": int(code), "message": "refused", "data": lists}, status, headers=headers)

    def proof(self, at: datetime, nonce: str) -> dict[str, str]:
        return {}

    def send(self, body: Mapping[str, Any], request: httpx.Request, now: datetime, new_id: IdSource) -> FaceReply:
        if wrong := violation(body):
            return self.refuse(400, wrong)
        if not request.headers.get("timestamp", "").isdigit():
            return self.refuse(400, "80100003")
        failing = {str(one) for one in self.config.get("failing", ())}
        ended = [token for token in body["token"] if token in self._illegal]
        failed = [token for token in body["token"] if token in failing]
        known = [token for token in body["token"] if token not in self._illegal and token not in failing]
        request_id = new_id.hex(request.content.decode(), now.isoformat(), length=24)
        told = {"sendResult": bool(known), "requestId": request_id, "failTokens": failed, "expireTokens": ended}
        code = 200 if not ended and not failed else 80100000
        return answer({"code": code, "message": "success", "data": told}, taken=self.taken(body, known, request_id, "biTag"))
