"""States, buckets, rungs, channel order and the curve from which a threshold is read."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest

from recallgate.recall.activity import Activity
from recallgate.recall.audience import Audience
from recallgate.recall.churn import Fixed
from recallgate.recall.duck import connect
from recallgate.recall.lapse import (
    Churn,
    Hopeless,
    LapseBuckets,
    LapseState,
    channel_order,
    ladder_rungs,
    on_activity,
    return_curve,
    rung_due,
)
from recallgate.stats.churn import first_below, knee

NOW = datetime(2026, 6, 30, tzinfo=UTC)
CHURN = Churn(Fixed("visit", 30), at_risk=Fixed("visit", 20))


@pytest.mark.parametrize(
    ("idle", "fired", "due"),
    [
        (2, (), None),
        (3, (), 3),
        (3, (3,), None),
        (6, (3,), None),
        (7, (3,), 7),
        (10, (), 7),  # first seen on day 10: one rung, never a burst
        (10, (7,), None),
        (13, (7,), None),
        (14, (7,), 14),
        (28, (3, 7, 14), 28),
        (400, (28,), None),
        (10, (14,), None),  # a lower rung never follows a higher one
    ],
)
def test_only_the_highest_rung_reached_fires_and_once(idle: int, fired: tuple[int, ...], due: int | None) -> None:
    assert rung_due(idle, fired=frozenset(fired)) == due


def test_pitfall_22_late_enrolment_gives_no_burst() -> None:
    fired: set[int] = set()
    for idle in range(10, 40):
        if (rung := rung_due(idle, fired=fired)) is not None:
            fired.add(rung)

    assert fired == {7, 14, 28}


def test_the_usual_rungs_are_3_7_14_28() -> None:
    assert ladder_rungs() == (3, 7, 14, 28)


@pytest.mark.parametrize(
    ("idle", "before", "failures", "after"),
    [
        (19, LapseState.ACTIVE, 0, LapseState.ACTIVE),
        (20, LapseState.ACTIVE, 0, LapseState.AT_RISK),
        (29, LapseState.AT_RISK, 0, LapseState.AT_RISK),
        (30, LapseState.AT_RISK, 0, LapseState.LAPSED),
        (90, LapseState.LAPSED, 2, LapseState.LAPSED),
        (90, LapseState.LAPSED, 3, LapseState.HOPELESS),
        (0, LapseState.HOPELESS, 3, LapseState.RETURNED),
        (1, LapseState.LAPSED, 0, LapseState.RETURNED),
        (1, LapseState.RETURNED, 0, LapseState.ACTIVE),
    ],
)
def test_states_follow_the_rule(idle: int, before: LapseState, failures: int, after: LapseState) -> None:
    facts = {"days_since": {"visit": idle}, "days_since_first": 500}
    failed_at = [NOW - timedelta(days=10 * n) for n in range(1, failures + 1)]

    assert CHURN.state_of(facts, before=before, failed_at=failed_at, now=NOW) == after


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (LapseState.LAPSED, LapseState.RETURNED),
        (LapseState.HOPELESS, LapseState.RETURNED),
        (LapseState.RETURNED, LapseState.ACTIVE),
        (LapseState.AT_RISK, LapseState.ACTIVE),
    ],
)
def test_an_event_returns_and_then_makes_active(state: LapseState, after: LapseState) -> None:
    assert on_activity(state) == after


def test_failures_outside_the_window_are_forgotten() -> None:
    old = [NOW - timedelta(days=180), NOW - timedelta(days=100), NOW - timedelta(days=50)]

    assert not Hopeless().holds(old, NOW)
    assert Hopeless().holds([*old, NOW - timedelta(days=1)], NOW)


@pytest.mark.parametrize(
    ("days", "label"), [(29, None), (30, "30-59"), (59, "30-59"), (60, "60-89"), (364, "180-364"), (365, "365+"), (9999, "365+")]
)
def test_buckets_begin_at_their_edge(days: int, label: str | None) -> None:
    assert LapseBuckets().label_of(days) == label


def test_bucket_labels_agree_in_sql(shop: Audience) -> None:
    buckets = LapseBuckets((10, 100, 500))
    rows = shop.activity.connection.execute(f"SELECT DISTINCT days_since_last, {buckets.sql()} FROM rg_audience").fetchall()  # noqa: S608 - test data

    assert len(rows) > 400
    assert [label for _, label in rows] == [buckets.label_of(days) for days, _ in rows]


@pytest.mark.parametrize(("idle", "first"), [(0, "push"), (60, "push"), (61, "email"), (400, "email")])
def test_outer_channels_come_first_after_60_days(idle: int, first: str) -> None:
    order = channel_order(idle)

    assert order[0] == first
    assert "push" in order


def test_human_calls_are_the_worklist() -> None:
    assert channel_order(61) == ("email", "sms", "worklist", "push", "inapp")


def test_the_return_curve_by_hand() -> None:
    # a: 1 day, then 4 days, then open for 5 days at the end: too young to count for any N with a patience of 5
    # b: open for 10 days: not ended for N up to 5
    source = """SELECT * FROM (VALUES ('a', DATE '2026-06-20'), ('a', DATE '2026-06-21'), ('a', DATE '2026-06-25'),
                ('b', DATE '2026-06-20')) AS v(person, day)"""
    activity = Activity.from_sql(source, connection=connect())

    curve = return_curve(activity, as_of=date(2026, 6, 30), max_days=6, patience_days=5)

    assert curve == [(1, 2 / 3), (2, 1 / 2), (3, 1 / 2), (4, 1 / 2), (5, 0.0)]


def test_a_threshold_is_read_from_the_shop(shop: Audience) -> None:
    curve = return_curve(shop.activity, as_of=date(1998, 6, 30), max_days=180)

    assert len(curve) == 180
    assert all(later <= earlier for (_, earlier), (_, later) in pairwise(curve))
    assert 1 < knee(curve) < 180
    assert first_below(curve, 0.5) is not None
