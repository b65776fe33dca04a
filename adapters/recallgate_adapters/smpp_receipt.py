"""What comes back by deliver_sm: delivery receipts, and what people write.

Source: SMPP Protocol Specification v3.4, section 5.2.12 and appendix B, read 2026-11-22.
Quirk: a receipt's dates have no time zone, so the instant at which it came is taken.
Quirk: some centres name the id in hexadecimal when they take a message and in decimal in its receipt.
Quirk: the optional parameters say it better than the text, where a centre sends them.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime

from recallgate import ErrorKind, Event, EventType
from recallgate_adapters.smpp_codes import STATUSES
from recallgate_adapters.smpp_pdu import (
    ESM_UDH,
    MESSAGE_STATE,
    NETWORK_ERROR,
    RECEIPTED_ID,
    Address,
    ShortMessage,
    read_c_string,
)
from recallgate_adapters.smpp_text import read_text, split_header

_RECEIPT = 0x04
_KINDS = 0x3C  # bits 5 to 2 of esm_class
_FIELDS = re.compile(r"\b(id|stat|err):\s*(\S+)", re.IGNORECASE)
_KEPT = 1000


def is_receipt(delivered: ShortMessage) -> bool:
    """Whether a deliver_sm is news of a message of ours."""
    return delivered.esm_class & _KINDS == _RECEIPT or RECEIPTED_ID in delivered.options


def read_receipt(delivered: ShortMessage, *, hex_ids: bool, network_errors: Mapping[str, ErrorKind]) -> Event:
    """The event that a receipt tells; `vendor_id` is empty where it names no id."""
    told = dict(reversed([(name.lower(), value) for name, value in _FIELDS.findall(delivered.text.decode("latin-1"))]))
    identity = read_c_string(delivered.options[RECEIPTED_ID]) if RECEIPTED_ID in delivered.options else told.get("id", "")
    status = told.get("stat", "").upper()
    if state := delivered.options.get(MESSAGE_STATE):
        status = str(state[0])
    code = told.get("err")
    if (network := delivered.options.get(NETWORK_ERROR)) is not None and len(network) == 3:
        code = str(int.from_bytes(network[1:], "big"))
    found = STATUSES.get(status, EventType.UNKNOWN) or EventType.UNKNOWN
    failed = found is EventType.UNDELIVERED
    return Event(
        found,
        vendor_id=one_form(identity, hex_ids=hex_ids, receipt=True) or None,
        vendor_event_id=f"{identity}:{status}",
        status=status,
        kind=network_errors.get(code or "", ErrorKind.UNKNOWN) if failed else None,
        code=code if failed else None,
    )


def one_form(identity: str, *, hex_ids: bool, receipt: bool = False) -> str:
    """An id in the form in which both sides are compared: in decimal where the centre mixes bases."""
    if not hex_ids:
        return identity
    try:
        return str(int(identity, 10 if receipt else 16))
    except ValueError:
        return identity


class Inbox:
    """Puts texts of people together that came in parts; what never becomes whole is forgotten when too much waits."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[tuple[str, int, int], dict[int, str]] = OrderedDict()

    def read(self, delivered: ShortMessage, *, at: datetime) -> Event | None:
        """The event of a whole text; None while parts are missing."""
        data = delivered.text
        joined = None
        if delivered.esm_class & ESM_UDH:
            joined, data = split_header(data)
        text = read_text(data, delivered.data_coding)
        who = e164(delivered.source)
        if joined is not None and joined[1] > 1:
            reference, total, number = joined
            key = (who, reference, total)
            parts = self._waiting.setdefault(key, {})
            parts[number] = text
            if len(parts) < total:
                while len(self._waiting) > _KEPT:
                    self._waiting.popitem(last=False)
                return None
            del self._waiting[key]
            text = "".join(parts[number] for number in sorted(parts))
        return Event(EventType.REPLIED, address=who, at=at, text=text, data={"to": delivered.destination.text})


def e164(address: Address) -> str:
    """A number in E.164 where it is one, else as it came."""
    digits = address.text.removeprefix("+")
    international = digits.isascii() and digits.isdigit() and (address.ton == 1 or len(digits) > 9)
    return f"+{digits}" if international else address.text
