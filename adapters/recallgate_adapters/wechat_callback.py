"""What WeChat tells an official account: XML, signed in the query; in safe mode encrypted as WeCom does it, for the appid.

Source: binarywang/WxJava @ 3e48dc7, wechatpy 1.8.18 for the signature, read 2026-11-22.
Quirk: the plain signature covers token, time and nonce and not the body; only safe mode (with an AES key) covers it.
Quirk: the address check is answered with echostr as it came, also in safe mode.
Quirk: any answer but `success` or nothing within five seconds makes WeChat call three times more.
Quirk: template events repeat under their MsgID, others under sender and time.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from recallgate import Callback, CallbackReading, ErrorKind, Event, EventType, ForgedCallback, Reply
from recallgate_adapters.wecom_crypto import decrypt, verify

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

STATUSES: dict[str, EventType | None] = {
    "TEMPLATESENDJOBFINISH.Status:success": EventType.DELIVERED,
    "TEMPLATESENDJOBFINISH.Status:failed:user block": EventType.UNDELIVERED,
    "TEMPLATESENDJOBFINISH.Status:failed: system failed": EventType.UNDELIVERED,
    "subscribe_msg_sent_event.ErrorCode:0": EventType.DELIVERED,
    "subscribe_msg_sent_event.ErrorCode:other": EventType.UNDELIVERED,
    "subscribe_msg_change_event.SubscribeStatusString:reject": EventType.UNSUBSCRIBED,
    "subscribe_msg_change_event.SubscribeStatusString:accept": None,
    "event:unsubscribe": EventType.UNSUBSCRIBED,
    "event:subscribe": None,
    "text": EventType.REPLIED,
}
REPORT_ERRORS = {
    "failed:user block": ErrorKind.OPTED_OUT,
    "failed: system failed": ErrorKind.TEMPORARY,
    "43101": ErrorKind.OPTED_OUT,
    "43004": ErrorKind.OPTED_OUT,
}
MAX_BODY = 64 * 1024
_DONE = Reply(200, {"content-type": "text/plain"}, b"success")


def signature(token: str, timestamp: str, nonce: str) -> str:
    """The `signature` of a callback, in hexadecimal."""
    return hashlib.sha1("".join(sorted((token, timestamp, nonce))).encode()).hexdigest()  # noqa: S324 - vendor's choice


def read(callback: Callback, *, token: str, aes_key: str, app_id: str) -> CallbackReading:
    """Verify, decrypt where a key is configured, and read; `ForgedCallback` when anything about it is wrong."""
    if not token:
        raise ForgedCallback("callback_token is not configured; no callback can be verified")
    if len(callback.body) > MAX_BODY:
        raise ForgedCallback(f"the body is longer than {MAX_BODY} bytes", status=413)
    query = callback.query
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    check = callback.method.upper() == "GET"
    if check or not aes_key:
        wanted = signature(token, timestamp, nonce)
        if not timestamp or not hmac.compare_digest(wanted.encode(), query.get("signature", "").encode()):
            raise ForgedCallback("signature does not match")
    if check:
        return CallbackReading(reply=Reply(200, {"content-type": "text/plain"}, query.get("echostr", "").encode()))
    root = _root(callback.body)
    if aes_key:
        sealed = root.findtext("Encrypt") or ""
        verify(query.get("msg_signature", ""), token=token, timestamp=timestamp, nonce=nonce, encrypted=sealed)
        root = _root(decrypt(aes_key, sealed, app_id).encode())
    return CallbackReading(events=tuple(_events(root)), reply=_DONE)


def _events(root: "Element") -> list[Event]:
    event = root.findtext("Event") or ""
    if root.findtext("MsgType") != "event":
        return [_told(root, root.findtext("MsgType") or "", text=root.findtext("Content"))]
    if event == "TEMPLATESENDJOBFINISH":
        said = root.findtext("Status") or ""
        return [_told(root, f"{event}.Status:{said}", vendor_id=root.findtext("MsgID"), code=said)]
    rows = root.findall(".//List")
    if event == "subscribe_msg_sent_event":
        return [_sent(root, row) for row in rows or [root]]
    if event in ("subscribe_msg_change_event", "subscribe_msg_popup_event"):
        name = "subscribe_msg_change_event.SubscribeStatusString"
        found = [(row.findtext("TemplateId"), row.findtext("SubscribeStatusString")) for row in rows or [root]]
        told = [_told(root, f"{name}:{said}", mark=template) for template, said in found]
        return [one for one in told if one.status not in STATUSES or STATUSES[one.status] is not None]
    status = f"event:{event}"
    return [] if status in STATUSES and STATUSES[status] is None else [_told(root, status)]


def _sent(root: "Element", row: "Element") -> Event:
    code = row.findtext("ErrorCode") or ""
    word = "0" if code == "0" else "other"
    return _told(root, f"subscribe_msg_sent_event.ErrorCode:{word}", vendor_id=row.findtext("MsgID"), code=code)


def _told(
    root: "Element",
    status: str,
    *,
    vendor_id: str | None = None,
    code: str = "",
    text: str | None = None,
    mark: str | None = None,
) -> Event:
    """One event; what is not in the table is kept as UNKNOWN."""
    type_ = STATUSES.get(status) or EventType.UNKNOWN
    failed = type_ is EventType.UNDELIVERED
    sender, created = root.findtext("FromUserName"), root.findtext("CreateTime") or ""
    own = vendor_id or root.findtext("MsgId")
    named = f"{own}:{status}" if own else ":".join(filter(None, (sender, created, status, mark)))
    return Event(
        type=type_,
        vendor_id=vendor_id or None,
        address=sender or None,
        at=datetime.fromtimestamp(int(created), UTC) if created.isascii() and created.isdigit() and len(created) <= 11 else None,
        vendor_event_id=named,
        status=status,
        kind=REPORT_ERRORS.get(code, ErrorKind.UNKNOWN) if failed else None,
        code=code if failed else None,
        text=text if type_ is EventType.REPLIED else None,
    )


def _root(document: bytes) -> "Element":
    """The document; `ForgedCallback` for anything that is not plain XML."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root: Element = fromstring(document, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise ForgedCallback("the body is not the XML that WeChat sends", status=400) from None
    return root
