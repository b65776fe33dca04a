"""Short links and unsubscribe pages over HTTP."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from recallgate import Email, GatewayConfig, Message
from recallgate.testing import Outbox, make_outbox
from recallgate.web import gateway_app
from recallgate.web.pages import language_of, page

PUBLIC = "https://app.example"
BROWSER = {"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"}
Talk = Callable[[httpx.AsyncClient], Awaitable[Any]]


def asked(outbox: Outbox, talk: Talk, **arguments: Any) -> Any:
    async def run() -> Any:
        async with outbox as gateway:
            transport = httpx.ASGITransport(gateway_app(gateway, **arguments), client=("203.0.113.9", 4000))
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver", headers=BROWSER) as client:
                return await talk(client)

    return asyncio.run(run())


def an_outbox() -> Outbox:
    return make_outbox(GatewayConfig(public_url=PUBLIC))


async def short(outbox: Outbox, target: str = "https://shop.example/你好?a=1&b=%2F") -> str:
    """The path of a link in a marketing text that was sent a minute ago."""
    await outbox.gateway.send(Message.sms("+14155550123", f"Look: {target} Reply STOP to opt out", purpose="marketing"))
    clock: Any = outbox.gateway.clock
    clock.advance(timedelta(minutes=1))
    found = re.search(rf"{PUBLIC}(/l/\w+)", outbox.sent[-1].text)
    assert found is not None
    return found[1]


async def way_out(outbox: Outbox) -> str:
    """The path of the unsubscribe link of a marketing mail."""
    message = Message.email("a@b.example", "Hello", purpose="marketing", text="We miss you", topic="news", country="US")
    await outbox.gateway.send(message)
    content = outbox.sent[-1].content
    assert isinstance(content, Email)
    return content.headers["List-Unsubscribe"].strip("<>").removeprefix(PUBLIC)


async def events(outbox: Outbox, type_: str) -> int:
    found = await outbox.gateway.store.run(
        lambda c: c.execute(text("select count(*) from rg_event where type = :type"), {"type": type_}).scalar()
    )
    return int(found or 0)


async def suppressed(outbox: Outbox) -> int:
    return int(await outbox.gateway.store.run(lambda c: c.execute(text("select count(*) from rg_suppression")).scalar()) or 0)


def test_a_link_leads_to_its_target_and_counts_as_a_click() -> None:
    outbox = an_outbox()

    async def talk(client: httpx.AsyncClient) -> tuple[httpx.Response, int]:
        reply = await client.get(await short(outbox))
        return reply, await events(outbox, "clicked")

    reply, clicks = asked(outbox, talk)

    assert reply.status_code == 302
    assert reply.headers["location"] == "https://shop.example/%E4%BD%A0%E5%A5%BD?a=1&b=%2F"
    assert (reply.headers["cache-control"], reply.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert "set-cookie" not in reply.headers
    assert clicks == 1


@pytest.mark.parametrize(("method", "agent"), [("HEAD", BROWSER["user-agent"]), ("GET", "curl/8.5"), ("GET", "")])
def test_a_machine_is_led_on_but_not_counted(method: str, agent: str) -> None:
    outbox = an_outbox()

    async def talk(client: httpx.AsyncClient) -> tuple[int, int]:
        reply = await client.request(method, await short(outbox), headers={"user-agent": agent})
        return reply.status_code, await events(outbox, "clicked")

    assert asked(outbox, talk) == (302, 0)


def test_a_datacentre_is_a_machine() -> None:
    outbox = an_outbox()

    async def talk(client: httpx.AsyncClient) -> int:
        await client.get(await short(outbox))
        return await events(outbox, "clicked")

    assert asked(outbox, talk, datacentre=lambda host: host == "203.0.113.9") == 0


@pytest.mark.parametrize(
    "path", ["/l/22222222222", "/u/22222222222", "/l/..%2Fhealth", "/l/%3Cscript%3E", "/u/a%00b", "/l/x" * 99]
)
def test_an_unknown_code_is_not_found(path: str) -> None:
    reply = asked(an_outbox(), lambda client: client.get(path))

    assert reply.status_code == 404
    assert "<script" not in reply.text


def test_looking_at_the_unsubscribe_page_changes_nothing() -> None:
    outbox = an_outbox()

    async def talk(client: httpx.AsyncClient) -> tuple[list[httpx.Response], int, int]:
        path = await way_out(outbox)
        replies = [await client.get(path), await client.head(path), await client.get(path)]
        return replies, await events(outbox, "unsubscribed"), await suppressed(outbox)

    replies, told, rows = asked(outbox, talk)

    assert [reply.status_code for reply in replies] == [200, 200, 200]
    assert '<form method="post">' in replies[0].text
    assert (told, rows) == (0, 0)


@pytest.mark.parametrize("body", [b"List-Unsubscribe=One-Click", b"", b"garbage=%ff"])
def test_a_post_unsubscribes_at_once_without_cookie_or_redirect(body: bytes) -> None:
    outbox = an_outbox()

    async def talk(client: httpx.AsyncClient) -> tuple[httpx.Response, int, int]:
        path = await way_out(outbox)
        headers = {"content-type": "application/x-www-form-urlencoded"}
        reply = await client.post(path, content=body, headers=headers)
        await client.post(path, content=body, headers=headers)
        return reply, await events(outbox, "unsubscribed"), await suppressed(outbox)

    reply, told, rows = asked(outbox, talk)

    assert reply.status_code == 200
    assert "set-cookie" not in reply.headers
    assert "<form" not in reply.text
    assert (told, rows) == (1, 1)


def test_the_next_marketing_mail_is_not_sent_after_unsubscribing() -> None:
    outbox = an_outbox()

    async def talk(client: httpx.AsyncClient) -> str:
        await client.post(await way_out(outbox))
        again = Message.email("a@b.example", "Again", purpose="marketing", text="Still here", topic="news", country="US")
        return str((await outbox.gateway.send(again)).state)

    assert asked(outbox, talk) == "suppressed"


def test_a_click_code_under_the_unsubscribe_path_does_nothing() -> None:
    outbox = an_outbox()

    async def talk(client: httpx.AsyncClient) -> tuple[list[int], int, int]:
        path = (await short(outbox)).replace("/l/", "/u/")
        codes = [(await client.get(path)).status_code, (await client.post(path)).status_code]
        return codes, await events(outbox, "clicked"), await suppressed(outbox)

    assert asked(outbox, talk) == ([404, 404], 0, 0)


def test_an_unsubscribe_code_under_the_link_path_does_nothing() -> None:
    outbox = an_outbox()

    async def talk(client: httpx.AsyncClient) -> tuple[int, int, int]:
        path = (await way_out(outbox)).replace("/u/", "/l/")
        return (await client.get(path)).status_code, (await client.post(path)).status_code, await suppressed(outbox)

    assert asked(outbox, talk) == (404, 405, 0)


def test_a_closed_store_asks_people_to_try_again() -> None:
    outbox = an_outbox()

    async def talk(client: httpx.AsyncClient) -> list[int]:
        link, out = await short(outbox), await way_out(outbox)
        await outbox.gateway.store.close()
        return [(await client.get(link)).status_code, (await client.post(out)).status_code]

    assert asked(outbox, talk) == [503, 503]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr,zh;q=0.5,en;q=0.4", "zh"),
        ("zh;q=0", "en"),
        ("zh;q=x", "en"),
        ("de", "en"),
        ("*", "en"),
        ("en,zh", "en"),
    ],
)
def test_the_page_speaks_the_language_that_is_asked_for(header: str | None, language: str) -> None:
    assert language_of(header) == language
    assert f'<html lang="{language}">' in page("unsubscribe", accept_language=header)


@pytest.mark.parametrize("name", ["unsubscribe", "unsubscribed", "unknown", "later"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_page_stands_alone_and_fits_a_phone(name: str, language: str) -> None:
    seen = _Seen()
    seen.feed(page(name, accept_language=language))

    assert not seen.outside
    assert "width=device-width,initial-scale=1" in seen.viewport
    assert seen.open == []


class _Seen(HTMLParser):
    """What a page refers to outside itself, and which of its elements are left open."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.viewport = ""
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.outside += [f"{tag} {name}" for name in ("src", "href", "action") if name in told]
        if tag in ("script", "link"):
            self.outside.append(tag)
        if told.get("name") == "viewport":
            self.viewport = told.get("content") or ""
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
