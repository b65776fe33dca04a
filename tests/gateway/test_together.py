"""Equal messages go in one request where the vendor takes many recipients; each has its own outcome."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from gateway.ground import NOON, live
from recallgate import AccountConfig, FrozenClock, Gateway, GatewayConfig, Message
from recallgate.delivery.worker import Pace

ONE = "+14155550100"


@dataclass
class Wire:
    """What Plivo was asked, and what it answers next: ids for all who were asked, unless a response is set."""

    asked: list[dict[str, Any]]
    answer: httpx.Response | Exception | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        self.asked.append(body)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        numbers = body["dst"].split("<")
        return httpx.Response(202, json={"message": "queued", "message_uuid": [f"id-{number}" for number in numbers]})


@asynccontextmanager
async def plivo(store: str = "sqlite://", **config: Any) -> AsyncIterator[tuple[Gateway, Wire]]:
    wire = Wire([])
    account = AccountConfig.build("plivo.sms", {"auth_id": "MA", "auth_token": "secret", "sender": "+14155550000"}, name="plivo")
    gateway = Gateway(
        config=GatewayConfig(accounts=(account,), jitter_minutes=0, **config),
        store=store,
        clock=FrozenClock(NOON),
        transport=lambda _: httpx.MockTransport(wire),
    )
    gateway.worker.pace = Pace(quick_retries=0)
    async with gateway:
        yield gateway, wire


def news(number: int, words: str = "Your order is on its way") -> Message:
    return Message.sms(f"+1415555{number:04}", words, purpose="service", country="US", id=f"m{number}")


async def rows(gateway: Gateway, query: str) -> list[tuple[Any, ...]]:
    from sqlalchemy import text

    return await gateway.store.run(lambda c: [tuple(row) for row in c.execute(text(query))])


@live
async def test_equal_messages_are_one_request_and_each_has_its_own_id() -> None:
    async with plivo() as (gateway, wire):
        await gateway.submit([news(1), news(2), news(3, "Another text"), news(4)])

        await gateway.drain()

        assert sorted(asked["dst"].count("<") for asked in wire.asked) == [0, 2]
        found = await rows(gateway, "select id, state, vendor_id from rg_message order by id")
        assert found == [(f"m{n}", "accepted", f"id-+1415555000{n}") for n in (1, 2, 3, 4)]
        assert await rows(gateway, "select count(*), count(distinct message_id) from rg_attempt") == [(4, 4)]


@live
async def test_a_request_has_at_most_as_many_recipients_as_the_vendor_takes() -> None:
    async with plivo() as (gateway, wire):
        most = gateway.accounts["plivo"].batch
        await gateway.submit(news(number) for number in range(most + 5))

        await gateway.drain()

        assert sorted(asked["dst"].count("<") + 1 for asked in wire.asked) == [5, most]


@live
async def test_a_refused_request_is_refused_for_each_of_its_messages() -> None:
    async with plivo() as (gateway, wire):
        wire.answer = httpx.Response(400, json={"error": "invalid"})
        await gateway.submit([news(1), news(2)])

        await gateway.drain()

        assert len(wire.asked) == 1
        states = await rows(gateway, "select state, count(*) from rg_message group by state")
        outcomes = await rows(gateway, "select outcome, count(*) from rg_attempt group by outcome")
        assert (states, outcomes) == ([("failed", 2)], [("failed", 2)])


@live
async def test_an_answer_that_is_lost_leaves_all_of_them_uncertain() -> None:
    async with plivo() as (gateway, wire):
        wire.answer = httpx.ReadError("broken")
        await gateway.submit([news(1), news(2)])

        await gateway.drain()

        assert await rows(gateway, "select state, count(*) from rg_message group by state") == [("uncertain", 2)]


@live
async def test_an_answer_about_fewer_messages_leaves_all_of_them_uncertain() -> None:
    async with plivo() as (gateway, wire):
        wire.answer = httpx.Response(202, json={"message_uuid": ["only one"]})
        await gateway.submit([news(1), news(2)])

        await gateway.drain()

        assert await rows(gateway, "select state, count(*) from rg_message group by state") == [("uncertain", 2)]


@live
async def test_what_is_not_ours_any_more_is_left_out_of_the_request(monkeypatch: pytest.MonkeyPatch) -> None:
    async with plivo() as (gateway, wire):
        leases = gateway.worker.leases
        begin = leases.begin

        def lost(ready: Any) -> None:
            if ready.message.id == "m2" and not wire.asked:
                from recallgate.delivery.leases import NotOurs

                raise NotOurs
            begin(ready)

        monkeypatch.setattr(leases, "begin", lost)
        await gateway.submit([news(1), news(2), news(3)])

        await gateway.drain()

        assert [asked["dst"] for asked in wire.asked] == ["+14155550001<+14155550003", "+14155550002"]
        assert await rows(gateway, "select state, count(*) from rg_message group by state") == [("accepted", 3)]
