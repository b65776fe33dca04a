"""Messages in: send, submit, equal keys, poison, capped people, and a real adapter over a mocked wire."""

import asyncio
import json
import sqlite3
from typing import Any

import httpx
import pytest
import respx
from sqlalchemy import Connection, text

from gateway.ground import DAY, HOUR, NOON, NUMBER, account, ground, live, marketing, of, otp
from recallgate import Alternative, EmailAddress, ErrorKind, FrozenClock, Gateway, IdempotencyConflict, Message, Receipt
from recallgate.model.content import Email


@live
async def test_a_message_that_is_taken_is_accepted_with_its_receipt() -> None:
    async with ground() as here:
        message = otp()

        delivery = await here.gateway.send(message)

        assert (delivery.state, delivery.receipt) == ("accepted", Receipt(message.id, "fake-sms-1", parts=1))
        assert await here.attempts(message.id) == [(1, "a", "accepted", None)]
        assert await here.rows("select verdict from rg_decision where message_id = :id", id=message.id) == [("allow",)]


@live
async def test_the_intent_is_committed_before_the_vendor_is_called(tmp_path: Any) -> None:
    file = tmp_path / "intent.sqlite"
    async with ground(store=f"sqlite:///{file}") as here:
        seen: list[str] = []
        take = here.script().answer

        def look(message: Message) -> Receipt:
            row = sqlite3.connect(file)  # another process would see the same
            seen.append(row.execute("select state from rg_message where id = ?", (message.id,)).fetchone()[0])
            seen.append(row.execute("select outcome is null from rg_attempt where message_id = ?", (message.id,)).fetchone()[0])
            return take(message)

        here.script().answer = look  # type: ignore[method-assign] # the vendor looks into the store
        await here.gateway.send(otp())

        assert seen == ["sending", 1]


@live
async def test_submitted_messages_leave_when_drained() -> None:
    async with ground() as here:
        batch = [otp(f"+1415555{1000 + i}") for i in range(130)]
        stored = await here.gateway.submit(batch)

        assert not here.script().tried
        assert [one.id for one in stored] == [message.id for message in batch]
        assert await here.gateway.drain() == 130
        assert {one.id for one in here.script().sent} == {message.id for message in batch}
        found = await here.gateway.status()
        assert found["messages"] == {"accepted": 130}
        assert found["accounts"] == {"a": {"available": True, "out_until": None, "reason": None, "breaker_open": False}}
        assert (found["queue_depth"], found["lateness_s"], found["uncertain"], found["dead"]) == (0, 0.0, 0, 0)


@live
async def test_urgent_messages_leave_before_campaigns_and_high_priority_before_low() -> None:
    async with ground() as here:
        late = marketing("+14155550101", priority=1)
        early = marketing("+14155550102", priority=9)
        code = otp("+14155550103")
        await here.gateway.submit([late, early, code])

        staged = await here.gateway.worker.stage("sms")

        assert [ready.message.id for ready in staged.ready] == [code.id, early.id, late.id]


@live
async def test_the_same_key_is_the_same_message() -> None:
    async with ground() as here:
        first = await here.gateway.send(otp(idempotency_key="k1"))
        again = await here.gateway.send(otp(idempotency_key="k1"))

        assert (again.message_id, again.duplicate, again.state) == (first.message_id, True, "accepted")
        assert len(here.script().tried) == 1


@live
async def test_the_same_key_with_other_words_is_a_conflict() -> None:
    async with ground() as here:
        await here.gateway.send(otp(idempotency_key="k1"))

        with pytest.raises(IdempotencyConflict):
            await here.gateway.send(otp("+14155550199", idempotency_key="k1"))
        assert len(here.script().tried) == 1


@live
async def test_fifty_callers_with_one_key_send_once() -> None:
    async with ground() as here:
        deliveries = await asyncio.gather(*(here.gateway.send(otp(idempotency_key="k1")) for _ in range(50)))

        assert sum(not one.duplicate for one in deliveries) == 1
        assert len({one.message_id for one in deliveries}) == 1
        assert await here.rows("select count(*) from rg_message") == [(1,)]
        assert len(here.script().tried) == 1


@live
async def test_a_conflict_costs_its_neighbours_of_the_same_commit_nothing() -> None:
    async with ground() as here:
        await here.gateway.send(otp(idempotency_key="k1"))
        calls = [here.gateway.send(otp("+14155550199", idempotency_key="k1"))]
        calls += [here.gateway.send(otp(f"+1415555{2000 + i}")) for i in range(10)]

        results = await asyncio.gather(*calls, return_exceptions=True)

        assert isinstance(results[0], IdempotencyConflict)
        assert [one.state for one in results[1:] if not isinstance(one, BaseException)] == ["accepted"] * 10


@live
async def test_a_send_that_fails_over_does_not_carry_a_campaign() -> None:
    async with ground(account("a", order=0), account("b", order=1)) as here:
        await here.gateway.submit([marketing(f"+1415555{3000 + i}") for i in range(20)])
        here.script("a").refuse(ErrorKind.AUTH)
        code = otp()

        assert (await here.gateway.send(code)).state == "accepted"

        assert [one.id for one in here.script("b").sent] == [code.id]
        assert await here.rows("select count(*) from rg_message where state = 'queued'") == [(20,)]


@live
async def test_a_poisoned_row_does_not_stop_its_neighbours() -> None:
    async with ground() as here:
        batch = [otp(f"+1415555{1000 + i}") for i in range(5)]
        await here.gateway.submit(batch)

        def spoil(connection: Connection) -> None:
            connection.execute(text("update rg_message set payload = '{\"x\": 1}' where id = :id"), {"id": batch[2].id})

        await here.gateway.store.run(spoil)
        await here.gateway.drain()

        assert [await here.state(one.id) for one in batch] == ["accepted", "accepted", "failed", "accepted", "accepted"]
        assert await here.reason(batch[2].id) == "poison.unreadable"


@live
async def test_a_policy_that_breaks_on_one_message_stops_only_that_one() -> None:
    async with ground() as here:
        decide = here.gateway.chain.decide

        def breaks(case: Any, **rest: Any) -> Any:
            if case.message.to.key.endswith("1002"):
                raise ZeroDivisionError
            return decide(case, **rest)

        here.gateway.chain.decide = breaks  # type: ignore[method-assign] # one message meets a bug
        batch = [otp(f"+1415555{1000 + i}") for i in range(5)]
        await here.gateway.submit(batch)
        await here.gateway.drain()

        assert await here.reason(batch[2].id) == "poison.ZeroDivisionError"
        assert len(here.script().sent) == 4


@live
async def test_what_an_adapter_did_not_foresee_is_uncertain() -> None:
    async with ground() as here:

        def breaks(message: Message) -> Receipt:
            raise KeyError("surprise")

        here.script().answer = breaks  # type: ignore[method-assign] # a bug of an adapter

        delivery = await here.gateway.send(otp())

        assert delivery.state == "uncertain"
        assert delivery.error is not None
        assert delivery.error.code == "adapter"


@live
async def test_a_channel_without_account_fails_and_says_so() -> None:
    async with ground() as here:
        delivery = await here.gateway.send(Message.push("token-1", "Hello", "You", purpose="service"))

        assert delivery.state == "failed"
        assert delivery.error is not None
        assert delivery.error.code == "no_account.push"


@live
async def test_a_dead_address_is_rerouted_to_the_next_channel() -> None:
    async with ground(account("a"), account("m", "email")) as here:
        await here.gateway.suppress(address=NUMBER, channel="sms", reason="invalid")
        mail = Alternative(channel="email", to=EmailAddress(email="jo@example.com"), content=Email(subject="Hello", text="You"))
        message = of("service", alternatives=(mail,))

        delivery = await here.gateway.send(message)

        assert delivery.state == "accepted"
        assert [(one.id, one.channel, one.to.key) for one in here.script("m").sent] == [(message.id, "email", "jo@example.com")]
        assert await here.rows("select channel, account from rg_message") == [("email", "m")]


_CAPS = "select subject, state from rg_cap_entry order by subject"


@live
async def test_a_message_counts_from_its_intent_for_person_and_address() -> None:
    async with ground() as here:
        await here.gateway.submit([marketing(person="ann")])
        (ready,) = (await here.gateway.worker.stage("sms")).ready
        assert await here.rows(_CAPS) == [(f"a:{NUMBER}", "counted"), ("p:ann", "counted")]

        conclusion, _ = await here.gateway.worker.caller.carry(ready)
        await here.gateway.worker.commit([conclusion])

        assert await here.rows(_CAPS) == [(f"a:{NUMBER}", "counted"), ("p:ann", "counted")]


@pytest.mark.parametrize(
    ("kind", "state", "second"),
    [
        (ErrorKind.UNKNOWN, "released", "accepted"),
        (ErrorKind.UNCERTAIN, "counted", "suppressed"),
        (None, "counted", "suppressed"),
    ],
)
@live
async def test_a_cap_counts_what_may_have_arrived_and_nothing_else(kind: ErrorKind | None, state: str, second: str) -> None:
    async with ground() as here:
        if kind is not None:
            here.script().refuse(kind)
        await here.gateway.send(marketing())

        assert await here.rows("select state from rg_cap_entry") == [(state,)]
        assert (await here.gateway.send(marketing())).state == second


@live
async def test_two_senders_at_once_do_not_exceed_a_cap(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path}/caps.sqlite"
    async with ground(store=url) as one, ground(store=url) as two:
        calls = [(one if i % 2 else two).gateway.send(marketing(person="ann")) for i in range(20)]
        states = [delivery.state for delivery in await asyncio.gather(*calls)]

        assert sorted(set(states)) == ["accepted", "suppressed"]
        assert states.count("accepted") == 1  # type: ignore[arg-type] # a state is its word
        assert len(one.script().sent) + len(two.script().sent) == 1


@live
async def test_a_cap_holds_within_one_page_and_frees_itself_in_time() -> None:
    async with ground() as here:
        batch = [marketing(person="ann") for _ in range(3)]
        await here.gateway.submit(batch)
        await here.gateway.drain()
        assert sorted([await here.state(one.id) for one in batch]) == ["accepted", "suppressed", "suppressed"]

        here.clock.advance(DAY)

        assert (await here.gateway.send(marketing(person="ann"))).state == "accepted"


@live
async def test_within_one_page_a_message_counts_once_for_the_person() -> None:
    from recallgate.policies.chain import Chain
    from recallgate.policies.default import default_policies
    from recallgate.policies.frequency_cap import FrequencyCap

    policies = [one for one in default_policies() if not isinstance(one, FrequencyCap)]
    chain = Chain([*policies, FrequencyCap(limit=2, window=DAY)])
    async with ground(chain=chain) as here:
        batch = [marketing(person="ann") for _ in range(3)]
        await here.gateway.submit(batch)
        await here.gateway.drain()

        assert sorted([await here.state(one.id) for one in batch]) == ["accepted", "accepted", "suppressed"]


def twilio() -> Gateway:
    return Gateway("twilio.sms://AC1:secret@default?sender=+15005550006", store="sqlite://", clock=FrozenClock(NOON))


@live
async def test_twilio_takes_a_text_over_the_mocked_wire() -> None:
    answer = httpx.Response(201, json={"sid": "SM" + "1" * 32, "status": "queued", "num_segments": "1"})
    with respx.mock(using="httpx") as router:
        route = router.post("https://api.twilio.com/2010-04-01/Accounts/AC1/Messages.json").mock(return_value=answer)
        async with twilio() as gateway:
            delivery = await gateway.send(otp())

    assert (delivery.state, delivery.receipt and delivery.receipt.vendor_id) == ("accepted", "SM" + "1" * 32)
    assert route.call_count == 1


@live
async def test_twilio_429_holds_a_campaign_for_as_long_as_it_says() -> None:
    busy = httpx.Response(429, json={"code": 20429, "message": "Too many requests"}, headers={"retry-after": "7"})
    with respx.mock(using="httpx") as router:
        router.post(url__startswith="https://api.twilio.com/").mock(return_value=busy)
        async with twilio() as gateway:
            delivery = await gateway.send(of("service"))
            shown = await gateway.explain(delivery.message_id)

    assert delivery.state == "held"
    assert shown["message"]["due_at"] == "2026-11-20T20:00:07+00:00"
    assert "secret" not in json.dumps(shown)


@live
async def test_the_rate_of_an_account_spreads_a_campaign() -> None:
    async with ground(account(rate=1 / 3600, burst=2)) as here:
        await here.gateway.submit([marketing(f"+1415555{1000 + i}") for i in range(4)])
        for sent in (2, 3, 4):
            await here.gateway.drain()
            assert len(here.script().sent) == sent
            here.clock.advance(HOUR)
