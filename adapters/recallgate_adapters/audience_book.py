"""The file of one audience: rows are added once, taken out, and never half written."""

import asyncio
import csv
import io
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal, Protocol

Format = Literal["csv", "jsonl"]


class Book(Protocol):
    """Where the members of an audience are kept. Failures raise `OSError`."""

    async def add(self, row: Mapping[str, str], *, ref: str) -> None: ...

    async def remove(self, row: Mapping[str, str], *, ref: str) -> None: ...

    def close(self) -> None: ...


class FileBook:
    """A file `NAME.csv` or `NAME.jsonl`, and `NAME.remove.…` beside it with those to take out of the platform.

    Rows name every column, one of which has a value. A row that is there is not written again; who is taken out leaves the
    file at once, and who is added again leaves the list of removals.
    """

    def __init__(self, folder: Path, name: str, columns: tuple[str, ...], form: Format) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._columns, self._form = columns, form
        self._members = folder / f"{name}.{form}"
        self._removals = folder / f"{name}.remove.{form}"
        self._known = {path: self._read(path) for path in (self._members, self._removals)}

    async def add(self, row: Mapping[str, str], *, ref: str) -> None:
        await asyncio.to_thread(self._move, self._line(row), to=self._members, out_of=self._removals)

    async def remove(self, row: Mapping[str, str], *, ref: str) -> None:
        line = self._line(row)
        if line in self._known[self._members]:
            await asyncio.to_thread(self._move, line, to=self._removals, out_of=self._members)

    def close(self) -> None:
        return None

    def _move(self, line: str, *, to: Path, out_of: Path) -> None:
        if line in self._known[out_of]:
            kept = [one for one in self._known[out_of] if one != line]
            self._write(out_of, lambda: "".join([self._head(), *kept]))
            del self._known[out_of][line]
        if line in self._known[to]:
            return
        fresh = not self._known[to]
        if fresh:
            self._write(to, lambda: self._head() + line)
        else:
            with to.open("a", encoding="utf-8", newline="") as file:
                file.write(line)
                file.flush()
                os.fsync(file.fileno())
        self._known[to][line] = None

    def _write(self, path: Path, text: Callable[[], str]) -> None:
        """The whole file anew, in one step, so that no reader sees half of it."""
        beside = path.with_name(f".{path.name}.new")
        with beside.open("w", encoding="utf-8", newline="") as file:
            file.write(text())
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)

    def _read(self, path: Path) -> dict[str, None]:
        if not path.exists():
            return {}
        text = path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]  # a last line without its end was cut off by a crash
        if whole != text:
            self._write(path, lambda: whole)
        lines = whole.splitlines(keepends=True)
        return dict.fromkeys(lines[1:] if self._form == "csv" else lines)

    def _head(self) -> str:
        return self._csv(self._columns) if self._form == "csv" else ""

    def _line(self, row: Mapping[str, str]) -> str:
        if self._form == "jsonl":
            return json.dumps({name: value for name, value in row.items() if value}) + "\n"
        return self._csv([row.get(name, "") for name in self._columns])

    @staticmethod
    def _csv(cells: "tuple[str, ...] | list[str]") -> str:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(cells)
        return text.getvalue()
