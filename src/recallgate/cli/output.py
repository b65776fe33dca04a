"""What a command prints: one JSON line for programs, tables and sentences for people."""

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.progress import Progress

JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


def as_json(value: object) -> str:
    """The value on one line. Instants are ISO 8601, spans seconds; what JSON cannot say (NaN) raises ValueError."""
    line = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
    try:
        line.encode()
    except UnicodeEncodeError:  # half a surrogate pair: only the escaped form can be written
        return json.dumps(value, allow_nan=False, separators=(",", ":"), default=_plain)
    return line


def print_json(value: object) -> None:
    """One line of JSON in UTF-8, whatever the terminal's encoding is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(as_json(value).encode() + b"\n")
    sys.stdout.buffer.flush()


def say(text: str = "") -> None:
    """A line for people."""
    typer.echo(text)


def note(text: str) -> None:
    """A line beside the answer, on stderr."""
    typer.echo(text, err=True)


def pairs(values: Mapping[str, object]) -> None:
    """Names and values, one a line, aligned."""
    width = max((len(name) for name in values), default=0)
    for name, value in values.items():
        say(f"{name.ljust(width)}  {shown(value)}")


def table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None) -> None:
    """A table as wide as its words; a terminal wraps long cells, a pipe gets them whole."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(*columns, title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for row in rows:
        grid.add_row(*(Text(shown(cell)) for cell in row))
    console = Console() if sys.stdout.isatty() else Console(width=400)
    console.print(grid)


def progress() -> AbstractContextManager["Progress"]:
    """A progress bar on stderr; silent where stderr is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    words = TextColumn("{task.description}")
    return Progress(words, BarColumn(), TimeElapsedColumn(), console=console, disable=not console.is_terminal, transient=True)


def shown(value: object) -> str:
    """A value as a person reads it."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case float():
            return f"{value:.6g}"
        case Mapping() | list() | tuple() | set() | frozenset():
            return as_json(value) if value else "–"
        case _:
            return str(value)


def _plain(value: object) -> Any:
    match value:
        case datetime() | date():
            return value.isoformat().replace("+00:00", "Z")
        case timedelta():
            return value.total_seconds()
        case Decimal():
            return str(value)
        case Enum():
            return value.value
        case bytes():
            return value.decode("utf-8", "replace")
        case Mapping():
            return dict(value)
        case set() | frozenset():
            return sorted(value, key=str)
        case tuple():
            return list(value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise ValueError(f"output: a {type(value).__name__} cannot be written as JSON")
