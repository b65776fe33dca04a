"""What each number of a review means: its definition and its denominator, in English and Chinese."""

from typing import NamedTuple

from recallgate.review.words import Words


class Definition(NamedTuple):
    """The name of a number, what it is, what it is divided by, and its formula's interval."""

    label: Words
    text: Words
    denominator: Words


_ASSIGNED_T = Words("everybody assigned to treatment, reached or not", "分到触达组的全部用户，无论是否触达")
_ASSIGNED_C = Words("everybody held out", "对照组（不触达）的全部用户")
_RECALLED = Words("recalled people: returned within the window", "窗口内回流的用户")
_NATURAL = Words("held-out people who returned by themselves", "对照组中自然回流的用户")
NO_DENOMINATOR = Words("none", "无")

DEFINITIONS: dict[str, Definition] = {
    "recall_rate": Definition(
        Words("Recall rate", "召回率"),
        Words(
            "People of the treatment group who returned within the window; Wilson interval.",
            "触达组在窗口内回流的人数占比；Wilson 区间。",
        ),
        _ASSIGNED_T,
    ),
    "natural_return_rate": Definition(
        Words("Natural return rate", "自然回流率"),
        Words(
            "People kept without contact who returned by themselves; Wilson interval.",
            "未被触达而自行回流的人数占比；Wilson 区间。",
        ),
        _ASSIGNED_C,
    ),
    "pay_rate": Definition(
        Words("Pay rate of the recalled", "召回用户付费率"),
        Words("Recalled people who paid within the window; Wilson interval.", "召回用户中在窗口内付费的占比；Wilson 区间。"),
        _RECALLED,
    ),
    "natural_pay_rate": Definition(
        Words("Pay rate of natural returners", "自然回流用户付费率"),
        Words(
            "Naturally returned people who paid within the window; Wilson interval.",
            "自然回流用户中在窗口内付费的占比；Wilson 区间。",
        ),
        _NATURAL,
    ),
    "retention_7d": Definition(
        Words("7-day retention of the recalled", "召回用户 7 日留存率"),
        Words(
            "Recalled people who were active again on local day 1 to 7 after their return; Wilson interval.",
            "召回用户在回流后第 1 至 7 个当地自然日再次活跃的占比；Wilson 区间。",
        ),
        Words("recalled people whose seven days are over", "回流后已满 7 天的召回用户"),
    ),
    "natural_retention_7d": Definition(
        Words("7-day retention of natural returners", "自然回流用户 7 日留存率"),
        Words(
            "Naturally returned people who were active again on local day 1 to 7 after their return; Wilson interval.",
            "自然回流用户在回流后第 1 至 7 个当地自然日再次活跃的占比；Wilson 区间。",
        ),
        Words("natural returners whose seven days are over", "回流后已满 7 天的自然回流用户"),
    ),
    "repeat_rate": Definition(
        Words("Repeat rate", "复购率"),
        Words(
            "Recalled payers who bought a second time within the window; Wilson interval.",
            "召回付费用户中在窗口内再次购买的占比；Wilson 区间。",
        ),
        Words("recalled people who paid", "付费的召回用户"),
    ),
    "lift": Definition(
        Words("Lift", "增量（绝对提升）"),
        Words("Recall rate less natural return rate; Newcombe interval.", "召回率减自然回流率；Newcombe 区间。"),
        Words("each rate by its own assigned people", "各组以各自分配人数为分母"),
    ),
    "relative_lift": Definition(
        Words("Relative lift", "相对提升"),
        Words(
            "Recall rate over natural return rate, less one; interval on the log scale.",
            "召回率除以自然回流率再减一；对数尺度区间。",
        ),
        Words("the natural return rate", "自然回流率"),
    ),
    "p_value": Definition(
        Words("p-value", "p 值"),
        Words(
            "Two-sided: pooled z without continuity correction, or Fisher's exact test when an expected cell is below 5.",
            "双侧：合并方差 z 检验（无连续性校正）；任一期望频数小于 5 时用 Fisher 精确检验。",
        ),
        NO_DENOMINATOR,
    ),
    "sample_ratio": Definition(
        Words("Sample ratio check", "样本比例检验"),
        Words(
            "Chi-square of the group sizes against the intended ones; below p = 0.001 the split is broken.",
            "各组人数与设定比例的卡方检验；p 小于 0.001 说明分流失效。",
        ),
        Words("everybody assigned", "全部已分配用户"),
    ),
    "incremental_people": Definition(
        Words("People won back", "净召回人数"),
        Words(
            "Lift times the people of the treatment group: returns that the campaign caused.",
            "增量乘以触达组人数，即由活动带来的回流。",
        ),
        _ASSIGNED_T,
    ),
    "incremental_margin": Definition(
        Words("Incremental margin", "增量毛利"),
        Words(
            "People of the treatment group times the difference of the mean margins per assigned person; Welch interval.",
            "触达组人数乘以两组人均毛利之差；Welch 区间。",
        ),
        _ASSIGNED_T,
    ),
    "gross_margin": Definition(
        Words("Margin before natural returns", "未扣自然回流的毛利"),
        Words(
            "All margin of the treatment group, as if nobody had returned without contact: an upper bound.",
            "触达组的全部毛利，假定无人会自然回流，仅为上限。",
        ),
        _ASSIGNED_T,
    ),
    "value_per_recalled": Definition(
        Words("Value per recalled person", "单个召回用户价值"),
        Words(
            "Margin of the treatment group per recalled person, natural returns not taken off.",
            "触达组毛利除以召回人数，未扣自然回流。",
        ),
        _RECALLED,
    ),
    "cost": Definition(
        Words("Cost", "总成本"),
        Words("Messages, labour, redeemed incentives and fixed cost.", "消息、人力、已核销优惠与固定成本之和。"),
        NO_DENOMINATOR,
    ),
    "roi": Definition(
        Words("Return on cost (ROI)", "投资回报率（ROI）"),
        Words(
            "Incremental margin less cost, over cost; limits from the limits of the margin.",
            "（增量毛利 − 成本）÷ 成本；区间来自毛利区间。",
        ),
        Words("the cost", "总成本"),
    ),
    "naive_cpr": Definition(
        Words("Naive cost per recalled", "表观单人召回成本"),
        Words(
            "Cost per returned person; naive, as natural returns count as won.",
            "成本除以回流人数；把自然回流也算作召回，故为表观值。",
        ),
        Words("returned people of the treatment group", "触达组回流人数"),
    ),
    "icpr": Definition(
        Words("Cost per person won back (iCPR)", "单个净召回成本（iCPR）"),
        Words(
            "Cost per incrementally returned person; a limit without a number is not bounded.",
            "成本除以净召回人数；无法给出数值的界限即“无上界”。",
        ),
        Words("people won back", "净召回人数"),
    ),
    "at_most": Definition(
        Words("Recall rate at most", "召回率上限"),
        Words("Nobody returned, so the rate is at most 3/n (rule of three).", "无人回流，召回率至多为 3/n（三法则）。"),
        _ASSIGNED_T,
    ),
    "natural_at_most": Definition(
        Words("Natural return rate at most", "自然回流率上限"),
        Words(
            "Nobody held out returned, so the rate is at most 3/n (rule of three).",
            "对照组无人回流，自然回流率至多为 3/n（三法则）。",
        ),
        _ASSIGNED_C,
    ),
}
