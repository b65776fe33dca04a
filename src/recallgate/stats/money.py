"""What a campaign earned and what an offer may cost: ROI, cost per recalled person, break-even incentive, idea ranking.

Amounts are numbers of one currency unit, the same in all fields of a call. `t` is the treatment, `c` the control.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from recallgate.stats.checks import number, positive, rate
from recallgate.stats.intervals import newcombe, welch

NOT_BOUNDED = "not bounded"  # printed where a limit of a cost does not exist


@dataclass(frozen=True)
class CostPerRecalled:
    """Cost per recalled person, naive and incremental, with the limits of the increment.

    `naive_cpr` is None when nobody returned. `icpr`, `icpr_low`, `icpr_high` are None where the lift, its upper or its lower
    limit is not above 0: such a cost is not bounded, and no number stands for it.
    """

    naive_cpr: float | None
    incremental: float
    incremental_low: float
    incremental_high: float
    icpr: float | None
    icpr_low: float | None
    icpr_high: float | None


@dataclass(frozen=True)
class Roi:
    """Incremental margin of all treated people, and the return on the cost with its limits: 1.5 is 150 %."""

    margin: float
    roi: float
    roi_low: float
    roi_high: float


def icpr(k_t: int, n_t: int, *, k_c: int, n_c: int, cost: float, alpha: float = 0.05) -> CostPerRecalled:
    """Cost per incrementally recalled person, C/(n_t·Δ), with limits from Newcombe's limits of the lift Δ."""
    lift = newcombe(k_t, n_t, k_c=k_c, n_c=n_c, alpha=alpha)
    cost = number("cost", cost, least=0)
    return CostPerRecalled(
        naive_cpr=cost / k_t if k_t else None,
        incremental=n_t * lift.delta,
        incremental_low=n_t * lift.low,
        incremental_high=n_t * lift.high,
        icpr=_cost_each(cost, n_t * lift.delta),
        icpr_low=_cost_each(cost, n_t * lift.high),
        icpr_high=_cost_each(cost, n_t * lift.low),
    )


def roi(mean_t: float, mean_c: float, *, sd_t: float, sd_c: float, n_t: int, n_c: int, cost: float, alpha: float = 0.05) -> Roi:
    """Return (M − C)/C, M being n_t times the difference of mean margins per assigned person; limits by Welch."""
    difference = welch(mean_t, mean_c, sd_t=sd_t, sd_c=sd_c, n_t=n_t, n_c=n_c, alpha=alpha)
    cost = positive("cost", cost)
    return Roi(
        margin=n_t * difference.diff,
        roi=(n_t * difference.diff - cost) / cost,
        roi_low=(n_t * difference.low - cost) / cost,
        roi_high=(n_t * difference.high - cost) / cost,
    )


def max_affordable_incentive(value: float, delta: float, *, cost: float, p_t: float, rho: float) -> float:
    """Largest benefit per redeemer at break-even, b* = (V·Δ − c)/(p_T·ρ); 0 says no-go.

    `value` is V, the margin of one incremental return; `delta` the expected lift; `cost` is c, message and labour per assigned
    person; `p_t` the expected return rate with the offer; `rho` the share of returners who redeem.
    """
    value, cost = number("V", value, least=0), number("c", cost, least=0)
    delta = number("delta", delta)
    if not -1 <= delta <= 1:
        raise ValueError(f"delta must be from -1 to 1, got {delta!r}; write a lift of 2 points as 0.02")
    redeemers = positive("p_t", rate("p_t", p_t)) * positive("rho", rate("rho", rho))
    return max(0.0, (value * delta - cost) / redeemers)


def ice(impact: float, confidence: float, *, ease: float, extra: Sequence[float] = (), product: bool = False) -> float:
    """Score an idea by impact, confidence, ease and any further marks, each 0…10: their sum, or their product."""
    marks = {"impact": impact, "confidence": confidence, "ease": ease}
    marks.update((f"extra[{index}]", mark) for index, mark in enumerate(extra))
    for field, mark in marks.items():
        if not 0 <= number(field, mark) <= 10:
            raise ValueError(f"{field} must be a mark from 0 to 10, got {mark!r}")
    return math.prod(marks.values()) if product else math.fsum(marks.values())


def rank_ideas(scores: Sequence[float]) -> tuple[int, ...]:
    """Order ideas by score, best first, as indexes into `scores`; ties keep the order of input."""
    read = [number(f"scores[{index}]", score) for index, score in enumerate(scores)]
    return tuple(sorted(range(len(read)), key=lambda index: -read[index]))


def _cost_each(cost: float, people: float) -> float | None:
    return cost / people if people > 0 else None
