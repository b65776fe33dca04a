"""The face of Mailgun: takes mails as forms, with and without files, and posts signed webhooks.

Source: mailgun 1.10.0, "Securing webhooks", "Event structure", read 2026-11-22.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._mail import address_in, form_fields, posted, taken_mail
from recallgate_adapters.faces._wire import answer, gateway_fault, waiting

_MOST_RECIPIENTS = 1000
_REFUSALS: Mapping[ErrorKind, tuple[int, str]] = {
    ErrorKind.AUTH: (401, "Forbidden"),
    ErrorKind.INSUFFICIENT_FUNDS: (402, "Payment required"),
    ErrorKind.INVALID_SENDER: (404, "Domain not found: shop.example"),
    ErrorKind.INVALID_RECIPIENT: (400, "'to' parameter is not a valid address. please check documentation"),
    ErrorKind.TEMPLATE_OR_SIGNATURE: (400, "template not found"),
    ErrorKind.PAYLOAD_TOO_LARGE: (413, "Request Entity Too Large"),
    ErrorKind.RATE_LIMITED: (429, "Too many requests"),
}
_EVENTS: Mapping[EventType, str] = {
    EventType.ACCEPTED: "accepted",
    EventType.DELIVERED: "delivered",
    EventType.UNDELIVERED: "failed",
    EventType.EXPIRED: "failed",
    EventType.COMPLAINED: "complained",
    EventType.UNSUBSCRIBED: "unsubscribed",
    EventType.OPENED: "opened",
    EventType.CLICKED: "clicked",
}
_BOUNCES: Mapping[ErrorKind | None, tuple[int, str]] = {
    ErrorKind.INVALID_RECIPIENT: (550, "5.1.1"),
    ErrorKind.UNREACHABLE: (552, "5.2.2"),
    ErrorKind.BLOCKED_CONTENT: (554, "5.7.1"),
}


class MailgunEmailFace(VendorFace):
    """One domain of an account."""

    adapter = "mailgun.email"
    hosts = ("api.mailgun.net", "api.eu.mailgun.net")

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        pair = base64.b64encode(f"api:{self.config['api_key']}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {pair}":
            # The vendor's answer is this one word.
            return FaceReply(401, b"Forbidden", {"content-type": "text/plain"})
        if fault is not None:
            status, words = _REFUSALS.get(fault.kind, (400, "bad request"))
            return gateway_fault(fault) or answer({"message": words}, status, headers=waiting(fault))
        if request.method != "POST" or not request.url.path.endswith("/messages"):
            return answer({"message": "not found"}, 404)
        domain = unquote(request.url.path.split("/")[-2])
        if domain != self.config["domain"]:
            return answer({"message": f"Domain not found: {domain}"}, 404)
        return self._take(form_fields(request), now, new_id)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        name, key = _EVENTS.get(news.type), self.config.get("webhook_key")
        if name is None or not key or taken.callback_url is None:
            return ()
        stamp, token = str(int((news.told_at or news.at).timestamp())), hashlib.sha256(nonce.encode()).hexdigest()[:50]
        signature = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
        event: dict[str, Any] = {
            "id": token[:22],
            "event": name,
            "timestamp": news.at.timestamp(),
            "recipient": taken.recipient,
            "message": {"headers": {"message-id": taken.vendor_id}},
            "user-variables": taken.data["variables"],
        }
        if name == "failed":
            reply, enhanced = _BOUNCES.get(news.kind, (550, "5.0.0"))
            event |= {"severity": "permanent", "reason": "bounce"}
            event["delivery-status"] = {"code": reply, "enhanced-code": enhanced, "message": "refused"}
        if name == "clicked":
            event["url"] = taken.links[0] if taken.links else ""
        told = {"signature": {"timestamp": stamp, "token": token, "signature": signature}, "event-data": event}
        return (posted(taken.callback_url, json.dumps(told).encode(), news.at),)

    def _take(self, fields: Mapping[str, list[str]], now: datetime, new_id: IdSource) -> FaceReply:
        one = {name: values[-1] for name, values in fields.items()}
        people = [address_in(person) for person in fields.get("to", [])]
        if address_in(one.get("from")) is None:
            return answer({"message": "'from' parameter is not a valid address. please check documentation"}, 400)
        if not people or None in people or len(people) > _MOST_RECIPIENTS:
            return answer({"message": "'to' parameter is not a valid address. please check documentation"}, 400)
        if not any(one.get(name) for name in ("text", "html", "template")):
            return answer({"message": "Need at least one of 'text' or 'html' parameters specified"}, 400)
        mark = new_id.hex("mailgun", now.isoformat(), json.dumps(one, sort_keys=True), length=16)
        identity = f"{now:%Y%m%d%H%M%S}.{mark}@{self.config['domain']}"
        own = json.loads(one.get("recipient-variables", "{}"))
        everybody = tuple(self._taken(one, identity, person, own.get(person, {})) for person in people if person)
        return answer({"id": f"<{identity}>", "message": "Queued. Thank you."}, taken=everybody)

    def _taken(self, one: Mapping[str, str], identity: str, person: str, own: Mapping[str, str]) -> Taken:
        variables = {name[2:]: value for name, value in one.items() if name.startswith("v:")}
        for name, value in own.items():
            variables = {key: text.replace(f"%recipient.{name}%", value) for key, text in variables.items()}
        said = one.get("text") or (" ".join(json.loads(one.get("t:variables", "{}")).values()) if "template" in one else None)
        return taken_mail(
            identity,
            person,
            self.config,
            subject=one.get("subject", ""),
            text=said,
            html=one.get("html"),
            headers={name[2:]: value for name, value in one.items() if name.startswith("h:")},
            data={"variables": variables},
        )
