"""A vendor that is down for a minute while a campaign waits: few calls in vain, and soon back to the full rate."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from gateway.ground import NOON, account, ground, live, of
from recallgate import ErrorKind, Message, Receipt, SendError
from recallgate.testing.fakes import FakeDriver, Script

WAITING = 10_000
OUTAGE = timedelta(seconds=60)


class Outage(Script):
    """Takes nothing before `back`, and notes when it was called and whether the breaker was open by then."""

    def __init__(self, now: Callable[[], datetime], back: datetime, is_open: Callable[[], bool]) -> None:
        super().__init__()
        self._now, self._back, self._is_open = now, back, is_open
        self.in_vain: list[tuple[datetime, bool]] = []
        self.taken_at: list[datetime] = []

    def answer(self, message: Message) -> Receipt:
        now = self._now()
        if now < self._back:
            self.in_vain.append((now, self._is_open()))
            raise SendError(ErrorKind.UNAVAILABLE, "503", "down")
        self.taken_at.append(now)
        return super().answer(message)


async def carried(*, waiting: int) -> tuple[Outage, dict[str, int]]:
    """Submit, and work in virtual time until nothing is due any more; what the vendor saw, and the states at the end."""
    async with ground(account(concurrency=50)) as sea:
        live_account = sea.gateway.accounts["a"]
        assert isinstance(live_account.adapter, FakeDriver)
        outage = Outage(sea.clock.now, NOON + OUTAGE, lambda: live_account.breaker.open_until is not None)
        live_account.adapter.script = outage
        for start in range(0, waiting, 1000):
            await sea.gateway.submit(of("service", to=f"+1415{2_000_000 + n}") for n in range(start, start + 1000))
        while (due := await sea.gateway.next_due()) is not None:
            if due > sea.clock.now():
                sea.clock.move_to(due)
            await sea.gateway.drain()
        return outage, (await sea.gateway.status())["messages"]


@pytest.mark.slow
@live
async def test_a_vendor_that_is_down_for_a_minute_costs_few_calls_and_is_soon_used_in_full() -> None:
    outage, states = await carried(waiting=WAITING)

    assert states == {"accepted": WAITING}
    assert 0 < len(outage.in_vain) <= WAITING * 0.2
    assert sum(not was_open for _, was_open in outage.in_vain) <= 20
    soon = NOON + OUTAGE + timedelta(seconds=30)
    assert sum(at <= soon for at in outage.taken_at) >= WAITING * 0.95
