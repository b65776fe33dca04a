"""The face of Postmark: takes mails, by template and in batches, and posts a record of what became of each.

Source: "API overview", "Webhooks overview", "Bounce types", read 2026-11-22.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._mail import address_in, posted, taken_mail, zulu
from recallgate_adapters.faces._wire import answer, gateway_fault, waiting

_MOST_MESSAGES = 500
_REFUSALS: Mapping[ErrorKind, tuple[int, int, str]] = {
    ErrorKind.AUTH: (401, 10, "No Account or Server API tokens were supplied in the HTTP headers."),
    ErrorKind.INVALID_SENDER: (422, 400, "The 'From' address you supplied is not a Sender Signature on your account."),
    ErrorKind.INVALID_RECIPIENT: (422, 300, "Error parsing 'To': Illegal email address."),
    ErrorKind.INSUFFICIENT_FUNDS: (422, 405, "Not allowed to send: you ran out of credits."),
    ErrorKind.OPTED_OUT: (422, 406, "You tried to send to a recipient that has been marked as inactive."),
    ErrorKind.BLOCKED_CONTENT: (422, 411, "Forbidden attachment file extension."),
    ErrorKind.TEMPLATE_OR_SIGNATURE: (422, 1101, "The template is not valid."),
    ErrorKind.RATE_LIMITED: (429, 429, "Rate limit exceeded."),
}
_RECORDS: Mapping[EventType, tuple[str, str]] = {
    EventType.ACCEPTED: ("Bounce", "BouncedAt"),
    EventType.DELIVERED: ("Delivery", "DeliveredAt"),
    EventType.UNDELIVERED: ("Bounce", "BouncedAt"),
    EventType.EXPIRED: ("Bounce", "BouncedAt"),
    EventType.COMPLAINED: ("SpamComplaint", "BouncedAt"),
    EventType.UNSUBSCRIBED: ("SubscriptionChange", "ChangedAt"),
    EventType.OPENED: ("Open", "ReceivedAt"),
    EventType.CLICKED: ("Click", "ReceivedAt"),
}
_BOUNCES: Mapping[ErrorKind | None, str] = {
    ErrorKind.INVALID_RECIPIENT: "HardBounce",
    ErrorKind.UNREACHABLE: "SoftBounce",
    ErrorKind.INVALID_SENDER: "DMARCPolicy",
    ErrorKind.TEMPLATE_OR_SIGNATURE: "TemplateRenderingFailed",
}


class PostmarkEmailFace(VendorFace):
    """One server of an account."""

    adapter = "postmark.email"
    hosts = ("api.postmarkapp.com",)

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if request.headers.get("x-postmark-server-token") != self.config["server_token"]:
            return _error(401, 10, "The Server Token you provided in the X-Postmark-Server-Token request header was invalid.")
        if fault is not None:
            told = _REFUSALS.get(fault.kind, (422, 402, "Invalid JSON"))
            return gateway_fault(fault) or _error(*told, headers=waiting(fault))
        try:
            body = json.loads(request.content)
        except ValueError:
            return _error(422, 402, "Invalid JSON")
        path = request.url.path
        if path.endswith("/email/batchWithTemplates"):
            body = body.get("Messages") if isinstance(body, dict) else None
        if path.endswith(("/email/batch", "/email/batchWithTemplates")):
            if not isinstance(body, list) or len(body) > _MOST_MESSAGES:
                return _error(422, 410, "Too many batch messages.")
            results = [self._take(one, now, new_id) for one in body]
            return answer([result for result, _ in results], taken=[taken for _, taken in results if taken])
        if path.endswith(("/email", "/email/withTemplate")) and isinstance(body, dict):
            result, taken = self._take(body, now, new_id)
            return answer(result, 422 if taken is None else 200, taken=[taken] if taken else [])
        return _error(404, 0, "Not found")

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        if news.type not in _RECORDS or taken.callback_url is None:
            return ()
        name, time = _RECORDS[news.type]
        person = "Email" if name in ("Bounce", "SpamComplaint") else "Recipient"
        record: dict[str, Any] = {
            "RecordType": name,
            "MessageID": taken.vendor_id,
            person: taken.recipient,
            time: zulu(news.at),
            "Metadata": taken.data["metadata"],
            "MessageStream": taken.data["stream"],
        }
        if name in ("Bounce", "SpamComplaint"):
            record["ID"] = int(sha256(nonce.encode()).hexdigest()[:12], 16)
            delayed = news.type is EventType.ACCEPTED
            bounced = "Transient" if delayed else _BOUNCES.get(news.kind, "Blocked")
            record["Type"] = "SpamComplaint" if name == "SpamComplaint" else bounced
        if name == "SubscriptionChange":
            record |= {"SuppressSending": True, "SuppressionReason": "ManualSuppression", "Origin": "Recipient"}
        if name == "Click":
            record["OriginalLink"] = taken.links[0] if taken.links else ""
        return (posted(taken.callback_url, json.dumps(record).encode(), news.at),)

    def _take(self, body: Any, now: datetime, new_id: IdSource) -> tuple[dict[str, Any], Taken | None]:
        """The result of one message, and the mail that was taken."""
        told: Mapping[str, Any] = body if isinstance(body, dict) else {}
        if address_in(told.get("From")) is None:
            return {"ErrorCode": 300, "Message": "Invalid 'From' address."}, None
        recipient = address_in(told.get("To"))
        if recipient is None:
            return {"ErrorCode": 300, "Message": "Error parsing 'To': Illegal email address."}, None
        templated = bool(told.get("TemplateAlias") or told.get("TemplateId"))
        if not templated and not (told.get("TextBody") or told.get("HtmlBody")):
            return {"ErrorCode": 300, "Message": "Provide either email TextBody or HtmlBody or both."}, None
        mark = new_id.hex("postmark", now.isoformat(), json.dumps(told, sort_keys=True))
        identity = f"{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:32]}"
        model = told.get("TemplateModel") or {}
        taken = taken_mail(
            identity,
            recipient,
            self.config,
            subject=str(told.get("Subject") or ""),
            text=told.get("TextBody") or (" ".join(map(str, model.values())) if templated else None),
            html=told.get("HtmlBody"),
            headers={one["Name"]: one["Value"] for one in told.get("Headers") or []},
            data={"metadata": told.get("Metadata") or {}, "stream": told.get("MessageStream", "outbound")},
        )
        result = {"To": told["To"], "SubmittedAt": zulu(now), "MessageID": identity, "ErrorCode": 0, "Message": "OK"}
        return result, taken


def _error(status: int, code: int, words: str, *, headers: Mapping[str, str] | None = None) -> FaceReply:
    return answer({"ErrorCode": code, "Message": words}, status, headers=headers)
