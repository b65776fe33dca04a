"""Features: one row a person as of a day or an instant, computed set-based in SQL or for one person in Python.

Counts of the days before the lapse go back from the person's own last event, never from now: otherwise they would be
zero for everybody who has been away long enough.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from statistics import median

from recallgate.model.errors import ConfigError
from recallgate.recall.activity import Activity, ActivityDef
from recallgate.recall.condition import Facts
from recallgate.recall.duck import literal

VISIT_WINDOW = timedelta(days=7)
ORDER_WINDOW = timedelta(days=30)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing a person did; `at` is a date or an aware instant."""

    event: str
    at: date | datetime
    amount_cents: int = 0
    quantity: int = 1


@dataclass(frozen=True)
class Features:
    """What is known of one person's activity up to the reference time; None where there was no such event.

    Days are whole: differences of dates, or 24-hour units of instants rounded down. `orders` counts rows of purchases,
    `purchase_days` their distinct dates. `days_since` and `median_gap_days` are by event; gaps lie between distinct days.
    `visits_before_last_visit` counts the visits in the 7 days before the last visit, `orders_before_last_order` the
    orders in the 30 days before the last order, the last one itself apart. `activity_score` is the weighted number of
    events in the 30 days up to and with the last event. `purchase_span_days` lies between first and last purchase.
    """

    person: str
    first: date | datetime
    last: date | datetime
    days_since_first: int
    days_since_last: int
    last_minus_first: int
    orders: int
    purchase_days: int
    quantity: int
    monetary_cents: int
    days_since_last_visit: int | None
    visits_before_last_visit: int
    days_since_last_purchase: int | None
    orders_before_last_order: int
    activity_score: float
    days_since_first_purchase: int | None
    purchase_span_days: int | None
    days_since: Mapping[str, int] = field(default_factory=dict)
    median_gap_days: Mapping[str, float] = field(default_factory=dict)

    @property
    def repeat_orders(self) -> int:
        """Orders after the first."""
        return max(0, self.orders - 1)

    def facts(self) -> Facts:
        """The features by field name, as conditions read them."""
        known = {item.name: getattr(self, item.name) for item in fields(self)}
        return known | {"repeat_orders": self.repeat_orders}


COLUMNS = tuple(item.name for item in fields(Features))


def daily(activity: Activity, as_of: date | datetime) -> bool:
    """True when days are differences of dates: when the data or the reference time has no time of day."""
    return activity.grain == "day" or not isinstance(as_of, datetime)


def feature_query(activity: Activity, as_of: date | datetime, definition: ActivityDef) -> str:
    """The SQL of one row a person with `COLUMNS` and `repeat_orders`; events after `as_of` do not exist for it."""
    now = _naive(as_of)
    by_date = daily(activity, as_of)
    at = f"TIMESTAMP {literal(now.isoformat(sep=' '))}"
    seen = f"moment::DATE <= {at}::DATE" if by_date else f"moment <= {at}"
    if definition.events:
        seen += f" AND event IN ({', '.join(literal(event) for event in definition.events)})"
    visit, purchase = literal(definition.visit), literal(definition.purchase)

    def days(start: str, end: str) -> str:
        if by_date:
            return f"date_diff('day', ({start})::DATE, ({end})::DATE)::INTEGER"
        return f"((epoch_us({end}) - epoch_us({start})) // 86400000000)::INTEGER"

    weights = " ".join(f"WHEN {literal(event)} THEN {weight!r}::DOUBLE" for event, weight in sorted(definition.weights.items()))
    weight = f"CASE event {weights} ELSE 1.0::DOUBLE END" if weights else "1.0::DOUBLE"
    return f"""
    WITH seen AS (SELECT person, event, moment, amount_cents, quantity FROM {activity.table} WHERE {seen}),
    marks AS (
      SELECT person, min(moment) AS first_at, max(moment) AS last_at,
        max(moment) FILTER (event = {visit}) AS last_visit,
        min(moment) FILTER (event = {purchase}) AS first_purchase, max(moment) FILTER (event = {purchase}) AS last_purchase,
        count(*) FILTER (event = {purchase}) AS orders,
        coalesce(sum(quantity) FILTER (event = {purchase}), 0)::BIGINT AS quantity,
        coalesce(sum(amount_cents) FILTER (event = {purchase}), 0)::BIGINT AS monetary_cents
      FROM seen GROUP BY person),
    before AS (
      SELECT person,
        count(*) FILTER (event = {visit} AND moment >= last_visit - INTERVAL {VISIT_WINDOW.days} DAY AND moment < last_visit)
          AS visits_before,
        count(*) FILTER (event = {purchase} AND moment >= last_purchase - INTERVAL {ORDER_WINDOW.days} DAY
          AND moment < last_purchase) AS orders_before,
        coalesce(sum({weight}) FILTER (moment >= last_at - INTERVAL {ORDER_WINDOW.days} DAY), 0) AS score
      FROM seen JOIN marks USING (person) GROUP BY person),
    event_days AS (
      SELECT person, event, max(moment) AS last_one, list_sort(list(DISTINCT moment::DATE)) AS dates
      FROM seen GROUP BY person, event),
    by_event AS (
      SELECT person, map_from_entries(list(row(event, {days("last_one", at)}))) AS days_since,
        coalesce(map_from_entries(list(row(event, list_aggregate(list_transform(range(2, len(dates) + 1),
          lambda i: date_diff('day', dates[i - 1], dates[i])), 'median')::DOUBLE))
          FILTER (len(dates) > 1)), MAP {{}}) AS median_gap_days,
        coalesce(max(len(dates)) FILTER (event = {purchase}), 0) AS purchase_days
      FROM event_days GROUP BY person)
    SELECT person, first_at AS first, last_at AS last,
      {days("first_at", at)} AS days_since_first, {days("last_at", at)} AS days_since_last,
      {days("first_at", "last_at")} AS last_minus_first,
      orders, greatest(0, orders - 1) AS repeat_orders, purchase_days, quantity, monetary_cents,
      {days("last_visit", at)} AS days_since_last_visit, visits_before AS visits_before_last_visit,
      {days("last_purchase", at)} AS days_since_last_purchase, orders_before AS orders_before_last_order,
      score AS activity_score, {days("first_purchase", at)} AS days_since_first_purchase,
      {days("first_purchase", "last_purchase")} AS purchase_span_days,
      days_since, median_gap_days
    FROM marks JOIN before USING (person) JOIN by_event USING (person)
    """


def features_from_row(row: Sequence[object], *, by_date: bool) -> Features:
    """A row in the order of `COLUMNS` as features."""
    values = dict(zip(COLUMNS, row, strict=True))
    for name in ("first", "last"):
        moment = values[name]
        assert isinstance(moment, datetime)
        values[name] = moment.date() if by_date else moment.replace(tzinfo=UTC)
    return Features(**values)  # type: ignore[arg-type]  # the query's columns have these types


def features_of(
    person: str, acts: Sequence[Act], *, as_of: date | datetime, definition: ActivityDef | None = None
) -> Features | None:
    """The same features for one person without a database; None when nothing happened up to `as_of`.

    All acts are dates, or all are instants; raises ConfigError when they are mixed.
    """
    what = definition or ActivityDef()
    by_date = any(not isinstance(act.at, datetime) for act in acts) or not isinstance(as_of, datetime)
    if any(isinstance(act.at, datetime) for act in acts) and any(not isinstance(act.at, datetime) for act in acts):
        raise ConfigError("acts: some are dates and some are instants; use one of the two for all of them")
    now = _naive(as_of)

    def days(start: datetime, end: datetime) -> int:
        return (end.date() - start.date()).days if by_date else (end - start) // _DAY

    def counts(act: Act, moment: datetime) -> bool:
        known = moment.date() <= now.date() if by_date else moment <= now
        return known and (not what.events or act.event in what.events)

    seen = [(act, moment) for act in acts if counts(act, moment := _naive(act.at))]
    if not seen:
        return None
    moments = sorted(moment for _, moment in seen)
    by_event: dict[str, list[datetime]] = {}
    for act, moment in sorted(seen, key=lambda pair: pair[1]):
        by_event.setdefault(act.event, []).append(moment)
    visits, bought = by_event.get(what.visit, []), by_event.get(what.purchase, [])
    purchases = [act for act, _ in seen if act.event == what.purchase]
    first, last = moments[0], moments[-1]
    recent = sorted(act.event for act, moment in seen if moment >= last - ORDER_WINDOW)
    return Features(
        person=person,
        first=first.date() if by_date else first.replace(tzinfo=UTC),
        last=last.date() if by_date else last.replace(tzinfo=UTC),
        days_since_first=days(first, now),
        days_since_last=days(last, now),
        last_minus_first=days(first, last),
        orders=len(purchases),
        purchase_days=len({moment.date() for moment in bought}),
        quantity=sum(act.quantity for act in purchases),
        monetary_cents=sum(act.amount_cents for act in purchases),
        days_since_last_visit=days(visits[-1], now) if visits else None,
        visits_before_last_visit=sum(visits[-1] - VISIT_WINDOW <= moment < visits[-1] for moment in visits),
        days_since_last_purchase=days(bought[-1], now) if bought else None,
        orders_before_last_order=sum(bought[-1] - ORDER_WINDOW <= moment < bought[-1] for moment in bought),
        activity_score=float(sum(what.weights.get(event, 1.0) for event in recent)),
        days_since_first_purchase=days(bought[0], now) if bought else None,
        purchase_span_days=days(bought[0], bought[-1]) if bought else None,
        days_since={event: days(times[-1], now) for event, times in sorted(by_event.items())},
        median_gap_days={event: gap for event, times in sorted(by_event.items()) if (gap := _median_gap(times)) is not None},
    )


def _median_gap(times: Sequence[datetime]) -> float | None:
    dates = sorted({moment.date() for moment in times})
    if len(dates) < 2:
        return None
    return float(median((later - earlier).days for earlier, later in pairwise(dates)))


def _naive(moment: date | datetime) -> datetime:
    """The instant in UTC without a zone, or the midnight of a date; raises ConfigError for an instant without a zone."""
    if not isinstance(moment, datetime):
        return datetime.combine(moment, time())
    if moment.tzinfo is None:
        raise ConfigError("as_of: the instant has no time zone; add one, for example +00:00, or give a date")
    return moment.astimezone(UTC).replace(tzinfo=None)
