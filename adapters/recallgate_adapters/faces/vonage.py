"""The face of Vonage's SMS API: takes messages part by part, reports on them, and hears people.

Source: "SMS API errors", "Delivery receipts" and DLR err-codes (204014733), vendor pages, read 2026-11-22.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._sms import NUMBER, basic, e164, links_in, segments
from recallgate_adapters.faces._wire import answer, form, gateway_fault, waiting

_STATUS = {
    EventType.ACCEPTED: "accepted",
    EventType.SENT: "buffered",
    EventType.DELIVERED: "delivered",
    EventType.UNDELIVERED: "failed",
    EventType.EXPIRED: "expired",
    EventType.CANCELLED: "rejected",
}
_REPORT_CODE = {
    ErrorKind.UNREACHABLE: "2",
    ErrorKind.INVALID_RECIPIENT: "3",
    ErrorKind.OPTED_OUT: "9",
    ErrorKind.TEMPORARY: "8",
    ErrorKind.BLOCKED_CONTENT: "6",
    ErrorKind.UNSUPPORTED_REGION: "11",
}
_FAULTS = {
    ErrorKind.RATE_LIMITED: ("1", "Throughput Rate Exceeded - please wait and retry"),
    ErrorKind.AUTH: ("4", "Bad Credentials"),
    ErrorKind.TEMPORARY: ("5", "Internal Error"),
    ErrorKind.INVALID_RECIPIENT: ("6", "Unroutable message - rejected"),
    ErrorKind.OPTED_OUT: ("7", "Number barred"),
    ErrorKind.INSUFFICIENT_FUNDS: ("9", "Quota Exceeded - rejected"),
    ErrorKind.PAYLOAD_TOO_LARGE: ("12", "Message too long"),
    ErrorKind.INVALID_SENDER: ("15", "Illegal Sender Address - rejected"),
    ErrorKind.UNSUPPORTED_REGION: ("22", "Invalid Network Code"),
}
_OTHER_FAULT = ("3", "Invalid value for param")


class VonageSmsFace(VendorFace):
    """/sms/json of one account, and its webhooks, signed as the account has it."""

    adapter = "vonage.sms"
    hosts = ("rest.nexmo.com",)

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if request.method != "POST" or not request.url.path.endswith("/sms/json"):
            return answer({"title": "Not found"}, 404)
        fields = form(request)
        if not self._signed_in(request, fields):
            return _refused("4", "Bad Credentials")
        if fault is not None:
            code, words = _FAULTS.get(fault.kind, _OTHER_FAULT)
            return gateway_fault(fault) or _refused(fault.code or code, words, headers=waiting(fault))
        for name in ("to", "from", "text"):
            if not fields.get(name):
                return _refused("2", f"Missing {name} param")
        if not NUMBER.fullmatch(fields["to"]) or fields["to"].startswith("+"):
            return _refused("3", "Invalid value for param: to")
        if len(fields.get("callback", "")) > 100:
            return _refused("3", "Invalid value for param: callback")
        if not 20_000 <= int(fields.get("ttl", "20000")) <= 604_800_000:
            return _refused("3", "Invalid value for param: ttl")
        return self._take(fields, now, new_id)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        status = _STATUS.get(news.type)
        if status is None or taken.callback_url is None:
            return ()
        code = _REPORT_CODE.get(news.kind or ErrorKind.UNKNOWN, "1") if status == "failed" else "0"
        fields = {
            "messageId": taken.vendor_id,
            "msisdn": taken.recipient.removeprefix("+"),
            "to": taken.data["from"],
            "network-code": "12345",
            "price": "0.03330000",
            "status": status,
            "err-code": code,
            "scts": news.at.strftime("%y%m%d%H%M"),
            "message-timestamp": news.at.strftime("%Y-%m-%d %H:%M:%S"),
            "client-ref": taken.data["client-ref"],
        }
        return (self._signed(taken.callback_url, fields, news.at),)

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        fields = {
            "msisdn": sender.removeprefix("+"),
            "to": recipient.removeprefix("+"),
            "messageId": hashlib.sha256(f"{nonce}:{sender}:{text}".encode()).hexdigest()[:16].upper(),
            "text": text,
            "type": "text" if text.isascii() else "unicode",
            "keyword": (text.split() or [""])[0].upper(),
            "message-timestamp": at.strftime("%Y-%m-%d %H:%M:%S"),
        }
        return (self._signed(url, fields, at),)

    def _signed_in(self, request: httpx.Request, fields: Mapping[str, str]) -> bool:
        key, secret = self.config["api_key"], self.config.get("api_secret")
        if secret and basic(request, key, secret):
            return True
        if fields.get("api_key") != key:
            return False
        if secret and fields.get("api_secret") == secret:
            return True
        return bool(fields.get("sig")) and fields["sig"] == self._sig({n: v for n, v in fields.items() if n != "sig"})

    def _take(self, fields: Mapping[str, str], now: datetime, new_id: IdSource) -> FaceReply:
        text, to = fields["text"], fields["to"]
        ids = [new_id.hex(str(part), now.isoformat(), urlencode(fields), length=16).upper() for part in range(segments(text))]
        parts = [
            {
                "to": to,
                "message-id": one,
                "status": "0",
                "remaining-balance": "3.14159265",
                "message-price": "0.03330000",
                "network": "12345",
                **({"client-ref": fields["client-ref"]} if "client-ref" in fields else {}),
            }
            for one in ids
        ]
        taken = Taken(
            vendor_id=ids[0],
            recipient=e164(to),
            channel="sms",
            text=text,
            links=links_in(text),
            callback_url=fields.get("callback"),
            data={"from": fields["from"], "client-ref": fields.get("client-ref", "")},
        )
        return answer({"message-count": str(len(parts)), "messages": parts}, taken=(taken,))

    def _sig(self, fields: Mapping[str, str]) -> str:
        text = "".join(f"&{name}={value.replace('&', '_').replace('=', '_')}" for name, value in sorted(fields.items()))
        secret = str(self.config.get("signature_secret") or "")
        return hmac.new(secret.encode(), text.encode(), self.config.get("signature_method") or "sha256").hexdigest()

    def _signed(self, url: str, fields: Mapping[str, str], at: datetime) -> Callback:
        told = {"api-key": self.config["api_key"], **fields, "timestamp": str(int(at.timestamp()))}
        if self.config.get("signature_secret"):
            told["sig"] = self._sig(told)
        headers = httpx.Headers({"content-type": "application/x-www-form-urlencoded", "user-agent": "Nexmo/MessagingHUB/v1.0"})
        return Callback("POST", url, headers, urlencode(told).encode(), at)


def _refused(code: str, words: str, *, headers: Mapping[str, str] | None = None) -> FaceReply:
    """The vendor's refusal: HTTP 200 with a status; one that names a time to wait comes as 429."""
    document = {"message-count": "1", "messages": [{"status": code, "error-text": words}]}
    return answer(document, 429 if headers else 200, headers=headers)
