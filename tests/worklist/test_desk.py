"""Worklists: who gets which task when, what a result means, and what is looked at before somebody dials."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from gateway.ground import DAY, HOUR, MINUTE, NIGHT, NOON, live
from recallgate import ConfigError, ErrorKind, Event, PersonEvent, PersonRecord, Phone
from recallgate.store import worklist as rows
from worklist.floor import NUMBER, floor, task

RESULTS = {
    "reached": ("delivered", ["answered"]),
    "promised": ("delivered", ["answered", "promised"]),
    "bought": ("delivered", ["answered", "converted"]),
    "refused": ("delivered", ["answered", "refused"]),
    "opted_out": ("delivered", ["answered", "unsubscribed"]),
    "no_answer": ("undelivered", ["no_answer"]),
    "busy": ("undelivered", ["busy"]),
    "wrong_number": ("undelivered", ["undelivered"]),
}


# Who gets what


@live
async def test_vips_come_first_then_priority_then_age() -> None:
    async with floor(per_agent=9) as there:
        await there.put(task("late", priority=4), task("dear", priority=8))
        there.here.clock.advance(MINUTE)
        await there.put(task("later", priority=4), task("vip", vip=True, priority=1))

        given = [found.id for _ in range(4) if (found := await there.next()) is not None]

        assert given == ["vip", "dear", "late", "later"]


@live
async def test_a_task_carries_what_the_caller_needs() -> None:
    async with floor(lease_minutes=20) as there:
        await there.put(task("ann", expires_at=NOON + DAY))

        found = await there.next()

        assert found is not None
        assert (found.task.script, found.phone, found.person, found.tries) == ("Ask why", NUMBER, "ann", 1)
        assert (found.lease_until, found.expires_at) == (NOON + timedelta(minutes=20), NOON + DAY)
        assert NUMBER not in repr(found)


@live
async def test_the_number_of_the_person_is_called_when_the_task_has_none() -> None:
    async with floor() as there:
        await there.here.gateway.save_people([PersonRecord("ann", contacts={"sms": [Phone(e164=NUMBER)]})])
        await there.put(task("ann", phone=None))

        found = await there.next()

        assert found is not None
        assert found.phone == NUMBER


@live
async def test_two_agents_at_once_never_get_the_same() -> None:
    async with floor() as there:
        await there.put(*(task(f"p{number}") for number in range(5)))

        given = await asyncio.gather(*(there.next(f"agent{number}") for number in range(8)))

        ids = [found.id for found in given if found is not None]
        assert sorted(ids) == [f"p{number}" for number in range(5)]


@live
async def test_a_queue_is_worked_by_itself() -> None:
    async with floor(per_agent=9) as there:
        await there.put(task("ann", queue="en"), task("li", queue="zh"))

        assert [(await there.next(queues=("zh",))).id, await there.next(queues=("zh",))] == ["li", None]  # type: ignore[union-attr]


@live
async def test_a_lease_that_ends_frees_the_task_for_somebody_else() -> None:
    async with floor(lease_minutes=30) as there:
        await there.put(task())
        await there.next("bo")
        there.here.clock.advance(29 * MINUTE)
        assert await there.next("cy") is None

        there.here.clock.advance(MINUTE)
        found = await there.next("cy")

        assert found is not None
        with pytest.raises(ConfigError, match="agent cy has it, not bo"):
            await there.done("ann", "reached", "bo")
        assert [(turn["agent"], turn["result"]) for turn in await there.desk.turns("ann")] == [("bo", "lapsed"), ("cy", None)]


@live
async def test_a_lease_can_be_kept() -> None:
    async with floor(lease_minutes=30) as there:
        await there.put(task())
        await there.next("bo")
        there.here.clock.advance(20 * MINUTE)
        until = await there.desk.keep("ann", agent="bo", now=there.now)
        there.here.clock.advance(20 * MINUTE)

        assert until == NOON + 50 * MINUTE
        assert await there.next("cy") is None
        with pytest.raises(ConfigError, match="does not have it"):
            await there.desk.keep("ann", agent="cy", now=there.now)


@live
async def test_a_task_is_given_to_another_agent_or_back_to_the_list() -> None:
    async with floor() as there:
        await there.put(task())
        await there.next("bo")

        await there.desk.reassign("ann", to="cy", now=there.now)
        with pytest.raises(ConfigError, match="agent cy has it"):
            await there.done("ann", "reached", "bo")
        await there.desk.reassign("ann", to=None, now=there.now)
        found = await there.next("di")

        assert found is not None
        assert await there.done("ann", "reached", "di")
        with pytest.raises(ConfigError, match="not on the list"):
            await there.desk.reassign("ann", to="bo", now=there.now)


# Capacity


@live
async def test_an_agent_has_no_more_in_hand_than_they_may() -> None:
    async with floor(per_agent=2) as there:
        await there.put(*(task(name) for name in ("a", "b", "c")))
        await there.next()
        await there.next()
        with pytest.raises(ConfigError, match="has 2 tasks in hand"):
            await there.next()

        await there.done("a", "reached")

        assert (await there.next()).id == "c"  # type: ignore[union-attr]


@live
async def test_a_day_has_an_end_for_an_agent_and_for_all() -> None:
    async with floor(per_agent_day=2, per_day=3, zone="America/Los_Angeles") as there:
        await there.put(*(task(name) for name in "abcde"))

        async def call(agent: str) -> str:
            found = await there.next(agent)
            assert found is not None
            await there.done(found.id, "reached", agent)
            return found.id

        assert [await call("bo"), await call("bo")] == ["a", "b"]
        with pytest.raises(ConfigError, match="agent bo had 2 tasks today"):
            await there.next("bo")
        assert await call("cy") == "c"
        with pytest.raises(ConfigError, match="all agents together had 3"):
            await there.next("cy")
        there.here.clock.advance(24 * HOUR)

        assert await call("bo") == "d"


@live
async def test_the_first_over_capacity_waits_and_a_vip_is_let_in() -> None:
    async with floor(max_waiting=2) as there:
        first, second, third, vip = await there.put(task("a"), task("b"), task("c"), task("v", vip=True))

        assert [first.state, second.state, third.state, vip.state] == ["accepted", "accepted", "held", "accepted"]
        assert third.error is not None
        assert third.error.kind is ErrorKind.RATE_LIMITED
        for name in ("v", "a"):
            await there.next()
            await there.done(name, "reached")
        there.here.clock.advance(15 * MINUTE)
        await there.here.gateway.drain()

        assert await there.here.state("c") == "accepted"


@live
async def test_over_capacity_can_be_refused_so_that_a_play_goes_elsewhere() -> None:
    async with floor(max_waiting=1, when_full="refuse") as there:
        _, second = await there.put(task("a"), task("b"))

        assert (second.state, second.error.code) == ("failed", "no_room")  # type: ignore[union-attr]


@live
async def test_the_queue_is_no_address_that_caps_count() -> None:
    async with floor() as there:
        states = [delivery.state for delivery in await there.put(task("a"), task("b"), task("c"))]
        again = await there.put(task("a", id="a2"))

        assert states == ["accepted"] * 3
        assert (again[0].state, again[0].verdict.code) == ("suppressed", "cap.global.1d")  # type: ignore[union-attr]


@live
async def test_one_message_is_one_task() -> None:
    async with floor() as there:
        driver: Any = there.here.gateway.accounts["callers"].adapter
        for _ in range(2):
            assert (await driver.send(task())).vendor_id == "ann"

        assert len(await there.desk.tasks()) == 1


# Results


@pytest.mark.parametrize("result", RESULTS)
def test_a_result_becomes_events_and_a_state(result: str) -> None:
    state, told = RESULTS[result]

    @live
    async def work() -> None:
        async with floor(max_tries=1) as there:
            await there.put(task())
            await there.next()
            fields = {"amount_cents": 4900} if result == "bought" else {}

            await there.done("ann", result, **fields)
            again = await there.done("ann", result, **fields)

            assert again.result == result
            assert await there.events() == [("ann", kind, result) for kind in told]
            assert await there.here.state("ann") == state

    work()


@live
async def test_a_purchase_is_a_deed_of_the_person_once() -> None:
    async with floor() as there:
        await there.put(task())
        await there.next()
        for _ in range(2):
            await there.done("ann", "bought", amount_cents=4900, minutes=6)

        assert await there.here.rows("select person, type, amount_cents from rg_person_event") == [("ann", "converted", 4900)]


@live
async def test_labour_is_the_cost_of_the_message() -> None:
    async with floor(rate_per_hour="18.50", max_tries=2) as there:
        await there.put(task())
        await there.next()
        first = await there.done("ann", "no_answer", minutes=1)
        there.here.clock.advance(2 * HOUR)
        await there.next()
        second = await there.done("ann", "reached", minutes=12)

        # 18.50 an hour: a minute costs 0.30833…, twelve 3.70
        assert (first.cost, second.cost) == (Decimal("18.50") / 60, Decimal("3.70"))
        assert await there.here.rows("select cost_micros from rg_message") == [(308_333 + 3_700_000,)]
        assert await there.here.rows("select seconds, cost_micros from rg_worklist") == [(13 * 60, 4_008_333)]


@live
async def test_who_does_not_answer_is_called_again_until_the_tries_are_used_up() -> None:
    async with floor(max_tries=2, retry_minutes=90) as there:
        await there.put(task())
        await there.next()
        first = await there.done("ann", "no_answer", notes="voicemail")
        there.here.clock.advance(89 * MINUTE)
        assert first.again_at == NOON + 90 * MINUTE
        assert await there.next() is None
        there.here.clock.advance(MINUTE)
        found = await there.next()
        assert found is not None
        assert (found.tries, found.last_result, found.notes) == (2, "no_answer", "voicemail")

        second = await there.done("ann", "busy")

        assert second.again_at is None
        assert await there.events() == [("ann", "busy", "busy")]


@live
async def test_a_call_can_be_agreed_for_a_time_but_not_past_the_end() -> None:
    async with floor() as there:
        await there.put(task(expires_at=NOON + 2 * HOUR))
        await there.next()
        assert (await there.done("ann", "busy", again_at=NOON + HOUR)).again_at == NOON + HOUR
        there.here.clock.advance(HOUR)
        await there.next()

        assert (await there.done("ann", "busy", again_at=NOON + 3 * HOUR)).again_at is None
        assert await there.here.state("ann") == "undelivered"


@live
async def test_a_refusal_rests_the_persons_calls_and_nobody_elses() -> None:
    async with floor(refusal_rest_days=10) as there:
        await there.put(task())
        await there.next()
        await there.done("ann", "refused")
        there.here.clock.advance(2 * DAY)

        (ann,) = await there.put(task("ann", id="ann2"))
        (bob,) = await there.put(task("bob"))
        there.here.clock.advance(9 * DAY)
        (later,) = await there.put(task("ann", id="ann3"))

        assert (ann.state, ann.verdict.code) == ("suppressed", "suppressed.refused")  # type: ignore[union-attr]
        assert (bob.state, later.state) == ("accepted", "accepted")


@live
async def test_the_laws_cool_down_holds_for_calls_by_machine_and_by_hand() -> None:
    # France: 60 days of silence on voice after a refusal
    async with floor(at=NOON - timedelta(hours=9), refusal_rest_days=0) as there:  # a Friday, noon in Paris
        paris = {"country": "FR", "timezone": "Europe/Paris", "phone": "+33612345678"}
        await there.put(task("zoe", **paris))
        await there.next()
        await there.done("zoe", "refused")
        there.here.clock.advance(31 * DAY)
        await there.put(task("zoe", id="zoe2", **paris))

        assert await there.next() is None
        there.here.clock.advance(29 * DAY)
        assert (await there.next()) is not None


@live
async def test_an_opt_out_at_the_telephone_stops_the_person_not_the_queue() -> None:
    async with floor() as there:
        await there.put(task())
        await there.next()
        await there.done("ann", "opted_out")

        assert await there.here.suppressions() == [("p:ann", "worklist", "opt_out")]
        assert [one.state for one in await there.put(task("bob"))] == ["accepted"]


@pytest.mark.parametrize(
    ("result", "fields", "words"),
    [
        ("maybe", {}, "'maybe' is none of reached, promised, bought"),
        ("bought", {}, "amount_cents: above zero"),
        ("bought", {"amount_cents": 0}, "amount_cents"),
        ("reached", {"amount_cents": 5}, "amount_cents"),
        ("reached", {"minutes": -1}, "minutes: 0 to 1440"),
        ("reached", {"again_at": NOON + HOUR}, "with no_answer or busy only"),
        ("busy", {"again_at": NOON}, "an instant to come"),
    ],
)
def test_what_cannot_be_entered_is_named(result: str, fields: dict[str, Any], words: str) -> None:
    @live
    async def work() -> None:
        async with floor() as there:
            await there.put(task())
            await there.next()
            with pytest.raises(ConfigError, match=words):
                await there.done("ann", result, **fields)
            assert await there.events() == []

    work()


@live
async def test_a_result_needs_a_task_in_hand() -> None:
    async with floor() as there:
        await there.put(task())
        with pytest.raises(ConfigError, match="it is open; take it first"):
            await there.done("ann", "reached")
        with pytest.raises(ConfigError, match="there is none of that id"):
            await there.done("nobody", "reached")
        with pytest.raises(ConfigError, match="agent"):
            await there.next(" ")


@live
async def test_sinks_hear_of_results() -> None:
    heard: list[Event] = []
    async with floor() as there:

        class Sink:
            async def on_events(self, events: Sequence[Event]) -> None:
                heard.extend(events)

        there.here.gateway.add_sink(Sink())
        await there.put(task())
        await there.next()
        await there.done("ann", "promised")

        assert [(event.type, event.message_id) for event in heard] == [("answered", "ann"), ("promised", "ann")]


# Before somebody dials


@live
async def test_nobody_is_called_at_night() -> None:
    async with floor(at=NIGHT) as there:  # 23:00 in San Francisco
        await there.put(task("ann"), task("bob", purpose="service"))

        assert (await there.next()).id == "bob"  # type: ignore[union-attr]
        await there.done("bob", "reached")
        assert await there.next("cy") is None
        there.here.clock.advance(9 * HOUR - MINUTE)
        assert await there.next("cy") is None  # 07:59
        there.here.clock.advance(MINUTE)
        assert (await there.next("cy")).id == "ann"  # type: ignore[union-attr]


@live
async def test_who_has_returned_since_is_not_called() -> None:
    from recallgate import Origin
    from recallgate.model.clock import to_ms
    from recallgate.store import campaigns
    from recallgate.store.campaigns import CampaignRow, RunRow

    async with floor() as there:
        at = to_ms(NOON)
        row = CampaignRow("default", "nov", "1", "{}", "launched", 0, "s", None, at, "{}")
        run = RunRow("default", "nov", "ann", 0, "1", None, 0, 0, "active", None, None, at, at, None, None, "{}")
        await there.here.gateway.store.run(lambda c: (campaigns.save(c, row), campaigns.enrol(c, [run])))
        await there.put(task(origin=Origin(campaign="nov", step="call")))
        there.here.clock.advance(HOUR)
        await there.here.gateway.record([PersonEvent("ann", "returned", there.now)])

        assert await there.next() is None
        assert await there.here.state("ann") == "cancelled"
        assert [(one.state, one.result) for one in await there.desk.tasks()] == [("withdrawn", "exit.already_returned")]


@pytest.mark.parametrize(
    ("subject", "channel"), [({"person": "ann"}, "*"), ({"address": NUMBER}, "voice"), ({"address": NUMBER}, "*")]
)
def test_who_opted_out_since_is_not_called(subject: dict[str, str], channel: str) -> None:
    @live
    async def work() -> None:
        async with floor() as there:
            await there.put(task())
            await there.here.gateway.suppress(**subject, channel=channel, reason="opt_out")

            assert await there.next() is None
            assert (await there.desk.tasks())[0].result == "suppressed.opt_out"
            assert await there.events() == [("ann", "cancelled", "withdrawn")]

    work()


@live
async def test_a_paused_channel_gives_nothing_out() -> None:
    async with floor() as there:
        await there.put(task())
        await there.here.gateway.pause("channel", "worklist")
        assert await there.next() is None
        await there.here.gateway.resume("channel", "worklist")
        there.here.clock.advance(MINUTE)

        assert await there.next() is not None


@live
async def test_a_task_past_its_end_expires_but_not_in_somebodys_hands() -> None:
    async with floor(lease_minutes=30) as there:
        await there.put(task("ann", expires_at=NOON + HOUR), task("bob", expires_at=NOON + HOUR))
        there.here.clock.advance(50 * MINUTE)
        await there.next()
        there.here.clock.advance(10 * MINUTE)
        assert await there.desk.next_due() == NOON + HOUR

        assert await there.desk.run(there.now) == 1
        assert await there.next("cy") is None
        assert await there.desk.next_due() == NOON + 80 * MINUTE
        await there.done("ann", "reached")

        assert await there.desk.run(there.now) == 0
        assert [await there.here.state(name) for name in ("ann", "bob")] == ["delivered", "expired"]
        assert await there.desk.next_due() is None


@live
async def test_the_list_shows_what_waits_first() -> None:
    async with floor() as there:
        await there.put(task("ann"), task("bob"), task("vip", vip=True))
        await there.next()
        await there.done("vip", "reached")

        assert [(one.id, one.state) for one in await there.desk.tasks()] == [("ann", "open"), ("bob", "open"), ("vip", "done")]
        assert [one.id for one in await there.desk.tasks(state="done")] == ["vip"]
        assert await there.here.gateway.store.run(lambda c: rows.waiting(c, "default", "callers", "default")) == 2
