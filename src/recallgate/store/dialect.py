"""What differs between databases: how a page of rows becomes a table of a statement."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from pydantic_core import to_json
from sqlalchemy import TextClause, text


@lru_cache(maxsize=1024)
def sql(statement: str) -> TextClause:
    """A statement, made once: reading its parameters anew would cost more than running it."""
    return text(statement)


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
