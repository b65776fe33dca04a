"""A WeChat official account's API as its callers see it: stable_token, the four ways to write, and signed events.

Source: binarywang/WxJava @ 3e48dc7, wechatpy 1.8.18 for the signature, read 2026-11-22.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape

import httpx

from recallgate import Callback, ErrorKind, EventType, FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces._wire import answer, document, gateway_fault, links_in, words_in
from recallgate_adapters.wecom_crypto import encrypt, signature

_REFUSALS: Mapping[ErrorKind, int] = {
    ErrorKind.INVALID_RECIPIENT: 40003,
    ErrorKind.OPTED_OUT: 43004,
    ErrorKind.TEMPLATE_OR_SIGNATURE: 40037,
    ErrorKind.RATE_LIMITED: 45011,
    ErrorKind.AUTH: 48001,
    ErrorKind.TEMPORARY: -1,
}
_HEAD = "/cgi-bin/message/"
_TEMPLATES = ("template/send", "subscribe/bizsend", "subscribe/send")


class WechatOaFace(VendorFace):
    """One official account. Events go to `config["callback_url"]`, encrypted where it has a key."""

    adapter = "wechat.oa"
    hosts = ("api.weixin.qq.com",)

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._tokens: dict[str, datetime] = {}
        self._seen: set[str] = set()

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        path, body = request.url.path, document(request)
        if body is None:
            return _errcode(47001, "data format error")
        if path == "/cgi-bin/stable_token":
            return self._token(body, now, new_id)
        operation = path.removeprefix(_HEAD)
        if operation not in (*_TEMPLATES, "custom/send"):
            return FaceReply(404)
        token = request.url.params.get("access_token")
        if not token or token not in self._tokens:
            return _errcode(40014 if token else 41001, "invalid access_token")
        if self._tokens[token] <= now:
            return _errcode(42001, "access_token expired")
        if fault is not None:
            return gateway_fault(fault) or _errcode(int(fault.code or _REFUSALS.get(fault.kind, 40097)), "refused")
        return self._send(operation, body, now, new_id)

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        told: dict[str, str] | None = None
        if news.type in (EventType.DELIVERED, EventType.UNDELIVERED) and taken.data.get("template"):
            blocked = "failed:user block" if news.kind is ErrorKind.OPTED_OUT else "failed: system failed"
            status = "success" if news.type is EventType.DELIVERED else blocked
            told = {"Event": "TEMPLATESENDJOBFINISH", "MsgID": taken.vendor_id, "Status": status}
        elif news.type is EventType.UNSUBSCRIBED:
            told = {"Event": "unsubscribe"}
        elif news.type is EventType.REPLIED:
            return self.inbound(taken.recipient, "", news.text or "", url=taken.callback_url or "", at=news.at, nonce=nonce)
        if told is None:
            return ()
        return [self._callback(taken.callback_url, taken.recipient, "event", told, news.at, nonce)]

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        fields = {"Content": text, "MsgId": str(int(hashlib.sha256(nonce.encode()).hexdigest()[:15], 16))}
        return [self._callback(url, sender, "text", fields, at, nonce)]

    def _token(self, body: Mapping[str, Any], now: datetime, new_id: IdSource) -> FaceReply:
        if body.get("appid") != self.config["app_id"]:
            return _errcode(40013, "invalid appid")
        if body.get("secret") != self.config["secret"] or body.get("grant_type") != "client_credential":
            return _errcode(40001, "invalid credential")
        # The stable token stays the same until it nears its end.
        token = next((token for token, ends in self._tokens.items() if ends > now), None)
        if token is None:
            token = new_id.hex("token", now.isoformat(), length=64)
            self._tokens[token] = now + timedelta(seconds=7200)
        return answer({"access_token": token, "expires_in": int((self._tokens[token] - now).total_seconds())})

    def _send(self, operation: str, body: Mapping[str, Any], now: datetime, new_id: IdSource) -> FaceReply:
        openid, key = str(body.get("touser") or ""), str(body.get("client_msg_id") or "")
        if not openid:
            return _errcode(40003, "invalid openid")
        if operation in _TEMPLATES and (not body.get("template_id") or not isinstance(body.get("data"), dict)):
            return _errcode(40037, "invalid template_id")
        if operation == "custom/send" and not body.get(str(body.get("msgtype"))):
            return _errcode(47001, "data format error")
        if key and key in self._seen:
            return _errcode(43201, "duplicate client_msg_id")
        self._seen.add(key)
        template = operation == "template/send"
        vendor_id = str(int(new_id.hex(openid, now.isoformat(), str(body), length=12), 16))
        text = words_in(body["data"] if operation in _TEMPLATES else body[body["msgtype"]])
        url, data = self.config.get("callback_url"), {"template": template}
        taken = Taken(vendor_id, openid, "oa", text, links_in(text, body.get("url")), callback_url=url, data=data)
        more = {"msgid": int(vendor_id)} if template else {}
        return answer({"errcode": 0, "errmsg": "ok", **more}, taken=(taken,))

    def _callback(self, url: str | None, sender: str, kind: str, fields: Mapping[str, str], at: datetime, nonce: str) -> Callback:
        head = {"ToUserName": "gh_account", "FromUserName": sender, "CreateTime": int(at.timestamp()), "MsgType": kind}
        text = f"<xml>{''.join(f'<{name}>{escape(str(value))}</{name}>' for name, value in {**head, **fields}.items())}</xml>"
        stamp, token, key = str(int(at.timestamp())), self.config["callback_token"], self.config.get("encoding_aes_key")
        plain = hashlib.sha1("".join(sorted((token, stamp, nonce))).encode()).hexdigest()  # noqa: S324 - vendor's choice
        query = {"signature": plain, "timestamp": stamp, "nonce": nonce}
        if key:
            sealed = encrypt(key, text, self.config["app_id"], random16=hashlib.sha256(nonce.encode()).digest()[:16])
            query |= {"encrypt_type": "aes", "msg_signature": signature(token, stamp, nonce, sealed)}
            text = f"<xml><ToUserName>gh_account</ToUserName><Encrypt>{sealed}</Encrypt></xml>"
        address = url or self.config.get("callback_url") or "http://localhost/"
        joint = "&" if "?" in address else "?"
        headers = httpx.Headers({"content-type": "text/xml"})
        return Callback("POST", f"{address}{joint}{urlencode(query)}", headers, text.encode(), at)


def _errcode(code: int, words: str) -> FaceReply:
    return answer({"errcode": code, "errmsg": words})
