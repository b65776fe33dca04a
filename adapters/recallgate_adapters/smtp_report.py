"""News that comes back as mail: bounces (RFC 3464) and complaints (RFC 5965).

Source: RFC 3464, RFC 6522, RFC 5965, read 2026-11-22.
Quirk: RFC 3464 has no field for the original Message-ID; it stands in an extension field or in the returned headers.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import Message as Part
from email.utils import parsedate_to_datetime

from recallgate import ErrorKind, Event, EventType
from recallgate_adapters.smtp_codes import REPORT_ERRORS, STATUSES, kind_of, reply_code

_ID = re.compile(r"<([^<>@\s]+)@([^<>@\s]+)>")
_ID_FIELDS = ("original-message-id", "x-original-message-id")
_REPLY = re.compile(r"\s*(\d{3})[ -](.*)", re.DOTALL)


def read_report(raw: bytes, *, domain: str) -> tuple[Event, ...]:
    """The events in a report, one per recipient; a mail that is no report is one UNKNOWN event.

    Events carry the original Message-ID as `vendor_id`, and our message id where the id was made at `domain`.
    """
    # compat32: damaged headers come as they are, nothing raises.
    mail = message_from_bytes(raw, policy=policy.compat32)
    parts = list(mail.walk())
    vendor_id = _original_id(parts)
    message_id = _ours(vendor_id, domain)
    own_id = _text(mail, "message-id")
    events = []
    for number, news in enumerate(_news(parts)):
        if STATUSES.get(news.status, EventType.UNKNOWN) is None:
            continue
        events.append(
            Event(
                type=STATUSES.get(news.status) or EventType.UNKNOWN,
                message_id=message_id,
                vendor_id=vendor_id,
                address=news.address,
                at=_instant(news.fields.get("last-attempt-date") or _text(mail, "date")),
                vendor_event_id=f"{own_id or vendor_id}:{news.status}:{number}",
                status=news.status,
                kind=news.kind,
                code=news.code,
            )
        )
    if not events and not any(part.get_content_type() in _READERS for part in parts):
        events.append(Event(EventType.UNKNOWN, message_id, vendor_id, status="mail", vendor_event_id=own_id or None))
    return tuple(events)


class _News:
    """One recipient's news: fields in lower case, the status as in the table, what failed."""

    def __init__(self, status: str, fields: dict[str, str], address: str | None) -> None:
        self.status, self.fields, self.address = status, fields, address
        self.code: str | None = None
        self.kind: ErrorKind | None = None


def _news(parts: list[Part]) -> Iterator[_News]:
    for part in parts:
        reader = _READERS.get(part.get_content_type())
        if reader is not None:
            yield from reader(part)


def _delivery_status(part: Part) -> Iterator[_News]:
    for block in _blocks(part):
        if "action" not in block:
            continue  # the block about the whole report
        status = f"dsn_action:{block['action'].split()[0].lower()}" if block["action"].split() else "dsn_action:"
        news = _News(status, block, _address(block.get("original-recipient") or block.get("final-recipient")))
        if STATUSES.get(status) is EventType.UNDELIVERED:
            news.code = _failure_code(block)
            news.kind = kind_of(news.code, REPORT_ERRORS, stage="rcpt") if news.code else ErrorKind.UNKNOWN
        yield news


def _feedback_report(part: Part) -> Iterator[_News]:
    for block in _blocks(part):
        if "feedback-type" in block:
            address = _address(block.get("original-rcpt-to"))
            yield _News(f"arf_feedback_type:{block['feedback-type'].strip().lower()}", block, address)


_READERS = {"message/delivery-status": _delivery_status, "message/feedback-report": _feedback_report}


def _blocks(part: Part) -> Iterator[dict[str, str]]:
    payload = part.get_payload()
    blocks = payload if isinstance(payload, list) else []
    for block in blocks:
        if isinstance(block, Part):
            fields = {name.lower(): str(value) for name, value in block.items()}
            if not fields and isinstance(text := block.get_payload(), str):
                fields = {
                    n.strip().lower(): v.strip() for n, found, v in (li.partition(":") for li in text.splitlines()) if found
                }
            yield fields


def _failure_code(block: dict[str, str]) -> str | None:
    """`550 5.1.1` from the server's own words, else the status of the report."""
    status = block.get("status", "").split()[:1]
    kind, _, words = block.get("diagnostic-code", "").partition(";")
    said = _REPLY.match(words) if kind.strip().lower() == "smtp" else None
    if said:
        code = reply_code(int(said[1]), said[2])
        return f"{code} {status[0]}" if " " not in code and status and status[0][0] == code[0] else code
    return status[0] if status else None


def _original_id(parts: list[Part]) -> str | None:
    """The Message-ID of the mail that the report is about."""
    for part in parts:
        if part.get_content_type() in _READERS:
            for block in _blocks(part):
                for name in _ID_FIELDS:
                    if found := _ID.search(block.get(name, "")):
                        return found[0]
    for part in parts[1:]:
        text = _text(part, "message-id")
        if part.get_content_type() == "text/rfc822-headers":
            body = part.get_payload(decode=True)
            text = _text(message_from_bytes(body if isinstance(body, bytes) else b""), "message-id")
        if found := _ID.search(text):
            return found[0]
    return None


def _ours(vendor_id: str | None, domain: str) -> str | None:
    found = _ID.fullmatch(vendor_id or "")
    return found[1] if found and found[2].lower() == domain.lower() else None


def _address(field: str | None) -> str | None:
    """The mailbox of a field such as `rfc822; <a@example.com>`."""
    return (field or "").rpartition(";")[2].strip().strip("<>") or None


def _text(part: Part, name: str) -> str:
    return str(part.get(name) or "").strip()


def _instant(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return at.astimezone(UTC) if at.tzinfo else None
