"""The statistics against scipy and statsmodels, over seeded random cases and edges."""

import math
import random

import pytest
from scipy import special, stats as scipy_stats
from statsmodels.stats import proportion
from statsmodels.stats.multitest import multipletests

from recallgate.stats import (
    distributions as d,
    fisher,
    holm,
    needs_fisher,
    newcombe,
    p_value,
    power,
    relative_lift,
    roi,
    srm,
    srm_critical_value,
    two_proportion_z,
    welch,
    wilson,
)

EXACT = {"rel": 1e-9, "abs": 1e-12}
ALPHAS = (0.001, 0.05, 0.2)


def random_tables(seed, count, *, most):
    draw = random.Random(seed)
    for _ in range(count):
        n_t, n_c = draw.randint(1, most), draw.randint(1, most)
        yield draw.randint(0, n_t), n_t, draw.randint(0, n_c), n_c


EDGE_TABLES = [(0, 1, 0, 1), (1, 1, 0, 1), (5, 5, 5, 5), (0, 50, 7, 9), (3, 100_000, 1, 90), (60, 1_000_000, 20, 1_000_000)]
TABLES = [*EDGE_TABLES, *random_tables(1, 40, most=60), *random_tables(2, 40, most=5000)]


@pytest.mark.parametrize("df", [0.7, 1, 1.5, 2, 3, 7.7, 30, 39.9, 40.1, 1183.641323, 1e4, 9e5, 2e6, 1e9])
def test_student_t_matches(df):
    for t in (0, 1e-6, 0.01, 0.3, 1, 1.5, 1.96, 3, 7):
        assert d.student_t_sf(t, df) == pytest.approx(special.stdtr(df, -t), rel=1e-10)
        assert d.student_t_cdf(-t, df) == d.student_t_sf(t, df)
        assert d.student_t_sf(-t, df) == pytest.approx(special.stdtr(df, t), rel=1e-10)
    for p in (1e-9, 0.001, 0.025, 0.3, 0.5, 0.8, 0.975, 0.9995):
        assert d.student_t_ppf(p, df) == pytest.approx(scipy_stats.t.ppf(p, df), rel=1e-10, abs=1e-15)


@pytest.mark.parametrize("df", [1, 2, 3, 5, 10, 99, 1000])
def test_chi_square_matches(df):
    for share in (0.001, 0.1, 0.5, 0.9, 1, 1.1, 1.5, 2, 5):
        assert d.chi2_sf(share * df, df) == pytest.approx(special.chdtrc(df, share * df), rel=1e-10)
    for alpha in (1e-9, 0.001, 0.05, 0.5, 0.99):
        assert d.chi2_isf(alpha, df) == pytest.approx(scipy_stats.chi2.isf(alpha, df), rel=1e-10)


def test_normal_matches():
    for x in (-30, -6, -1.96, 0, 0.5, 4):
        assert d.normal_cdf(x) == pytest.approx(scipy_stats.norm.cdf(x), rel=1e-10)
    for p in (1e-12, 0.025, 0.5, 0.999):
        assert d.normal_ppf(p) == pytest.approx(scipy_stats.norm.ppf(p), rel=1e-10, abs=1e-15)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_wilson_matches(alpha):
    for k, n, _, _ in TABLES:
        interval = wilson(k, n, alpha=alpha)

        assert (interval.low, interval.high) == pytest.approx(proportion.proportion_confint(k, n, alpha, "wilson"), **EXACT)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_newcombe_matches(alpha):
    for k_t, n_t, k_c, n_c in TABLES:
        lift = newcombe(k_t, n_t, k_c=k_c, n_c=n_c, alpha=alpha)
        expected = proportion.confint_proportions_2indep(k_t, n_t, k_c, n_c, method="newcomb", alpha=alpha)

        assert (lift.low, lift.high) == pytest.approx(expected, **EXACT)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_relative_lift_matches(alpha):
    compared = 0
    for k_t, n_t, k_c, n_c in TABLES:
        lift = relative_lift(k_t, n_t, k_c=k_c, n_c=n_c, alpha=alpha)
        if lift is None:
            assert k_t == 0 or k_c == 0
            continue
        low, high = proportion.confint_proportions_2indep(
            k_t, n_t, k_c, n_c, method="log", compare="ratio", alpha=alpha, correction=False
        )
        assert (lift.low, lift.high) == pytest.approx((low - 1, high - 1), **EXACT)
        compared += 1
    assert compared > 50


def test_two_proportion_z_matches():
    for k_t, n_t, k_c, n_c in TABLES:
        result = two_proportion_z(k_t, n_t, k_c=k_c, n_c=n_c)
        if k_t + k_c in (0, n_t + n_c):  # the reference divides by zero here
            assert (result.z, result.p) == (0, 1)
        else:
            assert (result.z, result.p) == pytest.approx(proportion.proportions_ztest([k_t, k_c], [n_t, n_c]), **EXACT)


def test_fisher_matches():
    for k_t, n_t, k_c, n_c in TABLES:
        expected = scipy_stats.fisher_exact([[k_t, n_t - k_t], [k_c, n_c - k_c]]).pvalue

        assert fisher(k_t, n_t, k_c=k_c, n_c=n_c) == pytest.approx(expected, rel=1e-9)


def test_p_value_changes_to_fisher_below_five_expected():
    for k_t, n_t, k_c, n_c in TABLES:
        k = k_t + k_c
        cells = [n_t * k, n_c * k, n_t * (n_t + n_c - k), n_c * (n_t + n_c - k)]
        small = any(cell < 5 * (n_t + n_c) for cell in cells)
        exact, normal = fisher(k_t, n_t, k_c=k_c, n_c=n_c), two_proportion_z(k_t, n_t, k_c=k_c, n_c=n_c).p

        assert p_value(k_t, n_t, k_c=k_c, n_c=n_c) == (exact if small else normal)


@pytest.mark.parametrize(("k_t", "fisher_is_used"), [(4, True), (5, False)])
def test_exactly_five_expected_is_enough_for_z(k_t, fisher_is_used):
    # 10 of 20 returned in two groups of 10: every cell expects 5; with 9 returned the least expects 4.5
    assert needs_fisher(k_t, 10, k_c=5, n_c=10) is fisher_is_used


def test_holm_matches():
    draw = random.Random(3)
    for size in (1, 2, 3, 5, 12):
        for alpha in ALPHAS:
            p = [draw.choice([0, 1, draw.random(), draw.random() / 100]) for _ in range(size)]
            reject, adjusted, _, _ = multipletests(p, alpha=alpha, method="holm")
            result = holm(p, alpha=alpha)

            assert result.adjusted == pytest.approx(tuple(adjusted), **EXACT)
            assert result.reject == tuple(reject)


def test_sample_ratio_matches():
    draw = random.Random(4)
    for groups in (2, 3, 7):
        for _ in range(10):
            weights = [draw.randint(1, 9) for _ in range(groups)]
            observed = [draw.randint(0, 50) + 100 * weight for weight in weights]
            expected = [sum(observed) * weight / sum(weights) for weight in weights]
            reference = scipy_stats.chisquare(observed, expected)
            result = srm(observed, weights)

            assert (result.chi2, result.p) == pytest.approx((reference.statistic, reference.pvalue), **EXACT)
            assert result.invalid is bool(reference.pvalue < 0.001)
    assert srm_critical_value(1) == pytest.approx(10.827566, abs=1e-6)


def random_means(seed, count):
    draw = random.Random(seed)
    for _ in range(count):
        means = {"mean_t": draw.gauss(3, 2), "mean_c": draw.gauss(3, 2)}
        spreads = {"sd_t": draw.uniform(0, 9), "sd_c": draw.uniform(0.01, 9)}
        yield {**means, **spreads, "n_t": draw.randint(2, 90_000), "n_c": draw.randint(2, 300)}


@pytest.mark.parametrize("alpha", ALPHAS)
def test_welch_matches(alpha):
    for case in random_means(5, 30):
        t, c = case["sd_t"] ** 2 / case["n_t"], case["sd_c"] ** 2 / case["n_c"]
        reference = scipy_stats.ttest_ind_from_stats(
            case["mean_t"], case["sd_t"], case["n_t"], case["mean_c"], case["sd_c"], case["n_c"], equal_var=False
        )
        df = (t + c) ** 2 / (t**2 / (case["n_t"] - 1) + c**2 / (case["n_c"] - 1))
        half_width = scipy_stats.t.ppf(1 - alpha / 2, df) * math.sqrt(t + c)
        result = welch(case["mean_t"], case["mean_c"], **{k: v for k, v in case.items() if "mean" not in k}, alpha=alpha)

        assert (result.t, result.p, result.df) == pytest.approx((reference.statistic, reference.pvalue, df), **EXACT)
        assert (result.low, result.high) == pytest.approx(
            (result.diff - half_width, result.diff + half_width), rel=1e-9, abs=1e-9
        )


def test_roi_limits_are_those_of_the_margin():
    for case in random_means(6, 10):
        rest = {key: value for key, value in case.items() if "mean" not in key}
        difference = welch(case["mean_t"], case["mean_c"], **rest)
        result = roi(case["mean_t"], case["mean_c"], **rest, cost=70)

        assert result.margin == pytest.approx(case["n_t"] * (case["mean_t"] - case["mean_c"]))
        assert (result.roi_low, result.roi_high) == pytest.approx(
            tuple(case["n_t"] * limit / 70 - 1 for limit in (difference.low, difference.high))
        )


@pytest.mark.parametrize("alpha", ALPHAS)
def test_power_matches(alpha):
    draw = random.Random(7)
    for _ in range(30):
        p0, p1, n = draw.uniform(0.01, 0.5), draw.uniform(0.51, 0.99), draw.randint(1, 60)
        # one tail at alpha/2: the formula leaves out the far tail of the two-sided test
        expected = proportion.power_proportions_2indep(
            p1 - p0, p0, n, alpha=alpha / 2, alternative="larger", return_results=False
        )

        assert power(p0, p1, n_per_arm=n, alpha=alpha) == pytest.approx(expected, **EXACT)
