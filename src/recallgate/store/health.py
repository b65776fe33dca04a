"""Accounts as all processes of a store know them: out or not, and how much of their rate is used."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.store.dialect import bind, execute, page, values


class Standing(NamedTuple):
    """One account: out until an instant (0: it is not), why, how many faults in a row; the arrival of its rate limit."""

    name: str
    out_until: int
    reason: str | None
    failures: int
    arrival_us: int


_ALL = ", ".join(Standing._fields)


def standings(connection: Connection, tenant: str, names: Sequence[str]) -> list[Standing]:
    """What is known of these accounts; nothing of one that never had a fault or a rate."""
    rows = execute(
        connection,
        f"select {_ALL} from rg_account where tenant = :tenant and name in {values('names')}",
        {"tenant": tenant, "names": bind(names)},
    )
    return [Standing(*row) for row in rows]


def take_rates(connection: Connection, tenant: str, names: Sequence[str]) -> list[Standing]:
    """The same, and until this transaction ends no other process counts against the rates of these accounts."""
    asked = {"tenant": tenant, "names": bind(names)}
    query = (
        f"select {', '.join(f'a.{name}' for name in Standing._fields)} from rg_account a"
        f" where a.tenant = :tenant and a.name in {values('names')} order by a.name {{lock:a}}"
    )
    rows = execute(connection, query, asked)
    if len(rows) < len(names):
        execute(
            connection,
            "insert into rg_account (tenant, name, out_until, failures, updated_at, arrival_us)"
            f" select :tenant, k.value, 0, 0, 0, 0 from {values('names')} k where true on conflict do nothing",
            asked,
        )
        rows = execute(connection, query, asked)
    return [Standing(*row) for row in rows]


def use_rates(connection: Connection, tenant: str, used: Iterable[tuple[str, int]]) -> None:
    """Write down how far rates are used: (name, arrival in microseconds). The rows were taken before."""
    execute(
        connection,
        f"update rg_account set arrival_us = p.arrival_us from {page('rows', ('name', 'arrival_us'))} p"
        " where rg_account.tenant = :tenant and rg_account.name = p.name",
        {"tenant": tenant, "rows": bind(list(used))},
    )


def tell(connection: Connection, tenant: str, news: Iterable[tuple[str, int, str | None, int]], *, now: int) -> None:
    """What a process learned of accounts: (name, out until, reason, failures)."""
    execute(
        connection,
        "insert into rg_account (tenant, name, out_until, reason, failures, updated_at, arrival_us)"
        f" select :tenant, p.name, p.out_until, p.reason, p.failures, :now, 0"
        f" from {page('rows', ('name', 'out_until', 'reason', 'failures'))} p where true"
        " on conflict (tenant, name) do update set out_until = excluded.out_until, reason = excluded.reason,"
        " failures = excluded.failures, updated_at = excluded.updated_at",
        {"tenant": tenant, "rows": bind(list(news)), "now": now},
    )
