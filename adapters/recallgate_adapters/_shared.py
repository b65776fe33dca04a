"""What several adapters need: addresses and contents of the right form, refusals in one shape, words without numbers."""

import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from recallgate import ErrorKind, Message, Phone, SendError, http_kind, retry_after

_DIGITS = re.compile(r"\d(?:[ ().-]?\d){4,}", re.ASCII)
_LONGEST_DETAIL = 300


def mask_digits(text: str) -> str:
    """A vendor's words with every run of five or more digits hidden: vendors repeat telephone numbers in their messages."""
    return _DIGITS.sub("…", text)


def phone(message: Message) -> str:
    """The recipient in E.164; raises `SendError(UNSUPPORTED)` for an address that is no phone number."""
    if isinstance(message.to, Phone):
        return message.to.e164
    raise SendError(ErrorKind.UNSUPPORTED, "address", f"to: a phone number is needed, not {message.to.type}")


def unsupported(message: Message, name: str, takes: str) -> SendError:
    """The refusal of a content that adapter `name` cannot carry; `takes` names what it can."""
    return SendError(ErrorKind.UNSUPPORTED, "content", f"content: {name} takes {takes}, not {message.content.type}")


def refusal(response: httpx.Response, code: str, words: str, *, errors: Mapping[str, ErrorKind], now: datetime) -> SendError:
    """The error behind a refusing answer: by the vendor's code, else by the HTTP status; `words` lose their numbers.

    A code that nobody has listed keeps its text and falls back to the status. `retry_at` follows Retry-After.
    """
    kind = errors.get(code) or http_kind(response.status_code)
    waits = kind in (ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE, ErrorKind.TEMPORARY)
    return SendError(
        kind,
        code or f"http {response.status_code}",
        mask_digits(words)[:_LONGEST_DETAIL],
        retry_at=retry_after(response, now) if waits else None,
    )


def mail_date(text: object) -> datetime | None:
    """An instant written as in mail headers (RFC 2822); None for anything else, and where the zone is missing."""
    if not isinstance(text, str):
        return None
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo is not None else None
