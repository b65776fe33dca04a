"""Warnings and the verdict of a review: the first rule that holds."""

from dataclasses import dataclass
from enum import StrEnum

from recallgate.review.counts import ReviewCounts
from recallgate.review.words import Words

SMALL_CONTROL = 100
FEW_RETURNS = 5
OPEN_SHARE = 0.05


class Verdict(StrEnum):
    """What can be said of a campaign."""

    INVALID = "invalid"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    SUCCESS = "success"
    PROMISING = "promising"


@dataclass(frozen=True)
class Warning_:  # noqa: N801 - `Warning` is a built-in exception
    """Something to bear in mind when reading the numbers."""

    code: str
    text: Words


@dataclass(frozen=True)
class Judgement:
    """A verdict, the rule that gave it, and the sentence that says so."""

    verdict: Verdict
    rule: str
    text: Words


@dataclass(frozen=True)
class Signs:
    """What the verdict looks at. Limits are None where they do not exist.

    `best_roi` is the best case: the upper limit of the ROI or, without a holdout, of the ROI as if nobody returned unasked.
    """

    ratio_broken: bool = False
    lift_low: float | None = None
    lift_high: float | None = None
    roi: float | None = None
    roi_low: float | None = None
    roi_high: float | None = None
    best_roi: float | None = None
    experiment: bool = True


_RATIO = Words(
    "The groups do not have the intended sizes, so the assignment is broken and no number below can be trusted.",
    "各组人数与设定比例不符，分流失效，下列数字均不可信。",
)
_LOSS = Words("Even the best case loses money.", "即使按最好情况计算也是亏损。")
_NO_EFFECT = Words(
    "The interval of the lift contains zero: these people may have returned anyway.",
    "增量区间包含零：这些用户可能本来就会回流。",
)
_PAID = Words("Even the cautious case earned more than it cost.", "即使按保守情况计算，收益也高于成本。")
_LIKELY = Words(
    "It earned more than it cost, but chance is not ruled out: repeat it with more people.",
    "收益高于成本，但不能排除偶然：请扩大样本再做一次。",
)
_NO_HOLDOUT = Words(
    "Nobody was held out, so it is not known how many would have returned anyway. Hold out a share next time.",
    "没有设置对照组，无法得知多少人本会自然回流。下次请留出对照组。",
)
_HISTORY = Words(
    "Compared with history it earned more than it cost; only a holdout can show that the campaign was the reason.",
    "与历史相比收益高于成本；只有设置对照组才能证明是活动带来的。",
)
_NO_PROFIT = Words(
    "More people returned than by themselves, but the return on the cost is not above zero, or not known.",
    "回流人数高于自然回流，但投资回报率不为正或未知。",
)

_HARM = Words(
    "Fewer people returned than without contact: the campaign may have driven people away.",
    "回流人数低于不触达：活动可能起了反作用。",
)


def judge(signs: Signs) -> Judgement:
    """The first rule that holds: invalid, failed, inconclusive, success, promising, else inconclusive."""
    if signs.ratio_broken:
        return Judgement(Verdict.INVALID, "sample_ratio", _RATIO)
    if signs.best_roi is not None and signs.best_roi < 0:
        return Judgement(Verdict.FAILED, "roi_high_below_zero", _LOSS)
    if not signs.experiment:
        if signs.roi is not None and signs.roi > 0:
            return Judgement(Verdict.PROMISING, "historical", _HISTORY)
        return Judgement(Verdict.INCONCLUSIVE, "historical", _NO_HOLDOUT)
    if signs.lift_low is None or signs.lift_high is None or signs.lift_low <= 0 <= signs.lift_high:
        return Judgement(Verdict.INCONCLUSIVE, "lift_contains_zero", _NO_EFFECT)
    if signs.roi_low is not None and signs.roi_low > 0:
        return Judgement(Verdict.SUCCESS, "roi_low_above_zero", _PAID)
    if signs.roi is not None and signs.roi > 0:
        return Judgement(Verdict.PROMISING, "roi_contains_zero", _LIKELY)
    return Judgement(Verdict.INCONCLUSIVE, "otherwise", _HARM if signs.lift_high < 0 else _NO_PROFIT)


def warnings_of(
    counts: ReviewCounts, *, lift_contains_zero: bool, peeked: bool, open_share: float, experiment: bool
) -> tuple[Warning_, ...]:
    """What to bear in mind, in fixed order."""
    control, found = counts.control, []
    if experiment and control is not None and control.n < SMALL_CONTROL:
        found.append(
            Warning_(
                "small_control",
                Words(
                    f"Only {control.n} people were held out; below {SMALL_CONTROL} the natural return rate is a guess.",
                    f"对照组只有 {control.n} 人；少于 {SMALL_CONTROL} 人时自然回流率不可靠。",
                ),
            )
        )
    if counts.treatment.returned < FEW_RETURNS or (control is not None and control.returned < FEW_RETURNS):
        found.append(
            Warning_(
                "few_returns",
                Words(
                    f"Fewer than {FEW_RETURNS} people of a group returned: single users move the result.",
                    f"有一组回流不足 {FEW_RETURNS} 人：个别用户就会左右结果。",
                ),
            )
        )
    if lift_contains_zero:
        found.append(Warning_("lift_contains_zero", Words("The interval of the lift contains zero.", "增量区间包含零。")))
    if peeked:
        found.append(
            Warning_(
                "peeked",
                Words(
                    "The result was looked at more often than declared, which makes chance findings likelier (peeked).",
                    "查看结果的次数多于事先声明，偶然显著的可能性升高（提前偷看）。",
                ),
            )
        )
    if open_share > OPEN_SHARE:
        found.append(
            Warning_(
                "window_open",
                Words(
                    f"The window is still open for {open_share:.0%} of the people: the numbers will change.",
                    f"仍有 {open_share:.0%} 的用户处于观察窗口内：数字还会变化。",
                ),
            )
        )
    if not experiment:
        found.append(
            Warning_(
                "historical_evidence",
                Words(
                    "There is no holdout: the evidence is historical and shows no cause.",
                    "没有对照组：证据仅来自历史数据，不能说明因果。",
                ),
            )
        )
    return tuple(found)
