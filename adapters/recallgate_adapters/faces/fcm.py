"""FCM as its clients see it: the token endpoint that checks the RS256 assertion, and messages:send.

Source: "FCM HTTP v1 ErrorCode" and "FCM error codes", vendor reference, read 2026-11-22.
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx

from recallgate import ErrorKind, FaceReply, Fault, IdSource, Taken, VendorFace

_AUDIENCE = "https://oauth2.googleapis.com/token"
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_SEND = re.compile(r"/v1/projects/([^/]+)/messages:send")
_LINK = re.compile(r"https?://[^\s\"'<>]+")
_TTL = re.compile(r"(\d{1,7})(\.\d+)?s")
_TARGETS = ("token", "fid", "topic", "condition")
_FIELDS = {*_TARGETS, "name", "data", "notification", "android", "webpush", "apns", "fcm_options"}
_LIFE_S = 3599

# kind -> HTTP status, google.rpc status, FCM error code (None: no FcmError detail)
_REFUSALS: Mapping[ErrorKind, tuple[int, str, str | None]] = {
    ErrorKind.INVALID_RECIPIENT: (400, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
    ErrorKind.UNREGISTERED_TOKEN: (404, "NOT_FOUND", "UNREGISTERED"),
    ErrorKind.RATE_LIMITED: (429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"),
    ErrorKind.UNAVAILABLE: (503, "UNAVAILABLE", "UNAVAILABLE"),
    ErrorKind.TEMPORARY: (500, "INTERNAL", "INTERNAL"),
    ErrorKind.UNCERTAIN: (504, "DEADLINE_EXCEEDED", None),
    ErrorKind.AUTH: (401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"),
    ErrorKind.INVALID_SENDER: (403, "PERMISSION_DENIED", None),
}


class FcmFace(VendorFace):
    """FCM and Google's token endpoint for one service account."""

    adapter = "fcm.push"
    hosts = ("fcm.googleapis.com", "oauth2.googleapis.com")

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._tokens: dict[str, datetime] = {}
        self._public_key: Any = None

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        path = request.url.path
        if request.method == "POST" and path.endswith("/token"):
            return self._grant(request, now, new_id)
        send = _SEND.fullmatch(path)
        if request.method != "POST" or send is None:
            return _refuse(404, "NOT_FOUND", "Requested entity was not found.")
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or self._tokens.get(token, now) <= now:
            return _refuse(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
        if unquote(send.group(1)) != self.config["project_id"]:
            return _refuse(403, "PERMISSION_DENIED", "Permission 'cloudmessaging.messages.create' denied.")
        return self._send(request, now, new_id, fault)

    def _send(self, request: httpx.Request, now: datetime, new_id: IdSource, fault: Fault | None) -> FaceReply:
        try:
            body = json.loads(request.content)
            message = body["message"]
            wrong = _violation(message)
        except (ValueError, KeyError, TypeError, AttributeError):
            return _bad_request("message", "Invalid JSON payload received.")
        if wrong:
            return _bad_request(*wrong)
        if fault is not None:
            return _fail(fault)
        token = next(message[name] for name in _TARGETS if name in message)
        mark = new_id.hex(token, now.isoformat(), request.content.decode())
        vendor_id = f"0:{int(now.timestamp() * 1_000_000)}%{mark[:16]}"
        answer = {"name": f"projects/{self.config['project_id']}/messages/{vendor_id}"}
        if body.get("validate_only"):
            return FaceReply(200, json.dumps(answer).encode())
        notification, data = message.get("notification", {}), message.get("data", {})
        text = "\n".join(filter(None, (notification.get("title"), notification.get("body"))))
        links = dict.fromkeys(_LINK.findall(" ".join((text, *data.values()))))
        taken = Taken(vendor_id, token, "push", text, tuple(links), data={"data": data})
        return FaceReply(200, json.dumps(answer).encode(), taken=(taken,))

    def _grant(self, request: httpx.Request, now: datetime, new_id: IdSource) -> FaceReply:
        import jwt

        form = {name: values[0] for name, values in parse_qs(request.content.decode("utf-8", "replace")).items()}
        if form.get("grant_type") != _GRANT:
            return _oauth("unsupported_grant_type", "Invalid grant_type")
        unchecked: Any = {"verify_exp": False, "verify_iat": False, "verify_nbf": False}  # they would use the machine's clock
        try:
            claims = jwt.decode(
                form.get("assertion", ""), self._key(), algorithms=["RS256"], audience=_AUDIENCE, options=unchecked
            )
            issued, ends = int(claims["iat"]), int(claims["exp"])
        except (jwt.PyJWTError, KeyError, ValueError, TypeError):
            return _oauth("invalid_grant", "Invalid JWT Signature.")
        if claims.get("iss") != self.config["client_email"]:
            return _oauth("invalid_grant", "Invalid grant: account not found")
        at = now.timestamp()
        if ends - issued > 3600 or not issued - 300 <= at < ends:
            return _oauth("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes)")
        if "https://www.googleapis.com/auth/firebase.messaging" not in str(claims.get("scope", "")).split():
            return _oauth("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        token = f"ya29.{new_id.hex('token', now.isoformat(), length=40)}"
        self._tokens[token] = now + timedelta(seconds=_LIFE_S)
        body = {"access_token": token, "expires_in": _LIFE_S, "token_type": "Bearer"}
        return FaceReply(200, json.dumps(body).encode())

    def _key(self) -> Any:
        if self._public_key is None:
            from cryptography.hazmat.primitives.serialization import load_pem_private_key

            pem = str(self.config["private_key"]).replace("\\n", "\n").encode()
            self._public_key = load_pem_private_key(pem, password=None).public_key()
        return self._public_key


def _violation(message: dict[str, Any]) -> tuple[str, str] | None:
    """The first field that FCM would refuse, and why."""
    if unknown := sorted(set(message) - _FIELDS):
        return f"message.{unknown[0]}", f"Unknown name \"{unknown[0]}\" at 'message': Cannot find field."
    if sum(name in message for name in _TARGETS) != 1:
        return "message", "Recipient of the message is not set or is set more than once."
    data = message.get("data", {})
    for key, value in data.items():
        if not isinstance(value, str):
            return "message.data", f"Invalid value at 'message.data[{key}]' (TYPE_STRING)"
        if key == "from" or key.startswith(("gcm.", "google.")):
            return "message.data", f"Invalid data payload key: {key}"
    android = message.get("android", {})
    ttl = android.get("ttl")
    if ttl is not None and (not (held := _TTL.fullmatch(ttl)) or int(held.group(1)) > 2_419_200):
        return "message.android.ttl", "Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration)"
    if android.get("priority", "high") not in ("normal", "high", "NORMAL", "HIGH"):
        return "message.android.priority", "Invalid value at 'message.android.priority'"
    reaching = (message.get("notification"), data, message.get("apns", {}).get("payload"))
    if sum(len(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()) for part in reaching if part) > 4096:
        return "message", "Message is too big: at most 4096 bytes."
    return None


def _fail(fault: Fault) -> FaceReply:
    if fault.kind is ErrorKind.PAYLOAD_TOO_LARGE:
        return _bad_request("message", "Message is too big: at most 4096 bytes.")
    http, status, code = _REFUSALS.get(fault.kind, (400, "INVALID_ARGUMENT", "UNSPECIFIED_ERROR"))
    headers = {"content-type": "application/json"}
    if fault.retry_after_s is not None:
        headers["retry-after"] = str(fault.retry_after_s)
    text = "The registration token is not a valid FCM registration token" if code == "INVALID_ARGUMENT" else "refused"
    return _refuse(http, status, text, code=fault.code or code, headers=headers)


def _bad_request(field: str, description: str) -> FaceReply:
    detail = {
        "@type": "type.googleapis.com/google.rpc.BadRequest",
        "fieldViolations": [{"field": field, "description": description}],
    }
    body = {"error": {"code": 400, "message": description, "status": "INVALID_ARGUMENT", "details": [detail]}}
    return FaceReply(400, json.dumps(body).encode())


def _refuse(http: int, status: str, text: str, *, code: str | None = None, headers: Mapping[str, str] | None = None) -> FaceReply:
    error: dict[str, Any] = {"code": http, "message": text, "status": status}
    if code:
        error["details"] = [{"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}]
    return FaceReply(http, json.dumps({"error": error}).encode(), headers or {"content-type": "application/json"})


def _oauth(error: str, description: str) -> FaceReply:
    return FaceReply(400, json.dumps({"error": error, "error_description": description}).encode())
