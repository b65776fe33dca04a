"""`recallgate explain` tells true stories: of what left, waited, was dropped or failed, with the rule and the facts behind it."""

import json
import sqlite3
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from demo.invariants import UNKNOWN_ZONE, bucket
from demo.runs import DAY_MS, Demo, utc
from recallgate.cli.app import app


def explain(demo: Demo, *arguments: str) -> dict[str, Any]:
    ran = CliRunner().invoke(app, ["explain", *arguments, "--store", demo.url, "--json"])
    assert ran.exit_code == 0, ran.output
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def first(store: sqlite3.Connection, query: str, *values: object) -> Any:
    """The only column of the first row that a query finds; there is one."""
    found = store.execute(f"{query} limit 1", values).fetchone()
    assert found is not None, query
    return found[0]


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def of_rhode_island(store: sqlite3.Connection) -> str:
    """A text that the law of Rhode Island held back, and that left later."""
    found: str = first(
        store,
        "select m.id from rg_message m join rg_decision d on d.message_id = m.id where m.accepted_at is not null"
        " and d.verdict = 'defer' and d.rule_id = 'us-ri' order by m.id",
    )
    return found


def test_sent_message_names_account_attempt_and_reports(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    identity = first(
        store, "select id from rg_message where channel = 'sms' and state = 'delivered' and attempts = 1 order by id"
    )

    told = explain(run_of_demo, identity)

    accepted, delivered = store.execute("select accepted_at, delivered_at from rg_message where id = ?", (identity,)).fetchone()
    assert told["message"]["state"] == "delivered"
    assert (at(told["message"]["accepted_at"]), at(told["message"]["delivered_at"])) == (accepted, delivered)
    assert told["decisions"][-1]["verdict"] == "allow"
    assert [(one["n"], one["outcome"]) for one in told["attempts"]] == [(1, "accepted")]
    assert told["attempts"][0]["account"] in ("sms-a", "sms-b")
    assert {"sent", "delivered"} <= {event["type"] for event in told["events"]}
    assert told["story"][-1] == "now it is delivered"


def test_failover_is_told_attempt_by_attempt(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    identity = first(
        store,
        "select a.message_id from rg_attempt a join rg_attempt b on b.message_id = a.message_id and b.n = 2"
        " where a.n = 1 and a.account = 'sms-a' and b.account = 'sms-b' and b.outcome = 'accepted' order by 1",
    )

    attempts = explain(run_of_demo, identity)["attempts"]

    assert [(one["account"], one["outcome"], one["kind"]) for one in attempts] == [
        ("sms-a", "failed", "unavailable"),
        ("sms-b", "accepted", None),
    ]


def test_deferred_message_names_the_law_its_window_and_the_local_time(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    told = explain(run_of_demo, of_rhode_island(store))

    held, left = told["decisions"][0], told["decisions"][-1]
    there = ZoneInfo(UNKNOWN_ZONE)
    asked, until = (datetime.fromisoformat(held[name]).astimezone(there) for name in ("at", "until"))
    weekend = asked.isoweekday() > 5
    assert (held["verdict"], held["code"], held["rule_id"]) == ("defer", "quiet_hours.outside_window", "us-ri")
    assert held["facts"]["zone"] == UNKNOWN_ZONE
    assert held["facts"]["tz_source"] == "phone"
    assert held["facts"]["local"] == f"{asked:%H:%M}"
    assert held["facts"]["window"] == ("10:00-17:00" if weekend else "09:00-18:00")
    opens = 10 if until.isoweekday() > 5 else 9
    assert timedelta(0) <= until - until.replace(hour=opens, minute=0, second=0, microsecond=0) <= timedelta(minutes=30)
    assert left["verdict"] == "allow"
    assert at(left["at"]) >= at(held["until"])
    assert any("us-ri" in line and held["facts"]["window"] in line for line in told["story"])


def test_message_held_by_the_play_left_when_its_window_opened(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    identity = first(
        store,
        "select m.id from rg_message m join rg_decision d on d.message_id = m.id where m.accepted_at is not null"
        " and m.channel = 'voice' and d.verdict = 'defer' order by m.id",
    )
    zone = first(store, "select p.zone from rg_person p join rg_message m on m.person = p.id where m.id = ?", identity)

    told = explain(run_of_demo, identity)

    held, there = told["decisions"][0], ZoneInfo(zone or UNKNOWN_ZONE)
    asked = datetime.fromisoformat(held["at"]).astimezone(there)
    left = datetime.fromisoformat(told["attempts"][0]["at"]).astimezone(there)
    assert held["rule_id"]
    assert held["facts"]["local"] == f"{asked:%H:%M}"
    assert not any(start <= f"{asked:%H:%M}" < end for start, end in windows(held["facts"]["window"]))
    assert held["at"] < held["until"] <= told["attempts"][0]["at"]
    assert 9 <= left.hour < 20


def windows(text: str) -> list[tuple[str, str]]:
    return [] if text == "closed" else [(one[:5], one[6:]) for one in text.split(", ")]


def test_capped_message_names_limit_count_and_when_it_is_free(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    identity = first(store, "select id from rg_message where reason like 'cap.global.1d' order by id")

    told = explain(run_of_demo, identity)

    dropped = told["decisions"][-1]
    now, person = at(dropped["at"]), told["message"]["person"]
    earlier = [
        one
        for (one,) in store.execute(
            "select a.at from rg_attempt a join rg_message m on m.id = a.message_id"
            " where m.person = ? and a.outcome in ('accepted', 'uncertain') and a.at > ? and a.at <= ?",
            (person, now - DAY_MS, now),
        )
    ]
    facts = dropped["facts"]
    assert told["message"]["state"] == "suppressed"
    assert told["attempts"] == []
    assert (dropped["verdict"], dropped["policy"], dropped["code"]) == ("drop", "frequency_cap", "cap.global.1d")
    assert (facts["limit"], facts["window"], facts["count"]) == (1, "1d", len(earlier))
    assert at(facts["free_at"]) == min(earlier) + DAY_MS
    assert told["story"][-1] == "now it is suppressed because of cap.global.1d"


def test_held_out_message_names_share_bucket_and_when_it_would_have_gone(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    identity = first(store, "select id from rg_message where reason like 'holdout.%' order by id")

    told = explain(run_of_demo, identity)

    message, dropped = told["message"], told["decisions"][-1]
    facts = dropped["facts"]
    assigned = first(store, "select assigned_at from rg_run where person = ?", message["person"])
    assert (message["state"], told["attempts"], told["events"]) == ("suppressed", [], [])
    assert dropped["policy"] == "holdout"
    assert facts["bucket"] == bucket(facts["salt"], message["person"]) < facts["share_bp"] == 1000
    assert at(message["planned_at"]) == assigned
    assert told["story"][-1].endswith(f"it would have gone at {message['planned_at']}")


def test_opted_out_message_names_the_record_that_stopped_it(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    identity = first(
        store,
        "select m.id from rg_message m join rg_suppression s on s.subject in ('p:' || m.person, 'a:' || m.address)"
        " where m.reason = 'suppressed.opt_out' and s.channel = m.channel and s.source <> 'import' order by m.id",
    )

    told = explain(run_of_demo, identity)

    dropped, channel = told["decisions"][-1], told["message"]["channel"]
    since = first(
        store,
        "select min(effective_at) from rg_suppression where reason = 'opt_out' and channel = ? and subject in ('p:' || ?,"
        " 'a:' || (select address from rg_message where id = ?))",
        channel,
        told["message"]["person"],
        identity,
    )
    assert (dropped["verdict"], dropped["policy"], dropped["code"]) == ("drop", "suppression", "suppressed.opt_out")
    assert dropped["facts"]["channel"] == channel
    assert since <= at(dropped["at"])
    assert told["attempts"] == []


def test_failed_message_names_the_vendors_refusal(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    identity = first(store, "select id from rg_message where state = 'failed' and kind = 'invalid_recipient' order by id")

    told = explain(run_of_demo, identity)

    last = told["attempts"][-1]
    stored = store.execute("select kind, code from rg_attempt where message_id = ? order by n desc", (identity,)).fetchone()
    assert told["message"]["state"] == "failed"
    assert (last["outcome"], last["kind"], last["code"]) == ("failed", *stored)
    assert any(f"{last['kind']} {last['code']}" in line for line in told["story"])
    assert told["story"][-1] == "now it is failed because of vendor.invalid_recipient"


def test_address_is_masked_in_every_story(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    for identity, address in store.execute(
        "select id, address from rg_message where address <> person group by channel, state"
    ).fetchall():
        assert address not in json.dumps(explain(run_of_demo, identity)), identity


def test_story_of_a_person_who_came_back_is_in_order_and_whole(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    person = first(
        store,
        "select r.person from rg_run r join rg_message m on m.person = r.person where r.ended = 'returned'"
        " and m.accepted_at is not null order by r.person",
    )

    told = explain(run_of_demo, "--person", person)

    story = told["story"]
    ended_at = first(store, "select ended_at from rg_run where person = ?", person)
    returned_at = first(store, "select min(at) from rg_person_event where person = ?", person)
    home = ZoneInfo(first(store, "select coalesce(zone, 'UTC') from rg_person where id = ?", person))

    def minute(at_ms: int) -> str:
        return utc(at_ms).astimezone(home).strftime("%Y-%m-%d %H:%M")

    times = [line[:16] for line in story]
    assert times == sorted(times)
    assert "They entered the campaign demo-winback, in the arm" in story[0]
    (ended,) = (line for line in story if "ended, since they came back" in line)
    assert ended.startswith(minute(ended_at))
    assert ended_at >= returned_at
    assert any(line.startswith(minute(returned_at)) and "They ordered" in line for line in story)


def test_story_of_a_held_out_person_says_so(run_of_demo: Demo, store: sqlite3.Connection) -> None:
    person = first(store, "select person from rg_run where holdout = 1 order by person")

    told = explain(run_of_demo, "--person", person)

    assert any("kept without contact" in line for line in told["story"])
    assert not any("attempt" in line for line in told["story"])
    assert told["events"] == []


@pytest.mark.parametrize("arguments", [("--person", "nobody"), ("no-such-message",)])
def test_unknown_names_are_said_to_be_unknown(arguments: tuple[str, ...], run_of_demo: Demo) -> None:
    ran = CliRunner().invoke(app, ["explain", *arguments, "--store", run_of_demo.url])

    assert (ran.exit_code, "Nothing is known" in ran.output or "is not in the store" in ran.output) in ((0, True), (2, True))
