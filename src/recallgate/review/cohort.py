"""The people of a campaign: who was assigned to what, and what each did within the window, in local days."""

# ruff: noqa: S608  # statements are put together from constants of this room; values are bound

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.model.clock import from_ms
from recallgate.model.zones import zone
from recallgate.review.counts import Share, Side
from recallgate.rules.place import resolve
from recallgate.store.dialect import execute

DAY_MS = 86_400_000
_QUARTER_MS = 900_000  # offsets change at quarters of an hour only
RETENTION_DAYS = (1, 3, 7, 30)
LAPSE_DAYS = (30, 60)

# The first run of each person; `cross join` keeps the order of the tables, so that each is reached through its key.
MEMBERS = (
    "rg_run r where r.tenant = :tenant and r.campaign = :campaign and not exists (select 1 from rg_run o"
    " where o.tenant = r.tenant and o.campaign = r.campaign and o.person = r.person and o.run < r.run)"
)


class Member(NamedTuple):
    """A person of the campaign, by the first run; `zero_at` and `zero_day` are time zero, `open` that the window is not over."""

    person: str
    held_out: bool
    arm: str | None
    tier: str | None
    lapse: str | None
    country: str | None
    zone: str | None
    zero_at: int
    zero_day: int
    open: bool


class Outcome(NamedTuple):
    """What a person did: `day` after time zero of the first return, None without; `active_after` days till the next active day.

    `observed` are the whole local days seen after the return, `cents` the amount of the orders within the window.
    """

    day: int | None = None
    at: int = 0
    paid: bool = False
    repeated: bool = False
    cents: int = 0
    active_after: int | None = None
    observed: int = 0


NOTHING = Outcome()


@dataclass(frozen=True)
class Cohort:
    """Everybody in the campaign with what they did, the window and the share of margin in an amount."""

    members: tuple[Member, ...]
    outcomes: Mapping[str, Outcome]
    window_days: int
    margin_rate: float

    def outcome(self, person: str) -> Outcome:
        return self.outcomes.get(person, NOTHING)

    def side(self, members: Sequence[Member]) -> Side:
        """The counts of some of the members."""
        outcomes = [self.outcome(member.person) for member in members]
        recalled = [outcome for outcome in outcomes if outcome.day is not None]
        seen = {days: [found for found in recalled if found.observed >= days] for days in (*RETENTION_DAYS, *LAPSE_DAYS)}
        retained = {days: sum(_active_by(found, days) for found in group) for days, group in seen.items()}
        by_day = [0] * (self.window_days + 1)
        for found in recalled:
            by_day[found.day or 0] += 1
        mean, sd = _mean_and_sd([outcome.cents / 100 * self.margin_rate for outcome in outcomes])
        return Side(
            n=len(members),
            returned=len(recalled),
            paid=sum(found.paid for found in recalled),
            retained_7d=retained[7],
            margin_mean=mean,
            margin_sd=sd,
            observed_7d=len(seen[7]),
            by_day=tuple(_running(by_day)),
            retained=tuple(Share(days, retained[days], len(seen[days])) for days in RETENTION_DAYS),
            lapsed_again=tuple(Share(days, len(seen[days]) - retained[days], len(seen[days])) for days in LAPSE_DAYS),
            repeated=sum(found.repeated for found in recalled),
        )


class LocalDays:
    """Instants in milliseconds to the number of the local day, with each zone's offset read once a quarter of an hour."""

    def __init__(self) -> None:
        self._offsets: dict[tuple[str, int], int] = {}

    def day(self, at: int, name: str | None) -> int:
        """Days since 1970 on the wall calendar of a zone; UTC where the zone is absent or not known."""
        if not name:
            return at // DAY_MS
        quarter = at // _QUARTER_MS
        offset = self._offsets.get((name, quarter))
        if offset is None:
            offset = self._offsets[name, quarter] = _offset_ms(name, quarter * _QUARTER_MS)
        return (at + offset) // DAY_MS


def load_cohort(
    connection: Connection,
    scope: Mapping[str, object],
    *,
    now: int,
    window_days: int,
    margin_rate: float,
    zone_of: Callable[[str], str | None] | None,
) -> Cohort:
    """Read the members and what they did; two statements, whatever the size."""
    days = LocalDays()
    members = tuple(_members(connection, scope, days, now=now, window_days=window_days, zone_of=zone_of))
    by_person = {member.person: member for member in members}
    acts: dict[str, list[tuple[str, int, int]]] = {}
    earliest = min((member.zero_at for member in members), default=now) - 2 * DAY_MS
    for person, kind, at, cents in execute(
        connection,
        f"select e.person, e.type, e.at, e.amount_cents from (select r.person from {MEMBERS}) as member"
        " cross join rg_person_event e where e.tenant = :tenant and e.person = member.person"
        " and e.at >= :earliest and e.at <= :now order by e.person, e.at, e.seq",
        {**scope, "earliest": earliest, "now": now},
    ):
        acts.setdefault(person, []).append((kind, at, cents or 0))
    outcomes = {
        person: _outcome(by_person[person], done, days=days, today=days.day(now, by_person[person].zone), window_days=window_days)
        for person, done in acts.items()
    }
    return Cohort(members, outcomes, window_days, margin_rate)


def _members(
    connection: Connection,
    scope: Mapping[str, object],
    days: LocalDays,
    *,
    now: int,
    window_days: int,
    zone_of: Callable[[str], str | None] | None,
) -> Iterable[Member]:
    rows = execute(
        connection,
        "select member.person, member.holdout, member.arm, member.data, p.country, p.region, p.device_zone, p.zone,"
        " coalesce(case when member.holdout = 0 then (select min(m.accepted_at) from rg_message m where m.tenant = :tenant"
        " and m.campaign = :campaign and m.person = member.person) end, member.assigned_at, member.started_at)"
        f" from (select r.person, r.holdout, r.arm, r.data, r.assigned_at, r.started_at from {MEMBERS}) as member"
        " left join rg_person p on p.tenant = :tenant and p.id = member.person order by member.person",
        scope,
    )
    known: dict[str, dict[str, object]] = {}
    for person, held_out, arm, data, country, region, device_zone, stored_zone, zero_at in rows:
        name = (zone_of(person) if zone_of is not None else None) or stored_zone or _likely_zone(region, device_zone, country)
        facts = known.get(data)
        if facts is None:  # few texts, many people
            facts = known[data] = json.loads(data or "{}")
        zero_day = days.day(zero_at, name)
        yield Member(
            person,
            bool(held_out),
            arm,
            _name(facts.get("tier")),
            _name(facts.get("lapse_bucket")),
            country,
            name,
            zero_at,
            zero_day,
            days.day(now, name) <= zero_day + window_days,
        )


def _outcome(member: Member, done: Sequence[tuple[str, int, int]], *, days: LocalDays, today: int, window_days: int) -> Outcome:
    """Fold what a person did, oldest first."""
    first, returned_at, orders, repeats, cents, active = None, 0, 0, 0, 0, None
    for kind, at, amount in done:
        day = days.day(at, member.zone)
        since = day - member.zero_day
        inside = 0 <= since <= window_days
        if first is None:
            if not inside or kind not in ("returned", "converted"):
                continue
            first, returned_at = day, at
        elif active is None and day > first:
            active = day - first
        if inside and kind == "converted":
            orders, cents = orders + 1, cents + amount
        elif inside and kind == "repeat":
            repeats += 1
    if first is None:
        return NOTHING
    return Outcome(
        day=first - member.zero_day,
        at=returned_at,
        paid=orders > 0,
        repeated=orders > 0 and orders + repeats > 1,
        cents=cents,
        active_after=active,
        observed=max(0, today - first - 1),
    )


def _active_by(found: Outcome, days: int) -> bool:
    return found.active_after is not None and found.active_after <= days


def _mean_and_sd(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return 0.0, 0.0
    mean = math.fsum(values) / len(values)
    if len(values) < 2:
        return mean, 0.0
    return mean, math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def _running(values: Iterable[int]) -> Iterable[int]:
    total = 0
    for value in values:
        total += value
        yield total


def _offset_ms(name: str, at: int) -> int:
    try:
        offset = from_ms(at).astimezone(zone(name)).utcoffset()
    except ValueError:
        return 0
    return int(offset.total_seconds() * 1000) if offset is not None else 0


@lru_cache(maxsize=1024)
def _likely_zone(region: str | None, device_zone: str | None, country: str | None) -> str | None:
    """Where a person whose zone nobody told lives, most likely; None when nothing is known, and UTC counts."""
    if not (region or device_zone or country):
        return None
    try:
        place = resolve(region=region, device_zone=device_zone, country=country)
    except ValueError:
        return None
    return place.zones[0] if place.tz_source != "tenant" else None


def _name(value: object) -> str | None:
    return None if value is None else str(value)
