"""Yunpian's codes, and how long the limits of a number last.

Source: the code table as several public integrations have it, all alike, read 2026-11-22.
"""

from datetime import timedelta

from recallgate import ErrorKind

ERRORS: dict[str, ErrorKind] = {
    "1": ErrorKind.UNKNOWN,
    "2": ErrorKind.UNKNOWN,
    "3": ErrorKind.INSUFFICIENT_FUNDS,
    "4": ErrorKind.BLOCKED_CONTENT,
    "5": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "6": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "7": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "8": ErrorKind.RATE_LIMITED,
    "9": ErrorKind.RATE_LIMITED,
    "10": ErrorKind.OPTED_OUT,
    "11": ErrorKind.UNKNOWN,
    "12": ErrorKind.UNKNOWN,
    "13": ErrorKind.RATE_LIMITED,
    "14": ErrorKind.UNKNOWN,
    "15": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "16": ErrorKind.TEMPLATE_OR_SIGNATURE,
    "17": ErrorKind.RATE_LIMITED,
    "18": ErrorKind.AUTH,
    "19": ErrorKind.AUTH,
    "20": ErrorKind.UNSUPPORTED_REGION,
    "21": ErrorKind.AUTH,
    "22": ErrorKind.RATE_LIMITED,
    "23": ErrorKind.UNSUPPORTED_REGION,
    "25": ErrorKind.UNKNOWN,
    "28": ErrorKind.TEMPORARY,
    "43": ErrorKind.RATE_LIMITED,
    "-1": ErrorKind.AUTH,
    "-2": ErrorKind.AUTH,
    "-3": ErrorKind.AUTH,
    "-4": ErrorKind.RATE_LIMITED,
    "-5": ErrorKind.RATE_LIMITED,
    "-50": ErrorKind.TEMPORARY,
    "-51": ErrorKind.TEMPORARY,
    "-53": ErrorKind.TEMPORARY,
    "-57": ErrorKind.TEMPLATE_OR_SIGNATURE,
}
# Limits of one number, and how long they last; 43 lasts until the next day in Beijing.
NUMBER_LIMITS = {
    "8": timedelta(seconds=30),
    "9": timedelta(minutes=5),
    "17": timedelta(hours=24),
    "22": timedelta(hours=1),
}
