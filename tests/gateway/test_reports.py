"""News of vendors: any order, any number of copies, before the receipt, forged, unreadable."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given, settings, strategies as st
from pydantic import SecretStr

from gateway.ground import NOON, NUMBER, Ground, account, ground, live, marketing, otp
from recallgate import Callback, ErrorKind, Event, EventType, ForgedCallback, FrozenClock, Gateway, GatewayConfig
from recallgate.config import AccountConfig

K, T = ErrorKind, EventType
SECOND = timedelta(seconds=1)


async def told(here: Ground, *news: Event) -> None:
    await here.gateway.apply(news, account="a")


# what a vendor told of one message, and the state in which any order of it ends
STORIES: dict[str, tuple[Sequence[EventType], str]] = {
    "delivered": ((T.ACCEPTED, T.SENT, T.DELIVERED), "delivered"),
    "read": ((T.SENT, T.READ, T.OPENED), "delivered"),
    "bounced": ((T.SENT, T.UNDELIVERED), "undelivered"),
    "bounced after delivery": ((T.DELIVERED, T.UNDELIVERED), "delivered"),
    "expired, then delivered": ((T.SENT, T.EXPIRED, T.DELIVERED), "delivered"),
    "expired, then bounced": ((T.EXPIRED, T.UNDELIVERED), "undelivered"),
    "opened only": ((T.OPENED, T.CLICKED), "accepted"),
    "answered": ((T.ACCEPTED, T.ANSWERED, T.NO_ANSWER), "delivered"),
}


@pytest.mark.parametrize("name", STORIES)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_any_order_and_any_copies_of_reports_end_in_one_state(name: str, data: st.DataObject) -> None:
    kinds, state = STORIES[name]
    news = [Event(kind, vendor_id="fake-sms-1", vendor_event_id=f"e{i}", at=NOON + i * SECOND) for i, kind in enumerate(kinds)]
    order = data.draw(st.permutations(news + data.draw(st.lists(st.sampled_from(news), max_size=3))))
    cuts = data.draw(st.lists(st.booleans(), min_size=len(order), max_size=len(order)))

    @live
    async def play() -> None:
        async with ground() as here:
            message = otp()
            await here.gateway.send(message)
            waiting: list[Event] = []
            for event, cut in zip(order, cuts, strict=True):
                waiting.append(event)
                if cut:
                    await told(here, *waiting)
                    waiting.clear()
            await told(here, *waiting)

            assert await here.state(message.id) == state
            assert await here.rows("select count(*) from rg_event") == [(len(news),)]

    play()


@live
async def test_a_report_that_comes_before_the_receipt_is_matched() -> None:
    async with ground() as here:
        await told(here, Event(T.DELIVERED, vendor_id="fake-sms-1", at=NOON))
        message = otp()

        await here.gateway.send(message)

        assert await here.state(message.id) == "delivered"
        assert await here.rows("select message_id from rg_event") == [(message.id,)]


@live
async def test_a_bounce_that_comes_before_the_receipt_suppresses_all_the_same() -> None:
    async with ground() as here:
        await told(here, Event(T.UNDELIVERED, vendor_id="fake-sms-1", kind=K.INVALID_RECIPIENT, code="30006", at=NOON))
        message = otp()

        await here.gateway.send(message)

        assert await here.state(message.id) == "undelivered"
        assert await here.suppressions() == [(f"a:{NUMBER}", "sms", "invalid")]


@live
async def test_a_report_while_the_message_is_leaving_is_not_undone_by_its_receipt() -> None:
    async with ground() as here:
        message = otp()
        await here.gateway.submit([message])
        (ready,) = (await here.gateway.worker.stage("sms")).ready
        conclusion, _ = await here.gateway.worker.caller.carry(ready)
        await told(here, Event(T.DELIVERED, message_id=message.id, at=NOON))

        await here.gateway.worker.commit([conclusion])

        assert await here.state(message.id) == "delivered"
        assert await here.rows("select vendor_id from rg_message") == [("fake-sms-1",)]


@live
async def test_a_bounce_after_delivery_suppresses_and_leaves_the_state() -> None:
    async with ground() as here:
        message = otp()
        await here.gateway.send(message)
        await told(here, Event(T.DELIVERED, message_id=message.id, at=NOON))
        await told(here, Event(T.UNDELIVERED, message_id=message.id, kind=K.INVALID_RECIPIENT, at=NOON + SECOND))

        assert await here.state(message.id) == "delivered"
        assert await here.suppressions() == [(f"a:{NUMBER}", "sms", "invalid")]


@live
async def test_a_report_never_sends_again() -> None:
    async with ground(account("a", order=0), account("b", order=1)) as here:
        message = otp()
        await here.gateway.send(message)
        await told(here, Event(T.UNDELIVERED, message_id=message.id, kind=K.TEMPORARY, at=NOON))
        here.clock.advance(timedelta(days=3))
        await here.gateway.drain()

        assert await here.state(message.id) == "undelivered"
        assert len(here.script("a").tried) + len(here.script("b").tried) == 1


@live
async def test_a_report_lifts_uncertain_even_after_it_was_closed() -> None:
    async with ground(report_wait_s=60) as here:
        here.script().uncertain()
        message = marketing()
        await here.gateway.send(message)
        here.clock.advance(timedelta(hours=1))
        await here.gateway.drain()
        assert await here.reason(message.id) == "uncertain.closed"

        await told(here, Event(T.DELIVERED, message_id=message.id, at=here.clock.now()))

        assert await here.state(message.id) == "delivered"


@live
async def test_a_report_wakes_nothing_that_was_not_sent() -> None:
    async with ground() as here:
        await here.gateway.suppress(address=NUMBER, reason="opt_out")
        message = marketing()
        await here.gateway.send(message)
        await told(here, Event(T.DELIVERED, message_id=message.id, at=NOON))

        assert await here.state(message.id) == "suppressed"


@live
async def test_sinks_hear_of_each_event_once_however_many_tell_at_once() -> None:
    async with ground() as here:
        heard: list[str | None] = []

        class Sink:
            async def on_events(self, news: Sequence[Event]) -> None:
                heard.extend(one.vendor_event_id for one in news)

        here.gateway.add_sink(Sink())
        events = [Event(T.DELIVERED, vendor_id=f"v{i % 20}", vendor_event_id=f"e{i % 20}", at=NOON) for i in range(40)]
        await asyncio.gather(*(told(here, one) for one in events))

        assert sorted(heard, key=str) == sorted(f"e{i}" for i in range(20))


@live
async def test_one_caller_with_an_unreadable_event_does_not_fail_the_others() -> None:
    async with ground() as here:
        broken = Event(T.DELIVERED, vendor_id="v1", at=object())  # type: ignore[arg-type] # an adapter's bug
        calls = [told(here, broken), told(here, Event(T.DELIVERED, vendor_id="v2", at=NOON))]

        results = await asyncio.gather(*calls, return_exceptions=True)

        assert isinstance(results[0], Exception)
        assert results[1] is None
        assert await here.rows("select vendor_id from rg_event") == [("v2",)]


# --- callbacks as they come

URL = "https://go.example/callbacks/tw/x?k=status"
FORM = {"MessageSid": "SM1", "MessageStatus": "delivered", "AccountSid": "AC1"}


def twilio() -> Gateway:
    config = AccountConfig.from_dsn("twilio.sms://AC1:secret@default?sender=+15005550006", name="tw")
    return Gateway(config=GatewayConfig(accounts=(config,)), store="sqlite://", clock=FrozenClock(NOON))


def signed(secret: str) -> Callback:
    """A callback as Twilio signs it: HMAC-SHA1 over the address and the sorted fields."""
    said = URL + "".join(name + FORM[name] for name in sorted(FORM))
    signature = base64.b64encode(hmac.new(secret.encode(), said.encode(), hashlib.sha1).digest()).decode()
    headers = httpx.Headers({"x-twilio-signature": signature, "content-type": "application/x-www-form-urlencoded"})
    return Callback("POST", URL, headers, urlencode(FORM).encode(), NOON)


async def stored(gateway: Gateway) -> tuple[int, int]:
    from sqlalchemy import text

    def count(connection: Any) -> tuple[int, int]:
        both = [connection.execute(text(f"select count(*) from {name}")).scalar() for name in ("rg_event", "rg_callback")]  # noqa: S608
        return both[0], both[1]

    return await gateway.store.run(count)


@live
async def test_a_forged_callback_stores_nothing() -> None:
    async with twilio() as gateway:
        with pytest.raises(ForgedCallback):
            await gateway.receive("tw", signed("guessed"))

        assert await stored(gateway) == (0, 0)


@live
async def test_a_genuine_callback_is_stored() -> None:
    async with twilio() as gateway:
        reply = await gateway.receive("tw", signed("secret"))

        assert 200 <= reply.status < 300
        assert await stored(gateway) == (1, 0)


@live
async def test_a_genuine_callback_that_cannot_be_read_is_kept_raw() -> None:
    async with ground() as here:
        body = json.dumps({"type": "a word that nobody knows"}).encode()

        reply = await here.gateway.receive("a", Callback("POST", "https://x.example/", httpx.Headers(), body, NOON))

        assert reply.status == 200
        assert await here.rows("select account, body, error from rg_callback") == [("a", body, "ValueError")]
        assert await here.rows("select count(*) from rg_event") == [(0,)]


def test_the_address_of_callbacks_has_a_secret_that_nobody_guesses() -> None:
    gateway = Gateway(
        config=GatewayConfig(accounts=(account("a"), account("b")), public_url="https://go.example", secret=SecretStr("s" * 16)),
        store="sqlite://",
    )
    address = gateway.callback_url("a")
    assert address is not None
    secret = address.split("/callbacks/a/")[1].split("?")[0]

    assert gateway.check_secret("a", secret)
    assert not gateway.check_secret("b", secret)
    assert not gateway.check_secret("a", secret[:-1])
    assert not gateway.check_secret("a", "")
    assert not gateway.check_secret("nobody", secret)


def test_a_given_secret_and_the_derived_one_both_count_during_rotation() -> None:
    before = Gateway(
        config=GatewayConfig(accounts=(account("a"),), public_url="https://x.example", secret=SecretStr("s" * 16)),
        store="sqlite://",
    )
    given = account("a", callback_secret="another-secret")
    after = Gateway(
        config=GatewayConfig(accounts=(given,), public_url="https://x.example", secret=SecretStr("s" * 16)), store="sqlite://"
    )
    (old,) = before._secrets["a"]

    assert after.check_secret("a", old)
    assert after.check_secret("a", "another-secret")
    assert "/callbacks/a/another-secret?" in str(after.callback_url("a"))
