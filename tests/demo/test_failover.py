"""A long outage of one account and a hiccup of the other, as they meet in the demo."""

from gateway.ground import HOUR, account, ground, live, marketing
from recallgate import ErrorKind


@live
async def test_hiccup_of_the_second_account_does_not_leave_a_message_with_the_dead_one() -> None:
    async with ground(account("a", order=0), account("b", order=1)) as here:
        here.script("a").refuse(ErrorKind.UNAVAILABLE, times=5)
        here.script("b").refuse(ErrorKind.UNAVAILABLE)
        message = marketing()
        await here.gateway.send(message)

        for _ in range(2):
            here.clock.advance(HOUR)
            await here.gateway.drain()

        assert [(n, name, outcome) for n, name, outcome, _ in await here.attempts(message.id)] == [
            (1, "a", "failed"),
            (2, "b", "failed"),
            (3, "a", "failed"),
            (4, "b", "accepted"),
        ]
