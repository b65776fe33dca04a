"""Public holidays of countries and regions: the app's own lists first, else the `holidays` package, an extra.

Some governments announce each year's days shortly before it begins. What a package says of later years is a guess, and a
guess is told aloud.
"""

import logging
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from types import ModuleType

from recallgate.model.errors import ConfigError
from recallgate.rules.regulations import Regulation

_log = logging.getLogger("recallgate.rules")
_NONE: frozenset[date] = frozenset()


class HolidayWarning(UserWarning):
    """Dates that are a guess, or that nobody supplied."""


@dataclass(frozen=True)
class HolidayBook:
    """Dates by place. `own` maps countries or regions to dates, and stands in place of the package's for that country.

    Where `use_package` is off, or the package is not installed, a country without own dates has none, and that is told.
    """

    own: Mapping[str, frozenset[date]] = field(default_factory=dict)
    use_package: bool = True
    _known: dict[tuple[str, str | None, int], frozenset[date]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @classmethod
    def of(cls, lists: Mapping[str, Iterable[date | str]], *, use_package: bool = True) -> "HolidayBook":
        """From lists of dates, or of their ISO text, by country or region code; ConfigError for what is no date."""
        own = {}
        for place, days in lists.items():
            try:
                own[place] = frozenset(day if isinstance(day, date) else date.fromisoformat(day) for day in days)
            except (TypeError, ValueError):
                raise ConfigError(f"holidays.{place}: write dates such as 2026-12-25") from None
        return cls(own, use_package)

    def days(self, country: str | None, region: str | None, *, around: date) -> frozenset[date]:
        """The holidays of a place in the year around a date and its neighbours; equal arguments give the same set."""
        if country is None:
            return _NONE
        key = (country, region, around.year)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= 1024:
                self._known.clear()
            found = self._known[key] = self._find(country, region, around.year)
        return found

    def for_rows(
        self,
        rows: Iterable[Regulation],
        country: str | None,
        region: str | None,
        *,
        around: date,
        blocks: frozenset[str] = frozenset(),
    ) -> frozenset[date]:
        """The holidays where some row closes on them, or an optional block that is switched on does; else none."""
        if any(row.holidays == "block" or (blocks and _switched_on(row, blocks)) for row in rows):
            return self.days(country, region, around=around)
        return _NONE

    def _find(self, country: str, region: str | None, year: int) -> frozenset[date]:
        listed = [self.own[place] for place in (country, region) if place is not None and place in self.own]
        if listed:
            return frozenset[date]().union(*listed)
        if not self.use_package or _package() is None:
            _tell(f"no holidays of {country} are known: list them, or install recallgate[holidays]")
            return _NONE
        _tell_of_guess(country, year)
        return _days(country, region, (year - 1, year, year + 1))


def official_days(country: str, region: str | None = None, *, years: Iterable[int]) -> frozenset[date]:
    """Public holidays as the package has them, with substitute days; told aloud beyond the last official year.

    Raises ConfigError when the package is not installed. A country that it does not know has none, and that is told.
    """
    wanted = tuple(years)
    _tell_of_guess(country, max(wanted, default=0))
    return _days(country, region, wanted)


def _days(country: str, region: str | None, years: tuple[int, ...]) -> frozenset[date]:
    package = _package()
    if package is None:
        raise ConfigError("holidays: install recallgate[holidays], or list the dates yourself")
    part = region.partition("-")[2] if region else None
    try:
        return frozenset(package.country_holidays(country, subdiv=part, years=years))
    except NotImplementedError:
        if part is not None:  # a region without days of its own
            return _days(country, None, years)
        _tell(f"the package holidays does not know {country}; list its days yourself")
        return _NONE


def _tell_of_guess(country: str, year: int) -> None:
    last = last_official_year(country)
    if last is not None and year > last:
        _tell(
            f"the holidays of {country} are official until {last}; those of {year} are a guess: list them when they are announced"
        )


def worked_weekends(country: str, *, years: Iterable[int]) -> frozenset[date]:
    """Saturdays and Sundays on which people work in exchange for a bridge day, as in China."""
    package = _package()
    if package is None:
        raise ConfigError("holidays: install recallgate[holidays], or list the dates yourself")
    wanted = frozenset(years)
    known = package.country_holidays(country, years=wanted)
    return frozenset(day for day in getattr(known, "weekend_workdays", ()) if day.year in wanted)


@lru_cache(maxsize=256)
def last_official_year(country: str) -> int | None:
    """The last year whose announced days the installed package has; None where the law fixes the days for all years."""
    package = _package()
    if package is None:
        return None
    try:
        calendar = package.country_holidays(country)
    except NotImplementedError:
        return None
    tables = (getattr(calendar, name) for name in dir(calendar) if name.startswith("special_public_holidays"))
    years = {year for table in tables if isinstance(table, Mapping) for year in table}
    # announced each year, and not once in a decade for a coronation
    return max(years) if {max(years, default=0) - back for back in range(5)} <= years else None


def _switched_on(row: Regulation, blocks: frozenset[str]) -> bool:
    return any(block.name in blocks and block.start is None for block in row.optional_blocks)


@lru_cache(maxsize=1)
def _package() -> ModuleType | None:
    try:
        import holidays
    except ImportError:
        return None
    return holidays


@lru_cache(maxsize=1024)
def _tell(words: str) -> None:
    """Once a process and subject, in the log and as a warning."""
    _log.warning("%s", words)
    warnings.warn(words, HolidayWarning, stacklevel=4)
