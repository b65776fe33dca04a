"""The face of SendGrid: takes mails to many at once, and posts their events, signed with a key that follows from the API key.

Source: OpenAPI twilio/sendgrid-oai tsg_mail_v3, "Event Webhook reference", read 2026-11-22.
"""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._mail import address_in, posted, taken_mail
from recallgate_adapters.faces._wire import answer, document, gateway_fault, waiting

_MOST_RECIPIENTS = 1000
_RESERVED = frozenset({"to", "from", "subject", "reply-to", "cc", "bcc", "content-type", "received", "dkim-signature"})
_REFUSALS: Mapping[ErrorKind, tuple[int, str, str | None]] = {
    ErrorKind.AUTH: (401, "The provided authorization grant is invalid, expired, or revoked", None),
    ErrorKind.INSUFFICIENT_FUNDS: (401, "Maximum credits exceeded", None),
    ErrorKind.INVALID_SENDER: (403, "The from address does not match a verified Sender Identity.", "from"),
    ErrorKind.INVALID_RECIPIENT: (400, "Does not contain a valid address.", "personalizations.0.to.0.email"),
    ErrorKind.TEMPLATE_OR_SIGNATURE: (400, "The template_id is not valid", "template_id"),
    ErrorKind.PAYLOAD_TOO_LARGE: (413, "The payload is too large", None),
    ErrorKind.RATE_LIMITED: (429, "too many requests", None),
}
_EVENTS: Mapping[EventType, str] = {
    EventType.ACCEPTED: "processed",
    EventType.DELIVERED: "delivered",
    EventType.UNDELIVERED: "bounce",
    EventType.EXPIRED: "bounce",
    EventType.COMPLAINED: "spamreport",
    EventType.UNSUBSCRIBED: "unsubscribe",
    EventType.OPENED: "open",
    EventType.CLICKED: "click",
}


def webhook_key(api_key: str) -> str:
    """The verification key of a sandbox account: its `webhook_key` must be this one for the face to tell news."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    raw = _signer(api_key).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b64encode(raw).decode()


class SendgridEmailFace(VendorFace):
    """One account of SendGrid."""

    adapter = "sendgrid.email"
    hosts = ("api.sendgrid.com", "api.eu.sendgrid.com")

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if request.headers.get("authorization") != f"Bearer {self.config['api_key']}":
            return _error(401, "The provided authorization grant is invalid, expired, or revoked", None)
        if fault is not None:
            told = _REFUSALS.get(fault.kind, (400, "Bad Request", None))
            return gateway_fault(fault) or _error(*told, headers=waiting(fault))
        body = document(request)
        if request.method != "POST" or not request.url.path.endswith("/v3/mail/send"):
            return _error(404, "resource not found", None)
        if body is None:
            return _error(400, "Bad Request", None)
        if wrong := _fault_of(body):
            return _error(*wrong)
        if (body.get("mail_settings") or {}).get("sandbox_mode", {}).get("enable"):
            return FaceReply(200, b"", {})
        identity = new_id.hex("sendgrid", now.isoformat(), request.content.decode(), length=22)
        everybody = tuple(self._taken(body, personal, identity) for personal in body["personalizations"])
        return FaceReply(202, b"", {"x-message-id": identity, "content-type": "text/plain"}, everybody)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        name = _EVENTS.get(news.type)
        if name is None or taken.callback_url is None or self.config.get("webhook_key") != webhook_key(self.config["api_key"]):
            return ()
        event = {
            "email": taken.recipient,
            "timestamp": int(news.at.timestamp()),
            "event": name,
            "sg_event_id": sha256(nonce.encode()).hexdigest()[:22],
            "sg_message_id": f"{taken.vendor_id}.filterdrecv-{nonce[:6]}-1",
            **taken.data["custom_args"],
        }
        if name == "bounce":
            hard = news.kind in (ErrorKind.INVALID_RECIPIENT, None)
            event |= {"type": "bounce" if hard else "blocked", "status": "5.1.1" if hard else "5.7.1", "reason": "550 refused"}
        if name == "click":
            event["url"] = taken.links[0] if taken.links else ""
        return (_signed(self.config["api_key"], taken.callback_url, [event], news.told_at or news.at),)

    def _taken(self, body: Mapping[str, Any], personal: Mapping[str, Any], identity: str) -> Taken:
        bodies = {part["type"]: part["value"] for part in body.get("content") or []}
        variables = personal.get("dynamic_template_data") or {}
        return taken_mail(
            identity,
            personal["to"][0]["email"],
            self.config,
            subject=str(personal.get("subject") or body.get("subject") or ""),
            text=bodies.get("text/plain") or (" ".join(map(str, variables.values())) if not bodies else None),
            html=bodies.get("text/html"),
            headers={**(body.get("headers") or {}), **(personal.get("headers") or {})},
            data={"custom_args": {**(body.get("custom_args") or {}), **(personal.get("custom_args") or {})}},
        )


def _fault_of(body: Mapping[str, Any]) -> tuple[int, str, str | None] | None:
    """What is wrong with a request: status, words, field."""
    people = body.get("personalizations")
    if not isinstance(people, list) or not 1 <= len(people) <= _MOST_RECIPIENTS:
        return 400, "The personalizations field is required and must have 1 to 1000 entries.", "personalizations"
    if address_in((body.get("from") or {}).get("email")) is None:
        return 400, "The from object must be provided with an email.", "from.email"
    for number, person in enumerate(people):
        to = person.get("to") or []
        if len(to) != 1 or address_in(to[0].get("email")) is None:
            return 400, "Does not contain a valid address.", f"personalizations.{number}.to.0.email"
    if not body.get("template_id"):
        if not body.get("subject"):
            return 400, "The subject is required.", "subject"
        kinds = [part.get("type") for part in body.get("content") or [] if part.get("value")]
        if not kinds or kinds != sorted(kinds, key=lambda kind: kind != "text/plain"):
            return 400, "The content is required, text/plain first.", "content"
    if any(name.lower() in _RESERVED or name.lower().startswith("x-sg-") for name in body.get("headers") or {}):
        return 400, "A header has a reserved name.", "headers"
    return None


def _error(status: int, words: str, field: str | None, *, headers: Mapping[str, str] | None = None) -> FaceReply:
    return answer({"errors": [{"message": words, "field": field, "help": None}]}, status, headers=headers)


def _signed(api_key: str, url: str, events: Sequence[Mapping[str, Any]], at: datetime) -> Callback:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    body, stamp = json.dumps(events).encode() + b"\r\n", str(int(at.timestamp()))
    signature = _signer(api_key).sign(stamp.encode() + body, ECDSA(SHA256(), deterministic_signing=True))
    return posted(
        url,
        body,
        at,
        x_twilio_email_event_webhook_signature=b64encode(signature).decode(),
        x_twilio_email_event_webhook_timestamp=stamp,
    )


@lru_cache(maxsize=8)
def _signer(api_key: str) -> Any:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

    return derive_private_key(int(sha256(f"sandbox {api_key}".encode()).hexdigest(), 16) >> 1 | 1, SECP256R1())
