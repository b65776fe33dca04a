"""What several adapters need: addresses and contents of the right form, refusals in one shape, words without numbers."""

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from recallgate import ErrorKind, Message, Phone, SendError, Template, http_kind, retry_after

_DIGITS = re.compile(r"\d(?:[ ().-]?\d){4,}", re.ASCII)
_MAINLAND = re.compile(r"1[3-9]\d{9}", re.ASCII)
_LONGEST_DETAIL = 300
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


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


def mainland(e164: str) -> str:
    """A number as mainland vendors write it: eleven digits at home, country code and number without a plus abroad.

    Raises `SendError(UNSUPPORTED_REGION)` for a foreign number that would be read as a Chinese one, such as +1 415….
    """
    number = e164.removeprefix("+")
    if e164.startswith("+86") and _MAINLAND.fullmatch(number[2:]):
        return number[2:]
    if _MAINLAND.fullmatch(number):
        raise SendError(
            ErrorKind.UNSUPPORTED_REGION, "to", "to: without its plus this foreign number is that of a person in China"
        )
    return number


def from_mainland(number: object, country_code: str = "") -> str | None:
    """A mainland vendor's number in E.164; without a country code eleven digits of a Chinese mobile are just that."""
    written = str(number or "").strip()
    digits = written.removeprefix("+").removeprefix("00")
    if not digits.isascii() or not digits.isdigit():
        return None
    # a number with its prefix says where it belongs: +1 415… reads like a Chinese mobile, and is none
    at_home = written == digits and _MAINLAND.fullmatch(digits)
    code = country_code.removeprefix("+") or ("86" if at_home else "")
    return f"+{code}{digits}"


def beijing_time(text: object) -> datetime | None:
    """An instant written as `2026-11-20 10:05:00` in Beijing time, for vendors that say so; None for anything else."""
    try:
        at = datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - the zone is added on the next line
    except ValueError:
        return None
    return at.replace(tzinfo=BEIJING)


def next_beijing_day(now: datetime) -> datetime:
    """The next midnight in Beijing, when the daily limits of mainland vendors begin anew."""
    day = now.astimezone(BEIJING) + timedelta(days=1)
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


def template(message: Message, name: str, templates: Mapping[str, str]) -> tuple[str, Mapping[str, str]]:
    """The vendor's code of the message's template and its variables in order; `templates` has the codes by our names.

    Raises `SendError(UNSUPPORTED)` for any other content: adapter `name` sends nothing but registered templates.
    """
    if not isinstance(message.content, Template):
        raise unsupported(message, name, "a template (free text is refused)")
    return templates.get(message.content.template, message.content.template), message.content.variables


def coded_refusal(code: str, words: str, *, errors: Mapping[str, ErrorKind]) -> SendError:
    """The error behind a code in an answer of HTTP 200: an unlisted one is certainly a refusal, of unknown kind."""
    return SendError(errors.get(code, ErrorKind.UNKNOWN), code, mask_digits(words)[:_LONGEST_DETAIL])


def told_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer, refusing or not; empty where there is none."""
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def told_rows(body: bytes | str) -> list[dict[str, Any]]:
    """The JSON objects that a vendor pushes as an array, or one alone; empty for anything else."""
    try:
        told = json.loads(body)
    except ValueError:
        return []
    rows = told if isinstance(told, list) else [told]
    return [row for row in rows if isinstance(row, dict)]


def number_tag(vendor_id: str, number: str) -> str:
    """Twelve characters that tell the numbers of one request apart without naming them."""
    return hashlib.sha256(f"{vendor_id}:{number}".encode()).hexdigest()[:12]


def blameless(error: SendError) -> SendError:
    """The refusal of a whole batch: where it is about one number and does not say which, no address is blamed for it."""
    if error.kind.rule.concerns != "address":
        return error
    return SendError(ErrorKind.TEMPORARY, error.code, f"one number of the batch is refused: {error.detail}")
