"""Which account takes a message: order, weight, delivered ratio, templates, country; and what may be tried again."""

from datetime import timedelta

import pytest

from gateway.ground import DAY, HOUR, MINUTE, NOON, Ground, account, ground, live, of
from recallgate import AccountConfig, ErrorKind, Event, EventType
from recallgate.adapter import Capabilities
from recallgate.delivery.retries import RetryBudget
from recallgate.delivery.routing import Preference
from recallgate.model.errors import KIND_RULES

K = ErrorKind
SECOND = timedelta(seconds=1)


def number(n: int) -> str:
    return f"+1415555{n:04d}"


async def send(here: Ground, many: int, purpose: str = "service") -> None:
    await here.gateway.submit([of(purpose, to=number(n), id=f"m-{n}") for n in range(many)])
    await here.gateway.drain()


def shares(here: Ground) -> dict[str, int]:
    return {name: len(here.script(name).sent) for name in here.gateway.accounts}


# Weights


@live
async def test_each_account_takes_its_share_by_weight() -> None:
    async with ground(account("a", weight=3), account("b", weight=1), account("c"), account("d", order=1)) as here:
        await send(here, 800)

        taken = shares(here)
        assert taken["c"] == taken["d"] == 0
        assert taken["a"] + taken["b"] == 800
        assert 540 < taken["a"] < 660


def test_the_same_message_always_goes_the_same_way_and_a_new_account_moves_only_its_share() -> None:
    def first(names: str, identity: str) -> str:
        known = [_Named(account(name, weight=1)) for name in names]
        return Preference([one.config for one in known])(identity, tuple(known))[0].config.name

    before = {f"m{n}": first("ab", f"m{n}") for n in range(2000)}
    after = {identity: first("abc", identity) for identity in before}

    assert before == {identity: first("ba", identity) for identity in before}
    moved = [identity for identity in before if before[identity] != after[identity]]
    assert {after[identity] for identity in moved} == {"c"}
    assert 560 < len(moved) < 780


class _Named:
    def __init__(self, config: AccountConfig) -> None:
        self.config = config


@live
async def test_without_weights_the_first_by_name_takes_all() -> None:
    async with ground(account("b"), account("a")) as here:
        await send(here, 20)

        assert shares(here) == {"a": 20, "b": 0}


@live
async def test_when_the_account_of_its_share_fails_a_message_goes_to_another_of_the_same_place() -> None:
    async with ground(account("a", weight=1), account("b", weight=1), account("c", order=1)) as here:
        here.script("a").refuse(K.AUTH, times=99)
        await send(here, 40)

        assert shares(here) == {"a": 0, "b": 40, "c": 0}


# What accounts can carry


@pytest.mark.parametrize(
    ("lacking", "words", "to"),
    [
        (Capabilities(templates_only=True), "Hello", "b"),
        (Capabilities(max_bytes=20), "Hello, this is too long for it", "b"),
        (Capabilities(max_bytes=2000), "Hello", "a"),
    ],
)
@live
async def test_an_account_that_cannot_carry_a_message_is_passed_over(lacking: Capabilities, words: str, to: str) -> None:
    async with ground(account("a", capabilities=lacking), account("b", order=1)) as here:
        await here.gateway.send(of("service", words=words))

        assert {name for name, taken in shares(here).items() if taken} == {to}


@live
async def test_a_country_has_its_own_accounts() -> None:
    async with ground(account("a", countries=["DE"]), account("b", order=1), account("c", order=2, countries=["US"])) as here:
        await here.gateway.send(of("service"))
        here.script("b").refuse(K.AUTH)
        await here.gateway.send(of("service", to=number(7)))

        assert [len(here.script(name).tried) for name in "abc"] == [0, 2, 1]


# Delivered ratio


async def delivered(here: Ground, name: str, *, good: int, bad: int) -> None:
    for n in range(good + bad):
        kind = EventType.DELIVERED if n < good else EventType.UNDELIVERED
        await here.rows_changed(
            "insert into rg_message (tenant, id, channel, purpose, rank, state, address, run, body_hash, payload,"
            " created_at, updated_at, due_at, lease_until, attempts, account) values ('default', :id, 'sms', 'service', 1,"
            " 'accepted', 'x', 0, '', '{}', 0, 0, 0, 0, 1, :account)",
            id=f"{name}-{n}",
            account=name,
        )
        await here.gateway.apply([Event(kind, message_id=f"{name}-{n}", at=here.clock.now())], account=name)


@pytest.mark.parametrize(
    ("routing", "good", "first"),
    [("order", 90, "a"), ("delivered_ratio", 90, "b"), ("delivered_ratio", 50, "a"), ("delivered_ratio", 40, "a")],
)
@live
async def test_the_account_that_delivered_more_is_preferred_within_its_place(routing: str, good: int, first: str) -> None:
    async with ground(account("a"), account("b"), account("z", order=1), routing=routing) as here:
        await delivered(here, "a", good=50, bad=50)
        await delivered(here, "b", good=good, bad=100 - good)

        await send(here, 5)

        assert shares(here) == {"a": 0, "b": 0, "z": 0, first: 5}


@live
async def test_an_account_of_which_little_is_known_is_tried_and_old_reports_do_not_count() -> None:
    async with ground(account("a"), account("b"), routing="delivered_ratio") as here:
        await delivered(here, "a", good=98, bad=2)
        await delivered(here, "b", good=5, bad=44)  # 49 reports say nothing
        await send(here, 1)
        assert shares(here) == {"a": 0, "b": 1}

        here.clock.advance(9 * DAY)
        await here.gateway.submit([of("service", to=number(9000))])
        await here.gateway.drain()
        assert shares(here) == {"a": 1, "b": 1}


# Failover only from definite failures

ELSEWHERE = {  # kind: whether another account takes the message at once, for marketing and for a code
    K.AUTH: (True, True), K.INSUFFICIENT_FUNDS: (True, True), K.RATE_LIMITED: (False, True), K.UNAVAILABLE: (True, True),
    K.TEMPORARY: (True, True), K.BLOCKED_CONTENT: (True, True), K.TEMPLATE_OR_SIGNATURE: (True, True),
    K.PAYLOAD_TOO_LARGE: (True, True), K.UNSUPPORTED_REGION: (True, True), K.INVALID_SENDER: (True, True),
    K.UNSUPPORTED: (True, True), K.UNCERTAIN: (False, False), K.INVALID_RECIPIENT: (False, False),
    K.UNREGISTERED_TOKEN: (False, False), K.OPTED_OUT: (False, False), K.UNREACHABLE: (False, False), K.UNKNOWN: (False, False),
}  # fmt: skip


def test_the_table_of_failovers_has_every_kind() -> None:
    assert set(ELSEWHERE) == set(ErrorKind) == set(KIND_RULES)
    assert [kind for kind in ErrorKind if not kind.definite] == [K.UNCERTAIN]


@pytest.mark.parametrize("crashed", [False, True])
@pytest.mark.parametrize("kind", ELSEWHERE)
@pytest.mark.parametrize("purpose", ["marketing", "otp"])
@live
async def test_another_account_is_asked_after_a_definite_failure_only(purpose: str, kind: ErrorKind, crashed: bool) -> None:
    elsewhere = ELSEWHERE[kind][purpose == "otp"]
    async with ground(account("a"), account("b", order=1)) as here:
        here.script("a").refuse(kind)
        message = of(purpose)
        await here.gateway.submit([message])
        (ready,) = (await here.gateway.worker.stage("sms")).ready
        if not crashed:
            conclusion, _ = await here.gateway.worker.caller.carry(ready)
            await here.gateway.worker.commit([conclusion])
        here.clock.advance(SECOND if not crashed else MINUTE)
        await here.gateway.drain()

        assert bool(here.script("b").tried) is (elsewhere and not crashed)


# What may be tried again, and when


def test_a_budget_allows_a_fifth_of_the_first_attempts_of_the_last_minute_and_a_few_always() -> None:
    budget = RetryBudget()
    assert sum(budget.take(NOON) for _ in range(99)) == 10
    budget.first(NOON, 500)
    assert sum(budget.take(NOON + SECOND) for _ in range(999)) == 90
    assert not budget.take(NOON + 59 * SECOND)
    assert budget.left(NOON + 61 * SECOND) == 10
    for n in range(300):
        budget.first(NOON + HOUR + n * SECOND)
    assert budget.left(NOON + HOUR + 299 * SECOND) == 12


@live
async def test_while_a_vendor_is_down_retries_stay_below_a_fifth_of_first_attempts() -> None:
    async with ground(max_attempts=50) as here:
        live_account = here.gateway.accounts["a"]
        live_account.breaker.failed = lambda now: False  # type: ignore[method-assign] # the budget alone
        here.script().refuse(K.TEMPORARY, times=9999)
        await here.gateway.submit([of("service", to=number(n), id=f"m-{n}") for n in range(300)])
        for _ in range(55):
            here.clock.advance(SECOND)
            await here.gateway.drain()

        attempts = await here.rows("select count(*), sum(case when n = 1 then 1 else 0 end) from rg_attempt")
        assert [(int(all_), int(first)) for all_, first in attempts] == [(360, 300)]


@live
async def test_a_failover_costs_no_retry() -> None:
    async with ground(account("a"), account("b", order=1)) as here:
        here.script("a").refuse(K.AUTH, times=99)
        await send(here, 60)

        assert shares(here) == {"a": 0, "b": 60}


@live
async def test_a_code_is_tried_again_whatever_the_budget() -> None:
    async with ground() as here:
        while here.gateway.accounts["a"].retries.take(NOON):
            pass
        code, offer = of("otp"), of("marketing", to=number(2))
        for message in (code, offer):
            here.script().refuse(K.TEMPORARY)
            await here.gateway.send(message)
        here.clock.advance(6 * SECOND)
        await here.gateway.drain()

        assert (await here.state(code.id), await here.state(offer.id)) == ("accepted", "held")
        here.clock.advance(MINUTE)
        await here.gateway.drain()
        assert await here.state(offer.id) == "accepted"


@pytest.mark.parametrize("kind", [K.UNAVAILABLE, K.TEMPORARY, K.RATE_LIMITED])
@live
async def test_a_vendor_that_says_when_to_come_back_is_not_asked_earlier(
    kind: ErrorKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ground(quick_retries=2) as here:
        here.script().refuse(kind, retry_at=NOON + 2 * HOUR)
        message = of("service")
        await here.gateway.send(message)
        here.clock.advance(2 * HOUR - SECOND)
        await here.gateway.drain()
        assert len(here.script().tried) == 1
        here.clock.advance(SECOND)
        await here.gateway.drain()

        assert await here.state(message.id) == "accepted"
