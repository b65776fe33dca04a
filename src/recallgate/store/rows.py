"""Many rows into a table: groups of one size as bound values, what is left over as one JSON page."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from recallgate.store.dialect import bind, page, sql

GROUP = 50  # one size only, so that the database reads each statement once; a step a group keeps the interpreter's lock free


def insert(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, rest: str = "") -> None:
    """Insert rows, one value a column in their order; `rest` is what follows, such as `on conflict do nothing`."""
    given = list(rows)
    at, names = 0, tuple(columns)
    while len(given) - at >= GROUP:
        bound = tuple(chain.from_iterable(given[at : at + GROUP]))
        connection.exec_driver_sql(_grouped(table, names, rest), bound)
        at += GROUP
    if at < len(given):
        connection.execute(sql(_paged(table, names, rest)), {"rows": bind(given[at:])})


@lru_cache(maxsize=128)
def _grouped(table: str, columns: tuple[str, ...], rest: str) -> str:
    one = f"({', '.join('?' * len(columns))})"
    return f"insert into {table} ({', '.join(columns)}) values {', '.join([one] * GROUP)} {rest}"


@lru_cache(maxsize=128)
def _paged(table: str, columns: tuple[str, ...], rest: str) -> str:
    return f"insert into {table} ({', '.join(columns)}) select * from {page('rows', columns)} where true {rest}"
