"""What waits: the lanes with due rows, for whoever hands out work, and figures for operators."""

from collections import Counter
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.store.dialect import execute
from recallgate.store.messages import PAIRS

URGENT_RANK = 19  # otp and transactional: the lanes 0 and 1


class Lane(NamedTuple):
    """Work of a channel that falls due at an instant; overdue work counts from its oldest row."""

    channel: str
    urgent: bool
    due_at: int


def lanes(connection: Connection, *, now: int, until: int, grain: int, most: int = 500) -> list[Lane]:
    """Where there is work: one for each lane with overdue rows, then one for the end of each `grain` milliseconds with rows.

    The backlog is not walked: overdue rows are found by one seek a lane, future ones within the span up to `until`.
    """
    found = {
        (channel, rank <= URGENT_RANK): Lane(channel, rank <= URGENT_RANK, due)
        for channel, rank, due in execute(connection, f"{PAIRS} select channel, rank, due_at from first order by due_at desc")
        if due is not None and due <= now
    }
    soon = execute(
        connection,
        f"select channel, case when rank <= {URGENT_RANK} then 1 else 0 end, (due_at + :grain - 1) / :grain * :grain"
        " from rg_message"
        " where state in ('queued', 'held') and due_at > :now and due_at <= :until"
        " group by 1, 2, 3 order by 3 limit :most",
        {"now": now, "until": until, "grain": grain, "most": most},
    )
    return [*found.values(), *(Lane(channel, bool(urgent), due) for channel, urgent, due in soon)]


class Depth(NamedTuple):
    """The queue of a channel: rows that are due, rows that wait for their hour, and when the oldest due one was due."""

    channel: str
    due: int
    waiting: int
    oldest_due_at: int | None


def depths(connection: Connection, tenant: str, *, now: int) -> list[Depth]:
    rows = execute(
        connection,
        "select channel, sum(case when due_at <= :now then 1 else 0 end), sum(case when due_at > :now then 1 else 0 end),"
        " min(case when due_at <= :now then due_at end)"
        " from rg_message where state in ('queued', 'held') and tenant = :tenant group by channel order by channel",
        {"tenant": tenant, "now": now},
    )
    return [Depth(channel, int(due or 0), int(waiting or 0), oldest) for channel, due, waiting, oldest in rows]


def above(connection: Connection, *, until: int, mark: int) -> bool:
    """Whether more than `mark` messages of one channel that nobody waits for fall due until then; no more are looked at."""
    counted: Counter[str] = Counter()
    for channel, rank in execute(connection, f"{PAIRS} select channel, rank from first where due_at <= :until", {"until": until}):
        if rank > URGENT_RANK and counted[channel] <= mark:
            counted[channel] += execute(
                connection,
                "select count(*) from (select 1 from rg_message where channel = :channel and rank = :rank and due_at <= :until"
                " and state in ('queued', 'held') limit :most) as counted",
                {"channel": channel, "rank": rank, "until": until, "most": mark + 1 - counted[channel]},
            ).scalar()
    return any(n > mark for n in counted.values())


class Leaving(NamedTuple):
    """Rows that are leaving: how many, how many of them past their lease, and when the oldest lease was taken."""

    rows: int
    overdue: int
    oldest_at: int | None


def leaving(connection: Connection, tenant: str, *, now: int) -> Leaving:
    rows, overdue, oldest = execute(
        connection,
        "select count(*), sum(case when lease_until <= :now then 1 else 0 end), min(intent_at)"
        " from rg_message where state = 'sending' and tenant = :tenant",
        {"tenant": tenant, "now": now},
    ).one()
    return Leaving(int(rows), int(overdue or 0), oldest)


def dead(connection: Connection, tenant: str) -> int:
    """Messages that ended as failed and are kept: dead letters."""
    found = execute(
        connection, "select count(*) from rg_message where tenant = :tenant and state = 'failed'", {"tenant": tenant}
    ).scalar()
    return int(found or 0)
