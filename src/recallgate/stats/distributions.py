"""Normal, Student t and chi-square distributions, from the standard library alone.

Tails are computed directly, never as 1 − cdf, so that small p-values keep their digits.
Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 6.5, 26.2, 26.4, 26.5, 26.7; D. L. Wallace, "Bounds on normal
approximations to Student's and the chi-square distributions", Annals of Mathematical Statistics 30 (1959).
"""

import math
from statistics import NormalDist

from recallgate.stats.checks import inner_rate, number, positive

_NORMAL = NormalDist()
_TINY = 1e-300  # stands for a zero denominator in a continued fraction
_PRECISION = 1e-16
_WALLACE_FROM = 1e6  # above, the continued fraction loses more digits to rounding than Wallace's transform by its error


def normal_cdf(x: float) -> float:
    """Probability that a standard normal value is at most `x`; the lower tail keeps its digits."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


def normal_ppf(p: float) -> float:
    """Quantile of the standard normal distribution, `p` above 0 and below 1."""
    return _NORMAL.inv_cdf(inner_rate("p", p))


def two_sided_z(alpha: float) -> float:
    """Critical value z of a two-sided level: Φ⁻¹(1 − α/2), 1.96 at 5 %."""
    return -_NORMAL.inv_cdf(inner_rate("alpha", alpha) / 2)


def student_t_sf(t: float, df: float) -> float:
    """Probability that Student's t with `df` degrees of freedom, whole or not, exceeds `t`.

    Relative error below 1e-10; with more than a million degrees of freedom that holds for tails above 1e-14.
    """
    t, df = number("t", t), positive("df", df)
    if t < 0:
        return 1 - student_t_sf(-t, df)
    t = min(t, 1e150)  # its square must be a number
    if df > _WALLACE_FROM:
        z = (8 * df + 1) / (8 * df + 3) * math.sqrt(df * math.log1p(t * t / df))
        return normal_cdf(-z)
    return 0.5 * _beta_tail(t * t, df)


def student_t_cdf(t: float, df: float) -> float:
    """Probability that Student's t with `df` degrees of freedom is at most `t`."""
    return student_t_sf(-t, df)


def student_t_ppf(p: float, df: float) -> float:
    """Quantile of Student's t with `df` degrees of freedom, `p` above 0 and below 1."""
    p, df = inner_rate("p", p), positive("df", df)
    if p == 0.5:
        return 0.0
    if p > 0.5:
        return _upper_t(1 - p, df)
    return -_upper_t(p, df)


def two_sided_t(alpha: float, df: float) -> float:
    """Critical value of a two-sided level for Student's t with `df` degrees of freedom."""
    return _upper_t(inner_rate("alpha", alpha) / 2, positive("df", df))


def chi2_sf(x: float, df: float) -> float:
    """Probability that chi-square with `df` degrees of freedom exceeds `x`; 1e-10 exact up to df 10 000."""
    x, df = number("x", x, least=0), positive("df", df)
    return _gamma_tail(df / 2, x / 2) if x > 0 else 1.0


def chi2_isf(alpha: float, df: float) -> float:
    """Value that chi-square with `df` degrees of freedom exceeds with probability `alpha`: the critical value."""
    alpha, df = inner_rate("alpha", alpha), positive("df", df)
    low, high = 0.0, max(1.0, df)
    while chi2_sf(high, df) > alpha:
        low, high = high, 2 * high
    while low < (middle := (low + high) / 2) < high:
        if chi2_sf(middle, df) > alpha:
            low = middle
        else:
            high = middle
    return high


def _upper_t(tail: float, df: float) -> float:
    # t has heavier tails than the normal and its upper tail is convex, so Newton's steps from the normal quantile only climb.
    t = -_NORMAL.inv_cdf(tail)
    scale = math.exp(_log_gamma_half_step(df / 2)) / math.sqrt(df * math.pi)
    for _ in range(1000):
        density = scale * math.exp(-(df + 1) / 2 * math.log1p(t * t / df))
        step = (student_t_sf(t, df) / tail - 1) * tail / density
        t += step
        if abs(step) <= 4 * _PRECISION * abs(t):
            break
    return t


def _beta_tail(square: float, df: float) -> float:
    """Regularised incomplete beta I_x(df/2, 1/2) at x = df/(df + t²): both tails of t beyond ±√square."""
    if square == 0:
        return 1.0
    a, x, y = df / 2, df / (df + square), square / (df + square)
    log_front = -a * math.log1p(square / df) + 0.5 * math.log(y) + _log_gamma_half_step(a) - 0.5 * math.log(math.pi)
    front = math.exp(log_front)
    if x < (a + 1) / (a + 2.5):
        return front * _beta_fraction(a, 0.5, x) / a
    return 1 - front * _beta_fraction(0.5, a, y) / 0.5


def _beta_fraction(a: float, b: float, x: float) -> float:
    """Continued fraction of the incomplete beta function (26.5.8), by the modified Lentz method."""
    c = 1.0
    d = 1 / _nonzero(1 - (a + b) * x / (a + 1))
    value = d
    m = 0
    while True:
        m += 1
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        before = value
        for term in (even, odd):
            d = 1 / _nonzero(1 + term * d)
            c = _nonzero(1 + term / c)
            value *= c * d
        if abs(value - before) <= 2 * _PRECISION * abs(value):
            return value


def _log_gamma_half_step(a: float) -> float:
    """ln Γ(a+½) − ln Γ(a); for large a by its series, as the difference of two large logarithms loses digits."""
    if a < 20:
        return math.lgamma(a + 0.5) - math.lgamma(a)
    s = 1 / (a * a)
    return 0.5 * math.log(a) - (1 / 8 - s * (1 / 192 - s * (1 / 640 - s * 17 / 14336))) / a


def _gamma_tail(a: float, x: float) -> float:
    """Regularised upper incomplete gamma Q(a, x): series (6.5.29) below a + 1, continued fraction (6.5.31) above."""
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        n = a
        while term > total * _PRECISION:
            n += 1
            term *= x / n
            total += term
        return 1 - front * total
    b = x + 1 - a
    c = 1 / _TINY
    d = value = 1 / _nonzero(b)
    n = 0
    while True:
        n += 1
        b += 2
        part = -n * (n - a)
        d = 1 / _nonzero(part * d + b)
        c = _nonzero(b + part / c)
        value *= c * d
        if abs(c * d - 1) <= 2 * _PRECISION:
            return front * value


def _nonzero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
