"""Which hours of the day work: attempts, connects and conversions of a campaign by local hour, ranked by conversions an attempt.

An hour in which everybody picks up and nobody comes back is a bad hour.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from recallgate.model.clock import from_ms
from recallgate.model.zones import zone
from recallgate.stats.intervals import wilson
from recallgate.store.dialect import execute

_HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Slot:
    """One local hour: messages that a vendor took, calls that were answered, people who came back within the window."""

    hour: int
    attempts: int
    connects: int
    conversions: int

    @property
    def connect_rate(self) -> float:
        return self.connects / self.attempts if self.attempts else 0.0

    @property
    def conversion_rate(self) -> float:
        """Conversions an attempt: what slots are ranked by."""
        return self.conversions / self.attempts if self.attempts else 0.0


def slots_of(
    connection: Connection, tenant: str, campaign: str, *, window: timedelta = timedelta(days=7), tenant_zone: str = "UTC"
) -> tuple[Slot, ...]:
    """The hours of a campaign in which something was sent, by hour of the recipient's day.

    A conversion is a return or an order within `window` after a vendor took the message.
    """
    sums: dict[int, list[int]] = {}
    for name, hour, attempts, connects, conversions in execute(
        connection,
        "select coalesce(p.zone, :zone), m.accepted_at / :hour, count(*),"
        " sum(case when exists (select 1 from rg_event e where e.tenant = m.tenant and e.message_id = m.id"
        "  and e.type = 'answered') then 1 else 0 end),"
        " sum(case when exists (select 1 from rg_person_event d where d.tenant = m.tenant and d.person = m.person"
        "  and d.type in ('returned', 'converted') and d.at > m.accepted_at and d.at <= m.accepted_at + :window)"
        "  then 1 else 0 end)"
        " from rg_message m left join rg_person p on p.tenant = m.tenant and p.id = m.person"
        " where m.tenant = :tenant and m.campaign = :campaign and m.accepted_at is not null group by 1, 2",
        {
            "tenant": tenant,
            "campaign": campaign,
            "zone": tenant_zone,
            "hour": _HOUR_MS,
            "window": window // timedelta(milliseconds=1),
        },
    ):
        local = from_ms(int(hour) * _HOUR_MS).astimezone(zone(str(name))).hour
        into = sums.setdefault(local, [0, 0, 0])
        for place, amount in enumerate((attempts, connects, conversions)):
            into[place] += int(amount)
    return tuple(Slot(hour, *found) for hour, found in sorted(sums.items()))


def ranked(slots: Iterable[Slot]) -> tuple[Slot, ...]:
    """Best first, by conversions an attempt; of equals the one with more attempts, then the earlier."""
    return tuple(sorted(slots, key=lambda slot: (-slot.conversion_rate, -slot.attempts, slot.hour)))


def learned(slots: Iterable[Slot], *, at_least: int = 100) -> str | None:
    """The hour to send at from now on, such as "19:00"; None where no hour is better than all the others together.

    Hours with fewer than `at_least` attempts say nothing. An hour is better when the low end of its 95 % interval lies above the
    rate of the rest.
    """
    judged = [slot for slot in slots if slot.attempts >= at_least]
    if len(judged) < 2:
        return None
    best, *rest = ranked(judged)
    attempts, conversions = sum(one.attempts for one in rest), sum(one.conversions for one in rest)
    low = wilson(best.conversions, best.attempts).low
    return f"{best.hour:02}:00" if low > conversions / attempts else None
