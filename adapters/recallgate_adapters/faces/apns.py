"""APNs as its clients see it: /3/device/{token} with a provider token that is neither old nor renewed too often.

Source: docs.rs apns-h2 ErrorReason, aioapns 4.0, read 2026-11-22.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import httpx

from recallgate import ErrorKind, FaceReply, Fault, IdSource, Taken, VendorFace
from recallgate_adapters.faces._wire import answer, document, links_in, waiting

_SEND = re.compile(rb"/3/device/([^/?]+)")
_TYPES = {
    "alert",
    "background",
    "voip",
    "complication",
    "fileprovider",
    "mdm",
    "liveactivity",
    "location",
    "pushtotalk",
}
_REFUSALS: Mapping[ErrorKind, tuple[int, str]] = {
    ErrorKind.UNREGISTERED_TOKEN: (410, "Unregistered"),
    ErrorKind.INVALID_RECIPIENT: (400, "MissingDeviceToken"),
    ErrorKind.INVALID_SENDER: (400, "TopicDisallowed"),
    ErrorKind.PAYLOAD_TOO_LARGE: (413, "PayloadTooLarge"),
    ErrorKind.RATE_LIMITED: (429, "TooManyRequests"),
    ErrorKind.AUTH: (403, "InvalidProviderToken"),
    ErrorKind.TEMPORARY: (500, "InternalServerError"),
    ErrorKind.UNAVAILABLE: (503, "ServiceUnavailable"),
}


class ApnsFace(VendorFace):
    """APNs for one team. Its memory of tokens is that of one connection."""

    adapter = "apns.push"
    hosts = ("api.push.apple.com", "api.sandbox.push.apple.com", "api.development.push.apple.com")

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._public_key: Any = None
        self._checked: dict[str, str | int] = {}
        self._newest: int | None = None

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if request.method != "POST":
            return _refuse(405, "MethodNotAllowed")
        send = _SEND.fullmatch(request.url.raw_path)
        if send is None:
            return _refuse(404, "BadPath")
        if wrong := self._provider(request.headers.get("authorization", ""), now):
            return wrong
        headers = request.headers
        if wrong := self._violation(request, headers):
            return wrong
        if fault is not None:
            return _fail(fault, now)
        token, body = unquote(send.group(1).decode()), document(request) or {}
        vendor_id = headers.get("apns-id") or str(UUID(new_id.hex(token, now.isoformat())))
        alert = body["aps"].get("alert", {})
        text = alert if isinstance(alert, str) else "\n".join(filter(None, (alert.get("title"), alert.get("body"))))
        data = {key: value for key, value in body.items() if key != "aps"}
        taken = Taken(vendor_id, token, "push", text, links_in(text, *map(str, data.values())), data={"data": data})
        return FaceReply(200, b"", {"apns-id": vendor_id}, (taken,))

    def _provider(self, authorization: str, now: datetime) -> FaceReply | None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return _refuse(403, "MissingProviderToken")
        if token not in self._checked:
            self._checked[token] = self._issued(token)
        issued = self._checked[token]
        if isinstance(issued, str):
            return _refuse(403, issued)
        age_s = now.timestamp() - issued
        if age_s > 3600 or age_s < -60:
            return _refuse(403, "ExpiredProviderToken")
        if self._newest is not None and 0 < issued - self._newest < 1200:
            return _refuse(429, "TooManyProviderTokenUpdates")
        self._newest = max(issued, self._newest or issued)
        return None

    def _issued(self, token: str) -> int | str:
        """The instant of a token that is ours, in seconds; else the reason of the refusal."""
        import jwt

        unchecked: Any = {"verify_iat": False, "verify_exp": False}  # they would use the machine's clock
        try:
            claims = jwt.decode(token, self._key(), algorithms=["ES256"], options=unchecked)
            header = jwt.get_unverified_header(token)
            issued = int(claims["iat"])
        except (jwt.PyJWTError, KeyError, ValueError, TypeError):
            return "InvalidProviderToken"
        if header.get("kid") != self.config["key_id"] or claims.get("iss") != self.config["team_id"]:
            return "InvalidProviderToken"
        return issued

    def _key(self) -> Any:
        if self._public_key is None:
            from cryptography.hazmat.primitives.serialization import load_pem_private_key

            pem = str(self.config["private_key"]).replace("\\n", "\n").encode()
            self._public_key = load_pem_private_key(pem, password=None).public_key()
        return self._public_key

    def _violation(self, request: httpx.Request, headers: httpx.Headers) -> FaceReply | None:
        """The first thing that APNs would refuse."""
        topic, kind = headers.get("apns-topic"), headers.get("apns-push-type", "alert")
        if not topic:
            return _refuse(400, "MissingTopic")
        if topic.removesuffix(f".{kind}") != self.config["topic"]:
            return _refuse(400, "TopicDisallowed")
        if kind not in _TYPES:
            return _refuse(400, "InvalidPushType")
        if headers.get("apns-priority", "10") not in (("5", "1") if kind == "background" else ("10", "5", "1")):
            return _refuse(400, "BadPriority")
        if not headers.get("apns-expiration", "0").isdigit():
            return _refuse(400, "BadExpirationDate")
        if len(headers.get("apns-collapse-id", "").encode()) > 64:
            return _refuse(400, "BadCollapseId")
        try:
            UUID(headers.get("apns-id", "00000000-0000-0000-0000-000000000000"))
        except ValueError:
            return _refuse(400, "BadMessageId")
        if len(request.content) > (5120 if kind == "voip" else 4096):
            return _refuse(413, "PayloadTooLarge")
        body = document(request)
        if not body or not isinstance(body.get("aps"), dict):
            return _refuse(400, "PayloadEmpty")
        return None


def _fail(fault: Fault, now: datetime) -> FaceReply:
    if fault.kind is ErrorKind.UNCERTAIN:
        return FaceReply(504, b"", {})
    status, reason = _REFUSALS.get(fault.kind, (400, "BadPriority"))
    more = {"timestamp": int(now.timestamp() * 1000)} if status == 410 else {}
    return answer({"reason": fault.code or reason, **more}, status, headers=waiting(fault))


def _refuse(status: int, reason: str) -> FaceReply:
    return FaceReply(status, json.dumps({"reason": reason}).encode())
