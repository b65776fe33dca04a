"""Reply codes of SMTP: the enhanced code decides, then the reply code and the command that it answers.

Source: RFC 5321 4.2.3, RFC 3463, RFC 7505 (5.1.10), RFC 7372 (5.7.26), read 2026-11-22.
Quirk: 4.7.1 is greylisting after 451 and a rate limit after 450, so some rows name both codes.
"""

import re
from collections.abc import Mapping

from recallgate import ErrorKind, EventType

# Looked up as "reply enhanced", "reply class.subject.x", "enhanced", "reply", "4xx" or "5xx", in this order.
ERRORS: dict[str, ErrorKind] = {
    "450 4.7.x": ErrorKind.RATE_LIMITED,
    "451 4.7.1": ErrorKind.TEMPORARY,
    "454 4.7.0": ErrorKind.AUTH,
    "5.1.1": ErrorKind.INVALID_RECIPIENT,
    "5.1.2": ErrorKind.INVALID_RECIPIENT,
    "5.1.3": ErrorKind.INVALID_RECIPIENT,
    "5.1.8": ErrorKind.INVALID_SENDER,
    "5.1.10": ErrorKind.INVALID_RECIPIENT,
    "5.2.1": ErrorKind.INVALID_RECIPIENT,
    "4.2.2": ErrorKind.TEMPORARY,
    "5.2.2": ErrorKind.UNREACHABLE,
    "5.2.3": ErrorKind.PAYLOAD_TOO_LARGE,
    "5.3.4": ErrorKind.PAYLOAD_TOO_LARGE,
    "5.7.0": ErrorKind.AUTH,
    "5.7.1": ErrorKind.BLOCKED_CONTENT,
    "5.7.8": ErrorKind.AUTH,
    "5.7.26": ErrorKind.INVALID_SENDER,
    "421": ErrorKind.UNAVAILABLE,
    "454": ErrorKind.AUTH,
    "530": ErrorKind.AUTH,
    "535": ErrorKind.AUTH,
    "4xx": ErrorKind.TEMPORARY,
    "5xx": ErrorKind.UNKNOWN,
}
# In a report a temporary failure has become final: the mailbox could not be reached in days.
REPORT_ERRORS: dict[str, ErrorKind] = {
    **{code: kind for code, kind in ERRORS.items() if code.startswith("5")},
    "4.2.2": ErrorKind.UNREACHABLE,
    "4.4.1": ErrorKind.UNREACHABLE,
    "4.4.7": ErrorKind.UNREACHABLE,
    "4xx": ErrorKind.UNREACHABLE,
}
STATUSES: dict[str, EventType | None] = {
    "dsn_action:delivered": EventType.DELIVERED,
    "dsn_action:relayed": EventType.SENT,
    "dsn_action:expanded": EventType.SENT,
    "dsn_action:delayed": EventType.ACCEPTED,
    "dsn_action:failed": EventType.UNDELIVERED,
    "arf_feedback_type:abuse": EventType.COMPLAINED,
    "arf_feedback_type:not-spam": None,
    "arf_feedback_type:opt-out": EventType.UNSUBSCRIBED,
}
# Replies without an enhanced code, by the command that they answer.
_BARE: dict[tuple[str, str], ErrorKind] = {
    ("rcpt", "550"): ErrorKind.INVALID_RECIPIENT,
    ("rcpt", "551"): ErrorKind.INVALID_RECIPIENT,
    ("rcpt", "553"): ErrorKind.INVALID_RECIPIENT,
    ("rcpt", "552"): ErrorKind.UNREACHABLE,
    ("mail", "552"): ErrorKind.PAYLOAD_TOO_LARGE,
    ("content", "552"): ErrorKind.PAYLOAD_TOO_LARGE,
    ("connect", "554"): ErrorKind.UNAVAILABLE,
}
_ENHANCED = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b", re.ASCII)


def reply_code(reply: int, text: str) -> str:
    """`550 5.1.1`, or `550` alone where the text does not begin with an enhanced code of the same class."""
    found = _ENHANCED.match(text.lstrip())
    return f"{reply} {found[0]}" if found and found[1] == str(reply)[0] else str(reply)


def kind_of(code: str, table: Mapping[str, ErrorKind], *, stage: str = "") -> ErrorKind:
    """The kind of a code such as `550 5.1.1`, `5.1.1` or `550`; `stage` is the command that a bare reply answers."""
    reply, _, enhanced = code.partition(" ") if " " in code or "." not in code else ("", "", code)
    if not enhanced and (stage, reply) in _BARE:
        return _BARE[(stage, reply)]
    subject = f"{reply} {enhanced.rpartition('.')[0]}.x"
    keys = (code, subject, enhanced, reply, f"{code[:1]}xx")
    return next((table[key] for key in keys if key in table), ErrorKind.UNKNOWN)
