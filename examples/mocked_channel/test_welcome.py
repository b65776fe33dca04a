"""Testing an application without any vendor: fakes for its logic, mocked HTTP for its requests, a clock for its hours.

The fixtures come with `pip install recallgate[testing]`; there is nothing to configure.
"""

import asyncio
import json
from datetime import timedelta

import respx
from welcome import User, welcome

from recallgate import ErrorKind, FrozenClock, Gateway, Message, State
from recallgate.testing import Outbox, assert_nothing_sent, assert_sent

ANN = User("u1", "Ann", "device-1", "ann@a.example")


def test_a_user_is_welcomed_by_push(recallgate_outbox: Outbox) -> None:
    assert asyncio.run(welcome(recallgate_outbox.gateway, ANN)) == "push"

    assert_sent(recallgate_outbox, to="device-1", containing="Good to have you, Ann")
    assert_nothing_sent(recallgate_outbox, channel="email")


def test_a_dead_device_gets_an_email_instead(recallgate_outbox: Outbox) -> None:
    recallgate_outbox.refuse("push", ErrorKind.UNREGISTERED_TOKEN)

    assert asyncio.run(welcome(recallgate_outbox.gateway, ANN)) == "email"

    assert_sent(recallgate_outbox, to="ann@a.example", containing="Ann")


def test_an_uncertain_push_is_not_followed_by_an_email(recallgate_outbox: Outbox) -> None:
    recallgate_outbox.uncertain("push")

    assert asyncio.run(welcome(recallgate_outbox.gateway, ANN)) == "none"

    assert_nothing_sent(recallgate_outbox)


def test_a_second_welcome_sends_nothing(recallgate_outbox: Outbox) -> None:
    async def twice() -> None:
        async with recallgate_outbox as gateway:
            await welcome(gateway, ANN)
            await welcome(gateway, ANN)

    asyncio.run(twice())

    assert len(recallgate_outbox.sent) == 1


def test_marketing_waits_for_the_morning(recallgate_outbox: Outbox, recallgate_clock: FrozenClock) -> None:
    offer = Message.sms("+8613800138000", "【小店】今日八折，拒收请回复R", purpose="marketing")

    async def at_night() -> State:
        async with recallgate_outbox as gateway:
            recallgate_clock.advance(timedelta(hours=14))  # from 09:30 to 23:30 in Shanghai
            delivery = await gateway.send(offer)
            assert_nothing_sent(recallgate_outbox)
            recallgate_clock.advance(timedelta(hours=12))
            await gateway.drain()
            return delivery.state

    assert asyncio.run(at_night()) is State.HELD
    assert_sent(recallgate_outbox, to="+8613800138000", containing="八折")


def test_the_request_to_the_vendor_is_the_one_we_mean(recallgate_http: respx.MockRouter) -> None:
    route = recallgate_http.post(host="api.twilio.com").respond(201, json={"sid": "SM1", "status": "queued"})
    dsn = "twilio.sms://AC0123456789abcdef0123456789abcdef:TOKEN@default?sender=+15005550006"

    async def sent() -> State:
        async with Gateway(dsn, store="sqlite://") as gateway:
            return (await gateway.send(Message.sms("+14155550123", "Code 4821", purpose="otp"))).state

    assert asyncio.run(sent()) is State.ACCEPTED
    assert route.calls.last.request.content == b"To=%2B14155550123&From=%2B15005550006&Body=Code+4821"


def test_a_vendor_that_is_out_is_not_a_failure_yet(recallgate_http: respx.MockRouter) -> None:
    recallgate_http.post(host="api.twilio.com").respond(503, content=json.dumps({"code": 20503}).encode())
    dsn = "twilio.sms://AC0123456789abcdef0123456789abcdef:TOKEN@default?sender=+15005550006"

    async def sent() -> State:
        async with Gateway(dsn, store="sqlite://") as gateway:
            return (await gateway.send(Message.sms("+14155550123", "Code 4821", purpose="service"))).state

    assert asyncio.run(sent()) is State.HELD
