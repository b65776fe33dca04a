"""Which columns are sealed, which keys the store's values have, and their rotation."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from recallgate.model.custody import ERASED
from recallgate.model.sealing import Damaged, KeyRing
from recallgate.store.dialect import execute
from recallgate.store.vault import ring_of

_MARK = "sealed.key:"
# table -> (column, the columns of its key after the tenant)
SEALED: dict[str, tuple[str, tuple[str, ...]]] = {
    "rg_message": ("payload", ("id",)),
    "rg_worklist": ("payload", ("id",)),
    "rg_inbox": ("payload", ("id",)),
    "rg_contact": ("address", ("person", "channel", "position")),
}


def bound_to(tenant: str, *key: object) -> str:
    """Whose a sealed value is: nobody can put it into another row."""
    return "\x1f".join((tenant, *map(str, key)))


def opened(connection: Connection, rows: Sequence[Any]) -> Sequence[Any]:
    """Rows with `tenant`, `id` and `payload`, their payloads opened; without keys the rows as they are.

    One that was tampered with stays sealed, and so unreadable, so that it stops nobody else. Raises StoreError for a missing key.
    """
    ring = ring_of(connection)
    if ring is None:
        return rows
    return [_opened(row, ring) for row in rows]


def _opened(row: Any, ring: KeyRing) -> Any:
    try:
        return row._replace(payload=ring.open(row.payload, bound_to(row.tenant, row.id)))
    except Damaged:
        return row


def mark(connection: Connection, tenant: str, ring: KeyRing) -> None:
    """Remember that the current key is used from now on."""
    execute(
        connection,
        "insert into rg_tally (tenant, key, bucket, amount) values (:tenant, :key, 0, 0) on conflict do nothing",
        {"tenant": tenant, "key": f"{_MARK}{ring.current}:{ring.marks(tenant)[ring.current]}"},
    )


def missing(connection: Connection, tenant: str, ring: KeyRing | None) -> list[str]:
    """Ids of keys that values were sealed with and that the ring lacks, or has otherwise."""
    rows = execute(
        connection,
        f"select key from rg_tally where tenant = :tenant and substr(key, 1, {len(_MARK)}) = '{_MARK}' and bucket = 0",
        {"tenant": tenant},
    )
    known = ring.marks(tenant) if ring is not None else {}
    used = [key.removeprefix(_MARK).rpartition(":") for (key,) in rows]
    return sorted(name for name, _, check in used if known.get(name) != check)


def rotate(
    connection: Connection, tenant: str, table: str, *, ring: KeyRing, after: Sequence[Any], most: int
) -> tuple[int, list[Any]]:
    """Seal a page of a table with the current key; answers how many rows it has, and the key of the last, empty at the end."""
    column, keys = SEALED[table]
    listed = ", ".join(keys)
    first = "true" if not after else f"({listed}) > ({', '.join(f':after{n}' for n in range(len(keys)))})"
    rows = execute(
        connection,
        f"select {listed}, {column} from {table} where tenant = :tenant and {first} order by {listed} limit :most",
        {"tenant": tenant, "most": most, **{f"after{n}": value for n, value in enumerate(after)}},
    )
    same = " and ".join(f"{key} = :{key}" for key in keys)
    for *key, value in rows:
        if value == ERASED or value.startswith(ring.head):
            continue
        bound = bound_to(tenant, *key)
        execute(
            connection,
            f"update {table} set {column} = :new where tenant = :tenant and {same} and {column} = :old",
            {
                "tenant": tenant,
                "old": value,
                "new": ring.seal(ring.open(value, bound), bound),
                **dict(zip(keys, key, strict=True)),
            },
        )
    return len(rows), list(rows[-1][:-1]) if len(rows) == most else []


def only_current(connection: Connection, tenant: str, ring: KeyRing) -> None:
    """Forget the marks of keys that no value has any more."""
    execute(
        connection,
        f"delete from rg_tally where tenant = :tenant and substr(key, 1, {len(_MARK)}) = '{_MARK}' and key <> :kept",
        {"tenant": tenant, "kept": f"{_MARK}{ring.current}:{ring.marks(tenant)[ring.current]}"},
    )
