"""Two SQLite stores become one: for simulations whose people lived in several processes."""

import sqlite3
from pathlib import Path

from recallgate.store.tables import metadata

# Sums that both may have counted for the same key.
_ADDED = {"rg_tally": "amount"}


def absorb(store: Path, other: Path) -> int:
    """Copy every row of another store of the same version into this one; answers how many. Nobody else may have them open.

    The two share no people and no messages. What both have by its key, such as the campaign or the state of an account, stays
    as it is here; tallies are added up. Rows that are numbered as they come get new numbers, in their old order.
    """
    connection = sqlite3.connect(store, isolation_level=None)
    try:
        connection.execute("attach ? as other", (str(other),))
        connection.execute("begin immediate")
        copied = sum(connection.execute(statement).rowcount for statement in _statements())
        connection.execute("commit")
        connection.execute("detach other")
    finally:
        connection.close()
    return copied


def _statements() -> list[str]:
    made = []
    for table in metadata.sorted_tables:
        if table.name == "rg_schema_version":
            continue
        number = table.autoincrement_column
        listed = ", ".join(f'"{column.name}"' for column in table.columns if column is not number)
        kept = "do nothing"
        if (added := _ADDED.get(table.name)) is not None:
            key = ", ".join(column.name for column in table.primary_key)
            kept = f"({key}) do update set {added} = {added} + excluded.{added}"
        order = f"order by {number.name}" if number is not None else ""
        made.append(
            f"insert into main.{table.name} ({listed}) select {listed} from other.{table.name} where true {order} on conflict {kept}"
        )
    return made
