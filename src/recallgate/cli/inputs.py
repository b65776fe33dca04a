"""Reading what was given: JSON files, JSON lines, instants. Every fault names the file, the line and the column."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from recallgate.model.errors import ConfigError

_UNITS = {"d": "days", "h": "hours", "m": "minutes", "w": "weeks"}


def read_object(path: str, what: str) -> dict[str, Any]:
    """A JSON object from a file, or from stdin for `-`."""
    value = _parse(_text(path, what), f"{what}: {_name(path)}")
    if not isinstance(value, dict):
        raise ConfigError(f"{what}: {_name(path)} holds {_kind(value)}; write one JSON object {{…}}")
    return value


def read_lines(path: str | None) -> Iterator[tuple[int, Any]]:
    """The JSON values of a file's lines, or of stdin's, with their line numbers from 1; blank lines are passed over."""
    if path is None or path == "-":
        yield from _lines(sys.stdin.buffer, "stdin")
        return
    with _open(path, "file") as stream:
        yield from _lines(stream, path)


def instant(text: str | None, what: str) -> datetime | None:
    """An aware instant from ISO 8601, in UTC."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"{what}: not an instant; write 2026-11-22T10:00:00Z") from None
    if read.tzinfo is None:
        raise ConfigError(f"{what}: the instant has no time zone; add one, for example {text}Z")
    try:
        return read.astimezone(UTC)
    except OverflowError:
        raise ConfigError(f"{what}: out of range; write an instant between the years 1 and 9999") from None


def day_or_instant(text: str, what: str) -> date | datetime:
    """A date such as 1998-06-30, or an aware instant."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    read = instant(text, what)
    assert read is not None
    return read


def span(text: str, what: str) -> timedelta:
    """A span such as 30d, 12h, 2w; a bare number is days."""
    number, unit = (text[:-1], text[-1]) if text[-1:].lower() in _UNITS else (text, "d")
    if not (number.isascii() and number.isdecimal() and len(number) <= 6):
        raise ConfigError(f"{what}: not a span; write a whole number and d, h, m or w, for example 30d")
    return timedelta(**{_UNITS[unit.lower()]: int(number)})


def _lines(stream: BinaryIO, name: str) -> Iterator[tuple[int, Any]]:
    for number, raw in enumerate(stream, start=1):
        try:
            line = raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise ConfigError(f"{name}: line {number}: not UTF-8 text") from None
        if line.strip():
            yield number, _parse(line.strip("\r\n"), name, line=number)


def _parse(text: str, where: str, *, line: int | None = None) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as exc:
        raise ConfigError(f"{where}: line {line or exc.lineno} column {exc.colno}: not JSON: {exc.msg}") from None
    except RecursionError:
        raise ConfigError(f"{where}{f': line {line}' if line else ''}: nested too deeply") from None
    except ValueError as exc:
        raise ConfigError(f"{where}{f': line {line}' if line else ''}: {exc}") from None


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON; write a number or null")


def _text(path: str, what: str) -> str:
    if path == "-":
        raw = sys.stdin.buffer.read()
    else:
        with _open(path, what) as stream:
            raw = stream.read()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{what}: {_name(path)} is not UTF-8 text") from None


def _open(path: str, what: str) -> BinaryIO:
    try:
        return Path(path).open("rb")
    except FileNotFoundError:
        raise ConfigError(f"{what}: there is no file {path}") from None
    except OSError as exc:
        raise ConfigError(f"{what}: {path} cannot be read: {exc.strerror}") from None


def _name(path: str) -> str:
    return "stdin" if path == "-" else path


def _kind(value: object) -> str:
    names = {list: "a list", str: "a text", bool: "a truth value", int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), type(value).__name__)
