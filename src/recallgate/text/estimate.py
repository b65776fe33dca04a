"""What a batch of texts will be billed, before any is sent: parts times unit price."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from recallgate.text.segments import count


@dataclass(frozen=True)
class Estimate:
    """Billed parts and cost of some texts; `by_parts` counts texts by their parts, `unknown` those without a preview.

    `cost` counts an unknown text as one part, so it is a lower bound where there are any.
    """

    texts: int = 0
    parts: int = 0
    unknown: int = 0
    cost: Decimal = Decimal(0)
    currency: str = ""
    by_parts: Mapping[int, int] = field(default_factory=dict)
    by_encoding: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: "Estimate") -> "Estimate":
        """Both together; ValueError for two currencies."""
        if self.currency and other.currency and self.currency != other.currency:
            raise ValueError(f"estimate: {self.currency} and {other.currency} are not added; convert one")
        return Estimate(
            self.texts + other.texts,
            self.parts + other.parts,
            self.unknown + other.unknown,
            self.cost + other.cost,
            self.currency or other.currency,
            Counter(self.by_parts) + Counter(other.by_parts),
            Counter(self.by_encoding) + Counter(other.by_encoding),
        )


def estimate(texts: Iterable[str | None], *, country: str | None, unit_cost: Decimal, currency: str) -> Estimate:
    """The bill for texts as they leave, after fixes, signature and suffix; None is a text whose words are not known.

    `unit_cost` is what one part costs in units of `currency`.
    """
    by_parts, by_encoding, unknown = Counter[int](), Counter[str](), 0
    for text in texts:
        if text is None:
            unknown += 1
            continue
        found = count(text, country=country)
        by_parts[found.parts] += 1
        by_encoding[found.encoding] += 1
    parts = sum(size * times for size, times in by_parts.items()) + unknown
    return Estimate(by_parts.total() + unknown, parts, unknown, parts * unit_cost, currency, by_parts, by_encoding)
