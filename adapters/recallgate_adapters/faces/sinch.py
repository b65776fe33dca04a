"""The face of Sinch's batches: takes one text for many people, reports on each, and gives tokens to projects.

Source: sinch 2.3.0, "Delivery reports" and "Webhooks", vendor documents, read 2026-11-22.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._sms import NUMBER, basic, e164, links_in
from recallgate_adapters.faces._wire import answer, document, gateway_fault, waiting

_STATUS = {
    EventType.ACCEPTED: ("Queued", 400),
    EventType.SENT: ("Dispatched", 401),
    EventType.DELIVERED: ("Delivered", 0),
    EventType.EXPIRED: ("Expired", 406),
    EventType.CANCELLED: ("Cancelled", 407),
    EventType.UNDELIVERED: ("Failed", 408),
}
_REPORT_CODE = {
    ErrorKind.UNSUPPORTED_REGION: 402,
    ErrorKind.TEMPORARY: 404,
    ErrorKind.TEMPLATE_OR_SIGNATURE: 405,
    ErrorKind.INVALID_SENDER: 410,
    ErrorKind.PAYLOAD_TOO_LARGE: 411,
}
_FAULTS = {
    ErrorKind.AUTH: (401, "unauthorized"),
    ErrorKind.INSUFFICIENT_FUNDS: (402, "payment_required"),
    ErrorKind.PAYLOAD_TOO_LARGE: (413, "payload_too_large"),
    ErrorKind.RATE_LIMITED: (429, "too_many_requests"),
}
_OTHER_FAULT = (400, "syntax_invalid_parameter_format")
_REGIONS = ("us", "eu", "au", "br", "ca")


class SinchSmsFace(VendorFace):
    """batches of one plan or project; remembers the last report of every recipient."""

    adapter = "sinch.sms"
    hosts = ("auth.sinch.com", *(f"{zone}{region}.sms.api.sinch.com" for region in _REGIONS for zone in ("", "zt.")))

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._reports: dict[tuple[str, str], dict[str, Any]] = {}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if request.url.path.endswith("/oauth2/token"):
            return self._give_token(request, new_id)
        account = self.config.get("service_plan_id") or self.config.get("project_id")
        _, found, rest = request.url.path.partition(f"/xms/v1/{account}/batches")
        if not found or not self._signed_in(request, new_id):
            return _refused(401, "unauthorized")
        if fault is not None:
            status, code = _FAULTS.get(fault.kind, _OTHER_FAULT)
            return gateway_fault(fault) or _refused(status, fault.code or code, headers=waiting(fault))
        if request.method == "GET":
            batch_id, _, number = rest.removeprefix("/").partition("/delivery_report/")
            report = self._reports.get((batch_id, number.removeprefix("+")))
            return answer(report) if report else _refused(404, "unknown_batch")
        if request.method != "POST" or rest:
            return _refused(405, "method_not_allowed")
        wanted = document(request) or {}
        if _fault_of(wanted):
            return _refused(400, "syntax_constraint_violation", _fault_of(wanted))
        return self._take(wanted, now, new_id)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        if news.type not in _STATUS:
            return ()
        status, code = _STATUS[news.type]
        if news.type is EventType.UNDELIVERED:
            code = _REPORT_CODE.get(news.kind or ErrorKind.UNKNOWN, code)
        number = taken.recipient.removeprefix("+")
        report = self._reports[(taken.data["batch"], number)] | {"status": status, "code": code, "at": _stamp(news.at)}
        self._reports[(taken.data["batch"], number)] = report
        if taken.callback_url is None:
            return ()
        return (self._signed(taken.callback_url, report, news.at, nonce),)

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        told = {
            "type": "mo_text",
            "id": hashlib.sha256(f"{nonce}:{sender}:{text}".encode()).hexdigest()[:26].upper(),
            "from": sender.removeprefix("+"),
            "to": recipient.removeprefix("+"),
            "body": text,
            "received_at": _stamp(at),
        }
        return (self._signed(url, told, at, nonce),)

    def _give_token(self, request: httpx.Request, new_id: IdSource) -> FaceReply:
        key_id, key_secret = self.config.get("key_id"), self.config.get("key_secret")
        if not key_id or not basic(request, key_id, str(key_secret)) or request.content != b"grant_type=client_credentials":
            return answer({"error": "invalid_client", "error_description": "Client authentication failed"}, 401)
        return answer({"access_token": self._token(), "expires_in": 3599, "scope": "", "token_type": "bearer"})

    def _token(self) -> str:
        return hashlib.sha256(f"{self.config.get('key_id')}:{self.config.get('key_secret')}".encode()).hexdigest()

    def _signed_in(self, request: httpx.Request, new_id: IdSource) -> bool:
        wanted = self.config.get("api_token") if self.config.get("service_plan_id") else self._token()
        shown: str = request.headers.get("authorization", "")
        return shown == f"Bearer {wanted}"

    def _take(self, wanted: Mapping[str, Any], now: datetime, new_id: IdSource) -> FaceReply:
        batch_id = new_id.hex("batch", now.isoformat(), json.dumps(wanted, sort_keys=True), length=26).upper()
        taken = []
        for number in wanted["to"]:
            key = (batch_id, number.removeprefix("+"))
            common = {"client_reference": wanted["client_reference"]} if "client_reference" in wanted else {}
            self._reports[key] = {"type": "recipient_delivery_report_sms", "batch_id": batch_id, "recipient": key[1], **common}
            self._reports[key] |= {"status": "Queued", "code": 400, "at": _stamp(now)}
            taken.append(
                Taken(
                    vendor_id=f"{batch_id}:{key[1]}",
                    recipient=e164(number),
                    channel="sms",
                    text=wanted["body"],
                    links=links_in(wanted["body"]),
                    callback_url=wanted.get("callback_url"),
                    data={"from": wanted.get("from", ""), "batch": batch_id},
                )
            )
        made = {"id": batch_id, **wanted, "canceled": False, "created_at": _stamp(now), "modified_at": _stamp(now)}
        return answer(made, 201, taken=taken)

    def _signed(self, url: str, told: Mapping[str, Any], at: datetime, nonce: str) -> Callback:
        body = json.dumps(told, ensure_ascii=False).encode()
        headers = {"content-type": "application/json"}
        if secret := self.config.get("callback_secret"):
            stamp = str(int(at.timestamp()))
            digest = hmac.new(str(secret).encode(), body + f".{nonce}.{stamp}".encode(), hashlib.sha256).digest()
            headers |= {
                "x-sinch-webhook-signature": base64.b64encode(digest).decode(),
                "x-sinch-webhook-signature-nonce": nonce,
                "x-sinch-webhook-signature-timestamp": stamp,
                "x-sinch-webhook-signature-algorithm": "HmacSHA256",
            }
        return Callback("POST", url, httpx.Headers(headers), body, at)


def _stamp(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fault_of(wanted: Mapping[str, Any]) -> str:
    numbers = wanted.get("to")
    if not isinstance(numbers, list) or not 1 <= len(numbers) <= 1000 or not all(NUMBER.fullmatch(str(one)) for one in numbers):
        return "to"
    if not wanted.get("body"):
        return "body"
    if wanted.get("delivery_report") not in (None, "none", "summary", "full", "per_recipient", "per_recipient_final"):
        return "delivery_report"
    return ""


def _refused(status: int, code: str, words: str = "", *, headers: Mapping[str, str] | None = None) -> FaceReply:
    return answer({"code": code, "text": words or code.replace("_", " ")}, status, headers=headers)
