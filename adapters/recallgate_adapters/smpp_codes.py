"""SMPP: command_status of responses, and the words and numbers of delivery receipts.

Source: SMPP Protocol Specification v3.4, sections 5.1.3 and 5.2.28 and appendix B, read 2026-11-22.
Quirk: the `err` of a receipt is the operator's own; only an account's settings can say what it means.
"""

from recallgate import ErrorKind, EventType

# command_status of a response, as eight hexadecimal digits
ERRORS: dict[str, ErrorKind] = {
    "0x00000001": ErrorKind.PAYLOAD_TOO_LARGE,  # message length
    "0x00000002": ErrorKind.UNKNOWN,  # command length
    "0x00000003": ErrorKind.UNKNOWN,  # command id
    "0x00000004": ErrorKind.TEMPORARY,  # wrong bind state: a new bind cures it
    "0x00000005": ErrorKind.TEMPORARY,  # already bound
    "0x00000008": ErrorKind.TEMPORARY,  # system error
    "0x0000000a": ErrorKind.INVALID_SENDER,
    "0x0000000b": ErrorKind.INVALID_RECIPIENT,
    "0x0000000d": ErrorKind.AUTH,  # bind failed
    "0x0000000e": ErrorKind.AUTH,  # password
    "0x0000000f": ErrorKind.AUTH,  # system id
    "0x00000014": ErrorKind.RATE_LIMITED,  # queue full
    "0x00000045": ErrorKind.TEMPORARY,  # submit failed
    "0x00000048": ErrorKind.INVALID_SENDER,  # type of number
    "0x00000049": ErrorKind.INVALID_SENDER,  # numbering plan
    "0x00000050": ErrorKind.INVALID_RECIPIENT,  # type of number
    "0x00000051": ErrorKind.INVALID_RECIPIENT,  # numbering plan
    "0x00000058": ErrorKind.RATE_LIMITED,  # throttled
    "0x00000061": ErrorKind.UNKNOWN,  # schedule time
    "0x00000062": ErrorKind.UNKNOWN,  # validity
    "0x00000064": ErrorKind.TEMPORARY,  # temporary fault of the receiver
    "0x00000065": ErrorKind.UNKNOWN,  # permanent fault of the receiver
    "0x00000066": ErrorKind.BLOCKED_CONTENT,  # the receiver rejects the message
    "0x000000fe": ErrorKind.TEMPORARY,  # delivery failure
    "0x000000ff": ErrorKind.UNKNOWN,
}
# `stat` of a receipt's text, and message_state of its optional parameter.
STATUSES: dict[str, EventType | None] = {
    "ENROUTE": EventType.SENT,
    "DELIVRD": EventType.DELIVERED,
    "EXPIRED": EventType.EXPIRED,
    "DELETED": EventType.UNDELIVERED,
    "UNDELIV": EventType.UNDELIVERED,
    "ACCEPTD": EventType.SENT,
    "UNKNOWN": EventType.UNDELIVERED,
    "REJECTD": EventType.UNDELIVERED,
    "1": EventType.SENT,
    "2": EventType.DELIVERED,
    "3": EventType.EXPIRED,
    "4": EventType.UNDELIVERED,
    "5": EventType.UNDELIVERED,
    "6": EventType.SENT,
    "7": EventType.UNDELIVERED,
    "8": EventType.UNDELIVERED,
}


def code_of(status: int) -> str:
    """A command_status as the tables name it."""
    return f"0x{status:08x}"
