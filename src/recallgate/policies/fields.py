"""Plain JSON data read key by key; what is wrong is named with its remedy, what nobody asked for is an error."""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import TypeVar

from recallgate.model.zones import zone as find_zone
from recallgate.rules.windows import clock_text, read_windows

Windows = tuple[tuple[tuple[int, ...], str, str], ...]
_W = TypeVar("_W", bound=str)
_R = TypeVar("_R")
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_REGION = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}", re.ASCII)


class Fields:
    """A JSON object; null is the same as absent. Every reader raises ValueError that names the key, never the value."""

    def __init__(self, data: object, *, inside: str = "") -> None:
        if not isinstance(data, Mapping):
            raise ValueError(f"{inside or 'line'}: write a JSON object")
        self._data = {str(key): value for key, value in data.items()}
        self._inside = f"{inside}." if inside else ""
        self._asked: set[str] = set()

    def raw(self, key: str) -> object:
        self._asked.add(key)
        return self._data.get(key)

    def given(self, key: str) -> bool:
        return self.raw(key) is not None

    def nothing_left(self) -> None:
        """Call when all is read: a key that nobody asked for is a mistake."""
        if unknown := sorted(self._data.keys() - self._asked):
            known = ", ".join(sorted(self._asked))
            raise ValueError(f"{self._inside}{unknown[0]}: unknown key; the keys are {known}")

    def text(self, key: str) -> str | None:
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value:
            raise self._fault(key, "write a text that is not empty")
        return value

    def required_text(self, key: str) -> str:
        return self._required(key, self.text(key))

    def texts(self, key: str) -> tuple[str, ...]:
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(one, str) and one for one in value):
            raise self._fault(key, "write a list of texts")
        return tuple(value)

    def word(self, key: str, words: tuple[_W, ...], *, default: _W) -> _W:
        value = self.raw(key)
        if value is None:
            return default
        for word in words:
            if value == word:
                return word
        raise self._fault(key, f"write one of {', '.join(words)}")

    def required_word(self, key: str, words: tuple[_W, ...]) -> _W:
        if not self.given(key):
            raise self._fault(key, f"it is required; write one of {', '.join(words)}")
        return self.word(key, words, default=words[0])

    def claim(self, key: str, *, default: bool) -> bool:
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._fault(key, "write true or false")
        return value

    def count(self, key: str, *, default: int, least: int, most: int | None = None) -> int:
        value = self.raw(key)
        if value is None:
            return default
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or value < least or (most is not None and value > most):
            raise self._fault(key, f"write a whole number from {least}" + (f" to {most}" if most is not None else ""))
        return value

    def hours(self, key: str, *, default: float) -> float:
        value = self.raw(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= 24:
            raise self._fault(key, "write a number of hours from 0 to 24")
        return float(value)

    def instant(self, key: str) -> datetime | None:
        value = self.raw(key)
        if value is None:
            return None
        try:
            instant = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            instant = None
        if instant is None or instant.tzinfo is None:
            raise self._fault(key, "write an instant with its offset, for example 2026-03-08T13:00:00Z")
        return instant.astimezone(UTC)

    def required_instant(self, key: str) -> datetime:
        return self._required(key, self.instant(key))

    def zone(self, key: str) -> str | None:
        name = self.text(key)
        if name is not None:
            try:
                find_zone(name)
            except ValueError:
                raise self._fault(key, "write an IANA zone name, for example Europe/Berlin") from None
        return name

    def country(self, key: str) -> str | None:
        code = self.text(key)
        if code is not None and not _COUNTRY.fullmatch(code):
            raise self._fault(key, "write an ISO 3166-1 code of two capitals, for example US")
        return code

    def region(self, key: str) -> str | None:
        code = self.text(key)
        if code is not None and not _REGION.fullmatch(code):
            raise self._fault(key, "write an ISO 3166-2 code, for example US-TX")
        return code

    def windows(self, key: str) -> Windows:
        """A list of {"days", "start", "end"}; overnight ranges are cut at midnight."""
        value = self.raw(key)
        if value is None:
            return ()
        if not isinstance(value, list | tuple):
            raise self._fault(key, 'write a list of windows such as {"days": [1, 2, 3], "start": "09:00", "end": "20:00"}')
        try:
            return tuple((one.days, clock_text(one.start), clock_text(one.end)) for one in read_windows(value))
        except (TypeError, ValueError) as exc:
            raise self._fault(key, str(exc)) from None

    def holidays(self, key: str, *codes: str | None) -> frozenset[date]:
        """A list of local dates, or an object of such lists by country or region code, of which those of `codes` hold."""
        value = self.raw(key)
        if value is None:
            return frozenset()
        lists: list[object] = [value]
        if isinstance(value, Mapping):
            lists = [value[code] for code in codes if code is not None and code in value]
        days: set[date] = set()
        for one in lists:
            if not isinstance(one, list | tuple):
                raise self._fault(key, "write a list of dates, for example 2026-12-25")
            try:
                days.update(date.fromisoformat(day) for day in one)
            except (TypeError, ValueError):
                raise self._fault(key, "write a list of dates, for example 2026-12-25") from None
        return frozenset(days)

    def objects(self, key: str) -> Iterator["Fields"]:
        """Each object of a list; when the caller has read one, keys that it did not ask for are errors."""
        value = self.raw(key)
        if value is None:
            return
        if not isinstance(value, list | tuple):
            raise self._fault(key, "write a list of JSON objects")
        for index, one in enumerate(value):
            fields = Fields(one, inside=f"{self._inside}{key}[{index}]")
            yield fields
            fields.nothing_left()

    def _required(self, key: str, value: _R | None) -> _R:
        if value is None:
            raise self._fault(key, "it is required")
        return value

    def _fault(self, key: str, remedy: str) -> ValueError:
        return ValueError(f"{self._inside}{key}: {remedy}")
