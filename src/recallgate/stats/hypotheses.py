"""Hypothesis tests on counts: two proportions, Fisher's exact test, Holm's correction, the sample-ratio check.

In all pairs `t` is the treatment and `c` the control; `n` counts everybody assigned. All p-values are two-sided.
Source: R. A. Fisher, Statistical Methods for Research Workers, on the exact treatment of 2×2 tables; S. Holm, Scandinavian
Journal of Statistics 6 (1979), 65-70.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from recallgate.stats.checks import count, inner_rate, positive, rate, successes
from recallgate.stats.distributions import chi2_isf, chi2_sf, normal_cdf

SAMPLE_RATIO_ALPHA = 0.001  # a split this improbable means a broken assignment, not bad luck
_NEGLIGIBLE = 1e-290  # tables less probable than the mode by this factor; below, numbers lose digits and never reach 0
_TIE = 1 + 1e-9  # two tables whose probabilities differ by less are equally probable


@dataclass(frozen=True)
class ZTest:
    """Statistic and two-sided p-value of a normal test; z is positive when the treatment's rate is higher."""

    z: float
    p: float


@dataclass(frozen=True)
class SampleRatio:
    """Chi-square of observed against intended counts; `invalid` when the assignment cannot be trusted."""

    chi2: float
    p: float
    invalid: bool


@dataclass(frozen=True)
class Holm:
    """Adjusted p-values and rejections, in the order of the p-values given."""

    adjusted: tuple[float, ...]
    reject: tuple[bool, ...]


def two_proportion_z(k_t: int, n_t: int, *, k_c: int, n_c: int) -> ZTest:
    """Pooled two-proportion z test without continuity correction; nobody or everybody on both sides gives z = 0, p = 1."""
    k_t, n_t = successes("k_t", k_t, "n_t", n_t)
    k_c, n_c = successes("k_c", k_c, "n_c", n_c)
    pooled = (k_t + k_c) / (n_t + n_c)
    error = math.sqrt(pooled * (1 - pooled) * (1 / n_t + 1 / n_c))
    z = (k_t / n_t - k_c / n_c) / error if error else 0.0
    return ZTest(z=z, p=2 * normal_cdf(-abs(z)))


def fisher(k_t: int, n_t: int, *, k_c: int, n_c: int) -> float:
    """Fisher's exact p-value: the sum over tables with the same margins that are no more probable than the observed one."""
    k_t, n_t = successes("k_t", k_t, "n_t", n_t)
    k_c, n_c = successes("k_c", k_c, "n_c", n_c)
    k = k_t + k_c
    least, most = max(0, k - n_c), min(n_t, k)
    mode = min(most, max(least, (k + 1) * (n_t + 1) // (n_t + n_c + 2)))
    weights = {mode: 1.0}  # relative to the most probable table, so nothing overflows
    weights.update(_climb(mode, most, n_t=n_t, n_c=n_c, k=k))
    weights.update(_descend(mode, least, n_t=n_t, n_c=n_c, k=k))
    observed = weights.get(k_t, 0.0) * _TIE
    extreme = math.fsum(weight for weight in weights.values() if weight <= observed)
    return min(1.0, extreme / math.fsum(weights.values()))


def p_value(k_t: int, n_t: int, *, k_c: int, n_c: int) -> float:
    """Two-sided p-value of equal rates: pooled z, or Fisher exact when an expected cell of the 2×2 table is below 5."""
    k_t, n_t = successes("k_t", k_t, "n_t", n_t)
    k_c, n_c = successes("k_c", k_c, "n_c", n_c)
    if needs_fisher(k_t, n_t, k_c=k_c, n_c=n_c):
        return fisher(k_t, n_t, k_c=k_c, n_c=n_c)
    return two_proportion_z(k_t, n_t, k_c=k_c, n_c=n_c).p


def needs_fisher(k_t: int, n_t: int, *, k_c: int, n_c: int) -> bool:
    """Tell whether an expected cell of the 2×2 table is below 5, so that the z test is too coarse."""
    k_t, n_t = successes("k_t", k_t, "n_t", n_t)
    k_c, n_c = successes("k_c", k_c, "n_c", n_c)
    k, n = k_t + k_c, n_t + n_c
    return min(n_t, n_c) * min(k, n - k) < 5 * n  # in whole numbers, so that exactly 5 is not below 5


def holm(p: Sequence[float], *, alpha: float = 0.05) -> Holm:
    """Holm's step-down correction for several p-values, in the order given; an adjusted value of exactly `alpha` rejects."""
    if not p:
        raise ValueError("p must hold at least one p-value")
    values = [rate(f"p[{index}]", value) for index, value in enumerate(p)]
    alpha = inner_rate("alpha", alpha)
    adjusted = [0.0] * len(values)
    reached = 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        reached = max(reached, min(1.0, (len(values) - rank) * values[index]))
        adjusted[index] = reached
    return Holm(adjusted=tuple(adjusted), reject=tuple(value <= alpha for value in adjusted))


def srm(observed: Sequence[int], weights: Sequence[float], *, alpha: float = SAMPLE_RATIO_ALPHA) -> SampleRatio:
    """Check a sample ratio: chi-square of the observed group sizes against the intended `weights`, which need not sum to 1."""
    if len(observed) < 2:
        raise ValueError("observed must hold the sizes of at least two groups")
    if len(observed) != len(weights):
        raise ValueError(f"weights must have one entry a group: {len(observed)} groups observed, {len(weights)} weights given")
    sizes = [count(f"observed[{index}]", size) for index, size in enumerate(observed)]
    shares = [positive(f"weights[{index}]", weight) for index, weight in enumerate(weights)]
    total, whole = sum(sizes), math.fsum(shares)
    if total == 0:
        raise ValueError("observed must count at least one person")
    if not math.isfinite(whole):
        raise ValueError("weights must have a finite sum; divide them by their largest")
    expected = [total * (share / whole) for share in shares]
    if min(expected) == 0:
        raise ValueError("weights must not differ beyond the range of numbers; leave out a group that gets nobody")
    chi2 = math.fsum((size - share) ** 2 / share for size, share in zip(sizes, expected, strict=True))
    p = chi2_sf(chi2, len(sizes) - 1)
    return SampleRatio(chi2=chi2, p=p, invalid=p < inner_rate("alpha", alpha))


def srm_critical_value(df: int, *, alpha: float = SAMPLE_RATIO_ALPHA) -> float:
    """Chi-square above which the sample-ratio check fires, `df` being groups − 1: 10.828 for two groups."""
    return chi2_isf(alpha, count("df", df, least=1, most=10_000))


def _climb(start: int, most: int, *, n_t: int, n_c: int, k: int) -> Iterator[tuple[int, float]]:
    weight = 1.0
    for i in range(start, most):
        weight *= (n_t - i) * (k - i) / ((i + 1) * (n_c - k + i + 1))
        if weight < _NEGLIGIBLE:
            return
        yield i + 1, weight


def _descend(start: int, least: int, *, n_t: int, n_c: int, k: int) -> Iterator[tuple[int, float]]:
    weight = 1.0
    for i in range(start, least, -1):
        weight *= i * (n_c - k + i) / ((n_t - i + 1) * (k - i + 1))
        if weight < _NEGLIGIBLE:
            return
        yield i - 1, weight
