"""The face of Plivo's message API: takes one text for many people, reports on each, and signs its callbacks.

Source: plivo 4.63.0 and "Message status callbacks", vendor documents, read 2026-11-22.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._sms import NUMBER, basic, e164, links_in, segments
from recallgate_adapters.faces._wire import answer, document, gateway_fault, waiting

_STATUS = {
    EventType.ACCEPTED: "queued",
    EventType.SENT: "sent",
    EventType.DELIVERED: "delivered",
    EventType.READ: "read",
    EventType.UNDELIVERED: "undelivered",
    EventType.EXPIRED: "failed",
    EventType.CANCELLED: "failed",
}
_REPORT_CODE = {
    ErrorKind.TEMPORARY: "20",
    ErrorKind.BLOCKED_CONTENT: "30",
    ErrorKind.INVALID_SENDER: "40",
    ErrorKind.INVALID_RECIPIENT: "50",
    ErrorKind.UNREACHABLE: "80",
    ErrorKind.UNSUPPORTED_REGION: "90",
    ErrorKind.OPTED_OUT: "200",
    ErrorKind.INSUFFICIENT_FUNDS: "900",
}
_FAULTS = {
    ErrorKind.AUTH: (401, "authentication failed"),
    ErrorKind.INSUFFICIENT_FUNDS: (402, "insufficient balance"),
    ErrorKind.UNSUPPORTED_REGION: (403, "Permission to send to this region has not been enabled"),
    ErrorKind.PAYLOAD_TOO_LARGE: (413, "request entity too large"),
    ErrorKind.RATE_LIMITED: (429, "rate limit exceeded"),
}
_OTHER_FAULT = (400, "invalid parameter")


class PlivoSmsFace(VendorFace):
    """Message/ of one account; remembers what became of each message."""

    adapter = "plivo.sms"
    hosts = ("api.plivo.com",)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._news: dict[str, dict[str, Any]] = {}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        account, _, rest = request.url.path.partition("/Account/")[2].partition("/Message/")
        if not basic(request, self.config["auth_id"], self.config["auth_token"]) or account != self.config["auth_id"]:
            return _refused(401, "authentication failed")
        if fault is not None:
            status, words = _FAULTS.get(fault.kind, _OTHER_FAULT)
            return gateway_fault(fault) or _refused(status, words, headers=waiting(fault))
        if request.method == "GET":
            uuid = rest.strip("/")
            return answer({"api_id": "a-1", **self._news[uuid]}) if uuid in self._news else _refused(404, "not found")
        if request.method != "POST" or rest:
            return _refused(405, "method not allowed")
        wanted = document(request) or {}
        if words := _fault_of(wanted):
            return _refused(400, words)
        return self._take(wanted, now, new_id)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        status = _STATUS.get(news.type)
        if status is None:
            return ()
        code = "000"
        if status in ("undelivered", "failed"):
            code = "420" if news.type is EventType.EXPIRED else _REPORT_CODE.get(news.kind or ErrorKind.UNKNOWN, "10")
        self._news[taken.vendor_id] |= {"message_state": status, "error_code": code}
        if taken.callback_url is None:
            return ()
        fields = {
            "MessageUUID": taken.vendor_id,
            "ParentMessageUUID": taken.vendor_id,
            "To": taken.recipient.removeprefix("+"),
            "From": taken.data["from"],
            "Type": "sms",
            "Status": status,
            "ErrorCode": code,
            "Units": str(segments(taken.text)),
            "TotalRate": "0.00350",
            "TotalAmount": "0.00350",
            "Sequence": "1",
            "SentTime": news.at.strftime("%Y-%m-%d %H:%M:%S"),
        }
        return (self._signed(taken.callback_url, fields, news.at, nonce),)

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        fields = {
            "From": sender.removeprefix("+"),
            "To": recipient.removeprefix("+"),
            "Text": text,
            "Type": "sms",
            "MessageUUID": hashlib.sha256(f"{nonce}:{sender}:{text}".encode()).hexdigest()[:32],
        }
        return (self._signed(url, fields, at, nonce),)

    def _take(self, wanted: Mapping[str, Any], now: datetime, new_id: IdSource) -> FaceReply:
        text, numbers = wanted["text"], wanted["dst"].split("<")
        ids = [new_id.hex(number, str(at), now.isoformat(), text) for at, number in enumerate(numbers)]
        for uuid in ids:
            self._news[uuid] = {"message_uuid": uuid, "message_state": "queued", "units": segments(text), "total_rate": "0.00350"}
        taken = [
            Taken(
                vendor_id=uuid,
                recipient=e164(number),
                channel="sms",
                text=text,
                links=links_in(text),
                callback_url=wanted.get("url"),
                data={"from": str(wanted.get("src") or wanted.get("powerpack_uuid")).removeprefix("+")},
            )
            for uuid, number in zip(ids, numbers, strict=True)
        ]
        return answer({"api_id": "a-1", "message": "message(s) queued", "message_uuid": ids}, 202, taken=taken)

    def _signed(self, url: str, fields: Mapping[str, str], at: datetime, nonce: str) -> Callback:
        address, _, _ = url.partition("?")
        query = "&".join("=".join(pair) for pair in sorted(parse_qsl(urlsplit(url).query, keep_blank_values=True)))
        told = "".join(name + value for name, value in sorted(fields.items()))
        text = f"{address}?{query}{'.' if query else ''}{told}.{nonce}"
        digest = hmac.new(self.config["auth_token"].encode(), text.encode(), hashlib.sha256).digest()
        headers = {
            "content-type": "application/x-www-form-urlencoded",
            "x-plivo-signature-v3": base64.b64encode(digest).decode(),
            "x-plivo-signature-v3-nonce": nonce,
        }
        return Callback("POST", url, httpx.Headers(headers), urlencode(fields).encode(), at)


def _fault_of(wanted: Mapping[str, Any]) -> str:
    if bool(wanted.get("src")) == bool(wanted.get("powerpack_uuid")):
        return "src or powerpack_uuid is needed, and not both"
    if not wanted.get("text"):
        return "text parameter not present"
    numbers = str(wanted.get("dst") or "").split("<")
    if not all(NUMBER.fullmatch(number) for number in numbers):
        return "dst parameter not present or invalid"
    if wanted.get("src") in numbers:
        return "destination number cannot be same as source number"
    return ""


def _refused(status: int, words: str, *, headers: Mapping[str, str] | None = None) -> FaceReply:
    return answer({"api_id": "a-1", "error": words}, status, headers=headers)
