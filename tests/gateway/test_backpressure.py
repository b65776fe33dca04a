"""Campaigns prepare no more than vendors can take soon, and go on when there is room."""

from functools import partial

from gateway.ground import HOUR, MINUTE, account, ground, live, marketing, of
from gateway.test_own_time import TEXT, campaign, running
from recallgate.store import backlog


@live
async def test_a_campaign_waits_while_the_queue_is_above_its_high_mark() -> None:
    people = {f"p{n}": None for n in range(6)}
    async with running(partial(ground, high_mark=3), campaign(TEXT), people) as here:
        here.clock.advance(HOUR * 2)
        await here.gateway.pause("channel", "sms")
        await here.gateway.submit(marketing(to=f"+1415555{n:04}", person=f"other{n}") for n in range(4))

        await here.gateway.drain()
        assert await here.rows("select count(*) from rg_message") == [(4,)]
        assert await here.rows("select count(*) from rg_run where state = 'active'") == [(6,)]

        await here.gateway.resume("channel", "sms")
        for _ in range(3):
            here.clock.advance(2 * MINUTE)
            await here.gateway.drain()
        assert await here.rows("select count(*) from rg_message where campaign = 'timed' and state = 'accepted'") == [(6,)]


@live
async def test_above_is_more_than_the_mark_of_one_channel_and_leaves_out_what_somebody_waits_for() -> None:
    async with ground(account("a"), account("b", channel="email")) as here:
        now = int(here.clock.now().timestamp() * 1000)
        await here.gateway.submit(marketing(to=f"+1415555{n:04}", person=f"p{n}") for n in range(3))
        await here.gateway.submit([marketing(to="+14155550999", person="late", not_before=here.clock.now() + HOUR)])
        await here.gateway.submit(of("transactional", to=f"+1415556{n:04}") for n in range(3))

        async def above(mark: int) -> bool:
            return await here.gateway.store.run(lambda c: backlog.above(c, until=now, mark=mark))

        assert await above(2)
        assert not await above(3)
