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


def test_rate_limit_grants_a_burst_and_then_one_a_step() -> None:
    limit = RateLimit(2, burst=3)

    assert limit.grant(NOW, 10) == 3
    assert limit.grant(NOW, 1) == 0
    assert limit.next_grant(NOW) == NOW + timedelta(seconds=0.5)
    assert limit.grant(NOW + timedelta(seconds=1), 10) == 2
