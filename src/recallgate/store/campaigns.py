"""Campaigns and the runs of people through their plays."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.store import moves
from recallgate.store.dialect import bind, execute, page, values
from recallgate.store.rows import change


class CampaignRow(NamedTuple):
    """A launched campaign: its definition as JSON, the holdout that the gateway enforces, the play's own hours."""

    tenant: str
    id: str
    version: str
    definition: str
    state: str
    holdout_bp: int
    holdout_salt: str
    windows: str | None
    launched_at: int
    notes: str


class RunRow(NamedTuple):
    """One person's way through a play; `position` is where the program stands, `waiting` what wakes it early (JSON)."""

    tenant: str
    campaign: str
    person: str
    run: int
    version: str
    arm: str | None
    holdout: int
    position: int
    state: str
    ended: str | None
    ended_at: int | None
    started_at: int
    assigned_at: int | None
    wake_at: int | None
    waiting: str | None
    data: str


def save(connection: Connection, row: CampaignRow) -> None:
    updates = ", ".join(
        f"{name} = excluded.{name}" for name in CampaignRow._fields if name not in ("tenant", "id", "launched_at")
    )
    execute(
        connection,
        f"insert into rg_campaign ({', '.join(CampaignRow._fields)})"
        f" values ({', '.join(':' + name for name in CampaignRow._fields)}) on conflict (tenant, id) do update set {updates}",
        row._asdict(),
    )


def load(connection: Connection, tenant: str, campaign: str) -> CampaignRow | None:
    row = execute(
        connection,
        f"select {', '.join(CampaignRow._fields)} from rg_campaign where tenant = :tenant and id = :id",
        {"tenant": tenant, "id": campaign},
    ).one_or_none()
    return CampaignRow(*row) if row is not None else None


def enrol(connection: Connection, rows: Iterable[RunRow]) -> int:
    """Start runs; a person who is in the same run already is not started again. Answers how many were new."""
    found = execute(
        connection,
        f"insert into rg_run ({', '.join(RunRow._fields)}) select p.* from {page('rows', RunRow._fields)} p where true on conflict do nothing",
        {"rows": bind(rows)},
    )
    return found.rowcount


def due(connection: Connection, campaign: str, *, now: int, most: int) -> list[RunRow]:
    """Runs to be moved on, oldest first."""
    rows = execute(
        connection,
        f"select {', '.join(RunRow._fields)} from rg_run where state = 'active' and wake_at is not null and wake_at <= :now"
        " and campaign = :campaign order by wake_at, person limit :most {take}",
        {"now": now, "most": most, "campaign": campaign},
    )
    return [RunRow(*row) for row in rows]


def next_wake(connection: Connection, campaign: str) -> int | None:
    """When the next run of a campaign is to be moved on."""
    found = execute(
        connection,
        "select min(wake_at) from rg_run where state = 'active' and wake_at is not null and campaign = :campaign",
        {"campaign": campaign},
    ).scalar()
    return int(found) if found is not None else None


_MOVED = (
    "tenant",
    "campaign",
    "person",
    "run",
    "position",
    "state",
    "ended",
    "ended_at",
    "assigned_at",
    "wake_at",
    "waiting",
    "data",
)


_MOVE = (
    f"update rg_run set {', '.join(f'{name} = p.{name}' for name in _MOVED[4:])} from {{page}} p"
    " where rg_run.tenant = p.tenant and rg_run.campaign = p.campaign and rg_run.person = p.person and rg_run.run = p.run"
)
_standing = attrgetter(*_MOVED)


def move(connection: Connection, rows: Iterable[RunRow]) -> None:
    """Store where runs stand now."""
    change(connection, _MOVE, _MOVED, [_standing(row) for row in rows])


def wake(connection: Connection, tenant: str, news: Iterable[tuple[str, str]], *, now: int) -> int:
    """Wake runs that wait for what happened: (person, event type). Returns and conversions wake every run of the person."""
    found = execute(
        connection,
        "update rg_run set wake_at = :now where {rowid} in ("
        f" select r.{{rowid}} from {page('news', ('person', 'type'))} p cross join rg_run r"
        " where r.tenant = :tenant and r.person = p.person and r.state = 'active' and (r.wake_at is null or r.wake_at > :now) and (p.type in ('returned', 'converted')"
        " or r.waiting like '%\"' || p.type || '\"%'))",
        {"tenant": tenant, "news": bind(news), "now": now},
    )
    return found.rowcount


def active(connection: Connection, tenant: str, campaign: str) -> int:
    found = execute(
        connection,
        "select count(*) from rg_run where tenant = :tenant and campaign = :campaign and state = 'active'",
        {"tenant": tenant, "campaign": campaign},
    ).scalar()
    return int(found or 0)


class RunMessage(NamedTuple):
    """A message of a run, as far as the run's next step depends on it."""

    id: str
    step: str
    state: str
    reason: str | None
    kind: str | None
    due_at: int
    planned_at: int | None


def messages_of_runs(
    connection: Connection, tenant: str, campaign: str, runs: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], list[RunMessage]]:
    """The messages of runs, by (person, run), oldest first."""
    found: dict[tuple[str, int], list[RunMessage]] = {}
    columns = ", ".join("m." + name for name in RunMessage._fields)
    for person, run, *rest in execute(
        connection,
        f"select m.person, m.run, {columns} from {page('runs', ('person', 'run'))} p cross join rg_message m"
        " where m.tenant = :tenant and m.campaign = :campaign and m.person = p.person and m.run = p.run"
        " order by m.created_at, m.id",
        {"tenant": tenant, "campaign": campaign, "runs": bind(runs)},
    ):
        found.setdefault((person, run), []).append(RunMessage(*rest))
    return found


def cancel_waiting(
    connection: Connection, tenant: str, campaign: str, people: Sequence[tuple[str, int]], *, now: int, reason: str
) -> None:
    """Take back messages of ended runs that have not left: (person, run)."""
    found = execute(
        connection,
        "update rg_message set state = 'cancelled', reason = :reason, updated_at = :now"
        f" where {{rowid}} in (select m.{{rowid}} from {page('people', ('person', 'run'))} p cross join rg_message m"
        " where m.tenant = :tenant and m.campaign = :campaign and m.person = p.person and m.run = p.run"
        " and m.state || '' in ('queued', 'held')) returning tenant, id",
        {"tenant": tenant, "campaign": campaign, "people": bind(people), "now": now, "reason": reason},
    )
    moves.note(connection, found)


def pauses(connection: Connection, tenant: str) -> frozenset[tuple[str, str]]:
    """What is paused or stopped now: (scope, name)."""
    rows = execute(connection, "select scope, name from rg_pause where tenant = :tenant", {"tenant": tenant})
    return frozenset((scope, name) for scope, name in rows)


def set_mode(connection: Connection, tenant: str, scope: str, name: str, mode: str | None, *, now: int) -> None:
    """Pause, stop or (mode None) resume a campaign, account or channel."""
    execute(
        connection,
        "delete from rg_pause where tenant = :tenant and scope = :scope and name = :name",
        {"tenant": tenant, "scope": scope, "name": name},
    )
    if mode is not None:
        execute(
            connection,
            "insert into rg_pause values (:tenant, :scope, :name, :mode, :now)",
            {"tenant": tenant, "scope": scope, "name": name, "mode": mode, "now": now},
        )


def ids(connection: Connection, tenant: str, state: str = "launched") -> list[str]:
    rows = execute(
        connection,
        f"select id from rg_campaign where tenant = :tenant and state in {values('states')} order by launched_at, id",
        {"tenant": tenant, "states": bind([state])},
    )
    return [identity for (identity,) in rows]
