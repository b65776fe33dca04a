"""Acme's side of the wire: what the vendor answers and reports, written from its documents."""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import httpx

from recallgate import (
    Callback,
    ErrorKind,
    EventType,
    FaceReply,
    Fault,
    IdSource,
    Taken,
    VendorFace,
    WorldEvent,
)

_LINK = re.compile(r"https?://\S+")
_STATUS = {
    EventType.SENT: "SENT",
    EventType.DELIVERED: "DELIVRD",
    EventType.UNDELIVERED: "UNDELIV",
    EventType.EXPIRED: "EXPIRED",
}
_CODES = {
    ErrorKind.AUTH: (401, "2001"),
    ErrorKind.INVALID_RECIPIENT: (400, "2003"),
    ErrorKind.OPTED_OUT: (400, "2007"),
    ErrorKind.BLOCKED_CONTENT: (400, "2010"),
    ErrorKind.INSUFFICIENT_FUNDS: (402, "2020"),
    ErrorKind.RATE_LIMITED: (200, "4290"),
}
_REPORT_CODES = {ErrorKind.UNREACHABLE: "30003", ErrorKind.INVALID_RECIPIENT: "30005"}


class AcmeSmsFace(VendorFace):
    """The vendor of one account."""

    adapter = "acme.sms"
    hosts = ("api.acme.example",)

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if (request.method, request.url.path) != ("POST", "/v2/messages"):
            return _reply(404, {"code": "4040"})
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(token.encode(), str(self.config["token"]).encode()):
            return _reply(401, {"code": "2001"})
        if fault is not None:
            return _refusal(fault)
        asked = json.loads(request.content)
        identity = f"acme-{new_id.hex(asked['reference'], length=16)}"
        taken = Taken(
            vendor_id=identity,
            recipient=asked["to"],
            channel="sms",
            text=asked["text"],
            links=tuple(_LINK.findall(asked["text"])),
            callback_url=asked.get("callback"),
        )
        return FaceReply(202, json.dumps({"code": "0", "id": identity, "parts": 1}).encode(), taken=(taken,))

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        status = _STATUS.get(news.type)
        if status is None or taken.callback_url is None:
            return ()
        told: dict[str, object] = {"id": taken.vendor_id, "status": status}
        if news.type is EventType.DELIVERED:
            told["delivered_at"] = int(news.at.timestamp())
        elif news.kind is not None:
            told["error"] = _REPORT_CODES.get(news.kind, "30008")
        body = json.dumps(told).encode()
        key = str(self.config["signing_key"]).encode()
        signed = hmac.new(key, taken.callback_url.encode() + b"\n" + body, hashlib.sha256).hexdigest()
        headers = httpx.Headers({"content-type": "application/json", "x-acme-signature": signed})
        return (Callback("POST", taken.callback_url, headers, body, news.at),)


def _refusal(fault: Fault) -> FaceReply:
    status, code = _CODES.get(fault.kind, (503 if fault.kind in (ErrorKind.UNAVAILABLE, ErrorKind.TEMPORARY) else 400, "9999"))
    reply = _reply(status, {"code": fault.code or code})
    if fault.retry_after_s is None:
        return reply
    return FaceReply(reply.status, reply.body, {**reply.headers, "retry-after": str(fault.retry_after_s)})


def _reply(status: int, body: Mapping[str, object]) -> FaceReply:
    return FaceReply(status, json.dumps(body).encode())
