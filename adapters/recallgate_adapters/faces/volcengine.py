"""The face of Volcengine's SMS API: single and batch sends, details, pushed reports and replies.

Source: pages 66716, 171584, 171585, 173288 and 1125371 of the vendor's documents, and its SDKs, read 2026-11-22.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters._signing import volcengine

_AUTHORIZATION = re.compile(
    r"HMAC-SHA256 Credential=([^/]*)/(\d{8})/([^/]*)/([^/]*)/request, SignedHeaders=([^,]*), Signature=[0-9a-f]{64}"
)
_LINK = re.compile(r"https?://[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_NUMBER = re.compile(r"1[3-9]\d{9}|\+[1-9]\d{6,14}", re.ASCII)
_JSON = {"content-type": "application/json; charset=utf-8"}
# HTTP status, code, words.
_FAULTS: dict[ErrorKind, tuple[int, str, str]] = {
    ErrorKind.AUTH: (403, "RE:0007", "ip is not allowed"),
    ErrorKind.INSUFFICIENT_FUNDS: (400, "RE:0010", "account is in arrears"),
    ErrorKind.INVALID_RECIPIENT: (400, "RE:0006", "phone number is invalid"),
    ErrorKind.TEMPLATE_OR_SIGNATURE: (400, "RE:0005", "template is invalid"),
    ErrorKind.UNSUPPORTED_REGION: (400, "RE:0011", "region is not supported"),
    ErrorKind.RATE_LIMITED: (400, "RE:0013", "send volume exceeds the threshold"),
    ErrorKind.TEMPORARY: (500, "RE:0500", "unknown error"),
}
_WIRE = {ErrorKind.UNAVAILABLE: 503, ErrorKind.UNCERTAIN: 504}
_STATUS_CODES = {EventType.DELIVERED: "0", EventType.UNDELIVERED: "UNDELIV", EventType.EXPIRED: "EXPIRED"}


class VolcengineSmsFace(VendorFace):
    """One access key and message group; pushes go to `config["callback_url"]`, as set in the console."""

    adapter = "volcengine.sms"
    hosts = ("sms.volcengineapi.com",)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._details: dict[str, dict[str, Any]] = {}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        action = request.url.params.get("Action", "")
        if not self._signed_in(request, now):
            return _error(action, 401, "RE:0000", "authentication failed")
        if fault is not None:
            return _told(action, fault)
        body = _object(request.content)
        match action:
            case "SendSms":
                numbers = str(body.get("PhoneNumbers") or "").split(",")
                return self._send(action, body, [(number, body.get("TemplateParam")) for number in numbers], now, new_id)
            case "SendBatchSms":
                messages = [one for one in body.get("Messages") or () if isinstance(one, dict)]
                pairs = [(str(one.get("PhoneNumber") or ""), one.get("TemplateParam")) for one in messages]
                return self._send(action, body, pairs, now, new_id)
            case "GetSmsSendDetails":
                return self._find(action, body)
        return _error(action, 404, "InvalidActionOrVersion", "could not find the operation")

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        if news.type not in _STATUS_CODES:
            return ()
        code, at_ms = _STATUS_CODES[news.type], int(news.at.timestamp() * 1000)
        status = 3 if code == "0" else 2
        self._details[taken.vendor_id] |= {"status": status, "errorCode": code, "receiptTime": at_ms}
        url = taken.callback_url or self.config.get("callback_url")
        if not url:
            return ()
        row = {
            "account": "2100000000",
            "sub_account": self.config["sms_account"],
            "status_code": code,
            "description": "发送成功" if code == "0" else "发送失败",
            "signature": taken.data["sign"],
            "template_id": taken.data["template"],
            "mobile": _local(taken.recipient),
            "channel_type": "CN_MKT",
            "message_id": taken.vendor_id,
            "msg_count": 1,
            "ext": taken.data["tag"],
            "send_time": taken.data["sent_ms"],
            "recv_time": at_ms,
        }
        return (_pushed(url, [row], news.at),)

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        row = {
            "account": "2100000000",
            "sub_account": self.config["sms_account"],
            "signature": self.config.get("sign") or "",
            "content": text,
            "mobile": _local(sender),
            "channel_type": "CN_MKT",
            "recv_time": int(at.timestamp() * 1000),
            "ext": recipient,
        }
        return (_pushed(url, [row], at),)

    def _signed_in(self, request: httpx.Request, now: datetime) -> bool:
        shown, stamp = request.headers.get("authorization", ""), request.headers.get("x-date", "")
        match = _AUTHORIZATION.fullmatch(shown)
        if match is None or match[1] != self.config["access_key_id"] or match[4] != "volcSMS":
            return False
        if match[5] not in (
            "content-type;host;x-content-sha256;x-date",
            "content-type;host;x-content-sha256;x-date;x-security-token",
        ):
            return False
        try:
            at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        except ValueError:
            return False
        headers = {name: request.headers[name] for name in ("content-type", "host")}
        again = httpx.Request(request.method, request.url, headers=headers, content=request.content)
        secret, token = self.config["secret_access_key"], request.headers.get("x-security-token")
        made = volcengine(again, key_id=match[1], secret=secret, service=match[4], region=match[3], now=at, token=token)
        return made.headers["authorization"] == shown and abs(now - at) <= timedelta(minutes=15)

    def _send(
        self, action: str, body: Mapping[str, Any], pairs: Sequence[tuple[str, object]], now: datetime, new_id: IdSource
    ) -> FaceReply:
        if body.get("SmsAccount") != self.config["sms_account"]:
            return _error(action, 400, "RE:0003", "SmsAccount is unknown")
        if not body.get("Sign"):
            return _error(action, 400, "RE:0004", "signature is invalid")
        if not body.get("TemplateID"):
            return _error(action, 400, "RE:0005", "template is invalid")
        if len(pairs) > 200:
            return _error(action, 400, "RE:0009", "too many phone numbers")
        if not pairs or not all(_NUMBER.fullmatch(number) for number, _ in pairs):
            return _error(action, 400, "RE:0006", "phone number is invalid")
        taken = []
        for number, param in pairs:
            variables = _object(str(param or "{}").encode())
            text = " ".join(str(value) for value in variables.values())
            vendor_id = new_id.hex("sms", now.isoformat(), number, text, str(body.get("Tag")), length=36)
            self._details[vendor_id] = {
                "status": 1,
                "errorCode": "",
                "phoneNumber": number,
                "messageId": vendor_id,
                "msgCount": 1,
            }
            data = {
                "sign": body["Sign"],
                "template": body["TemplateID"],
                "tag": body.get("Tag", ""),
                "sent_ms": int(now.timestamp() * 1000),
            }
            person = number if number.startswith("+") else f"+86{number}"
            links = tuple(link.rstrip(".,;:!?)'") for link in _LINK.findall(text))
            taken.append(Taken(vendor_id, person, "sms", text, links, callback_url=self.config.get("callback_url"), data=data))
        return _result(action, {"MessageID": [one.vendor_id for one in taken]}, tuple(taken))

    def _find(self, action: str, body: Mapping[str, Any]) -> FaceReply:
        if not (body.get("subAccount") and body.get("sendDate") and body.get("pageSize")):
            return _error(action, 400, "RE:0009", "a parameter is missing")
        found = self._details.get(str(body.get("messageId")))
        rows = [found] if found and found["phoneNumber"] == body.get("phoneNumber") else []
        return _result(action, {"sendDetailsResults": rows, "total": len(rows), "subAccount": body["subAccount"]})


def _metadata(action: str) -> dict[str, object]:
    return {"RequestId": "202611201000", "Action": action, "Version": "", "Service": "volcSMS", "Region": "cn-north-1"}


def _result(action: str, result: Mapping[str, object], taken: tuple[Taken, ...] = ()) -> FaceReply:
    body = {"ResponseMetadata": _metadata(action), "Result": result}
    return FaceReply(200, json.dumps(body, ensure_ascii=False).encode(), _JSON, taken)


def _error(action: str, status: int, code: str, words: str, headers: Mapping[str, str] = _JSON) -> FaceReply:
    body = {"ResponseMetadata": {**_metadata(action), "Error": {"Code": code, "Message": words}}}
    return FaceReply(status, json.dumps(body).encode(), headers)


def _told(action: str, fault: Fault) -> FaceReply:
    headers = {**_JSON, "retry-after": str(fault.retry_after_s)} if fault.retry_after_s is not None else _JSON
    if fault.kind in _WIRE and not fault.code:
        return FaceReply(_WIRE[fault.kind], b"", headers)
    status, code, words = _FAULTS.get(fault.kind, (400, "RE:0009", "a parameter is wrong"))
    return _error(action, status, fault.code or code, words, headers)


def _object(content: bytes) -> dict[str, Any]:
    try:
        body = json.loads(content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _local(address: str) -> str:
    return address[3:] if address.startswith("+861") and len(address) == 14 else address


def _pushed(url: str, rows: Sequence[Mapping[str, object]], at: datetime) -> Callback:
    """The vendor's POST of a JSON array; nothing in it is signed."""
    headers = httpx.Headers({"content-type": "application/json;charset=utf-8"})
    return Callback("POST", url, headers, json.dumps(rows, ensure_ascii=False).encode(), at)
