"""Crashes: what waited still waits, what was leaving is uncertain and settled by purpose."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.ground import HOUR, MINUTE, Ground, account, ground, live, of
from recallgate import FrozenClock
from recallgate.model.state import State


async def leave(here: Ground, message: Any) -> None:
    """Commit the intent of a message; then the process is gone."""
    await here.gateway.submit([message])
    staged = await here.gateway.worker.stage("sms")
    assert [ready.message.id for ready in staged.ready] == [message.id]


# purpose, tags -> state after the wait for a report, calls of the vendor
SETTLED = [
    ("marketing", frozenset[str](), "uncertain", 0),
    ("service", frozenset[str](), "uncertain", 0),
    ("transactional", frozenset[str](), "uncertain", 0),
    ("transactional", frozenset({"resend"}), "accepted", 1),
    ("otp", frozenset[str](), "accepted", 1),
]


@pytest.mark.parametrize(("purpose", "tags", "state", "calls"), SETTLED)
@live
async def test_what_was_leaving_is_uncertain_and_settled_by_purpose(
    purpose: str, tags: frozenset[str], state: str, calls: int, tmp_path: Any
) -> None:
    url = f"sqlite:///{tmp_path}/crash.sqlite"
    message = of(purpose, tags=tags)
    clock = FrozenClock("2026-11-20T20:00:00+00:00")
    async with ground(store=url, at=clock) as dead:  # type: ignore[arg-type] # one clock for both
        await leave(dead, message)
    async with ground(store=url, at=clock, report_wait_s=900) as alive:  # type: ignore[arg-type] # one clock for both
        clock.advance(MINUTE)
        await alive.gateway.drain()
        assert await alive.state(message.id) == "uncertain"
        assert await alive.attempts(message.id) == [(1, "a", "uncertain", "uncertain")]
        clock.advance(timedelta(seconds=899))
        await alive.gateway.drain()
        assert not alive.script().tried
        clock.advance(timedelta(seconds=1))
        await alive.gateway.drain()

        assert await alive.state(message.id) == state
        assert len(alive.script().tried) == calls
        expected = "uncertain.sent_again" if calls else "uncertain.closed"
        assert await alive.reason(message.id) == expected


@live
async def test_a_code_that_expired_in_the_meantime_is_not_sent_again() -> None:
    async with ground() as here:
        message = of("otp", expires_at=here.clock.now() + 5 * MINUTE)
        await leave(here, message)
        here.clock.advance(MINUTE)
        await here.gateway.drain()
        here.clock.advance(HOUR)
        await here.gateway.drain()

        assert await here.state(message.id) == "uncertain"
        assert not here.script().tried


@live
async def test_marketing_that_is_uncertain_never_reaches_another_account() -> None:
    async with ground(account("a", order=0), account("b", order=1)) as here:
        here.script("a").uncertain()
        message = of("marketing")
        await here.gateway.send(message)
        here.clock.advance(24 * HOUR)
        await here.gateway.drain()

        assert await here.state(message.id) == "uncertain"
        assert here.script("b").tried == []


@live
async def test_an_outcome_that_comes_after_the_reaper_still_counts() -> None:
    async with ground() as here:
        message = of("marketing")
        await here.gateway.submit([message])
        (ready,) = (await here.gateway.worker.stage("sms")).ready
        here.clock.advance(MINUTE)
        await here.gateway.drain()
        assert await here.state(message.id) == "uncertain"

        conclusion, _ = await here.gateway.worker.caller.carry(ready)
        await here.gateway.worker.commit([conclusion])

        assert await here.state(message.id) == "accepted"
        assert await here.attempts(message.id) == [(1, "a", "accepted", None)]


@live
async def test_the_mark_of_a_message_that_was_sent_again_stays_after_its_delivery() -> None:
    from recallgate import Event, EventType

    async with ground() as here:
        message = of("otp")
        await leave(here, message)
        for _ in range(2):
            here.clock.advance(HOUR)
            await here.gateway.drain()
        await here.gateway.apply([Event(EventType.DELIVERED, message_id=message.id, at=here.clock.now())], account="a")

        assert await here.state(message.id) == "delivered"
        assert await here.reason(message.id) == "uncertain.sent_again"


@live
async def test_an_uncertain_message_still_counts_against_the_cap() -> None:
    async with ground() as here:
        message = of("marketing", person="ann")
        await leave(here, message)
        here.clock.advance(2 * HOUR)
        await here.gateway.drain()

        assert (await here.gateway.send(of("marketing", person="ann"))).state == State.SUPPRESSED
