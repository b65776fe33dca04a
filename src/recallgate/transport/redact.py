"""A log filter that hides what must not be read: numbers, addresses, bearer and basic credentials."""

import logging

from recallgate.model.redaction import redact

__all__ = ["RedactingFilter", "redact"]


class RedactingFilter(logging.Filter):
    """Redacts finished log records; put it on the handlers of the application."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = redact(record.getMessage())
        record.args = None
        return True
