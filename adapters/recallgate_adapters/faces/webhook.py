"""A receiver of signed webhooks, as the form of the adapter's docstring wants it."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime

import httpx

from recallgate import ErrorKind, FaceReply, Fault, IdSource, Taken, VendorFace
from recallgate_adapters.faces._wire import answer, document, links_in, waiting, words_in

_STATUSES: Mapping[ErrorKind, int] = {
    ErrorKind.INVALID_RECIPIENT: 410,
    ErrorKind.AUTH: 401,
    ErrorKind.PAYLOAD_TOO_LARGE: 413,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.UNCERTAIN: 502,
    ErrorKind.UNAVAILABLE: 503,
}


class WebhookFace(VendorFace):
    """A receiver at any path; what it has seen it takes once."""

    adapter = "webhook.http"
    hosts = ("receiver.example",)

    def __init__(self, config: Mapping[str, object]) -> None:
        super().__init__(config)
        self._seen: set[str] = set()

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if request.method != "POST":
            return answer({"error": "POST only"}, 405)
        if not self._proven(request, now):
            return answer({"error": "signature"}, 401)
        if fault is not None:
            return answer({"error": "refused"}, _STATUSES.get(fault.kind, 400), headers=waiting(fault))
        body, message_id = document(request), request.headers.get("x-recallgate-id", "")
        if body is None or not message_id:
            return answer({"error": "body"}, 400)
        again = message_id in self._seen
        self._seen.add(message_id)
        text = words_in(body)
        taken = () if again else (Taken(message_id, str(request.url), "webhook", text, links_in(text)),)
        return answer({"ok": True}, 202, taken=taken)

    def _proven(self, request: httpx.Request, now: datetime) -> bool:
        told = request.headers.get("x-recallgate-timestamp", "")
        if not told.isdigit() or abs(int(told) - now.timestamp()) > 300:
            return False
        digest = hmac.new(str(self.config["secret"]).encode(), f"{told}.".encode() + request.content, hashlib.sha256)
        return any(
            hmac.compare_digest(f"v1={digest.hexdigest()}", part)
            for part in request.headers.get("x-recallgate-signature", "").split(",")
        )
