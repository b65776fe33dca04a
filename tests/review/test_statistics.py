"""The statistics of a review against scipy and statsmodels, and the verdict rule by rule."""

import math
from dataclasses import replace
from typing import Any

import pytest
from scipy import stats as scipy_stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest

from recallgate.review import ReviewCounts, Side, evaluate
from recallgate.review.counts import Costs, Pair
from recallgate.review.verdict import Signs, judge

FORM: dict[str, Any] = {
    "weights": [90, 10],
    "treatment": {"n": 9000, "returned": 900, "paid": 306, "retained_7d": 360, "margin_mean": 3.1, "margin_sd": 9.0},
    "control": {"n": 1000, "returned": 60, "paid": 15, "retained_7d": 20, "margin_mean": 2.6, "margin_sd": 8.2},
    "costs": {"message": 1000, "labour": 500, "incentive": 200, "fixed": 100},
    "cac": 9.0,
}


def counts_of(**changes: Any) -> ReviewCounts:
    return ReviewCounts.from_json({**FORM, **changes})


def test_rates_carry_wilson_intervals() -> None:
    result = evaluate(counts_of())

    for name, k, n in (
        ("recall_rate", 900, 9000),
        ("natural_return_rate", 60, 1000),
        ("pay_rate", 306, 900),
        ("retention_7d", 360, 900),
    ):
        figure = result.figure(name)
        assert figure is not None
        assert (figure.low, figure.high) == pytest.approx(proportion_confint(k, n, method="wilson"))


def test_lift_is_newcombes() -> None:
    lift = evaluate(counts_of()).figure("lift")

    assert lift is not None
    low, high = confint_proportions_2indep(900, 9000, 60, 1000, method="newcomb", compare="diff")
    assert (lift.value, lift.low, lift.high) == pytest.approx((0.04, low, high))


def test_p_value_is_pooled_z_for_large_counts_and_fisher_for_small_ones() -> None:
    large = evaluate(counts_of()).figure("p_value")
    small = evaluate(
        counts_of(
            treatment={**FORM["treatment"], "n": 20, "returned": 6, "paid": 1, "retained_7d": 1},
            control={**FORM["control"], "n": 20, "returned": 1, "paid": 0, "retained_7d": 0},
            weights=[1, 1],
        )
    ).figure("p_value")

    assert large is not None
    assert small is not None
    assert large.value == pytest.approx(proportions_ztest([900, 60], [9000, 1000])[1])
    assert small.value == pytest.approx(scipy_stats.fisher_exact([[6, 14], [1, 19]])[1])
    assert (large.more["test"], small.more["test"]) == ("pooled_z", "fisher")


def test_margin_and_roi_follow_welch() -> None:
    # M = 9000 · 0.5 = 4500, C = 1800, ROI = 1.5; limits from Welch's interval of the mean difference
    result = evaluate(counts_of())
    parts = (81.0 / 9000, 8.2**2 / 1000)
    df = sum(parts) ** 2 / (parts[0] ** 2 / 8999 + parts[1] ** 2 / 999)
    low, high = scipy_stats.t.interval(0.95, df, loc=0.5, scale=math.sqrt(sum(parts)))

    margin, roi = result.figure("incremental_margin"), result.figure("roi")
    assert margin is not None
    assert roi is not None
    assert (margin.value, margin.low, margin.high) == pytest.approx((4500, 9000 * low, 9000 * high))
    assert (roi.value, roi.low, roi.high) == pytest.approx((1.5, (9000 * low - 1800) / 1800, (9000 * high - 1800) / 1800))


def test_cost_per_person_won_back_is_compared_with_a_new_user() -> None:
    # R = 9000 · 0.04 = 360, C = 1800: 5 a head, 2 a head naively
    result = evaluate(counts_of())

    icpr, naive = result.figure("icpr"), result.figure("naive_cpr")
    assert icpr is not None
    assert naive is not None
    assert (icpr.value, naive.value) == pytest.approx((5.0, 2.0))
    assert icpr.more["below_cac"] is True


def test_a_cost_without_limit_is_said_in_words() -> None:
    weak = counts_of(treatment={**FORM["treatment"], "returned": 600})

    icpr = evaluate(weak).to_json()["statistics"]["icpr"]  # type: ignore[index]  # plain JSON
    assert icpr["high"] == "not bounded"
    assert isinstance(icpr["value"], float)


def test_nobody_returned_gives_the_rule_of_three() -> None:
    nobody = counts_of(control={**FORM["control"], "returned": 0, "paid": 0, "retained_7d": 0})

    result = evaluate(nobody)
    at_most = result.figure("natural_at_most")
    assert at_most is not None
    assert at_most.value == pytest.approx(0.003)
    assert result.figure("relative_lift") is None


def test_arms_are_corrected_by_holm() -> None:
    arms = {"a": Side(3000, 330, 0, 0), "b": Side(3000, 210, 0, 0), "c": Side(3000, 205, 0, 0)}
    result = evaluate(replace(counts_of(), by_arm=arms))

    p = [proportions_ztest([arm.returned, 60], [arm.n, 1000])[1] for arm in arms.values()]
    assert [row.p_adjusted for row in result.arms] == pytest.approx(list(multipletests(p, method="holm")[1]))
    assert [row.rejected for row in result.arms] == list(multipletests(p, method="holm")[0])


def test_weights_of_arms_are_checked_together() -> None:
    arms = {"a": Side(6000, 600, 0, 0), "b": Side(3000, 300, 0, 0)}
    result = evaluate(replace(counts_of(), by_arm=arms, weights=(45, 45, 10)))

    ratio = result.figure("sample_ratio")
    assert ratio is not None
    assert ratio.value == pytest.approx(scipy_stats.chisquare([6000, 3000, 1000], [4500, 4500, 1000])[1])
    assert result.verdict == "invalid"


VERDICTS = [
    ("a broken split comes before everything", Signs(ratio_broken=True, best_roi=-2, lift_low=0.1, lift_high=0.2), "invalid"),
    ("a certain loss comes before an unclear lift", Signs(lift_low=-0.1, lift_high=0.1, roi_high=-0.1, best_roi=-0.1), "failed"),
    ("a best case of exactly zero is no loss", Signs(lift_low=-0.1, lift_high=0.1, best_roi=0.0), "inconclusive"),
    (
        "an unclear lift comes before a good return",
        Signs(lift_low=-0.1, lift_high=0.1, roi=2, roi_low=1, best_roi=3),
        "inconclusive",
    ),
    ("a limit of exactly zero is contained", Signs(lift_low=0.0, lift_high=0.1, roi=2, roi_low=1, best_roi=3), "inconclusive"),
    ("a return above zero at its worst", Signs(lift_low=0.01, lift_high=0.1, roi=2, roi_low=0.1, best_roi=3), "success"),
    ("a return that may be zero", Signs(lift_low=0.01, lift_high=0.1, roi=2, roi_low=0.0, best_roi=3), "promising"),
    ("a return of zero", Signs(lift_low=0.01, lift_high=0.1, roi=0.0, roi_low=-1, best_roi=1), "inconclusive"),
    ("harm", Signs(lift_low=-0.1, lift_high=-0.01, roi=-0.5, roi_low=-1, best_roi=1), "inconclusive"),
    ("history is never a success", Signs(experiment=False, roi=2, roi_low=1, best_roi=3), "promising"),
    ("nothing to compare with", Signs(experiment=False, best_roi=3), "inconclusive"),
    ("a loss is a loss without a holdout too", Signs(experiment=False, best_roi=-0.2), "failed"),
]


@pytest.mark.parametrize(("signs", "verdict"), [case[1:] for case in VERDICTS], ids=[case[0] for case in VERDICTS])
def test_the_first_rule_that_holds_is_the_verdict(signs: Signs, verdict: str) -> None:
    assert judge(signs).verdict == verdict


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, "promising"),  # ROI 150 % with −121 % … 421 %
        ({"weights": [50, 50]}, "invalid"),
        ({"costs": {"message": 100000}}, "failed"),
        ({"treatment": {**FORM["treatment"], "returned": 600, "margin_mean": 9.0}}, "inconclusive"),
        ({"treatment": {**FORM["treatment"], "margin_mean": 9.0}}, "success"),
        ({"treatment": {**FORM["treatment"], "margin_mean": 2.7}}, "inconclusive"),
        ({"control": None, "weights": None}, "inconclusive"),
        ({"costs": {}}, "inconclusive"),
    ],
)
def test_counts_lead_to_the_verdict(changes: dict[str, Any], verdict: str) -> None:
    assert evaluate(counts_of(**changes)).verdict == verdict


def test_without_a_holdout_no_cause_is_shown() -> None:
    result = evaluate(counts_of(control=None, weights=None, treatment={**FORM["treatment"], "margin_mean": 90.0}))

    assert result.evidence == "historical"
    assert result.verdict != "success"
    assert [result.figure(name) for name in ("lift", "p_value", "sample_ratio", "icpr", "roi")] == [None] * 5


def test_history_gives_points_without_intervals() -> None:
    result = evaluate(counts_of(treatment={**FORM["treatment"], "margin_mean": 9.0}), evidence="historical")

    lift, roi = result.figure("lift"), result.figure("roi")
    assert lift is not None
    assert roi is not None
    assert (lift.low, lift.high, roi.low, roi.high) == (None, None, None, None)
    assert result.verdict == "promising"


def _codes(counts: ReviewCounts, **options: Any) -> list[str]:
    return [warning.code for warning in evaluate(counts, **options).warnings]


def _sides(n_c: int, k_t: int, k_c: int) -> ReviewCounts:
    return ReviewCounts(Side(1000, k_t, 0, 0), Side(n_c, k_c, 0, 0), costs=Costs(message=1))


@pytest.mark.parametrize(
    ("counts", "options", "codes"),
    [
        (_sides(100, 300, 5), {}, []),
        (_sides(99, 300, 5), {}, ["small_control"]),
        (_sides(500, 300, 4), {}, ["few_returns"]),
        (_sides(500, 4, 50), {}, ["few_returns"]),
        (_sides(500, 100, 50), {}, ["lift_contains_zero"]),
        (_sides(500, 300, 50), {"peeked": True}, ["peeked"]),
        (_sides(500, 300, 50), {"open_share": 0.05}, []),
        (_sides(500, 300, 50), {"open_share": 0.051}, ["window_open"]),
        (_sides(500, 300, 50), {"evidence": "historical"}, ["historical_evidence"]),
        (ReviewCounts(Side(30, 3, 2, 1)), {}, ["few_returns", "historical_evidence"]),
        (
            _sides(20, 4, 0),
            {"peeked": True, "open_share": 1.0},
            ["small_control", "few_returns", "lift_contains_zero", "peeked", "window_open"],
        ),
    ],
)
def test_warnings_stand_at_their_limits_and_in_order(counts: ReviewCounts, options: dict[str, Any], codes: list[str]) -> None:
    assert _codes(counts, **options) == codes


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"treatment": None}, "treatment must be an object"),
        ({"treatment": {**FORM["treatment"], "n": 0}}, "treatment.n must be from 1"),
        ({"treatment": {**FORM["treatment"], "returned": 9001}}, "treatment.returned must not exceed treatment.n"),
        ({"control": {**FORM["control"], "paid": 61}}, "control.paid must not exceed control.returned"),
        ({"control": {"n": 10}}, "control.returned is missing"),
        ({"control": {**FORM["control"], "margin_sd": "8"}}, "control.margin_sd must be a number"),
        ({"control": {**FORM["control"], "retaned": 8}}, "control: 'retaned' is not known"),
        ({"weights": [90]}, "weights must be a list of two numbers"),
        ({"weights": None}, "weights is missing"),
        ({"weights": [90, 0]}, r"weights\[1\] must be above 0"),
        ({"costs": {"message": -1}}, "costs.message must be at least 0"),
        ({"costs": None}, "costs is missing"),
        ({"cac": 0}, "cac must be above 0"),
        ({"cacc": 1}, "counts: 'cacc' is not known"),
    ],
)
def test_wrong_counts_are_refused_by_field(change: dict[str, Any], part: str) -> None:
    with pytest.raises(ValueError, match=part):
        counts_of(**change)


def test_groups_without_a_control_have_a_rate_and_no_lift() -> None:
    pairs = {"high": Pair(Side(100, 10, 0, 0), Side(50, 1, 0, 0)), "low": Pair(Side(100, 5, 0, 0))}
    high, low = evaluate(replace(counts_of(), by_tier=pairs)).tiers

    assert high.lift is not None
    assert low.lift is None
    assert low.treatment is not None
    assert math.isclose(low.treatment.rate, 0.05)


def test_an_empty_campaign_has_no_rates_and_no_verdict_but_inconclusive() -> None:
    result = evaluate(ReviewCounts(Side(0, 0, 0, 0)))

    figure = result.figure("recall_rate")
    assert figure is not None
    assert figure.value is None
    assert result.verdict == "inconclusive"
