"""The face of SendCloud: takes mails and templates, one by one and to many, and posts events.

Source: sendcloud.net/doc/en/email_v2, aurorasendcloud.com/docs/API/index, read 2026-11-22.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._mail import address_in, form_fields, posted, taken_mail
from recallgate_adapters.faces._wire import answer, gateway_fault, waiting

_MOST_RECIPIENTS = 100
_REFUSALS: Mapping[ErrorKind, tuple[int, str]] = {
    ErrorKind.AUTH: (40005, "认证失败"),
    ErrorKind.INVALID_RECIPIENT: (40012, "email格式非法"),
    ErrorKind.TEMPLATE_OR_SIGNATURE: (40202, "invokeName格式非法"),
}
_EVENTS: Mapping[EventType, str] = {
    EventType.ACCEPTED: "request",
    EventType.DELIVERED: "deliver",
    EventType.UNDELIVERED: "bounce",
    EventType.EXPIRED: "soft_bounce",
    EventType.COMPLAINED: "report_spam",
    EventType.UNSUBSCRIBED: "unsubscribe",
    EventType.OPENED: "open",
    EventType.CLICKED: "click",
}


class SendcloudEmailFace(VendorFace):
    """One API user."""

    adapter = "sendcloud.email"
    hosts = ("api.sendcloud.net", "api2.sendcloud.net")

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        fields = {name: values[-1] for name, values in form_fields(request).items()}
        if (fields.get("apiUser"), fields.get("apiKey")) != (self.config["api_user"], self.config["api_key"]):
            return _error(40005, "认证失败")
        if fault is not None:
            if fault.kind is ErrorKind.RATE_LIMITED:
                return answer({"result": False, "message": "too many"}, 429, headers=waiting(fault))
            return gateway_fault(fault) or _error(*_REFUSALS.get(fault.kind, (40801, "参数错误")))
        path = request.url.path
        if not path.endswith(("/mail/send", "/mail/sendtemplate")):
            return answer({"result": False, "statusCode": 404, "message": "not found"}, 404)
        templated = path.endswith("/mail/sendtemplate")
        written = json.loads(fields.get("xsmtpapi", "{}"))
        people = written.get("to") or [one for one in fields.get("to", "").split(";") if one]
        if address_in(fields.get("from")) is None:
            return _error(40801, "from不能为空")
        if not people:
            return _error(40011, "email不能为空")
        if len(people) > _MOST_RECIPIENTS or any(address_in(person) is None for person in people):
            return _error(40012, "email格式非法")
        if templated and not fields.get("templateInvokeName"):
            return _error(40201, "invokeName不能为空")
        if not templated and not (fields.get("subject") and (fields.get("html") or fields.get("plain"))):
            return _error(40801, "subject, html: 不能为空")
        mark = new_id.hex("sendcloud", now.isoformat(), json.dumps(fields, sort_keys=True), length=20)
        stem = f"{int(now.timestamp() * 1000)}_{mark}.sc-10_10_126_221-inbound"
        taken = [self._taken(fields, written, number, person, stem) for number, person in enumerate(people)]
        info = {"emailIdList": [one.vendor_id for one in taken]}
        return answer({"result": True, "statusCode": 200, "message": "请求成功", "info": info}, taken=taken)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        name = _EVENTS.get(news.type)
        if name is None or taken.callback_url is None:
            return ()
        if name == "bounce" and news.kind is not ErrorKind.INVALID_RECIPIENT:
            name = "soft_bounce"
        stamp, token = str(int(news.at.timestamp() * 1000)), hashlib.sha256(nonce.encode()).hexdigest()[:50]
        fields = {"event": name, "emailId": taken.vendor_id, "recipient": taken.recipient, "timestamp": stamp, "token": token}
        if name == "click":
            fields["url"] = taken.links[0] if taken.links else ""
        if key := self.config.get("app_key"):
            fields["signature"] = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
        body = urlencode(fields).encode()
        return (posted(taken.callback_url, body, news.at, content_type="application/x-www-form-urlencoded"),)

    def _taken(self, fields: Mapping[str, str], written: Mapping[str, Any], number: int, person: str, stem: str) -> Taken:
        words = " ".join(values[number] for values in (written.get("sub") or {}).values())
        return taken_mail(
            f"{stem}{number}${person}",
            person,
            self.config,
            subject=fields.get("subject", ""),
            text=fields.get("plain") or (words if "templateInvokeName" in fields else None),
            html=fields.get("html"),
            headers=json.loads(fields.get("headers", "{}")),
            data={"from": fields["from"]},
        )


def _error(code: int, words: str) -> FaceReply:
    return answer({"result": False, "statusCode": code, "message": words, "info": {}})
