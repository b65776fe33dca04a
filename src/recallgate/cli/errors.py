"""What a person who mistyped gets to see: one line with the field and the remedy."""

from recallgate.model.errors import RecallgateError

EXPECTED = (RecallgateError, ValueError, LookupError, OSError, RecursionError)
_OUR_FAULT = (KeyError, IndexError)  # lookups inside the program; those of the registry are plain LookupErrors


def is_expected(fault: BaseException) -> bool:
    """Whether the fault lies in what was given, so that a line says more than a traceback."""
    return isinstance(fault, EXPECTED) and not isinstance(fault, _OUR_FAULT)


def line_of(fault: BaseException) -> str:
    """The fault in one line, without the value that caused it."""
    match fault:
        case ValueError() if type(fault).__module__.startswith("pydantic"):
            words = _first_fault(fault)
        case RecursionError():
            words = "input: nested too deeply"
        case OSError() if fault.strerror:
            words = f"{fault.filename}: {fault.strerror}" if fault.filename else fault.strerror
        case UnicodeDecodeError():
            words = f"input: not UTF-8 text (byte {fault.start})"
        case _:
            words = str(fault) or type(fault).__name__
    return " ".join(words.split())


def _first_fault(fault: ValueError) -> str:
    from pydantic import ValidationError

    from recallgate.config import explain_fault

    return explain_fault(fault, "input") if isinstance(fault, ValidationError) else str(fault)
