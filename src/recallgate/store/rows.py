"""Many rows in one statement: on SQLite groups of a few fixed sizes as bound values, on PostgreSQL one page."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection

from recallgate.store.dialect import bind, execute, page, postgres

# A page is cut into groups of these sizes, so that the database reads each statement once. A step a group also keeps the
# interpreter's lock free for other threads.
GROUPS = (200, 50, 16, 4, 1)
_NAMED = re.compile(r"(?<![:\w]):(\w+)")


def insert(connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, rest: str = "") -> None:
    """Insert rows, one value a column in their order; `rest` is what follows, such as `on conflict do nothing`."""
    names = tuple(columns)
    if postgres(connection):
        execute(connection, _paged(table, names, rest), {"rows": bind(rows)})
        return
    for group in _groups(rows):
        execute(connection, _inserting(table, names, len(group), rest), tuple(chain.from_iterable(group)))


def change(
    connection: Connection, statement: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], **scope: Any
) -> tuple[int, list[Any]]:
    """Run a statement that reads the rows as the table `{page}`, with `:name` for the values of `scope`.

    Answers how many rows of the database it changed, and the rows that it returned.
    """
    names, changed, returned = tuple(columns), 0, list[Any]()
    if postgres(connection):
        found = execute(connection, statement.replace("{page}", page("rows", names)), {**scope, "rows": bind(rows)})
        return found.rowcount, found
    for group in _groups(rows):
        text, order = _changing(statement, names, len(group))
        found = execute(connection, text, tuple(chain([scope[name] for name in order], *group)))
        changed += found.rowcount
        returned += found
    return changed, returned


def _groups(rows: Iterable[Sequence[Any]]) -> Iterator[Sequence[Sequence[Any]]]:
    given = rows if isinstance(rows, (list, tuple)) else list(rows)
    at = 0
    for size in GROUPS:
        while len(given) - at >= size:
            yield given[at : at + size]
            at += size


@lru_cache(maxsize=128)
def _paged(table: str, columns: tuple[str, ...], rest: str) -> str:
    return f"insert into {table} ({', '.join(columns)}) select p.* from {page('rows', columns)} p where true {rest}"


@lru_cache(maxsize=256)
def _inserting(table: str, columns: tuple[str, ...], size: int, rest: str) -> str:
    one = f"({', '.join('?' * len(columns))})"
    return f"insert into {table} ({', '.join(columns)}) values {', '.join([one] * size)} {rest}"


@lru_cache(maxsize=256)
def _changing(statement: str, columns: tuple[str, ...], size: int) -> tuple[str, tuple[str, ...]]:
    order = tuple(dict.fromkeys(_NAMED.findall(statement)))
    place = {name: f"?{position}" for position, name in enumerate(order, 1)}
    next_ = len(order) + 1
    values = ", ".join(
        "(" + ", ".join(f"?{next_ + row * len(columns) + column}" for column in range(len(columns))) + ")" for row in range(size)
    )
    picked = ", ".join(f"column{position} as {name}" for position, name in enumerate(columns, 1))
    text = _NAMED.sub(lambda found: place[found[1]], statement)
    return text.replace("{page}", f"(select {picked} from (values {values}))"), order
