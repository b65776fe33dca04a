"""The world: the same for the same seed, whatever the order; habits do what they say."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from recallgate.gateway import PersonEvent
from recallgate.model.errors import ErrorKind
from recallgate.model.event import EventType
from recallgate.sandbox.face import Taken
from recallgate.sandbox.habits import CallbackFaults, ChannelHabits, Habits, Outage, Spread
from recallgate.sandbox.happenings import Deed, Happening, Inbound, Report, Visit
from recallgate.sandbox.world import World

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EVER = NOW + timedelta(days=4000)
INSTANT = Spread(1.0, 0.0)
SURE = ChannelHabits(delivery_time=INSTANT)


def taken(n: int = 1, channel: str = "sms", **fields: Any) -> Taken:
    defaults: dict[str, Any] = {"links": ("https://s.example/l/abc",), "callback_url": f"https://s.example/callbacks/a/x?m=m{n}"}
    return Taken(f"V{n}", f"+1415555{n:04d}", channel, "Come back", **{**defaults, **fields})


def quiet(habits: ChannelHabits, **fields: Any) -> Habits:
    faults = fields.pop("callbacks", CallbackFaults(doubled=0, late=0))
    return Habits(channels={"sms": habits, "voice": habits, "email": habits}, callbacks=faults, lost_answers=0, **fields)


def all_of(world: World) -> list[Happening]:
    return world.take_due(EVER)


def told(happenings: Iterable[Happening]) -> list[EventType]:
    return [one.what.news.type for one in happenings if isinstance(one.what, Report)]


def test_order_in_which_vendors_take_messages_changes_nothing() -> None:
    forwards, backwards = World("s"), World("s")
    for n in range(300):
        forwards.take(taken(n), account="a", at=NOW)
    for n in reversed(range(300)):
        backwards.take(taken(n), account="a", at=NOW)

    assert all_of(forwards) == all_of(backwards)


def test_another_seed_has_other_happenings() -> None:
    worlds = World("s"), World("t")
    for world in worlds:
        for n in range(100):
            world.take(taken(n), account="a", at=NOW)

    assert all_of(worlds[0]) != all_of(worlds[1])


def test_happenings_come_at_whole_grains_and_not_before_the_message() -> None:
    world = World("s")
    for n in range(100):
        world.take(taken(n), account="a", at=NOW + timedelta(seconds=7))

    instants = {one.at for one in all_of(world)}

    assert instants
    assert all(at > NOW and at.second == at.microsecond == 0 for at in instants)


def test_take_due_gives_what_is_due_once() -> None:
    world = World("s", quiet(SURE))
    world.take(taken(), account="a", at=NOW)

    assert world.next_due() == NOW + timedelta(minutes=1)
    assert world.take_due(NOW) == []
    assert told(world.take_due(NOW + timedelta(minutes=1))) == [EventType.DELIVERED]
    assert world.take_due(EVER) == []
    assert world.next_due() is None


def test_undelivered_messages_reach_nobody() -> None:
    effect: list[str] = []

    def never(person: str, channel: str, reached_at: datetime, clicked: bool) -> list[PersonEvent]:
        effect.append(person)
        return []

    habits = ChannelHabits(undelivered={ErrorKind.UNREACHABLE: 1.0}, clicked=1.0, replies={"STOP": 1.0})
    world = World("s", quiet(habits), return_effect=never)
    world.take(taken(), account="a", at=NOW)

    happenings = all_of(world)

    assert told(happenings) == [EventType.UNDELIVERED]
    assert happenings[0].what.news.kind is ErrorKind.UNREACHABLE  # type: ignore[union-attr] # it is a report
    assert len(happenings) == 1
    assert effect == []


def test_dead_address_stays_dead_for_every_message() -> None:
    habits = ChannelHabits(undelivered={ErrorKind.INVALID_RECIPIENT: 0.5}, delivery_time=INSTANT)
    world = World("s", quiet(habits))
    ends: dict[str, set[EventType]] = {}
    for again in range(5):
        for n in range(40):
            world.take(taken(n, callback_url=f"https://s.example/?m={again}-{n}"), account="a", at=NOW)
    for one in all_of(world):
        assert isinstance(one.what, Report)
        ends.setdefault(one.what.taken.recipient, set()).add(one.what.news.type)

    assert {len(types) for types in ends.values()} == {1}
    assert len({next(iter(types)) for types in ends.values()}) == 2


def test_human_clicks_the_first_link_later_than_the_report() -> None:
    habits = ChannelHabits(clicked=1.0, clicking_time=Spread(0.0, 0.0), delivery_time=INSTANT, unsubscribed=0.0)
    world = World("s", quiet(habits))
    way_out = "https://s.example/u/out"
    links = (way_out, "https://s.example/l/first", "https://s.example/l/second")
    world.take(taken(links=links, unsubscribe_url=way_out), account="a", at=NOW)

    report, click = all_of(world)

    assert isinstance(click.what, Visit)
    assert (click.what.url, click.what.method, click.what.human) == ("https://s.example/l/first", "GET", True)
    assert "Mozilla/" in (click.what.agent or "")
    assert click.at - report.at >= timedelta(seconds=3)


def test_scanner_follows_every_link_with_the_report() -> None:
    habits = ChannelHabits(scanned=1.0, delivery_time=INSTANT)
    world = World("s", quiet(habits))
    world.take(taken(links=("https://s.example/l/a", "https://s.example/l/b")), account="a", at=NOW)

    report, *scans = all_of(world)

    assert isinstance(report.what, Report)
    assert [scan.what.url for scan in scans if isinstance(scan.what, Visit)] == ["https://s.example/l/a", "https://s.example/l/b"]
    assert {scan.at for scan in scans} == {report.at}
    assert not any(scan.what.human for scan in scans if isinstance(scan.what, Visit))


def test_unsubscribing_is_a_post_to_the_address_in_the_message() -> None:
    world = World("s", quiet(ChannelHabits(unsubscribed=1.0, told=frozenset())))
    world.take(taken(channel="email", unsubscribe_url="https://s.example/u/out"), account="a", at=NOW)

    (only,) = all_of(world)

    assert isinstance(only.what, Visit)
    assert (only.what.url, only.what.method) == ("https://s.example/u/out", "POST")


def test_reply_comes_from_the_recipient_in_its_words() -> None:
    world = World("s", quiet(ChannelHabits(replies={"STOP": 1.0}, told=frozenset())))
    world.take(taken(), account="a", at=NOW)

    (only,) = all_of(world)

    assert isinstance(only.what, Inbound)
    assert (only.what.text, only.what.account, only.what.taken.recipient) == ("STOP", "a", "+14155550001")


@pytest.mark.parametrize(
    ("outcome", "news"),
    [
        (EventType.NO_ANSWER, [EventType.NO_ANSWER]),
        (EventType.BUSY, [EventType.BUSY]),
        (EventType.MACHINE, [EventType.MACHINE]),
        (EventType.ANSWERED, [EventType.ANSWERED, EventType.KEY_PRESSED, EventType.DELIVERED]),
    ],
)
def test_call_ends_in_one_outcome_and_listeners_press_an_offered_key(outcome: EventType, news: list[EventType]) -> None:
    habits = ChannelHabits(
        answers={outcome: 1.0},
        keys={"7": 0.5, "1": 0.5},
        told=frozenset({EventType.NO_ANSWER, EventType.BUSY, EventType.MACHINE, EventType.ANSWERED, EventType.DELIVERED}),
    )
    world = World("s", quiet(habits))
    for n in range(40):
        world.take(taken(n, "voice", keys={"1": "https://s.example/k"}), account="a", at=NOW)

    by_call: dict[str, list[EventType]] = {}
    for one in all_of(world):
        assert isinstance(one.what, Report)
        assert one.what.news.key in (None, "1")
        by_call.setdefault(one.what.taken.vendor_id, []).append(one.what.news.type)

    kinds = {tuple(types) for types in by_call.values()}
    assert tuple(news) in kinds
    assert kinds <= {tuple(news), tuple(type_ for type_ in news if type_ is not EventType.KEY_PRESSED)}


def test_reports_are_lost_doubled_and_late_as_often_as_said() -> None:
    faults = CallbackFaults(lost=0.1, doubled=0.2, late=0.3, lateness_time=Spread(3600.0, 0.0))
    world = World("s", quiet(SURE, callbacks=faults))
    for n in range(4000):
        world.take(taken(n), account="a", at=NOW)

    copies = Counter(one.what.taken.vendor_id for one in all_of(world) if isinstance(one.what, Report))

    assert abs(4000 - len(copies) - 400) < 70
    assert abs(sum(count == 2 for count in copies.values()) - 720) < 90


def test_refusal_of_a_try_is_drawn_anew_for_the_next() -> None:
    world = World("s", quiet(ChannelHabits(refused={ErrorKind.TEMPORARY: 0.5})))

    tries = []
    for n in range(200):
        count = 0
        while world.refusal(taken(n)) is not None:
            count += 1
        tries.append(count)

    assert abs(tries.count(0) - 100) < 30
    assert max(tries) >= 3


def test_refusal_of_a_dead_address_is_the_same_at_every_try() -> None:
    world = World("s", quiet(ChannelHabits(refused={ErrorKind.UNREGISTERED_TOKEN: 0.5})))

    answers = [[world.refusal(taken(n)) for _ in range(4)] for n in range(30)]

    assert all(len(set(four)) == 1 for four in answers)
    assert {four[0] is None for four in answers} == {True, False}


def test_reaching_a_person_has_its_effect_and_nature_has_hers() -> None:
    asked = []

    def effect(person: str, channel: str, reached_at: datetime, clicked: bool) -> list[PersonEvent]:
        asked.append((person, channel, reached_at, clicked))
        return [PersonEvent(person, "returned", reached_at + timedelta(hours=1))]

    natural = PersonEvent("p9", "converted", NOW + timedelta(hours=3, seconds=1), 500)
    world = World("s", quiet(SURE), people={"+14155550001": "p1"}, visits=[natural], return_effect=effect)
    world.take(taken(), account="a", at=NOW)

    deeds = [(one.at, one.what.event) for one in all_of(world) if isinstance(one.what, Deed)]

    assert asked == [("p1", "sms", NOW + timedelta(seconds=1), False)]
    assert [event.person for _, event in deeds] == ["p1", "p9"]
    assert deeds[1] == (NOW + timedelta(hours=3, minutes=1), natural)


def test_speed_shortens_waits_and_no_grain_keeps_them_exact() -> None:
    world = World("s", quiet(ChannelHabits(delivery_time=Spread(60.0, 0.0))), grain=timedelta(0), speed=60)
    world.take(taken(), account="a", at=NOW)

    assert world.next_due() == NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("offset", "target", "out"),
    [
        (0, "acct", True),
        (59, "acct", True),
        (60, "acct", False),
        (-1, "acct", False),
        (5, "acme.sms", True),
        (5, "*", True),
        (5, "other", False),
    ],
)
def test_outage_covers_its_target_from_start_to_before_end(offset: int, target: str, out: bool) -> None:
    outage = Outage(target, NOW, NOW + timedelta(minutes=1))
    world = World("s", Habits(outages=(outage,)))

    assert (world.outage("acct", "acme.sms", NOW + timedelta(seconds=offset)) is outage) is out


@pytest.mark.parametrize(
    "make",
    [
        lambda: ChannelHabits(clicked=1.2),
        lambda: ChannelHabits(replies={"STOP": 0.6, "no": 0.6}),
        lambda: CallbackFaults(lost=-0.1),
        lambda: Habits(lost_answers=2.0),
        lambda: Spread(-1.0),
        lambda: Outage("*", NOW, NOW),
        lambda: Outage("*", NOW.replace(tzinfo=None), NOW.replace(tzinfo=None) + timedelta(1)),
        lambda: World("s", speed=0),
    ],
)
def test_impossible_habits_are_refused(make: Any) -> None:
    with pytest.raises(ValueError):
        make()
