"""Numbers as the report writes them, with what they are divided by beside them."""

from collections.abc import Callable
from dataclasses import dataclass

from recallgate.review.collected import Collected
from recallgate.review.comparison import Compared
from recallgate.review.definitions import DEFINITIONS, NO_DENOMINATOR
from recallgate.review.document import Cell
from recallgate.review.figures import Figure
from recallgate.review.statistics import ReviewResult
from recallgate.review.wording import label
from recallgate.review.words import money, p_text, percent, points, whole


@dataclass(frozen=True)
class View:
    """A result as it is shown: in a language, with a currency."""

    result: ReviewResult
    collected: Collected
    language: str
    currency: str = ""

    def t(self, name: str, **values: object) -> str:
        return label(name, self.language, **values)

    @property
    def level(self) -> str:
        return f"{(1 - self.result.alpha) * 100:g}"

    @property
    def window(self) -> str:
        return self.t("window", days=self.result.window_days)

    def name(self, figure: Figure) -> str:
        return DEFINITIONS[figure.name].label.to(self.language)

    def denominator(self, figure: Figure) -> str:
        return DEFINITIONS[figure.name].denominator.to(self.language)

    def definition(self, figure: Figure) -> str:
        """What a number is, over what and in which window."""
        found = DEFINITIONS[figure.name]
        end = "" if self.language == "zh" else " "
        over = found.denominator.to(self.language)
        denominator = f"{end}{self.t('of')}{end}{over}" if found.denominator is not NO_DENOMINATOR else ""
        return f"{found.text.to(self.language)}{denominator} · {self.window}"

    def value(self, figure: Figure) -> str:
        if figure.value is None:
            return self.t("not_bounded" if figure.unbounded else "no_value")
        shown = self._writer(figure)(figure.value)
        return f"{shown} {self.t('points')}" if figure.unit == "points" else shown

    def interval(self, figure: Figure) -> str:
        """[low, high], or nothing where there is no interval."""
        if figure.low is None and figure.high is None:
            return self.t("not_bounded") if figure.unbounded and figure.value is not None else ""
        write = self._writer(figure)
        low, high = (self.t("not_bounded") if limit is None else write(limit) for limit in (figure.low, figure.high))
        return f"[{low}, {high}]"

    def row(self, figure: Figure) -> tuple[Cell, ...]:
        """A table row: name with definition, counts with value, interval."""
        counts = f"{whole(figure.k)}/{whole(figure.n)} = " if figure.k is not None and figure.n is not None and figure.n else ""
        return (
            Cell(self.name(figure), self.definition(figure)),
            Cell(counts + self.value(figure), number=True),
            Cell(self.interval(figure) or self.t("no_value"), number=True),
        )

    def rows(self, *names: str) -> tuple[tuple[Cell, ...], ...]:
        """Rows of the numbers that exist, in this order."""
        return tuple(self.row(figure) for name in names if (figure := self.result.figure(name)) is not None)

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.t("measure"), self.t("value"), self.t("interval", level=self.level))

    def compared(self, row: Compared, name: str, *, holm: bool = False) -> tuple[Cell, ...]:
        """A table row of a comparison: name, treatment, held out, lift and, for arms, Holm's p."""
        cells = [
            Cell(name),
            _rate_cell(row.k_t, row.n_t, row.treatment),
            _rate_cell(row.k_c, row.n_c, row.control),
            Cell("–", number=True)
            if row.lift is None
            else Cell(points(row.lift.delta), f"[{points(row.lift.low)}, {points(row.lift.high)}]", number=True),
        ]
        if holm:
            cells.append(Cell("–" if row.p_adjusted is None else p_text(row.p_adjusted), number=True))
        return tuple(cells)

    def compared_columns(self, first: str, *, holm: bool = False) -> tuple[str, ...]:
        columns = (first, self.t("treatment"), self.t("control"), self.t("lift_points"))
        return (*columns, self.t("p_adjusted")) if holm else columns

    def money(self, amount: float) -> str:
        return money(amount, self.currency)

    def _writer(self, figure: Figure) -> Callable[[float], str]:
        return {
            "share": percent,
            "points": points,
            "ratio": lambda value: percent(value, signed=True),
            "people": lambda value: f"{value:,.1f}".replace("-", "−"),
            "money": self.money,
            "p": p_text,
        }[figure.unit]


def rate_text(k: int, n: int) -> str:
    return percent(k / n) if n else "–"


def _rate_cell(k: int | None, n: int | None, rate: object) -> Cell:
    low, high = getattr(rate, "low", None), getattr(rate, "high", None)
    if k is None or not n or low is None or high is None:
        return Cell("–", number=True)
    return Cell(f"{whole(k)}/{whole(n)} = {percent(k / n)}", f"[{percent(low)}, {percent(high)}]", number=True)
