"""Access tokens shared by processes, and who may fetch the next one."""

from sqlalchemy import Connection

from recallgate.store.dialect import execute


def load(connection: Connection, identity: str) -> tuple[str, int] | None:
    """The token and its end, if one is kept."""
    row = execute(
        connection,
        "select value, expires_at from rg_token where identity = :identity and value is not null",
        {"identity": identity},
    ).one_or_none()
    return (row[0], row[1]) if row is not None else None


def lease(connection: Connection, identity: str, *, holder: str, now: int, until: int) -> bool:
    """True when the caller may fetch a token now; others wait for it."""
    found = execute(
        connection,
        "insert into rg_token (identity, value, expires_at, lease_until, holder) values (:identity, null, 0, :until, :holder)"
        " on conflict (identity) do update set lease_until = :until, holder = :holder where rg_token.lease_until <= :now",
        {"identity": identity, "holder": holder, "now": now, "until": until},
    )
    return found.rowcount == 1


def save(connection: Connection, identity: str, *, value: str, expires_at: int) -> None:
    execute(
        connection,
        "insert into rg_token (identity, value, expires_at, lease_until) values (:identity, :value, :expires, 0)"
        " on conflict (identity) do update set value = :value, expires_at = :expires, lease_until = 0, holder = null",
        {"identity": identity, "value": value, "expires": expires_at},
    )


def drop(connection: Connection, identity: str, *, value: str) -> None:
    """Forget a token that the vendor called bad, unless a newer one is there already."""
    execute(
        connection,
        "update rg_token set value = null, expires_at = 0 where identity = :identity and value = :value",
        {"identity": identity, "value": value},
    )
