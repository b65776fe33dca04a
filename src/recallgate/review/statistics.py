"""The statistics of a review: every number with its interval, then the warnings and the verdict."""

import math
from dataclasses import dataclass

from recallgate.review.comparison import Compared, compare_arms, compare_days, compare_groups, without_causes
from recallgate.review.counts import ReviewCounts, Side
from recallgate.review.figures import Figure, rate_figure
from recallgate.review.verdict import Judgement, Signs, Warning_, judge, warnings_of
from recallgate.stats import icpr, needs_fisher, newcombe, p_value, relative_lift, rule_of_three, srm, welch
from recallgate.stats.checks import inner_rate, rate
from recallgate.stats.distributions import two_sided_t

EXPERIMENT, HISTORICAL = "experiment", "historical"
HEADLINE = ("recall_rate", "pay_rate", "retention_7d")


@dataclass(frozen=True)
class ReviewResult:
    """All numbers of a review, in the order in which they are shown."""

    judgement: Judgement
    warnings: tuple[Warning_, ...]
    evidence: str
    alpha: float
    window_days: int
    figures: tuple[Figure, ...]
    days: tuple[Compared, ...]
    arms: tuple[Compared, ...]
    tiers: tuple[Compared, ...]
    lapse: tuple[Compared, ...]
    countries: tuple[Compared, ...]

    @property
    def verdict(self) -> str:
        return self.judgement.verdict.value

    def figure(self, name: str) -> Figure | None:
        """The number of this name, or None where the counts do not allow it."""
        return next((figure for figure in self.figures if figure.name == name), None)

    def to_json(self) -> dict[str, object]:
        """Everything as plain values; floats as computed."""
        found = {figure.name: figure.to_json(self.window_days) for figure in self.figures}
        return {
            "verdict": self.verdict,
            "rule": self.judgement.rule,
            "reason": self.judgement.text._asdict(),
            "evidence": self.evidence,
            "alpha": self.alpha,
            "window_days": self.window_days,
            "warnings": [{"code": warning.code, "text": warning.text._asdict()} for warning in self.warnings],
            "headline": {name: found[name] for name in HEADLINE},
            "statistics": found,
            "days": [row.to_json() for row in self.days],
            "arms": [row.to_json() for row in self.arms],
            "tiers": [row.to_json() for row in self.tiers],
            "lapse": [row.to_json() for row in self.lapse],
            "countries": [row.to_json() for row in self.countries],
        }


def evaluate(
    counts: ReviewCounts, *, alpha: float = 0.05, peeked: bool = False, open_share: float = 0.0, evidence: str = EXPERIMENT
) -> ReviewResult:
    """Compute every statistic of the counts, the warnings and the verdict.

    `peeked`: there were more looks than declared. `open_share`: share of people whose window is not over. `evidence`
    historical says that `control` is taken from history; without a control it always is, and no interval is causal then.
    """
    alpha, open_share = inner_rate("alpha", alpha), rate("open_share", open_share)
    if evidence not in (EXPERIMENT, HISTORICAL):
        raise ValueError(f"evidence must be {EXPERIMENT} or {HISTORICAL}, got {evidence!r}")
    control = counts.control
    if control is None or control.n == 0 or counts.treatment.n == 0:
        evidence = HISTORICAL
    experiment = evidence == EXPERIMENT
    figures = [*_rates(counts, alpha), *_effect(counts, alpha, experiment), *_margin(counts, alpha, experiment)]
    named = {figure.name: figure for figure in figures}
    lift, ratio = named.get("lift"), named.get("sample_ratio")
    contains_zero = lift is not None and lift.low is not None and lift.high is not None and lift.low <= 0 <= lift.high
    groups = [
        compare_days(counts, alpha=alpha),
        compare_arms(counts.by_arm, control, alpha=alpha),
        *(compare_groups(found, alpha=alpha) for found in (counts.by_tier, counts.by_lapse, counts.by_country)),
    ]
    if not experiment:
        groups = [without_causes(rows) for rows in groups]
    return ReviewResult(
        judge(_signs(named, lift, broken=ratio is not None and ratio.more["invalid"] is True, experiment=experiment)),
        warnings_of(counts, lift_contains_zero=contains_zero, peeked=peeked, open_share=open_share, experiment=experiment),
        evidence,
        alpha,
        counts.window_days,
        tuple(figures),
        *groups,
    )


def _signs(named: dict[str, Figure], lift: Figure | None, *, broken: bool, experiment: bool) -> Signs:
    roi = named.get("roi")
    gross, cost = named.get("gross_margin"), named["cost"].value
    best = roi.high if roi is not None else None
    if best is None and gross is not None and gross.high is not None and cost:
        best = (gross.high - cost) / cost
    return Signs(
        ratio_broken=broken,
        lift_low=lift.low if lift else None,
        lift_high=lift.high if lift else None,
        roi=roi.value if roi else None,
        roi_low=roi.low if roi else None,
        roi_high=roi.high if roi else None,
        best_roi=best,
        experiment=experiment,
    )


def _rates(counts: ReviewCounts, alpha: float) -> list[Figure]:
    treated, control = counts.treatment, counts.control
    found = [
        rate_figure("recall_rate", treated.returned, treated.n, alpha=alpha),
        rate_figure("pay_rate", treated.paid, treated.returned, alpha=alpha),
        rate_figure("retention_7d", treated.retained_7d, treated.observed, alpha=alpha),
    ]
    if treated.n and not treated.returned:
        found.append(_at_most("at_most", treated))
    if treated.repeated is not None:
        found.append(rate_figure("repeat_rate", treated.repeated, treated.paid, alpha=alpha))
    if control is not None:
        found += [
            rate_figure("natural_return_rate", control.returned, control.n, alpha=alpha),
            rate_figure("natural_pay_rate", control.paid, control.returned, alpha=alpha),
            rate_figure("natural_retention_7d", control.retained_7d, control.observed, alpha=alpha),
        ]
        if control.n and not control.returned:
            found.append(_at_most("natural_at_most", control))
    return found


def _at_most(name: str, side: Side) -> Figure:
    return Figure(name, rule_of_three(0, side.n), k=0, n=side.n)


def _effect(counts: ReviewCounts, alpha: float, experiment: bool) -> list[Figure]:
    treated, control = counts.treatment, counts.control
    cost = counts.costs.total
    found = []
    if treated.returned:
        found.append(Figure("naive_cpr", cost / treated.returned, unit="money", more={"naive": True}))
    if control is None or not (treated.n and control.n):
        return found
    table = {"k_c": control.returned, "n_c": control.n}
    lift = newcombe(treated.returned, treated.n, **table, alpha=alpha)
    if not experiment:
        found.append(Figure("lift", lift.delta, unit="points"))
        found.append(Figure("incremental_people", treated.n * lift.delta, unit="people"))
        return found
    each = icpr(treated.returned, treated.n, **table, cost=cost, alpha=alpha)
    relative = relative_lift(treated.returned, treated.n, **table, alpha=alpha)
    exact = needs_fisher(treated.returned, treated.n, **table)
    against = {} if counts.cac is None else {"cac": counts.cac, "below_cac": each.icpr is not None and each.icpr < counts.cac}
    found += [
        Figure("lift", lift.delta, lift.low, lift.high, unit="points"),
        Figure(
            "p_value", p_value(treated.returned, treated.n, **table), unit="p", more={"test": "fisher" if exact else "pooled_z"}
        ),
        Figure("incremental_people", each.incremental, each.incremental_low, each.incremental_high, unit="people"),
        Figure("icpr", each.icpr, each.icpr_low, each.icpr_high, unit="money", unbounded=True, more=against),
    ]
    if relative is not None:
        found.append(Figure("relative_lift", relative.relative, relative.low, relative.high, unit="ratio"))
    if counts.weights:
        found.append(_sample_ratio(counts, control))
    return found


def _sample_ratio(counts: ReviewCounts, control: Side) -> Figure:
    sizes = [counts.treatment.n] if len(counts.weights) == 2 else [arm.n for arm in counts.by_arm.values()]
    observed = [*sizes, control.n]
    found = srm(observed, counts.weights)
    more = {"chi2": found.chi2, "invalid": found.invalid, "observed": observed, "weights": list(counts.weights)}
    return Figure("sample_ratio", found.p, unit="p", more=more)


def _margin(counts: ReviewCounts, alpha: float, experiment: bool) -> list[Figure]:
    treated, control, cost = counts.treatment, counts.control, counts.costs.total
    found = [Figure("cost", cost, unit="money", more=vars(counts.costs))]
    if treated.returned:
        found.append(Figure("value_per_recalled", treated.n * treated.margin_mean / treated.returned, unit="money"))
    if control is None or not (treated.n and control.n):
        return [*found, *_gross(treated, alpha)]
    if not experiment or min(treated.n, control.n) < 2:
        margin = Figure("incremental_margin", treated.n * (treated.margin_mean - control.margin_mean), unit="money")
        found += [margin, *_gross(treated, alpha)]
    else:
        difference = welch(
            treated.margin_mean,
            control.margin_mean,
            sd_t=treated.margin_sd,
            sd_c=control.margin_sd,
            n_t=treated.n,
            n_c=control.n,
            alpha=alpha,
        )
        limits = (treated.n * difference.diff, treated.n * difference.low, treated.n * difference.high)
        welch_more = {"df": difference.df, "p": difference.p, "mean_difference": difference.diff}
        margin = Figure("incremental_margin", *limits, unit="money", more=welch_more)
        found.append(margin)
    if cost > 0:
        found.append(_over_cost(margin, cost))
    return found


def _over_cost(margin: Figure, cost: float) -> Figure:
    value, low, high = (None if amount is None else (amount - cost) / cost for amount in (margin.value, margin.low, margin.high))
    return Figure("roi", value, low, high, unit="ratio")


def _gross(treated: Side, alpha: float) -> list[Figure]:
    """The margin as if nobody returned unasked: what the best case is without a holdout."""
    if treated.n < 2:
        return []
    half_width = two_sided_t(alpha, treated.n - 1) * treated.margin_sd / math.sqrt(treated.n)
    mean = treated.margin_mean
    limits = (treated.n * mean, treated.n * (mean - half_width), treated.n * (mean + half_width))
    return [Figure("gross_margin", *limits, unit="money")]
