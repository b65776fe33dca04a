"""The face of Amazon SES v2: takes mails one by one or by template, and publishes their events through SNS.

Source: botocore 1.44.5 service model sesv2, and "Contents of event data that Amazon SES publishes", read 2026-11-22.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._mail import address_in, taken_mail, zulu
from recallgate_adapters.faces._wire import answer, document, gateway_fault
from recallgate_adapters.faces.aws_wire import hosts_of, json_error, notification, wrong_key

_MOST_RECIPIENTS = 50
_REFUSALS: Mapping[ErrorKind, tuple[int, str, str]] = {
    ErrorKind.AUTH: (403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    ErrorKind.RATE_LIMITED: (429, "TooManyRequestsException", "Too many requests"),
    ErrorKind.INVALID_SENDER: (400, "MailFromDomainNotVerifiedException", "Mail from domain is not verified"),
    ErrorKind.INVALID_RECIPIENT: (400, "BadRequestException", "Illegal address"),
    ErrorKind.BLOCKED_CONTENT: (400, "MessageRejected", "The message contained a virus"),
    ErrorKind.TEMPLATE_OR_SIGNATURE: (404, "NotFoundException", "Template does not exist"),
}
_OTHER = (400, "BadRequestException", "Bad request")
# Kind -> bounce type, subtype, status of the receiving server.
_BOUNCES: Mapping[ErrorKind, tuple[str, str, str]] = {
    ErrorKind.INVALID_RECIPIENT: ("Permanent", "General", "5.1.1"),
    ErrorKind.UNREACHABLE: ("Transient", "MailboxFull", "5.2.2"),
    ErrorKind.PAYLOAD_TOO_LARGE: ("Transient", "MessageTooLarge", "5.3.4"),
    ErrorKind.BLOCKED_CONTENT: ("Transient", "ContentRejected", "5.7.1"),
}
_EVENTS: Mapping[EventType, str] = {
    EventType.ACCEPTED: "DeliveryDelay",
    EventType.SENT: "Send",
    EventType.DELIVERED: "Delivery",
    EventType.UNDELIVERED: "Bounce",
    EventType.EXPIRED: "Bounce",
    EventType.COMPLAINED: "Complaint",
    EventType.OPENED: "Open",
    EventType.CLICKED: "Click",
    EventType.UNSUBSCRIBED: "Subscription",
}


class SesEmailFace(VendorFace):
    """SES in one region, with every sender verified."""

    adapter = "ses.email"
    hosts = hosts_of("email")

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if wrong := wrong_key(self.config, request, "ses"):
            return json_error(403, *wrong)
        if fault is not None:
            return gateway_fault(fault) or json_error(*_REFUSALS.get(fault.kind, _OTHER), retry_after_s=fault.retry_after_s)
        body = document(request)
        if request.method != "POST" or body is None:
            return json_error(400, "BadRequestException", "Invalid request body")
        if request.url.path.endswith("/v2/email/outbound-emails"):
            return self._take(body, now, new_id)
        if request.url.path.endswith("/v2/email/outbound-bulk-emails"):
            return self._take_many(body, now, new_id)
        return json_error(404, "UnknownOperationException", "")

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        name = _EVENTS.get(news.type)
        if name is None or taken.callback_url is None:
            return ()
        mail = {
            "timestamp": zulu(news.at),
            "messageId": taken.vendor_id,
            "source": taken.data["from"],
            "destination": [taken.recipient],
            "tags": taken.data["tags"],
        }
        part = "deliveryDelay" if name == "DeliveryDelay" else name.lower()
        message = {"eventType": name, "mail": mail, part: _facts(name, taken, news)}
        told = notification(self.config, taken.callback_url, message, at=news.at, nonce=nonce)
        return () if told is None else (told,)

    def _take(self, body: Mapping[str, Any], now: datetime, new_id: IdSource) -> FaceReply:
        content = body.get("Content") or {}
        kinds = [kind for kind in ("Simple", "Raw", "Template") if content.get(kind)]
        if address_in(body.get("FromEmailAddress")) is None or kinds not in (["Simple"], ["Template"]):
            return json_error(400, "BadRequestException", "Missing or invalid required parameter")
        recipient = _recipient(body)
        if recipient is None:
            return json_error(400, "BadRequestException", "Illegal address")
        words = content[kinds[0]]
        if kinds == ["Simple"] and not (_data(words.get("Subject")) and any(map(_data, (words.get("Body") or {}).values()))):
            return json_error(400, "BadRequestException", "Missing required subject or body")
        taken = self._taken(body, recipient, words, body.get("EmailTags"), now, new_id)
        return answer({"MessageId": taken.vendor_id}, taken=(taken,))

    def _take_many(self, body: Mapping[str, Any], now: datetime, new_id: IdSource) -> FaceReply:
        template = (body.get("DefaultContent") or {}).get("Template") or {}
        entries = body.get("BulkEmailEntries") or []
        if not (template.get("TemplateName") or template.get("TemplateContent")) or not 1 <= len(entries) <= _MOST_RECIPIENTS:
            return json_error(400, "BadRequestException", "A template and 1 to 50 entries are needed")
        results, all_taken = [], []
        for entry in entries:
            recipient = _recipient(entry)
            if recipient is None:
                results.append({"Status": "INVALID_PARAMETER", "Error": "Illegal address"})
                continue
            replaced = (entry.get("ReplacementEmailContent") or {}).get("ReplacementTemplate") or {}
            words = {**template, "TemplateData": replaced.get("ReplacementTemplateData", template.get("TemplateData"))}
            taken = self._taken(body, recipient, words, entry.get("ReplacementTags"), now, new_id)
            results.append({"Status": "SUCCESS", "MessageId": taken.vendor_id})
            all_taken.append(taken)
        return answer({"BulkEmailEntryResults": results}, taken=all_taken)

    def _taken(
        self, body: Mapping[str, Any], recipient: str, words: Mapping[str, Any], tags: Any, now: datetime, new_id: IdSource
    ) -> Taken:
        mark = new_id.hex("ses", now.isoformat(), recipient, json.dumps([words, tags], sort_keys=True))
        inline = words.get("TemplateContent") or {}
        bodies = words.get("Body") or {}
        variables = json.loads(words.get("TemplateData") or "{}")
        return taken_mail(
            f"0100{mark[:12]}-{mark[12:20]}-{mark[20:24]}-{mark[24:28]}-{mark[:4]}-{mark[:12]}-000000",
            recipient,
            self.config,
            subject=_data(words.get("Subject")) or str(inline.get("Subject", "")),
            text=_data(bodies.get("Text")) or inline.get("Text") or (" ".join(variables.values()) if not bodies else None),
            html=_data(bodies.get("Html")) or inline.get("Html"),
            headers={one["Name"]: one["Value"] for one in words.get("Headers") or []},
            data={"from": body["FromEmailAddress"], "tags": {tag["Name"]: [tag["Value"]] for tag in tags or []}},
        )


def _recipient(entry: Mapping[str, Any]) -> str | None:
    to = (entry.get("Destination") or {}).get("ToAddresses") or []
    return address_in(to[0]) if len(to) == 1 else None


def _data(part: Any) -> str | None:
    return part.get("Data") if isinstance(part, dict) else None


def _facts(name: str, taken: Taken, news: WorldEvent) -> dict[str, Any]:
    """What an event says beside the mail itself."""
    at = {"timestamp": zulu(news.at)}
    match name:
        case "Bounce":
            type_, subtype, status = _BOUNCES.get(news.kind or ErrorKind.UNKNOWN, ("Undetermined", "Undetermined", "5.0.0"))
            bounced = {"emailAddress": taken.recipient, "action": "failed", "status": status}
            return {"bounceType": type_, "bounceSubType": subtype, "bouncedRecipients": [bounced], **at}
        case "Complaint":
            return {"complainedRecipients": [{"emailAddress": taken.recipient}], "complaintFeedbackType": "abuse", **at}
        case "DeliveryDelay":
            return {"delayType": "TransientCommunicationFailure", "delayedRecipients": [{"emailAddress": taken.recipient}], **at}
        case "Delivery":
            return {"recipients": [taken.recipient], "smtpResponse": "250 2.0.0 OK", **at}
        case "Click":
            return {"link": taken.links[0] if taken.links else "", **at}
        case "Subscription":
            return {"newTopicPreferences": {"unsubscribeAll": True}, "source": "UnsubscribeHeader", **at}
    return at if name == "Open" else {}
