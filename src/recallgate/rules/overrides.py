"""Rows of law and practice changed one by one by the app's settings, and rows that nobody has looked at for long."""

import logging
from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from pydantic import ValidationError

from recallgate.model.errors import ConfigError
from recallgate.rules.regulations import Regulation, RuleBook

OLD = timedelta(days=365)
_log = logging.getLogger("recallgate.rules")


def overridden(book: RuleBook, changes: Mapping[str, object]) -> RuleBook:
    """The book with the app's changes, by row id.

    A known id changes the fields that are given and keeps the others; a new one is a whole row. Two words are ours:
    `removed = true` takes the row out, `windows = "wider"` or `"stricter"` chooses its other windows. A changed row is the
    app's own: without a `source` and an `as_of` of its own it counts as old. Raises ConfigError that names row and field.
    """
    rows: dict[str, Regulation] = {row.id: row for row in book.rows}
    for row_id, change in changes.items():
        if not isinstance(change, Mapping):
            raise ConfigError(f"rules.{row_id}: write a table of the row's fields, or removed = true")
        known = rows.get(row_id)
        if change.get("removed") is True:
            if known is None:
                raise ConfigError(f"rules.{row_id}: there is no such row to remove; `recallgate rules show` lists them")
            if len(change) > 1:
                raise ConfigError(f"rules.{row_id}: a removed row has no other fields")
            del rows[row_id]
        else:
            rows[row_id] = _changed(row_id, known, change)
    return RuleBook(rows.values())


def _changed(row_id: str, known: Regulation | None, change: Mapping[str, object]) -> Regulation:
    fields = {str(name): value for name, value in change.items() if name != "removed"}
    if "id" in fields and fields["id"] != row_id:
        raise ConfigError(f"rules.{row_id}: its id is the name of the table; leave id out")
    which = fields.get("windows")
    if known is not None and which in ("wider", "stricter"):
        try:
            fields["windows"] = known.choose("wider" if which == "wider" else "stricter").windows
        except ValueError as none:
            raise ConfigError(f"rules.{row_id}: {none}") from None
    before = {} if known is None else {name: getattr(known, name) for name in known.model_fields_set}
    own = {"basis": "own", "source": "settings", "as_of": ""}
    try:
        return Regulation.model_validate({**before, **own, **fields, "id": row_id})
    except ValidationError as exc:
        fault = exc.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in fault["loc"]) or "value"
        words = "it is missing" if fault["type"] == "missing" else fault["msg"].removeprefix("Value error, ")
        raise ConfigError(f"rules.{row_id}.{where}: {words}") from None


def old_rows(rows: Iterable[Regulation], today: date, *, age: timedelta = OLD) -> tuple[Regulation, ...]:
    """The rows that were read longer ago than `age`, or nobody knows when."""
    return tuple(row for row in rows if (read := _read_on(row)) is None or today - read > age)


def warn_of_old_rows(book: RuleBook, today: date, *, age: timedelta = OLD) -> tuple[Regulation, ...]:
    """The old rows of a book, told once in the log: laws change, and whoever sends has to look."""
    old = old_rows(book.rows, today, age=age)
    if old:
        names = ", ".join(row.id for row in old[:5]) + (f" and {len(old) - 5} more" if len(old) > 5 else "")
        _log.warning("%d rules were last read more than %d days ago: %s; check them", len(old), age.days, names)
    return old


def _read_on(row: Regulation) -> date | None:
    try:
        return date.fromisoformat(row.as_of)
    except ValueError:
        return None
