"""A WeCom group robot as its callers see it: webhook/send and webhook/upload_media.

Source: WxJava's code list, vendor page on group robots, read 2026-11-22.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from recallgate import ErrorKind, FaceReply, Fault, IdSource, Taken, VendorFace
from recallgate_adapters.faces._wire import answer, document, gateway_fault, links_in, words_in

_REFUSALS: Mapping[ErrorKind, int] = {
    ErrorKind.RATE_LIMITED: 45009,
    ErrorKind.PAYLOAD_TOO_LARGE: 45002,
    ErrorKind.BLOCKED_CONTENT: 85002,
    ErrorKind.AUTH: 60020,
    ErrorKind.TEMPORARY: -1,
}
_MOST = {"text": 2048, "markdown": 4096, "markdown_v2": 4096}
_TYPES = {*_MOST, "image", "news", "file", "voice", "template_card"}


class WecomRobotFace(VendorFace):
    """One robot of one group."""

    adapter = "wecom.robot"
    hosts = ("qyapi.weixin.qq.com",)

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        path = request.url.path
        if path not in ("/cgi-bin/webhook/send", "/cgi-bin/webhook/upload_media"):
            return FaceReply(404)
        if request.url.params.get("key") != self.config["key"]:
            return _errcode(40091, "invalid webhook key")
        if fault is not None:
            return gateway_fault(fault) or _errcode(int(fault.code or _REFUSALS.get(fault.kind, 40058)), "refused")
        if path.endswith("upload_media"):
            kind = request.url.params.get("type")
            if kind not in ("file", "voice") or b'name="media"' not in request.content:
                return _errcode(40004, "invalid media type")
            return _errcode(0, "ok", type=kind, media_id=new_id.hex("media", length=40), created_at=str(int(now.timestamp())))
        body = document(request) or {}
        msgtype = body.get("msgtype")
        content = body.get(msgtype) if isinstance(msgtype, str) else None
        if msgtype not in _TYPES or not isinstance(content, dict):
            return _errcode(40008, "invalid message type")
        if wrong := _violation(str(msgtype), content):
            return wrong
        text = "" if msgtype == "image" else words_in({key: value for key, value in content.items() if key != "media_id"})
        vendor_id = new_id.hex(request.content.decode(), now.isoformat())
        return _errcode(0, "ok", taken=Taken(vendor_id, "default", "robot", text, links_in(text)))


def _violation(msgtype: str, content: Mapping[str, Any]) -> FaceReply | None:
    if msgtype in _MOST:
        words = content.get("content")
        if not words:
            return _errcode(44004, "empty content")
        if len(str(words).encode()) > _MOST[msgtype]:
            return _errcode(45002, "content size out of limit")
    if msgtype == "news" and not 1 <= len(content.get("articles", ())) <= 8:
        return _errcode(45008, "article count exceeds limit")
    if msgtype == "image":
        try:
            data = base64.b64decode(str(content.get("base64")), validate=True)
        except (ValueError, binascii.Error):
            return _errcode(40058, "invalid base64")
        if hashlib.md5(data, usedforsecurity=False).hexdigest() != content.get("md5"):
            return _errcode(40058, "md5 does not match")
    return None


def _errcode(code: int, words: str, *, taken: Taken | None = None, **more: object) -> FaceReply:
    return answer({"errcode": code, "errmsg": words, **more}, taken=() if taken is None else (taken,))
