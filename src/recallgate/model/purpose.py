"""Why a message is sent; most rules depend on it."""

from enum import StrEnum


class Purpose(StrEnum):
    """`otp`: a code asked for just now · `transactional`: a fact about something done · `service`: something needs the
    user · `marketing`: everything else, all recall. A message that mixes purposes is marketing."""

    OTP = "otp"
    TRANSACTIONAL = "transactional"
    SERVICE = "service"
    MARKETING = "marketing"

    @property
    def urgent(self) -> bool:
        """True for messages that change the account rather than wait."""
        return self in (Purpose.OTP, Purpose.TRANSACTIONAL)
