"""The report of a review, as HTML, Markdown and JSON. The same numbers give the same bytes."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import Connection

from recallgate.review.collected import Collected
from recallgate.review.collecting import CostInputs, collect
from recallgate.review.compose import compose
from recallgate.review.counts import ReviewCounts
from recallgate.review.html import render_html
from recallgate.review.markdown import render_markdown
from recallgate.review.reasons import sentence_of
from recallgate.review.shown import View
from recallgate.review.statistics import EXPERIMENT, ReviewResult, evaluate
from recallgate.review.words import check_language

_DIGITS = 10
_NO_PLAN: Mapping[str, object] = MappingProxyType({})
_NO_COSTS = CostInputs()


@dataclass(frozen=True)
class Report:
    """A review to be read: the result, what was collected, and the plan that it judges.

    `plan` holds hypothesis, what_changed, segment, offer, copy, page, play (a list of steps) and whatever else is to be shown:
    texts, lists of texts, mappings. `language` is en or zh. `currency` stands behind amounts.
    """

    result: ReviewResult
    collected: Collected
    plan: Mapping[str, object] = field(default_factory=lambda: _NO_PLAN)
    language: str = "en"
    currency: str = ""
    title: str = ""

    def __post_init__(self) -> None:
        check_language(self.language)

    @classmethod
    def of_counts(
        cls, counts: ReviewCounts, *, name: str, plan: Mapping[str, object] = _NO_PLAN, language: str = "en", currency: str = ""
    ) -> "Report":
        """The report of counts that were made elsewhere, without a store."""
        return cls(evaluate(counts), Collected(name, counts, 0.0), plan, language, currency)

    def html(self) -> str:
        """One page that stands alone: no script, nothing loaded."""
        return render_html(compose(self._view, title=self._title, plan=self.plan))

    def markdown(self) -> str:
        return render_markdown(compose(self._view, title=self._title, plan=self.plan))

    def json(self) -> str:
        """Sorted keys, floats of ten significant digits, no instant of the run."""
        found = asdict(self.collected, dict_factory=_plain)
        found["reasons"] = [
            {**asdict(reason), "meaning": sentence_of(reason.code)._asdict()} for reason in self.collected.reasons
        ]
        data = {**self.result.to_json(), "collected": found, "plan": dict(self.plan), "currency": self.currency}
        return json.dumps(rounded(data), ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False) + "\n"

    @property
    def _title(self) -> str:
        return self.title or self.collected.campaign

    @property
    def _view(self) -> View:
        return View(self.result, self.collected, self.language, self.currency)


def review(
    connection: Connection,
    tenant: str,
    campaign_id: str,
    *,
    now: datetime,
    window_days: int = 7,
    margin_rate: float = 1.0,
    costs: CostInputs = _NO_COSTS,
    plan: Mapping[str, object] = _NO_PLAN,
    language: str = "en",
    currency: str = "",
    peeked: bool = False,
    alpha: float = 0.05,
    zone_of: Callable[[str], str | None] | None = None,
) -> Report:
    """Review a campaign of the store as of `now`: collect, evaluate, report.

    Runs inside a transaction of the store: `await store.run(lambda c: review(c, …))`. Raises ConfigError for a campaign that is
    not known.
    """
    check_language(language)
    collected = collect(
        connection, tenant, campaign_id, now=now, window_days=window_days, margin_rate=margin_rate, costs=costs, zone_of=zone_of
    )
    result = evaluate(collected.counts, alpha=alpha, peeked=peeked, open_share=collected.open_share, evidence=EXPERIMENT)
    return Report(result, collected, plan, language, currency)


def rounded(value: object) -> object:
    """Plain values for JSON: floats of ten significant digits, a float that is not finite as None."""
    if isinstance(value, bool) or value is None or isinstance(value, int | str):
        return value
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") + 0.0 if math.isfinite(value) else None  # -0.0 + 0.0 is 0.0
    if isinstance(value, Mapping):
        return {str(name): rounded(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return str(value)


def _plain(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in pairs}
