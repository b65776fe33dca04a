"""A play that writes to each person at their own time, and one whose arms are slots; what the hours were worth."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from gateway.ground import DAY, HOUR, Ground, account, ground, live
from recallgate import Event, EventType, PersonEvent, PersonRecord, Phone
from recallgate.recall.campaign import Campaign, Goal
from recallgate.recall.churn import preset
from recallgate.recall.condition import Compare
from recallgate.recall.experiment import Arm, Experiment
from recallgate.recall.lapse import Churn
from recallgate.recall.messages import MessageMaker
from recallgate.recall.play import Play
from recallgate.recall.runner import CampaignRunner
from recallgate.recall.segment import everybody
from recallgate.recall.send_time import BestTime
from recallgate.recall.slots import learned, ranked, slots_of
from recallgate.recall.steps import Case, Choose, Send, Step, Wait, Way
from recallgate.store import campaigns
from recallgate.store.campaigns import CampaignRow, RunRow

MORNING = datetime(2026, 11, 18, 6, 0, tzinfo=ZoneInfo("America/New_York"))  # a Wednesday
TEXT = Send("sms", (Way("sms", {"text": "Come back: https://shop.example/c"}),))


def campaign(*steps: Step, arms: tuple[Arm, ...] = (Arm("treatment"),)) -> Campaign:
    play = Play("timed", (*steps,))
    return Campaign("timed", Goal.WIN_BACK, Churn(preset("ecommerce")), everybody(), play, experiment=Experiment(0, arms))


@asynccontextmanager
async def running(opened: Any, what: Campaign, people: dict[str, str | None]) -> AsyncIterator[Ground]:
    """A gateway in which these people (name to arm) entered the campaign this morning."""
    async with opened(account(), at=MORNING.astimezone(UTC)) as here:
        records = [
            PersonRecord(
                name, zone="America/New_York", country="US", region="US-NY", contacts={"sms": [Phone(e164=f"+1212555{n:04}")]}
            )
            for n, name in enumerate(people)
        ]
        await here.gateway.save_people(records)
        now = int(MORNING.timestamp() * 1000)
        row = CampaignRow("default", "timed", "1", "{}", "launched", 0, "s", None, now, "{}")
        runs = [
            RunRow("default", "timed", name, 0, "1", arm, 0, 0, "active", None, None, now, None, now, None, "{}")
            for name, arm in people.items()
        ]
        await here.gateway.store.run(lambda c: campaigns.save(c, row))
        await here.gateway.store.run(lambda c: campaigns.enrol(c, runs))
        here.gateway.add_job(CampaignRunner(here.gateway, what, maker=MessageMaker(what, key=b"k" * 16)))
        yield here


async def sent_at(here: Ground, hours: int) -> dict[str, float]:
    """The local hour at which each person was written to within so many hours."""
    end = here.clock.now() + timedelta(hours=hours)
    while (due := await here.gateway.next_due()) is not None and due <= end:
        here.clock.move_to(max(due, here.clock.now()))
        await here.gateway.drain()
    rows = await here.rows("select person, accepted_at from rg_message where accepted_at is not null")
    local = {name: datetime.fromtimestamp(at / 1000, tz=ZoneInfo("America/New_York")) for name, at in rows}
    return {name: at.hour + at.minute / 60 for name, at in local.items()}


@live
async def test_everybody_is_written_to_at_the_time_at_which_they_are_there() -> None:
    best = BestTime(fallback="15:00")
    async with running(ground, campaign(Wait("own_time", best=best), TEXT), {"early": None, "late": None, "new": None}) as here:
        visits = [
            PersonEvent(name, "visit", MORNING.replace(hour=hour) - n * DAY)
            for name, hour in (("early", 9), ("late", 19))
            for n in range(1, 8)
        ]
        await here.gateway.record(visits)

        assert await sent_at(here, 23) == {"early": 9.0, "late": 19.0, "new": 15.0}
        assert await here.rows("select person, data from rg_run order by person") == [
            ("early", '{"best": {"own_time": "peak"}}'),
            ("late", '{"best": {"own_time": "peak"}}'),
            ("new", '{"best": {"own_time": "fallback"}}'),
        ]


@live
async def test_a_peak_at_night_does_not_override_the_law() -> None:
    async with running(ground, campaign(Wait("own_time", best=BestTime()), TEXT), {"owl": None}) as here:
        await here.gateway.record([PersonEvent("owl", "visit", MORNING.replace(hour=2) - n * DAY) for n in range(1, 9)])

        assert await sent_at(here, 30) == {"owl": 10.0}


@live
async def test_opens_of_machines_teach_nothing() -> None:
    async with running(ground, campaign(Wait("own_time", best=BestTime()), TEXT), {"ann": None}) as here:
        for n in range(1, 9):
            opened = Event(EventType.OPENED, address="+12125550000", at=MORNING.replace(hour=20) - n * DAY)
            await here.gateway.apply([opened], account="a")

        assert await sent_at(here, 23) == {"ann": 10.0}


@live
async def test_slots_as_arms_are_told_apart_by_what_came_back() -> None:
    slots = {"noon": "12:00", "evening": "19:00"}
    choose = Choose(
        "slot", tuple(Case(Compare("arm", "=", arm), (Wait(f"until_{arm}", until=time),)) for arm, time in slots.items())
    )
    people: dict[str, str | None] = {f"p{n}": ("noon", "evening")[n % 2] for n in range(20)}
    async with running(ground, campaign(choose, TEXT, arms=(Arm("noon"), Arm("evening"))), people) as here:
        found = await sent_at(here, 16)
        assert {(people[name], hour) for name, hour in found.items()} == {("noon", 12.0), ("evening", 19.0)}

        for n in range(1, 16, 2):
            await here.gateway.record([PersonEvent(f"p{n}", "returned", here.clock.now() + HOUR)])
        told = await here.gateway.store.run(lambda c: slots_of(c, "default", "timed"))

        assert [(slot.hour, slot.attempts, slot.conversions) for slot in ranked(told)] == [(19, 10, 8), (12, 10, 0)]
        assert learned(told, at_least=10) == "19:00"
