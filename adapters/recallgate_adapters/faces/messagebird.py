"""The face of MessageBird's classic REST API: takes one text for many people, and reports on each in a signed address.

Source: messagebird 2.2.0, read 2026-11-22.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._sms import NUMBER, e164, links_in
from recallgate_adapters.faces._wire import answer, document, gateway_fault, waiting

_STATUS = {
    EventType.ACCEPTED: "buffered",
    EventType.SENT: "sent",
    EventType.DELIVERED: "delivered",
    EventType.EXPIRED: "expired",
    EventType.UNDELIVERED: "delivery_failed",
}
_FAULTS = {
    ErrorKind.AUTH: (401, 2, "Request not allowed (incorrect access_key)", "access_key"),
    ErrorKind.INVALID_RECIPIENT: (422, 9, "no (correct) recipients found", "recipients"),
    ErrorKind.INVALID_SENDER: (422, 9, "originator is invalid", "originator"),
    ErrorKind.INSUFFICIENT_FUNDS: (402, 25, "Not enough balance", None),
    ErrorKind.TEMPORARY: (500, 99, "Internal error", None),
    ErrorKind.RATE_LIMITED: (429, 429, "Too many requests", None),
    ErrorKind.PAYLOAD_TOO_LARGE: (413, 413, "Too large", None),
}
_OTHER_FAULT = (422, 10, "Invalid parameter", "body")


class MessagebirdSmsFace(VendorFace):
    """/messages of one account; remembers every message and how it stands with each recipient."""

    adapter = "messagebird.sms"
    hosts = ("rest.messagebird.com",)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._made: dict[str, dict[str, Any]] = {}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        _, found, rest = request.url.path.partition("/messages")
        if request.headers.get("authorization") != f"AccessKey {self.config['access_key']}":
            return _refused(*_FAULTS[ErrorKind.AUTH])
        if fault is not None:
            status, code, words, parameter = _FAULTS.get(fault.kind, _OTHER_FAULT)
            told = _refused(status, int(fault.code or code), words, parameter, headers=waiting(fault))
            return gateway_fault(fault) or told
        if request.method == "GET" and rest.removeprefix("/") in self._made:
            return answer(self._made[rest.removeprefix("/")])
        if request.method != "POST" or rest or not found:
            return _refused(404, 20, "message not found", None)
        wanted = document(request) or {}
        for name in ("originator", "body"):
            if not wanted.get(name):
                return _refused(422, 9, f"no (correct) {name} found", name)
        numbers = str(wanted.get("recipients") or "").split(",")
        if not all(NUMBER.fullmatch(number) for number in numbers):
            return _refused(*_FAULTS[ErrorKind.INVALID_RECIPIENT])
        return self._take(wanted, numbers, now, new_id)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        status = _STATUS.get(news.type)
        if status is None:
            return ()
        made, number = self._made[taken.data["id"]], taken.recipient.removeprefix("+")
        for item in made["recipients"]["items"]:
            if item["recipient"] == number:
                item |= {"status": status, "statusDatetime": _stamp(news.at)}
        if taken.callback_url is None:
            return ()
        fields = {"id": made["id"], "recipient": number, "status": status, "statusDatetime": _stamp(news.at)}
        if made.get("reference"):
            fields["reference"] = made["reference"]
        if status == "delivery_failed":
            fields["statusReason"] = "carrier rejected"
        url = f"{taken.callback_url}{'&' if '?' in taken.callback_url else '?'}{urlencode(fields)}"
        return (self._signed(url, news.at, nonce),)

    def _take(self, wanted: Mapping[str, Any], numbers: Sequence[str], now: datetime, new_id: IdSource) -> FaceReply:
        made_id = new_id.hex("message", now.isoformat(), json.dumps(wanted, sort_keys=True))
        items = [{"recipient": number.removeprefix("+"), "status": "sent", "statusDatetime": _stamp(now)} for number in numbers]
        self._made[made_id] = {
            "id": made_id,
            "href": f"https://rest.messagebird.com/messages/{made_id}",
            "direction": "mt",
            "type": "sms",
            "originator": wanted["originator"],
            "body": wanted["body"],
            "reference": wanted.get("reference"),
            "createdDatetime": _stamp(now),
            "recipients": {"totalCount": len(items), "totalSentCount": len(items), "totalDeliveredCount": 0, "items": items},
        }
        taken = [
            Taken(
                vendor_id=f"{made_id}:{item['recipient']}",
                recipient=e164(item["recipient"]),
                channel="sms",
                text=wanted["body"],
                links=links_in(wanted["body"]),
                callback_url=wanted.get("reportUrl"),
                data={"from": wanted["originator"], "id": made_id},
            )
            for item in items
        ]
        return answer(self._made[made_id], 201, taken=taken)

    def _signed(self, url: str, at: datetime, nonce: str) -> Callback:
        headers = {}
        if key := self.config.get("signing_key"):
            began = int(at.timestamp())
            claims = {"iss": "MessageBird", "nbf": began, "exp": began + 60, "jti": nonce}
            claims["url_hash"] = hashlib.sha256(url.encode()).hexdigest()
            text = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
            digest = hmac.new(str(key).encode(), text.encode(), hashlib.sha256).digest()
            headers["messagebird-signature-jwt"] = f"{text}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
        return Callback("GET", url, httpx.Headers(headers), b"", at)


def _part(value: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds")


def _refused(status: int, code: int, words: str, parameter: str | None, *, headers: Mapping[str, str] | None = None) -> FaceReply:
    return answer({"errors": [{"code": code, "description": words, "parameter": parameter}]}, status, headers=headers)
