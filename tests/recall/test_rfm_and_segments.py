"""Scores by cut points, tiers, and the algebra of segments in SQL and in Python."""

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from recallgate.model.errors import ConfigError
from recallgate.recall.activity import Activity, cdnow
from recallgate.recall.audience import Audience
from recallgate.recall.churn import Fixed
from recallgate.recall.condition import FIELDS, Compare, Condition, Known, OneOf
from recallgate.recall.duck import connect
from recallgate.recall.rfm import FixedCuts
from recallgate.recall.segment import everybody, field, lapsed, max_lapse, region, rfm, tier
from recallgate.recall.tier import TierRule

END = date(1998, 6, 30)


def small(amounts: list[int]) -> Audience:
    values = ", ".join(f"('p{i:02}', DATE '2026-01-01', {amount})" for i, amount in enumerate(amounts))
    source = f"SELECT * FROM (VALUES {values}) AS v(person, day, amount)"  # noqa: S608 - test data
    return Audience.build(Activity.from_sql(source, connection=connect(), minor_units=0), date(2026, 2, 1))


def test_ten_different_values_make_two_a_score() -> None:
    audience = small([100 * i for i in range(10)])

    found = [audience.scores_of(f"p{i:02}") for i in range(10)]

    assert [scores.monetary for scores in found if scores] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_ties_share_a_score_and_scores_can_be_empty() -> None:
    # by hand: 4 people have nobody below (1); 1 person has 4 of 5 below: 1 + floor(5 * 4 / 5) = 5
    audience = small([7, 7, 7, 7, 9])

    found = [scores.monetary for i in range(5) if (scores := audience.scores_of(f"p{i:02}"))]

    assert found == [1, 1, 1, 1, 5]


def test_a_single_customer_has_the_lowest_scores() -> None:
    scores = small([7]).scores_of("p00")

    assert scores is not None
    assert scores.cell == "111"


def test_people_who_never_bought_have_no_scores() -> None:
    source = (
        "SELECT * FROM (VALUES ('a', DATE '2026-01-01', 'visit'), ('b', DATE '2026-01-01', 'purchase')) AS v(person, day, event)"
    )
    audience = Audience.build(Activity.from_sql(source, connection=connect()), date(2026, 2, 1))

    assert audience.scores_of("a") is None
    assert audience.scores_of("b") is not None
    assert audience.count(rfm("***")) == 1


CUTS = FixedCuts(recency_days=(30, 60, 90, 180), orders=(2, 3, 5, 10), monetary_cents=(1000, 5000, 10000, 50000))


@pytest.mark.parametrize(
    ("days", "orders", "cents", "cell"),
    [
        (30, 1, 999, "511"),
        (31, 2, 1000, "422"),
        (60, 3, 5000, "433"),
        (90, 5, 10000, "344"),
        (180, 9, 49999, "244"),
        (181, 10, 50000, "155"),
    ],
)
def test_fixed_cuts_hold_at_their_edges(days: int, orders: int, cents: int, cell: str) -> None:
    assert CUTS.score(days_since_last_purchase=days, orders=orders, monetary_cents=cents).cell == cell


def test_fixed_cuts_agree_in_sql(shop: Audience) -> None:
    audience = Audience.build(shop.activity, END, scoring=CUTS, table="rg_fixed")
    rows = shop.activity.connection.execute(
        f"SELECT DISTINCT days_since_last_purchase, orders, monetary_cents, rfm FROM {audience.table}"  # noqa: S608 - test data
    ).fetchall()

    assert all(
        CUTS.score(days_since_last_purchase=days, orders=orders, monetary_cents=cents).cell == cell
        for days, orders, cents, cell in rows
    )


@pytest.mark.parametrize(("cents", "name"), [(0, "low"), (999, "low"), (1000, "middle"), (4999, "middle"), (5000, "high")])
def test_a_value_at_a_threshold_is_in_the_upper_tier(cents: int, name: str) -> None:
    rule = TierRule(thresholds_cents=(1000, 5000))
    values = "SELECT * FROM (VALUES ('a', DATE '2026-01-01', ?)) AS v(person, day, amount)".replace("?", str(cents))
    audience = Audience.build(Activity.from_sql(values, connection=connect(), minor_units=0), date(2026, 2, 1), tiers=rule)

    assert rule.tier_of(cents) == name
    assert audience.members(tier(name)) == ("a",)


def test_tiers_by_quantiles_hold_everybody_once(shop: Audience) -> None:
    audience = Audience.build(shop.activity, END, tiers=TierRule(quantiles=(0.5, 0.9)), table="rg_tiers")

    cells = {cell.label: cell.count for cell in audience.describe("tier")}

    assert sum(cells.values()) == shop.people
    assert cells["high"] == pytest.approx(0.1 * shop.people, rel=0.01)
    assert cells["low"] == pytest.approx(0.5 * shop.people, rel=0.02)


@pytest.mark.parametrize(
    "build",
    [
        lambda: TierRule(thresholds_cents=(5,)),
        lambda: TierRule(thresholds_cents=(5, 4)),
        lambda: TierRule(quantiles=(0.5, 1.0)),
        lambda: TierRule(thresholds_cents=(1, 2), quantiles=(0.1, 0.2)),
        lambda: FixedCuts((1, 2, 3, 3), (1, 2, 3, 4), (1, 2, 3, 4)),
        lambda: rfm("5*"),
        lambda: rfm("6**"),
        lambda: field("monetery_cents"),
        lambda: field("orders") >= "three",  # type: ignore[operator]
        lambda: field("country") == 86,
        lambda: region(7),  # type: ignore[arg-type]
    ],
)
def test_wrong_fields_and_values_are_refused_when_built(build: object) -> None:
    assert callable(build)
    with pytest.raises(ConfigError):
        build()


def test_an_arm_is_no_field_of_a_segment(shop: Audience) -> None:
    with pytest.raises(ConfigError, match="inside a play only"):
        shop.count(field("arm") == "A")


def test_quotes_in_values_stay_values(shop: Audience) -> None:
    assert shop.count(field("country") == "CN' OR TRUE --") == 0


def test_shares_sum_to_one(shop: Audience) -> None:
    cells = shop.describe("rfm", condition=lapsed(Fixed("purchase", 30)))

    assert sum(cell.share for cell in cells) == pytest.approx(1)
    assert sum(cell.count for cell in cells) == 22064


def test_former_activity_and_longest_lapse_narrow_a_churn_rule(shop: Audience) -> None:
    segment = lapsed(Fixed("purchase", 30)) & (field("orders") >= 3) & max_lapse(180)
    by_hand = [
        facts for facts in shop.facts() if 30 <= int(str(facts["days_since_last"])) <= 180 and int(str(facts["orders"])) >= 3
    ]

    assert shop.count(segment) == len(by_hand) > 0


def test_a_snapshot_freezes_members_and_moment(shop: Audience) -> None:
    segment = rfm("5**") & ~(field("orders") < 3)
    first = shop.snapshot(segment)
    again = Audience.build(cdnow(), END).snapshot(segment)

    assert first.members == tuple(sorted(first.members))
    assert (first.digest, first.as_of) == (again.digest, END)
    assert shop.snapshot(everybody()).digest != first.digest


def test_the_members_of_a_snapshot_stay_out_of_its_repr(shop: Audience) -> None:
    assert "00003" not in repr(shop.snapshot(rfm("555")))


numbers = [name for name, kind in FIELDS.items() if kind == "number"]
leaves = st.one_of(
    st.builds(Compare, st.sampled_from(numbers), st.sampled_from([">=", ">", "<=", "<", "=", "<>"]), st.integers(0, 400)),
    st.builds(Compare, st.just("monetary_cents"), st.sampled_from([">=", "<"]), st.floats(0, 20_000)),
    st.builds(OneOf, st.just("orders"), st.lists(st.integers(0, 6), max_size=3).map(tuple)),
    st.builds(OneOf, st.just("tier"), st.lists(st.sampled_from(["all", "high"]), max_size=2).map(tuple)),
    st.builds(Known, st.sampled_from(["country", "rfm", "days_since_last_visit"])),
    st.text("12345*", min_size=3, max_size=3).map(rfm),
    st.sampled_from(["sms", "push"]).map(lambda name: field("device") == name),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda pair: pair[0] & pair[1]),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        inner.map(lambda part: ~part),
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def sample() -> Audience:
    source = f"SELECT * FROM read_csv('{cdnow_file()}', all_varchar=true) WHERE customer_id::INTEGER % 97 = 0"  # noqa: S608 - test data
    return Audience.build(Activity.from_sql(source, connection=connect()), END)


def cdnow_file() -> str:
    from pathlib import Path

    from recallgate.recall import activity

    return str(Path(activity.__file__).parent / "data" / "cdnow.csv.gz")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(condition=conditions)
def test_sql_and_python_agree_on_every_condition(sample: Audience, condition: Condition) -> None:
    everyone = _facts(sample)

    assert sample.members(condition) == tuple(facts["person"] for facts in everyone if condition.holds(facts))


_CACHE: dict[int, list[dict[str, object]]] = {}


def _facts(audience: Audience) -> list[dict[str, object]]:
    if id(audience) not in _CACHE:
        _CACHE[id(audience)] = [dict(facts) for facts in audience.facts()]
    return _CACHE[id(audience)]


def test_negation_includes_people_of_whom_nothing_is_known(sample: Audience) -> None:
    assert sample.count(~(field("country") == "CN")) == sample.people
    assert sample.count(field("country") != "CN") == 0
