"""What must hold of the store after a run, read with sqlite3 and zoneinfo alone; every function answers the offenders."""

import hashlib
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

HOUR_MS = 3_600_000
GUARD_MINUTES = 5  # nothing leaves in the last five minutes of a window
HOLDOUT_SALT, HOLDOUT_BP = "holdout.play:demo-winback", 1000
UNKNOWN_ZONE = "America/New_York"  # the demo tells no zone for some people, all of them with numbers of Rhode Island
RHODE_ISLAND = "+1401"

Days = tuple[int, ...]
Window = tuple[Days, str, str]
WEEK, WORKDAYS, TO_SATURDAY, WEEKEND = (1, 2, 3, 4, 5, 6, 7), (1, 2, 3, 4, 5), (1, 2, 3, 4, 5, 6), (6, 7)

# Of the play: daytime for what no law limits, no calls at noon.
DAYTIME: tuple[Window, ...] = ((WEEK, "09:00", "20:00"),)
NO_NOON: tuple[Window, ...] = ((WEEK, "09:00", "12:00"), (WEEK, "14:00", "20:00"))
# Of the law or of vendors' practice, by place and channel; what is not listed has the product's own hours.
RULES: dict[tuple[str, str], tuple[Window, ...]] = {
    ("US", "sms"): ((WEEK, "08:00", "21:00"),),
    ("US", "voice"): ((WEEK, "08:00", "21:00"),),
    ("US-TX", "sms"): ((TO_SATURDAY, "09:00", "21:00"), ((7,), "12:00", "21:00")),
    ("US-TX", "voice"): ((TO_SATURDAY, "09:00", "21:00"), ((7,), "12:00", "21:00")),
    ("US-RI", "sms"): ((WORKDAYS, "09:00", "18:00"), (WEEKEND, "10:00", "17:00")),
    ("US-RI", "voice"): ((WORKDAYS, "09:00", "18:00"), (WEEKEND, "10:00", "17:00")),
    ("CN", "sms"): ((WEEK, "08:00", "21:00"),),
    ("CN", "voice"): ((WEEK, "09:00", "20:00"),),
    ("GB", "sms"): ((WEEK, "08:00", "21:00"),),
    ("GB", "voice"): ((WEEK, "09:00", "20:00"),),
    ("FR", "sms"): ((TO_SATURDAY, "08:30", "20:00"),),
    ("FR", "voice"): ((WORKDAYS, "10:00", "13:00"), (WORKDAYS, "14:00", "20:00")),
    ("DE", "sms"): ((WEEK, "08:00", "21:00"),),
    ("DE", "voice"): ((WEEK, "09:00", "20:00"),),
    ("AU", "sms"): ((WEEK, "08:00", "21:00"),),
    ("AU", "voice"): ((WORKDAYS, "09:00", "20:00"), ((6,), "09:00", "17:00")),
    ("IN", "sms"): ((WEEK, "10:00", "21:00"),),
    ("IN", "voice"): ((WEEK, "09:00", "21:00"),),
}
NO_LIMIT = ("inapp",)  # it is read when its reader comes, and wakes nobody
PLAY = {"voice": NO_NOON, "push": DAYTIME, "email": DAYTIME, "wecom": DAYTIME}

# Every marketing attempt, whether or not the vendor took it.
ATTEMPTS = (
    "select a.message_id, a.at, a.channel, m.person, m.address, p.country, p.region, p.zone, coalesce(k.key, '')"
    " from rg_attempt a join rg_message m on m.id = a.message_id join rg_person p on p.id = m.person"
    " left join rg_contact k on k.person = m.person and k.channel = 'sms' and k.position = 0"
    " where m.purpose = 'marketing' order by a.at, a.message_id, a.n"
)


def local(at: int, zone: str | None) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(zone or UNKNOWN_ZONE))


def inside(there: datetime, windows: Iterable[Window]) -> bool:
    """Whether a local instant lies in one of the windows, the guard taken off their ends."""
    minute = there.hour * 60 + there.minute
    return any(
        there.isoweekday() in days and _minutes(start) <= minute < _minutes(end) - GUARD_MINUTES for days, start, end in windows
    )


def outside_window(store: sqlite3.Connection) -> list[str]:
    found = []
    for message, at, channel, _, _, country, region, zone, phone in store.execute(ATTEMPTS):
        places = [country, region or ("US-RI" if country == "US" and phone.startswith(RHODE_ISLAND) else None)]
        limits = [RULES[place, channel] for place in places if (place, channel) in RULES]
        limits += [PLAY[channel]] if channel in PLAY else []
        assert limits or channel in NO_LIMIT, f"nothing limits {channel} in {country}: the table above lacks it"
        if not all(inside(local(at, zone), windows) for windows in limits):
            found.append(message)
    return found


def on_a_french_sunday(store: sqlite3.Connection) -> list[str]:
    return [
        message
        for message, at, channel, _, _, country, _, zone, _ in store.execute(ATTEMPTS)
        if country == "FR" and channel in ("sms", "voice") and local(at, zone).isoweekday() == 7
    ]


def called_in_xinjiang(store: sqlite3.Connection) -> list[str]:
    return [row[0] for row in store.execute(ATTEMPTS) if row[2] == "voice" and row[6] == "CN-XJ"]


def above_a_cap(store: sqlite3.Connection) -> list[str]:
    """More than one message within 24 hours, or three within seven days, to a person or to an address; maybe sent counts."""
    sent: dict[str, list[int]] = {}
    found = []
    for message, at, person, address in store.execute(
        "select m.id, a.at, m.person, m.address from rg_attempt a join rg_message m on m.id = a.message_id"
        " where m.purpose = 'marketing' and a.outcome in ('accepted', 'uncertain') order by a.at, m.id"
    ):
        for subject in (f"p:{person}", f"a:{address}"):
            history = sent.setdefault(subject, [])
            history.append(at)
            for most, hours in ((1, 24), (3, 7 * 24)):
                if sum(at - hours * HOUR_MS < earlier <= at for earlier in history) > most:
                    found.append(message)
    return found


def to_the_held_out(store: sqlite3.Connection) -> list[str]:
    """By the store's own list, and by the hash of everybody's id."""
    listed = {person for (person,) in store.execute("select person from rg_run where holdout = 1")}
    return [
        message
        for message, _, _, person, *_ in store.execute(ATTEMPTS)
        if person in listed or bucket(HOLDOUT_SALT, person) < HOLDOUT_BP
    ]


def bucket(salt: str, unit: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{salt}:{unit}".encode()).digest()[:8], "big") % 10_000


def after_an_opt_out(store: sqlite3.Connection) -> list[str]:
    """To a person or an address with an opt-out or complaint for the channel, or for all, that held before the attempt."""
    held: dict[str, list[tuple[str, int]]] = {}
    for subject, channel, since in store.execute(
        "select subject, channel, effective_at from rg_suppression"
        " where reason in ('opt_out', 'complaint') and cleared_at is null"
    ):
        held.setdefault(subject, []).append((channel, since))
    return [
        message
        for message, at, channel, person, address, *_ in store.execute(ATTEMPTS)
        if any(
            since < at and scope in ("*", channel)
            for subject in (f"p:{person}", f"a:{address}")
            for scope, since in held.get(subject, [])
        )
    ]


def after_the_return(store: sqlite3.Connection) -> list[str]:
    """To a person who had come back or bought since their run began."""
    returned = dict(
        store.execute(
            "select e.person, min(e.at) from rg_person_event e join rg_run r on r.person = e.person and e.at >= r.started_at"
            " where e.type in ('returned', 'converted') group by e.person"
        ).fetchall()
    )
    return [message for message, at, _, person, *_ in store.execute(ATTEMPTS) if person in returned and returned[person] < at]


def _minutes(clock: str) -> int:
    at = time.fromisoformat(clock)
    return at.hour * 60 + at.minute
