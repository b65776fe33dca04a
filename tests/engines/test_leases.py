"""Leases: whose turn comes too late calls nobody, and a job has one holder."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from engines.floor import Floor, hello
from gateway.ground import MINUTE, ground, live, of
from recallgate import ErrorKind
from recallgate.delivery.chunk import Ready
from recallgate.delivery.worker import Worker
from recallgate.store import jobs


async def carry(worker: Worker, ready: Sequence[Ready]) -> None:
    """Call the vendor for what was staged, and write down what came of it."""
    calls: set[asyncio.Task[None]] = set()
    worker.spawn(ready, calls)
    await asyncio.gather(*calls)
    await worker.flush()


@live
async def test_a_message_whose_lease_is_over_before_its_turn_goes_back_and_is_sent_later() -> None:
    async with ground() as here:
        worker, message = here.gateway.worker, of("service", person="ann")
        await here.gateway.submit([message])
        worker.leases.span = timedelta(0)
        staged = await worker.stage("sms")
        await carry(worker, staged.ready)

        assert here.script().tried == []
        assert await here.state(message.id) == "queued"
        assert await here.attempts(message.id) == [(1, "a", "released", None)]

        worker.leases.span = MINUTE
        await here.gateway.drain()
        assert await here.state(message.id) == "accepted"


@live
async def test_what_the_reaper_took_is_not_sent_by_the_process_that_had_it() -> None:
    async with ground() as here:
        worker, message = here.gateway.worker, of("service")
        await here.gateway.submit([message])
        staged = await worker.stage("sms")
        here.clock.advance(2 * MINUTE)
        for job in here.gateway._jobs:
            await job.run(here.clock.now())
        assert await worker.leases.renew() == 1
        await carry(worker, staged.ready)

        assert here.script().tried == []
        assert await here.state(message.id) == "queued"  # certainly not sent: it is no longer uncertain


@live
async def test_renewed_leases_keep_the_reaper_away() -> None:
    async with ground() as here:
        worker, message = here.gateway.worker, of("service")
        await here.gateway.submit([message])
        await worker.stage("sms")
        here.clock.advance(MINUTE / 2)
        assert await worker.leases.renew() == 0
        here.clock.advance(MINUTE * 0.75)
        for job in here.gateway._jobs:
            await job.run(here.clock.now())

        assert await here.state(message.id) == "sending"


@live
async def test_a_job_that_is_held_is_nobody_elses(store_url: str) -> None:
    async with Floor("embedded", store_url).make() as here:
        run = here.store.run
        assert await run(lambda c: jobs.claim(c, "tick", holder="a", lease_ms=60_000))
        assert not await run(lambda c: jobs.claim(c, "tick", holder="b", lease_ms=60_000))
        assert not await run(lambda c: jobs.renew(c, "tick", holder="b", lease_ms=60_000))
        await run(lambda c: jobs.finish(c, "tick", holder="b", again_ms=0))
        assert await run(lambda c: jobs.renew(c, "tick", holder="a", lease_ms=60_000))
        await run(lambda c: jobs.finish(c, "tick", holder="a", again_ms=60_000))
        assert not await run(lambda c: jobs.claim(c, "tick", holder="b", lease_ms=60_000))  # it has just been run
        await here.submit([hello()])


@live
async def test_the_mark_of_a_possible_duplicate_outlives_refusals_and_waiting() -> None:
    async with ground() as here:
        message = of("otp")
        here.script().uncertain()
        await here.gateway.send(message)
        here.clock.advance(16 * MINUTE)
        here.script().refuse(ErrorKind.UNAVAILABLE)
        await here.gateway.drain()
        assert await here.state(message.id) == "held"
        here.clock.advance(2 * MINUTE)
        await here.gateway.drain()

        assert await here.state(message.id) == "accepted"
        assert await here.reason(message.id) == "uncertain.sent_again"
