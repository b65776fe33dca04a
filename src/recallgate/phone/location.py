"""Where a number's owner probably is: country, region, candidate time zones. A guess, since numbers move and are ported."""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from recallgate.phone.regions import has_regions, region_of

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_UNKNOWN_ZONE = "Etc/Unknown"


@dataclass(frozen=True)
class Location:
    """What a number says: `country` ISO 3166-1, `region` ISO 3166-2, `zones` all IANA zones it may be in.

    `kind` is mobile, fixed, fixed_or_mobile, toll_free, premium, shared_cost, voip, personal, pager, uan, voicemail or invalid.
    An unknown region is None: it does not mean "none of the special regions".
    """

    country: str | None
    region: str | None
    zones: tuple[str, ...]
    kind: str


class NumberLocator(Protocol):
    """Tells where a number is; `locate` is one, a bought table of number ranges another."""

    def __call__(self, e164: str, /) -> Location: ...


_NOWHERE = Location(None, None, (), "invalid")


@lru_cache(maxsize=65536)
def locate(e164: str) -> Location:
    """The location that the public numbering plans give for an E.164 number; an invalid number has no zone."""
    if _head_decides(e164):
        return _locate_block(e164[:-4])
    return _read(e164)


def _head_decides(e164: str) -> bool:
    """In China's mobile ranges and in North America, the last four digits never matter."""
    if not (e164.isascii() and e164[1:].isdecimal()):
        return False
    return (len(e164) == 14 and e164.startswith("+861")) or (len(e164) == 12 and e164.startswith("+1") and e164[2] in "23456789")


@lru_cache(maxsize=65536)
def _locate_block(head: str) -> Location:
    from phonenumbers import PhoneNumber

    code = 86 if head.startswith("+86") else 1
    digits = head[3:] if code == 86 else head[2:]
    return _place(PhoneNumber(country_code=code, national_number=int(digits + "2345")))


def _read(e164: str) -> Location:
    import phonenumbers

    if not (e164.startswith("+") and e164.isascii() and e164[1:].isdecimal()):
        return _NOWHERE
    try:
        return _place(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return _NOWHERE


def _place(number: "PhoneNumber") -> Location:
    import phonenumbers
    from phonenumbers import timezone

    kind = phonenumbers.number_type(number)
    if kind == phonenumbers.PhoneNumberType.UNKNOWN:
        countries = phonenumbers.region_codes_for_country_code(number.country_code or 0)
        return Location(countries[0] if len(countries) == 1 else None, None, (), "invalid")
    country = phonenumbers.region_code_for_number(number)
    geographic = phonenumbers.is_number_type_geographical(kind, number.country_code or 0)
    find = timezone.time_zones_for_geographical_number if geographic else timezone.time_zones_for_number
    zones = tuple(name for name in find(number) if name != _UNKNOWN_ZONE)
    region = None
    if country is not None and geographic and has_regions(country):
        region = region_of(country, number.country_code or 0, phonenumbers.national_significant_number(number))
    if country == "001":  # numbers of no country, such as satellite phones
        country = None
    return Location(country, region, zones, _KINDS[kind])


# phonenumbers.PhoneNumberType, by value
_KINDS = {
    0: "fixed",
    1: "mobile",
    2: "fixed_or_mobile",
    3: "toll_free",
    4: "premium",
    5: "shared_cost",
    6: "voip",
    7: "personal",
    8: "pager",
    9: "uan",
    10: "voicemail",
}
