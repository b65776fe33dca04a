"""From a gateway's store to the tables that the twin reads: a page at a time, through files, so that memory stays small."""

import csv
import tempfile
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from recallgate.gateway import Gateway
from recallgate.model.clock import to_ms
from recallgate.phone.location import locate
from recallgate.recall.duck import literal
from recallgate.recall.twin import Asked, Sources
from recallgate.store.dialect import execute

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_PAGE = 5_000
_Row = Sequence[Any]
_COLUMNS = {
    "rg_twin_people": "person VARCHAR, cluster VARCHAR, address VARCHAR, zone VARCHAR, region VARCHAR, country VARCHAR,"
    " returned_at BIGINT",
    "rg_twin_suppressions": "seq BIGINT, subject VARCHAR, reason VARCHAR, channel VARCHAR, topic VARCHAR, sender VARCHAR,"
    " effective_at BIGINT, expires_at BIGINT",
    "rg_twin_sent": "subject VARCHAR, message_id VARCHAR, sent_at BIGINT, channel VARCHAR, purpose VARCHAR",
}


async def copy_store(gateway: Gateway, connection: "DuckDBPyConnection", asked: Asked) -> Sources:
    """Copy a tenant's people, suppressions and counted sends into DuckDB, for `twin.decide`; answers where they are.

    Each person's address is the first living one of the channel. Who has no zone of their own gets the one of the number, or,
    where a number may be in several, the country's.
    """
    longest = max((cap.looks_back for cap in asked.caps), default=timedelta(0))
    scope = {"tenant": gateway.config.tenant, "channel": asked.channel, "since": to_ms(asked.now - longest), "most": _PAGE}
    with tempfile.TemporaryDirectory() as folder:
        for table, read in (("rg_twin_people", _people), ("rg_twin_suppressions", _suppressions), ("rg_twin_sent", _sent)):
            path = Path(folder) / f"{table}.csv"
            with path.open("w", encoding="utf-8", newline="") as lines:
                writer = csv.writer(lines)
                last: _Row | None = None
                while True:
                    rows = await gateway.store.run(partial(read, scope=scope, last=last))
                    writer.writerows(_placed(rows) if read is _people else rows)
                    if len(rows) < _PAGE:
                        break
                    last = rows[-1]
            types = ", ".join(f"{name!r}: {kind!r}" for name, kind in (one.split() for one in _COLUMNS[table].split(", ")))
            connection.execute(
                f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM read_csv({literal(str(path))}, header = false,"
                f" columns = {{{types}}}, nullstr = '')"
            )
    return Sources("rg_twin_people", "rg_twin_suppressions", "rg_twin_sent")


_Read = Callable[..., list[_Row]]


def _people(connection: Connection, *, scope: dict[str, Any], last: _Row | None) -> list[_Row]:
    return execute(
        connection,
        "select p.id, p.cluster, (select c.key from rg_contact c where c.tenant = p.tenant and c.person = p.id"
        "  and c.channel = :channel and c.dead_at is null order by c.position limit 1), p.zone, p.region, p.country,"
        " (select max(d.at) from rg_person_event d where d.tenant = p.tenant and d.person = p.id"
        "  and d.type in ('returned', 'converted'))"
        " from rg_person p where p.tenant = :tenant and p.id > :after order by p.id limit :most",
        {**_only(scope, "tenant", "channel", "most"), "after": "" if last is None else last[0]},
    )


def _suppressions(connection: Connection, *, scope: dict[str, Any], last: _Row | None) -> list[_Row]:
    return execute(
        connection,
        "select seq, subject, reason, channel, topic, sender, effective_at, expires_at from rg_suppression"
        " where tenant = :tenant and cleared_at is null and seq > :after order by seq limit :most",
        {**_only(scope, "tenant", "most"), "after": 0 if last is None else last[0]},
    )


def _sent(connection: Connection, *, scope: dict[str, Any], last: _Row | None) -> list[_Row]:
    subject, message = ("", "") if last is None else (last[0], last[1])
    return execute(
        connection,
        "select subject, message_id, at, channel, purpose from rg_cap_entry where tenant = :tenant and at > :since"
        " and state <> 'released' and (subject > :subject or (subject = :subject and message_id > :message))"
        " order by subject, message_id limit :most",
        {**_only(scope, "tenant", "since", "most"), "subject": subject, "message": message},
    )


def _only(scope: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: scope[name] for name in names}


def _placed(rows: Sequence[_Row]) -> Iterator[_Row]:
    """People with the place that their number tells, where they have none."""
    for person, cluster, address, zone, region, country, returned in rows:
        if address is not None and address.startswith("+") and not (zone and country):
            found = locate(address)
            zone = zone or (found.zones[0] if len(found.zones) == 1 else None)
            region, country = region or found.region, country or found.country
        yield person, cluster, address, zone, region, country, returned
