"""Written telephone numbers to E.164."""

import unicodedata


def normalise(text: str, *, country: str | None = None) -> str:
    """The number in E.164, read as dialled from `country` (ISO 3166-1) unless it begins with a plus sign.

    Only the length is judged against the country's numbering plan: new ranges are in service before any table has them.
    Raises ValueError that names the fault and never repeats the number.
    """
    import phonenumbers

    if country is not None and country.upper() not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"country: {country!r} is not an ISO 3166-1 alpha-2 code; write for example CN")
    written = unicodedata.normalize("NFKC", text).strip()
    if country is None and not written.startswith("+"):
        raise ValueError("number without a country: begin with a plus sign and the country code, or name the country")
    try:
        number = phonenumbers.parse(written, None if country is None else country.upper())
    except phonenumbers.NumberParseException as fault:
        raise ValueError(_fault(fault.error_type)) from None  # the library's text may repeat the number
    if number.extension:
        raise ValueError("number with an extension: an extension cannot be reached by message or robot call")
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == phonenumbers.ValidationResult.TOO_LONG:
        raise ValueError("number too long for its country")
    if reason not in (phonenumbers.ValidationResult.IS_POSSIBLE, phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY):
        raise ValueError("number of a wrong length for its country; a digit may be missing")
    if reason == phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        raise ValueError("number without its area code")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _fault(kind: int) -> str:
    from phonenumbers import NumberParseException as Fault

    return {
        Fault.INVALID_COUNTRY_CODE: "number with an unknown country code",
        Fault.NOT_A_NUMBER: "not a telephone number",
        Fault.TOO_SHORT_AFTER_IDD: "number too short: nothing useful follows the dialling prefix",
        Fault.TOO_SHORT_NSN: "number too short",
        Fault.TOO_LONG: "number too long",
    }.get(kind, "not a telephone number")
