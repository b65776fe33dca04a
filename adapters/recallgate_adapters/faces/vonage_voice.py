"""The face of Vonage's call API: speaks the NCCO, hears the keys, and tells how the call went, with signed tokens.

Source: vonage-voice 1.5.1, vonage-jwt 1.1.5 and "Voice API webhooks", vendor documents, read 2026-11-22.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._sms import NUMBER, e164, links_in
from recallgate_adapters.faces._wire import answer, document, gateway_fault, waiting

_STATUS = {
    EventType.ACCEPTED: "started",
    EventType.SENT: "ringing",
    EventType.ANSWERED: "answered",
    EventType.DELIVERED: "completed",
    EventType.MACHINE: "machine",
    EventType.NO_ANSWER: "unanswered",
    EventType.BUSY: "busy",
    EventType.UNDELIVERED: "failed",
    EventType.EXPIRED: "cancelled",
    EventType.CANCELLED: "cancelled",
}
_FAULTS = {
    ErrorKind.AUTH: (401, "unauthorized", "Unauthorized"),
    ErrorKind.INSUFFICIENT_FUNDS: (402, "low-balance", "Low balance"),
    ErrorKind.RATE_LIMITED: (429, "throttled", "Rate limit"),
}
_OTHER_FAULT = (400, "bad-request", "Bad request")
_OFFERED = re.compile(r"(?:press|push|dial|按)\s*(?:键\s*)?([0-9*#])(?![0-9])", re.IGNORECASE)
_LONGEST_TALK = 1500


class VonageVoiceFace(VendorFace):
    """/v1/calls of one application; remembers how each call stands."""

    adapter = "vonage.voice"
    hosts = ("api.nexmo.com",)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._news: dict[str, str] = {}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        _, _, rest = request.url.path.partition("/v1/calls")
        if not request.url.path.endswith(f"/v1/calls{rest}") or rest.count("/") > 1:
            return problem(404, "not-found", "Not found")
        if not self.signed_in(request, now):
            return problem(401, "unauthorized", "Unauthorized")
        if fault is not None:
            status, code, title = _FAULTS.get(fault.kind, _OTHER_FAULT)
            return gateway_fault(fault) or problem(status, fault.code or code, title, headers=waiting(fault))
        uuid = rest.removeprefix("/")
        if request.method == "GET":
            if uuid not in self._news:
                return problem(404, "not-found", "Not found")
            return answer({"uuid": uuid, "status": self._news[uuid], "direction": "outbound"})
        return self._take(request, now, new_id)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        call = {
            "uuid": taken.vendor_id,
            "conversation_uuid": taken.data["conversation"],
            "from": taken.data["from"],
            "to": taken.recipient.removeprefix("+"),
            "timestamp": news.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        }
        if news.type is EventType.KEY_PRESSED and news.key is not None and news.key in taken.keys:
            pressed = {**call, "dtmf": {"digits": news.key, "timed_out": False}}
            return (self.signed(taken.keys[news.key], pressed, news.at, nonce),)
        status = _STATUS.get(news.type)
        if status is None:
            return ()
        if status == "machine" and not taken.data["detection"]:
            status = "completed"
        self._news[taken.vendor_id] = status
        if taken.callback_url is None:
            return ()
        told = {**call, "status": status, "direction": "outbound", **({"duration": "20"} if status == "completed" else {})}
        return (self.signed(taken.callback_url, told, news.at, nonce),)

    def _take(self, request: httpx.Request, now: datetime, new_id: IdSource) -> FaceReply:
        call = document(request)
        fault = _fault_of(call) if call is not None else "the body is not a JSON object"
        if call is None or fault:
            return problem(400, "bad-request", fault)
        uuid = new_id.hex("call", now.isoformat(), request.content.decode())
        uuid = f"{uuid[:8]}-{uuid[8:12]}-4{uuid[13:16]}-8{uuid[17:20]}-{uuid[20:]}"
        said = " ".join(action["text"] for action in call["ncco"] if action["action"] == "talk")
        heard_at = [action["eventUrl"][0] for action in call["ncco"] if action["action"] == "input"]
        self._news[uuid] = "started"
        taken = Taken(
            vendor_id=uuid,
            recipient=e164(call["to"][0]["number"]),
            channel="voice",
            text=said,
            links=links_in(said),
            callback_url=(call.get("event_url") or [None])[0],
            keys=dict.fromkeys(dict.fromkeys(_OFFERED.findall(said) or "0123456789"), heard_at[0]) if heard_at else {},
            data={
                "from": (call.get("from") or {}).get("number", ""),
                "conversation": f"CON-{uuid}",
                "detection": call.get("machine_detection", ""),
            },
        )
        made = {"uuid": uuid, "status": "started", "direction": "outbound", "conversation_uuid": f"CON-{uuid}"}
        return answer(made, 201, taken=(taken,))

    def signed_in(self, request: httpx.Request, now: datetime) -> bool:
        """True when the application's key has signed the request's token, and it has not ended."""
        import jwt

        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = jwt.decode(token, self._public_key, algorithms=["RS256"], options={"verify_exp": False, "verify_iat": False})
        except jwt.PyJWTError:
            return False
        return bool(claims.get("application_id") == self.config["application_id"] and claims.get("exp", 0) > now.timestamp())

    @cached_property
    def _public_key(self) -> Any:
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        return load_pem_private_key(str(self.config["private_key"]).replace("\\n", "\n").encode(), password=None).public_key()

    def signed(self, url: str, told: Mapping[str, Any], at: datetime, nonce: str) -> Callback:
        """The vendor's POST of this object, with a token that signs it where the account has a signature secret."""
        body = json.dumps(told).encode()
        headers = {"content-type": "application/json"}
        if secret := self.config.get("signature_secret"):
            claims = {
                "iat": int(at.timestamp()),
                "jti": nonce,
                "iss": "Vonage",
                "payload_hash": hashlib.sha256(body).hexdigest(),
                "application_id": self.config.get("application_id"),
            }
            text = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
            digest = hmac.new(str(secret).encode(), text.encode(), hashlib.sha256).digest()
            headers["authorization"] = f"Bearer {text}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
        return Callback("POST", url, httpx.Headers(headers), body, at)


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _fault_of(call: Mapping[str, Any]) -> str:
    """What is wrong with a call, or nothing."""
    called, ncco = call.get("to"), call.get("ncco")
    if not isinstance(called, list) or not called or not NUMBER.fullmatch(str(called[0].get("number"))):
        return "to: a number is needed"
    if not call.get("from") and not call.get("random_from_number"):
        return "from or random_from_number is needed"
    if not isinstance(ncco, list) or not ncco or any(not isinstance(action, dict) for action in ncco):
        return "ncco or answer_url is needed"
    if any(len(action.get("text", "")) > _LONGEST_TALK for action in ncco):
        return "ncco: a text is too long"
    if any(not 0 <= action.get("dtmf", {}).get("timeOut", 0) <= 10 for action in ncco):
        return "ncco: timeOut is out of range"
    if not 1 <= call.get("ringing_timer", 60) <= 120:
        return "ringing_timer is out of range"
    return ""


def problem(status: int, code: str, title: str, *, headers: Mapping[str, str] | None = None) -> FaceReply:
    """The vendor's problem document."""
    body = {"type": f"https://developer.vonage.com/api-errors#{code}", "title": title, "detail": title, "instance": "b8f1"}
    return answer(body, status, headers=headers)
