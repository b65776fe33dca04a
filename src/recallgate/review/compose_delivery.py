"""The sections of the report on delivery: funnel, channels, guardrails, reasons, states."""

from recallgate.review import svg
from recallgate.review.collected import Guardrail
from recallgate.review.comparison import compare
from recallgate.review.counts import ChannelCounts
from recallgate.review.document import Block, Cell, Chart, Paragraph, Section, Table
from recallgate.review.reasons import sentence_of
from recallgate.review.shown import View, rate_text
from recallgate.review.words import whole


def delivery_sections(view: View) -> tuple[Section, ...]:
    """What is known of the messages; nothing without a store behind the review."""
    if not view.collected.funnel:
        return ()
    parts = (_funnel(view), _channels(view), _guardrails(view), _reasons(view), _states(view))
    return tuple(part for part in parts if part is not None)


def _funnel(view: View) -> Section:
    stages = view.collected.funnel
    assigned = stages[0].people
    rows = []
    for place, stage in enumerate(stages):
        before = stages[place - 1].people if place else 0
        rows.append(
            (
                Cell(view.t(stage.name)),
                Cell(whole(stage.people), number=True),
                Cell("–" if stage.messages is None else whole(stage.messages), number=True),
                Cell(rate_text(stage.people, assigned), number=True),
                # people also return without a click, so a share of the clicked would mean nothing
                Cell(rate_text(stage.people, before) if before and stage.name != "returned" else "–", number=True),
            )
        )
    title = view.t("funnel")
    bars = [svg.Bar(view.t(stage.name), stage.people / assigned if assigned else 0.0, whole(stage.people)) for stage in stages]
    description = "; ".join(f"{bar.label} {bar.shown}" for bar in bars)
    columns = ("stage", "people", "messages", "of_assigned", "of_previous")
    blocks: list[Block] = [
        Paragraph(view.t("funnel_lead")),
        Chart(title, svg.bars(bars, name="funnel", title=title, description=description)),
        Table(title, tuple(view.t(name) for name in columns), tuple(rows)),
    ]
    if silent := [found.channel for found in view.collected.counts.by_channel if _silent(found)]:
        blocks.append(Paragraph(view.t("unreported", channels=", ".join(silent))))
    if view.collected.clicks_not_human:
        blocks.append(Paragraph(view.t("not_human", count=whole(view.collected.clicks_not_human))))
    return Section("funnel", title, tuple(blocks))


def _channels(view: View) -> Section | None:
    channels = view.collected.counts.by_channel
    if not channels:
        return None
    rows = tuple(
        (
            Cell(found.channel),
            Cell(whole(found.sent), number=True),
            _delivered(view, found),
            Cell(whole(found.clicked), rate_text(found.clicked, found.delivered), number=True),
            Cell(whole(found.people), number=True),
            Cell(whole(found.returned), rate_text(found.returned, found.people), number=True),
            Cell(whole(found.paid), number=True),
            Cell(view.money(found.cost), number=True),
        )
        for found in channels
    )
    columns = ("channel", "sent", "delivered", "clicked", "people", "credited", "paid", "amount")
    table = Table(view.t("channels"), tuple(view.t(name) for name in columns), rows)
    return Section("channels", view.t("channels"), (Paragraph(view.t("channels_lead")), table))


def _silent(found: ChannelCounts) -> bool:
    """Whether a channel sent messages and never said that one arrived."""
    return bool(found.sent) and not found.delivered


def _delivered(view: View, found: ChannelCounts) -> Cell:
    if _silent(found):
        return Cell("–", view.t("no_reports"), number=True)
    return Cell(whole(found.delivered), rate_text(found.delivered, found.sent), number=True)


def _guardrails(view: View) -> Section:
    rows = tuple(_guardrail(view, found) for found in view.collected.guardrails if found.n_t)
    table = Table(view.t("guardrails"), view.compared_columns(view.t("measure")), rows)
    return Section("guardrails", view.t("guardrails"), (Paragraph(view.t("guardrails_lead")), table))


def _guardrail(view: View, found: Guardrail) -> tuple[Cell, ...]:
    against = (found.k_c, found.n_c) if found.k_c is not None and found.n_c is not None else None
    row = compare(found.name, (found.k_t, found.n_t), against, alpha=view.result.alpha)
    where = view.t("all_channels") if found.channel == "*" else found.channel
    return view.compared(row, f"{view.t(found.name)} · {where}")


def _reasons(view: View) -> Section:
    rows = tuple(
        (
            Cell(sentence_of(found.code).to(view.language), f"{found.policy} · {found.code}".strip(" ·")),
            Cell(view.t(found.verdict)),
            Cell(whole(found.messages), number=True),
        )
        for found in view.collected.reasons
    )
    columns = (view.t("meaning"), view.t("decision"), view.t("messages"))
    body: Block = Table(view.t("delivery"), columns, rows) if rows else Paragraph(view.t("no_reasons"))
    return Section("delivery", view.t("delivery"), (Paragraph(view.t("delivery_lead")), body))


def _states(view: View) -> Section:
    states = tuple(
        (
            Cell(found.state, found.reason),
            Cell(sentence_of(found.reason).to(view.language) if found.reason else "–"),
            Cell(whole(found.messages), number=True),
        )
        for found in view.collected.states
    )
    work = tuple(
        (Cell(view.t(name)), Cell(whole(getattr(view.collected.handling, name)), number=True))
        for name in ("retries", "failovers", "uncertain_open", "uncertain_closed")
    )
    return Section(
        "states",
        view.t("states"),
        (
            Table(view.t("states"), (view.t("state"), view.t("reason"), view.t("messages")), states),
            Table(view.t("handling"), (view.t("item"), view.t("count")), work),
        ),
    )
