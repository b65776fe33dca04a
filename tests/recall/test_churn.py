"""Churn rules: thresholds at their edges, and SQL against Python."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from recallgate.model.errors import ConfigError
from recallgate.recall.activity import Activity
from recallgate.recall.audience import Audience
from recallgate.recall.churn import (
    BgNbd,
    Fixed,
    OwnInterval,
    PAlive,
    PopulationQuantile,
    all_of,
    any_of,
    preset,
    presets,
    value_types,
)
from recallgate.recall.condition import Condition
from recallgate.recall.duck import connect, literal
from recallgate.recall.features import Act, features_of

DAY = date(2026, 6, 30)
PARAMS = BgNbd(r=0.3, alpha=5.0, a=0.9, b=2.5)


def ago(*days: int, event: str = "purchase") -> list[Act]:
    return [Act(event, DAY - timedelta(days=back)) for back in days]


def lapsed(rule: Condition, acts: list[Act]) -> bool:
    found = features_of("a", acts, as_of=DAY)
    assert found is not None
    return rule.holds(found.facts())


@pytest.mark.parametrize(
    ("rule", "acts", "expected"),
    [
        (Fixed("purchase", 30), ago(29), False),
        (Fixed("purchase", 30), ago(30), True),
        (Fixed("purchase", 30), ago(90, 29), False),
        # the own median gap is 10, three times that is 30
        (OwnInterval(3, 7, 60), ago(49, 39, 29), False),
        (OwnInterval(3, 7, 60), ago(50, 40, 30), True),
        # gaps of 1 would give 3: the least holds; gaps of 100 would give 300: the most holds
        (OwnInterval(3, 7, 60), ago(8, 7, 6), False),
        (OwnInterval(3, 7, 60), ago(9, 8, 7), True),
        (OwnInterval(3, 7, 60), ago(259, 159, 59), False),
        (OwnInterval(3, 7, 60), ago(260, 160, 60), True),
        # one purchase day says nothing of a rhythm: the most holds
        (OwnInterval(3, 7, 60), ago(59), False),
        (OwnInterval(3, 7, 60), ago(60, 60), True),
        (PopulationQuantile(0.9, days=14), ago(13), False),
        (PopulationQuantile(0.9, days=14), ago(14), True),
        # golden: x = 4, t_x = 20, T = 40 gives 0.327971
        (PAlive(0.32797, PARAMS), ago(40, 35, 30, 25, 20), False),
        (PAlive(0.32798, PARAMS), ago(40, 35, 30, 25, 20), True),
        # one-time buyers are alive to the model
        (PAlive(0.99, PARAMS), ago(400), False),
        (all_of(Fixed("purchase", 30), Fixed("visit", 10)), ago(40) + ago(9, event="visit"), False),
        (all_of(Fixed("purchase", 30), Fixed("visit", 10)), ago(40) + ago(10, event="visit"), True),
        (any_of(Fixed("purchase", 30), Fixed("visit", 10)), ago(40) + ago(9, event="visit"), True),
        (~Fixed("purchase", 30), ago(29), True),
    ],
)
def test_thresholds_hold_from_their_day_on(rule: Condition, acts: list[Act], expected: bool) -> None:
    assert lapsed(rule, acts) is expected


@pytest.mark.parametrize(
    ("name", "event", "days"), [("food_delivery", "visit", 5), ("fresh", "visit", 7), ("ecommerce", "purchase", 30)]
)
def test_presets_are_those_of_practice(name: str, event: str, days: int) -> None:
    assert preset(name) == Fixed(event, days)


def test_a_daily_visitor_who_never_buys_is_lapsed_under_the_shop_preset_only() -> None:
    visits = ago(*range(40), event="visit")

    assert [name for name in presets() if lapsed(preset(name), visits)] == ["ecommerce"]


def test_a_newcomer_who_has_not_bought_yet_is_not_lapsed() -> None:
    assert not lapsed(preset("ecommerce"), ago(2, 1, 0, event="visit"))


def test_an_unknown_preset_lists_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="there are food_delivery, fresh, ecommerce"):
        preset("games")


@pytest.mark.parametrize(
    ("product", "types"),
    [("tool", ("new_feature", "fixed_bug")), ("ecommerce", ("discount",)), ("fresh_groceries", ("discount",)), ("bank", ())],
)
def test_value_types_fit_the_product(product: str, types: tuple[str, ...]) -> None:
    assert value_types(product) == types


def test_a_quantile_that_was_not_learned_cannot_judge() -> None:
    with pytest.raises(ConfigError, match=r"audience\.fit"):
        lapsed(PopulationQuantile(0.9), ago(30))


def audience_of(people: list[list[Act]]) -> Audience:
    values = ", ".join(
        f"('{i}', {literal(act.event)}, {literal(act.at.isoformat())}, {act.amount_cents})"
        for i, acts in enumerate(people)
        for act in acts
    )
    source = f"SELECT * FROM (VALUES {values}) AS v(person, event, day, amount)"  # noqa: S608 - test data
    return Audience.build(Activity.from_sql(source, connection=connect(), minor_units=0), DAY)


def test_a_quantile_is_learned_from_everybodys_gaps() -> None:
    audience = audience_of([ago(10, 9, 7, 4), ago(104, 4)])  # gaps 1, 2, 3, 100; the median is 2.5, rounded up

    fitted = audience.fit(PopulationQuantile(0.5) & Fixed("visit", 3))

    assert fitted == PopulationQuantile(0.5, days=3) & Fixed("visit", 3)


def test_nothing_is_learned_without_gaps() -> None:
    with pytest.raises(ConfigError, match="nobody did 'purchase' on two days"):
        audience_of([ago(3)]).fit(PopulationQuantile(0.5))


people = st.lists(
    st.lists(
        st.builds(Act, st.sampled_from(["visit", "purchase"]), st.integers(0, 90).map(lambda back: DAY - timedelta(days=back))),
        min_size=1,
        max_size=8,
    ),
    min_size=1,
    max_size=8,
)
leaves = st.one_of(
    st.builds(Fixed, st.sampled_from(["visit", "purchase", "login"]), st.integers(1, 60)),
    st.builds(
        OwnInterval,
        st.floats(0.1, 5).map(lambda k: round(k, 2)),
        st.integers(1, 10),
        st.integers(10, 60),
        st.sampled_from(["visit", "purchase"]),
    ),
    st.builds(PopulationQuantile, st.just(0.5), st.just("visit"), st.integers(1, 60)),
    st.builds(PAlive, st.floats(0.05, 0.95), st.just(BgNbd(0.24, 4.41, 0.79, 2.43, unit_days=7.0))),
)
rules = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: all_of(*parts)),
        st.lists(inner, max_size=3).map(lambda parts: any_of(*parts)),
        inner.map(lambda part: ~part),
    ),
    max_leaves=5,
)


@settings(max_examples=12, deadline=None)
@given(people, st.lists(rules, min_size=1, max_size=6))
def test_sql_and_python_agree_on_every_rule(acts: list[list[Act]], judged: list[Condition]) -> None:
    audience = audience_of(acts)

    for rule in judged:
        expected = tuple(facts["person"] for facts in audience.facts() if rule.holds(facts))
        assert audience.members(rule) == expected


@pytest.mark.parametrize(
    "build",
    [
        lambda: Fixed("visit", 0),
        lambda: OwnInterval(0, 1, 2),
        lambda: OwnInterval(2, 9, 8),
        lambda: PopulationQuantile(1),
        lambda: PAlive(0, PARAMS),
        lambda: BgNbd(0, 1, 1, 1),
    ],
)
def test_senseless_rules_are_refused(build: object) -> None:
    assert callable(build)
    with pytest.raises(ConfigError):
        build()
