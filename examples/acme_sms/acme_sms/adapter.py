"""Acme SMS: POST /v2/messages, JSON, bearer token; reports are POSTed as JSON with an HMAC signature.

Source: "Messages" and "Error codes", Acme API reference (made up), read 2026-11-20.
Quirk: a full queue answers HTTP 200 with code 4290; it means what 429 means.
Quirk: `delivered_at` of a report is in seconds since 1970.
"""

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx
from pydantic import SecretStr

from recallgate import (
    Adapter,
    AdapterConfig,
    AdapterOptions,
    Bearer,
    Callback,
    CallbackReading,
    Capabilities,
    ErrorKind,
    Event,
    EventType,
    ForgedCallback,
    Message,
    Phone,
    Receipt,
    Reply,
    SendError,
    Text,
    channels,
    http_kind,
    read_json,
    retry_after,
)

# answers to a submit
ERRORS = {
    "2001": ErrorKind.AUTH,
    "2003": ErrorKind.INVALID_RECIPIENT,
    "2007": ErrorKind.OPTED_OUT,
    "2010": ErrorKind.BLOCKED_CONTENT,
    "2020": ErrorKind.INSUFFICIENT_FUNDS,
    "4290": ErrorKind.RATE_LIMITED,
}
# codes in later reports
REPORT_ERRORS = {"30003": ErrorKind.UNREACHABLE, "30005": ErrorKind.INVALID_RECIPIENT}
STATUSES = {
    "ENROUTE": None,  # no news for us
    "SENT": EventType.SENT,
    "DELIVRD": EventType.DELIVERED,
    "UNDELIV": EventType.UNDELIVERED,
    "EXPIRED": EventType.EXPIRED,
}


class AcmeConfig(AdapterConfig):
    """`sender` is a number or up to 11 letters; `signing_key` comes from the vendor's page for callbacks."""

    dsn_user = "token"
    base_url: str = "https://api.acme.example"
    token: SecretStr
    signing_key: SecretStr
    sender: str


class AcmeOptions(AdapterOptions):
    """`flash`: show the text at once, without keeping it."""

    flash: bool = False


class AcmeSms(Adapter):
    """Acme's message API."""

    vendor, channel, api = "acme", channels.SMS, 1
    Config, Options = AcmeConfig, AcmeOptions
    auth = Bearer("token")
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="signature", reports=True, idempotency=86_400)

    def build(self, message: Message) -> httpx.Request:
        options: AcmeOptions = self.options(message)
        if not isinstance(message.content, Text) or not isinstance(message.to, Phone):
            raise SendError(ErrorKind.UNSUPPORTED, "content", f"content: acme.sms takes a text, not {message.content.type}")
        body = {
            "from": message.sender or self.config.sender,
            "to": message.to.e164,
            "text": message.content.text,
            "reference": message.id,  # the vendor takes one reference once in a day
            "callback": self.tools.callback_url(message),
            "flash": options.flash or None,
        }
        present = {name: value for name, value in body.items() if value is not None}
        return httpx.Request("POST", f"{self.config.base_url}/v2/messages", json=present)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        answer = _object(response)
        code = str(answer.get("code", ""))
        if response.status_code >= 400 or code not in ("", "0"):
            kind = ERRORS.get(code) or (ErrorKind.UNKNOWN if response.is_success else http_kind(response.status_code))
            raise SendError(kind, code or None, "", retry_at=retry_after(response, self.tools.now()))
        if not isinstance(identity := answer.get("id"), str) or not identity:
            raise SendError(ErrorKind.UNCERTAIN, None, "the answer has no id")
        return Receipt(message.id, identity, parts=answer.get("parts"))

    def read_callback(self, callback: Callback) -> CallbackReading:
        key = self.config.signing_key.get_secret_value()
        claimed = callback.headers.get("x-acme-signature", "")
        # as bytes: a header may hold letters that compare_digest does not take in a text
        if not hmac.compare_digest(signature(key, callback.url, callback.body).encode(), claimed.encode()):
            raise ForgedCallback("the signature differs", status=401)
        report = json.loads(callback.body)
        type_ = STATUSES.get(report["status"], EventType.UNKNOWN)
        if type_ is None:
            return CallbackReading(reply=Reply(204))
        code = str(report["error"]) if report.get("error") else None
        event = Event(
            type_,
            message_id=callback.message_id,
            vendor_id=report["id"],
            vendor_event_id=f"{report['id']}:{report['status']}",  # a report told twice is one
            at=datetime.fromtimestamp(report["delivered_at"], UTC) if "delivered_at" in report else None,
            status=report["status"],
            kind=REPORT_ERRORS.get(code, ErrorKind.UNKNOWN) if code else None,
            code=code,
        )
        return CallbackReading((event,), Reply(204))


def signature(key: str, url: str, body: bytes) -> str:
    """HMAC-SHA256 over address and body, in hexadecimal."""
    return hmac.new(key.encode(), url.encode() + b"\n" + body, hashlib.sha256).hexdigest()


def _object(response: httpx.Response) -> dict[str, Any]:
    """The answer; a refusal without a readable body is told by its status."""
    try:
        return read_json(response)
    except SendError:
        if response.status_code < 400:
            raise
        return {}
