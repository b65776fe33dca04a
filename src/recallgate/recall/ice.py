"""ICE: rank ideas by impact, confidence and ease, each out of ten."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from recallgate.stats.money import ice, rank_ideas


@dataclass(frozen=True)
class Idea:
    """A candidate: how many users it moves, how surely it moves one, how easily it is done; 0 to 10 each.

    `extra` holds further dimensions on the same scale.
    """

    name: str
    impact: float
    confidence: float
    ease: float
    extra: Mapping[str, float] = field(default_factory=dict)


def ice_score(idea: Idea, *, product: bool = False) -> float:
    """The sum of all dimensions, or their product; raises ValueError for a value outside 0 to 10."""
    return ice(idea.impact, idea.confidence, ease=idea.ease, extra=tuple(idea.extra.values()), product=product)


def rank_by_ice(ideas: Sequence[Idea], *, product: bool = False) -> list[Idea]:
    """Highest score first; equal scores keep the order they came in. Raises ValueError for ideas of different dimensions."""
    if len({frozenset(idea.extra) for idea in ideas}) > 1:
        raise ValueError("extra: ideas with different dimensions cannot be compared; give all of them the same")
    return [ideas[place] for place in rank_ideas([ice_score(idea, product=product) for idea in ideas])]
