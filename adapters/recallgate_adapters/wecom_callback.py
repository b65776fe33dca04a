"""What WeCom tells a company's app: encrypted XML, verified first, read with a parser that knows no entities.

Source: @wecom/crypto 1.0.1 and WxJava's event constants, read 2026-11-22.
Quirk: the address check is a GET whose echostr is to be answered decrypted, without quotes or line break.
Quirk: any answer but an empty one (or an encrypted reply) makes WeCom call three times more.
"""

from datetime import UTC, datetime
from typing import Any

from recallgate import Callback, CallbackReading, Event, EventType, ForgedCallback, Reply
from recallgate_adapters.wecom_content import TASK
from recallgate_adapters.wecom_crypto import decrypt, verify

STATUSES: dict[str, EventType | None] = {
    "text": EventType.REPLIED,
    "template_card_event": EventType.CLICKED,
    "change_external_contact.add_external_contact": EventType.FRIEND_ADDED,
    "change_external_contact.del_follow_user": EventType.UNSUBSCRIBED,
}
MAX_BODY = 64 * 1024


def read(callback: Callback, *, token: str, aes_key: str, corp_id: str) -> CallbackReading:
    """Verify, decrypt and read a callback; `ForgedCallback` when anything about it is wrong."""
    if not token or not aes_key:
        raise ForgedCallback("callback_token and encoding_aes_key are not configured; no callback can be verified")
    if len(callback.body) > MAX_BODY:
        raise ForgedCallback(f"the body is longer than {MAX_BODY} bytes", status=413)
    query = callback.query
    check = callback.method.upper() == "GET"
    if check and callback.body:
        raise ForgedCallback("an address check has no body", status=400)
    sealed = query.get("echostr", "") if check else _fields(callback.body).get("Encrypt", "")
    verify(
        query.get("msg_signature", ""),
        token=token,
        timestamp=query.get("timestamp", ""),
        nonce=query.get("nonce", ""),
        encrypted=sealed,
    )
    text = decrypt(aes_key, sealed, corp_id)
    if check:
        return CallbackReading(reply=Reply(200, {"content-type": "text/plain; charset=utf-8"}, text.encode()))
    return CallbackReading(events=(_event(_fields(text.encode())),))


def _event(fields: dict[str, str]) -> Event:
    """The news in a decrypted document; what is not in the table is kept as UNKNOWN."""
    status = _status(fields)
    type_ = STATUSES.get(status) or EventType.UNKNOWN
    sender = fields.get("FromUserName")
    customer = fields.get("ExternalUserID")
    task = fields.get("TaskId", "")
    data: dict[str, Any] = {
        name: fields[name] for name in ("EventKey", "UserID", "State", "WelcomeCode", "AgentID") if fields.get(name)
    }
    return Event(
        type=type_,
        message_id=task.removeprefix(TASK) if task.startswith(TASK) else None,
        address=customer or sender,
        at=_instant(fields.get("CreateTime", "")),
        vendor_event_id=fields.get("MsgId") or ":".join(filter(None, (sender, fields.get("CreateTime"), status, customer, task))),
        status=status,
        text=fields.get("Content") if type_ is EventType.REPLIED else None,
        data=data,
    )


def _status(fields: dict[str, str]) -> str:
    """`text`, `image`, …, or the name of the event, with its kind of change where it has one."""
    if fields.get("MsgType", "event") != "event":
        return fields["MsgType"]
    return ".".join(filter(None, (fields.get("Event"), fields.get("ChangeType")))) or "event"


def _instant(text: str) -> datetime | None:
    return datetime.fromtimestamp(int(text), UTC) if text.isascii() and text.isdigit() and len(text) <= 11 else None


def _fields(document: bytes) -> dict[str, str]:
    """The direct children of the root with their text; `ForgedCallback` for anything that is not plain XML."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(document, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise ForgedCallback("the body is not the XML that WeCom sends", status=400) from None
    return {child.tag: child.text or "" for child in root}
