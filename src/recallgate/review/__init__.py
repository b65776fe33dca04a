"""The review of a campaign: counts from the store, statistics, verdict, report."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "Collected": "recallgate.review.collected",
    "CostInputs": "recallgate.review.collecting",
    "Report": "recallgate.review.report",
    "ReviewCounts": "recallgate.review.counts",
    "ReviewResult": "recallgate.review.statistics",
    "Side": "recallgate.review.counts",
    "Verdict": "recallgate.review.verdict",
    "collect": "recallgate.review.collecting",
    "evaluate": "recallgate.review.statistics",
    "review": "recallgate.review.report",
}
__all__ = [
    "Collected",
    "CostInputs",
    "Report",
    "ReviewCounts",
    "ReviewResult",
    "Side",
    "Verdict",
    "collect",
    "evaluate",
    "review",
]

if TYPE_CHECKING:
    from recallgate.review.collected import Collected as Collected
    from recallgate.review.collecting import CostInputs as CostInputs, collect as collect
    from recallgate.review.counts import ReviewCounts as ReviewCounts, Side as Side
    from recallgate.review.report import Report as Report, review as review
    from recallgate.review.statistics import ReviewResult as ReviewResult, evaluate as evaluate
    from recallgate.review.verdict import Verdict as Verdict


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'recallgate.review' has no attribute {name!r}")
    return getattr(import_module(home), name)
