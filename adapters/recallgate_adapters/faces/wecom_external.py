"""WeCom's customer contact as its callers see it: tasks that a member sends, their results, welcome messages, callbacks.

Source: WxJava's external-contact beans, wechatpy 2.0.0a26 external_contact.py, read 2026-11-22.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, WorldEvent
from recallgate_adapters.faces._wire import answer, document, gateway_fault, links_in, words_in
from recallgate_adapters.faces.wecom import WecomAppFace

_HEAD = "/cgi-bin/externalcontact/"
_REFUSALS: Mapping[ErrorKind, int] = {
    ErrorKind.INVALID_RECIPIENT: 40096,
    ErrorKind.OPTED_OUT: 84061,
    ErrorKind.BLOCKED_CONTENT: 85002,
    ErrorKind.PAYLOAD_TOO_LARGE: 45002,
    ErrorKind.AUTH: 60020,
    ErrorKind.RATE_LIMITED: 45009,
    ErrorKind.TEMPORARY: -1,
    ErrorKind.UNSUPPORTED: 41051,
}
_RESULTS = {EventType.SENT: 1, EventType.DELIVERED: 1, EventType.UNSUBSCRIBED: 2, EventType.UNDELIVERED: 3}


class WecomExternalFace(WecomAppFace):
    """One company's customers. Those named in `config["failing"]` are in every fail_list; news becomes a send result."""

    adapter = "wecom.external"

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__({"agent_id": 0, **config})
        self._failing = {str(one) for one in config.get("failing", ())}
        self._tasks: dict[str, dict[str, int]] = {}
        self._welcomed: set[str] = set()

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        path, query = request.url.path, request.url.params
        if path == "/cgi-bin/gettoken":
            return self._token(query, now, new_id)
        if not path.startswith(_HEAD):
            return FaceReply(404)
        if refused := self._refused(query.get("access_token"), now):
            return refused
        if fault is not None:
            return gateway_fault(fault) or _errcode(int(fault.code or _REFUSALS.get(fault.kind, 40058)), "refused")
        body = document(request)
        if body is None:
            return _errcode(40058, "invalid request body")
        match path.removeprefix(_HEAD):
            case "add_msg_template":
                return self._task(body, request, now, new_id)
            case "send_welcome_msg":
                return self._welcome(body, new_id)
            case "get_groupmsg_send_result":
                return self._result(body, now)
        return FaceReply(404)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        if news.type in _RESULTS and taken.vendor_id in self._tasks:
            self._tasks[taken.vendor_id][taken.recipient] = _RESULTS[news.type]
        if news.type in (EventType.SENT, EventType.DELIVERED, EventType.UNDELIVERED):
            return ()
        return super().callbacks(taken, news, nonce=nonce)

    def _task(self, body: Mapping[str, Any], request: httpx.Request, now: datetime, new_id: IdSource) -> FaceReply:
        customers = body.get("external_userid", [])
        if not customers and not body.get("sender"):
            return _errcode(41048, "no customer to send")
        if len(customers) > 10_000:
            return _errcode(40058, "too many customers")
        if wrong := _violation(body):
            return wrong
        reached = [one for one in customers if one not in self._failing]
        if not reached:
            return _errcode(41048, "no customer to send")
        msgid = "msg" + new_id.hex(request.content.decode(), now.isoformat(), length=29)
        self._tasks[msgid] = dict.fromkeys(reached, 0)
        text, url = _words(body), self.config.get("callback_url")
        taken = tuple(Taken(msgid, one, "wecom", text, links_in(text), callback_url=url) for one in reached)
        return _errcode(0, "ok", taken, fail_list=[one for one in customers if one in self._failing], msgid=msgid)

    def _welcome(self, body: Mapping[str, Any], new_id: IdSource) -> FaceReply:
        code = str(body.get("welcome_code") or "")
        if not code or code in self._welcomed:
            return _errcode(41051, "welcome_code has been used")
        if wrong := _violation(body):
            return wrong
        self._welcomed.add(code)
        text = _words(body)
        return _errcode(0, "ok", (Taken(new_id.hex(code), code, "wecom", text, links_in(text)),))

    def _result(self, body: Mapping[str, Any], now: datetime) -> FaceReply:
        told = self._tasks.get(str(body.get("msgid")))
        if told is None or not body.get("userid"):
            return _errcode(40058, "invalid msgid")
        rows = [
            {"external_userid": one, "userid": body["userid"], "status": status, "send_time": int(now.timestamp())}
            for one, status in told.items()
        ]
        return _errcode(0, "ok", send_list=rows, next_cursor="")


def _violation(body: Mapping[str, Any]) -> FaceReply | None:
    text, attachments = body.get("text", {}).get("content", ""), body.get("attachments", [])
    if not text and not attachments:
        return _errcode(44004, "empty content")
    if len(text.encode()) > 4000:
        return _errcode(45002, "content size out of limit")
    return _errcode(45008, "too many attachments") if len(attachments) > 9 else None


def _words(body: Mapping[str, Any]) -> str:
    return words_in([body.get("text", {}), [part.get(part.get("msgtype"), {}) for part in body.get("attachments", [])]])


def _errcode(code: int, words: str, taken: Sequence[Taken] = (), **more: object) -> FaceReply:
    return answer({"errcode": code, "errmsg": words, **more}, taken=taken)
