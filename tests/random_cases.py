"""Random cases for the properties: any zone, place, window and history, and often an instant near an edge."""

import random
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from hours_oracle import DAY, MINUTE, ROWS, Windows
from recallgate.model.message import Message
from recallgate.policies.case import Case, Person, Sent
from recallgate.rules.place import Place

ZONES = sorted(available_timezones() - {"localtime", "Factory"})
PLACES = sorted({(row["country"], row["region"]) for row in ROWS if row["country"] != "default"}, key=str)
FIRST = datetime(2025, 1, 1, tzinfo=UTC)
SPAN_S = 4 * 365 * 86_400


def an_instant(draw: random.Random, zone: str) -> datetime:
    """Any second of four years; half of them near a change of the clocks or an edge of the usual hours."""
    instant = FIRST + timedelta(seconds=draw.randrange(SPAN_S))
    kind = draw.random()
    if kind < 0.25 and (change := near_change(zone, instant)) is not None:
        return change + timedelta(seconds=draw.randrange(-9 * 3600, 9 * 3600))
    if kind < 0.5:
        local = instant.astimezone(ZoneInfo(zone))
        edge = local.replace(hour=draw.choice((8, 9, 10, 12, 13, 18, 20, 21)), minute=draw.choice((0, 30, 55)), second=0)
        return edge.astimezone(UTC) + timedelta(seconds=draw.choice((-301, -300, -299, -1, 0, 1, 59, 60)))
    return instant


@lru_cache(maxsize=8192)
def change_after(zone: str, month: datetime) -> datetime | None:
    """The first change of the clocks in the 7 months after, to the minute."""
    where = ZoneInfo(zone)
    for days in range(213):
        low, high = month + days * DAY, month + (days + 1) * DAY
        if low.astimezone(where).utcoffset() != high.astimezone(where).utcoffset():
            while high - low > MINUTE:
                middle = low + (high - low) // 2
                if middle.astimezone(where).utcoffset() == low.astimezone(where).utcoffset():
                    low = middle
                else:
                    high = middle
            return high.replace(second=0, microsecond=0)
    return None


def near_change(zone: str, instant: datetime) -> datetime | None:
    return change_after(zone, instant.replace(day=1, hour=0, minute=0, second=0, microsecond=0))


def some_windows(draw: random.Random) -> Windows:
    found = []
    for _ in range(draw.choice((0, 0, 0, 1, 2))):
        weekdays = tuple(sorted(draw.sample(range(1, 8), draw.choice((5, 6, 7)))))
        start, end = draw.sample(range(0, 1440, 15), 2)
        if start > end and (draw.random() < 0.7 or end == 0):
            start, end = end, start
        found.append((weekdays, f"{start // 60:02}:{start % 60:02}", f"{end // 60:02}:{end % 60:02}"))
    return tuple(found)


def a_case(draw: random.Random) -> Case:
    zone = draw.choice(ZONES)
    zones = (zone,) if draw.random() < 0.85 else (zone, draw.choice(ZONES))
    country, region = draw.choice(PLACES) if draw.random() < 0.7 else (draw.choice(("BR", None)), None)
    now = an_instant(draw, zone)
    channel = draw.choice(("sms", "voice", "sms", "voice", "email", "push"))
    expires = now + timedelta(minutes=draw.randrange(1, 3 * 1440)) if draw.random() < 0.3 else None
    holidays = frozenset(now.date() + timedelta(days=draw.randrange(-1, 5)) for _ in range(draw.choice((0, 0, 0, 1, 3))))
    message = Message.sms(
        "+12125550123", "Come back", purpose="marketing", id=f"m{draw.randrange(10**6)}", expires_at=expires
    ).model_copy(update={"channel": channel})
    return Case(
        message=message,
        now=now,
        person=Person("p", "p", windows=some_windows(draw)),
        place=Place(country, region, zones, "recipient"),
        sent=some_history(draw, now, channel),
        tenant_windows=some_windows(draw),
        play_windows=some_windows(draw),
        holidays=holidays,
        guard=draw.choice((5, 5, 5, 0, 30)) * MINUTE,
    )


def some_history(draw: random.Random, now: datetime, channel: str) -> tuple[Sent, ...]:
    count = draw.choice((0, 0, 1, 2, 5))
    times = sorted(
        now - timedelta(seconds=draw.randrange(1, 32 * 86_400 if draw.random() < 0.5 else 2 * 86_400)) for _ in range(count)
    )
    return tuple(
        Sent(at, draw.choice((channel, "sms", "email")), "marketing", by=draw.choice(("person", "address"))) for at in times
    )


def told(case: Case) -> str:
    """A failing case, to be tried again."""
    own = {"tenant": case.tenant_windows, "play": case.play_windows, "person": case.person.windows}
    return (
        f"{case.message.channel} {case.place} at {case.now.isoformat()}, expires {case.message.expires_at}, windows {own},"
        f" holidays {sorted(map(str, case.holidays))}, guard {case.guard}, sent {[str(one.at) for one in case.sent]}"
    )
