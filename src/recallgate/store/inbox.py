"""In-app inbox rows."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection

from recallgate.store.dialect import bind, execute, page
from recallgate.store.sealed import bound_to
from recallgate.store.vault import ring_of

_COLUMNS = ("tenant", "id", "user", "payload", "collapse_key", "created_at", "expires_at")


def put(connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    """(tenant, id, user, payload, collapse_key, created_at, expires_at); a newer collapse key takes the older away."""
    if (ring := ring_of(connection)) is not None:
        rows = [(*row[:3], ring.seal(row[3], bound_to(row[0], row[1])), *row[4:]) for row in rows]
    bound = bind(rows)
    execute(
        connection,
        f"update rg_inbox set gone_at = p.created_at from {page('rows', _COLUMNS)} p where p.collapse_key is not null"
        ' and rg_inbox.tenant = p.tenant and rg_inbox."user" = p."user" and rg_inbox.collapse_key = p.collapse_key'
        " and rg_inbox.gone_at is null and rg_inbox.id <> p.id",
        {"rows": bound},
    )
    execute(
        connection,
        'insert into rg_inbox (tenant, id, "user", payload, collapse_key, created_at, expires_at, impressions)'
        f" select p.*, 0 from {page('rows', _COLUMNS)} p where true on conflict do nothing",
        {"rows": bound},
    )


def unread(connection: Connection, tenant: str, user: str, *, now: int, most: int) -> list[tuple[str, str, int]]:
    """(id, payload, created_at) of what the user may see now, newest first; marks it as fetched."""
    rows = execute(
        connection,
        'select id, payload, created_at from rg_inbox where tenant = :tenant and "user" = :user and gone_at is null'
        " and (expires_at is null or expires_at > :now) order by created_at desc, id desc limit :most",
        {"tenant": tenant, "user": user, "now": now, "most": most},
    )
    execute(
        connection,
        "update rg_inbox set fetched_at = coalesce(fetched_at, :now) where tenant = :tenant and id in {values:ids}",
        {"tenant": tenant, "now": now, "ids": bind([identity for identity, _, _ in rows])},
    )
    ring = ring_of(connection)
    return [
        (identity, payload if ring is None else ring.open(payload, bound_to(tenant, identity)), created_at)
        for identity, payload, created_at in rows
    ]


def gone(connection: Connection, tenant: str, identity: str, *, now: int) -> None:
    """Take an item off the inbox: read to the end, dismissed, or shown as often as it may be."""
    execute(
        connection,
        "update rg_inbox set gone_at = coalesce(gone_at, :now) where tenant = :tenant and id = :id",
        {"tenant": tenant, "id": identity, "now": now},
    )


def shown(connection: Connection, tenant: str, identity: str) -> int:
    """Count an impression; answers how many there are now."""
    found = execute(
        connection,
        "update rg_inbox set impressions = impressions + 1 where tenant = :tenant and id = :id returning impressions",
        {"tenant": tenant, "id": identity},
    ).scalar()
    return int(found or 0)
