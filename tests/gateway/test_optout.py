"""Ways out, and the way back: replies, links, reports of vendors, and the moment at which they count."""

import json
from typing import Any

import httpx
import pytest

from gateway.ground import DAY, NUMBER, Ground, account, ground, live, marketing, of, otp
from recallgate import Callback, ErrorKind, Event, EventType, Message

PUBLIC = "https://go.example"


async def reply(here: Ground, words: str, *, address: str = NUMBER) -> None:
    await here.gateway.apply([Event(EventType.REPLIED, address=address, text=words, at=here.clock.now())], account="a")


@pytest.mark.parametrize("words", ["STOP", "stop ", "Stop.", "UNSUBSCRIBE"])
@live
async def test_stop_stops_marketing_and_nothing_else(words: str) -> None:
    async with ground() as here:
        await reply(here, words)

        assert (await here.gateway.send(marketing())).state == "suppressed"
        assert (await here.gateway.send(of("service"))).state == "accepted"
        assert (await here.gateway.send(otp())).state == "accepted"
        assert (await here.gateway.send(marketing("+14155550199"))).state == "accepted"


@live
async def test_a_reply_that_says_something_else_is_no_opt_out() -> None:
    async with ground() as here:
        await reply(here, "thanks, see you tomorrow")

        assert await here.suppressions() == []


@live
async def test_start_lifts_opt_outs_only() -> None:
    async with ground() as here:
        await reply(here, "STOP")
        await here.gateway.apply([Event(EventType.COMPLAINED, address=NUMBER, at=here.clock.now())], account="a")
        await here.gateway.suppress(address=NUMBER, channel="sms", reason="manual")

        await reply(here, "START")

        assert sorted(reason for _, _, reason in await here.suppressions()) == ["complaint", "manual"]
        assert await here.rows("select subject, channel, granted from rg_consent") == [(f"a:{NUMBER}", "sms", 1)]


@live
async def test_after_stop_and_start_marketing_leaves_again() -> None:
    async with ground() as here:
        await reply(here, "STOP")
        await reply(here, "START")

        assert (await here.gateway.send(marketing())).state == "accepted"


@live
async def test_an_opt_out_told_by_the_vendor_counts() -> None:
    async with ground() as here:
        first = marketing()
        await here.gateway.send(first)
        told = Event(EventType.UNDELIVERED, message_id=first.id, kind=ErrorKind.OPTED_OUT, code="21610", at=here.clock.now())
        await here.gateway.apply([told], account="a")
        here.clock.advance(2 * DAY)

        assert (await here.gateway.send(marketing())).state == "suppressed"
        assert (await here.suppressions())[0] == (f"a:{NUMBER}", "sms", "opt_out")


def mail(**fields: Any) -> Message:
    where = {"timezone": "America/Los_Angeles", "country": "US", "region": "US-CA"}
    return Message.email(
        "jo@example.com",
        "We kept your cart",
        text="See https://shop.example/c",
        purpose="marketing",
        person="jo",
        **{**where, **fields},
    )


async def way_out(here: Ground, **fields: Any) -> str:
    await here.gateway.send(mail(**fields))
    content = here.script("m").sent[-1].content
    assert content.type == "email"
    return content.headers["List-Unsubscribe"].strip("<>")


@live
async def test_one_click_acts_on_post_and_get_only_shows_a_page() -> None:
    async with ground(account("m", "email"), public_url=PUBLIC) as here:
        link = await way_out(here)
        assert link.startswith(f"{PUBLIC}/u/")

        shown = await here.gateway.click(link, method="GET", agent="Mozilla/5.0")
        assert (shown.status, shown.kind) == (200, "unsubscribe")
        assert await here.suppressions() == []

        done = await here.gateway.click(link, method="POST", agent=None)
        assert (done.status, done.kind) == (200, "unsubscribe")
        assert {reason for _, _, reason in await here.suppressions()} == {"opt_out"}
        here.clock.advance(2 * DAY)
        assert (await here.gateway.send(mail())).state == "suppressed"


@live
async def test_one_click_twice_is_one_opt_out() -> None:
    async with ground(account("m", "email"), public_url=PUBLIC) as here:
        link = await way_out(here)
        await here.gateway.click(link, method="POST")
        once = await here.suppressions()
        here.clock.advance(DAY)
        await here.gateway.click(link, method="POST")

        assert await here.suppressions() == once
        assert await here.rows("select count(*) from rg_event where type = 'unsubscribed'") == [(1,)]


@live
async def test_one_click_of_a_topic_leaves_other_topics_alone() -> None:
    async with ground(account("m", "email"), public_url=PUBLIC) as here:
        link = await way_out(here, topic="cart")
        await here.gateway.click(link, method="POST")
        here.clock.advance(8 * DAY)

        assert (await here.gateway.send(mail(topic="cart"))).state == "suppressed"
        assert (await here.gateway.send(mail(topic="news"))).state == "accepted"


@live
async def test_an_opt_out_between_the_decision_and_the_intent_stops_the_message() -> None:
    async with ground() as here:
        decide = here.gateway.chain.decide
        late: list[Any] = []

        def judged(case: Any, **rest: Any) -> Any:
            decision = decide(case, **rest)
            late.append(decision.kind)
            return decision

        here.gateway.chain.decide = judged  # type: ignore[method-assign] # sees that policies allowed it
        facts = here.gateway.cases.case

        def blind(message: Message, loaded: Any, now: Any, **rest: Any) -> Any:
            loaded.suppressions.clear()  # the opt-out was not there yet when facts were read
            return facts(message, loaded, now, **rest)

        here.gateway.cases.case = blind  # type: ignore[method-assign, assignment] # the race, without a race
        await reply(here, "STOP")
        message = marketing()

        delivery = await here.gateway.send(message)

        assert late == ["allow"]
        assert delivery.state == "suppressed"
        assert await here.reason(message.id) == "suppressed.before_intent"
        assert not here.script().tried


@pytest.mark.parametrize(
    ("purpose", "state"),
    [("marketing", "suppressed"), ("service", "suppressed"), ("transactional", "suppressed"), ("otp", "accepted")],
)
@live
async def test_out_of_everything_still_lets_a_code_through(purpose: str, state: str) -> None:
    async with ground() as here:
        await here.gateway.suppress(address=NUMBER, reason="opt_out", all_purposes=True)

        assert (await here.gateway.send(of(purpose))).state == state


@live
async def test_a_suppression_ends_when_it_says() -> None:
    async with ground() as here:
        await here.gateway.suppress(person="ann", reason="pause", expires_at=here.clock.now() + DAY)
        assert (await here.gateway.send(marketing(person="ann"))).state == "suppressed"
        here.clock.advance(DAY)

        assert (await here.gateway.send(marketing(person="ann"))).state == "accepted"


@live
async def test_a_person_who_leaves_leaves_at_all_their_addresses() -> None:
    async with ground() as here:
        await here.gateway.send(marketing(person="ann"))
        body = json.dumps({"type": "unsubscribed", "vendor_id": "fake-sms-1"}).encode()
        await here.gateway.receive("a", Callback("POST", "https://go.example/", httpx.Headers(), body, here.clock.now()))
        here.clock.advance(2 * DAY)

        assert (await here.gateway.send(marketing("+14155550199", person="ann"))).state == "suppressed"
