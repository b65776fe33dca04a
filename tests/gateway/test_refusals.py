"""What follows from each kind of refusal: state, who is asked next, and the side effect."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.ground import DAY, HOUR, NOON, NUMBER, account, ground, live, of
from recallgate import ErrorKind
from recallgate.delivery.outcome import backoff

PURPOSES = ("otp", "transactional", "service", "marketing")
K = ErrorKind
# kind: (state, tried other account, suppression reason, refusing account out) where a second account stands by
_OTHER: tuple[Any, ...] = ("accepted", True, None, False)
WITH_ANOTHER: dict[ErrorKind, tuple[Any, ...]] = {
    K.AUTH: ("accepted", True, None, True),
    K.INSUFFICIENT_FUNDS: ("accepted", True, None, True),
    K.UNAVAILABLE: _OTHER,
    K.TEMPORARY: _OTHER,
    K.UNCERTAIN: ("uncertain", False, None, False),
    K.INVALID_RECIPIENT: ("failed", False, "invalid", False),
    K.UNREGISTERED_TOKEN: ("failed", False, "invalid", False),
    K.OPTED_OUT: ("failed", False, "opt_out", False),
    K.UNREACHABLE: ("failed", False, None, False),
    K.BLOCKED_CONTENT: _OTHER,
    K.TEMPLATE_OR_SIGNATURE: _OTHER,
    K.PAYLOAD_TOO_LARGE: _OTHER,
    K.UNSUPPORTED_REGION: _OTHER,
    K.INVALID_SENDER: _OTHER,
    K.UNSUPPORTED: _OTHER,
    K.UNKNOWN: ("failed", False, None, False),
}
LIMITED = {
    "otp": ("accepted", True, None, True),
    "transactional": ("accepted", True, None, True),
    "service": ("held", False, None, True),
    "marketing": ("held", False, None, True),
}
TABLE = [(kind, purpose, *row) for kind, row in WITH_ANOTHER.items() for purpose in PURPOSES]
TABLE += [(K.RATE_LIMITED, purpose, *row) for purpose, row in LIMITED.items()]


def test_the_table_has_every_kind_and_purpose() -> None:
    assert {(row[0], row[1]) for row in TABLE} == {(kind, purpose) for kind in ErrorKind for purpose in PURPOSES}


@pytest.mark.parametrize(("kind", "purpose", "state", "other", "suppressed", "out"), TABLE)
@live
async def test_a_refusal_has_the_consequences_of_its_kind(
    kind: ErrorKind, purpose: str, state: str, other: bool, suppressed: str | None, out: bool
) -> None:
    async with ground(account("a", order=0), account("b", order=1)) as here:
        here.script("a").refuse(kind, code="x1", retry_at=NOON + HOUR)
        message = of(purpose)

        delivery = await here.gateway.send(message)

        assert delivery.state == state == await here.state(message.id)
        assert len(here.script("a").tried) == 1
        assert [one.id for one in here.script("b").tried] == ([message.id] if other else [])
        reasons = [(subject, reason) for subject, _, reason in await here.suppressions()]
        assert reasons == ([(f"a:{NUMBER}", suppressed)] if suppressed else [])
        assert here.gateway.accounts["a"].available(NOON) is not out
        outcome = "uncertain" if kind is K.UNCERTAIN else "failed"
        expected = [(1, "a", outcome, kind.value), *([(2, "b", "accepted", None)] if other else [])]
        assert await here.attempts(message.id) == expected


# with one account only: what concerns account or vendor is tried again later, what concerns the message never
ALONE = [
    (K.AUTH, "held"), (K.INSUFFICIENT_FUNDS, "held"), (K.RATE_LIMITED, "held"), (K.UNAVAILABLE, "held"), (K.TEMPORARY, "held"),
    (K.BLOCKED_CONTENT, "failed"), (K.TEMPLATE_OR_SIGNATURE, "failed"), (K.PAYLOAD_TOO_LARGE, "failed"),
    (K.UNSUPPORTED_REGION, "failed"), (K.INVALID_SENDER, "failed"), (K.UNSUPPORTED, "failed"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "state"), ALONE)
@pytest.mark.parametrize("purpose", PURPOSES)
@live
async def test_without_another_account_only_a_fault_of_the_vendor_is_tried_again(
    kind: ErrorKind, state: str, purpose: str
) -> None:
    async with ground() as here:
        here.script().refuse(kind)
        message = of(purpose)

        assert (await here.gateway.send(message)).state == state

        here.clock.advance(2 * HOUR)
        await here.gateway.drain()
        assert await here.state(message.id) == ("accepted" if state == "held" else "failed")


@live
async def test_retry_after_is_honoured_to_the_second() -> None:
    async with ground() as here:
        here.script().refuse(K.RATE_LIMITED, retry_at=NOON + timedelta(seconds=90))
        message = of("marketing")
        await here.gateway.send(message)

        here.clock.advance(timedelta(seconds=89))
        await here.gateway.drain()
        assert await here.state(message.id) == "held"
        here.clock.advance(timedelta(seconds=1))
        await here.gateway.drain()
        assert await here.state(message.id) == "accepted"


@live
async def test_after_its_wait_a_rate_limited_message_stays_with_its_account() -> None:
    async with ground(account("a", order=0), account("b", order=1)) as here:
        here.script("a").refuse(K.RATE_LIMITED, retry_at=NOON + HOUR)
        message = of("marketing")
        await here.gateway.send(message)

        here.clock.advance(HOUR)
        await here.gateway.drain()

        assert [one.id for one in here.script("a").sent] == [message.id]
        assert here.script("b").tried == []


@live
async def test_a_try_does_not_go_beyond_the_end_of_the_message() -> None:
    async with ground() as here:
        here.script().refuse(K.RATE_LIMITED, retry_at=NOON + HOUR)
        message = of("marketing", expires_at=NOON + HOUR)

        delivery = await here.gateway.send(message)

        assert delivery.state == "expired"
        assert await here.reason(message.id) == "expired.by_rate_limited"


@live
async def test_attempts_end_at_the_limit_and_the_message_fails() -> None:
    async with ground(max_attempts=3) as here:
        here.script().refuse(K.TEMPORARY, times=10)
        message = of("service")
        await here.gateway.send(message)

        for _ in range(12):
            here.clock.advance(DAY)
            await here.gateway.drain()

        assert await here.state(message.id) == "failed"
        assert await here.reason(message.id) == "attempts.temporary"
        assert [row[0] for row in await here.attempts(message.id)] == [1, 2, 3]


def test_waits_between_tries_grow_with_full_jitter_up_to_an_hour() -> None:
    for n, most in ((1, 5), (2, 10), (3, 20), (8, 640), (20, 3600)):
        waits = {backoff(f"m{i}", n) for i in range(200)}
        assert timedelta(0) < min(waits) < timedelta(seconds=most / 10)
        assert timedelta(seconds=most * 0.9) < max(waits) <= timedelta(seconds=most, milliseconds=1)
        assert backoff("m1", n) == backoff("m1", n)


@live
async def test_quick_tries_have_rows_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    import tenacity

    monkeypatch.setattr("tenacity.wait_random_exponential", lambda **_: tenacity.wait_none())
    async with ground(quick_retries=2) as here:
        here.script().refuse(K.UNAVAILABLE, times=2)
        message = of("marketing")

        assert (await here.gateway.send(message)).state == "accepted"

        unavailable = (("failed", "unavailable"),) * 2
        assert [row[2:] for row in await here.attempts(message.id)] == [*unavailable, ("accepted", None)]


@live
async def test_an_uncertain_try_is_never_followed_by_a_quick_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ground(quick_retries=2) as here:
        here.script().uncertain()
        message = of("otp")

        assert (await here.gateway.send(message)).state == "uncertain"

        assert len(here.script().tried) == 1


@live
async def test_an_opt_out_during_a_failover_stops_the_next_account(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ground(account("a", order=0), account("b", order=1)) as here:
        here.script("a").refuse(K.AUTH)
        message = of("marketing")
        await here.gateway.submit([message])
        (ready,) = (await here.gateway.worker.stage("sms")).ready
        conclusion, _ = await here.gateway.worker.caller.carry(ready)
        await here.gateway.worker.commit([conclusion])

        await here.gateway.suppress(address=NUMBER, reason="opt_out")
        await here.gateway.drain()

        assert await here.state(message.id) == "suppressed"
        assert here.script("b").tried == []


@live
async def test_five_faults_of_a_vendor_in_a_row_open_its_breaker() -> None:
    async with ground(max_attempts=1) as here:
        here.script().refuse(K.TEMPORARY, times=5)
        for i in range(5):
            await here.gateway.send(of("service", to=f"+1415555010{i}"))
        sixth = of("service")

        delivery = await here.gateway.send(sixth)

        assert delivery.state == "queued"
        assert len(here.script().tried) == 5
        here.clock.advance(timedelta(seconds=30))
        await here.gateway.drain()
        assert await here.state(sixth.id) == "accepted"


@live
async def test_a_dead_number_is_not_tried_again() -> None:
    async with ground() as here:
        here.script().refuse(K.INVALID_RECIPIENT)
        await here.gateway.send(of("otp"))

        assert (await here.gateway.send(of("otp"))).state == "suppressed"
        assert len(here.script().tried) == 1


@live
async def test_a_bad_number_says_nothing_about_the_account() -> None:
    async with ground() as here:
        here.script().refuse(K.INVALID_RECIPIENT, times=7)
        for i in range(7):
            await here.gateway.send(of("service", to=f"+1415555010{i}"))

        assert (await here.gateway.send(of("service"))).state == "accepted"
