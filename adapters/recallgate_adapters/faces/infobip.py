"""The face of Infobip's SMS API: takes messages under the caller's ids, once each, reports on them, and keeps a log.

Source: infobip-api-python-client 6.0.0 and "Message status codes", vendor documents, read 2026-11-22.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._sms import NUMBER, e164, links_in, segments
from recallgate_adapters.faces._wire import answer, document, gateway_fault, waiting

_Status = tuple[int, str, int, str]
_STATUS: dict[EventType, _Status] = {
    EventType.ACCEPTED: (1, "PENDING", 26, "PENDING_ACCEPTED"),
    EventType.SENT: (1, "PENDING", 7, "PENDING_ENROUTE"),
    EventType.DELIVERED: (3, "DELIVERED", 5, "DELIVERED_TO_HANDSET"),
    EventType.EXPIRED: (4, "EXPIRED", 15, "EXPIRED_EXPIRED"),
    EventType.CANCELLED: (5, "REJECTED", 98, "CANCELLED"),
    EventType.UNDELIVERED: (2, "UNDELIVERABLE", 9, "UNDELIVERABLE_NOT_DELIVERED"),
}
_REJECTED: dict[ErrorKind, tuple[int, str]] = {
    ErrorKind.UNSUPPORTED_REGION: (6, "REJECTED_NETWORK"),
    ErrorKind.OPTED_OUT: (14, "REJECTED_DESTINATION_BLOCKLISTED"),
    ErrorKind.INVALID_SENDER: (13, "REJECTED_SENDER"),
    ErrorKind.INSUFFICIENT_FUNDS: (12, "REJECTED_NOT_ENOUGH_CREDITS"),
    ErrorKind.TEMPORARY: (21, "REJECTED_SYSTEM_ERROR"),
    ErrorKind.PAYLOAD_TOO_LARGE: (25, "REJECTED_MESSAGE_TOO_LONG"),
    ErrorKind.INVALID_RECIPIENT: (52, "REJECTED_DESTINATION"),
}
_OTHER_REJECTION = (99, "REJECTED")


class InfobipSmsFace(VendorFace):
    """/sms/3/messages and /sms/3/logs of one account; remembers every id that it took."""

    adapter = "infobip.sms"
    hosts = ("api.infobip.com",)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._log: dict[str, dict[str, Any]] = {}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if request.headers.get("authorization") != f"App {self.config['api_key']}":
            return _refused(401, "UNAUTHORIZED", "Invalid login details")
        if request.method == "GET" and request.url.path.endswith("/sms/3/logs"):
            asked = request.url.params.get("messageId", "")
            return answer({"results": [self._log[asked]] if asked in self._log else []})
        if request.method != "POST" or not request.url.path.endswith("/sms/3/messages"):
            return _refused(404, "NOT_FOUND", "Not found")
        wanted = (document(request) or {}).get("messages")
        if not isinstance(wanted, list) or not wanted or any(_fault_of(one) for one in wanted):
            return _refused(400, "BAD_REQUEST", "Bad request")
        if fault is not None:
            return self._told(wanted, fault)
        bulk_id = new_id.hex("bulk", now.isoformat(), request.content.decode())
        taken: list[Taken] = []
        answers = []
        for at, one in enumerate(wanted):
            for destination in one["destinations"]:
                message_id = destination.get("messageId") or new_id.hex(bulk_id, str(at), destination["to"])
                again = message_id in self._log
                if not again:
                    taken.append(self._take(one, destination["to"], message_id, bulk_id))
                status = (5, "REJECTED", 23, "REJECTED_DUPLICATE_MESSAGE_ID") if again else _STATUS[EventType.ACCEPTED]
                answers.append(_answer(destination["to"], message_id, status, one["content"]["text"]))
        return answer({"bulkId": bulk_id, "messages": answers}, taken=taken)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        status = _STATUS.get(news.type)
        if status is None:
            return ()
        error = {"groupId": 0, "groupName": "OK", "id": 0, "name": "NO_ERROR", "permanent": False}
        if news.type is EventType.UNDELIVERED:
            if news.kind in (ErrorKind.OPTED_OUT, ErrorKind.INVALID_RECIPIENT, ErrorKind.UNSUPPORTED_REGION):
                status = (5, "REJECTED", *_REJECTED[news.kind])
            passing = news.kind in (ErrorKind.TEMPORARY, ErrorKind.UNREACHABLE)
            error = {
                "groupId": 1,
                "groupName": "HANDSET_ERRORS",
                "id": 27,
                "name": "EC_ABSENT_SUBSCRIBER",
                "permanent": not passing,
            }
        stamp = news.at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + news.at.strftime("%z")
        result = {
            "bulkId": taken.data["bulk"],
            "messageId": taken.vendor_id,
            "to": taken.recipient.removeprefix("+"),
            "sender": taken.data["from"],
            "sentAt": stamp,
            "doneAt": stamp,
            "messageCount": segments(taken.text),
            "mccMnc": "22801",
            "price": {"pricePerMessage": 0.01, "currency": "EUR"},
            "status": _status(status),
            "error": error,
        }
        self._log[taken.vendor_id] = result
        if taken.callback_url is None:
            return ()
        return (_posted(taken.callback_url, result, news.at),)

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        keyword, _, rest = text.partition(" ")
        told = {
            "messageId": hashlib.sha256(f"{nonce}:{sender}:{text}".encode()).hexdigest()[:19],
            "from": sender.removeprefix("+"),
            "to": recipient.removeprefix("+"),
            "text": text,
            "cleanText": rest,
            "keyword": keyword.upper(),
            "receivedAt": at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + at.strftime("%z"),
            "smsCount": segments(text),
        }
        return (_posted(url, told, at),)

    def _take(self, one: Mapping[str, Any], to: str, message_id: str, bulk_id: str) -> Taken:
        self._log[message_id] = {"messageId": message_id, "destination": to, "status": _status(_STATUS[EventType.ACCEPTED])}
        text = one["content"]["text"]
        return Taken(
            vendor_id=message_id,
            recipient=e164(to),
            channel="sms",
            text=text,
            links=links_in(text),
            callback_url=one.get("webhooks", {}).get("delivery", {}).get("url"),
            data={"from": one["sender"], "bulk": bulk_id},
        )

    def _told(self, wanted: Sequence[Mapping[str, Any]], fault: Fault) -> FaceReply:
        """A refusal of everything in a request; what is refused is not remembered."""
        pairs = [(one, destination) for one in wanted for destination in one["destinations"]]
        for _, destination in pairs:
            self._log.pop(destination.get("messageId", ""), None)
        if fault.kind is ErrorKind.AUTH:
            return _refused(401, fault.code or "UNAUTHORIZED", "Invalid login details")
        if fault.kind is ErrorKind.RATE_LIMITED:
            return _refused(429, fault.code or "TOO_MANY_REQUESTS", "Too many requests", headers=waiting(fault))
        if reply := gateway_fault(fault):
            return reply
        code, name = _REJECTED.get(fault.kind, _OTHER_REJECTION)
        status = (5, "REJECTED", int(fault.code or code), name)
        answers = [_answer(to["to"], to.get("messageId", ""), status, one["content"]["text"]) for one, to in pairs]
        return answer({"bulkId": "b-1", "messages": answers})


def _status(status: _Status) -> dict[str, Any]:
    group_id, group_name, code, name = status
    return {"groupId": group_id, "groupName": group_name, "id": code, "name": name, "description": name.replace("_", " ").lower()}


def _answer(to: str, message_id: str, status: _Status, text: str) -> dict[str, Any]:
    details = {"messageCount": segments(text)}
    return {"messageId": message_id, "status": _status(status), "destination": to, "details": details}


def _fault_of(one: object) -> str:
    if (
        not isinstance(one, dict)
        or not one.get("sender")
        or not isinstance(one.get("destinations"), list)
        or not one["destinations"]
    ):
        return "sender, destinations"
    if not isinstance(one.get("content"), dict) or not one["content"].get("text"):
        return "content"
    if any(not NUMBER.fullmatch(str(to.get("to"))) or str(to["to"]).startswith("+") for to in one["destinations"]):
        return "to"
    return ""


def _refused(status: int, code: str, words: str, *, headers: Mapping[str, str] | None = None) -> FaceReply:
    return answer({"requestError": {"serviceException": {"messageId": code, "text": words}}}, status, headers=headers)


def _posted(url: str, result: Mapping[str, Any], at: datetime) -> Callback:
    body = json.dumps({"results": [result]}, ensure_ascii=False).encode()
    return Callback("POST", url, httpx.Headers({"content-type": "application/json"}), body, at)
