"""Tasks for people who call by hand: on the list, given out under a lease, worked, and what each turn came to."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from recallgate.store.dialect import bind, execute, values
from recallgate.store.rows import insert
from recallgate.store.sealed import bound_to, opened
from recallgate.store.vault import ring_of


class TaskRow(NamedTuple):
    """A task as it is stored; `payload` is the message as JSON, `rank` its place (the smaller is called first)."""

    tenant: str
    id: str
    account: str
    queue: str
    person: str | None
    payload: str
    rank: int
    created_at: int
    due_at: int
    expires_at: int | None
    state: str = "open"
    agent: str | None = None
    lease_until: int = 0
    tries: int = 0
    done_at: int | None = None
    result: str | None = None
    notes: str | None = None
    seconds: int = 0
    cost_micros: int = 0
    amount_cents: int | None = None


_ROW = ", ".join(TaskRow._fields)
_WAITS = "state in ('open', 'taken')"
_FREE = "(state = 'open' or (state = 'taken' and lease_until <= :now))"


def put(connection: Connection, row: TaskRow) -> None:
    """Put a task on the list; one that is there already stays as it is."""
    if (ring := ring_of(connection)) is not None:
        row = row._replace(payload=ring.seal(row.payload, bound_to(row.tenant, row.id)))
    insert(connection, "rg_worklist", TaskRow._fields, [row], rest="on conflict do nothing")


def load(connection: Connection, tenant: str, identity: str) -> TaskRow | None:
    found = execute(
        connection, f"select {_ROW} from rg_worklist where tenant = :tenant and id = :id", {"tenant": tenant, "id": identity}
    ).one_or_none()
    return opened(connection, [TaskRow(*found)])[0] if found is not None else None


def waiting(connection: Connection, tenant: str, account: str, queue: str) -> int:
    """How many tasks of a queue are not done yet."""
    return int(
        execute(
            connection,
            f"select count(*) from rg_worklist where tenant = :tenant and account = :account and queue = :queue and {_WAITS}",
            {"tenant": tenant, "account": account, "queue": queue},
        ).scalar()
    )


def free(connection: Connection, tenant: str, account: str, *, queues: Sequence[str], now: int, most: int) -> list[TaskRow]:
    """Tasks that may be given out now, in their order: VIPs, priority, due time, age. No queues: those of any."""
    among = f" and queue in {values('queues')}" if queues else ""
    scope = {"tenant": tenant, "account": account, "now": now, "most": most}
    rows = execute(
        connection,
        f"select {_ROW} from rg_worklist where tenant = :tenant and account = :account and {_WAITS} and {_FREE} and due_at <= :now"
        f" and (expires_at is null or expires_at > :now){among} order by rank, due_at, created_at, id limit :most",
        {**scope, "queues": bind(queues)} if queues else scope,
    )
    return list(opened(connection, [TaskRow(*row) for row in rows]))


def take(connection: Connection, tenant: str, identity: str, *, agent: str, now: int, lease_until: int) -> bool:
    """Give a free task to an agent; False when somebody has it."""
    taken = execute(
        connection,
        "update rg_worklist set state = 'taken', agent = :agent, lease_until = :until"
        f" where tenant = :tenant and id = :id and {_FREE}",
        {"tenant": tenant, "id": identity, "agent": agent, "now": now, "until": lease_until},
    )
    if taken.rowcount != 1:
        return False
    _begin_turn(connection, tenant, identity, now=now)
    return True


def hand_over(connection: Connection, tenant: str, identity: str, *, agent: str | None, now: int, lease_until: int) -> bool:
    """Take a task from whoever has it: for an agent, or (None) back onto the list. False when it is done or gone."""
    moved = execute(
        connection,
        f"update rg_worklist set state = :state, agent = :agent, lease_until = :until where tenant = :tenant and id = :id and {_WAITS}",
        {
            "tenant": tenant,
            "id": identity,
            "state": "open" if agent is None else "taken",
            "agent": agent,
            "until": lease_until,
        },
    )
    if moved.rowcount != 1:
        return False
    _end_turn(connection, tenant, identity, result="handed_over", seconds=0, now=now)
    if agent is not None:
        _begin_turn(connection, tenant, identity, now=now)
    return True


def extend(connection: Connection, tenant: str, identity: str, *, agent: str, lease_until: int) -> bool:
    """Keep a task that the agent still has."""
    kept = execute(
        connection,
        "update rg_worklist set lease_until = :until where tenant = :tenant and id = :id and state = 'taken' and agent = :agent",
        {"tenant": tenant, "id": identity, "agent": agent, "until": lease_until},
    )
    return kept.rowcount == 1


def postpone(connection: Connection, tenant: str, identity: str, *, due_at: int) -> None:
    """Not before this instant."""
    execute(
        connection,
        "update rg_worklist set due_at = :due where tenant = :tenant and id = :id",
        {"tenant": tenant, "id": identity, "due": due_at},
    )


def again(connection: Connection, row: TaskRow, *, result: str, notes: str | None, due_at: int, now: int, **labour: int) -> None:
    """A turn without an end: the task goes back onto the list."""
    _worked(connection, row, "open", result, notes, due_at=due_at, done_at=None, now=now, amount_cents=None, **labour)


def finish(
    connection: Connection, row: TaskRow, *, result: str, notes: str | None, amount_cents: int | None, now: int, **labour: int
) -> None:
    """The last turn of a task; `labour` are `seconds` and `cost_micros` of this turn."""
    _worked(connection, row, "done", result, notes, due_at=row.due_at, done_at=now, now=now, amount_cents=amount_cents, **labour)


def _worked(
    connection: Connection,
    row: TaskRow,
    state: str,
    result: str,
    notes: str | None,
    *,
    due_at: int,
    done_at: int | None,
    now: int,
    amount_cents: int | None,
    seconds: int,
    cost_micros: int,
) -> None:
    scope = {"tenant": row.tenant, "id": row.id}
    execute(
        connection,
        "update rg_worklist set state = :state, result = :result, notes = coalesce(:notes, notes), due_at = :due, done_at = :done,"
        " lease_until = 0, tries = tries + 1, seconds = seconds + :seconds, cost_micros = cost_micros + :cost, amount_cents = :amount"
        " where tenant = :tenant and id = :id",
        {
            **scope,
            "state": state,
            "result": result,
            "notes": notes,
            "due": due_at,
            "done": done_at,
            "seconds": seconds,
            "cost": cost_micros,
            "amount": amount_cents,
        },
    )
    _end_turn(connection, row.tenant, row.id, result=result, seconds=seconds, now=now)
    if cost_micros:
        execute(
            connection,
            "update rg_message set cost_micros = coalesce(cost_micros, 0) + :cost where tenant = :tenant and id = :id",
            {**scope, "cost": cost_micros},
        )


def close(connection: Connection, tenant: str, identity: str, *, state: str, result: str, now: int) -> None:
    """Take a task off the list without a call: expired, or withdrawn for a reason."""
    execute(
        connection,
        f"update rg_worklist set state = :state, result = :result, done_at = :now where tenant = :tenant and id = :id and {_WAITS}",
        {"tenant": tenant, "id": identity, "state": state, "result": result, "now": now},
    )
    _end_turn(connection, tenant, identity, result=result, seconds=0, now=now)


def overdue(connection: Connection, tenant: str, account: str, *, now: int, most: int) -> list[str]:
    """Ids of tasks past their end that nobody is working on."""
    rows = execute(
        connection,
        f"select id from rg_worklist where tenant = :tenant and account = :account and {_WAITS} and {_FREE}"
        " and expires_at <= :now order by expires_at limit :most",
        {"tenant": tenant, "account": account, "now": now, "most": most},
    )
    return [identity for (identity,) in rows]


def next_end(connection: Connection, tenant: str, account: str) -> int | None:
    """When the next task expires, if nobody finishes it first; that of a taken one counts from the end of its lease."""
    found = execute(
        connection,
        "select min(case when expires_at < lease_until then lease_until else expires_at end) from rg_worklist"
        f" where tenant = :tenant and account = :account and {_WAITS}"
        " and expires_at is not null",
        {"tenant": tenant, "account": account},
    ).scalar()
    return int(found) if found is not None else None


def held(connection: Connection, tenant: str, account: str, agent: str, *, now: int) -> int:
    """How many tasks an agent has in hand."""
    return int(
        execute(
            connection,
            "select count(*) from rg_worklist where tenant = :tenant and account = :account and state = 'taken'"
            " and agent = :agent and lease_until > :now",
            {"tenant": tenant, "account": account, "agent": agent, "now": now},
        ).scalar()
    )


def turns_since(connection: Connection, tenant: str, account: str, *, since: int) -> dict[str, int]:
    """Tasks that agents took since an instant, by agent; one that was handed over counts for nobody."""
    rows = execute(
        connection,
        "select agent, count(distinct id) from rg_worklist_turn where tenant = :tenant and account = :account and at >= :since"
        " and coalesce(result, '') <> 'handed_over' group by agent",
        {"tenant": tenant, "account": account, "since": since},
    )
    return {str(agent): int(times) for agent, times in rows}


def listing(connection: Connection, tenant: str, account: str, *, state: str | None, most: int) -> list[TaskRow]:
    """Tasks in their order, those that wait first."""
    scope: dict[str, object] = {"tenant": tenant, "account": account, "most": most}
    one_state = "" if state is None else " and state = :state"
    rows = execute(
        connection,
        f"select {_ROW} from rg_worklist where tenant = :tenant and account = :account{one_state}"
        f" order by case when {_WAITS} then 0 else 1 end, rank, due_at, created_at, id limit :most",
        scope if state is None else {**scope, "state": state},
    )
    return list(opened(connection, [TaskRow(*row) for row in rows]))


def turns_of(connection: Connection, tenant: str, identity: str) -> list[dict[str, Any]]:
    """What happened to a task, turn by turn."""
    return execute(
        connection,
        "select n, agent, at, ended_at, result, seconds from rg_worklist_turn where tenant = :tenant and id = :id order by n",
        {"tenant": tenant, "id": identity},
    ).mappings()


def _begin_turn(connection: Connection, tenant: str, identity: str, *, now: int) -> None:
    _end_turn(connection, tenant, identity, result="lapsed", seconds=0, now=now)
    execute(
        connection,
        "insert into rg_worklist_turn (tenant, id, n, account, agent, at, seconds)"
        " select tenant, id, (select coalesce(max(n), 0) + 1 from rg_worklist_turn t where t.tenant = w.tenant and t.id = w.id),"
        " account, agent, cast(:now as bigint), 0 from rg_worklist w where tenant = :tenant and id = :id",
        {"tenant": tenant, "id": identity, "now": now},
    )


def _end_turn(connection: Connection, tenant: str, identity: str, *, result: str, seconds: int, now: int) -> None:
    execute(
        connection,
        "update rg_worklist_turn set ended_at = :now, result = :result, seconds = :seconds"
        " where tenant = :tenant and id = :id and ended_at is null",
        {"tenant": tenant, "id": identity, "result": result, "seconds": seconds, "now": now},
    )
