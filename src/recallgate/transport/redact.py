"""A log filter that hides what must not be read: numbers, addresses, bearer and basic credentials."""

import logging
import re

_PATTERNS = (
    (re.compile(r"\+\d{6,15}"), "+…"),
    (re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+"), "…@…"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), r"\1 …"),
    (re.compile(r"(?i)(access_token|token|secret|password|corpsecret|key)=[^&\s\"']+"), r"\1=…"),
)


def redact(text: str) -> str:
    """The text with personal data and credentials replaced."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


class RedactingFilter(logging.Filter):
    """Redacts finished log records; put it on the handlers of the application."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = None
        return True
