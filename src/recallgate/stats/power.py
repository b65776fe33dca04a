"""Planning a comparison of two rates: people an arm, power, and the smallest effect that can be shown.

Normal approximation; p̄ = (p₀+p₁)/2. Defaults: 5 % two-sided, 80 % power.
Source: J. L. Fleiss, B. Levin, M. C. Paik, Statistical Methods for Rates and Proportions, 3rd ed., 4.1,
without continuity correction.
"""

import math
from dataclasses import dataclass

from recallgate.stats.checks import count, inner_rate, rate
from recallgate.stats.distributions import normal_cdf, normal_ppf, two_sided_z


@dataclass(frozen=True)
class ArmSize:
    """People needed in each of two arms: rounded up, and as computed."""

    n_per_arm: int
    unrounded: float


def n_per_arm(p0: float, p1: float, *, alpha: float = 0.05, power: float = 0.8) -> ArmSize:
    """People an arm to tell the rate `p1` from the base rate `p0` with the given power."""
    p0, p1 = _two_rates(p0, p1)
    z, z_power = two_sided_z(alpha), _z_of_power(power, alpha=alpha)
    unrounded = ((z * _spread_if_equal(p0, p1) + z_power * _spread(p0, p1)) / (p1 - p0)) ** 2
    return ArmSize(n_per_arm=max(1, math.ceil(unrounded)), unrounded=unrounded)


def power(p0: float, p1: float, *, n_per_arm: int, alpha: float = 0.05) -> float:
    """Probability of showing the difference of `p1` from `p0` with so many people an arm: `n_per_arm` solved for power."""
    p0, p1 = _two_rates(p0, p1)
    n = count("n_per_arm", n_per_arm, least=1)
    margin = abs(p1 - p0) * math.sqrt(n) - two_sided_z(alpha) * _spread_if_equal(p0, p1)
    spread = _spread(p0, p1)
    if spread == 0:  # 0 against 1: nothing left to chance
        return 1.0 if margin >= 0 else 0.0
    return normal_cdf(margin / spread)


def mde(p0: float, n_t: int, *, n_c: int, alpha: float = 0.05, power: float = 0.8) -> float:
    """Minimum detectable effect: the smallest lift over the base rate `p0` that groups of these sizes can show."""
    p0 = inner_rate("p0", p0)
    n_t, n_c = count("n_t", n_t, least=1), count("n_c", n_c, least=1)
    reach = two_sided_z(alpha) + _z_of_power(power, alpha=alpha)
    return reach * math.sqrt(p0 * (1 - p0) * (1 / n_t + 1 / n_c))


def _two_rates(p0: float, p1: float) -> tuple[float, float]:
    p0, p1 = rate("p0", p0), rate("p1", p1)
    if abs(p1 - p0) < 1e-12:
        raise ValueError(f"p1 must differ from p0, both are about {p0:g}; give the rate that the campaign is hoped to reach")
    return p0, p1


def _z_of_power(power: float, *, alpha: float) -> float:
    # at or below alpha/2 no effect is asked for, and the formulas would answer with a negative size
    if inner_rate("power", power) <= alpha / 2:
        raise ValueError(f"power must be above alpha/2 = {alpha / 2:g}, got {power!r}; 0.8 is usual")
    return normal_ppf(power)


def _spread_if_equal(p0: float, p1: float) -> float:
    middle = (p0 + p1) / 2
    return math.sqrt(2 * middle * (1 - middle))


def _spread(p0: float, p1: float) -> float:
    return math.sqrt(p0 * (1 - p0) + p1 * (1 - p1))
