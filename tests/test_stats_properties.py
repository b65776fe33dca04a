"""What must hold for all inputs: bounds, symmetry, monotony, and hand-made examples of churn and money."""

import math

import pytest
from hypothesis import given, settings, strategies as st

from recallgate.stats import (
    ArmSize,
    first_below,
    fisher,
    holm,
    ice,
    icpr,
    knee,
    max_affordable_incentive,
    mde,
    n_per_arm,
    newcombe,
    p_alive,
    p_value,
    power,
    rank_ideas,
    relative_lift,
    return_curve,
    rule_of_three,
    srm,
    two_proportion_z,
    welch,
    wilson,
)

FEW = settings(max_examples=60, deadline=None)
alphas = st.floats(0.0001, 0.9)
rates = st.floats(0.001, 0.999)


@st.composite
def samples(draw, most=100_000):
    n = draw(st.integers(1, most))
    return draw(st.integers(0, n)), n


@FEW
@given(samples(), alphas)
def test_wilson_contains_the_rate(sample, alpha):
    interval = wilson(*sample, alpha=alpha)

    assert 0 <= interval.low <= interval.rate <= interval.high <= 1
    assert (interval.low == 0) is (sample[0] == 0)
    assert (interval.high == 1) is (sample[0] == sample[1])


@FEW
@given(samples(), alphas)
def test_wilson_of_the_others_is_the_mirror(sample, alpha):
    k, n = sample
    seen, others = wilson(k, n, alpha=alpha), wilson(n - k, n, alpha=alpha)

    assert (others.low, others.high) == pytest.approx((1 - seen.high, 1 - seen.low), abs=1e-12)


@FEW
@given(samples(), alphas)
def test_wilson_narrows_with_more_people_and_with_less_certainty(sample, alpha):
    k, n = sample
    width = _width(wilson(k, n, alpha=alpha))

    assert _width(wilson(10 * k, 10 * n, alpha=alpha)) < width
    assert _width(wilson(k, n, alpha=alpha / 2)) > width


@FEW
@given(samples(), samples(), alphas)
def test_newcombe_contains_the_lift_and_turns_with_the_groups(treated, control, alpha):
    lift = newcombe(*treated, k_c=control[0], n_c=control[1], alpha=alpha)
    turned = newcombe(*control, k_c=treated[0], n_c=treated[1], alpha=alpha)

    assert -1 <= lift.low <= lift.delta <= lift.high <= 1
    assert (turned.low, turned.delta, turned.high) == pytest.approx((-lift.high, -lift.delta, -lift.low), abs=1e-12)


@FEW
@given(samples(), samples(), alphas)
def test_relative_lift_contains_the_ratio(treated, control, alpha):
    lift = relative_lift(*treated, k_c=control[0], n_c=control[1], alpha=alpha)

    if treated[0] == 0 or control[0] == 0:
        assert lift is None
    else:
        assert lift is not None
        assert -1 <= lift.low <= lift.relative <= lift.high
        assert lift.relative == pytest.approx(treated[0] * control[1] / (treated[1] * control[0]) - 1)


@FEW
@given(samples(200), samples(200))
def test_fisher_does_not_depend_on_sides_or_on_what_is_counted(treated, control):
    (k_t, n_t), (k_c, n_c) = treated, control
    p = fisher(k_t, n_t, k_c=k_c, n_c=n_c)

    assert 0 < p <= 1
    assert fisher(k_c, n_c, k_c=k_t, n_c=n_t) == pytest.approx(p, rel=1e-9)
    assert fisher(n_t - k_t, n_t, k_c=n_c - k_c, n_c=n_c) == pytest.approx(p, rel=1e-9)


@FEW
@given(samples(60), samples(60))
def test_fisher_is_the_sum_over_whole_tables(treated, control):
    (k_t, n_t), (k_c, n_c) = treated, control
    k = k_t + k_c
    ways = {i: math.comb(n_t, i) * math.comb(n_c, k - i) for i in range(max(0, k - n_c), min(n_t, k) + 1)}
    exact = sum(way for way in ways.values() if way <= ways[k_t]) / math.comb(n_t + n_c, k)

    assert fisher(k_t, n_t, k_c=k_c, n_c=n_c) == pytest.approx(exact, rel=1e-9)


@FEW
@given(samples(), samples())
def test_z_turns_with_the_groups_and_p_stays(treated, control):
    forth = two_proportion_z(*treated, k_c=control[0], n_c=control[1])
    back = two_proportion_z(*control, k_c=treated[0], n_c=treated[1])

    assert back.z == pytest.approx(-forth.z, abs=1e-12)
    assert 0 <= p_value(*treated, k_c=control[0], n_c=control[1]) <= 1
    assert (forth.z > 0) is (treated[0] / treated[1] > control[0] / control[1])


def test_impossible_luck_has_p_zero_and_the_sum_ends():
    assert fisher(10**9, 10**9, k_c=1, n_c=10**10) == 0


def test_fisher_of_a_million_people_is_quick_and_finite():
    assert 0 <= fisher(500_000, 1_000_000, k_c=499_000, n_c=1_000_000) < 0.2


@FEW
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), alphas)
def test_holm_only_raises_and_keeps_the_order(p, alpha):
    result = holm(p, alpha=alpha)

    assert all(value <= adjusted <= 1 for value, adjusted in zip(p, result.adjusted, strict=True))
    assert min(result.adjusted) == pytest.approx(min(1, len(p) * min(p)))
    ranked = sorted(range(len(p)), key=p.__getitem__)
    assert [result.adjusted[i] for i in ranked] == sorted(result.adjusted)


@FEW
@given(st.lists(st.integers(1, 1000), min_size=2, max_size=6), st.integers(1, 50))
def test_a_split_as_intended_is_valid(weights, times):
    result = srm([weight * times for weight in weights], weights)

    assert result.chi2 == pytest.approx(0, abs=1e-9)
    assert result.p == pytest.approx(1)
    assert not result.invalid


@pytest.mark.parametrize(("held_out", "invalid"), [(901, True), (902, False), (1000, False), (1098, False), (1099, True)])
def test_sample_ratio_fires_below_one_in_a_thousand(held_out, invalid):
    # 10 000 people at 90:10: chi2 = (x - 1000)^2 / 900, above 10.828 when x is more than 98.7 away
    assert srm([10_000 - held_out, held_out], [90, 10]).invalid is invalid


@FEW
@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(0.01, 50), st.integers(2, 5000), alphas)
def test_welch_contains_the_difference_and_agrees_with_its_p(mean_t, mean_c, sd, n, alpha):
    result = welch(mean_t, mean_c, sd_t=sd, sd_c=2 * sd, n_t=n, n_c=n + 1, alpha=alpha)

    assert result.low < result.diff < result.high
    assert 0 <= result.p <= 1
    if abs(result.p - alpha) > 1e-9:
        assert (result.low > 0 or result.high < 0) is (result.p < alpha)


def test_welch_of_equal_constants_is_no_news():
    result = welch(4, 4, sd_t=0, sd_c=0, n_t=3, n_c=3)

    assert (result.low, result.high, result.t, result.p) == (0, 0, 0, 1)


@FEW
@given(rates, rates, alphas, st.floats(0.5, 0.99))
def test_arm_size_reaches_its_power(p0, p1, alpha, wanted):
    if abs(p0 - p1) < 0.01:
        return
    size = n_per_arm(p0, p1, alpha=alpha, power=wanted)

    assert power(p0, p1, n_per_arm=size.n_per_arm, alpha=alpha) >= wanted - 1e-9
    if size.n_per_arm > 1:
        assert power(p0, p1, n_per_arm=size.n_per_arm - 1, alpha=alpha) < wanted + 1e-9
    assert isinstance(size, ArmSize)
    assert n_per_arm(p1, p0, alpha=alpha, power=wanted).unrounded == pytest.approx(size.unrounded)


@FEW
@given(rates, st.integers(1, 10**6), st.integers(1, 10**6))
def test_smallest_effect_falls_with_the_smaller_group(p0, n_t, n_c):
    effect = mde(p0, n_t, n_c=n_c)

    assert effect == pytest.approx(mde(p0, n_c, n_c=n_t))
    assert mde(p0, n_t, n_c=4 * n_c) < effect
    assert mde(p0, 4 * n_t, n_c=4 * n_c) == pytest.approx(effect / 2)
    assert mde(p0, n_t, n_c=n_c, power=0.9) > effect


def test_certain_rates_need_two_people_each():
    # z = 1.96, p̄ = 0.5: (1.96 · √0.5)² = 1.92
    size = n_per_arm(0, 1)

    assert size.n_per_arm == 2
    assert power(0, 1, n_per_arm=2) == 1
    assert power(0, 1, n_per_arm=1) == 0


@FEW
@given(samples(5000), samples(5000), st.floats(0, 1e6))
def test_cost_per_recalled_lies_between_its_limits(treated, control, cost):
    result = icpr(*treated, k_c=control[0], n_c=control[1], cost=cost)

    assert result.incremental_low <= result.incremental <= result.incremental_high
    assert (result.icpr_high is None) is (result.incremental_low <= 0)
    assert (result.icpr is None) is (result.incremental <= 0)
    if result.icpr_high is not None:
        assert result.icpr_low is not None
        assert result.icpr is not None
        assert result.icpr_low <= result.icpr <= result.icpr_high


@pytest.mark.parametrize(
    ("value", "delta", "cost", "p_t", "rho", "expected"),
    [
        (60, 0.02, 0.3, 0.08, 0.5, 22.5),  # (1.2 - 0.3) / 0.04
        (60, 0.02, 1.2, 0.08, 0.5, 0),  # break-even before any benefit
        (60, 0.02, 5.0, 0.08, 0.5, 0),  # negative is no-go, not a negative benefit
        (60, -0.02, 0.3, 0.08, 0.5, 0),
        (100, 1, 0, 1, 1, 100),
    ],
)
def test_incentive_ends_at_break_even(value, delta, cost, p_t, rho, expected):
    assert max_affordable_incentive(value, delta, cost=cost, p_t=p_t, rho=rho) == pytest.approx(expected)


@pytest.mark.parametrize(("n", "limit"), [(200, 0.015), (3, 1), (1, 1)])
def test_nobody_seen_bounds_the_rate(n, limit):
    assert rule_of_three(0, n) == pytest.approx(limit)


def test_ideas_are_ranked_by_their_marks():
    assert ice(8, 5, ease=3) == 16
    assert ice(8, 5, ease=3, product=True) == 120
    assert ice(8, 5, ease=3, extra=(4, 1)) == 21
    assert rank_ideas([16, 20, 16, 3]) == (1, 0, 2, 3)
    with pytest.raises(ValueError, match="ease must be a mark from 0 to 10"):
        ice(8, 5, ease=11)


@FEW
@given(st.floats(0.01, 20), st.floats(0.01, 50), st.floats(0.01, 20), st.floats(0.01, 20), st.integers(1, 300), st.floats(0, 100))
def test_silence_lowers_the_chance_of_life(r, alpha, a, b, x, t_x):
    model = {"r": r, "alpha": alpha, "a": a, "b": b}
    chances = [p_alive(x, t_x, age=t_x + silence, **model) for silence in (0, 1, 10, 100, 1e6)]

    assert all(0 <= chance <= 1 for chance in chances)
    assert chances == sorted(chances, reverse=True)
    assert chances[0] == pytest.approx(1 / (1 + a / (b + x - 1)))
    assert p_alive(0, 0, age=t_x, **model) == 1


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ([1.0, 0.2, 0.1, 0.0], 2),
        ([1.0, 0.5, 0.1, 0.0], 3),
        ([1.0, 0.5, 0.25, 0.25, 0.0], 2),  # below the chord by 0.25, 0.25 and 0: the first of the two
        ([0.9, 0.5, 0.3, 0.1, 0.1], 2),  # three times 0.2 below: rounding must not prefer a later one
    ],
)
def test_knee_is_farthest_below_the_chord(shares, expected):
    assert knee(list(enumerate(shares, 1))) == expected


@FEW
@given(st.lists(st.floats(0, 1), min_size=3, max_size=40))
def test_knee_does_not_depend_on_the_unit_of_time(drops):
    shares = [1 / (1 + i + drop / 4) for i, drop in enumerate(drops)]
    plain = knee(list(enumerate(shares, 1)))

    stretched = knee([(n * 4, share) for n, share in enumerate(shares, 1)])

    assert stretched == 4 * plain


def test_share_threshold_is_the_first_below():
    points = [(1, 0.5), (2, 0.1), (3, 0.09), (4, 0.2)]

    assert first_below(points) == 3
    assert first_below(points, 0.05) is None


def test_return_curve_counts_settled_gaps_only():
    # closed gaps of 1, 2, 2, 5 days; open ones of 92, 91 and 40 days
    curve = return_curve([1, 2, 2, 5], [92, 91, 40], max_days=9)

    assert curve == [
        (1, 4 / 6),  # open gaps of 91 and 92 days have settled for N = 1
        (2, 3 / 4),  # 2, 2, 5 came back; only the gap of 92 days is settled
        (3, 1.0),
        (4, 1.0),
        (5, 1.0),
    ]


def test_return_curve_of_nobody_is_empty():
    assert return_curve([], [], max_days=90) == []


def _width(interval):
    return interval.high - interval.low
