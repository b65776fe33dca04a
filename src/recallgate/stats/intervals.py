"""Confidence intervals: a rate, the difference and the ratio of two rates, the difference of two means.

In all pairs `t` is the treatment and `c` the control; `n` counts everybody assigned. `alpha` is two-sided.
Source: E. B. Wilson, JASA 22 (1927); R. G. Newcombe, Statistics in Medicine 17 (1998), 873-890, method 10; B. L. Welch,
Biometrika 34 (1947).
"""

import math
from dataclasses import dataclass

from recallgate.stats.checks import count, number, successes
from recallgate.stats.distributions import student_t_sf, two_sided_t, two_sided_z


@dataclass(frozen=True)
class RateInterval:
    """A rate k/n between its limits, all from 0 to 1."""

    rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Lift:
    """The difference of two rates between its limits, in absolute shares: 0.04 is four points."""

    delta: float
    low: float
    high: float


@dataclass(frozen=True)
class RelativeLift:
    """The ratio of two rates less one, between its limits: 0.5 is half as many again."""

    relative: float
    low: float
    high: float


@dataclass(frozen=True)
class MeanDifference:
    """The difference of two means between its limits, with Welch's t, its degrees of freedom and the two-sided p-value."""

    diff: float
    low: float
    high: float
    df: float
    t: float
    p: float


def wilson(k: int, n: int, *, alpha: float = 0.05) -> RateInterval:
    """Wilson's score interval of `k` of `n`; low is exactly 0 at k = 0, high exactly 1 at k = n."""
    k, n = successes("k", k, "n", n)
    return _wilson(k, n, two_sided_z(alpha))


def newcombe(k_t: int, n_t: int, *, k_c: int, n_c: int, alpha: float = 0.05) -> Lift:
    """Lift p_t − p_c with Newcombe's limits, built from the two Wilson intervals."""
    k_t, n_t = successes("k_t", k_t, "n_t", n_t)
    k_c, n_c = successes("k_c", k_c, "n_c", n_c)
    z = two_sided_z(alpha)
    treated, control = _wilson(k_t, n_t, z), _wilson(k_c, n_c, z)
    delta = treated.rate - control.rate
    return Lift(
        delta=delta,
        low=delta - math.hypot(treated.rate - treated.low, control.high - control.rate),
        high=delta + math.hypot(treated.high - treated.rate, control.rate - control.low),
    )


def relative_lift(k_t: int, n_t: int, *, k_c: int, n_c: int, alpha: float = 0.05) -> RelativeLift | None:
    """Relative lift p_t/p_c − 1 with limits on the logarithmic scale; None when `k_t` or `k_c` is 0."""
    k_t, n_t = successes("k_t", k_t, "n_t", n_t)
    k_c, n_c = successes("k_c", k_c, "n_c", n_c)
    z = two_sided_z(alpha)
    if k_t == 0 or k_c == 0:
        return None
    ratio = (k_t / n_t) / (k_c / n_c)
    # (n − k)/(k·n) is 1/k − 1/n without its cancellation
    error = math.sqrt((n_t - k_t) / (k_t * n_t) + (n_c - k_c) / (k_c * n_c))
    return RelativeLift(relative=ratio - 1, low=ratio * math.exp(-z * error) - 1, high=ratio * math.exp(z * error) - 1)


def welch(mean_t: float, mean_c: float, *, sd_t: float, sd_c: float, n_t: int, n_c: int, alpha: float = 0.05) -> MeanDifference:
    """Difference of two means with Welch's interval, from sample standard deviations and at least two people a side.

    Without any spread on either side the limits meet in the difference, df is n_t + n_c − 2, t is 0 or infinite, p 1 or 0.
    """
    diff = number("mean_t", mean_t) - number("mean_c", mean_c)
    n_t, n_c = count("n_t", n_t, least=2), count("n_c", n_c, least=2)
    part_t = _variance_of_mean("sd_t", sd_t, n_t)
    part_c = _variance_of_mean("sd_c", sd_c, n_c)
    error = math.sqrt(part_t + part_c)
    if error == 0:
        df = float(n_t + n_c - 2)
        two_sided_t(alpha, df)  # a wrong alpha is refused here as well
        return MeanDifference(diff, diff, diff, df, math.copysign(math.inf, diff) if diff else 0.0, 0.0 if diff else 1.0)
    share_t, share_c = part_t / (part_t + part_c), part_c / (part_t + part_c)
    df = 1 / (share_t**2 / (n_t - 1) + share_c**2 / (n_c - 1))
    half_width = two_sided_t(alpha, df) * error
    t = diff / error
    return MeanDifference(diff, diff - half_width, diff + half_width, df, t, 2 * student_t_sf(abs(t), df))


def rule_of_three(k: int, n: int) -> float:
    """Upper limit 3/n of a rate when none of `n` was seen, at 95 % one-sided and never above 1; `k` must be 0."""
    k, n = successes("k", k, "n", n)
    if k:
        raise ValueError(f"k must be 0 for the rule of three, got {k}; use wilson for a count above 0")
    return min(1.0, 3 / n)


def _wilson(k: int, n: int, z: float) -> RateInterval:
    p, square = k / n, z * z
    centre = (p + square / (2 * n)) / (1 + square / n)
    half_width = z * math.sqrt(p * (1 - p) / n + square / (4 * n * n)) / (1 + square / n)
    # the formula meets 0, 1 and the rate itself only up to rounding
    low = 0.0 if k == 0 else max(0.0, min(centre - half_width, p))
    high = 1.0 if k == n else min(1.0, max(centre + half_width, p))
    return RateInterval(rate=p, low=low, high=high)


def _variance_of_mean(field: str, sd: float, n: int) -> float:
    spread = number(field, sd, least=0)
    if spread > 1e150:
        raise ValueError(f"{field} must be below 1e150, as its square is taken; check the unit")
    return spread * spread / n
