"""What waits: quiet hours, not_before, expiry, pauses, cancelled messages."""

from datetime import timedelta

import pytest

from gateway.ground import DAY, HOUR, MINUTE, NIGHT, NOON, ground, live, marketing, of, otp
from recallgate import ConfigError, Origin


@live
async def test_night_waits_for_the_morning_and_then_the_message_leaves() -> None:
    async with ground(at=NIGHT) as here:
        message = marketing()
        delivery = await here.gateway.send(message)
        assert delivery.state == "held"

        due = await here.gateway.next_due()
        assert due is not None
        assert NIGHT + 8 * HOUR < due < NIGHT + 12 * HOUR
        here.clock.move_to(due - timedelta(milliseconds=1))
        await here.gateway.drain()
        assert await here.state(message.id) == "held"
        here.clock.move_to(due)
        await here.gateway.drain()

        assert await here.state(message.id) == "accepted"


@live
async def test_a_code_does_not_wait_for_the_morning() -> None:
    async with ground(at=NIGHT) as here:
        assert (await here.gateway.send(otp())).state == "accepted"


@live
async def test_a_message_does_not_leave_before_its_time() -> None:
    async with ground() as here:
        message = marketing(not_before=NOON + HOUR)
        delivery = await here.gateway.send(message)
        assert delivery.state == "queued"

        here.clock.advance(HOUR - MINUTE)
        await here.gateway.drain()
        assert await here.state(message.id) == "queued"
        here.clock.advance(MINUTE)
        await here.gateway.drain()

        assert await here.state(message.id) == "accepted"


@live
async def test_a_message_past_its_end_expires() -> None:
    async with ground() as here:
        message = marketing(expires_at=NOON + HOUR)
        await here.gateway.submit([message])
        here.clock.advance(HOUR + timedelta(milliseconds=1))
        await here.gateway.drain()

        assert await here.state(message.id) == "expired"
        assert not here.script().tried


@live
async def test_a_night_that_is_longer_than_the_message_ends_it() -> None:
    async with ground(at=NIGHT) as here:
        delivery = await here.gateway.send(marketing(expires_at=NIGHT + HOUR))

        assert delivery.state == "expired"
        assert delivery.verdict is not None
        assert delivery.verdict.code == "expired.by_quiet_hours"


@pytest.mark.parametrize(("scope", "name"), [("channel", "sms"), ("account", "a"), ("campaign", "spring")])
@pytest.mark.parametrize("end", ["pause", "stop"])
@live
async def test_what_is_paused_or_stopped_does_not_leave_until_it_is_resumed(scope: str, name: str, end: str) -> None:
    async with ground() as here:
        await (here.gateway.pause(scope, name) if end == "pause" else here.gateway.stop(scope, name))
        message = marketing(origin=Origin(campaign="spring"))
        await here.gateway.submit([message])
        for _ in range(3):
            await here.gateway.drain()
            here.clock.advance(2 * MINUTE)
        assert not here.script().tried
        assert await here.state(message.id) == "queued"

        await here.gateway.resume(scope, name)
        await here.gateway.drain()

        assert await here.state(message.id) == "accepted"


@live
async def test_a_paused_campaign_does_not_hold_another() -> None:
    async with ground() as here:
        await here.gateway.pause("campaign", "spring")

        assert (await here.gateway.send(marketing(origin=Origin(campaign="autumn")))).state == "accepted"


@live
async def test_only_campaigns_accounts_and_channels_can_be_paused() -> None:
    async with ground() as here:
        with pytest.raises(ConfigError, match="none of campaign, account, channel"):
            await here.gateway.pause("person", "ann")


@live
async def test_what_has_not_left_can_be_cancelled_once() -> None:
    async with ground() as here:
        message = marketing(not_before=NOON + DAY)
        await here.gateway.submit([message])

        assert await here.gateway.cancel(message.id)
        assert not await here.gateway.cancel(message.id)
        here.clock.advance(2 * DAY)
        await here.gateway.drain()

        assert await here.state(message.id) == "cancelled"
        assert not here.script().tried


@live
async def test_what_has_left_or_is_leaving_cannot_be_cancelled() -> None:
    async with ground() as here:
        sent, leaving = otp(), of("service")
        await here.gateway.send(sent)
        await here.gateway.submit([leaving])
        await here.gateway.worker.stage("sms")

        assert not await here.gateway.cancel(sent.id)
        assert not await here.gateway.cancel(leaving.id)
        assert not await here.gateway.cancel("nobody")


@live
async def test_a_bad_night_does_not_become_a_bad_day_after_an_opt_out() -> None:
    async with ground(at=NIGHT) as here:
        message = marketing()
        await here.gateway.send(message)
        await here.gateway.suppress(address=message.to.key, reason="opt_out")
        here.clock.advance(12 * HOUR)
        await here.gateway.drain()

        assert await here.state(message.id) == "suppressed"
        assert not here.script().tried
