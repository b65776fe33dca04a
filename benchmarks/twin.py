"""A million people decided by the set-based twin, beside a bare DuckDB query over the same joins; aims: 4 times, 400 MB.

    python benchmarks/twin.py [--people 1000000]

Each has an address, one of ten places and a cluster; one in 20 is suppressed, and each was sent 1 to 3 messages in the last
month. The bare query joins the same tables on the same keys and counts; it decides nothing. Memory is the peak of the process;
the tables are in a file. DuckDB is given two threads and 256 MB.
"""

import argparse
import resource
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from recallgate.model.clock import to_ms
from recallgate.policies.case import Holdout
from recallgate.policies.frequency_cap import FrequencyCap
from recallgate.recall.twin import Asked, Sources, counts, decide

NOON = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
ZONES = (
    ("America/New_York", "US-NY", "US"), ("America/Chicago", "US-TX", "US"), ("America/Denver", "US-CO", "US"),
    ("America/Los_Angeles", "US-CA", "US"), ("Europe/Paris", None, "FR"), ("Europe/Rome", None, "IT"),
    ("Asia/Shanghai", None, "CN"), ("Asia/Singapore", None, "SG"), ("Asia/Kolkata", None, "IN"), ("Europe/Berlin", None, "DE"),
)  # fmt: skip
TIMES, MEGABYTES = 4.0, 400


def fill(connection: Any, people: int) -> None:
    """The tables, made by DuckDB itself so that nothing of them passes through Python."""
    run = connection.execute
    values = ", ".join(
        f"({n}, '{zone}', {repr(region) if region else 'NULL'}, '{country}')" for n, (zone, region, country) in enumerate(ZONES)
    )
    run(f"CREATE TABLE zones AS SELECT * FROM (VALUES {values}) AS z(id, zone, region, country)")
    run(
        "CREATE TABLE people AS SELECT 'p' || n AS person, 'p' || n AS cluster, '+1415' || lpad(n::VARCHAR, 8, '0') AS address,"
        f" zone, region, country, NULL::BIGINT AS returned_at FROM range({people}) AS r(n)"
        f" JOIN zones ON zones.id = n % {len(ZONES)}"
    )
    now = to_ms(NOON)
    run(
        "CREATE TABLE suppressions AS SELECT n AS seq, CASE WHEN n % 2 = 0 THEN 'p:p' || n * 20"
        " ELSE 'a:+1415' || lpad((n * 20)::VARCHAR, 8, '0') END AS subject, 'opt_out' AS reason, 'sms' AS channel, '*' AS topic,"
        f" '*' AS sender, {now} - n AS effective_at, NULL::BIGINT AS expires_at FROM range({people // 20}) AS r(n)"
    )
    run(
        "CREATE TABLE sent AS SELECT CASE WHEN k = 0 THEN 'p:p' || n ELSE 'a:+1415' || lpad(n::VARCHAR, 8, '0') END AS subject,"
        f" {now} - (hash(n * 7 + j) % 2592000000)::BIGINT AS sent_at, 'sms' AS channel, 'marketing' AS purpose"
        f" FROM range({people}) AS r(n), range(3) AS t(j), range(2) AS u(k) WHERE j <= n % 3"
    )


def bare(connection: Any) -> float:
    """Seconds of a query over the same joins that decides nothing."""
    began = time.perf_counter()
    since = to_ms(NOON - timedelta(days=7))
    connection.execute(
        "CREATE OR REPLACE TABLE bare AS"
        f" WITH sums AS (SELECT subject, count(*) AS n FROM sent WHERE sent_at > {since} GROUP BY subject)"
        " SELECT p.person, coalesce(a.n, 0) + coalesce(b.n, 0) AS n, s.seq FROM people p"
        " LEFT JOIN sums a ON a.subject = 'a:' || p.address LEFT JOIN sums b ON b.subject = 'p:' || p.person"
        " LEFT JOIN suppressions s ON s.subject = 'p:' || p.person LEFT JOIN suppressions t ON t.subject = 'a:' || p.address"
    )
    return time.perf_counter() - began


def main() -> int:
    parser = argparse.ArgumentParser(description="What planning a million people costs.")
    parser.add_argument("--people", type=int, default=1_000_000)
    people = parser.parse_args().people
    folder = tempfile.TemporaryDirectory()
    connection = duckdb.connect(f"{folder.name}/people.duckdb")
    for setting in ("threads = 2", "memory_limit = '256MB'", "preserve_insertion_order = false", "TimeZone = 'UTC'"):
        connection.execute(f"SET {setting}")
    fill(connection, people)
    asked = Asked(
        "sms",
        NOON,
        caps=(FrequencyCap(limit=1, window=timedelta(days=1)), FrequencyCap(limit=3, window=timedelta(days=7))),
        holdouts=(Holdout("global", "holdout.global:1", 500), Holdout("play", "holdout.play:spring", 1000)),
    )
    without = min(bare(connection) for _ in range(3))
    took = []
    for _ in range(3):
        began = time.perf_counter()
        decide(connection, Sources("people", "suppressions", "sent"), asked, table="answers")
        took.append(time.perf_counter() - began)
    found = counts(connection, "answers")
    if sum(found.values()) != people or len(found) < 5:
        raise SystemExit(f"answers {found}: not everybody was decided")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    times = min(took) / without
    print(f"{people} people in {min(took):.2f} s; the bare query {without:.2f} s: {times:.1f} times")
    print(f"peak of the process {peak:.0f} MB")
    print(", ".join(f"{code} {number}" for code, number in found.items()))
    met = times <= TIMES and peak < MEGABYTES
    print(f"aims {TIMES:.0f} times and {MEGABYTES} MB: {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
