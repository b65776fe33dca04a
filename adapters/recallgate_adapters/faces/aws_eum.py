"""The face of AWS End User Messaging SMS: SendTextMessage, events and answers of people through SNS, its own opt-out list.

Source: botocore 1.44.5 service model pinpoint-sms-voice-v2, and the user guide's pages on events, read 2026-11-22.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._sms import links_in, segments
from recallgate_adapters.faces._wire import answer, document, gateway_fault
from recallgate_adapters.faces.aws_wire import hosts_of, notification, wrong_key

_NUMBER = re.compile(r"\+?[1-9][0-9]{1,18}", re.ASCII)
_TARGET = "PinpointSMSVoiceV2.SendTextMessage"
# Kind -> HTTP status, name, reason.
_REFUSALS: Mapping[ErrorKind, tuple[int, str, str | None]] = {
    ErrorKind.AUTH: (400, "AccessDeniedException", "ACCOUNT_DISABLED"),
    ErrorKind.RATE_LIMITED: (400, "ThrottlingException", None),
    ErrorKind.OPTED_OUT: (400, "ConflictException", "DESTINATION_PHONE_NUMBER_OPTED_OUT"),
    ErrorKind.UNSUPPORTED_REGION: (400, "ValidationException", "COUNTRY_NOT_ENABLED"),
    ErrorKind.INVALID_SENDER: (400, "ResourceNotFoundException", None),
    ErrorKind.INSUFFICIENT_FUNDS: (400, "ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"),
    ErrorKind.UNSUPPORTED: (400, "ConflictException", "DESTINATION_PHONE_NUMBER_NOT_VERIFIED"),
}
_EVENTS: Mapping[EventType, str] = {
    EventType.ACCEPTED: "TEXT_QUEUED",
    EventType.SENT: "TEXT_SENT",
    EventType.DELIVERED: "TEXT_DELIVERED",
    EventType.UNDELIVERED: "TEXT_UNKNOWN",
    EventType.EXPIRED: "TEXT_TTL_EXPIRED",
}
_FAILURES: Mapping[ErrorKind | None, str] = {
    ErrorKind.INVALID_RECIPIENT: "TEXT_INVALID",
    ErrorKind.UNREACHABLE: "TEXT_UNREACHABLE",
    ErrorKind.BLOCKED_CONTENT: "TEXT_SPAM",
    ErrorKind.UNSUPPORTED_REGION: "TEXT_PROTECT_BLOCKED",
}
_STOP = frozenset({"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "ARRET", "OPTOUT"})


class AwsEumFace(VendorFace):
    """Texts of one account in one region; who has replied STOP is not written to any more."""

    adapter = "aws.eum"
    hosts = hosts_of("sms-voice")

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._stopped: set[str] = set()

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if wrong := wrong_key(self.config, request, "sms-voice"):
            return _error(400, *wrong)
        if fault is not None:
            status, name, reason = _REFUSALS.get(fault.kind, (400, "ValidationException", None))
            return gateway_fault(fault) or _error(status, name, "", reason=reason, retry_after_s=fault.retry_after_s)
        body = document(request)
        if request.headers.get("x-amz-target") != _TARGET or body is None:
            return _error(400, "UnknownOperationException", "")
        number, text = body.get("DestinationPhoneNumber"), body.get("MessageBody")
        if not isinstance(number, str) or not _NUMBER.fullmatch(number):
            return _error(400, "ValidationException", "Invalid phone number", reason="INVALID_PARAMETER")
        if not isinstance(text, str) or not 1 <= len(text) <= 1600 or not 5 <= body.get("TimeToLive", 5) <= 259_200:
            return _error(400, "ValidationException", "1 validation error detected", reason="FIELD_VALIDATION_FAILED")
        if number in self._stopped:
            return _error(400, "ConflictException", "opted out", reason="DESTINATION_PHONE_NUMBER_OPTED_OUT")
        mark = new_id.hex("eum", now.isoformat(), request.content.decode())
        vendor_id = f"{mark[:8]}-{mark[8:12]}-{mark[12:16]}-{mark[16:20]}-{mark[20:32]}"
        # Events come only through a configuration set.
        url = self.config.get("callback_url") if body.get("ConfigurationSetName") else None
        data = {"from": body.get("OriginationIdentity", ""), "context": body.get("Context", {}), "parts": segments(text)}
        taken = Taken(vendor_id, number, "sms", text, links_in(text), callback_url=url, data=data)
        return answer({"MessageId": vendor_id}, taken=(taken,))

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        name = _EVENTS.get(news.type)
        if name is None or taken.callback_url is None:
            return ()
        if news.type is EventType.UNDELIVERED:
            name = _FAILURES.get(news.kind, name)
        message = {
            "eventType": name,
            "eventVersion": "1.0",
            "eventTimestamp": int(news.at.timestamp() * 1000),
            "isFinal": news.type not in (EventType.ACCEPTED, EventType.SENT),
            "originationPhoneNumber": taken.data["from"],
            "destinationPhoneNumber": taken.recipient,
            "messageId": taken.vendor_id,
            "messageStatus": name.removeprefix("TEXT_"),
            "context": taken.data["context"],
            "totalMessageParts": taken.data["parts"],
            "totalMessagePrice": round(0.00645 * taken.data["parts"], 5),
        }
        told = notification(self.config, taken.callback_url, message, at=news.at, nonce=nonce)
        return () if told is None else (told,)

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        if text.strip().upper() in _STOP:
            self._stopped.add(sender)
        message = {
            "originationNumber": sender,
            "destinationNumber": recipient,
            "messageKeyword": "KEYWORD",
            "messageBody": text,
            "inboundMessageId": nonce,
        }
        told = notification(self.config, url, message, at=at, nonce=nonce)
        return () if told is None else (told,)


def _error(status: int, name: str, words: str, *, reason: str | None = None, retry_after_s: int | None = None) -> FaceReply:
    body = {"__type": f"com.amazonaws.pinpointsmsvoicev2#{name}", "Message": words, **({"Reason": reason} if reason else {})}
    headers = {"content-type": "application/x-amz-json-1.0"}
    if retry_after_s is not None:
        headers["retry-after"] = str(retry_after_s)
    return FaceReply(status, json.dumps(body).encode(), headers)
