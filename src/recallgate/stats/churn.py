"""When a silence means that somebody has left: the return curve, its knee, and BG/NBD's probability of being alive.

Source: P. S. Fader, B. G. S. Hardie, K. L. Lee, "Counting Your Customers the Easy Way", Marketing Science 24 (2005), 275-284.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence

from recallgate.stats.checks import count, inner_rate, number, positive

Curve = Sequence[Sequence[float]]  # pairs (days of silence, share that came back later), days rising


def return_curve(
    ended: Sequence[float], still_open: Sequence[float], *, max_days: int, settle_days: int = 90
) -> list[tuple[int, float]]:
    """Share of the gaps that reached N days and ended with a later event, for N = 1 … `max_days`.

    `ended` and `still_open` are lengths of gaps in whole days. An open gap counts as not ended from N + `settle_days` days of
    silence on; before, it is left out. The curve stops where no gap counts any more.
    """
    closed = sorted(number(f"ended[{index}]", days, least=0) for index, days in enumerate(ended))
    open_ = sorted(number(f"still_open[{index}]", days, least=0) for index, days in enumerate(still_open))
    settle = count("settle_days", settle_days)
    curve = []
    for n in range(1, count("max_days", max_days, least=1) + 1):
        returned = len(closed) - bisect_left(closed, n)
        gone = len(open_) - bisect_left(open_, n + settle)
        if returned + gone == 0:
            break
        curve.append((n, returned / (returned + gone)))
    return curve


def knee(points: Curve) -> float:
    """Knee of a falling curve: the N with the largest distance below the chord from first to last point, smallest on ties.

    Raises ValueError for fewer than three points, N that do not rise, and a curve that never runs below its chord.
    """
    curve = _read(points)
    if len(curve) < 3:
        raise ValueError(f"points must hold at least 3 pairs, got {len(curve)}; a knee lies between the ends")
    (first_n, first), (last_n, last) = curve[0], curve[-1]
    height = max(share for _, share in curve) - min(share for _, share in curve)
    best_n, best = first_n, 0.0
    for n, share in curve[1:-1]:
        chord = first + (last - first) * ((n - first_n) / (last_n - first_n))
        if chord - share > best + 1e-12 * height:  # what differs only by rounding is a tie
            best_n, best = n, chord - share
    if best == 0:
        raise ValueError(
            "points must run below the chord somewhere, this curve has no knee; use first_below with a share instead"
        )
    return best_n


def first_below(points: Curve, share: float = 0.1) -> float | None:
    """First N of a curve whose share is below `share`, usually 5 to 10 %; None when it never falls so low."""
    limit = inner_rate("share", share)
    return next((n for n, value in _read(points) if value < limit), None)


def p_alive(x: int, t_x: float, *, age: float, r: float, alpha: float, a: float, b: float) -> float:
    """Probability under BG/NBD that a customer with `x` repeat events, the last at `t_x`, is alive at `age`.

    `age` is T, in the unit of time of `t_x` and of the fitted `r`, `alpha`, `a`, `b`. Without a repeat event it is 1 by the
    model, so one-time buyers need a fixed rule.
    """
    x, last, now = count("x", x), number("t_x", t_x, least=0), number("T", age, least=0)
    r, alpha, a, b = positive("r", r), positive("alpha", alpha), positive("a", a), positive("b", b)
    if last > now:
        raise ValueError(f"t_x must not exceed T, got {last!r} after {now!r}; both count from the first event")
    if x == 0:
        return 1.0
    log_odds_gone = math.log(a) - math.log(b + (x - 1)) + (r + x) * math.log((alpha + now) / (alpha + last))
    return 1 / (1 + math.exp(log_odds_gone)) if log_odds_gone < 700 else 0.0


def _read(points: Curve) -> list[tuple[float, float]]:
    curve: list[tuple[float, float]] = []
    for index, point in enumerate(points):
        if not isinstance(point, tuple | list) or len(point) != 2:
            raise ValueError(f"points[{index}] must be a pair of N and share, got {point!r}")
        n, share = number(f"points[{index}][0]", point[0]), number(f"points[{index}][1]", point[1])
        if curve and n <= curve[-1][0]:
            raise ValueError(
                f"points[{index}][0] must be above the N before it, got {n:g} after {curve[-1][0]:g}; sort the points"
            )
        curve.append((n, share))
    return curve
