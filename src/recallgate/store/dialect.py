"""The door to the database, and what differs between databases: how a statement runs, how a page of rows becomes a table.

Statements are text with `:name` parameters. On SQLite they go to the driver as they are: a page asks the same dozen of them
again and again, and the layers between would cost more than running them.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Connection


class Found(list[Any]):
    """The rows of a statement as tuples, and how many rows it changed."""

    __slots__ = ("names", "rowcount")

    def __init__(self, rows: Iterable[Any], rowcount: int, names: Sequence[str] = ()) -> None:
        super().__init__(rows)
        self.rowcount = rowcount
        self.names = names

    def one(self) -> Any:
        (row,) = self
        return row

    def one_or_none(self) -> Any:
        return self[0] if self else None

    def scalar(self) -> Any:
        """The first column of the first row; None without rows."""
        return self[0][0] if self else None

    def mappings(self) -> list[dict[str, Any]]:
        """The rows by the names of their columns."""
        return [dict(zip(self.names, row, strict=True)) for row in self]


def execute(connection: Connection, statement: str, scope: Mapping[str, Any] | Sequence[Any] = ()) -> Found:
    """Run a statement to its end. `scope`: values by name, or in the order of `?1`, `?2`, …."""
    cursor = connection.connection.cursor()
    cursor.execute(statement, scope)
    described = cursor.description
    if described is None:
        return Found((), cursor.rowcount)
    rows = cursor.fetchall()
    return Found(rows, len(rows), [column[0] for column in described])


def page(name: str, columns: Sequence[str]) -> str:
    """A sub-select over the JSON page bound as `:name`, one row an element, one column a position.

    One statement per table and page: a page is one bound value, however many rows it has.
    """
    picked = ", ".join(f"json_extract(value, '$[{position}]') as {column}" for position, column in enumerate(columns))
    return f"(select {picked} from json_each(:{name}))"


def values(name: str) -> str:
    """A sub-select with one column `value` over the JSON list bound as `:name`."""
    return f"(select value from json_each(:{name}))"


def bind(rows: Iterable[Any]) -> str:
    """The page as the bound value that `page` and `values` read: JSON, written by pydantic's core, several times as fast."""
    return to_json(list(rows)).decode()
