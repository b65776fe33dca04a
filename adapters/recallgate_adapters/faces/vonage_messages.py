"""The face of Vonage's messages API: takes texts, and reports on them with signed tokens.

Source: vonage-messages 1.8.1 and "Messages API status callbacks", vendor documents, read 2026-11-22.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, WorldEvent
from recallgate_adapters.faces._sms import NUMBER, basic, e164, links_in
from recallgate_adapters.faces._wire import answer, document, gateway_fault, waiting
from recallgate_adapters.faces.vonage_voice import VonageVoiceFace, problem

_STATUS = {
    EventType.SENT: "submitted",
    EventType.DELIVERED: "delivered",
    EventType.READ: "read",
    EventType.UNDELIVERED: "undeliverable",
    EventType.EXPIRED: "expired",
    EventType.CANCELLED: "rejected",
}
_FAULTS = {
    ErrorKind.AUTH: (401, "unauthorized", "Unauthorized"),
    ErrorKind.INSUFFICIENT_FUNDS: (402, "low-balance", "Low balance"),
    ErrorKind.RATE_LIMITED: (429, "throttled", "Rate limit"),
}
_OTHER_FAULT = (422, "1150", "Invalid params")


class VonageMessagesFace(VonageVoiceFace):
    """/v1/messages of one application or account."""

    adapter = "vonage.messages"

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if request.method != "POST" or not request.url.path.endswith("/v1/messages"):
            return problem(404, "not-found", "Not found")
        key, secret = self.config.get("api_key"), self.config.get("api_secret")
        if not (basic(request, key, str(secret)) if key else self.signed_in(request, now)):
            return problem(401, "unauthorized", "Unauthorized")
        if fault is not None:
            status, code, title = _FAULTS.get(fault.kind, _OTHER_FAULT)
            return gateway_fault(fault) or problem(status, fault.code or code, title, headers=waiting(fault))
        wanted = document(request) or {}
        number, text = str(wanted.get("to") or ""), str(wanted.get("text") or "")
        kinds = (wanted.get("channel"), wanted.get("message_type"))
        whole = NUMBER.fullmatch(number) and not number.startswith("+") and wanted.get("from") and kinds == ("sms", "text")
        if not whole or not 1 <= len(text) <= 3200 or not 20 <= wanted.get("ttl", 20) <= 604_800:
            return problem(422, "1150", "Invalid params")
        uuid = new_id.hex("message", now.isoformat(), request.content.decode())
        uuid = f"{uuid[:8]}-{uuid[8:12]}-4{uuid[13:16]}-8{uuid[17:20]}-{uuid[20:]}"
        taken = Taken(
            vendor_id=uuid,
            recipient=e164(number),
            channel="sms",
            text=text,
            links=links_in(text),
            callback_url=wanted.get("webhook_url"),
            data={"from": wanted["from"], "client_ref": wanted.get("client_ref", "")},
        )
        return answer({"message_uuid": uuid}, 202, taken=(taken,))

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        status = _STATUS.get(news.type)
        if status is None or taken.callback_url is None:
            return ()
        told = {
            "message_uuid": taken.vendor_id,
            "to": taken.recipient.removeprefix("+"),
            "from": taken.data["from"],
            "timestamp": news.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            "status": status,
            "channel": "sms",
            "client_ref": taken.data["client_ref"],
        }
        if status == "undeliverable":
            kind = "https://developer.vonage.com/api-errors/messages#1260"
            told["error"] = {"type": kind, "title": "1260", "detail": "Destination unreachable"}
        elif status == "delivered":
            told |= {"usage": {"currency": "EUR", "price": "0.0333"}, "destination": {"network_code": "12345"}}
        return (self.signed(taken.callback_url, told, news.at, nonce),)
