"""The desk of a worklist: gives out the next task, takes results, keeps capacity; what agents' tools and the CLI call."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from recallgate.adapter import Adapter, Driver
from recallgate.config import parse_message
from recallgate.model.clock import from_ms, to_ms
from recallgate.model.content import Task
from recallgate.model.errors import ConfigError
from recallgate.model.event import Event
from recallgate.model.purpose import Purpose
from recallgate.model.verdict import Defer, Drop, Reroute
from recallgate.model.zones import zone
from recallgate.store import ledger, people, worklist as rows
from recallgate.store.engine import Store
from recallgate.store.ledger import SuppressionRow
from recallgate.store.people import PersonEventRow
from recallgate.store.worklist import TaskRow
from recallgate.tracking.people import record_deeds
from recallgate.tracking.process import Applied, Told, apply_events
from recallgate.worklist.check import LastCheck, phone_of
from recallgate.worklist.driver import WorklistConfig, WorklistTasks
from recallgate.worklist.entry import Assignment, Done, check_result, named, of_agent
from recallgate.worklist.results import RESULTS, events_of

Tell = Callable[[Applied], Awaitable[None]]
_LOOKED_AT = 50  # tasks that `next` puts off or withdraws before it gives up for this time


class Worklist:
    """One worklist account's list. `tell` is told of events that were stored, as event sinks are.

    It is also a job: tasks past their end are closed, and their plays go on.
    """

    every = timedelta(minutes=1)

    def __init__(
        self,
        store: Store,
        config: WorklistConfig,
        *,
        account: str = "worklist",
        tenant: str = "default",
        check: LastCheck | None = None,
        tell: Tell | None = None,
    ) -> None:
        self.name = f"worklist:{account}"
        self.config = config
        self.account = account
        self._store = store
        self._tenant = tenant
        self._check = check or LastCheck()
        self._tell = tell

    async def next(self, agent: str, *, now: datetime, queues: Sequence[str] = ()) -> Assignment | None:
        """The next task for an agent: VIPs, then priority, then what has been due longest; None when there is none to do.

        Nobody else gets it before the lease ends. Raises ConfigError when the agent has enough in hand, or the day is full.
        """
        agent = named(agent)

        def work(connection: Connection) -> tuple[Assignment | None, Applied | None]:
            self._room(connection, agent, now)
            closed: list[Event] = []
            found = self._first(connection, agent, now, queues, closed)
            return found, self._apply(connection, closed, now) if closed else None

        found, applied = await self._store.run(work)
        await self._told(applied)
        return found

    async def done(
        self,
        identity: str,
        result: str,
        *,
        agent: str,
        now: datetime,
        minutes: float = 0,
        amount_cents: int | None = None,
        notes: str | None = None,
        again_at: datetime | None = None,
    ) -> Done:
        """Enter what came of a task: a word of `RESULTS`; `amount_cents` goes with `bought`.

        Who did not answer is called again, `again_at` or after the usual pause, until the tries are used up. The same result
        entered twice is one. Raises ConfigError for a task that the agent does not have.
        """
        check_result(result, minutes=minutes, amount_cents=amount_cents, again_at=again_at, now=now)
        cost = self.config.rate_per_hour * Decimal(str(minutes)) / 60
        labour = {"seconds": round(minutes * 60), "cost_micros": int((cost * 1_000_000).to_integral_value())}

        def work(connection: Connection) -> tuple[Done, Applied | None]:
            row = rows.load(connection, self._tenant, identity)
            if row is not None and (row.state, row.agent, row.result) == ("done", agent, result):
                return Done(identity, result, None, Decimal(row.cost_micros) / 1_000_000), None
            row = of_agent(row, identity, agent)
            due = self._again(row, result, again_at, now)
            if due is not None:
                rows.again(connection, row, result=result, notes=notes, due_at=to_ms(due), now=to_ms(now), **labour)
                return Done(identity, result, due, cost), None
            rows.finish(connection, row, result=result, notes=notes, amount_cents=amount_cents, now=to_ms(now), **labour)
            self._consequences(connection, row, result, amount_cents, now)
            events = events_of(identity, result, at=now, agent=agent, minutes=minutes, amount_cents=amount_cents)
            return Done(identity, result, None, cost), self._apply(connection, events, now)

        done, applied = await self._store.run(work)
        await self._told(applied)
        return done

    async def reassign(self, identity: str, *, to: str | None, now: datetime) -> None:
        """Give a task to another agent, whatever their capacity, or (None) back onto the list; ConfigError when it is done."""
        until = to_ms(now + self._lease) if to is not None else 0
        moved = await self._store.run(
            lambda c: rows.hand_over(c, self._tenant, identity, agent=to, now=to_ms(now), lease_until=until)
        )
        if not moved:
            raise ConfigError(f"task {identity}: it is not on the list; `recallgate worklist list` shows what is")

    async def keep(self, identity: str, *, agent: str, now: datetime) -> datetime:
        """A longer lease for a call that takes its time; answers until when."""
        until = now + self._lease
        kept = await self._store.run(
            lambda c: rows.extend(c, self._tenant, identity, agent=agent, lease_until=to_ms(until)), small=True
        )
        if not kept:
            raise ConfigError(f"task {identity}: agent {agent} does not have it")
        return until

    async def tasks(self, *, state: str | None = None, most: int = 100) -> Sequence[TaskRow]:
        """Tasks in their order, those that wait first; of one state: open, taken, done, expired or withdrawn."""
        return await self._store.run(lambda c: rows.listing(c, self._tenant, self.account, state=state, most=most))

    async def turns(self, identity: str) -> Sequence[Mapping[str, Any]]:
        """Who had a task when, and what it came to each time."""
        return await self._store.run(lambda c: rows.turns_of(c, self._tenant, identity))

    async def run(self, now: datetime) -> int:
        """Close tasks past their end; answers how many."""

        def work(connection: Connection) -> tuple[int, Applied | None]:
            ids = rows.overdue(connection, self._tenant, self.account, now=to_ms(now), most=500)
            events: list[Event] = []
            for identity in ids:
                rows.close(connection, self._tenant, identity, state="expired", result="expired", now=to_ms(now))
                events += events_of(identity, "expired", at=now)
            return len(ids), self._apply(connection, events, now) if events else None

        closed, applied = await self._store.run(work)
        await self._told(applied)
        return closed

    async def next_due(self) -> datetime | None:
        found = await self._store.run(lambda c: rows.next_end(c, self._tenant, self.account), small=True)
        return from_ms(found) if found is not None else None

    # --- inside a transaction

    def _room(self, connection: Connection, agent: str, now: datetime) -> None:
        config = self.config
        held = rows.held(connection, self._tenant, self.account, agent, now=to_ms(now))
        if held >= config.per_agent:
            raise ConfigError(f"agent {agent} has {held} tasks in hand, the most there may be; enter their results first")
        if config.per_agent_day is None and config.per_day is None:
            return
        today = now.astimezone(zone(config.zone)).date()
        midnight = datetime(today.year, today.month, today.day, tzinfo=zone(config.zone)).astimezone(UTC)
        turns = rows.turns_since(connection, self._tenant, self.account, since=to_ms(midnight))
        if config.per_agent_day is not None and turns.get(agent, 0) >= config.per_agent_day:
            raise ConfigError(f"agent {agent} had {turns[agent]} tasks today, the most there may be; go on tomorrow")
        if config.per_day is not None and sum(turns.values()) >= config.per_day:
            raise ConfigError(f"all agents together had {sum(turns.values())} tasks today, the most there may be")

    def _first(
        self, connection: Connection, agent: str, now: datetime, queues: Sequence[str], closed: list[Event]
    ) -> Assignment | None:
        at = to_ms(now)
        looked = 0
        while looked < _LOOKED_AT:
            found = rows.free(connection, self._tenant, self.account, queues=queues, now=at, most=10)
            if not found:
                return None
            for row in found:
                looked += 1
                made = self._assign(connection, row, agent, now, closed)
                if made is not None:
                    return made
        return None

    def _assign(self, connection: Connection, row: TaskRow, agent: str, now: datetime, closed: list[Event]) -> Assignment | None:
        """The task in the agent's hands; None when it is put off until its hours open, or withdrawn for good."""
        message = parse_message(row.payload)
        known = people.load_people(connection, self._tenant, [row.person]) if row.person else {}
        phone = phone_of(message, known[row.person]["contacts"] if row.person in known else {})
        match self._check(connection, message, now, phone=phone):
            case Defer(until=until):
                rows.postpone(connection, self._tenant, row.id, due_at=to_ms(until))
                return None
            case Drop(code=code) | Reroute(code=code):
                rows.close(connection, self._tenant, row.id, state="withdrawn", result=code, now=to_ms(now))
                closed += events_of(row.id, "withdrawn", at=now)
                return None
            case _:
                until = now + self._lease
        if not rows.take(connection, self._tenant, row.id, agent=agent, now=to_ms(now), lease_until=to_ms(until)):
            return None  # another process was quicker
        content = message.content
        assert isinstance(content, Task), "the driver puts nothing else on the list"
        return Assignment(
            row.id,
            content,
            row.person,
            phone,
            row.queue,
            agent,
            until,
            from_ms(row.expires_at) if row.expires_at is not None else None,
            row.tries + 1,
            row.result,
            row.notes,
        )

    def _again(self, row: TaskRow, result: str, again_at: datetime | None, now: datetime) -> datetime | None:
        """When the person is called once more; None when this was the last try."""
        if not RESULTS[result].again or row.tries + 1 >= self.config.max_tries:
            return None
        due = again_at or now + timedelta(minutes=self.config.retry_minutes)
        return None if row.expires_at is not None and to_ms(due) >= row.expires_at else due

    def _consequences(self, connection: Connection, row: TaskRow, result: str, amount_cents: int | None, now: datetime) -> None:
        """What a result means beside its events: a purchase is a deed of the person, a refusal rests the calls."""
        at, person = to_ms(now), row.person
        if person is None:
            return
        if result == "bought":
            deed = PersonEventRow(self._tenant, person, "converted", at, f"worklist:{row.id}", amount_cents, "{}")
            record_deeds(connection, [deed], tenant=self._tenant, now=at)
        if result == "refused" and self.config.refusal_rest_days and parse_message(row.payload).purpose is Purpose.MARKETING:
            until = to_ms(now + timedelta(days=self.config.refusal_rest_days))
            source = f"worklist:{self.account}"
            rest = SuppressionRow(self._tenant, f"p:{person}", "worklist", "*", "*", "refused", 0, source, None, 0, at, at, until)
            ledger.suppress(connection, [rest])

    def _apply(self, connection: Connection, events: Iterable[Event], now: datetime) -> Applied:
        told = [Told(event, self.account, "worklist") for event in events]
        return apply_events(connection, told, tenant=self._tenant, now=now)

    async def _told(self, applied: Applied | None) -> None:
        if applied is not None and applied.events and self._tell is not None:
            await self._tell(applied)

    @property
    def _lease(self) -> timedelta:
        return timedelta(minutes=self.config.lease_minutes)


def worklists_of(
    store: Store,
    adapters: Mapping[str, Adapter | Driver],
    *,
    tenant: str = "default",
    check: LastCheck | None = None,
    tell: Tell | None = None,
) -> dict[str, Worklist]:
    """The lists of a gateway's accounts, by account name; hands their drivers the store."""
    found: dict[str, Worklist] = {}
    for name, adapter in adapters.items():
        if isinstance(adapter, WorklistTasks):
            adapter.store, adapter.account = store, name
            found[name] = Worklist(store, adapter.config, account=name, tenant=tenant, check=check, tell=tell)
    return found
