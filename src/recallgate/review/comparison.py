"""Treatment against control, day by day and group by group."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from recallgate.review.counts import Pair, ReviewCounts, Side
from recallgate.review.figures import rate_or_none
from recallgate.stats import Lift, RateInterval, holm, newcombe, p_value

LOOKS = (0, 1, 3, 7)


@dataclass(frozen=True)
class Compared:
    """One row: a day, an arm or a group, its counts and rates, and the lift where there is a control."""

    name: str
    k_t: int
    n_t: int
    treatment: RateInterval | None
    k_c: int | None = None
    n_c: int | None = None
    control: RateInterval | None = None
    lift: Lift | None = None
    p: float | None = None
    p_adjusted: float | None = None
    rejected: bool | None = None

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def compare(name: str, treated: tuple[int, int], control: tuple[int, int] | None, *, alpha: float) -> Compared:
    """Compare `k of n` of treatment with `k of n` of control; without people on both sides there is no lift."""
    k_t, n_t = treated
    rate = rate_or_none(k_t, n_t, alpha=alpha)
    if control is None:
        return Compared(name, k_t, n_t, rate)
    k_c, n_c = control
    if not (n_t and n_c):
        return Compared(name, k_t, n_t, rate, k_c, n_c, rate_or_none(k_c, n_c, alpha=alpha))
    return Compared(
        name,
        k_t,
        n_t,
        rate,
        k_c,
        n_c,
        rate_or_none(k_c, n_c, alpha=alpha),
        newcombe(k_t, n_t, k_c=k_c, n_c=n_c, alpha=alpha),
        p_value(k_t, n_t, k_c=k_c, n_c=n_c),
    )


def compare_days(counts: ReviewCounts, *, alpha: float) -> tuple[Compared, ...]:
    """Rates by day 0, 1, 3, 7 and the end of the window, as far as the counts know days."""
    treated, control = counts.treatment, counts.control
    days = sorted({day for day in (*LOOKS, counts.window_days) if day < len(treated.by_day) and day <= counts.window_days})
    return tuple(
        compare(
            f"D{day}",
            (treated.by_day[day], treated.n),
            (control.by_day[day], control.n) if control is not None and day < len(control.by_day) else None,
            alpha=alpha,
        )
        for day in days
    )


def compare_arms(arms: Mapping[str, Side], control: Side | None, *, alpha: float) -> tuple[Compared, ...]:
    """Each arm against the whole holdout, with Holm's correction over the arms."""
    against = (control.returned, control.n) if control is not None else None
    rows = [compare(name, (arm.returned, arm.n), against, alpha=alpha) for name, arm in arms.items()]
    tested = [row.p for row in rows if row.p is not None]
    if not tested:
        return tuple(rows)
    corrected = holm(tested, alpha=alpha)
    pairs = iter(zip(corrected.adjusted, corrected.reject, strict=True))
    return tuple(row if row.p is None else _with_holm(row, *next(pairs)) for row in rows)


def compare_groups(groups: Mapping[str, Pair], *, alpha: float) -> tuple[Compared, ...]:
    """The treated people of each group against the held-out people of the same group."""
    return tuple(
        compare(
            name,
            (pair.treatment.returned, pair.treatment.n),
            (pair.control.returned, pair.control.n) if pair.control is not None else None,
            alpha=alpha,
        )
        for name, pair in groups.items()
    )


def without_causes(rows: Iterable[Compared]) -> tuple[Compared, ...]:
    """The rows without lift and p-value: a history shows rates, no causes."""
    return tuple(Compared(row.name, row.k_t, row.n_t, row.treatment, row.k_c, row.n_c, row.control) for row in rows)


def _with_holm(row: Compared, adjusted: float, rejected: bool) -> Compared:
    return Compared(**{**vars(row), "p_adjusted": adjusted, "rejected": rejected})
