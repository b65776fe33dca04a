"""The in-app inbox through the gateway, and the gateway for code without a loop."""

import threading
import warnings

from gateway.ground import HOUR, NOON, account, ground, live, otp
from recallgate import AccountConfig, BlockingGateway, FrozenClock, Gateway, GatewayConfig, Message, PersonEvent, PersonRecord


def inbox() -> AccountConfig:
    return AccountConfig.from_dsn("inbox.inapp://default", name="inbox")


@live
async def test_an_inbox_message_is_delivered_when_fetched_and_gone_when_read() -> None:
    async with ground(inbox()) as here:
        message = Message.inapp("u1", "We kept your cart", purpose="service")
        delivery = await here.gateway.send(message)
        assert delivery.state == "accepted"

        (item,) = await here.gateway.inbox.list("u1", now=here.clock.now())
        assert (item.id, item.content.body) == (message.id, "We kept your cart")
        assert list(await here.gateway.inbox.list("u2", now=here.clock.now())) == []
        for did in ("fetched", "fetched", "read"):
            await here.gateway.apply([await here.gateway.inbox.told(item.id, did, now=here.clock.now())], account="inbox")

        assert await here.state(message.id) == "delivered"
        assert await here.rows("select type from rg_event order by seq") == [("delivered",), ("read",)]
        assert list(await here.gateway.inbox.list("u1", now=here.clock.now())) == []


@live
async def test_an_inbox_message_past_its_end_is_not_shown() -> None:
    async with ground(inbox()) as here:
        await here.gateway.send(Message.inapp("u1", "Today only", purpose="service", expires_at=NOON + HOUR))
        here.clock.advance(HOUR)

        assert list(await here.gateway.inbox.list("u1", now=here.clock.now())) == []


def a_gateway() -> Gateway:
    return Gateway(config=GatewayConfig(accounts=(account(),), jitter_minutes=0), store="sqlite://", clock=FrozenClock(NOON))


def test_the_blocking_gateway_does_what_the_other_does() -> None:
    with BlockingGateway(a_gateway()) as gateway:
        message, later = otp(), otp("+14155550124")
        assert gateway.send(message).state == "accepted"
        gateway.submit([later])
        assert gateway.drain() == 1
        gateway.save_people([PersonRecord("ann")])
        assert gateway.record([PersonEvent("ann", "returned", NOON)]) == 1
        assert gateway.explain(message.id)["message"]["state"] == "accepted"
        assert gateway.explain_person("ann")["did"][0]["type"] == "returned"
        assert gateway.status()["messages"] == {"accepted": 2}
        assert not gateway.cancel(message.id)


def test_threads_share_one_blocking_gateway() -> None:
    states: list[str] = []
    with BlockingGateway(a_gateway()) as gateway:
        threads = [
            threading.Thread(target=lambda i=i: states.append(gateway.send(otp(f"+1415555{1000 + i}")).state)) for i in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert states == ["accepted"] * 8


def test_its_thread_ends_with_it() -> None:
    before = set(threading.enumerate())
    with BlockingGateway(a_gateway()):
        assert any(thread.name == "recallgate-blocking" for thread in threading.enumerate())

    assert set(threading.enumerate()) <= before


def test_memory_without_a_store_is_said_once() -> None:
    gateway = Gateway(config=GatewayConfig(accounts=(account(),)), clock=FrozenClock(NOON))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        with BlockingGateway(gateway) as blocking:
            blocking.send(otp())

    assert [str(one.message).split(":")[0] for one in said] == ["no store is configured"]
