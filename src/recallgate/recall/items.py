"""What a buyer bought most: the one item to name in a message, out of those that are still on sale."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One item of one order; `cents` is the price of a piece."""

    person: str
    item: str
    quantity: int
    cents: int


@dataclass(frozen=True, slots=True)
class Bought:
    """An item as one buyer bought it: in how many lines, how many pieces, at which mean price a piece (rounded down)."""

    item: str
    lines: int
    quantity: int
    mean_cents: int


def top_items(lines: Iterable[OrderLine], *, most: int = 50) -> Mapping[str, tuple[Bought, ...]]:
    """Each buyer's items, most lines first, then most pieces, then by name; at most `most` a buyer."""
    seen: dict[str, dict[str, list[OrderLine]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        seen[line.person][line.item].append(line)
    return {
        person: tuple(
            sorted((_sum(item, bought) for item, bought in items.items()), key=lambda b: (-b.lines, -b.quantity, b.item))[:most]
        )
        for person, items in seen.items()
    }


def most_bought(lines: Iterable[OrderLine], *, on_sale: Collection[str], most: int = 50) -> Mapping[str, Bought]:
    """For each buyer the first of their top items that is still on sale; buyers without one are left out."""
    found = {}
    for person, items in top_items(lines, most=most).items():
        if (item := next((bought for bought in items if bought.item in on_sale), None)) is not None:
            found[person] = item
    return found


def _sum(item: str, lines: list[OrderLine]) -> Bought:
    quantity = sum(line.quantity for line in lines)
    spent = sum(line.quantity * line.cents for line in lines)
    return Bought(item, len(lines), quantity, spent // quantity if quantity else 0)
