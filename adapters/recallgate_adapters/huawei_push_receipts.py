"""Receipts of Huawei Push Kit: a list of statuses as JSON, proven by a header over time, nonce and user name.

Source: developer.huawei.com msg-receipt-guide and push-msg-receipt, read 2026-11-22.
Quirk: the signature covers time, nonce and user name and not the body; the secret in the address stays needed.
Quirk: the vendor wants `{"code": "0", "message": "success"}` back.
Quirk: the spelling of the body's fields is common knowledge and nowhere confirmed.
"""

import hashlib
import hmac
import json
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from recallgate import Callback, CallbackReading, ErrorKind, Event, EventType, ForgedCallback, Reply
from recallgate_adapters._push import instant_ms

STATUSES: dict[str, EventType | None] = {
    "0": EventType.DELIVERED,
    "2": EventType.UNDELIVERED,
    "5": EventType.UNDELIVERED,
    "6": EventType.UNDELIVERED,
    "10": EventType.UNDELIVERED,
    "14": EventType.UNDELIVERED,
    "15": EventType.EXPIRED,
    "22": EventType.UNDELIVERED,
    "27": EventType.ACCEPTED,
    "31": EventType.UNDELIVERED,
    "51": EventType.ACCEPTED,
    "102": EventType.UNDELIVERED,
    "144": EventType.UNDELIVERED,
    "201": EventType.ACCEPTED,
}
REPORT_ERRORS = {
    "2": ErrorKind.UNREGISTERED_TOKEN,
    "5": ErrorKind.UNREGISTERED_TOKEN,
    "6": ErrorKind.OPTED_OUT,
    "10": ErrorKind.UNREGISTERED_TOKEN,
    "14": ErrorKind.UNKNOWN,
    "22": ErrorKind.UNKNOWN,
    "31": ErrorKind.UNSUPPORTED,
    "102": ErrorKind.RATE_LIMITED,
    "144": ErrorKind.UNKNOWN,
}
HEADER = "x-huawei-callback-id"


def signature(secret: str, timestamp: str, nonce: str, user_name: str) -> str:
    """The `value` of the header, base64."""
    return b64encode(hmac.new(secret.encode(), f"{timestamp}{nonce}{user_name}".encode(), hashlib.sha256).digest()).decode()


def verify(callback: Callback, *, secret: str, user_name: str) -> None:
    """Raise `ForgedCallback` unless the header is one that only we and the vendor can write."""
    if not secret or not user_name:
        raise ForgedCallback("callback_user and callback_secret are not configured; no callback can be verified")
    parts = dict(part.strip().partition("=")[::2] for part in callback.headers.get(HEADER, "").split(";"))
    wanted = signature(secret, parts.get("timestamp", ""), parts.get("nonce", ""), user_name)
    if not parts.get("timestamp") or not hmac.compare_digest(wanted.encode(), parts.get("value", "").encode()):
        raise ForgedCallback(f"{HEADER} does not match")


def read(callback: Callback, statuses: Mapping[str, EventType | None], errors: Mapping[str, ErrorKind]) -> CallbackReading:
    """The events of a body that was verified."""
    try:
        told = json.loads(callback.body)
    except ValueError:
        told = None
    rows = told.get("statuses") if isinstance(told, dict) else None
    if not isinstance(rows, list):
        raise ForgedCallback("the body has no list of statuses", status=400)
    events = tuple(_event(row, statuses, errors) for row in rows if isinstance(row, dict))
    return CallbackReading(events, Reply(200, {"content-type": "application/json"}, b'{"code":"0","message":"success"}'))


def _event(row: Mapping[str, Any], statuses: Mapping[str, EventType | None], errors: Mapping[str, ErrorKind]) -> Event:
    status, token = str(row.get("status")), str(row.get("token") or "")
    vendor_id = row.get("requestId")
    type_ = statuses.get(status) or EventType.UNKNOWN
    failed = type_ is EventType.UNDELIVERED
    # The token itself would be an address in an id.
    mark = hashlib.sha256(token.encode()).hexdigest()[:16]
    return Event(
        type=type_,
        message_id=str(row["biTag"]) if row.get("biTag") else None,
        vendor_id=str(vendor_id) if vendor_id else None,
        address=token or None,
        at=instant_ms(row.get("timestamp")),
        vendor_event_id=f"{vendor_id or row.get('biTag')}:{mark}:{status}",
        status=status,
        kind=errors.get(status, ErrorKind.UNKNOWN) if failed else None,
        code=status if failed else None,
    )
