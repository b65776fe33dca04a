"""What policies ask for beside the case is loaded by the gateway, and only when a policy asks."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from gateway.ground import DAY, HOUR, MINUTE, NOON, Ground, account, ground, live, marketing, of, otp
from recallgate import (
    Allow,
    ConfigError,
    Drop,
    ErrorKind,
    Event,
    EventType,
    FrozenClock,
    Gateway,
    GatewayConfig,
    Message,
    Origin,
    read_json,
)
from recallgate.model.address import Phone
from recallgate.policies.account_ability import AccountAbility
from recallgate.policies.address_validity import AddressValidity
from recallgate.policies.budget import Budget
from recallgate.policies.default import default_chain
from recallgate.policies.deliverability import DeliverabilityGuard, Levels
from recallgate.policies.frequency_cap import FrequencyCap
from recallgate.policies.policy import ELIGIBILITY, policy
from recallgate.policies.rate_limit import RateLimit
from recallgate.policies.spans import Calendar
from recallgate.policies.velocity import Velocity
from recallgate.testing.fakes import FakeAdapter, fake_account
from recallgate.text.registered import RegisteredTemplate, TemplateNews, TemplateState

PRICE = 10_000  # millionths: one text costs 0.01
NO_JITTER = timedelta(0)


def priced(name: str = "a", **fields: Any) -> Any:
    return account(name, unit_cost=Decimal("0.01"), **fields)


def numbers(count: int, *, start: int = 0) -> list[str]:
    return [f"+1415555{n:04}" for n in range(start, start + count)]


def call(**fields: Any) -> Message:
    where = {"timezone": "America/Los_Angeles", "country": "US", "region": "US-CA"}
    script = {"type": "call", "say": [{"type": "say", "text": "Your cart waits."}]}
    return Message.model_validate(
        {
            "channel": "voice",
            "to": {"type": "phone", "e164": "+14155550123"},
            "content": script,
            "purpose": "service",
            **where,
            **fields,
        }
    )


async def states(here: Ground, messages: Sequence[Message]) -> list[str]:
    return [await here.state(message.id) for message in messages]


# --- money


@live
async def test_a_budget_lets_as_many_leave_as_it_pays_for_and_drops_the_rest() -> None:
    chain = default_chain([Budget(id="month", limit_micros=3 * PRICE)], jitter=NO_JITTER)
    async with ground(priced(), chain=chain) as here:
        batch = [marketing(number) for number in numbers(5)]
        await here.gateway.submit(batch)
        await here.gateway.drain()

        assert sorted(await states(here, batch)) == ["accepted"] * 3 + ["suppressed"] * 2
        assert {await here.reason(one.id) for one in batch} == {None, "budget.exhausted"}
        assert (await here.gateway.send(marketing("+14155559999"))).state == "suppressed"
        assert (await here.gateway.send(otp())).state == "accepted"


@live
async def test_what_certainly_was_not_sent_is_given_back_to_its_budget() -> None:
    chain = default_chain([Budget(id="month", limit_micros=PRICE)], jitter=NO_JITTER)
    async with ground(priced(), chain=chain) as here:
        here.script().refuse(ErrorKind.BLOCKED_CONTENT)
        assert (await here.gateway.send(marketing("+14155550001"))).state == "failed"

        assert (await here.gateway.send(marketing("+14155550002"))).state == "accepted"
        assert (await here.gateway.send(marketing("+14155550003"))).state == "suppressed"


LONG = "Your cart waits: https://shop.example/c " + "and so do we " * 12  # two parts


@live
async def test_a_text_of_two_parts_costs_two_and_a_shorter_one_may_still_fit() -> None:
    chain = default_chain([Budget(id="month", limit_micros=PRICE)], jitter=NO_JITTER)
    async with ground(priced(), chain=chain) as here:
        long = await here.gateway.send(marketing("+14155550001", LONG))

        assert (long.state, long.verdict.facts["cost_micros"] if long.verdict else None) == ("suppressed", 2 * PRICE)
        assert (await here.gateway.send(marketing("+14155550002"))).state == "accepted"


@live
async def test_a_budget_pays_what_the_vendor_bills_and_not_the_estimate() -> None:
    chain = default_chain([Budget(id="month", limit_micros=2 * PRICE)], jitter=NO_JITTER)
    async with ground(priced(), chain=chain) as here:
        assert (await here.gateway.send(marketing("+14155550001", LONG))).state == "accepted"  # billed as one part

        assert (await here.gateway.send(marketing("+14155550002"))).state == "accepted"
        assert (await here.gateway.send(marketing("+14155550003"))).state == "suppressed"


@live
async def test_a_calendar_budget_waits_for_its_next_day_and_a_campaign_pays_for_itself_only() -> None:
    by_day = Budget(
        id="spring", limit_micros=PRICE, window=Calendar("day", zone="UTC"), scope="campaign", match="spring", on_exceed="defer"
    )
    async with ground(priced(), chain=default_chain([by_day], jitter=NO_JITTER)) as here:
        first, second = (marketing(number, origin=Origin(campaign="spring")) for number in numbers(2))
        assert (await here.gateway.send(first)).state == "accepted"
        delivery = await here.gateway.send(second)
        assert delivery.state == "held"
        assert (await here.gateway.send(marketing("+14155559999"))).state == "accepted"

        here.clock.advance(DAY)  # UTC's midnight is in the evening there: the next morning is open
        await here.gateway.drain()
        assert await here.state(second.id) == "accepted"


# --- counts


@live
async def test_a_burst_of_codes_to_one_country_stops_until_the_window_has_passed() -> None:
    chain = default_chain([Velocity(limit=2, window=HOUR)], jitter=NO_JITTER)
    async with ground(chain=chain) as here:
        found = [(await here.gateway.send(otp(number))).state for number in numbers(3)]
        assert found == ["accepted", "accepted", "suppressed"]
        assert (await here.gateway.send(of("transactional"))).state == "accepted"

        here.clock.advance(HOUR + MINUTE)
        assert (await here.gateway.send(otp("+14155550007"))).state == "accepted"
        assert await here.rows("select count(*) from rg_tally where key = 'v:country:US'") == [(1,)]


@live
async def test_a_block_of_numbers_is_counted_within_one_page() -> None:
    chain = default_chain([Velocity(limit=2, window=HOUR, per="block", open_digits=2)], jitter=NO_JITTER)
    async with ground(chain=chain) as here:
        batch = [otp(number) for number in (*numbers(3), "+14155550200")]
        await here.gateway.submit(batch)
        await here.gateway.drain()

        found = await states(here, batch)
        assert (sorted(found[:3]), found[3]) == (["accepted", "accepted", "suppressed"], "accepted")


@live
async def test_a_cap_that_looks_back_further_than_a_month_sees_what_was_sent() -> None:
    chain = default_chain([FrequencyCap(limit=1, window=60 * DAY)], jitter=NO_JITTER)
    async with ground(chain=chain) as here:
        assert (await here.gateway.send(marketing())).state == "accepted"
        here.clock.advance(50 * DAY)
        delivery = await here.gateway.send(marketing())

        assert delivery.state == "suppressed"
        assert delivery.verdict is not None
        assert delivery.verdict.code == "cap.global.60d"


@live
async def test_service_messages_count_where_a_cap_says_so() -> None:
    counts = FrequencyCap(limit=1, window=DAY, counts_toward=frozenset({"marketing", "service"}))
    async with ground(chain=default_chain([counts], jitter=NO_JITTER)) as here:
        assert (await here.gateway.send(of("service"))).state == "accepted"

        assert (await here.gateway.send(marketing())).state == "suppressed"


@live
async def test_a_cap_on_connects_counts_answered_calls_only() -> None:
    connects = FrequencyCap(
        limit=1,
        window=DAY,
        scope="channel",
        match="voice",
        connects=True,
        subject_to=frozenset({"service"}),
        counts_toward=frozenset({"service"}),
    )
    async with ground(account("line", "voice"), chain=default_chain([connects], jitter=NO_JITTER)) as here:
        missed, answered = call(), call()
        for one in (missed, answered):
            assert (await here.gateway.send(one)).state == "accepted"
        await here.gateway.apply([Event(EventType.NO_ANSWER, message_id=missed.id, at=NOON)], account="line")
        assert (await here.gateway.send(call())).state == "accepted"

        await here.gateway.apply([Event(EventType.ANSWERED, message_id=answered.id, at=NOON)], account="line")
        assert (await here.gateway.send(call())).state == "suppressed"


# --- senders


async def report(here: Ground, count: int, *, kind: EventType, start: int = 0, at: str = "a") -> None:
    """Send texts and let their vendor say the same of each."""
    batch = [of("service", to=number) for number in numbers(count, start=start)]
    await here.gateway.submit(batch)
    await here.gateway.drain()
    await here.gateway.apply([Event(kind, message_id=one.id, at=here.clock.now()) for one in batch], account=at)


@live
async def test_a_sender_whom_people_leave_sends_no_more_marketing() -> None:
    guard = DeliverabilityGuard(opt_outs=Levels(0.05, 0.2, at_least=10))
    chain = default_chain([guard], jitter=NO_JITTER)
    async with ground(chain=chain) as here:
        await report(here, 20, kind=EventType.DELIVERED)
        here.clock.advance(2 * MINUTE)
        assert (await here.gateway.send(marketing("+14155559001"))).state == "accepted"

        leaving = [Event(EventType.REPLIED, address=number, at=NOON, text="STOP") for number in numbers(4)]
        await here.gateway.apply(leaving, account="a")
        here.clock.advance(2 * MINUTE)
        delivery = await here.gateway.send(marketing("+14155559002"))

        assert delivery.state == "suppressed"
        assert delivery.verdict is not None
        assert delivery.verdict.code == "deliverability.opt_outs"
        assert (await here.gateway.send(of("service", to="+14155559003"))).state == "accepted"


@live
async def test_complaints_of_a_domain_count_for_all_accounts_that_share_it() -> None:
    guard = DeliverabilityGuard(complaints=Levels(0.01, 0.1, at_least=10))
    mails = [account(name, "email", reputation="news.example", order=n) for n, name in enumerate(("a", "b"))]
    async with ground(*mails, chain=default_chain([guard], jitter=NO_JITTER)) as here:
        batch = [mail(f"p{n}@example.com", purpose="service") for n in range(10)]
        await here.gateway.submit(batch)
        await here.gateway.drain()
        await here.gateway.apply([Event(EventType.DELIVERED, message_id=one.id, at=NOON) for one in batch], account="a")
        await here.gateway.apply([Event(EventType.COMPLAINED, message_id=batch[0].id, at=NOON)], account="b")
        here.clock.advance(2 * MINUTE)
        delivery = await here.gateway.send(mail("ann@example.com", purpose="marketing"))

        assert delivery.verdict is not None
        assert delivery.verdict.code == "deliverability.complaints"


def mail(to: str, *, purpose: str) -> Message:
    content = {"type": "email", "subject": "Your cart", "text": "It waits: https://shop.example/c"}
    return Message.model_validate(
        {"channel": "email", "to": {"type": "email", "email": to}, "content": content, "purpose": purpose, "country": "US"}
    )


@live
async def test_a_report_told_twice_counts_once() -> None:
    async with ground() as here:
        message = of("service")
        await here.gateway.send(message)
        for n in range(3):
            told = Event(EventType.DELIVERED, message_id=message.id, at=NOON + n * MINUTE, vendor_event_id=f"e{n}")
            await here.gateway.apply([told], account="a")

        assert await here.rows("select key, amount from rg_tally") == [("h:a:delivered", 1)]


@live
async def test_a_caller_id_that_is_marked_or_long_unchecked_calls_nobody() -> None:
    async with ground(account("line", "voice")) as here:
        assert (await here.gateway.send(call())).state == "accepted"  # nobody keeps checks

        await here.gateway.senders.number_checked("line", at=NOON - 29 * DAY)
        assert (await here.gateway.send(call())).state == "accepted"
        here.clock.advance(2 * DAY)
        stale = await here.gateway.send(call())
        await here.gateway.senders.number_checked("line", marked=True)
        marked = await here.gateway.send(call())
        await here.gateway.senders.number_checked("line", at=NOON)  # older news than the mark
        still = await here.gateway.send(call())

        verdicts = [one.verdict.code if one.verdict else None for one in (stale, marked, still)]
        assert verdicts == ["number_reputation.stale", "number_reputation.marked", "number_reputation.marked"]


# --- templates


def templated(**fields: Any) -> Message:
    where = {"timezone": "America/Los_Angeles", "country": "US", "region": "US-CA"}
    content = {"type": "template", "template": "cart", "variables": {"name": "Ann"}}
    to = {"type": "phone", "e164": "+14155550123"}
    return Message.model_validate({"channel": "sms", "to": to, "content": content, "purpose": "service", **where, **fields})


def cart(at: str, state: TemplateState = TemplateState.APPROVED) -> RegisteredTemplate:
    return RegisteredTemplate("cart", at, f"T-{at}", ("name",), "{{ name }}, your cart waits", state=state, state_at=NOON)


@live
async def test_a_template_goes_to_the_account_whose_vendor_approved_it() -> None:
    async with ground(account("a"), account("b", order=1)) as here:
        await here.gateway.senders.register([cart("a", TemplateState.SUBMITTED), cart("b")])
        assert (await here.gateway.send(templated())).state == "accepted"
        assert [len(here.script(name).sent) for name in ("a", "b")] == [0, 1]

        assert await here.gateway.senders.told(TemplateNews("a", "T-a", TemplateState.APPROVED, NOON + MINUTE))
        assert (await here.gateway.send(templated())).state == "accepted"
        assert [len(here.script(name).sent) for name in ("a", "b")] == [1, 1]


@live
async def test_a_template_that_nobody_approved_is_not_sent_and_the_reason_is_named() -> None:
    async with ground() as here:
        await here.gateway.senders.register([cart("a", TemplateState.REJECTED)])
        delivery = await here.gateway.send(templated())

        assert delivery.state == "failed"
        assert delivery.error is not None
        assert (delivery.error.kind, delivery.error.code) == (ErrorKind.TEMPLATE_OR_SIGNATURE, "template.rejected")
        assert not here.script().tried


@live
async def test_the_policy_judges_templates_where_it_is_in_the_chain() -> None:
    async with ground(chain=default_chain([AccountAbility()], jitter=NO_JITTER)) as here:
        await here.gateway.senders.register([cart("a", TemplateState.PAUSED)])
        delivery = await here.gateway.send(templated())

        assert delivery.verdict is not None
        assert delivery.verdict.code == "template.paused"


@live
async def test_a_template_of_an_account_that_is_not_there_is_refused() -> None:
    async with ground() as here:
        with pytest.raises(ConfigError, match="account 'elsewhere' is not known"):
            await here.gateway.senders.register([cart("elsewhere")])


class AskableSms(FakeAdapter):
    """A vendor over HTTP that can be asked about templates."""

    def build_template_status(self, template: str) -> httpx.Request:
        return httpx.Request("GET", f"https://fake.example/templates/{template}")

    def parse_template_status(self, response: httpx.Response) -> str:
        return str(read_json(response)["state"])


@live
async def test_a_vendor_is_asked_each_hour_how_a_template_stands() -> None:
    answers = ["SUBMITTED", "in some review", "Approved"]
    asked: list[str] = []

    def vendor(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={"state": answers.pop(0)})

    clock = FrozenClock(NOON)
    config = GatewayConfig(accounts=(fake_account("sms", name="a", base=AskableSms),))
    gateway = Gateway(config=config, store="sqlite://", clock=clock, transport=lambda _: httpx.MockTransport(vendor))
    async with gateway:
        await gateway.senders.register([replace(cart("a", TemplateState.SUBMITTED), state_at=None)])
        states = []
        for _ in range(3):
            await gateway.drain()
            states.append(gateway.senders.templates.records[0].state)
            clock.advance(HOUR)

    assert states == [TemplateState.SUBMITTED, TemplateState.UNKNOWN, TemplateState.APPROVED]
    assert asked == ["/templates/T-a"] * 3


# --- numbers and rates


@live
async def test_a_fixed_line_gets_no_text_where_the_policy_is_asked() -> None:
    async with ground(chain=default_chain([AddressValidity()], jitter=NO_JITTER)) as here:
        fixed = Message.sms("+33142685300", "Votre colis est parti", purpose="transactional")
        delivery = await here.gateway.send(fixed)

        assert delivery.verdict is not None
        assert delivery.verdict.code == "address.fixed"


@live
async def test_a_full_bucket_holds_by_policy_until_there_is_room_or_the_message_is_stale() -> None:
    slow = account(rate=0.001)  # one in 1,000 seconds
    chain = default_chain([RateLimit(max_queue_age=timedelta(seconds=1_500))], jitter=NO_JITTER)
    async with ground(slow, chain=chain) as here:
        first, second, third = (of("service", to=number) for number in numbers(3))
        assert (await here.gateway.send(first)).state == "accepted"
        await here.gateway.submit([second, third])
        await here.gateway.drain()
        assert {await here.reason(one.id) for one in (second, third)} <= {"rate_limit.account", "rate_limited"}

        here.clock.advance(timedelta(seconds=1_000))
        await here.gateway.drain()
        assert sorted(await states(here, [second, third])) == ["accepted", "expired"]


# --- people


@live
async def test_own_frequency_hours_and_pause_of_a_person_hold_on_every_path() -> None:
    async with ground(chain=default_chain(jitter=NO_JITTER)) as here:
        await here.gateway.ledger.prefer("ann", at_most=[(1, 30 * DAY, "sms")])
        assert (await here.gateway.send(marketing(person="ann"))).state == "accepted"
        here.clock.advance(8 * DAY)
        held = await here.gateway.send(marketing(person="ann", expires_at=NOON + 40 * DAY))
        assert (held.state, held.verdict.code if held.verdict else None) == ("held", "cap.channel.sms.30d")

        await here.gateway.ledger.prefer("bob", paused_until=here.clock.now() + 3 * DAY)
        paused = await here.gateway.send(marketing("+14155550002", person="bob"))
        assert (paused.state, paused.verdict.code if paused.verdict else None) == ("held", "pause.person")


async def failed_run(here: Ground, person: str, number: str, campaign: str) -> None:
    """A play that wrote to somebody and ended without them."""
    message = marketing(number, person=person, origin=Origin(campaign=campaign, step="one", run=0))
    assert (await here.gateway.send(message)).state == "accepted"
    at = int(here.clock.now().timestamp() * 1000)
    await here.rows_changed(
        "insert into rg_run (tenant, campaign, person, run, version, holdout, position, state, ended, ended_at, started_at, data)"
        " values ('default', :campaign, :person, 0, '1', 0, 1, 'ended', 'completed', :at, :at, '{}')",
        campaign=campaign,
        person=person,
        at=at,
    )
    here.clock.advance(3 * DAY)


@live
async def test_after_three_plays_without_effect_recall_ends_and_a_return_lifts_that() -> None:
    async with ground(chain=default_chain(jitter=NO_JITTER)) as here:
        for campaign in ("one", "two", "three"):
            await failed_run(here, "ann", "+14155550001", campaign)
        delivery = await here.gateway.send(marketing("+14155550001", person="ann"))
        assert delivery.verdict is not None
        assert delivery.verdict.code == "pruned.hopeless"
        assert (await here.gateway.send(of("service", to="+14155550001", person="ann"))).state == "accepted"

        from recallgate import PersonEvent

        await here.gateway.record([PersonEvent("ann", "returned", here.clock.now())])
        here.clock.advance(MINUTE)
        assert (await here.gateway.send(marketing("+14155550001", person="ann"))).state == "accepted"


@live
async def test_a_play_that_reached_nobody_is_no_failed_one() -> None:
    async with ground(chain=default_chain(jitter=NO_JITTER)) as here:
        for campaign in ("one", "two", "three"):
            await here.rows_changed(
                "insert into rg_run (tenant, campaign, person, run, version, holdout, position, state, ended, ended_at,"
                " started_at, data) values ('default', :campaign, 'ann', 0, '1', 0, 1, 'ended', 'completed', :at, :at, '{}')",
                campaign=campaign,
                at=int(NOON.timestamp() * 1000) - 1000,
            )

        assert (await here.gateway.send(marketing(person="ann"))).state == "accepted"


@live
async def test_where_a_registry_is_kept_an_old_comparison_stops_marketing() -> None:
    async with ground(
        registry_required=True, chain=default_chain(jitter=NO_JITTER), at=datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
    ) as here:

        def text() -> Message:
            return Message.sms("+6581234567", "Sale: https://shop.example/c", purpose="marketing", country="SG")

        unchecked = await here.gateway.send(text())
        await here.gateway.ledger.registry_checked(["+6581234567"], at=here.clock.now() - 20 * DAY)
        fresh = await here.gateway.send(text())
        here.clock.advance(3 * DAY)
        stale = await here.gateway.send(text())

        assert [one.verdict.code if one.verdict else None for one in (unchecked, stale)] == ["consent.missing"] * 2
        assert fresh.state == "accepted"


# --- holidays


@live
async def test_a_holiday_of_the_settings_closes_where_the_law_says_so() -> None:
    day = datetime(2026, 11, 18, 10, 0, tzinfo=UTC)  # a Wednesday, 11:00 in Paris
    holidays = {"FR": ("2026-11-18",)}
    for known, state in ((holidays, "held"), ({"FR": ("2026-05-01",)}, "accepted")):
        async with ground(account("line", "voice"), at=day, holidays=known) as here:
            to = {"to": Phone(e164="+33612345678"), "country": "FR", "region": None, "timezone": "Europe/Paris"}
            delivery = await here.gateway.send(call(purpose="marketing", **to))

            assert delivery.state == state


# --- own policies


ASKED: list[int] = []


def vips_of(messages: Sequence[Message]) -> list[bool]:
    ASKED.append(len(messages))
    return [message.person == "ann" for message in messages]


@policy(name="vip_only", phase=ELIGIBILITY, needs={"vip": vips_of})
def vip_only(case: Any) -> Any:
    return Allow() if case.facts.get("vip") or not case.marketing else Drop(code="vip_only.not_a_vip")


@live
async def test_an_own_policys_loader_is_asked_once_a_page() -> None:
    ASKED.clear()
    async with ground(chain=default_chain([vip_only], jitter=NO_JITTER)) as here:
        batch = [marketing(number, person=name) for number, name in zip(numbers(3), ("ann", "bob", "cat"), strict=True)]
        await here.gateway.submit(batch)
        await here.gateway.drain()

        assert await states(here, batch) == ["accepted", "suppressed", "suppressed"]
        assert ASKED == [3]


@live
async def test_an_own_policys_fact_is_there_on_the_next_channel_too() -> None:
    ASKED.clear()
    from recallgate import Alternative, Reroute

    @policy(name="no_texts", phase=ELIGIBILITY, needs={"vip": vips_of})
    def no_texts(case: Any) -> Any:
        if case.message.channel == "sms":
            return Reroute(exclude=frozenset({"sms"}), code="no_texts.here")
        return Allow() if case.facts.get("vip") else Drop(code="no_texts.not_a_vip")

    async with ground(account(), account("m", "email"), chain=default_chain([no_texts], jitter=NO_JITTER)) as here:
        other = mail("ann@example.com", purpose="service")
        way = Alternative(channel="email", to=other.to, content=other.content)
        delivery = await here.gateway.send(of("service", person="ann", alternatives=(way,)))

        assert delivery.state == "accepted"
        assert ASKED == [2]  # both ways of the one message, at once


@live
async def test_the_default_chain_asks_for_nothing_of_a_code() -> None:
    async with ground() as here:
        asked: list[Any] = []
        load = here.gateway.cases.asker.load

        def spy(*arguments: Any) -> Any:
            asked.append(load(*arguments))
            return asked[-1]

        here.gateway.cases.asker.load = spy  # type: ignore[method-assign]
        await here.gateway.send(otp())

        assert asked == [None]


def test_a_fact_that_nobody_loads_is_an_error_at_the_start() -> None:
    lost = policy(name="lost", phase=ELIGIBILITY, needs={"weather"})(lambda _: Allow())

    with pytest.raises(ConfigError, match="nobody loads the fact 'weather'"):
        from recallgate import Gateway

        Gateway(config=GatewayConfig(accounts=(account(),)), chain=default_chain([lost]))


# --- from settings

TOML = """
[gateway]
registry_required = false

[accounts.a]
adapter = "inbox.inapp"

[rules]
warn_days = 30

[rules.fr-voice-own]
country = "FR"

[holidays]
package = false
FR = ["2026-12-25"]

[words.own]
words = ["casino"]
level = "error"

[policies.month]
use = "budget"
limit_micros = 5000000
window = { unit = "month", zone = "Asia/Shanghai" }

[policies.rests]
use = "min_gap"
gap = "6h"
shadow = true

[policies.vips]
use = "gateway.test_asked_facts:vip_only"
"""


def test_settings_name_policies_words_and_holidays(tmp_path: Any) -> None:
    path = tmp_path / "recallgate.toml"
    path.write_text(TOML.replace('[rules.fr-voice-own]\ncountry = "FR"\n', ""))
    config = GatewayConfig.from_toml(path)
    from recallgate.delivery.configured import chain_of
    from recallgate.rules.regulations import RuleBook

    chain = chain_of(config, RuleBook.default())

    assert {"budget", "vip_only"} <= set(chain.names)
    (budget,) = [one for one in chain.policies if isinstance(one, Budget)]
    assert (budget.id, budget.limit_micros, budget.window) == ("month", 5_000_000, Calendar("month", zone="Asia/Shanghai"))
    assert config.rules_warn_days == 30
    assert (config.holidays["FR"], config.holidays_package) == ((date(2026, 12, 25),), False)
    assert [one.words for one in config.words] == [("casino",)]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"use": "budget", "limit": 3}, "policies.x: limit is not a setting of it"),
        ({"use": "budget"}, "policies.x: .*limit_micros"),
        ({"use": "velocity", "limit": 3, "window": "1 week"}, "policies.x: window: write a span such as"),
        ({"use": "country_list", "countries": "US"}, "policies.x: countries: write a list"),
        ({"use": "no_such_policy"}, "policies.x: policy 'no_such_policy' is not known"),
        ({"use": "no.such:thing"}, "policies.x: use: no.such:thing cannot be imported"),
        ({"use": "min_gap", "gap": "6h", "shadow": "yes"}, "policies.x.shadow"),
    ],
)
def test_a_wrong_policy_setting_is_named(table: dict[str, Any], words: str) -> None:
    from recallgate.delivery.configured import chain_of
    from recallgate.rules.regulations import RuleBook

    with pytest.raises(ConfigError, match=words):
        chain_of(GatewayConfig(policies={"x": table}), RuleBook.default())


@live
async def test_a_row_of_law_changed_by_settings_holds_in_the_gateway() -> None:
    here_now = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)  # 10:30 there
    row = {
        "country": "US",
        "channels": ["sms"],
        "purposes": ["marketing"],
        "windows": [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "12:00", "end": "20:00"}],
    }
    async with ground(at=here_now, rules={"own-us-noon": row}) as here:
        delivery = await here.gateway.send(marketing())

        assert delivery.state == "held"
        assert delivery.verdict is not None
        assert delivery.verdict.rule_id == "own-us-noon" or "own-us-noon" in str(delivery.verdict.facts)


@live
async def test_blocked_words_of_the_settings_stop_a_text_and_are_named() -> None:
    from recallgate.text.words import WordList

    lists = (WordList(id="own", words=("casino",), vendor="fake"), WordList(id="other", words=("cart",), vendor="elsewhere"))
    async with ground(words=lists) as here:
        assert (await here.gateway.send(marketing("+14155550001"))).state == "accepted"
        delivery = await here.gateway.send(marketing("+14155550002", "Casino night: https://shop.example/c"))

        assert delivery.state == "failed"
        assert delivery.error is not None
        assert "casino" in delivery.error.detail
