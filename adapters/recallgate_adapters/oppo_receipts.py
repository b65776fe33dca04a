"""OPPO's codes, and its receipts: a list of events, each for one device or several.

Source: OPPO open platform page on return codes, modood/pushapi @ 1101d12, read 2026-11-22.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from recallgate import ErrorKind, Event, EventType
from recallgate_adapters._push import instant_ms

ERRORS = {
    "-2": ErrorKind.RATE_LIMITED,
    "-1": ErrorKind.TEMPORARY,
    "11": ErrorKind.AUTH,
    "12": ErrorKind.UNKNOWN,
    "13": ErrorKind.RATE_LIMITED,
    "14": ErrorKind.AUTH,
    "15": ErrorKind.AUTH,
    "16": ErrorKind.AUTH,
    "17": ErrorKind.AUTH,
    "18": ErrorKind.AUTH,
    "19": ErrorKind.AUTH,
    "20": ErrorKind.UNKNOWN,
    "25": ErrorKind.UNKNOWN,
    "26": ErrorKind.AUTH,
    "27": ErrorKind.AUTH,
    "28": ErrorKind.AUTH,
    "29": ErrorKind.AUTH,
    "30": ErrorKind.AUTH,
    "31": ErrorKind.UNKNOWN,
    "33": ErrorKind.RATE_LIMITED,
    "34": ErrorKind.RATE_LIMITED,
    "40": ErrorKind.UNKNOWN,
    "41": ErrorKind.UNKNOWN,
    "51": ErrorKind.UNKNOWN,
    "55": ErrorKind.RATE_LIMITED,
    "59": ErrorKind.AUTH,
    "67": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "10000": ErrorKind.UNREGISTERED_TOKEN,
}
STATUSES: dict[str, EventType | None] = {
    "push_arrive": EventType.DELIVERED,
    "regid_invalid": EventType.UNDELIVERED,
    "user_daily_limit": EventType.UNDELIVERED,
    "device_click": EventType.CLICKED,
}
REPORT_ERRORS = {"regid_invalid": ErrorKind.UNREGISTERED_TOKEN, "user_daily_limit": ErrorKind.RATE_LIMITED}


def events_of(row: Mapping[str, Any]) -> list[Event]:
    """The news of one row, for each of its devices."""
    status = str(row.get("eventType"))
    type_ = STATUSES.get(status) or EventType.UNKNOWN
    failed = type_ is EventType.UNDELIVERED
    devices = row.get("registrationIds")
    targets = devices if isinstance(devices, list) else [one for one in str(devices or "").split(",") if one]
    vendor_id, param = str(row.get("messageId") or row.get("taskId") or ""), row.get("param")
    return [
        Event(
            type=type_,
            message_id=str(param) if param and len(targets) == 1 else None,
            vendor_id=vendor_id or None,
            address=str(target),
            at=instant_ms(row.get("eventTime")),
            vendor_event_id=f"{vendor_id}:{hashlib.sha256(str(target).encode()).hexdigest()[:16]}:{status}",
            status=status,
            kind=REPORT_ERRORS.get(status, ErrorKind.UNKNOWN) if failed else None,
            code=status if failed else None,
        )
        for target in targets
    ]
