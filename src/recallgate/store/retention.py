"""What may go: messages that ended long ago, with all their rows, in small transactions.

Nothing goes that a later decision or review needs: the messages of a campaign stay together until its last run has ended for
long, cap entries stay as long as any cap looks back, refusals stay without their message, and suppressions, consents, runs,
people and what they did are not touched at all.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from recallgate.store.dialect import bind, execute, values

_FINAL = (
    "(state in ('suppressed', 'failed', 'expired', 'cancelled', 'accepted', 'sent', 'undelivered', 'delivered')"
    " or (state = 'uncertain' and settle_at is null))"
)
# The rows of messages, the messages last: a link leads nowhere before its message is gone, never after.
_CHILDREN: Mapping[str, str] = {
    "rg_click": "message_id",
    "rg_link": "message_id",
    "rg_event": "message_id",
    "rg_decision": "message_id",
    "rg_attempt": "message_id",
    "rg_worklist_turn": "id",
    "rg_worklist": "id",
    "rg_inbox": "id",
    "rg_message": "id",
}
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def open_campaigns(connection: Connection, tenant: str, *, before: int) -> list[str]:
    """Campaigns with a run that is active or ended since an instant, or with a message that changed since."""
    rows = execute(
        connection,
        "select campaign from rg_run where tenant = :tenant and (state <> 'ended' or ended_at >= :before)"
        " union select campaign from rg_message where tenant = :tenant and campaign is not null"
        f" and (updated_at >= :before or not {_FINAL})",
        {"tenant": tenant, "before": before},
    )
    return sorted({campaign for (campaign,) in rows})


def ended(
    connection: Connection,
    tenant: str,
    *,
    before: int,
    campaigns_before: int,
    kept: Sequence[str],
    after: str,
    most: int,
) -> list[str]:
    """Ids of messages that may go, in their order, from the one that follows `after`; they are locked against late reports.

    `before`: when they last changed; `campaigns_before` the same for those of a campaign. `kept` are campaigns that stay.
    """
    rows = execute(
        connection,
        f"select id from rg_message where tenant = :tenant and id > :after and {_FINAL}"
        " and ((campaign is null and updated_at < :before)"
        f"  or (campaign is not null and updated_at < :apart and campaign not in {values('kept')}))"
        " order by id limit :most {take}",
        {
            "tenant": tenant,
            "after": after,
            "before": before,
            "apart": campaigns_before,
            "kept": bind(kept),
            "most": most,
        },
    )
    return [identity for (identity,) in rows]


def read(connection: Connection, tenant: str, ids: Sequence[str]) -> Rows:
    """All rows of messages, by table."""
    scope = {"tenant": tenant, "ids": bind(ids)}
    return {
        table: execute(
            connection, f"select * from {table} where tenant = :tenant and {column} in {values('ids')}", scope
        ).mappings()
        for table, column in _CHILDREN.items()
    }


def delete(connection: Connection, tenant: str, ids: Sequence[str]) -> dict[str, int]:
    """Delete messages with all their rows; answers how many of each table. Refusals stay, without the message."""
    scope = {"tenant": tenant, "ids": bind(ids)}
    execute(
        connection,
        "update rg_event set message_id = null, vendor_id = null"
        f" where tenant = :tenant and type = 'refused' and message_id in {values('ids')}",
        scope,
    )
    return {
        table: execute(connection, f"delete from {table} where tenant = :tenant and {column} in {values('ids')}", scope).rowcount
        for table, column in _CHILDREN.items()
    }


# (table, what of it is of no use any more, a column that numbers the rows)
_LOOSE = {
    "rg_event": "message_id is null and type <> 'refused' and received_at < :before",
    "rg_callback": "received_at < :before",
}


def loose(connection: Connection, tenant: str, *, before: int, most: int) -> Rows:
    """Old rows of no message: news that fitted nothing, callbacks that nobody could read."""
    scope = {"tenant": tenant, "before": before, "most": most}
    return {
        table: execute(
            connection, f"select * from {table} where tenant = :tenant and {old} order by seq limit :most", scope
        ).mappings()
        for table, old in _LOOSE.items()
    }


def delete_loose(connection: Connection, rows: Rows) -> dict[str, int]:
    return {
        table: execute(
            connection,
            f"delete from {table} where cast(seq as text) in {values('numbers')}",
            {"numbers": bind([str(row["seq"]) for row in found])},
        ).rowcount
        for table, found in rows.items()
    }


def delete_caps(connection: Connection, tenant: str, *, before: int, most: int) -> int:
    """Delete cap entries that no cap looks back to."""
    return execute(
        connection,
        "delete from rg_cap_entry where tenant = :tenant and (subject, message_id) in ("
        " select subject, message_id from rg_cap_entry where tenant = :tenant and at < :before limit :most)",
        {"tenant": tenant, "before": before, "most": most},
    ).rowcount
