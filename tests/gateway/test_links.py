"""Short links: who followed them, and what is stored of it."""

from datetime import timedelta

import pytest

from gateway.ground import Ground, account, ground, live, marketing

PUBLIC = "https://go.example"
PERSON = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"


async def a_link(here: Ground) -> str:
    """Send a text and answer its short link, ten seconds later."""
    await here.gateway.send(marketing(person="ann"))
    here.clock.advance(timedelta(seconds=10))
    words = here.script().sent[-1].text.split()
    return next(word for word in words if word.startswith(PUBLIC))


@live
async def test_a_person_is_led_to_the_target_and_counted() -> None:
    async with ground(public_url=PUBLIC) as here:
        link = await a_link(here)
        answer = await here.gateway.click(link, agent=PERSON)

        assert (answer.status, answer.location) == (302, "https://shop.example/c")
        assert await here.rows("select verdict from rg_click") == [("human",)]
        assert await here.rows("select type, person from rg_event") == [("clicked", "ann")]


BOTS = [
    ({"agent": "Googlebot/2.1"}, "bot", "known crawler agent"),
    ({"agent": "curl/8.0"}, "bot", "known crawler agent"),
    ({"agent": None}, "bot", "no user agent"),
    ({"agent": PERSON, "method": "HEAD"}, "bot", "HEAD request"),
    ({"agent": PERSON, "datacentre": True}, "bot", "datacentre network"),
    ({"agent": "SomethingElse/1.0"}, "unknown", "neither a browser nor a known crawler"),
]


@pytest.mark.parametrize(("request_", "verdict", "reason"), BOTS)
@live
async def test_a_machine_is_led_there_too_and_never_counted(request_: dict[str, object], verdict: str, reason: str) -> None:
    async with ground(public_url=PUBLIC) as here:
        link = await a_link(here)
        answer = await here.gateway.click(link, **request_)  # type: ignore[arg-type] # rows of a table

        assert answer.status == 302
        assert await here.rows("select verdict, reason from rg_click") == [(verdict, reason)]
        assert await here.rows("select count(*) from rg_event") == [(0,)]


@live
async def test_a_click_within_two_seconds_of_delivery_is_a_scanner() -> None:
    async with ground(public_url=PUBLIC) as here:
        await here.gateway.send(marketing())
        link = next(word for word in here.script().sent[-1].text.split() if word.startswith(PUBLIC))
        here.clock.advance(timedelta(milliseconds=1999))
        await here.gateway.click(link, agent=PERSON)
        here.clock.advance(timedelta(milliseconds=1))
        await here.gateway.click(link, agent=PERSON)

        assert await here.rows("select verdict from rg_click order by seq") == [("bot",), ("human",)]


@live
async def test_an_unknown_link_is_not_found_and_leaves_no_trace() -> None:
    async with ground(public_url=PUBLIC) as here:
        answer = await here.gateway.click(f"{PUBLIC}/l/22222222222", agent=PERSON)

        assert (answer.status, answer.location) == (404, None)
        assert await here.rows("select count(*) from rg_click") == [(0,)]


@live
async def test_without_a_public_address_links_stay_as_they_are() -> None:
    async with ground(account("a")) as here:
        await here.gateway.send(marketing())

        assert "https://shop.example/c" in here.script().sent[-1].text
        assert await here.rows("select count(*) from rg_link") == [(0,)]
