"""Preflight: numbers by hand, and each reason on both sides of its edge."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from recallgate.model.errors import ConfigError
from recallgate.recall.campaign import Campaign, Goal
from recallgate.recall.churn import preset
from recallgate.recall.lapse import Churn
from recallgate.recall.offer import Offer, OfferKind, Terms
from recallgate.recall.play import WEEK, Play
from recallgate.recall.preflight import Figures, preflight
from recallgate.recall.segment import everybody
from recallgate.recall.steps import Send, Way

GOOD = Figures(
    audience=20_000,
    base_rate=0.06,
    expected_lift=0.02,
    value=60.0,
    cost_per_person=0.3,
    redeem_share=0.5,
    min_attractive=10.0,
    cac=80.0,
    budget=6_000.0,
)


def codes(figures: Figures) -> set[str]:
    return {reason.code for reason in preflight(figures).reasons}


def test_numbers_by_hand() -> None:
    # 10 % of 20 000 held out: 2 000, 18 000 treated; one pass 18 000 * 0.3 = 5 400; returns 18 000 * 0.02 = 360;
    # 5 400 / 360 = 15 each; b* = (60 * 0.02 - 0.3) / (0.08 * 0.5) = 0.9 / 0.04 = 22.5
    # mde = (1.95996 + 0.84162) * sqrt(0.06 * 0.94 * (1/18000 + 1/2000)) = 0.015682
    found = preflight(GOOD)

    assert found.verdict == "go"
    assert found.reasons == ()
    expected = {
        "treated": 18_000,
        "held_out": 2_000,
        "cost_of_one_pass": 5_400,
        "incremental_returns": 360,
        "expected_icpr": 15,
        "max_incentive": 22.5,
        "mde": 0.015682,
        "value_per_person": 1.2,
    }
    assert {name: found.numbers[name] for name in expected} == pytest.approx(expected, abs=5e-6)


def test_a_planned_incentive_costs_for_those_who_redeem() -> None:
    # 5 400 + 18 000 * 0.08 * 0.5 * 10 = 12 600; 12 600 / 360 = 35
    assert preflight(replace(GOOD, incentive=10.0)).numbers["expected_icpr"] == pytest.approx(35)


def test_people_needed_an_arm_are_rounded_up() -> None:
    # golden: 0.05 against 0.075 needs 1470.49, so 1471
    assert preflight(replace(GOOD, base_rate=0.05, expected_lift=0.025)).numbers["n_per_arm"] == 1471


@pytest.mark.parametrize(
    ("figures", "code", "there"),
    [
        (replace(GOOD, budget=5_399.0), "budget_too_small", True),
        (replace(GOOD, budget=5_400.0), "budget_too_small", False),
        (replace(GOOD, budget=None), "budget_too_small", False),
        (replace(GOOD, fixed_cost=601.0), "budget_too_small", True),
        # the gain V·Δ = 1.2 does not exceed a cost of 1.2, and one return costs 60
        (replace(GOOD, cost_per_person=1.2, cac=59.0, budget=None), "icpr_above_cac", True),
        (replace(GOOD, cost_per_person=1.2, cac=61.0, budget=None), "icpr_above_cac", False),
        (replace(GOOD, cost_per_person=1.19, cac=59.0, budget=None), "icpr_above_cac", False),
        (replace(GOOD, expected_lift=-0.01), "icpr_above_cac", True),
        (replace(GOOD, cost_per_person=1.2, budget=None), "no_affordable_incentive", True),
        (replace(GOOD, cost_per_person=1.19, budget=None), "no_affordable_incentive", False),
        (replace(GOOD, expected_lift=0.0156), "underpowered", True),
        (replace(GOOD, expected_lift=0.0157), "underpowered", False),
        (replace(GOOD, holdout_bp=0), "underpowered", True),
        (replace(GOOD, min_attractive=22.6), "incentive_too_small", True),
        (replace(GOOD, min_attractive=22.4), "incentive_too_small", False),
        (replace(GOOD, audience=999), "small_holdout", True),
        (replace(GOOD, audience=1_000), "small_holdout", False),
    ],
)
def test_each_reason_has_its_edge(figures: Figures, code: str, there: bool) -> None:
    assert (code in codes(figures)) is there


def test_one_no_go_outweighs_warnings() -> None:
    assert preflight(replace(GOOD, budget=1.0, audience=999)).verdict == "no_go"
    assert preflight(replace(GOOD, audience=999)).verdict == "warn"


def test_a_lift_below_zero_bounds_no_cost() -> None:
    assert preflight(replace(GOOD, expected_lift=-0.01)).numbers["expected_icpr"] is None


PUSH = Play("p", (Send("push", (Way("push", {"title": "a", "body": "b"}),)),))
OFFER = Offer("nov", OfferKind.COUPON, "5 off", "platform", {"all": (Terms(500, 500),)})
CAMPAIGN = Campaign(
    "nov",
    Goal.WIN_BACK,
    Churn(preset("ecommerce")),
    everybody(),
    Play("p", (Send("sms", (Way("sms", {"text": "hi"}),)),)),
    offer=OFFER,
    hypothesis="delivery was slow",
    what_changed="delivery takes a day",
    product_class="ecommerce",
)


@pytest.mark.parametrize(
    ("campaign", "found"),
    [
        (CAMPAIGN, set()),
        (replace(CAMPAIGN, hypothesis=" "), {"no_hypothesis"}),
        (replace(CAMPAIGN, what_changed=""), {"no_what_changed"}),
        (replace(CAMPAIGN, product_class="tool"), {"value_type"}),
        (replace(CAMPAIGN, product_class="unheard_of"), set()),
        (replace(CAMPAIGN, play=PUSH), {"no_hours"}),
        (replace(CAMPAIGN, play=replace(PUSH, windows={"*": ((WEEK, "09:00", "20:00"),)})), set()),
    ],
)
def test_warnings_about_the_campaign(campaign: Campaign, found: set[str]) -> None:
    answer = preflight(GOOD, campaign=campaign)

    assert {reason.code for reason in answer.reasons} == found
    assert answer.verdict == ("warn" if found else "go")


def test_hours_of_the_tenant_are_enough() -> None:
    assert preflight(GOOD, campaign=replace(CAMPAIGN, play=PUSH), tenant_windows=True).verdict == "go"


def test_figures_are_read_from_json() -> None:
    data = {"audience": 20_000, "base_rate": 0.06, "expected_lift": 0.02, "value": 60, "cost_per_person": 0.3, "cac": None}

    assert Figures.read(data) == Figures(audience=20_000, base_rate=0.06, expected_lift=0.02, value=60, cost_per_person=0.3)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Figures.read({"audience": 1}), "missing base_rate, expected_lift, value, cost_per_person"),
        (lambda: Figures.read({"audiance": 1}), "unknown key audiance"),
        (lambda: Figures.read({"audience": "many"}), "audience: a number"),
        (lambda: replace(GOOD, audience=0), "audience"),
        (lambda: replace(GOOD, base_rate=0), "base_rate"),
        (lambda: replace(GOOD, expected_lift=0.95), "expected_lift"),
        (lambda: replace(GOOD, redeem_share=0), "redeem_share"),
        (lambda: replace(GOOD, value=-1), "value"),
        (lambda: replace(GOOD, holdout_bp=-1), "holdout_bp"),
    ],
)
def test_senseless_figures_are_refused(build: Callable[[], object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        build()
