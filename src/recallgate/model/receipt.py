"""Receipts: a vendor took the message."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Price:
    """What the vendor billed, in units of a currency such as USD; exact, since prices have fractions of a cent."""

    amount: Decimal
    currency: str


@dataclass(frozen=True)
class Receipt:
    """The vendor took the message under `vendor_id`; `parts` and `price` where it told them. `note` is for logs."""

    message_id: str
    vendor_id: str
    parts: int | None = None
    price: Price | None = None
    note: str = ""
