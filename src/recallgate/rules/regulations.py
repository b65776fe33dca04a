"""Which rows of law and practice hold for a recipient. Data, not legal advice: every row can be overridden."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from recallgate.rules.datafile import read
from recallgate.rules.windows import EVERY_DAY, Window, minutes, read_windows

Certainty = Literal["H", "M", "L"]
"""H: regulator, law or official vendor text. M: a secondary page states it. L: weak, check before relying on it."""


def _windows(raw: Any) -> Any:
    return read_windows(raw) if isinstance(raw, list | tuple) else raw


def _minute(raw: Any) -> Any:
    return minutes(raw) if isinstance(raw, str) else raw


_Windows = Annotated[tuple[Window, ...], BeforeValidator(_windows)]
_Frozen = ConfigDict(frozen=True, extra="forbid")


class Limit(BaseModel):
    """At most `count` of `kind` in a window of `window_days`; rolling means the last `window_days` times 24 h."""

    model_config = _Frozen
    kind: Literal["attempts", "connects", "messages"]
    count: int = Field(ge=1)
    window_days: int = Field(ge=1)
    window: Literal["rolling", "calendar"] = "rolling"


class OptionalBlock(BaseModel):
    """A closed range, or the holidays, that an app can switch on by name; minutes after midnight."""

    model_config = _Frozen
    name: str
    start: Annotated[int, BeforeValidator(_minute)] | None = None
    end: Annotated[int, BeforeValidator(_minute)] | None = None


class Regulation(BaseModel):
    """One row: when marketing (or the purposes listed) may go to a country or region on some channels."""

    model_config = _Frozen
    id: str
    country: str
    region: str | None = None
    channels: tuple[str, ...]
    purposes: tuple[str, ...]
    windows: _Windows
    holidays: Literal["block", "allow"] = "allow"
    limits: tuple[Limit, ...] = ()
    holiday_eve_windows: _Windows | None = None
    wider_windows: _Windows | None = None
    stricter_windows: _Windows | None = None
    optional_blocks: tuple[OptionalBlock, ...] = ()
    consent_lifts_hours: bool = False
    refusal_cooldown_days: int | None = None
    registry_max_age_days: int | None = None
    internal_list_days: int | None = None
    optout_retention_years: int | None = None
    proof_retention_days: int | None = None
    basis: Literal["law", "vendor_practice", "code_of_conduct", "product_default", "own"] = "own"
    disputed: str | None = None
    notes: str = ""
    source: str = ""
    as_of: str = ""
    certainty: Certainty = "L"
    certainty_note: str | None = None

    def __hash__(self) -> int:
        return hash(self.id)  # rows are cache keys; a hash over twenty fields is slow

    @property
    def open_days(self) -> frozenset[int]:
        """ISO weekdays with at least one window."""
        return frozenset(day for window in self.windows for day in window.days)

    def choose(self, which: Literal["wider", "stricter"]) -> "Regulation":
        """The row with its alternative windows; ValueError when it has none of that name."""
        windows = self.wider_windows if which == "wider" else self.stricter_windows
        if windows is None:
            raise ValueError(f"regulation {self.id} has no {which} windows")
        return self.model_copy(update={"windows": windows})


class RuleBook:
    """All rows, immutable; `select` answers which hold."""

    def __init__(self, rows: Iterable[Regulation]) -> None:
        self.rows = tuple(rows)
        seen: set[str] = set()
        for row in self.rows:
            if row.id in seen:
                raise ValueError(f"regulation {row.id} appears twice")
            seen.add(row.id)
        self._selected: dict[tuple[str | None, str | None, str, str], tuple[Regulation, ...]] = {}

    @classmethod
    def default(cls) -> "RuleBook":
        """The rows that come with the package."""
        return _default()

    def __getitem__(self, row_id: str) -> Regulation:
        for row in self.rows:
            if row.id == row_id:
                return row
        raise KeyError(f"no regulation {row_id}")

    def select(self, *, country: str | None, region: str | None, channel: str, purpose: str) -> tuple[Regulation, ...]:
        """The rows that apply together, in file order; the default row only when no row names the country.

        Several `Hours` and caps come of them: windows are intersected, all limits hold. Empty means: no rule.
        """
        key = (country, region, channel, purpose)
        found = self._selected.get(key)
        if found is None:
            if len(self._selected) >= 4096:
                self._selected.clear()
            found = self._selected[key] = self._find(country, region, channel, purpose)
        return found

    def _find(self, country: str | None, region: str | None, channel: str, purpose: str) -> tuple[Regulation, ...]:
        fitting = [row for row in self.rows if channel in row.channels and purpose in row.purposes]
        named = [row for row in fitting if row.country == country and row.region in (None, region)]
        return tuple(named or (row for row in fitting if row.country == "default" and country != "default"))

    def override(self, rows: Iterable[Regulation | Mapping[str, object]]) -> "RuleBook":
        """A book in which rows of the same id are replaced and the others added; keep `source` and `as_of` when you do."""
        own = [row if isinstance(row, Regulation) else Regulation.model_validate(row) for row in rows]
        by_id = {row.id: row for row in own}
        kept = [by_id.pop(row.id, row) for row in self.rows]
        return RuleBook([*kept, *by_id.values()])

    def without(self, row_ids: Iterable[str]) -> "RuleBook":
        """A book without some rows; an unknown id is an error, so that a misspelt one is noticed."""
        unwanted = {self[row_id].id for row_id in row_ids}
        return RuleBook(row for row in self.rows if row.id not in unwanted)


@lru_cache(maxsize=1)
def _default() -> RuleBook:
    return RuleBook(Regulation.model_validate(row) for row in read("regulations")["rows"])


__all__ = ["EVERY_DAY", "Certainty", "Limit", "OptionalBlock", "Regulation", "RuleBook", "Window"]
