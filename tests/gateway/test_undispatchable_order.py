"""The whole way of an order that is not dispatched: event, timer, text, call; ended by the dispatch; one run an order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from gateway.ground import HOUR, MINUTE, NIGHT, NUMBER, Ground, account, ground, live, marketing
from recallgate import ConfigError, Event, EventType, PersonEvent, PersonRecord, Phone
from recallgate.recall.campaign import Campaign, Goal
from recallgate.recall.churn import preset
from recallgate.recall.lapse import Churn
from recallgate.recall.messages import MessageMaker
from recallgate.recall.runner import CampaignRunner
from recallgate.recall.segment import everybody
from recallgate.recall.starter import EventStarter
from recallgate.recall.templates import robot_call_sms, undispatchable_order

PLAY = undispatchable_order(text="Order {{ order }}: we need your full address.", call="Your order cannot be sent yet.")
ALERT = Campaign("order_alert", Goal.ACTIVATE, Churn(preset("ecommerce")), everybody(), PLAY, person_fields=("order",))


@asynccontextmanager
async def shop(opened: Any, **config: Any) -> AsyncIterator[Ground]:
    """A gateway with texts and calls at 23:00, one customer, and the alert at work."""
    async with opened(account(), account("line", "voice"), at=NIGHT, **config) as here:
        contacts = {name: [Phone(e164=NUMBER)] for name in ("sms", "voice")}
        await here.gateway.save_people([PersonRecord("ann", zone="America/Los_Angeles", country="US", contacts=contacts)])
        starter = EventStarter(here.gateway, ALERT)
        await starter.store()
        here.gateway.add_job(starter)
        here.gateway.add_job(CampaignRunner(here.gateway, ALERT, maker=MessageMaker(ALERT, key=b"k" * 16)))
        yield here


async def order(here: Ground, what: str, number: str, *, person: str = "ann") -> None:
    at = here.clock.now()
    await here.gateway.record([PersonEvent(person, f"order.{what}", at, data={"order": number}, dedupe=f"{what}:{number}:{at}")])
    await here.gateway.drain()


async def later(here: Ground, span: timedelta) -> None:
    here.clock.advance(span)
    await here.gateway.drain()


def texts(here: Ground) -> list[str]:
    return [message.text for message in here.script().sent]


@live
async def test_an_order_that_is_not_dispatched_within_the_hour_is_told_even_at_night() -> None:
    async with shop(ground) as here:
        await order(here, "created", "4821")
        await later(here, HOUR - MINUTE)
        assert texts(here) == []
        await later(here, MINUTE)

        assert texts(here) == ["Order 4821: we need your full address."]
        assert {message.purpose.value for message in here.script().sent} == {"service"}


@live
async def test_the_dispatch_ends_the_alert() -> None:
    async with shop(ground) as here:
        await order(here, "created", "4821")
        await later(here, 59 * MINUTE)
        await order(here, "dispatched", "4821")
        await later(here, 9 * HOUR)

        assert texts(here) == []
        assert await here.rows("select state, ended from rg_run") == [("ended", "returned")]


@live
async def test_another_orders_dispatch_ends_nothing() -> None:
    async with shop(ground) as here:
        await order(here, "created", "4821")
        await later(here, MINUTE)
        await order(here, "created", "4822")
        await order(here, "dispatched", "4822")
        await later(here, 2 * HOUR)

        assert texts(here) == ["Order 4821: we need your full address."]


@live
async def test_an_order_has_one_run_however_often_it_is_told() -> None:
    async with shop(ground) as here:
        await order(here, "created", "4821")
        await later(here, MINUTE)
        await order(here, "created", "4821")
        await order(here, "created", "4822")
        await later(here, 2 * HOUR)

        assert sorted(texts(here)) == [f"Order {number}: we need your full address." for number in ("4821", "4822")]
        assert await here.rows("select count(*) from rg_run") == [(2,)]


@live
async def test_who_does_not_react_is_called_and_who_does_is_not() -> None:
    for reacts, calls in ((False, 1), (True, 0)):
        async with shop(ground, tenant=f"shop-{reacts}") as here:
            await order(here, "created", "4821")
            await later(here, HOUR)
            if reacts:
                (sent,) = here.script().sent
                await here.gateway.apply(
                    [Event(EventType.REPLIED, message_id=sent.id, text="done", at=here.clock.now())], account="a"
                )
            await later(here, 2 * HOUR + MINUTE)
            await later(here, 10 * MINUTE)

            assert len(here.script("line").sent) == calls


@live
async def test_the_alert_uses_up_no_cap_of_marketing() -> None:
    async with shop(ground) as here:
        await order(here, "created", "4821")
        await later(here, HOUR)
        assert len(texts(here)) == 1
        await later(here, 12 * HOUR)  # noon there

        assert (await here.gateway.send(marketing(person="ann"))).state == "accepted"


@live
async def test_what_was_ordered_before_the_campaign_starts_nothing() -> None:
    async with ground(at=NIGHT) as here:
        await order(here, "created", "1")
        here.clock.advance(MINUTE)
        starter = EventStarter(here.gateway, ALERT)
        await starter.store()

        assert await starter.run(here.clock.now()) == 0


@live
async def test_a_play_without_an_event_has_no_starter() -> None:
    async with ground(store="sqlite://") as here:
        play = robot_call_sms(call="Hi", text="Hi")
        campaign = Campaign("w", Goal.WIN_BACK, Churn(preset("ecommerce")), everybody(), play)
        with pytest.raises(ConfigError, match="its trigger is no event"):
            EventStarter(here.gateway, campaign)
