"""The face of Resend: takes mails one by one and in batches, remembers idempotency keys, and posts signed webhooks.

Source: OpenAPI resend/resend-openapi 1.5.0, "Event types", "Verifying webhooks manually", read 2026-11-22.
"""

import hashlib
import hmac
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._mail import address_in, posted, taken_mail, zulu
from recallgate_adapters.faces._wire import answer, gateway_fault, waiting

_REMEMBERED = timedelta(hours=24)
_MOST_MESSAGES = 100
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}", re.ASCII)
_REFUSALS: Mapping[ErrorKind, tuple[int, str, str]] = {
    ErrorKind.AUTH: (403, "invalid_api_key", "API key is invalid"),
    ErrorKind.INVALID_SENDER: (403, "validation_error", "The shop.example domain is not verified."),
    ErrorKind.INVALID_RECIPIENT: (422, "validation_error", "Invalid `to` field."),
    ErrorKind.INSUFFICIENT_FUNDS: (429, "monthly_quota_exceeded", "You have reached your monthly quota."),
    ErrorKind.RATE_LIMITED: (429, "rate_limit_exceeded", "Too many requests."),
    ErrorKind.TEMPORARY: (409, "concurrent_idempotent_requests", "The same key is still being worked on."),
    ErrorKind.TEMPLATE_OR_SIGNATURE: (404, "not_found", "Template not found"),
    ErrorKind.BLOCKED_CONTENT: (422, "invalid_attachment", "Attachment must have either a content or path."),
}
_EVENTS: Mapping[EventType, str] = {
    EventType.ACCEPTED: "email.delivery_delayed",
    EventType.SENT: "email.sent",
    EventType.DELIVERED: "email.delivered",
    EventType.UNDELIVERED: "email.bounced",
    EventType.EXPIRED: "email.bounced",
    EventType.COMPLAINED: "email.complained",
    EventType.OPENED: "email.opened",
    EventType.CLICKED: "email.clicked",
}
_BOUNCES: Mapping[ErrorKind | None, str] = {ErrorKind.INVALID_RECIPIENT: "Permanent", ErrorKind.UNREACHABLE: "Transient"}


class ResendEmailFace(VendorFace):
    """One team's account."""

    adapter = "resend.email"
    hosts = ("api.resend.com",)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._answered: dict[str, tuple[datetime, bytes, FaceReply]] = {}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        shown = request.headers.get("authorization")
        if not shown:
            return _error(401, "missing_api_key", "Missing API Key")
        if shown != f"Bearer {self.config['api_key']}":
            return _error(403, "invalid_api_key", "API key is invalid")
        if fault is not None:
            told = _REFUSALS.get(fault.kind, (422, "validation_error", "Invalid request"))
            return gateway_fault(fault) or _error(*told, headers=waiting(fault))
        key = request.headers.get("idempotency-key", "")
        if len(key) > 256:
            return _error(400, "invalid_idempotency_key", "The key must be between 1-256 chars.")
        known = self._answered.get(key)
        if key and known is not None and now - known[0] < _REMEMBERED:
            if known[1] != request.content:
                return _error(409, "invalid_idempotent_request", "Same idempotency key used with a different request payload.")
            # The mail was taken by the first request; this one is only told so again.
            return FaceReply(known[2].status, known[2].body, known[2].headers)
        reply = self._take(request, now, new_id)
        if key and reply.taken:
            self._answered[key] = (now, request.content, reply)
        return reply

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        name, secret = _EVENTS.get(news.type), self.config.get("webhook_secret")
        if name is None or not secret or taken.callback_url is None:
            return ()
        data: dict[str, Any] = {
            "email_id": taken.vendor_id,
            "from": taken.data["from"],
            "to": [taken.recipient],
            "tags": taken.data["tags"],
        }
        if name == "email.bounced":
            type_ = _BOUNCES.get(news.kind, "Undetermined")
            data["bounce"] = {"message": "refused", "type": type_, "subType": "General"}
        if name == "email.clicked":
            data["click"] = {"link": taken.links[0] if taken.links else "", "timestamp": zulu(news.at)}
        body = json.dumps({"type": name, "created_at": zulu(news.at), "data": data}).encode()
        return (signed(secret, taken.callback_url, body, at=news.told_at or news.at, nonce=nonce),)

    def _take(self, request: httpx.Request, now: datetime, new_id: IdSource) -> FaceReply:
        try:
            body = json.loads(request.content)
        except ValueError:
            return _error(400, "validation_error", "The body is not JSON")
        many = request.url.path.endswith("/emails/batch")
        if request.method != "POST" or not (many or request.url.path.endswith("/emails")):
            return _error(404, "not_found", "The requested endpoint does not exist")
        mails = body if many else [body]
        if not isinstance(mails, list) or not 1 <= len(mails) <= _MOST_MESSAGES:
            return _error(422, "validation_error", "1 to 100 emails")
        for mail in mails:
            if wrong := _fault_of(mail, many=many):
                return _error(*wrong)
        taken = [self._taken(mail, number, now, new_id) for number, mail in enumerate(mails)]
        ids = [{"id": one.vendor_id} for one in taken]
        return answer({"data": ids} if many else ids[0], taken=taken)

    def _taken(self, mail: Mapping[str, Any], number: int, now: datetime, new_id: IdSource) -> Taken:
        mark = new_id.hex("resend", now.isoformat(), str(number), json.dumps(mail, sort_keys=True))
        variables = (mail.get("template") or {}).get("variables") or {}
        return taken_mail(
            f"{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:32]}",
            str(address_in(mail["to"][0])),
            self.config,
            subject=mail.get("subject", ""),
            text=mail.get("text") or (" ".join(map(str, variables.values())) if "template" in mail else None),
            html=mail.get("html"),
            headers=mail.get("headers") or {},
            data={"from": mail["from"], "tags": {tag["name"]: tag["value"] for tag in mail.get("tags") or []}},
        )


def _fault_of(mail: Any, *, many: bool) -> tuple[int, str, str] | None:
    """What is wrong with a mail: status, name, words."""
    if not isinstance(mail, dict):
        return 422, "validation_error", "An email is an object"
    if address_in(mail.get("from")) is None:
        return 422, "validation_error", "Invalid `from` field. The email address needs to follow the `email@example.com` format."
    to = mail.get("to")
    if not isinstance(to, list) or not 1 <= len(to) <= 50 or any(address_in(one) is None for one in to):
        return 422, "validation_error", "Invalid `to` field. The email address needs to follow the `email@example.com` format."
    if not any(mail.get(name) for name in ("text", "html", "template")):
        return 422, "missing_required_field", "Missing `html` or `text` field."
    if not all(_TAG.fullmatch(tag.get("value", "")) and _TAG.fullmatch(tag.get("name", "")) for tag in mail.get("tags") or []):
        return 422, "validation_error", "Tags should only contain ASCII letters, numbers, underscores, or dashes."
    if many and mail.get("attachments"):
        return 422, "validation_error", "The `attachments` field is not supported in a batch."
    return None


def _error(status: int, name: str, words: str, *, headers: Mapping[str, str] | None = None) -> FaceReply:
    return answer({"statusCode": status, "name": name, "message": words}, status, headers=headers)


def signed(secret: str, url: str, body: bytes, *, at: datetime, nonce: str) -> Callback:
    """The vendor's POST with this body, signed in the way of Svix."""
    identity, stamp = f"msg_{hashlib.sha256(nonce.encode()).hexdigest()[:27]}", str(int(at.timestamp()))
    key = b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{identity}.{stamp}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{b64encode(digest).decode()}"
    return posted(url, body, at, svix_id=identity, svix_timestamp=stamp, svix_signature=signature)
