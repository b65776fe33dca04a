"""The file of one audience: rows are added once, taken out, and never half written."""

import asyncio
import csv
import io
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol

Format = Literal["csv", "jsonl"]


class Book(Protocol):
    """Where the members of an audience are kept. Failures raise `OSError`."""

    async def add(self, row: Mapping[str, str], *, ref: str) -> None: ...

    async def remove(self, row: Mapping[str, str], *, ref: str) -> None: ...

    async def forget(self, rows: Sequence[Mapping[str, str]]) -> int:
        """Take out whoever is in; answers how many were."""
        ...

    def close(self) -> None: ...


class FileBook:
    """A file `NAME.csv` or `NAME.jsonl`, and `NAME.remove.…` beside it with those to take out of the platform.

    Rows name every column, one of which has a value. A row that is there is not written again; who is taken out leaves the
    file at once, and who is added again leaves the list of removals. Several processes may share a folder: one at a time
    writes, and looks first at what the others wrote.
    """

    def __init__(self, folder: Path, name: str, columns: tuple[str, ...], form: Format) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._columns, self._form = folder, columns, form
        self._members = folder / f"{name}.{form}"
        self._removals = folder / f"{name}.remove.{form}"
        self._known: dict[Path, dict[str, None]] = {}
        self._seen: dict[Path, tuple[int, ...]] = {}
        with _alone(folder):
            self._look()

    async def add(self, row: Mapping[str, str], *, ref: str) -> None:
        await asyncio.to_thread(self._add, self._line(row))

    async def remove(self, row: Mapping[str, str], *, ref: str) -> None:
        await self.forget([row])

    async def forget(self, rows: Sequence[Mapping[str, str]]) -> int:
        return await asyncio.to_thread(self._remove, [self._line(row) for row in rows])

    def close(self) -> None:
        return None

    def _add(self, line: str) -> None:
        with _alone(self._folder):
            self._look()
            self._out_of(self._removals, [line])
            self._into(self._members, [line])

    def _remove(self, lines: Sequence[str]) -> int:
        with _alone(self._folder):
            self._look()
            there = [line for line in dict.fromkeys(lines) if line in self._known[self._members]]
            if there:
                self._into(self._removals, there)  # first, so that a crash in between loses no removal
                self._out_of(self._members, there)
        return len(there)

    def _into(self, path: Path, lines: Sequence[str]) -> None:
        known = self._known[path]
        new = [line for line in lines if line not in known]
        if not new:
            return
        if known:
            with path.open("a", encoding="utf-8", newline="") as file:
                file.writelines(new)
                file.flush()
                os.fsync(file.fileno())
        else:
            self._write(path, lambda: "".join([self._head(), *new]))
        known |= dict.fromkeys(new)
        self._seen[path] = _mark(path)

    def _out_of(self, path: Path, lines: Sequence[str]) -> None:
        gone = {line for line in lines if line in self._known[path]}
        if gone:
            kept = [line for line in self._known[path] if line not in gone]
            self._write(path, lambda: "".join([self._head(), *kept]))
            self._known[path] = dict.fromkeys(kept)
            self._seen[path] = _mark(path)

    def _look(self) -> None:
        """Read what was changed since the last look."""
        for path in (self._members, self._removals):
            if path not in self._known or self._seen[path] != _mark(path):
                self._known[path] = self._read(path)
                self._seen[path] = _mark(path)

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


def _mark(path: Path) -> tuple[int, ...]:
    """What differs once a file was written."""
    try:
        told = path.stat()
    except FileNotFoundError:
        return ()
    return told.st_ino, told.st_size, told.st_mtime_ns


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else writes in the folder meanwhile; where the system has no such locks, one process must write alone."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)
