"""The region of a number, for the countries whose rules differ by region.

Source: the geocoder of phonenumbers 9.0 (libphonenumber), as runs of leading digits; `tests/phone_regions.py` makes the table.
"""

from bisect import bisect_right
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_COUNTRIES = frozenset({"US", "CA", "CN"})


def has_regions(country: str) -> bool:
    """True where rules ask for a region."""
    return country in _COUNTRIES


def region_of(country: str, code: int, national: str) -> str | None:
    """ISO 3166-2 code of a national number under a calling code; None where it is not known or of another country."""
    runs = _runs().get(code)
    if runs is None:
        return None
    found = runs.regions[bisect_right(runs.starts, national[: runs.width]) - 1]
    return found if found.startswith(country) else None


class _Runs(NamedTuple):
    width: int
    starts: list[str]
    regions: list[str]


@cache
def _runs() -> dict[int, _Runs]:
    """Calling code -> the first leading digits of each run, in order, and its region."""
    found: dict[int, _Runs] = {}
    for line in files("recallgate.phone").joinpath("data", "regions.csv").read_text("ascii").splitlines()[1:]:
        code, start, region = line.split(",")
        runs = found.setdefault(int(code), _Runs(len(start), [], []))
        runs.starts.append(start)
        runs.regions.append(region)
    return found
