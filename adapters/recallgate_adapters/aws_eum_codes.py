"""Codes and states of AWS End User Messaging SMS.

Source: botocore 1.44.5 service model pinpoint-sms-voice-v2, "Event types for SMS, MMS, RCS and voice", read 2026-11-22.
"""

from recallgate import ErrorKind, EventType
from recallgate_adapters.aws_account import KEY_ERRORS

# `Name:Reason`, else `Name`. What is wrong with a pair of number and account must not suppress the number.
ERRORS: dict[str, ErrorKind] = {
    **KEY_ERRORS,
    "ThrottlingException": ErrorKind.RATE_LIMITED,
    # HTTP 500 after the text may have left: nobody knows.
    "InternalServerException": ErrorKind.UNCERTAIN,
    "ResourceNotFoundException": ErrorKind.INVALID_SENDER,
    "AccessDeniedException": ErrorKind.AUTH,
    "AccessDeniedException:INSUFFICIENT_ACCOUNT_REPUTATION": ErrorKind.AUTH,
    "AccessDeniedException:ACCOUNT_DISABLED": ErrorKind.AUTH,
    "ConflictException:DESTINATION_PHONE_NUMBER_OPTED_OUT": ErrorKind.OPTED_OUT,
    "ConflictException:DESTINATION_PHONE_NUMBER_NOT_VERIFIED": ErrorKind.UNSUPPORTED,
    "ConflictException:DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION": ErrorKind.UNSUPPORTED_REGION,
    "ConflictException:DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE": ErrorKind.UNSUPPORTED,
    "ConflictException:NO_ORIGINATION_IDENTITIES_FOUND": ErrorKind.INVALID_SENDER,
    "ConflictException:NUMBER_CAPABILITIES_MISMATCH": ErrorKind.INVALID_SENDER,
    "ConflictException:MESSAGE_TYPE_MISMATCH": ErrorKind.INVALID_SENDER,
    "ConflictException:RESOURCE_NOT_ACTIVE": ErrorKind.INVALID_SENDER,
    "ServiceQuotaExceededException:MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT": ErrorKind.INSUFFICIENT_FUNDS,
    "ServiceQuotaExceededException:MONTHLY_SPEND_LIMIT_REACHED_FOR_VOICE": ErrorKind.INSUFFICIENT_FUNDS,
    "ServiceQuotaExceededException:DAILY_DESTINATION_CALL_LIMIT": ErrorKind.RATE_LIMITED,
    "ServiceQuotaExceededException": ErrorKind.RATE_LIMITED,
    "ValidationException:COUNTRY_NOT_ENABLED": ErrorKind.UNSUPPORTED_REGION,
    "ValidationException:DESTINATION_COUNTRY_BLOCKED": ErrorKind.UNSUPPORTED_REGION,
    "ValidationException:INTERNATIONAL_SENDING_NOT_SUPPORTED": ErrorKind.UNSUPPORTED_REGION,
    "ValidationException:COUNTRY_CODE_MISMATCH": ErrorKind.UNSUPPORTED_REGION,
    "ValidationException:INVALID_IDENTITY_FOR_DESTINATION_COUNTRY": ErrorKind.INVALID_SENDER,
    "ValidationException:SENDER_ID_NOT_REGISTERED": ErrorKind.INVALID_SENDER,
    "ValidationException:SENDER_ID_NOT_SUPPORTED": ErrorKind.INVALID_SENDER,
    "ValidationException:SENDER_ID_REQUIRES_REGISTRATION": ErrorKind.INVALID_SENDER,
    # The price of this one message is above `max_price`; the account has its money.
    "ValidationException:PRICE_OVER_THRESHOLD": ErrorKind.UNSUPPORTED,
    "ValidationException": ErrorKind.UNKNOWN,
}
# Limits of one recipient that last until tomorrow.
DAILY = frozenset({"ServiceQuotaExceededException:DAILY_DESTINATION_CALL_LIMIT"})
REPORT_ERRORS: dict[str, ErrorKind] = {
    "TEXT_INVALID": ErrorKind.INVALID_RECIPIENT,
    "TEXT_INVALID_MESSAGE": ErrorKind.BLOCKED_CONTENT,
    "TEXT_UNREACHABLE": ErrorKind.UNREACHABLE,
    "TEXT_CARRIER_UNREACHABLE": ErrorKind.UNREACHABLE,
    "TEXT_BLOCKED": ErrorKind.UNREACHABLE,
    "TEXT_CARRIER_BLOCKED": ErrorKind.BLOCKED_CONTENT,
    "TEXT_SPAM": ErrorKind.BLOCKED_CONTENT,
    "TEXT_PROTECT_BLOCKED": ErrorKind.UNSUPPORTED_REGION,
    "TEXT_UNKNOWN": ErrorKind.UNKNOWN,
}
# Calls share the configuration set; this adapter makes none, so their states are no news to it.
STATUSES: dict[str, EventType | None] = {
    "TEXT_QUEUED": EventType.ACCEPTED,
    "TEXT_PENDING": EventType.SENT,
    "TEXT_SENT": EventType.SENT,
    "TEXT_SUCCESSFUL": EventType.DELIVERED,
    "TEXT_DELIVERED": EventType.DELIVERED,
    "TEXT_INVALID": EventType.UNDELIVERED,
    "TEXT_INVALID_MESSAGE": EventType.UNDELIVERED,
    "TEXT_UNREACHABLE": EventType.UNDELIVERED,
    "TEXT_CARRIER_UNREACHABLE": EventType.UNDELIVERED,
    "TEXT_BLOCKED": EventType.UNDELIVERED,
    "TEXT_CARRIER_BLOCKED": EventType.UNDELIVERED,
    "TEXT_SPAM": EventType.UNDELIVERED,
    "TEXT_PROTECT_BLOCKED": EventType.UNDELIVERED,
    "TEXT_UNKNOWN": EventType.UNDELIVERED,
    "TEXT_TTL_EXPIRED": EventType.EXPIRED,
    "VOICE_INITIATED": None,
    "VOICE_RINGING": None,
    "VOICE_ANSWERED": None,
    "VOICE_COMPLETED": None,
    "VOICE_BUSY": None,
    "VOICE_NO_ANSWER": None,
    "VOICE_FAILED": None,
    "VOICE_TTL_EXPIRED": None,
}
