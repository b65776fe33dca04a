"""Nobody was written to at night, too often, against their will, or after they had come back; and the checks can tell."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from demo import invariants
from demo.runs import Demo

Checker = Callable[[sqlite3.Connection], list[str]]

CHECKERS: dict[str, Checker] = {
    "window": invariants.outside_window,
    "french sunday": invariants.on_a_french_sunday,
    "xinjiang": invariants.called_in_xinjiang,
    "cap": invariants.above_a_cap,
    "holdout": invariants.to_the_held_out,
    "opt-out": invariants.after_an_opt_out,
    "return": invariants.after_the_return,
}

# One accepted message, chosen by a condition, and what makes it an offence.
ACCEPTED = (
    "select m.id from rg_message m join rg_attempt a on a.message_id = m.id and a.outcome = 'accepted'"
    " join rg_person p on p.id = m.person where {} order by m.id limit 1"
)
PLANTS: list[tuple[str, str, str, str]] = [
    ("window", "night", "a.channel = 'sms'", "update rg_attempt set at = at + 9 * 3600000 where message_id = :id"),
    ("window", "night for mail", "a.channel = 'email'", "update rg_attempt set at = at + 12 * 3600000 where message_id = :id"),
    (
        "window",
        "noon call",
        "a.channel = 'voice' and p.country = 'DE'",
        "update rg_attempt set at = 1781085600000 where message_id = :id",  # 2026-06-10 12:00 in Berlin
    ),
    (
        "window",
        "guard",
        "a.channel = 'sms' and p.country = 'CN'",
        "update rg_attempt set at = 1780750560000 where message_id = :id",  # 2026-06-06 20:56 in Shanghai
    ),
    (
        "window",
        "evening in Rhode Island",
        "a.channel = 'sms' and p.country = 'US' and p.zone is null",
        "update rg_attempt set at = 1780783200000 where message_id = :id",  # 2026-06-06 18:00 in New York
    ),
    (
        "french sunday",
        "noon",
        "a.channel = 'sms' and p.country = 'FR'",
        "update rg_attempt set at = 1780826400000 where message_id = :id",  # 2026-06-07 12:00 in Paris
    ),
    ("xinjiang", "call", "a.channel = 'voice'", "update rg_person set region = 'CN-XJ' where id = :person"),
    (
        "cap",
        "within a day",
        "a.channel = 'email'",
        (
            "insert into rg_attempt (tenant, message_id, n, account, channel, at, outcome)"
            " select tenant, message_id, 99, account, channel, at + 24 * 3600000 - 1, 'accepted' from rg_attempt"
            " where message_id = :id and outcome = 'accepted'"
        ),
    ),
    (
        "cap",
        "maybe sent",
        "a.channel = 'sms'",
        (
            "insert into rg_attempt (tenant, message_id, n, account, channel, at, outcome)"
            " select tenant, message_id, 99, account, channel, at + 3600000, 'uncertain' from rg_attempt"
            " where message_id = :id and outcome = 'accepted'"
        ),
    ),
    (
        "cap",
        "fourth in a week",
        "a.channel = 'push'",
        (
            "insert into rg_attempt (tenant, message_id, n, account, channel, at, outcome)"
            " select tenant, message_id, 90 + days.value, account, channel, at + days.value * 48 * 3600000, 'accepted'"
            " from rg_attempt cross join json_each('[1, 2, 3]') days where message_id = :id and outcome = 'accepted'"
        ),
    ),
    ("holdout", "listed", "a.channel = 'email'", "update rg_run set holdout = 1 where person = :person"),
    (
        "opt-out",
        "everything",
        "a.channel = 'push'",
        (
            "insert into rg_suppression (tenant, subject, channel, topic, sender, reason, all_purposes, source, review,"
            " received_at, effective_at)"
            " select 'default', 'p:' || :person, '*', '*', '*', 'opt_out', 0, 'test', 0, at - 1, at - 1"
            " from rg_attempt where message_id = :id and outcome = 'accepted'"
        ),
    ),
    (
        "opt-out",
        "address",
        "a.channel = 'sms'",
        (
            "insert into rg_suppression (tenant, subject, channel, topic, sender, reason, all_purposes, source, review,"
            " received_at, effective_at)"
            " select 'default', 'a:' || m.address, 'sms', '*', '*', 'opt_out', 0, 'test', 0, a.at - 1, a.at - 1"
            " from rg_attempt a join rg_message m on m.id = a.message_id where m.id = :id and a.outcome = 'accepted'"
        ),
    ),
    (
        "return",
        "bought the minute before",
        "a.channel = 'email'",
        (
            "insert into rg_person_event (tenant, person, type, at, dedupe, data)"
            " select 'default', :person, 'converted', at - 60000, 'planted', '{}' from rg_attempt"
            " where message_id = :id and outcome = 'accepted'"
        ),
    ),
]


@pytest.fixture(scope="module")
def copy(run_of_demo: Demo) -> sqlite3.Connection:
    """The store in memory, to be changed and rolled back."""
    memory = sqlite3.connect(":memory:")
    with sqlite3.connect(run_of_demo.store) as source:
        source.backup(memory)
    return memory


@pytest.mark.parametrize("name", CHECKERS)
def test_no_marketing_attempt_breaks_the_rule(name: str, store: sqlite3.Connection) -> None:
    assert CHECKERS[name](store) == []


@pytest.mark.parametrize(("name", "case", "chosen", "offence"), PLANTS, ids=[f"{name}: {case}" for name, case, *_ in PLANTS])
def test_planted_offence_is_found(name: str, case: str, chosen: str, offence: str, copy: sqlite3.Connection) -> None:
    message = copy.execute(ACCEPTED.format(chosen)).fetchone()[0]
    person = copy.execute("select person from rg_message where id = ?", (message,)).fetchone()[0]
    copy.execute("begin")
    try:
        assert copy.execute(offence, {"id": message, "person": person}).rowcount > 0, case

        assert message in CHECKERS[name](copy)
    finally:
        copy.rollback()


def test_there_is_something_to_judge(store: sqlite3.Connection) -> None:
    """Each channel, country and kind of exception occurs, so that an empty list of offenders says something."""
    rows = store.execute(invariants.ATTEMPTS).fetchall()
    refused = {row[0] for row in store.execute("select distinct reason from rg_message where state = 'suppressed'").fetchall()}

    assert {row[2] for row in rows} >= {"sms", "voice", "push", "email", "wecom"}
    assert {row[5] for row in rows} == {"US", "CN", "GB", "FR", "DE", "AU", "IN"}
    assert any(row[7] is None for row in rows)
    assert {"holdout.play", "suppressed.opt_out", "cap.global.1d", "region.blocked"} <= refused


def test_hours_are_inside_by_their_edges() -> None:
    def at(clock: str) -> bool:
        return invariants.inside(datetime.fromisoformat(f"2026-06-10T{clock}:00+00:00"), invariants.NO_NOON)

    assert [at(clock) for clock in ("08:59", "09:00", "11:54", "11:55", "13:59", "14:00", "19:54", "19:55")] == [
        False,
        True,
        True,
        False,
        False,
        True,
        True,
        False,
    ]


def test_checks_share_no_code_with_the_product() -> None:
    assert "recallgate" not in Path(invariants.__file__).read_text("utf-8")
