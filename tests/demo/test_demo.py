"""What the demo leaves is whole, repeats, and is what its vendors and its world saw."""

import math
import sqlite3
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from demo.conftest import CUSTOMERS
from demo.runs import DAY_MS, HOUR_MS, START_MS, Demo, begin, column, ended, run
from recallgate.review.reasons import UNEXPLAINED

OUTAGE = (START_MS + 5 * DAY_MS, START_MS + 5 * DAY_MS + 36 * HOUR_MS)


def counted(store: sqlite3.Connection, query: str) -> dict[str, int]:
    return dict(store.execute(query).fetchall())


def one(store: sqlite3.Connection, query: str) -> int:
    found: int = store.execute(query).fetchone()[0]
    return found


def test_four_files_are_left(run_of_demo: Demo) -> None:
    assert sorted(path.name for path in run_of_demo.out.iterdir()) == [
        "recallgate.sqlite",
        "report.html",
        "report.md",
        "review.json",
    ]
    assert {name: str(run_of_demo.out / name) for name in run_of_demo.told["files"]} == run_of_demo.told["files"]
    assert (run_of_demo.out / "report.html").read_text("utf-8").startswith("<!doctype html>")
    assert (run_of_demo.out / "report.md").read_text("utf-8").startswith("# ")


def test_printed_review_is_the_one_in_the_file(run_of_demo: Demo) -> None:
    assert run_of_demo.told["review"] == run_of_demo.review


def test_people_in_the_summary_are_those_in_the_store(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    told = run_of_demo.told

    assert told["customers"] == CUSTOMERS == one(store, "select count(*) from rg_person")
    assert told["enrolled"] == one(store, "select count(*) from rg_run")
    assert told["holdout"] == one(store, "select count(*) from rg_run where holdout = 1")
    assert told["arms"] == counted(store, "select arm, count(*) from rg_run where holdout = 0 group by arm")
    assert told["holdout"] + sum(told["arms"].values()) == told["enrolled"] <= told["lapsed"] <= CUSTOMERS


def test_states_in_the_summary_are_those_in_the_store(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    assert run_of_demo.told["messages"]["states"] == counted(store, "select state, count(*) from rg_message group by state")


def test_vendors_took_what_the_store_calls_accepted_and_some_of_what_it_is_unsure_of(
    run_of_demo: Demo, store: sqlite3.Connection
) -> None:
    world = run_of_demo.told["world"]
    taken = {name.removeprefix("taken."): n for name, n in world.items() if name.startswith("taken.")}
    by_outcome = "select channel, count(*) from rg_attempt where outcome = '{}' and channel <> 'inapp' group by channel"
    accepted, unsure = (Counter(counted(store, by_outcome.format(outcome))) for outcome in ("accepted", "uncertain"))

    assert accepted.total() > 1000
    assert accepted <= Counter(taken) <= accepted + unsure
    assert sum(taken.values()) == run_of_demo.told["messages"]["taken"]


def test_returns_in_the_store_are_those_the_world_told(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    assert (
        one(store, "select count(*) from rg_person_event where type = 'converted'") == run_of_demo.told["world"]["told.converted"]
    )


def test_review_counts_the_messages_of_the_store(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    channels = {row["channel"]: row for row in run_of_demo.review["collected"]["counts"]["by_channel"]}
    treated = "from rg_message m join rg_run r on r.person = m.person and r.holdout = 0"

    for name, condition in (
        ("messages", "1"),
        ("sent", "m.accepted_at is not null"),
        ("delivered", "m.state = 'delivered'"),
    ):
        expected = counted(store, f"select m.channel, count(*) {treated} where {condition} group by m.channel")
        assert {channel: row[name] for channel, row in channels.items() if row[name]} == expected, name


def test_review_counts_opt_outs_by_reply_and_by_link(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    told = {row["channel"]: row["opted_out"] for row in run_of_demo.review["collected"]["counts"]["by_channel"]}
    people = counted(
        store,
        "select s.channel, count(distinct k.person) from rg_suppression s join rg_contact k on k.channel = s.channel"
        " and s.subject in ('a:' || k.key, 'p:' || k.person)"
        " where s.reason = 'opt_out' and s.source <> 'import' group by s.channel",
    )

    assert people["sms"] > 0
    assert {channel: n for channel, n in told.items() if n} == people


def test_report_explains_every_reason(run_of_demo: Demo) -> None:
    report = (run_of_demo.out / "report.html").read_text("utf-8")

    assert "vendor.invalid_recipient" in report
    assert UNEXPLAINED.en not in report


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    runs = [
        (
            tmp_path / name,
            begin("demo", "--customers", 400, "--seed", seed, "--out", tmp_path / name, "--json", PYTHONHASHSEED=salt),
        )
        for name, seed, salt in (("a", "7", "1"), ("b", "7", "4242"), ("c", "8", "1"))
    ]
    codes = [ended(process)[0] for _, process in runs]
    first, again, other = ((out / "review.json").read_bytes() for out, _ in runs)

    assert codes == [0, 0, 0]
    assert first == again
    assert first != other


@pytest.mark.parametrize("customers", [199, 23_571])
def test_number_of_customers_out_of_range_names_field_and_remedy(customers: int, tmp_path: Path) -> None:
    code, _, err = run("demo", "--customers", customers, "--out", tmp_path / "out")

    assert code == 2
    assert "customers" in err
    assert "200" in err
    assert "23570" in err.replace(",", "")


def test_refused_run_leaves_the_earlier_one_alone(tmp_path: Path) -> None:
    (tmp_path / "review.json").write_text("earlier")

    code, _, _ = run("demo", "--customers", 5, "--out", tmp_path)

    assert code == 2
    assert (tmp_path / "review.json").read_text() == "earlier"


@pytest.mark.parametrize("out", ["out", "out/below"])
def test_out_that_is_a_file_names_field_and_remedy(out: str, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")

    code, _, err = run("demo", "--customers", 200, "--out", tmp_path / out)

    assert code == 2
    assert "out" in err
    assert "folder" in err
    assert (tmp_path / "out").read_text() == "a file"


def test_outage_of_the_first_account_is_carried_by_the_second(store: sqlite3.Connection) -> None:
    during = store.execute(
        "select message_id, n, account, outcome, kind from rg_attempt where channel = 'sms' and at >= ? and at < ?"
        " order by message_id, n",
        OUTAGE,
    ).fetchall()
    moved = [
        (first, second)
        for first, second in pairwise(during)
        if first[0] == second[0] and (first[1], first[2], second[1], second[2]) == (1, "sms-a", 2, "sms-b")
    ]

    assert {row[3:5] for row in during if row[2] == "sms-a"} == {("failed", "unavailable")}
    # after a few of these the breaker of sms-a opens: most messages then go to sms-b at once, and only probes come by here
    assert len(moved) > 10
    assert sum(row[1:4] == (1, "sms-b", "accepted") for row in during) > 10
    assert all(first[4] == "unavailable" for first, _ in moved)
    assert sum(second[3] == "accepted" for _, second in moved) > 0.95 * len(moved)


def test_first_account_works_again_after_the_outage(store: sqlite3.Connection) -> None:
    after = store.execute("select outcome, code from rg_attempt where account = 'sms-a' and at >= ?", OUTAGE[1:]).fetchall()
    outcomes = Counter(column(after))

    assert "connect" not in column(after, 1)
    assert outcomes["accepted"] > 10 * outcomes["failed"]


def test_no_message_is_accepted_twice(store: sqlite3.Connection) -> None:
    assert (
        store.execute(
            "select message_id from rg_attempt where outcome in ('accepted', 'uncertain') group by message_id having count(*) > 1"
        ).fetchall()
        == []
    )
    assert one(store, "select count(*) from rg_message where accepted_at is not null") == one(
        store, "select count(*) from rg_attempt where outcome = 'accepted'"
    )


def test_attempts_of_a_message_are_numbered_without_gaps(store: sqlite3.Connection) -> None:
    assert (
        store.execute("select message_id from rg_attempt group by message_id having min(n) <> 1 or max(n) <> count(*)").fetchall()
        == []
    )


def test_every_message_ends_in_one_recorded_outcome(store: sqlite3.Connection) -> None:
    end = one(store, "select max(at) from rg_decision")
    unfinished = store.execute(
        "select id, state from rg_message where state in ('queued', 'held', 'sending') and due_at <= :end"
        " or state = 'uncertain' and settle_at <= :end",
        {"end": end},
    ).fetchall()
    unexplained = store.execute(
        "select id, state from rg_message where reason is null"
        " and state in ('failed', 'suppressed', 'expired', 'undelivered', 'uncertain')"
    ).fetchall()
    undecided = store.execute("select id from rg_message where id not in (select message_id from rg_decision)").fetchall()

    assert (unfinished, unexplained, undecided) == ([], [], [])


def test_contact_brings_back_two_points_more_than_would_have_come(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    """By the world's own records: treated people whose only purchases are those that contact added."""
    treated = set(column(store.execute("select person from rg_run where holdout = 0").fetchall()))
    events = store.execute("select person, dedupe from rg_person_event where type = 'converted'").fetchall()
    by_themselves = {person for person, dedupe in events if dedupe.startswith("cdnow:")}
    by_contact = {person for person, dedupe in events if dedupe.startswith("uplift:")}

    assert by_contact <= treated
    assert len(by_contact - by_themselves) / len(treated) >= 0.02


def test_measured_lift_is_what_the_world_added_but_for_chance(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    """1,200 people: the standard error of the lift is some two points, so three of them are the tolerance."""
    counts = run_of_demo.review["collected"]["counts"]
    treated, control = counts["treatment"], counts["control"]
    p, q = treated["returned"] / treated["n"], control["returned"] / control["n"]
    people = column(
        store.execute(
            "select person from rg_person_event where type = 'converted' group by person having min(dedupe like 'uplift:%') = 1"
        ).fetchall()
    )
    added = len(people) / treated["n"]
    error = math.sqrt(p * (1 - p) / treated["n"] + q * (1 - q) / control["n"])

    assert p - q >= 0.02
    assert abs((p - q) - added) <= 3 * error
