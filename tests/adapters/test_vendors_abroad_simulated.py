"""Vendors abroad in a simulation of the gateway: what is sent arrives, is reported on, and is answered."""

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from recallgate import AccountConfig, CallScript, FrozenClock, Gateway, GatewayConfig, KeyAnswer, Message, Say
from recallgate.model.chance import Simulation
from recallgate.model.errors import ErrorKind
from recallgate.model.event import EventType
from recallgate.registry import adapter_class
from recallgate.sandbox.habits import ChannelHabits, Habits, Spread
from recallgate.sandbox.simulate import simulate
from recallgate.sandbox.vendors import Vendors
from recallgate.sandbox.world import World

START = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # a Monday, daytime in all of the United States
FACTS = json.loads((Path(__file__).parent.parent / "data" / "vendors" / "vonage.json").read_text("utf-8"))
ACCOUNTS: dict[str, dict[str, Any]] = {
    "vonage.sms": {"api_key": "k", "api_secret": "s", "signature_secret": "sig", "sender": "+15005550009"},
    "vonage.messages": {"api_key": "k", "api_secret": "s", "signature_secret": "sig", "sender": "ACME"},
    "infobip.sms": {"api_key": "k", "sender": "ACME"},
    "plivo.sms": {"auth_id": "MA1", "auth_token": "t", "sender": "+15005550009"},
    "sinch.sms": {"service_plan_id": "p", "api_token": "t", "callback_secret": "c", "sender": "+15005550009"},
    "messagebird.sms": {"access_key": "k", "signing_key": "s", "sender": "ACME"},
    "vonage.voice": {
        "application_id": "a",
        "private_key": FACTS["signature_vectors"]["vectors"][0]["private_key_pem"],
        "signature_secret": "sig",
        "sender": "+15005550009",
    },
}
MENU = CallScript(say=(Say(text="Press 1 to confirm, press 9 to stop"),), keys={"1": KeyAnswer(action="confirm")})
PEOPLE = 30
HABITS = Habits(
    channels={
        "sms": ChannelHabits(
            undelivered={ErrorKind.INVALID_RECIPIENT: 0.2}, clicked=0.3, replies={"STOP": 0.3}, delivery_time=Spread(30.0)
        ),
        "voice": replace(Habits().of("voice"), answers={EventType.ANSWERED: 0.7, EventType.BUSY: 0.3}, keys={"1": 0.9}),
    },
    lost_answers=0.1,
)


def messages(channel: str) -> list[Message]:
    fields: dict[str, Any] = {"purpose": "service", "timezone": "America/New_York"}
    if channel == "voice":
        return [Message.voice(f"+1646555{n:04d}", MENU, id=f"call-{n}", **fields) for n in range(PEOPLE)]
    words = "look: https://shop.example/offer Reply STOP to stop"
    return [Message.sms(f"+1212555{n:04d}", f"Hi {n}, {words}", id=f"sms-{n}", **fields) for n in range(PEOPLE)]


async def story(name: str) -> tuple[Counter[str], Counter[str]]:
    """How many messages ended in which state, and how many events of which type were kept."""
    clock = FrozenClock(START)
    vendors = Vendors(World("abroad", HABITS), clock)
    account = AccountConfig(name="abroad", adapter=name, settings=adapter_class(name).Config(**ACCOUNTS[name]))
    config = GatewayConfig.model_validate(
        {
            "store": "sqlite://",
            "public_url": "https://s.example",
            "secret": "sandbox-secret-16",
            "tenant_zone": "America/New_York",
        }
    )
    transport, simulation = vendors.transport, Simulation("abroad")

    def counted(connection: Connection, *, query: str) -> Counter[str]:
        return Counter({row[0]: row[1] for row in connection.execute(text(query))})

    async with Gateway(account, config=config, clock=clock, transport=transport, simulation=simulation) as gateway:
        vendors.attach(gateway)
        await gateway.submit(messages(adapter_class(name).channel.name))
        await simulate(gateway, vendors, start=START, end=START + timedelta(hours=12), grain=timedelta(minutes=1))
        states = "select state, count(*) from rg_message group by state"
        types = "select type, count(*) from rg_event where message_id is not null or type = 'replied' group by type"
        return (
            await gateway.store.run(partial(counted, query=states)),
            await gateway.store.run(partial(counted, query=types)),
        )


@pytest.mark.parametrize("name", [name for name in ACCOUNTS if name != "vonage.voice"])
def test_texts_arrive_and_are_reported_on(name: str) -> None:
    states, types = asyncio.run(story(name))

    assert states["delivered"] >= PEOPLE / 2
    assert states["undelivered"] > 0
    assert types["delivered"] >= states["delivered"]
    assert (types["replied"] > 0) == adapter_class(name).capabilities.inbound


def test_calls_are_heard_and_answered_with_keys() -> None:
    states, types = asyncio.run(story("vonage.voice"))

    assert states["delivered"] >= PEOPLE / 3
    assert {"answered", "busy", "key_pressed"} <= set(types)
