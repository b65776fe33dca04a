"""Facts that only some policies ask for: money spent, counts, checks, plays without effect; one statement each for a page."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.model.clock import from_ms
from recallgate.policies.number_reputation import NumberCheck
from recallgate.store.dialect import bind, execute, lock_subjects, page, values
from recallgate.store.rows import change

MONEY_MS, COUNT_MS, DAY_MS = 900_000, 60_000, 86_400_000  # no zone's midnight lies within a quarter of an hour


class Tally(NamedTuple):
    """So much more (or less) under a key in a bucket of time."""

    tenant: str
    key: str
    bucket: int
    amount: int


def count(connection: Connection, rows: Iterable[Tally]) -> None:
    """Add to tallies; rows of one key and bucket are added up first."""
    sums: dict[tuple[str, str, int], int] = {}
    for tenant, key, bucket, amount in rows:
        sums[tenant, key, bucket] = sums.get((tenant, key, bucket), 0) + amount
    change(
        connection,
        "insert into rg_tally (tenant, key, bucket, amount)"
        " select p.tenant, p.key, p.bucket, p.amount from {page} p where true order by 1, 2, 3"
        " on conflict (tenant, key, bucket) do update set amount = rg_tally.amount + excluded.amount",
        Tally._fields,
        [(*key, amount) for key, amount in sums.items() if amount],
    )


def tallied(connection: Connection, tenant: str, asked: Sequence[tuple[str, int]], *, lock: bool = False) -> list[int]:
    """The sums of keys from a bucket on, in order: (key, first bucket). `lock`: nobody else counts until this transaction ends."""
    if lock:
        lock_subjects(connection, sorted({"t:" + key for key, _ in asked}))
    found = dict.fromkeys(range(len(asked)), 0)
    for n, amount in execute(
        connection,
        f"select p.n, sum(t.amount) from {page('rows', ('n', 'key', 'bucket'))} p cross join rg_tally t"
        " where t.tenant = :tenant and t.key = p.key and t.bucket >= p.bucket group by p.n",
        {"tenant": tenant, "rows": bind([(n, key, bucket) for n, (key, bucket) in enumerate(asked)])},
    ):
        found[n] = int(amount)
    return list(found.values())


def tallies_of(connection: Connection, tenant: str, prefix: str, *, since: int) -> list[tuple[str, int, int]]:
    """(key, bucket, amount) of all keys that begin so, from a bucket on."""
    rows = execute(
        connection,
        "select key, bucket, amount from rg_tally"
        " where tenant = :tenant and key >= :low and key < :high and bucket >= :since order by key, bucket",
        {"tenant": tenant, "low": prefix, "high": prefix[:-1] + chr(ord(prefix[-1]) + 1), "since": since},
    )
    return [(key, bucket, amount) for key, bucket, amount in rows]


def forget(connection: Connection, prefix: str, *, before: int) -> int:
    """Delete tallies of keys that begin so and lie before a bucket; answers how many."""
    found = execute(
        connection,
        "delete from rg_tally where key >= :low and key < :high and bucket < :before",
        {"low": prefix, "high": prefix[:-1] + chr(ord(prefix[-1]) + 1), "before": before},
    )
    return found.rowcount


class NumberCheckRow(NamedTuple):
    """The last look at a caller id."""

    tenant: str
    number: str
    checked_at: int
    marked: int
    source: str


def save_number_checks(connection: Connection, rows: Sequence[NumberCheckRow]) -> None:
    """Keep the newest check of each number; an older one changes nothing."""
    change(
        connection,
        f"insert into rg_number_check ({', '.join(NumberCheckRow._fields)}) select p.* from {{page}} p where true"
        " on conflict (tenant, number) do update set checked_at = excluded.checked_at, marked = excluded.marked,"
        " source = excluded.source where excluded.checked_at >= rg_number_check.checked_at",
        NumberCheckRow._fields,
        rows,
    )


def number_checks(connection: Connection, tenant: str) -> dict[str, NumberCheck]:
    """The checks of a tenant's caller ids; a tenant has few."""
    rows = execute(
        connection,
        "select number, checked_at, marked from rg_number_check where tenant = :tenant order by number",
        {"tenant": tenant},
    )
    return {number: NumberCheck(from_ms(at), bool(marked)) for number, at, marked in rows}


class RegistryCheckRow(NamedTuple):
    """When a person or address was last compared with a do-not-call registry, whatever it said."""

    tenant: str
    subject: str
    checked_at: int
    source: str


def save_registry_checks(connection: Connection, rows: Sequence[RegistryCheckRow]) -> None:
    """Keep the newest comparison of each subject."""
    change(
        connection,
        f"insert into rg_registry_check ({', '.join(RegistryCheckRow._fields)}) select p.* from {{page}} p where true"
        " on conflict (tenant, subject) do update set checked_at = excluded.checked_at, source = excluded.source"
        " where excluded.checked_at >= rg_registry_check.checked_at",
        RegistryCheckRow._fields,
        rows,
    )


def registry_checks(connection: Connection, tenant: str, subjects: Sequence[str]) -> dict[str, int]:
    """Instants of the last comparison by subject."""
    rows = execute(
        connection,
        f"select subject, checked_at from rg_registry_check where tenant = :tenant and subject in {values('subjects')}",
        {"tenant": tenant, "subjects": bind(subjects)},
    )
    return {subject: at for subject, at in rows}  # noqa: C416 - a cursor is no mapping for dict()


def has_runs(connection: Connection, tenant: str) -> bool:
    """Whether anybody of a tenant ever was in a play."""
    return execute(connection, "select 1 from rg_run where tenant = :tenant limit 1", {"tenant": tenant}).scalar() is not None


def failed_plays(connection: Connection, tenant: str, people: Sequence[str], *, since: int) -> dict[str, list[int]]:
    """When people's plays ended that wrote marketing to them and did not bring them back; from an instant on.

    A play counts when a vendor took at least one of its messages. Held-out people had none.
    """
    found: dict[str, list[int]] = {}
    for person, at in execute(
        connection,
        "select r.person, r.ended_at from rg_run r"
        f" where r.tenant = :tenant and r.person in {values('people')} and r.state = 'ended' and r.holdout = 0"
        " and r.ended_at >= :since and r.ended not in ('returned', 'goal')"
        " and exists (select 1 from rg_message m where m.tenant = r.tenant and m.campaign = r.campaign and m.person = r.person"
        "  and m.run = r.run and m.purpose = 'marketing' and m.accepted_at is not null)"
        " order by r.person, r.ended_at",
        {"tenant": tenant, "people": bind(people), "since": since},
    ):
        found.setdefault(person, []).append(at)
    return found
