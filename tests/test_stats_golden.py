"""Every golden number of the statistics, and what `evaluate` refuses."""

import json
from pathlib import Path

import pytest

from recallgate.stats import NOT_BOUNDED
from recallgate.stats.catalog import NAMES, evaluate

CASES = json.loads((Path(__file__).parent / "data/golden/statistics.json").read_text("utf-8"))["cases"]
MEANS = {"mean_t": 1, "sd_t": 1, "n_t": 2, "mean_c": 1, "sd_c": 1, "n_c": 2}


def statistic_of(case_name: str) -> str:
    return max((name for name in NAMES if case_name.startswith(name)), key=len)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_golden_number_is_met(case):
    result = evaluate(statistic_of(case["name"]), case["inputs"])

    assert set(result) == set(case["expected"])
    for key, expected in case["expected"].items():
        if isinstance(expected, bool) or case["tolerance"] == 0:
            assert result[key] == expected
            assert type(result[key]) is type(expected)
        else:
            assert result[key] == pytest.approx(expected, rel=0, abs=case["tolerance"])


def test_every_name_has_a_golden_number():
    assert {statistic_of(case["name"]) for case in CASES} == set(NAMES)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_result_is_plain_json(case):
    result = evaluate(statistic_of(case["name"]), case["inputs"])

    assert json.loads(json.dumps(result, allow_nan=False)) == result


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_unexpected_key_is_named(case):
    with pytest.raises(ValueError, match=r"^surprise is not an input of"):
        evaluate(statistic_of(case["name"]), {**case["inputs"], "surprise": 1})


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
@pytest.mark.parametrize(
    "bad", [None, "text", True, float("nan"), -7, [], 10**400], ids=["null", "text", "true", "nan", "-7", "[]", "huge"]
)
def test_a_bad_value_is_named_by_its_field(case, bad):
    for key, good in case["inputs"].items():
        if key in ("salt", "unit") and bad == "text":
            continue
        if (good is True and bad is True) or (key in ("mean_t", "mean_c") and bad == -7):
            continue

        with pytest.raises(ValueError, match=rf"^{key}\b"):
            evaluate(statistic_of(case["name"]), {**case["inputs"], key: bad})


@pytest.mark.parametrize(
    ("name", "inputs", "message"),
    [
        ("median", {}, "'median' is no statistic; there are wilson, newcombe"),
        ("wilson", {"k": 1}, "n is missing: wilson needs k, n"),
        ("wilson", {"k": 5, "n": 3}, "k must not exceed n, got 5 of 3"),
        ("wilson", {"k": 0, "n": 0}, "n must be from 1"),
        ("wilson", {"k": 1.5, "n": 3}, "k must be a whole number"),
        ("wilson", {"k": 1, "n": 3, "alpha": 0}, "alpha must be above 0 and below 1"),
        ("wilson", {"k": 1, "n": 3, "alpha": 1}, "alpha must be above 0 and below 1"),
        ("wilson", {"k": 1, "n": 3, "alpha": 5}, "alpha must be above 0 and below 1, got 5.0; write 5 % as 0.05"),
        ("welch", {**MEANS, "alpha": 1e-300}, "alpha must be at least 1e-15"),
        ("srm", {"df": 10_001}, "df must be from 1 to 10000"),
        ("max_affordable_incentive", {"V": 9, "delta": 0.1, "c": 1, "p_t": 0.1, "rho": 5e-324}, "rho must be at least 1e-100"),
        ("newcombe", {"k_t": 9, "n_t": 10, "k_c": 11, "n_c": 10}, "k_c must not exceed n_c"),
        ("two_proportion_z", {"k_t": 1, "n_t": 2, "k_c": 1, "n_c": 2, "pooled": False}, "pooled must be True or left out"),
        ("two_proportion_z", {"k_t": 1, "n_t": 2, "k_c": 1, "n_c": 2, "pooled": 1}, "pooled must be True or left out"),
        ("n_per_arm", {"p0": 0.05, "p1": 0.05}, "p1 must differ from p0"),
        ("n_per_arm", {"p0": 5, "p1": 7}, "p0 must be from 0 to 1"),
        ("n_per_arm", {"p0": 0.05, "p1": 0.07, "power": 0.02}, "power must be above alpha/2"),
        ("mde", {"p0": 0, "n_t": 10, "n_c": 10}, "p0 must be above 0"),
        ("welch", {"mean_t": 1, "sd_t": 1, "n_t": 1, "mean_c": 1, "sd_c": 1, "n_c": 2}, "n_t must be from 2"),
        ("welch", {"mean_t": 1, "sd_t": -1, "n_t": 2, "mean_c": 1, "sd_c": 1, "n_c": 2}, "sd_t must be at least 0"),
        ("srm", {"observed": [1, 2], "weights": [1]}, "weights must have one entry a group: 2 groups observed, 1 weights given"),
        ("srm", {"observed": [1], "weights": [1]}, "observed must hold the sizes of at least two groups"),
        ("srm", {"observed": [0, 0], "weights": [1, 1]}, "observed must count at least one person"),
        ("srm", {"observed": [5, 5], "weights": [1, 0]}, r"weights\[1\] must be above 0"),
        ("srm", {"observed": "55", "weights": [1, 1]}, "observed must be a list"),
        ("holm", {"p": []}, "p must hold at least one p-value"),
        ("holm", {"p": [0.1, 1.2]}, r"p\[1\] must be from 0 to 1"),
        ("roi", {"mean_t": 1, "sd_t": 1, "n_t": 9, "mean_c": 1, "sd_c": 1, "n_c": 9, "cost": 0}, "cost must be above 0"),
        ("max_affordable_incentive", {"V": 9, "delta": 0.1, "c": 1, "p_t": 0, "rho": 1}, "p_t must be above 0"),
        ("max_affordable_incentive", {"V": 9, "delta": 2, "c": 1, "p_t": 0.1, "rho": 1}, "delta must be from -1 to 1"),
        ("rule_of_three", {"k": 1, "n": 20}, "k must be 0 for the rule of three, got 1; use wilson"),
        ("p_alive", {"r": 1, "alpha": 1, "a": 1, "b": 1, "x": 1, "t_x": 9, "T": 8}, "t_x must not exceed T"),
        ("knee", {"points": [[1, 0.5], [2, 0.1]]}, "points must hold at least 3 pairs"),
        ("knee", {"points": [[1, 0.5], [3, 0.2], [2, 0.1]]}, r"points\[2\]\[0\] must be above the N before it"),
        ("knee", {"points": [[1, 3], [2, 2], [3, 1]]}, "points must run below the chord somewhere"),
        ("knee", {"points": [[1, 3], [2, 2, 2], [3, 1]]}, r"points\[1\] must be a pair"),
        ("sms_parts", {"units": 5, "encoding": "utf8"}, "encoding must be one of gsm7, ucs2"),
        ("bucket", {"salt": "s", "unit": 7}, "unit must be text, got int"),
    ],
)
def test_refusal_names_field_and_remedy(name, inputs, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        evaluate(name, inputs)


def test_inputs_that_are_no_object_are_refused():
    with pytest.raises(ValueError, match="inputs must be an object"):
        evaluate("wilson", [3, 30])  # type: ignore[arg-type]  # what a careless caller passes


def test_cost_without_a_limit_is_said_in_words():
    inputs = {"k_t": 12, "n_t": 100, "k_c": 10, "n_c": 100, "cost": 50.0}

    result = evaluate("icpr", inputs)

    assert result["icpr"] == pytest.approx(25)  # 100 · 0.02 = 2 people for 50
    assert result["icpr_high"] == NOT_BOUNDED == "not bounded"
    assert result["incremental_low"] < 0


def test_cost_of_a_loss_has_no_number_at_all():
    result = evaluate("icpr", {"k_t": 0, "n_t": 1000, "k_c": 100, "n_c": 1000, "cost": 50.0})

    assert (result["icpr"], result["icpr_low"], result["icpr_high"]) == (NOT_BOUNDED,) * 3
    assert result["naive_cpr"] is None


@pytest.mark.parametrize(("k_t", "k_c"), [(0, 5), (5, 0), (0, 0)])
def test_relative_lift_is_left_out_without_returns(k_t, k_c):
    result = evaluate("relative_lift", {"k_t": k_t, "n_t": 10, "k_c": k_c, "n_c": 10})

    assert result == {"relative": None, "low": None, "high": None}


def test_means_without_spread_have_no_finite_t():
    result = evaluate("welch", {"mean_t": 2, "sd_t": 0, "n_t": 5, "mean_c": 1, "sd_c": 0, "n_c": 5})

    assert result == {"diff": 1.0, "low": 1.0, "high": 1.0, "df": 8.0, "t": None, "p": 0.0}


def test_defaults_are_five_and_eighty_percent():
    rates = {"p0": 0.05, "p1": 0.075}

    assert evaluate("n_per_arm", rates) == evaluate("n_per_arm", {**rates, "alpha": 0.05, "power": 0.8})


@pytest.mark.parametrize(
    ("units", "encoding", "parts"),
    [(0, "gsm7", 0), (1, "gsm7", 1), (306, "gsm7", 2), (307, "gsm7", 3), (201, "ucs2", 3), (202, "ucs2", 4)],
)
def test_parts_follow_the_length_rule(units, encoding, parts):
    assert evaluate("sms_parts", {"units": units, "encoding": encoding}) == {"parts": parts}
