"""What SMS vendors share: senders, numbers without a plus, alphabets, validity, times with a zone, reports and replies.

Source: 3GPP TS 23.038, section 6.2.1, for the alphabet.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation

from recallgate import ErrorKind, Event, EventType, Message, Price, SendError, Text
from recallgate_adapters._shared import unsupported

_NUMBER = re.compile(r"\+?(?P<digits>[1-9]\d{6,14})", re.ASCII)
_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà\f^{}\\[~]|€"
)


def sender_of(message: Message, own: str | None) -> str:
    """Who the message is from: its own sender, else the account's; raises `SendError(INVALID_SENDER)` without any."""
    if sender := message.sender or own:
        return sender
    raise SendError(ErrorKind.INVALID_SENDER, "sender", "no sender: set sender on the account, or message.sender")


def said(message: Message, name: str, *, longest: int | None = None) -> str:
    """The words of a text; raises `SendError` for other contents, and for a text above `longest` characters."""
    if not isinstance(message.content, Text):
        raise unsupported(message, name, "a text")
    text = message.content.text
    if longest is not None and len(text) > longest:
        raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, "body", f"the text has more than {longest} characters")
    return text


def without_plus(number: str) -> str:
    """A number as vendors write it who want no plus; names and short codes stay as they are."""
    return number.removeprefix("+")


def with_plus(number: object) -> str | None:
    """A vendor's number in E.164; short codes and names stay as they are; None for nothing."""
    text = str(number or "").strip()
    match = _NUMBER.fullmatch(text)
    return f"+{match['digits']}" if match else text or None


def in_gsm7(text: str) -> bool:
    """True when the GSM alphabet with its extension can write the text."""
    return _GSM7.issuperset(text)


def validity_s(message: Message, now: datetime, *, least: int, most: int) -> int | None:
    """Whole seconds until the message is of no use, within the vendor's limits; None when it says nothing."""
    if message.expires_at is None:
        return None
    return max(least, min(int((message.expires_at - now).total_seconds()), most))


def iso_time(text: object) -> datetime | None:
    """An instant in ISO 8601; None for anything else, and where the zone is missing."""
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def price_of(amount: object, currency: object) -> Price | None:
    """A price out of the vendor's text or number, without its sign; None where it tells none."""
    try:
        value = Decimal(str(amount))
    except InvalidOperation:
        return None
    return Price(abs(value), str(currency).upper()) if value.is_finite() and currency else None


def failed_as(type_: EventType, kind: Callable[[], ErrorKind]) -> ErrorKind | None:
    """The kind of a report: why a message was not delivered, nothing for other news."""
    return kind() if type_ is EventType.UNDELIVERED else None


def reported(
    type_: EventType,
    status: str,
    code: str,
    *,
    vendor_id: str,
    message_id: str | None,
    errors: Mapping[str, ErrorKind],
    vendor_event_id: str = "",
    at: datetime | None = None,
    data: Mapping[str, object],
) -> Event:
    """The event of a vendor's report: a failure has the kind of its code, a code of zeros is no code, empty facts are left out.

    Where the vendor has no id for the news, the message's id and the status name it.
    """
    return Event(
        type_,
        message_id=message_id,
        vendor_id=vendor_id or None,
        at=at,
        vendor_event_id=vendor_event_id or f"{vendor_id}:{status}",
        status=status,
        kind=failed_as(type_, lambda: errors.get(code, ErrorKind.UNKNOWN)),
        code=code if code.strip("0") else None,
        data={name: value for name, value in data.items() if value not in (None, "")},
    )


def reported_at_home(
    type_: EventType,
    status: str,
    code: str,
    *,
    vendor_id: str,
    message_id: str | None,
    errors: Mapping[str, ErrorKind],
    named: str = "",
    at: datetime | None = None,
    data: Mapping[str, object],
) -> Event:
    """The event of a mainland vendor's report or look-up, whose code is the carrier's word: EXPIRED, and DELIVRD for none.

    The two have other words for one state, so the news is named by our type and by an id that both of them tell: `named`, or
    else our own, or the vendor's.
    """
    if type_ is EventType.UNDELIVERED and code == "EXPIRED":
        type_ = EventType.EXPIRED
    return reported(
        type_,
        status,
        "" if code in ("DELIVERED", "DELIVRD") else code,
        vendor_id=vendor_id,
        message_id=message_id,
        errors=errors,
        vendor_event_id=f"{named or message_id or vendor_id}:{status if type_ is EventType.UNKNOWN else type_.value}",
        at=at,
        data=data,
    )


def heard(person: object, text: object, *, vendor_event_id: str, at: datetime | None = None, data: Mapping[str, object]) -> Event:
    """The event of a person who writes to the account."""
    return Event(
        EventType.REPLIED,
        address=with_plus(person),
        at=at,
        vendor_event_id=vendor_event_id or None,
        text=str(text),
        data={name: value for name, value in data.items() if value not in (None, "")},
    )
