"""The report put together: headline, verdict, effect, plan, quality, cost; then the sections on delivery."""

from collections.abc import Mapping, Sequence

from recallgate.review import svg
from recallgate.review.collected import CostLine
from recallgate.review.comparison import Compared
from recallgate.review.compose_delivery import delivery_sections
from recallgate.review.document import (
    Banner,
    Block,
    Card,
    Cell,
    Chart,
    Document,
    Facts,
    Headline,
    Notes,
    Paragraph,
    Section,
    Table,
)
from recallgate.review.shown import View, rate_text
from recallgate.review.statistics import EXPERIMENT, HEADLINE
from recallgate.review.words import MINUS, percent, points
from recallgate.stats import wilson

_PLAN_ORDER = ("hypothesis", "what_changed", "segment", "offer", "copy", "page", "play")


def compose(view: View, *, title: str, plan: Mapping[str, object]) -> Document:
    """The document of a review; the same for every form in which it is written."""
    return Document(
        language=view.language,
        title=title,
        kicker=" · ".join((view.t("review"), view.window, view.t("evidence", evidence=view.t(view.result.evidence)))),
        lead=(_headline(view), _verdict(view), _warnings(view)),
        sections=(
            _effect(view),
            _plan(view, plan),
            _quality(view),
            _cost(view),
            *_groups(view),
            *delivery_sections(view),
        ),
        footer=view.t("notes"),
        skip=view.t("skip"),
    )


def _headline(view: View) -> Headline:
    cards = []
    for name in HEADLINE:
        figure = view.result.figure(name)
        assert figure is not None  # the three are always computed
        counts = f"{figure.k:,}/{figure.n:,}"
        cards.append(
            Card(
                view.name(figure),
                view.value(figure),
                view.interval(figure),
                counts,
                f"{view.denominator(figure)} · {view.window}",
            )
        )
    return Headline(tuple(cards))


def _verdict(view: View) -> Banner:
    parts = []
    for name in ("lift", "roi", "icpr"):
        figure = view.result.figure(name)
        if figure is not None:
            parts.append(f"{view.name(figure)} {view.value(figure)} {view.interval(figure)}".strip())
    return Banner(
        view.t("verdict"),
        view.t(view.result.verdict),
        view.result.verdict,
        view.result.judgement.text.to(view.language),
        " · ".join(parts),
    )


def _warnings(view: View) -> Block:
    found = tuple(warning.text.to(view.language) for warning in view.result.warnings)
    return Notes(view.t("warnings"), found, warning=True) if found else Paragraph(view.t("no_warnings"))


def _effect(view: View) -> Section:
    blocks: list[Block] = [Paragraph(view.t("effect_lead")), _rate_chart(view)]
    if (curve := _curve(view)) is not None:
        blocks.append(curve)
    names = ("recall_rate", "at_most", "natural_return_rate", "natural_at_most", "lift", "relative_lift", "incremental_people")
    blocks.append(Table(view.t("effect"), view.columns, view.rows(*names, "p_value", "sample_ratio")))
    if view.result.days:
        rows = tuple(view.compared(row, row.name) for row in view.result.days)
        blocks.append(Table(view.t("day"), view.compared_columns(view.t("day")), rows))
    return Section("effect", view.t("effect"), tuple(blocks))


def _rate_chart(view: View) -> Chart:
    estimates = []
    for name, text, tone in (("recall_rate", "recalled", "treated"), ("natural_return_rate", "natural", "control")):
        figure = view.result.figure(name)
        if figure is not None and figure.value is not None:
            estimates.append(svg.Estimate(view.t(text), figure.value, figure.low, figure.high, view.value(figure), tone))
    title = view.t("rates", level=view.level)
    description = "; ".join(f"{found.label} {found.shown}" for found in estimates) or "–"
    return Chart(title, svg.intervals(estimates, name="rates", title=title, description=description, tick=percent))


def _curve(view: View) -> Chart | None:
    counts, alpha = view.collected.counts, view.result.alpha
    lines = []
    for side, text, tone in ((counts.control, "natural", "control"), (counts.treatment, "recalled", "treated")):
        if side is None or len(side.by_day) < 2 or not side.n:
            continue
        rates = [wilson(k, side.n, alpha=alpha) for k in side.by_day]
        pairs = tuple((float(day), found.rate, found.low, found.high) for day, found in enumerate(rates))
        lines.append(svg.Line(view.t(text), pairs, rate_text(side.by_day[-1], side.n), tone))
    if not lines:
        return None
    title = view.t("curve")
    description = "; ".join(f"{line.label} {line.shown}" for line in lines)
    drawing = svg.curves(lines[::-1], name="curve", title=title, description=description, tick=percent, unit="D")
    return Chart(title, drawing, view.t("curve_note", level=view.level))


def _plan(view: View, plan: Mapping[str, object]) -> Section:
    names = [name for name in _PLAN_ORDER if name in plan] + [name for name in plan if name not in _PLAN_ORDER]
    pairs = tuple((_plan_name(view, name), values) for name in names if (values := _said(plan[name])))
    return Section("plan", view.t("plan"), (Facts(pairs) if pairs else Paragraph(view.t("plan_empty")),))


def _plan_name(view: View, name: str) -> str:
    """The report's own word, or the app's name as a word."""
    known = view.t(name)
    return known if known != name else name[:1].upper() + name[1:].replace("_", " ")


def _said(value: object) -> tuple[str, ...]:
    if value is None or value == "":
        return ()
    if isinstance(value, Mapping):
        return tuple(f"{name}: {', '.join(_said(part))}" for name, part in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(", ".join(_said(part)) for part in value)
    return (str(value),)


def _quality(view: View) -> Section:
    names = ("pay_rate", "natural_pay_rate", "retention_7d", "natural_retention_7d", "repeat_rate", "value_per_recalled")
    side = view.collected.counts.treatment
    rows = [*view.rows(*names)]
    for name, shares in (("retained", side.retained), ("lapsed_again", side.lapsed_again)):
        for share in shares:
            if share.n:
                found = wilson(share.k, share.n, alpha=view.result.alpha)
                one = "_next" if share.days == 1 else ""
                rows.append(
                    (
                        Cell(view.t(name + one, days=share.days), f"{view.t('of')} {view.t(f'observed{one}', days=share.days)}"),
                        Cell(f"{share.k:,}/{share.n:,} = {percent(found.rate)}", number=True),
                        Cell(f"[{percent(found.low)}, {percent(found.high)}]", number=True),
                    )
                )
    return Section(
        "quality", view.t("quality"), (Paragraph(view.t("quality_lead")), Table(view.t("quality"), view.columns, tuple(rows)))
    )


def _cost(view: View) -> Section:
    costs = view.collected.counts.costs
    lines = [CostLine(name, amount) for name in ("message", "labour", "incentive", "fixed") if (amount := getattr(costs, name))]
    names = ("cost", "incremental_margin", "gross_margin", "roi", "icpr", "naive_cpr")
    blocks: list[Block] = [Table(view.t("cost"), view.columns, view.rows(*names))]
    if not lines:
        blocks.append(Paragraph(view.t("no_cost")))
    else:
        blocks.append(_split(view, "cost_by", lines, costs.total))
    found = view.collected
    for name, split in (
        ("by_channel_cost", found.cost_by_channel),
        ("by_payer_cost", found.cost_by_payer),
        ("by_tier_cost", found.cost_by_tier),
    ):
        if len(split) > 1 and costs.total:
            blocks.append(_split(view, name, split, costs.total))
    icpr = view.result.figure("icpr")
    if icpr is not None and (cac := view.collected.counts.cac) is not None:
        blocks.append(Facts(((view.t("cac"), (view.money(cac),)),)))
        blocks.append(Paragraph(view.t("below_cac" if icpr.more["below_cac"] else "above_cac")))
    return Section("cost", view.t("cost"), tuple(blocks))


def _split(view: View, caption: str, lines: Sequence[CostLine], total: float) -> Table:
    rows = [
        (Cell(view.t(line.name)), Cell(view.money(line.amount), number=True), Cell(percent(line.amount / total), number=True))
        for line in lines
    ]
    rows.append((Cell(view.t("total")), Cell(view.money(total), number=True), Cell(percent(1.0), number=True)))
    return Table(view.t(caption), (view.t("item"), view.t("amount"), view.t("share")), tuple(rows))


def _groups(view: View) -> tuple[Section, ...]:
    result, found = view.result, []
    for name, lead, head, rows in (
        ("arms", "arms_lead", "arm", result.arms),
        ("tiers", "groups_lead", "group", result.tiers),
        ("lapse", "groups_lead", "group", result.lapse),
        ("countries", "groups_lead", "group", result.countries),
    ):
        if rows:
            blocks: list[Block] = [Paragraph(view.t(lead))]
            if (chart := _lift_chart(view, name, rows)) is not None:
                blocks.append(chart)
            holm = name == "arms" and result.evidence == EXPERIMENT
            cells = tuple(view.compared(row, row.name, holm=holm) for row in rows)
            blocks.append(Table(view.t(name), view.compared_columns(view.t(head), holm=holm), cells))
            found.append(Section(name, view.t(name), tuple(blocks)))
    return tuple(found)


def _lift_chart(view: View, name: str, rows: Sequence[Compared]) -> Chart | None:
    estimates = [
        svg.Estimate(row.name, row.lift.delta, row.lift.low, row.lift.high, points(row.lift.delta), "treated")
        for row in rows
        if row.lift is not None
    ]
    if not estimates:
        return None
    title = f"{view.t('lift_points')} · {view.t('interval', level=view.level)}"
    description = "; ".join(f"{found.label} {found.shown}" for found in estimates)
    drawing = svg.intervals(
        estimates,
        name=f"lift-{name}",
        title=title,
        description=description,
        tick=lambda at: f"{at * 100:+g}".replace("-", MINUS) if at else "0",
        zero=True,
    )
    return Chart(title, drawing)
