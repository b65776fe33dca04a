"""When a vendor is asked what became of a message: on fixed schedules, counted from instants that are stored anyway."""

from collections.abc import Sequence

SECOND = 1000
LOOKS = (10 * SECOND, 60 * SECOND, 300 * SECOND)
POLLS = (60 * SECOND, 600 * SECOND, 3_600 * SECOND, 21_600 * SECOND, 86_400 * SECOND)


def next_look(since: int, now: int, *, n: int, deadline: int) -> int:
    """When an uncertain message is looked at next: 10 s, 1 min and 5 min after its `n`-th attempt ended so, then at the deadline.

    A second attempt that ends so waits for the second of these, a third one for the third: what is sent again and again with
    one key must not become a flood. Milliseconds.
    """
    return min(_after(since, now, LOOKS[min(n, len(LOOKS)) - 1 :]) or deadline, deadline)


def next_poll(accepted: int, now: int) -> int | None:
    """When an account without reports is asked next about a message that it took; None when no more news is hoped for."""
    return _after(accepted, now, POLLS)


def _after(since: int, now: int, waits: Sequence[int]) -> int | None:
    return next((since + wait for wait in waits if since + wait > now), None)
