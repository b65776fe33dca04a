"""Errors of sending: one exception with a closed kind.

RecallgateError
├── ConfigError          a wrong setting; names the field and the remedy
├── SendError            a vendor or the wire refused; carries an ErrorKind
├── ForgedCallback       a callback that could not be verified
├── IdempotencyConflict  the same key came with another message
└── StoreError           the database cannot be used
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

from recallgate.model.redaction import redact


class ErrorKind(StrEnum):
    """Why a message was not taken or not delivered; closed, and the only thing that the core decides on."""

    INVALID_RECIPIENT = "invalid_recipient"
    UNREGISTERED_TOKEN = "unregistered_token"  # noqa: S105 - a device token
    OPTED_OUT = "opted_out"
    BLOCKED_CONTENT = "blocked_content"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    TEMPLATE_OR_SIGNATURE = "template_or_signature"
    UNSUPPORTED_REGION = "unsupported_region"
    INVALID_SENDER = "invalid_sender"
    AUTH = "auth"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    RATE_LIMITED = "rate_limited"
    TEMPORARY = "temporary"
    UNAVAILABLE = "unavailable"
    UNREACHABLE = "unreachable"
    UNCERTAIN = "uncertain"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"

    @property
    def rule(self) -> "KindRule":
        return KIND_RULES[self]

    @property
    def definite(self) -> bool:
        """True when the message was certainly not taken."""
        return self is not ErrorKind.UNCERTAIN


Concern = Literal["account", "vendor", "address", "message"]
Next = Literal["other_account", "wait", "retry", "reconcile", "never", "never_here"]


@dataclass(frozen=True)
class KindRule:
    """What follows from a kind when a submit failed with it; the only place where that is decided.

    `concerns`: what is at fault. `next`: `other_account` now; `wait` until retry_at (urgent purposes take another account
    instead); `retry` with backoff, then another account; `reconcile`; `never`; `never_here` = never on this channel.
    """

    concerns: Concern
    next: Next


KIND_RULES: dict[ErrorKind, KindRule] = {
    ErrorKind.AUTH: KindRule("account", "other_account"),
    ErrorKind.INSUFFICIENT_FUNDS: KindRule("account", "other_account"),
    ErrorKind.RATE_LIMITED: KindRule("account", "wait"),
    ErrorKind.UNAVAILABLE: KindRule("vendor", "retry"),
    ErrorKind.TEMPORARY: KindRule("vendor", "retry"),
    ErrorKind.UNCERTAIN: KindRule("message", "reconcile"),
    ErrorKind.INVALID_RECIPIENT: KindRule("address", "never_here"),
    ErrorKind.UNREGISTERED_TOKEN: KindRule("address", "never_here"),
    ErrorKind.OPTED_OUT: KindRule("address", "never_here"),
    ErrorKind.UNREACHABLE: KindRule("address", "never_here"),
    ErrorKind.BLOCKED_CONTENT: KindRule("message", "other_account"),
    ErrorKind.TEMPLATE_OR_SIGNATURE: KindRule("message", "other_account"),
    ErrorKind.PAYLOAD_TOO_LARGE: KindRule("message", "other_account"),
    ErrorKind.UNSUPPORTED_REGION: KindRule("message", "other_account"),
    ErrorKind.INVALID_SENDER: KindRule("message", "other_account"),
    ErrorKind.UNSUPPORTED: KindRule("message", "other_account"),
    ErrorKind.UNKNOWN: KindRule("message", "never"),
}


class RecallgateError(Exception):
    """The base of everything recallgate raises on purpose."""


class ConfigError(RecallgateError):
    """A wrong setting or input; the text names the field and the remedy, never the secret."""


class StoreError(RecallgateError):
    """The database cannot be used; the text says why and what to do."""


class IdempotencyConflict(RecallgateError):  # noqa: N818 - reads as what happened
    """The same idempotency key came with another message."""


class ForgedCallback(RecallgateError):  # noqa: N818 - reads as what happened
    """A callback that could not be verified; nothing of it was stored or acted on.

    `status` is the HTTP status that the vendor expects for a refusal.
    """

    def __init__(self, reason: str, *, status: int = 403) -> None:
        super().__init__(reason)
        self.status = status


class SendError(RecallgateError):
    """A message was refused, or nobody knows whether it was taken (`ErrorKind.UNCERTAIN`).

    `code` is the vendor's; `detail` its words, with addresses and credentials hidden; `retry_at` the earliest instant for another
    try; `scope` says what a rate limit belongs to.
    """

    def __init__(
        self,
        kind: ErrorKind,
        code: str | None = None,
        detail: str = "",
        *,
        retry_at: datetime | None = None,
        scope: Literal["account", "address"] = "account",
    ) -> None:
        detail = redact(detail) if detail else ""  # vendors repeat what they were told
        super().__init__(f"{kind}{f' ({code})' if code else ''}{f': {detail}' if detail else ''}")
        self.kind = kind
        self.code = code
        self.detail = detail
        self.retry_at = retry_at
        self.scope = scope
