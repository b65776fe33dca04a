"""The door to the database, and what differs between databases: how a statement runs, how a page of rows becomes a table.

Statements are text with `:name` parameters and a few marks in braces: `{page:rows:tenant,id}`, `{values:keys}`, `{rowid}`,
`{age}` (tie-break of equal instants), `{clock}` (the database's own, in milliseconds), `{lock:m}` and `{take}` (row locks),
`{text:m.payload:topic}` (a field of stored JSON), `{unpaused}` (in the intent: nothing that was paused meanwhile). On SQLite they go to the driver as they are: a page asks the same dozen of them
again and again, and the layers between would cost more than running them. On PostgreSQL they go through SQLAlchemy's asyncpg cursor with `$1`, `$2`, ….
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic_core import to_json
from sqlalchemy import BigInteger, Connection, Integer

from recallgate.store.tables import metadata

_NAMED = re.compile(r"(?<![:\w]):([a-z_]\w*)")
_MARK = re.compile(r"\{(page|values|rowid|age|clock|lock|take|text|unpaused)(?::([^:{}]+))?(?::([^{}]*))?\}")
# Columns that only exist within statements, and are no text.
_NUMBERS = {"marketing": "integer", "n": "integer"}


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


def postgres(connection: Connection) -> bool:
    """True on PostgreSQL, where several processes write at once."""
    return connection.dialect.name == "postgresql"


def execute(connection: Connection, statement: str, scope: Mapping[str, Any] | Sequence[Any] = ()) -> Found:
    """Run a statement to its end. `scope`: values by name, or (SQLite) in the order of `?1`, `?2`, …."""
    cursor = connection.connection.cursor()
    if postgres(connection):
        text, order = _for_postgres(statement)
        assert isinstance(scope, Mapping) or not order, "PostgreSQL takes its values by name"
        cursor.execute(text, tuple(scope[name] for name in order) if isinstance(scope, Mapping) else ())
    else:
        cursor.execute(for_sqlite(statement), scope)
    described = cursor.description
    if described is None:
        return Found((), cursor.rowcount)
    rows = cursor.fetchall()
    return Found(rows, len(rows), [column[0] for column in described])


def lock_subjects(connection: Connection, keys: Sequence[str]) -> None:
    """Let no other process count for these subjects until this transaction ends; `keys` are sorted, so nobody waits in a circle.

    SQLite has one writer at a time, and needs nothing.
    """
    if postgres(connection) and keys:
        execute(
            connection,
            "select count(pg_advisory_xact_lock(hashtextextended(k.value, 0))) from {values:keys} k",
            {"keys": bind(keys)},
        )


def page(name: str, columns: Sequence[str]) -> str:
    """The mark of a sub-select over the JSON page bound as `:name`, one row an element, one column a position.

    One statement per table and page: a page is one bound value, however many rows it has.
    """
    return f"{{page:{name}:{','.join(columns)}}}"


def values(name: str) -> str:
    """The mark of a sub-select with one column `value` over the JSON list bound as `:name`."""
    return f"{{values:{name}}}"


def bind(rows: Iterable[Any]) -> str:
    """The page as the bound value that `page` and `values` read: JSON, written by pydantic's core, several times as fast."""
    return to_json(list(rows)).decode()


@lru_cache(maxsize=1024)
def for_sqlite(statement: str) -> str:
    return _MARK.sub(lambda mark: _SQLITE[mark[1]](mark[2] or "", mark[3] or ""), statement) if "{" in statement else statement


@lru_cache(maxsize=1024)
def _for_postgres(statement: str) -> tuple[str, tuple[str, ...]]:
    text = marked_for_postgres(statement)
    order = tuple(dict.fromkeys(_NAMED.findall(text)))
    place = {name: f"${position}" for position, name in enumerate(order, 1)}
    return _NAMED.sub(lambda named: place[named[1]], text), order


def marked_for_postgres(statement: str) -> str:
    """The statement in PostgreSQL's words, its values still `:name`."""
    return _MARK.sub(lambda mark: _POSTGRES[mark[1]](mark[2] or "", mark[3] or ""), statement)


def _sqlite_page(name: str, columns: str) -> str:
    picked = ", ".join(f"json_extract(value, '$[{at}]') as {column}" for at, column in enumerate(columns.split(",")))
    return f"(select {picked} from json_each(:{name}))"


def _postgres_page(name: str, columns: str) -> str:
    picked = ", ".join(f"(value->>{at})::{_type(column)} as {column}" for at, column in enumerate(columns.split(",")))
    return f"(select {picked} from jsonb_array_elements(cast(:{name} as jsonb)))"


_SQLITE: dict[str, Callable[[str, str], str]] = {
    "page": _sqlite_page,
    "values": lambda name, _: f"(select value from json_each(:{name}))",
    "rowid": lambda *_: "rowid",
    "age": lambda *_: "rowid",
    "clock": lambda *_: "cast(round((julianday('now') - 2440587.5) * 86400000) as integer)",
    "lock": lambda *_: "",
    "take": lambda *_: "",
    "unpaused": lambda *_: "",  # one writer at a time: what was read in this transaction still holds
    "text": lambda column, field: f"json_extract({column}, '$.{field}')",
}
_POSTGRES: dict[str, Callable[[str, str], str]] = {
    "page": _postgres_page,
    "values": lambda name, _: f"(select value from jsonb_array_elements_text(cast(:{name} as jsonb)) as value)",
    "rowid": lambda *_: "ctid",
    "age": lambda *_: "created_at, id",
    "clock": lambda *_: "cast(extract(epoch from clock_timestamp()) * 1000 as bigint)",
    "lock": lambda table, _: f"for update of {table}",
    "take": lambda *_: "for update skip locked",
    "unpaused": lambda *_: (
        " and not exists (select 1 from rg_pause z where z.tenant = p.tenant and ((z.scope = 'channel' and z.name = p.channel)"
        " or (z.scope = 'account' and z.name = p.account) or (z.scope = 'campaign' and z.name = rg_message.campaign)))"
    ),
    "text": lambda column, field: f"(cast({column} as jsonb)->>'{field}')",
}


@lru_cache(maxsize=1)
def _types() -> dict[str, str]:
    found = dict(_NUMBERS)
    for table in metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, BigInteger):
                found[column.name] = "bigint"
            elif isinstance(column.type, Integer):
                found.setdefault(column.name, "bigint")
    return found


def _type(column: str) -> str:
    return _types().get(column, "text")
