"""WeCom as an app sees it: gettoken, message/send, media/upload, and encrypted callbacks.

Source: WxJava's code list and field comments, @wecom/crypto 1.0.1, read 2026-11-22.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.wecom_crypto import encrypt, signature

_LINK = re.compile(r"https?://[^\s\"'<>)\]]+")
_LIFE_S = 7200
_REFUSALS: Mapping[ErrorKind, tuple[int, str]] = {
    ErrorKind.INVALID_RECIPIENT: (81013, "user & party & tag all invalid"),
    ErrorKind.OPTED_OUT: (84061, "not external contact"),
    ErrorKind.BLOCKED_CONTENT: (85002, "contain forbidden words"),
    ErrorKind.PAYLOAD_TOO_LARGE: (45002, "content size out of limit"),
    ErrorKind.INVALID_SENDER: (40056, "invalid agentid"),
    ErrorKind.AUTH: (60020, "not allow to access from your ip"),
    ErrorKind.RATE_LIMITED: (45009, "api freq out of limit"),
    ErrorKind.TEMPORARY: (-1, "system busy"),
    ErrorKind.UNSUPPORTED: (41051, "the customer has started chatting"),
}
# msgtype -> the field with its words and their most bytes
_WORDS = {"text": ("content", 2048), "markdown": ("content", 2048), "textcard": ("description", 512)}
_TYPES = {
    *_WORDS,
    "image",
    "voice",
    "video",
    "file",
    "news",
    "mpnews",
    "miniprogram_notice",
    "template_card",
}
_UPLOAD = re.compile(rb'name="media"; ?filename="[^"]+"')


class WecomAppFace(VendorFace):
    """One company with one app. Members named in `config["invalid_users"]` do not exist.

    Callbacks go to `callback_url` of the message, else to `config["callback_url"]`.
    """

    adapter = "wecom.app"
    hosts = ("qyapi.weixin.qq.com",)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._tokens: dict[str, datetime] = {}
        self._invalid = {str(user).casefold() for user in config.get("invalid_users", ())}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        path, query = request.url.path, request.url.params
        if path == "/cgi-bin/gettoken":
            return self._token(query, now, new_id)
        if path not in ("/cgi-bin/message/send", "/cgi-bin/media/upload"):
            return FaceReply(404)
        if refused := self._refused(query.get("access_token"), now):
            return refused
        if fault is not None:
            return _fail(fault, request)
        if path == "/cgi-bin/media/upload":
            return _upload(request, now, new_id)
        return self._send(request, now, new_id)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        url, user = taken.callback_url, taken.recipient
        match news.type:
            case EventType.CLICKED if taken.data.get("task_id"):
                event = {"Event": "template_card_event", "EventKey": news.key or "1", "TaskId": taken.data["task_id"]}
                return [self._callback(url, _document(self.config, user, "event", news.at, event), news.at, nonce)]
            case EventType.UNSUBSCRIBED | EventType.FRIEND_ADDED:
                change = "del_follow_user" if news.type is EventType.UNSUBSCRIBED else "add_external_contact"
                event = {"Event": "change_external_contact", "ChangeType": change, "UserID": "staff", "ExternalUserID": user}
                return [self._callback(url, _document(self.config, "sys", "event", news.at, event), news.at, nonce)]
            case EventType.REPLIED:
                return self.inbound(user, "", news.text or "", url=url or "", at=news.at, nonce=nonce)
        return ()

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        fields = {"Content": text, "MsgId": str(int(hashlib.sha256(nonce.encode()).hexdigest()[:15], 16))}
        return [self._callback(url, _document(self.config, sender, "text", at, fields), at, nonce)]

    def url_check(self, text: str, *, url: str, at: datetime, nonce: str) -> Callback:
        """The GET with which WeCom checks an address; it wants `text` back."""
        sealed = encrypt(self.config["encoding_aes_key"], text, self.config["corp_id"], random16=_random16(nonce))
        return Callback("GET", _with_query(url, self._signed(sealed, at, nonce, echostr=sealed)), httpx.Headers(), b"", at)

    def _token(self, query: httpx.QueryParams, now: datetime, new_id: IdSource) -> FaceReply:
        if query.get("corpid") != self.config["corp_id"]:
            return _errcode(40013, "invalid corpid")
        if query.get("corpsecret") != self.config["secret"]:
            return _errcode(40001, "invalid credential")
        # A repeated fetch within its life returns the same token.
        token = next((token for token, ends in self._tokens.items() if ends > now), None)
        if token is None:
            token = new_id.hex("token", now.isoformat(), length=64)
            self._tokens[token] = now + timedelta(seconds=_LIFE_S)
        left_s = int((self._tokens[token] - now).total_seconds())
        return _errcode(0, "ok", access_token=token, expires_in=left_s)

    def _refused(self, token: str | None, now: datetime) -> FaceReply | None:
        if not token:
            return _errcode(41001, "access_token missing")
        if token not in self._tokens:
            return _errcode(40014, "invalid access_token")
        return _errcode(42001, "access_token expired") if self._tokens[token] <= now else None

    def _send(self, request: httpx.Request, now: datetime, new_id: IdSource) -> FaceReply:
        try:
            body = json.loads(request.content)
            users = [user for user in str(body.get("touser", "")).split("|") if user]
        except (ValueError, AttributeError):
            return _errcode(40058, "invalid request body")
        if refused := self._violation(body, users):
            return refused
        known = [user for user in users if user.casefold() not in self._invalid]
        if not known:
            return _errcode(81013, "user & party & tag all invalid")
        msgid = new_id.hex(body["touser"], now.isoformat(), request.content.decode(), length=40)
        content = body[body["msgtype"]]
        text = _words(content)
        task_id = content.get("task_id") if body["msgtype"] == "template_card" else None
        links = tuple(dict.fromkeys(_LINK.findall(text)))
        url = self.config.get("callback_url")
        taken = tuple(Taken(msgid, user, "wecom", text, links, callback_url=url, data={"task_id": task_id}) for user in known)
        gone = "|".join(user for user in users if user not in known)
        answer = {"errcode": 0, "errmsg": "ok", "invaliduser": gone, "invalidparty": "", "invalidtag": "", "msgid": msgid}
        return FaceReply(200, json.dumps(answer).encode(), taken=taken)

    def _violation(self, body: Mapping[str, Any], users: Sequence[str]) -> FaceReply | None:
        if body.get("agentid") != int(self.config["agent_id"]):
            return _errcode(40056, "invalid agentid")
        msgtype = body.get("msgtype")
        if msgtype not in _TYPES:
            return _errcode(40008, "invalid message type")
        content = body.get(msgtype)
        if not users or len(users) > 1000 or not isinstance(content, dict):
            return _errcode(40058, "invalid Request Parameter")
        field, most = _WORDS.get(msgtype, ("", 0))
        if field and not content.get(field) and msgtype != "textcard":
            return _errcode(44004, "empty content")
        if field and len(str(content[field]).encode()) > most:
            return _errcode(45002, "content size out of limit")
        articles = content.get("articles", [None])
        if msgtype == "news" and not 1 <= len(articles) <= 8:
            return _errcode(45008, "article count exceeds limit")
        return None

    def _callback(self, url: str | None, document: str, at: datetime, nonce: str) -> Callback:
        corp = self.config["corp_id"]
        sealed = encrypt(self.config["encoding_aes_key"], document, corp, random16=_random16(nonce))
        body = f"<xml>{_tag('ToUserName', corp)}{_tag('Encrypt', sealed)}{_tag('AgentID', self.config['agent_id'])}</xml>"
        address = url or self.config.get("callback_url") or "http://localhost/"
        headers = httpx.Headers({"content-type": "text/xml"})
        return Callback("POST", _with_query(address, self._signed(sealed, at, nonce)), headers, body.encode(), at)

    def _signed(self, sealed: str, at: datetime, nonce: str, **more: str) -> str:
        stamp = str(int(at.timestamp()))
        proof = signature(self.config["callback_token"], stamp, nonce, sealed)
        return urlencode({"msg_signature": proof, "timestamp": stamp, "nonce": nonce, **more})


def _document(config: Mapping[str, Any], sender: str, msgtype: str, at: datetime, fields: Mapping[str, str]) -> str:
    head = {"ToUserName": config["corp_id"], "FromUserName": sender, "CreateTime": int(at.timestamp()), "MsgType": msgtype}
    tags = {**head, **fields, "AgentID": config["agent_id"]}
    return f"<xml>{''.join(_tag(name, value) for name, value in tags.items())}</xml>"


def _with_query(url: str, query: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{query}"


def _tag(name: str, value: object) -> str:
    return f"<{name}>{escape(str(value))}</{name}>"


def _random16(nonce: str) -> bytes:
    return hashlib.sha256(nonce.encode()).digest()[:16]


def _words(content: object) -> str:
    """Every text of a document, in order: what a member may read, and the links in it."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return "\n".join(filter(None, map(_words, content.values())))
    return "\n".join(filter(None, map(_words, content))) if isinstance(content, list) else ""


def _upload(request: httpx.Request, now: datetime, new_id: IdSource) -> FaceReply:
    kind = request.url.params.get("type")
    if kind not in ("image", "voice", "video", "file"):
        return _errcode(40004, "invalid media type")
    if not _UPLOAD.search(request.content):
        return _errcode(40058, "media missing")
    media_id = new_id.hex("media", hashlib.sha256(request.content).hexdigest(), length=40)
    return _errcode(0, "", type=kind, media_id=media_id, created_at=str(int(now.timestamp())))


def _fail(fault: Fault, request: httpx.Request) -> FaceReply:
    if fault.kind is ErrorKind.UNCERTAIN:
        return FaceReply(502, b"<html>bad gateway</html>", {"content-type": "text/html"})
    if fault.kind is ErrorKind.UNAVAILABLE:
        return FaceReply(503, b"<html>service unavailable</html>", {"content-type": "text/html"})
    if fault.code in ("invaliduser", "unlicenseduser"):
        users = json.loads(request.content)["touser"]
        return _errcode(0, "ok", **{fault.code: users}, msgid="")
    code, words = _REFUSALS.get(fault.kind, (40058, "invalid Request Parameter"))
    return _errcode(int(fault.code) if fault.code else code, words)


def _errcode(code: int, words: str, **more: object) -> FaceReply:
    return FaceReply(200, json.dumps({"errcode": code, "errmsg": words, **more}).encode())
