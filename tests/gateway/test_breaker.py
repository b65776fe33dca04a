"""The breaker of an account: opens, lets one through, closes."""

from datetime import UTC, datetime, timedelta

from recallgate.delivery.limiter import Breaker, RateLimit

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
PAUSE = timedelta(seconds=30)


def opened() -> Breaker:
    breaker = Breaker(threshold=3, pause=PAUSE)
    for _ in range(3):
        assert breaker.take(NOW)
        breaker.failed(NOW)
    return breaker


def test_breaker_opens_after_faults_in_a_row() -> None:
    assert not opened().take(NOW)


def test_a_success_between_faults_keeps_it_closed() -> None:
    breaker = Breaker(threshold=2, pause=PAUSE)
    breaker.failed(NOW)
    breaker.succeeded()
    breaker.failed(NOW)

    assert breaker.take(NOW)


def test_after_the_pause_one_message_finds_out() -> None:
    breaker = opened()

    assert breaker.take(NOW + PAUSE)
    assert not breaker.take(NOW + PAUSE)


def test_a_failed_probe_doubles_the_pause() -> None:
    breaker = opened()
    later = NOW + PAUSE
    breaker.take(later)
    breaker.failed(later)

    assert not breaker.take(later + PAUSE)
    assert breaker.take(later + 2 * PAUSE)


def test_a_probe_that_arrives_closes_it_for_all() -> None:
    breaker = opened()
    later = NOW + PAUSE
    breaker.take(later)
    breaker.succeeded()

    assert breaker.take(later)
    assert breaker.take(later)


def test_a_probe_that_was_never_answered_is_followed_by_another() -> None:
    breaker = opened()
    breaker.take(NOW + PAUSE)

    assert breaker.take(NOW + 2 * PAUSE)


HALF = timedelta(seconds=0.5)


def slots(limit: RateLimit, now: datetime, *, ahead: timedelta = timedelta(0)) -> list[timedelta]:
    """The turns that are given out until there are no more, as waits."""
    found = []
    while (turn := limit.slot(now, ahead=ahead)) is not None:
        found.append(turn - now)
    return found


def test_rate_limit_grants_a_burst_and_then_one_a_step() -> None:
    limit = RateLimit(2, burst=3)

    assert slots(limit, NOW) == [timedelta(0)] * 3
    assert limit.next_grant(NOW) == NOW + HALF
    assert slots(limit, NOW + 2 * HALF) == [timedelta(0)] * 2


def test_turns_that_come_soon_are_given_out_before() -> None:
    limit = RateLimit(4, burst=2)

    assert limit.room(NOW, ahead=HALF) == 4
    assert slots(limit, NOW, ahead=HALF) == [timedelta(0), timedelta(0), HALF / 2, HALF]
    assert limit.room(NOW, ahead=HALF) == 0
    assert limit.room(NOW + HALF, ahead=HALF) == 2


def test_a_long_rest_saves_no_more_than_the_burst() -> None:
    limit = RateLimit(10, burst=2)
    slots(limit, NOW)

    assert len(slots(limit, NOW + timedelta(days=1))) == 2


def test_without_a_rate_everything_goes_now() -> None:
    limit = RateLimit(None)

    assert not limit.limited
    assert {limit.slot(NOW) for _ in range(1000)} == {NOW}


def test_what_another_process_found_out_is_taken_over() -> None:
    mine = Breaker()
    mine.adopt(NOW + PAUSE)

    assert not mine.allows(NOW)
    assert mine.take(NOW + PAUSE)
    assert not mine.take(NOW + PAUSE)
    mine.adopt(None)
    assert mine.take(NOW)
    assert mine.faults == 0
