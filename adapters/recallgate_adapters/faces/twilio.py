"""The face of Twilio's message API: takes messages, reports on them, and keeps the vendor's own opt-out list.

Source: OpenAPI description twilio_api_v2010, "Advanced Opt-Out" and the error dictionary, read 2026-11-22.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces.twilio_rest import (
    HOSTS,
    error,
    form,
    links_in,
    made,
    not_found,
    resource,
    signed_callback,
    signed_in,
    told,
)

_STATUS = {
    EventType.ACCEPTED: "queued",
    EventType.SENT: "sent",
    EventType.DELIVERED: "delivered",
    EventType.READ: "read",
    EventType.UNDELIVERED: "undelivered",
    EventType.EXPIRED: "undelivered",
    EventType.CANCELLED: "canceled",
}
_REPORT_CODE = {
    ErrorKind.UNREACHABLE: "30003",
    ErrorKind.INVALID_RECIPIENT: "30005",
    ErrorKind.BLOCKED_CONTENT: "30007",
    ErrorKind.TEMPORARY: "30001",
    ErrorKind.OPTED_OUT: "21610",
}
_STOP = frozenset({"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"})
_START = frozenset({"START", "UNSTOP"})
_E164 = re.compile(r"\+[1-9]\d{6,14}", re.ASCII)
_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM7_TWICE = frozenset("\f^{}\\[~]|€")
_REQUIRED = (
    (("To",), "21604", "A 'To' phone number is required."),
    (("From", "MessagingServiceSid"), "21603", "A 'From' phone number is required."),
    (("Body", "MediaUrl", "ContentSid"), "21602", "Message body is required."),
)


class TwilioSmsFace(VendorFace):
    """Messages.json of one account; remembers what became of each message and who has replied STOP."""

    adapter = "twilio.sms"
    hosts = HOSTS

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._news: dict[str, tuple[str, str | None]] = {}
        self._stopped: set[str] = set()

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        sid = resource(request, "Messages")
        if sid is None:
            return not_found()
        if not signed_in(self.config, request):
            return error(401, "20003", "Authenticate")
        if fault is not None:
            return told(fault)
        if request.method == "GET":
            return self._fetch(sid)
        if request.method != "POST" or sid:
            return error(405, "20004", "Method not allowed")
        return self._take({name: values[-1] for name, values in form(request).items()}, now, new_id)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        status = _STATUS.get(news.type)
        if status is None:
            return ()
        code = None
        if status == "undelivered":
            code = "30036" if news.type is EventType.EXPIRED else _REPORT_CODE.get(news.kind or ErrorKind.UNKNOWN, "30008")
        self._news[taken.vendor_id] = (status, code)
        if taken.callback_url is None:
            return ()
        fields = [
            ("AccountSid", self.config["account_sid"]),
            ("ApiVersion", "2010-04-01"),
            ("From", taken.data["from"]),
            ("MessageSid", taken.vendor_id),
            ("MessageStatus", status),
            ("SmsSid", taken.vendor_id),
            ("SmsStatus", status),
            ("To", taken.recipient),
        ]
        if code:
            fields.append(("ErrorCode", code))
        if status in ("delivered", "undelivered"):
            fields.append(("RawDlrDoneDate", news.at.strftime("%y%m%d%H%M")))
        return (signed_callback(self.config["auth_token"], taken.callback_url, fields, news.at),)

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        sid = f"SM{hashlib.sha256(f'{nonce}:{sender}:{text}'.encode()).hexdigest()[:32]}"
        word = text.strip().upper()
        opt_out = "STOP" if word in _STOP else "START" if word in _START else ""
        if opt_out == "STOP":
            self._stopped.add(sender)
        elif opt_out == "START":
            self._stopped.discard(sender)
        fields = [
            ("AccountSid", self.config["account_sid"]),
            ("ApiVersion", "2010-04-01"),
            ("Body", text),
            ("From", sender),
            ("MessageSid", sid),
            ("NumMedia", "0"),
            ("SmsStatus", "received"),
            ("To", recipient),
        ]
        # Only a Messaging Service with Advanced Opt-Out says what it made of the word.
        if opt_out and self.config.get("messaging_service_sid"):
            fields.append(("OptOutType", opt_out))
        return (signed_callback(self.config["auth_token"], url, fields, at),)

    def _fetch(self, sid: str) -> FaceReply:
        if sid not in self._news:
            return not_found()
        status, code = self._news[sid]
        return made({"sid": sid, "status": status, "error_code": int(code) if code else None, "price": None}, status=200)

    def _take(self, fields: Mapping[str, str], now: datetime, new_id: IdSource) -> FaceReply:
        if refused := self._fault_of(fields):
            return refused
        to, body = fields["To"], fields.get("Body", "")
        sid = f"SM{new_id.hex('sms', now.isoformat(), json.dumps(fields, sort_keys=True))}"
        service = fields.get("MessagingServiceSid")
        status = "accepted" if service else "queued"
        self._news[sid] = (status, None)
        answer = {
            "sid": sid,
            "account_sid": self.config["account_sid"],
            "to": to,
            "from": fields.get("From"),
            "messaging_service_sid": service,
            "body": body,
            "status": status,
            "error_code": None,
            "error_message": None,
            # A service picks the sender later, and counts the parts then.
            "num_segments": "0" if service else str(_segments(body)),
            "price": None,
            "price_unit": "USD",
            "date_created": format_datetime(now),
            "uri": f"/2010-04-01/Accounts/{self.config['account_sid']}/Messages/{sid}.json",
        }
        taken = Taken(
            vendor_id=sid,
            recipient=to,
            channel="sms",
            text=body or " ".join(json.loads(fields.get("ContentVariables", "{}")).values()),
            links=links_in(body or fields.get("ContentVariables", "")),
            callback_url=fields.get("StatusCallback"),
            data={"from": fields.get("From") or service or ""},
        )
        reply = made(answer)
        return FaceReply(reply.status, reply.body, reply.headers, (taken,))

    def _fault_of(self, fields: Mapping[str, str]) -> FaceReply | None:
        for names, code, words in _REQUIRED:
            if not any(fields.get(name) for name in names):
                return error(400, code, words)
        to = fields["To"]
        if not _E164.fullmatch(to):
            return error(400, "21211", f"The 'To' number {to} is not a valid phone number.")
        if len(fields.get("Body", "")) > 1600:
            return error(400, "21617", "The concatenated message body exceeds the 1600 character limit.")
        try:
            variables = json.loads(fields.get("ContentVariables", "{}"))
        except ValueError:
            variables = None
        if not isinstance(variables, dict) or not all(isinstance(value, str) for value in variables.values()):
            return error(400, "21656", "The ContentVariables parameter is invalid.")
        if not fields.get("ValidityPeriod", "1").isdigit() or not 1 <= int(fields.get("ValidityPeriod", "1")) <= 36_000:
            return error(400, "20001", "ValidityPeriod is out of range")
        if to in self._stopped:
            return error(400, "21610", "Attempt to send to unsubscribed recipient")
        return None


def _segments(text: str) -> int:
    if all(c in _GSM7 or c in _GSM7_TWICE for c in text):
        units, alone, joined = len(text) + sum(c in _GSM7_TWICE for c in text), 160, 153
    else:
        units, alone, joined = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if units <= alone else -(-units // joined)
