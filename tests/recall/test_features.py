"""Features: SQL against plain Python, and the cases in which the two meanings of recency differ."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from recallgate.model.errors import ConfigError
from recallgate.recall.activity import Activity, ActivityDef
from recallgate.recall.audience import Audience
from recallgate.recall.condition import field
from recallgate.recall.duck import connect, literal
from recallgate.recall.features import Act, Features, features_of

DAY = date(2026, 6, 30)
QUICK = settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)


def table_of(people: dict[str, list[Act]]) -> Activity:
    values = ", ".join(
        f"({literal(person)}, {literal(act.event)}, {literal(act.at.isoformat())}, {act.amount_cents}, {act.quantity})"
        for person, acts in people.items()
        for act in acts
    )
    return Activity.from_sql(
        f"SELECT * FROM (VALUES {values}) AS v(person, event, at_, amount, quantity)",  # noqa: S608 - test data
        connection=connect(),
        at="at_",
        minor_units=0,
    )


def one(acts: list[Act], as_of: date | datetime = DAY, definition: ActivityDef | None = None) -> Features:
    found = features_of("a", acts, as_of=as_of, definition=definition)
    assert found is not None
    return found


days = st.integers(0, 400).map(lambda back: DAY - timedelta(days=back))
instants = st.integers(0, 400 * 24 * 60).map(lambda back: datetime(2026, 6, 30, 12, tzinfo=UTC) - timedelta(minutes=back))


def acts(at: st.SearchStrategy[date]) -> st.SearchStrategy[list[Act]]:
    return st.lists(
        st.builds(Act, st.sampled_from(["visit", "purchase", "login"]), at, st.integers(0, 99_999), st.integers(0, 9)),
        min_size=1,
        max_size=12,
    )


@QUICK
@given(st.lists(acts(days), min_size=1, max_size=6))
def test_sql_and_python_agree_on_dates(people: list[list[Act]]) -> None:
    audience = Audience.build(table_of({str(i): a for i, a in enumerate(people)}), DAY)

    for i, own in enumerate(people):
        assert audience.features_of(str(i)) == features_of(str(i), own, as_of=DAY)


@QUICK
@given(st.lists(acts(instants), min_size=1, max_size=6), st.integers(0, 600))
def test_sql_and_python_agree_on_instants(people: list[list[Act]], earlier: int) -> None:
    as_of = datetime(2026, 6, 30, 12, 0, 1, tzinfo=UTC) - timedelta(hours=earlier)
    definition = ActivityDef(weights={"purchase": 3.0, "visit": 0.5})
    expected = {str(i): features_of(str(i), own, as_of=as_of, definition=definition) for i, own in enumerate(people)}
    activity = table_of({str(i): a for i, a in enumerate(people)})
    if activity.grain == "day":  # every instant fell on a midnight
        return
    if not any(expected.values()):
        with pytest.raises(ConfigError, match="nobody was active"):
            Audience.build(activity, as_of, definition=definition)
        return

    audience = Audience.build(activity, as_of, definition=definition)

    assert {person: audience.features_of(person) for person in expected} == expected


def test_the_two_recencies_differ_on_a_two_order_customer() -> None:
    found = one([Act("purchase", date(2026, 1, 1)), Act("purchase", date(2026, 3, 1))])

    assert (found.days_since_last, found.last_minus_first) == (121, 59)


def test_plain_recency_is_no_field() -> None:
    with pytest.raises(ConfigError, match="write days_since_last or last_minus_first"):
        field("recency")


def test_frequencies_before_the_lapse_do_not_fade_with_time() -> None:
    left = DAY - timedelta(days=200)
    visits = [Act("visit", left - timedelta(days=back)) for back in (0, 1, 7, 8)]
    orders = [Act("purchase", left - timedelta(days=back)) for back in (0, 30, 31)]

    found = one(visits + orders)

    assert found.days_since_last == 200
    assert found.visits_before_last_visit == 2  # 1 and 7 days before; the last itself and 8 days before are out
    assert found.orders_before_last_order == 1  # 30 days before; 31 is out


def test_whole_days_of_instants_are_24_hours_each() -> None:
    now = datetime(2026, 6, 30, 12, tzinfo=UTC)
    at = [now - timedelta(days=3) + timedelta(seconds=1), now - timedelta(days=3)]

    assert [one([Act("visit", moment)], now).days_since_last for moment in at] == [2, 3]


def test_dates_count_midnights_whatever_the_hour() -> None:
    assert one([Act("visit", date(2026, 6, 29))], datetime(2026, 6, 30, 0, 1, tzinfo=UTC)).days_since_last == 1


def test_events_after_the_reference_do_not_exist() -> None:
    found = one([Act("purchase", date(2026, 6, 1)), Act("purchase", date(2026, 7, 1))])

    assert (found.orders, found.days_since_last) == (1, 29)
    assert features_of("a", [Act("visit", date(2026, 7, 1))], as_of=DAY) is None


def test_only_core_behaviours_count() -> None:
    found = one([Act("purchase", date(2026, 6, 1)), Act("push_shown", DAY)], definition=ActivityDef(events=("purchase",)))

    assert found.days_since_last == 29


def test_two_rows_on_one_day_are_two_orders_and_one_purchase_day() -> None:
    found = one([Act("purchase", DAY, 100), Act("purchase", DAY, 100)])

    assert (found.orders, found.repeat_orders, found.purchase_days, found.monetary_cents) == (2, 1, 1, 200)


def test_the_median_gap_lies_between_distinct_days() -> None:
    found = one([Act("purchase", DAY - timedelta(days=back)) for back in (0, 0, 10, 30, 33)])

    assert found.median_gap_days == {"purchase": 10.0}


def test_dates_and_instants_are_not_mixed() -> None:
    with pytest.raises(ConfigError, match="some are dates and some are instants"):
        one([Act("visit", DAY), Act("visit", datetime(2026, 6, 1, tzinfo=UTC))])


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ConfigError, match="no time zone"):
        one([Act("visit", DAY)], datetime(2026, 6, 30, 12))


def test_weights_of_strange_events_are_refused() -> None:
    with pytest.raises(ConfigError, match="logn is not among the events"):
        ActivityDef(events=("login",), weights={"logn": 2})
