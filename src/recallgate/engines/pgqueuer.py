"""The PgQueuer engine: tickets in PostgreSQL tell a fleet of workers where there is work.

A ticket says "look at this lane"; whoever gets it reads due rows as the embedded engine does, chunk by chunk until there are
none, so that a doubled ticket finds nothing. A ticket that is lost, or was never written, is made up for by the sweeper. No
ticket lies further ahead than seconds: what waits longer is a `due_at` column. PgQueuer stays below 2, which changed its schema
and removed names that are used here.
"""

import asyncio
import json
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.util import await_only

from recallgate.delivery.shift import Shift
from recallgate.delivery.worker import CHUNK
from recallgate.engines.listen import listen
from recallgate.engines.port import Crew
from recallgate.engines.rota import Rota, beats
from recallgate.model.clock import Clock, from_ms, to_ms
from recallgate.model.errors import ConfigError, StoreError
from recallgate.model.message import Message
from recallgate.store import backlog, messages
from recallgate.store.backlog import Lane
from recallgate.store.engine import Store
from recallgate.store.postgres import PostgresStore

if TYPE_CHECKING:
    from pgqueuer import PgQueuer

_log = logging.getLogger("recallgate.engines")
URGENT, BULK = "recallgate.urgent", "recallgate.bulk"
GRAIN_MS = 200  # rows that fall due within it share a ticket
_LATER_MS = 30  # a ticket comes a little after its rows are due, since clocks differ a little
_HANDS = 4  # tickets of the sweeper for a lane that is behind
AHEAD = timedelta(seconds=10)  # tickets for what falls due later are made later
_POOL = 6
_AGAIN_S = 1.0
_REST_S = 0.1
_ROUND_MS = 15_000  # tickets for overdue work that were not finished in such a time get company
_HEARTBEAT = timedelta(seconds=8)


class Tickets:
    """Needs PostgreSQL and the extra `pgqueuer`."""

    name = "pgqueuer"

    def __init__(self) -> None:
        self._store: PostgresStore | None = None
        self._shift: Shift | None = None
        self._stop: asyncio.Event | None = None

    async def open(self, store: Store) -> None:
        """Install PgQueuer's tables beside ours, unless they are there."""
        if not isinstance(store, PostgresStore):
            raise ConfigError("engine: pgqueuer needs PostgreSQL; give store=postgresql://..., or take the embedded engine")
        try:
            import asyncpg  # type: ignore[import-untyped]
            from pgqueuer import Queries
        except ImportError:
            raise ConfigError("engine: pgqueuer is not installed: pip install 'recallgate[pgqueuer]'") from None
        try:
            connection = await asyncpg.connect(store.url, timeout=10)
            try:
                queries = Queries.from_asyncpg_connection(connection)
                async with queries.schema_lock():
                    if not await queries.schema_is_installed():
                        await queries.install()
            finally:
                await connection.close()
        except OSError as exc:
            raise StoreError(f"store: PostgreSQL is away: {type(exc).__name__}") from None
        self._store = store

    def announce(self, connection: Connection, messages: Sequence[Message], now_ms: int) -> None:
        """A ticket for each chunk of each lane, in the transaction that accepted the messages."""
        rows: dict[Lane, int] = {}
        ahead = now_ms + AHEAD // timedelta(milliseconds=1)
        for message in messages:
            due = max(now_ms, to_ms(message.not_before)) if message.not_before else now_ms
            if due <= ahead:
                lane = Lane(message.channel, message.purpose.urgent, _ceiling(due) if due > now_ms else now_ms)
                rows[lane] = rows.get(lane, 0) + 1
        lanes = [lane for lane, number in rows.items() for _ in range(-(-number // CHUNK))]
        if lanes:
            put(connection, lanes, now_ms, once=False)

    def wake(self) -> None:
        """PgQueuer listens for tickets; what has none is swept at once."""

    async def close(self) -> None: ...

    async def run(self, crew: Crew, stop: asyncio.Event) -> None:
        assert self._store is not None, "open() comes first"
        shift = Shift(crew.worker, stop)
        rota = Rota(crew.store, stop)
        sweeper, heard = Sweeper(crew.store, crew.clock), asyncio.Event()
        async with shift.open():
            around = [
                asyncio.create_task(rota.run([*crew.jobs, sweeper], crew)),
                asyncio.create_task(beats(crew, stop, holder=rota.holder, engine=self.name)),
                asyncio.create_task(listen(crew.store, stop, heard.set)),
                asyncio.create_task(_sweep_on(heard, stop, sweeper)),
                *(asyncio.create_task(self._serve(crew, shift, stop, entry)) for entry in (URGENT, BULK)),
            ]
            try:
                await stop.wait()
            finally:
                stop.set()
                for fault in await asyncio.gather(*around, return_exceptions=True):
                    if isinstance(fault, Exception):
                        _log.error("the engine ended with %s", type(fault).__name__)

    async def _serve(self, crew: Crew, shift: Shift, stop: asyncio.Event, entry: str) -> None:
        """Take tickets of one kind until told to stop; begin anew when the database was away."""
        while not stop.is_set():
            try:
                await self._take(crew, shift, stop, entry)
            except Exception as exc:
                if not stop.is_set():
                    _log.warning("tickets cannot be taken, trying again: %s", type(exc).__name__)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _AGAIN_S)

    async def _take(self, crew: Crew, shift: Shift, stop: asyncio.Event, entry: str) -> None:
        import asyncpg
        from pgqueuer import PgQueuer
        from pgqueuer.models import Job as Ticket

        assert self._store is not None
        pool = await asyncpg.create_pool(self._store.url, min_size=2, max_size=_POOL, timeout=10, command_timeout=30)
        try:
            queue = PgQueuer.from_asyncpg_pool(pool)

            async def page(ticket: Ticket) -> None:
                told = json.loads(ticket.payload or b"{}")
                await self._page(crew, shift, str(told["channel"]), urgent=entry == URGENT)

            queue.entrypoint(entry)(page)
            tasks = max(2, min(crew.worker.window // CHUNK, 16))
            heartbeat = min(_HEARTBEAT, max(crew.worker.leases.span / 3, timedelta(seconds=1)))
            await _until(stop, queue, batch=max(1, tasks // 2), tasks=tasks, heartbeat=heartbeat)
        finally:
            with suppress(Exception):
                await asyncio.wait_for(pool.close(), 2)
            pool.terminate()

    async def _page(self, crew: Crew, shift: Shift, channel: str, *, urgent: bool) -> None:
        try:
            while await shift.page(channel, urgent=urgent):
                await crew.store.run(partial(sweep, clock=crew.clock, channel=channel))  # what is to be tried again soon
        except StoreError as exc:
            _log.warning("a ticket is left to the sweeper: %s", exc)


class Sweeper:
    """A job: rows that are due, or soon will be, have a ticket. Those that have one keep it."""

    name = "sweeper"
    every = timedelta(seconds=5)

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def run(self, now: datetime) -> int:
        await self._store.run(partial(sweep, clock=self._clock))
        return 0  # the next look is in a while, whatever there was

    async def next_due(self) -> datetime | None:
        found = await self._store.run(messages.next_due, small=True)
        return None if found is None else from_ms(found)


def sweep(connection: Connection, *, clock: Clock, channel: str | None = None) -> int:
    """Write the tickets that are missing, of all lanes or for what falls due soon in one; answers how many were asked for."""
    now = to_ms(clock.now())
    until = now + AHEAD // timedelta(milliseconds=1)
    found = backlog.lanes(connection, now=now, until=until, grain=GRAIN_MS)
    if channel is None:
        lanes = [lane for lane in found for _ in range(_HANDS if lane.due_at <= now else 1)]
    else:  # a ticket at work looks itself at what is overdue
        lanes = [lane for lane in found if lane.channel == channel and lane.due_at > now]
    if lanes:
        put(connection, lanes, now, once=True)
    return len(lanes)


def put(connection: Connection, lanes: Iterable[Lane], now: int, *, once: bool) -> None:
    """Write tickets within the transaction. `once`: not where a ticket for the same lane and instant lives already."""
    from pgqueuer import Queries

    raw: Any = connection.connection.driver_connection
    queries = Queries.from_asyncpg_connection(raw)
    given = list(lanes)
    waits = [lane.due_at - now + _LATER_MS if lane.due_at > now else 0 for lane in given]
    await_only(
        queries.enqueue(
            [URGENT if lane.urgent else BULK for lane in given],
            [json.dumps({"channel": lane.channel}).encode() for lane in given],
            [int(lane.urgent) for lane in given],
            [timedelta(milliseconds=wait) if wait else None for wait in waits],
            [_key(lane, now, place) if once else None for place, lane in enumerate(given)],
            on_conflict="skip",
        )
    )


def _key(lane: Lane, now: int, place: int) -> str:
    instant = str(lane.due_at) if lane.due_at > now else f"now{place % _HANDS}:{now // _ROUND_MS}"
    return f"recallgate:{lane.channel}:{int(lane.urgent)}:{instant}"


def _ceiling(due: int) -> int:
    return -(-due // GRAIN_MS) * GRAIN_MS


async def _sweep_on(heard: asyncio.Event, stop: asyncio.Event, sweeper: Sweeper) -> None:
    """Messages that came in another way than through this engine get their tickets at once."""
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(heard.wait(), _AGAIN_S)
        if heard.is_set():
            heard.clear()
            with suppress(StoreError):
                await sweeper.run(from_ms(0))
            await asyncio.sleep(_REST_S)  # many commits are one look


async def _until(stop: asyncio.Event, queue: "PgQueuer", *, batch: int, tasks: int, heartbeat: timedelta) -> None:
    working = asyncio.create_task(
        queue.qm.run(
            batch_size=batch,
            max_concurrent_tasks=tasks,
            dequeue_timeout=timedelta(seconds=1),
            heartbeat_timeout=heartbeat,
            shutdown_on_listener_failure=True,
        )
    )
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        queue.shutdown.set()
        await working
    finally:
        stopping.cancel()
        working.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await working
