"""Access tokens: one fetch for all, one renewal, shared through the store, and a failure that sent nothing."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from gateway.ground import HOUR, NOON, live, marketing, of, otp
from recallgate import (
    Adapter,
    FrozenClock,
    Gateway,
    GatewayConfig,
    Message,
    Receipt,
    Token,
    TokenAuth,
    Tools,
    channels,
    read_json,
)
from recallgate.adapter import AdapterConfig
from recallgate.testing.fakes import FakeAccount


class Guarded(Adapter):
    """A vendor that wants a token."""

    vendor, channel = "guarded", channels.SMS

    def __init__(self, config: AdapterConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = TokenAuth(
            build=lambda: httpx.Request("POST", "https://v.example/token"),
            parse=lambda response: Token(read_json(response)["token"], tools.now() + HOUR),
            apply=_apply,
            expired=lambda response: response.status_code == 401,
            identity="guarded:1",
        )

    def build(self, message: Message) -> httpx.Request:
        return httpx.Request("POST", "https://v.example/send", json={"to": message.to.key})

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        return Receipt(message.id, read_json(response)["id"])


def _apply(request: httpx.Request, token: Token) -> httpx.Request:
    request.headers["authorization"] = f"Bearer {token.value}"
    return request


class Vendor:
    """The far end: hands out t1, t2, …; `good` is the token that it takes."""

    def __init__(self) -> None:
        self.fetched = 0
        self.sent: list[str] = []
        self.good: set[str] | None = None
        self.token_answer: httpx.Response | Exception | None = None

    async def answer(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if request.url.path == "/token":
            if isinstance(self.token_answer, Exception):
                raise self.token_answer
            if self.token_answer is not None:
                return self.token_answer
            self.fetched += 1
            return httpx.Response(200, json={"token": f"t{self.fetched}"})
        token = request.headers["authorization"].removeprefix("Bearer ")
        if self.good is not None and token not in self.good:
            return httpx.Response(401, json={})
        self.sent.append(token)
        return httpx.Response(200, json={"id": f"v{len(self.sent)}"})


def gateway(vendor: Vendor, clock: FrozenClock, store: str = "sqlite://") -> Gateway:
    account = FakeAccount(
        name="g", adapter="guarded.sms", settings=AdapterConfig(), adapter_cls=Guarded, optout_suffix="Reply STOP to opt out"
    )
    made = Gateway(
        config=GatewayConfig(accounts=(account,), jitter_minutes=0),
        store=store,
        clock=clock,
        transport=lambda _: httpx.MockTransport(vendor.answer),
    )
    from recallgate.delivery.worker import Pace

    made.worker.pace = Pace(quick_retries=0)
    return made


@live
async def test_fifty_sends_at_once_fetch_one_token() -> None:
    vendor = Vendor()
    async with gateway(vendor, FrozenClock(NOON)) as here:
        deliveries = await asyncio.gather(*(here.send(otp(f"+1415555{1000 + i}")) for i in range(50)))

    assert {one.state for one in deliveries} == {"accepted"}
    assert vendor.fetched == 1
    assert vendor.sent == ["t1"] * 50


@live
async def test_a_token_that_went_bad_is_renewed_once_for_all() -> None:
    vendor = Vendor()
    async with gateway(vendor, FrozenClock(NOON)) as here:
        await here.send(otp())
        vendor.good = {"t2"}
        deliveries = await asyncio.gather(*(here.send(otp(f"+1415555{1000 + i}")) for i in range(50)))

    assert {one.state for one in deliveries} == {"accepted"}
    assert vendor.fetched == 2


@live
async def test_a_token_is_renewed_a_minute_before_its_end() -> None:
    vendor, clock = Vendor(), FrozenClock(NOON)
    async with gateway(vendor, clock) as here:
        await here.send(otp())
        clock.advance(HOUR - timedelta(seconds=61))
        await here.send(otp())
        assert vendor.fetched == 1
        clock.advance(timedelta(seconds=1))
        await here.send(otp())

    assert vendor.fetched == 2


BROKEN: list[httpx.Response | Exception] = [
    httpx.ReadError("broken"),
    httpx.ConnectError("refused"),
    httpx.Response(500, text="oops"),
    httpx.Response(200, text="<html>"),
]


@pytest.mark.parametrize("answer", BROKEN)
@live
async def test_a_failure_to_get_a_token_sent_nothing(answer: httpx.Response | Exception) -> None:
    vendor, clock = Vendor(), FrozenClock(NOON)
    vendor.token_answer = answer
    async with gateway(vendor, clock) as here:
        message = of("marketing")
        delivery = await here.send(message)
        assert delivery.state == "held"
        assert vendor.sent == []

        vendor.token_answer = None
        clock.advance(HOUR)
        await here.drain()
        shown = await here.explain(message.id)

    assert shown["message"]["state"] == "accepted"


@live
async def test_two_gateways_share_a_token_through_the_store(tmp_path: Any) -> None:
    vendor, clock = Vendor(), FrozenClock(NOON)
    url = f"sqlite:///{tmp_path}/tokens.sqlite"
    async with gateway(vendor, clock, url) as one, gateway(vendor, clock, url) as two:
        await one.send(otp())
        await two.send(otp())
        await two.send(marketing())

    assert vendor.fetched == 1
    assert vendor.sent == ["t1"] * 3


@live
async def test_a_token_that_another_process_renewed_is_taken_from_the_store(tmp_path: Any) -> None:
    vendor, clock = Vendor(), FrozenClock(NOON)
    url = f"sqlite:///{tmp_path}/tokens.sqlite"
    async with gateway(vendor, clock, url) as one, gateway(vendor, clock, url) as two:
        await one.send(otp())
        await two.send(otp())
        vendor.good = {"t2"}
        await one.send(otp())
        await two.send(otp())

    assert vendor.fetched == 2
    assert vendor.sent == ["t1", "t1", "t2", "t2"]
