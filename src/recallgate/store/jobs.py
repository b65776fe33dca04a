"""Who runs a recurring job next, and which workers are about. All instants here are the database's own."""

from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.store.dialect import execute


def claim(connection: Connection, name: str, *, holder: str, lease_ms: int) -> bool:
    """True when the job is due and nobody else runs it: it is the holder's until the lease ends, or `finish`."""
    found = execute(
        connection,
        "insert into rg_job (name, due_at, lease_until, holder, ran_at) values (:name, 0, {clock} + :lease, :holder, 0)"
        " on conflict (name) do update set lease_until = {clock} + :lease, holder = :holder"
        " where rg_job.due_at <= {clock} and rg_job.lease_until <= {clock}",
        {"name": name, "holder": holder, "lease": lease_ms},
    )
    return found.rowcount == 1


def renew(connection: Connection, name: str, *, holder: str, lease_ms: int) -> bool:
    """A longer lease for the holder; False when the job is somebody else's by now."""
    found = execute(
        connection,
        "update rg_job set lease_until = {clock} + :lease where name = :name and holder = :holder and lease_until > {clock}",
        {"name": name, "holder": holder, "lease": lease_ms},
    )
    return found.rowcount == 1


def finish(connection: Connection, name: str, *, holder: str, again_ms: int) -> None:
    """The holder is done; the job is due again after `again_ms`."""
    execute(
        connection,
        "update rg_job set lease_until = 0, holder = null, ran_at = {clock}, due_at = {clock} + :again"
        " where name = :name and holder = :holder",
        {"name": name, "holder": holder, "again": again_ms},
    )


class WorkerRow(NamedTuple):
    """A process that sends: where it runs, how much it has in flight, how it finds its accounts (JSON)."""

    id: str
    host: str
    pid: int
    engine: str
    in_flight: int
    health: str


def beat(connection: Connection, row: WorkerRow) -> None:
    """A sign of life of a worker."""
    execute(
        connection,
        "insert into rg_worker (id, host, pid, engine, in_flight, health, started_at, seen_at)"
        " values (:id, :host, :pid, :engine, :in_flight, :health, {clock}, {clock})"
        " on conflict (id) do update set in_flight = excluded.in_flight, health = excluded.health, seen_at = excluded.seen_at",
        row._asdict(),
    )


def forget(connection: Connection, identity: str, *, silent_ms: int) -> None:
    """Strike off a worker that ends, and those that have been silent for long."""
    execute(
        connection,
        "delete from rg_worker where id = :id or seen_at < {clock} - :silent",
        {"id": identity, "silent": silent_ms},
    )


class Seen(NamedTuple):
    """A worker as others see it; `silent_ms` since its last sign of life."""

    id: str
    host: str
    pid: int
    engine: str
    started_at: int
    silent_ms: int
    in_flight: int
    health: str


def workers(connection: Connection) -> list[Seen]:
    """The workers that are about, oldest first."""
    rows = execute(
        connection,
        "select id, host, pid, engine, started_at, {clock} - seen_at, in_flight, health from rg_worker order by started_at, id",
    )
    return [Seen(*row) for row in rows]


def clock(connection: Connection) -> int:
    """What time the database says it is."""
    return int(execute(connection, "select {clock}").scalar())
