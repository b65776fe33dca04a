"""What a gateway hands to its drivers: an ear for news on their own wire, the ledger of consents, the store."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.smsc import Centre, centre, delivery, receipt
from gateway.ground import NOON, NUMBER, Ground, account, ground, live, marketing, otp
from recallgate import AccountConfig, AudienceMember, Event, EventType, Message, StoreError
from recallgate.adapter import AsksConsent, TellsNews
from recallgate.delivery.drivers import Removals


def wire(here: Centre, **settings: Any) -> AccountConfig:
    """An account at a message centre on this machine."""
    place = {"host": "127.0.0.1", "port": here.port, "system_id": "esme", "password": "secret", "sender": "ACME"}
    return AccountConfig.build("smpp.sms", {**place, **settings}, name="smsc")


async def bound(there: Centre) -> None:
    async with asyncio.timeout(5):
        while not there.binds:  # noqa: ASYNC110 - the test's centre counts and does not tell
            await asyncio.sleep(0.001)


class Heard:
    """A sink."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def on_events(self, events: Sequence[Event]) -> None:
        self.events += events


@pytest.mark.parametrize(("word", "state"), [("DELIVRD", "delivered"), ("UNDELIV", "undelivered"), ("EXPIRED", "expired")])
def test_a_receipt_on_the_wire_moves_the_message(word: str, state: str) -> None:
    @live
    async def work() -> None:
        async with centre() as there, ground(wire(there)) as here:
            heard = Heard()
            here.gateway.add_sink(heard)
            message = otp()

            sent = await here.gateway.send(message)
            status = await there.deliver(receipt("id-1", word))

            assert (sent.state, status) == ("accepted", 0)
            assert await here.state(message.id) == state
            assert [event.message_id for event in heard.events] == [message.id]
            assert await here.rows("select account, status from rg_event") == [("smsc", word)]

    work()


@live
async def test_who_only_listens_hears_replies_and_an_opt_out_stops_the_number() -> None:
    async with centre() as there, ground(wire(there)) as here:
        await bound(there)  # nothing was sent

        status = await there.deliver(delivery(b"STOP"))
        refused = await here.gateway.send(marketing())

        assert status == 0
        assert there.binds == ["transceiver"]
        assert (f"a:{NUMBER}", "sms", "opt_out") in await here.suppressions()
        assert refused.state == "suppressed"
        assert there.submitted == []


@live
async def test_the_centre_keeps_news_that_could_not_be_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    async with centre() as there, ground(wire(there)) as here:
        message = otp()
        await here.gateway.send(message)

        async def broken(*_: object) -> None:
            raise StoreError("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(here.gateway._events, "apply", broken)
            kept = await there.deliver(receipt("id-1", "DELIVRD"))
        before = await here.state(message.id)
        taken = await there.deliver(receipt("id-1", "DELIVRD"), sequence=78)
        copy = await there.deliver(receipt("id-1", "DELIVRD"), sequence=79)

        assert (kept, taken, copy) == (0x64, 0, 0)
        assert (before, await here.state(message.id)) == ("accepted", "delivered")
        assert await here.rows("select count(*) from rg_event") == [(1,)]


@live
async def test_a_gateway_that_ends_says_good_bye_to_the_centre() -> None:
    async with centre() as there:
        async with ground(wire(there)) as here:
            driver = here.gateway.accounts["smsc"].adapter
            async with asyncio.timeout(5):
                while driver._session is None:  # type: ignore[union-attr]  # noqa: ASYNC110 - the centre knows it earlier
                    await asyncio.sleep(0.001)

        assert there.unbound == 1


@live
async def test_a_centre_that_is_away_keeps_no_gateway_from_opening() -> None:
    async with centre() as there:
        gone = wire(there)
    async with ground(gone) as here:
        message = otp()

        sent = await here.gateway.send(message)

        assert sent.state == "held"
        assert sent.error is not None
        assert sent.error.kind == "unavailable"


@live
async def test_drivers_say_by_their_form_what_they_ask_for(tmp_path: Path) -> None:
    ads = AccountConfig.build("audience.export", {"folder": str(tmp_path)}, name="ads")
    async with centre() as there, ground(wire(there), ads, account("plain", "email")) as here:
        drivers = {name: live.adapter for name, live in here.gateway.accounts.items()}

        assert {name for name, driver in drivers.items() if isinstance(driver, TellsNews)} == {"smsc"}
        assert {name for name, driver in drivers.items() if isinstance(driver, AsksConsent)} == {"ads"}


# Removals


class Book:
    """A driver that notes whom it is to forget."""

    def __init__(self) -> None:
        self.consented = None
        self.forgotten: list[AudienceMember] = []
        self.breaks = False

    async def forget(self, members: Sequence[AudienceMember]) -> int:
        if self.breaks:
            raise OSError("the disk is away")
        self.forgotten += members
        return len(members)


async def removals(here: Ground, book: Book) -> Removals:
    return Removals(here.gateway.store, book, account="ads", channel="audience", tenant="default")


@live
async def test_removals_are_looked_for_at_once_and_then_every_few_minutes() -> None:
    async with ground() as here:
        book = Book()
        job = await removals(here, book)
        await here.gateway.suppress(address=NUMBER, channel="sms", reason="opt_out")
        first_due = await job.next_due()
        await job.run(NOON)
        here.clock.advance(timedelta(minutes=1))
        for address in ("a@b.example", "38400000-8cf0"):
            await here.gateway.suppress(address=address, channel="sms", reason="opt_out")
        await job.run(here.clock.now())

        assert first_due is not None
        assert first_due < NOON
        assert [(one.identifier, one.kind) for one in book.forgotten] == [(NUMBER, "phone")]
        assert await job.next_due() == NOON + job.every

        await job.run(NOON + job.every)

        kinds = {one.identifier: one.kind for one in book.forgotten}
        assert kinds == {NUMBER: "phone", "a@b.example": "email", "38400000-8cf0": "device"}


@live
async def test_removals_that_failed_are_tried_again() -> None:
    async with ground() as here:
        book = Book()
        job = await removals(here, book)
        await here.gateway.suppress(address=NUMBER, channel="sms", reason="opt_out")
        book.breaks = True
        with pytest.raises(OSError, match="away"):
            await job.run(here.clock.now())
        book.breaks = False

        assert await job.run(here.clock.now()) == 1
        assert [one.identifier for one in book.forgotten] == [NUMBER]


@live
async def test_a_message_for_the_list_is_a_task_of_the_gateways_own_desk() -> None:
    calls = AccountConfig.build("worklist.worklist", {}, name="callers")
    async with ground(calls, account("sms")) as here:
        heard = Heard()
        here.gateway.add_sink(heard)
        task = {"title": "Call", "phone": NUMBER, "type": "task"}
        message = Message.model_validate(
            {"channel": "worklist", "to": {"type": "worker"}, "content": task, "purpose": "service", "person": "ann"}
        )

        sent = await here.gateway.send(message)
        desk = here.gateway.worklists["callers"]
        found = await desk.next("bo", now=here.clock.now())
        assert found is not None
        await desk.done(found.id, "reached", agent="bo", now=here.clock.now(), minutes=3)

        assert (sent.state, found.id, await here.state(message.id)) == ("accepted", message.id, "delivered")
        assert [event.type for event in heard.events] == [EventType.ANSWERED]
        assert list(here.gateway.worklists) == ["callers"]


@live
async def test_tasks_past_their_end_are_closed_by_the_gateways_own_work() -> None:
    calls = AccountConfig.build("worklist.worklist", {}, name="callers")
    async with ground(calls) as here:
        until = here.clock.now() + timedelta(hours=1)
        message = Message.model_validate(
            {
                "channel": "worklist",
                "to": {"type": "worker"},
                "content": {"type": "task", "title": "Call"},
                "purpose": "service",
                "expires_at": until,
            }
        )
        await here.gateway.send(message)
        here.clock.advance(timedelta(hours=2))

        await here.gateway.drain()

        assert await here.state(message.id) == "expired"
