"""The face of DirectMail: SingleSendMail under both of Aliyun's signatures, and events as EventBridge posts them.

Source: "SingleSendMail", "Direct Mail events" and "Return codes", vendor documents, read 2026-11-22.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._mail import address_in, posted, taken_mail, zulu
from recallgate_adapters.faces._wire import answer, gateway_fault
from recallgate_adapters.faces.aliyun_rest import action_of, fields_of, refused_credentials

_REFUSALS: Mapping[ErrorKind, tuple[int, str, str]] = {
    ErrorKind.AUTH: (403, "Forbidden.RAM", "User not authorized to operate on the specified resource."),
    ErrorKind.RATE_LIMITED: (400, "Throttling.User", "Request was denied due to user flow control."),
    ErrorKind.INVALID_RECIPIENT: (400, "InvalidToAddress", "The specified toAddress is wrongly formed."),
    ErrorKind.INVALID_SENDER: (404, "InvalidMailAddress.NotFound", "The specified mailAddress does not exist."),
    ErrorKind.BLOCKED_CONTENT: (400, "InvalidSendMail.Spam", "Sendmail rejected by spam filter."),
    ErrorKind.TEMPLATE_OR_SIGNATURE: (404, "InvalidTemplate.NotFound", "The specified template does not exist."),
}
_EVENTS: Mapping[EventType, str] = {
    EventType.DELIVERED: "dm:Deliver:Succeed",
    EventType.UNDELIVERED: "dm:Deliver:Fail",
    EventType.EXPIRED: "dm:Deliver:Fail",
    EventType.COMPLAINED: "dm:Feedback:FblReport",
    EventType.UNSUBSCRIBED: "dm:Feedback:UnSubscribe",
    EventType.OPENED: "dm:Trace:Open",
    EventType.CLICKED: "dm:Trace:Click",
}
_REPLIES: Mapping[ErrorKind | None, str] = {
    ErrorKind.INVALID_RECIPIENT: "559 Invalid rcptto [@sm070102]",
    ErrorKind.UNREACHABLE: "552 5.2.2 Mailbox full",
    ErrorKind.PAYLOAD_TOO_LARGE: "557 Message too large",
}
_REQUIRED = ("AccountName", "AddressType", "ReplyToAddress", "ToAddress")


class AliyunEmailFace(VendorFace):
    """DirectMail of one account."""

    adapter = "aliyun.email"
    hosts = ("dm.aliyuncs.com", "dm.ap-southeast-1.aliyuncs.com", "dm.eu-central-1.aliyuncs.com")

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        if (refused := refused_credentials(self.config, request, now)) is not None:
            return refused
        if fault is not None:
            told = _REFUSALS.get(fault.kind, (400, "InvalidBody", "The specified body is wrongly formed."))
            return gateway_fault(fault) or _error(*told)
        if action_of(request) != "SingleSendMail":
            return _error(404, "InvalidAction.NotFound", "Specified api is not found.")
        fields = fields_of(request)
        if missing := next((name for name in _REQUIRED if not fields.get(name)), None):
            return _error(400, f"Missing{missing}", f"{missing} is mandatory for this action.")
        recipient = address_in(fields["ToAddress"])
        if recipient is None:
            return _error(400, "InvalidToAddress", "The specified toAddress is wrongly formed.")
        if address_in(fields["AccountName"]) is None or len(fields.get("FromAlias", "")) > 15:
            return _error(404, "InvalidMailAddress.NotFound", "The specified mailAddress does not exist.")
        template = json.loads(fields.get("Template", "{}"))
        if not template and not (fields.get("Subject") and (fields.get("TextBody") or fields.get("HtmlBody"))):
            return _error(400, "InvalidBody", "The specified body is wrongly formed.")
        if len(fields.get("Subject", "")) > 100:
            return _error(400, "InvalidSubject.Malformed", "The specified subject is wrongly formed.")
        identity = str(int(new_id.hex("dm", now.isoformat(), request.content.decode(), length=12), 16))
        words = " ".join(map(str, (template.get("TemplateData") or {}).values()))
        taken = taken_mail(
            identity,
            recipient,
            self.config,
            subject=fields.get("Subject", ""),
            text=fields.get("TextBody") or (words if template else None),
            html=fields.get("HtmlBody"),
            headers=json.loads(fields.get("Headers", "{}")),
            data={"from": fields["AccountName"]},
        )
        return answer({"EnvId": identity, "RequestId": new_id.hex("request", identity).upper()}, taken=(taken,))

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        name = _EVENTS.get(news.type)
        if name is None or taken.callback_url is None:
            return ()
        data = {"env_id": taken.vendor_id, "from": taken.data["from"], "rcpt": taken.recipient, "send_time": zulu(news.at)}
        if name == "dm:Deliver:Fail":
            data |= {"status": "2", "err_msg": _REPLIES.get(news.kind, "550 refused")}
        if name == "dm:Trace:Click":
            data["url"] = taken.links[0] if taken.links else ""
        event = {"specversion": "1.0", "id": nonce, "source": "acs.dm", "type": name, "time": zulu(news.at), "data": data}
        return (posted(taken.callback_url, json.dumps(event).encode(), news.at),)


def _error(status: int, code: str, words: str) -> FaceReply:
    return answer({"RequestId": "R", "HostId": "dm.aliyuncs.com", "Code": code, "Message": words}, status)
