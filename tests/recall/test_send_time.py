"""The send time: own peak, persona, slot, fallback, in this order, and never outside the hours that are allowed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from recallgate.model.errors import ConfigError
from recallgate.recall.send_time import WHITE_COLLAR, BestTime, choose, own_peak
from recallgate.recall.slots import Slot, learned, ranked
from recallgate.recall.steps import Wait

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 3, 9, 8, 0, tzinfo=ZONE)
EVERY = (1, 2, 3, 4, 5, 6, 7)


def at(hour: float, *, day: int = 0) -> datetime:
    return MONDAY.replace(hour=0) + timedelta(days=day, hours=hour)


def active(hour: float, times: int = 6) -> list[datetime]:
    return [at(hour, day=-n) for n in range(1, times + 1)]


def hours(start: float, end: float) -> Callable[[datetime], bool]:
    def allowed(instant: datetime) -> bool:
        local = instant.astimezone(ZONE)
        return start <= local.hour + local.minute / 60 < end

    return allowed


DAYTIME = hours(8, 21)
NOON = ((EVERY, "12:00", "13:00"),)


@pytest.mark.parametrize(
    ("best", "seen", "allowed", "sends_at", "by"),
    [
        (BestTime(), active(19.5), DAYTIME, at(19), "peak"),
        (BestTime(), active(19.5, times=4), DAYTIME, at(10), "fallback"),  # too little to learn from
        (BestTime(persona=WHITE_COLLAR), active(18.2), DAYTIME, at(18), "peak and persona"),
        (BestTime(persona=WHITE_COLLAR), active(11.1), DAYTIME, at(11), "peak and persona"),
        (BestTime(persona=WHITE_COLLAR), active(14.0), DAYTIME, at(14), "peak"),  # the persona is dropped
        (BestTime(persona=NOON), active(23.0), DAYTIME, at(10), "fallback"),  # and the peak
        (BestTime(persona=NOON), [], DAYTIME, at(12), "persona"),
        (BestTime(persona=NOON), [], hours(14, 21), at(14), "fallback"),
        (BestTime(slot="19:30"), [], DAYTIME, at(19.5), "slot"),
        (BestTime(slot="19:30"), active(9.0), DAYTIME, at(9), "peak"),
        (BestTime(fallback="22:30"), [], DAYTIME, at(20.75), "fallback"),  # the nearest edge
        (BestTime(fallback="07:00"), [], hours(9, 21), at(9), "fallback"),
        (BestTime(slot="12:30"), [], lambda i: DAYTIME(i) and not hours(12, 14)(i), at(11.75), "slot"),
    ],
)
def test_the_order_of_what_is_known(
    best: BestTime, seen: list[datetime], allowed: Callable[[datetime], bool], sends_at: datetime, by: str
) -> None:
    chosen = choose(best, now=MONDAY, zone=ZONE, active=seen, allowed=allowed)

    assert chosen is not None
    assert (chosen.at.astimezone(ZONE), chosen.by) == (sends_at, by)


@pytest.mark.parametrize(
    ("now", "sends_at"),
    [(at(9.9), at(10)), (at(10), at(10)), (at(11), at(11)), (at(11.01), at(10, day=1)), (at(23), at(10, day=1))],
)
def test_what_passed_at_most_an_hour_ago_is_sent_now(now: datetime, sends_at: datetime) -> None:
    chosen = choose(BestTime(), now=now, zone=ZONE, allowed=DAYTIME)

    assert chosen is not None
    assert chosen.at == sends_at


def test_the_earlier_edge_is_taken_only_while_it_is_ahead() -> None:
    chosen = choose(BestTime(fallback="22:30"), now=at(20.9), zone=ZONE, allowed=DAYTIME)
    later = choose(BestTime(fallback="13:00"), now=at(12.5), zone=ZONE, allowed=lambda i: DAYTIME(i) and not hours(12, 14)(i))

    assert chosen is not None
    assert chosen.at == at(20.9)  # a quarter of an hour past the last start, still open
    assert later is not None
    assert later.at == at(14)


def test_a_persona_has_several_windows_a_day_and_none_on_sundays() -> None:
    def chosen(now: datetime) -> datetime:
        found = choose(BestTime(persona=WHITE_COLLAR), now=now, zone=ZONE, allowed=DAYTIME)
        assert found is not None
        return found.at.astimezone(ZONE)

    assert chosen(at(8)) == at(11)
    assert chosen(at(13.5)) == at(17.5)
    assert chosen(at(21)) == at(11, day=1)


def test_a_field_of_the_person_chooses_the_persona() -> None:
    best = BestTime(by="job", personas={"office": WHITE_COLLAR}, persona=NOON)

    assert (best.persona_of({"job": "office"}), best.persona_of({"job": "farm"}), best.persona_of({})) == (
        WHITE_COLLAR,
        NOON,
        NOON,
    )


def test_recent_activity_weighs_more_than_old() -> None:
    seen = [at(9, day=-90 - n) for n in range(8)] + [at(20, day=-n) for n in range(1, 4)]

    assert own_peak(seen, now=MONDAY, zone=ZONE, best=BestTime()) == 20
    assert own_peak(seen, now=MONDAY, zone=ZONE, best=BestTime(half_life=timedelta(days=3650))) == 9


def test_what_lies_ahead_teaches_nothing() -> None:
    assert own_peak([at(9, day=n) for n in range(1, 9)], now=MONDAY, zone=ZONE, best=BestTime()) is None


def test_nothing_is_chosen_where_nothing_is_allowed() -> None:
    assert choose(BestTime(), now=MONDAY, zone=ZONE, allowed=lambda _: False) is None


def test_a_time_that_clocks_skip_moves_on_with_them() -> None:
    paris = ZoneInfo("Europe/Paris")
    found = choose(BestTime(fallback="02:30"), now=datetime(2026, 3, 29, 0, 0, tzinfo=paris), zone=paris)

    assert found is not None
    assert found.at == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 there


@pytest.mark.parametrize(
    "build",
    [
        lambda: BestTime(fallback="25:00"),
        lambda: BestTime(persona=((EVERY, "22:00", "06:00"),)),
        lambda: BestTime(by="job"),
        lambda: BestTime(at_least=0),
        lambda: Wait("w", best=BestTime(), until="10:00"),
        lambda: Wait("w", best=BestTime(), days=1),
    ],
)
def test_what_cannot_be_meant_is_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ConfigError):
        build()


# --- slots


NOON_SLOT, EVENING = Slot(12, 1000, 400, 20), Slot(19, 1000, 200, 80)


def test_slots_rank_by_conversions_and_not_by_connects() -> None:
    assert NOON_SLOT.connect_rate > EVENING.connect_rate
    assert ranked([NOON_SLOT, EVENING]) == (EVENING, NOON_SLOT)
    assert learned([NOON_SLOT, EVENING]) == "19:00"


@pytest.mark.parametrize(
    "slots",
    [
        [EVENING],
        [Slot(12, 1000, 0, 70), EVENING],  # the difference may be chance
        [Slot(12, 50, 0, 0), EVENING],  # too few to compare with
        [],
    ],
)
def test_no_slot_is_learned_from_too_little(slots: list[Slot]) -> None:
    assert learned(slots) is None
