"""What several adapters need: addresses and contents of the right form, refusals in one shape, words without numbers."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
from pydantic import SecretStr

from recallgate import (
    ErrorKind,
    ForgedCallback,
    Message,
    Phone,
    Receipt,
    SendError,
    Template,
    Tools,
    http_kind,
    read_json,
    retry_after,
)

_DIGITS = re.compile(r"\d(?:[ ().-]?\d){4,}", re.ASCII)
_MAINLAND = re.compile(r"1[3-9]\d{9}", re.ASCII)
_LONGEST_DETAIL = 300
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
T = TypeVar("T")


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


def unix_time(seconds: object) -> datetime | None:
    """Whole seconds since 1970, as text or as a number; zero and anything else is no instant."""
    text = str(seconds)
    return datetime.fromtimestamp(int(text), UTC) if text.isascii() and text.isdigit() and 0 < int(text) < 2**33 else None


def next_beijing_day(now: datetime) -> datetime:
    """The next midnight in Beijing, when the daily limits of mainland vendors begin anew."""
    day = now.astimezone(BEIJING) + timedelta(days=1)
    return day.replace(hour=0, minute=0, second=0, microsecond=0)


def beijing_day(now: datetime) -> str:
    """Today in Beijing as `20261120`, by which mainland vendors file what was sent."""
    return now.astimezone(BEIJING).strftime("%Y%m%d")


def signature_of(message: Message, own: str | None, *, setting: str) -> str:
    """The signature of a message: its own sender, else the account's `setting`; raises `SendError(INVALID_SENDER)` without."""
    if signature := message.sender or own:
        return signature
    raise SendError(ErrorKind.INVALID_SENDER, "sender", f"no signature: set {setting} on the account, or message.sender")


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


def object_in(body: bytes | str) -> dict[str, Any]:
    """The JSON object of a body; empty where there is none."""
    try:
        told = json.loads(body)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def told_object(response: httpx.Response) -> dict[str, Any]:
    """The JSON object of an answer, refusing or not; empty where there is none."""
    return object_in(response.content)


def objects_of(value: object) -> list[dict[str, Any]]:
    """The JSON objects of a list inside an answer; empty where it is no list."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def part_of(answer: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The JSON object called `name` inside an answer; empty where there is none."""
    part = answer.get(name)
    return part if isinstance(part, dict) else {}


def unreadable(response: httpx.Response, words: str) -> SendError:
    """The error of an answer that lacks what it should name, by HTTP status: nobody knows what became of a 2xx."""
    return SendError(http_kind(response.status_code), f"http {response.status_code}", words)


def answer_naming(response: httpx.Response, name: str) -> dict[str, Any]:
    """The JSON object of a 2xx answer with a text called `name` in it; raises `SendError` for every other."""
    answer = read_json(response)
    if response.status_code >= 300 or not isinstance(answer.get(name), str) or not answer[name]:
        raise unreadable(response, f"the answer names no {name}")
    return answer


def told_rows(body: bytes | str) -> list[dict[str, Any]]:
    """The JSON objects that a vendor pushes as an array, or one alone; empty for anything else."""
    try:
        told = json.loads(body)
    except ValueError:
        return []
    return objects_of(told if isinstance(told, list) else [told])


def number_tag(vendor_id: str, number: str) -> str:
    """Twelve characters that tell the numbers of one request apart without naming them."""
    return hashlib.sha256(f"{vendor_id}:{number}".encode()).hexdigest()[:12]


def blameless(error: SendError) -> SendError:
    """The refusal of a whole batch: where it is about one number and does not say which, no address is blamed for it."""
    if error.kind.rule.concerns != "address":
        return error
    return SendError(ErrorKind.TEMPORARY, error.code, f"one number of the batch is refused: {error.detail}")


def receipt_of(outcome: Receipt | SendError) -> Receipt:
    """The receipt of a message that went alone, where the vendor answers one as it answers many; raises its refusal."""
    if isinstance(outcome, SendError):
        raise outcome
    return outcome


def alike(values: Sequence[T], words: str = "a request has one text and one sender; these messages differ") -> T:
    """What all messages of a batch have in common; raises `SendError(UNSUPPORTED)` with `words` where they differ."""
    if any(value != values[0] for value in values):
        raise SendError(ErrorKind.UNSUPPORTED, "batch", words)
    return values[0]


def batch_callback_url(tools: Tools, message: Message) -> str | None:
    """Where the reports of many messages go: the account's address, without the ids of this one; None where it has none."""
    return (tools.callback_url(message, "status") or "").partition("?")[0] or None


def signing_secret(secret: SecretStr | None, *, vendor: str, setting: str) -> str:
    """What the vendor signs callbacks with; raises `ForgedCallback` where the account has no such `setting`."""
    if secret is None:
        raise ForgedCallback(f"{vendor}: no {setting} is configured, so no callback can be believed")
    return secret.get_secret_value()


def present(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a request that are told: those that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def count_of(value: object) -> int | None:
    """A count above zero, told as a number or in digits; None for anything else."""
    text = str(value)
    return int(text) or None if text.isascii() and text.isdigit() else None


def compact_json(value: object) -> str:
    """JSON without blanks, its characters as they are."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
