"""The in-app inbox over HTTP: each user sees and touches their own items only."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from recallgate import FrozenClock, Gateway, Message
from recallgate.web import inbox_routes


def user_of(request: Request) -> str | None:
    return request.headers.get("x-user")


async def user_of_later(request: Request) -> str | None:
    return request.headers.get("x-user")


def asked(talk: Callable[[Gateway, httpx.AsyncClient], Awaitable[Any]], *, who: Any = user_of) -> Any:
    """The answer to requests against an app that has the routes, with one message for ann and one for bob."""

    async def run() -> Any:
        clock = FrozenClock("2026-11-20T02:00:00+00:00")
        async with Gateway("inbox.inapp://default", store="sqlite://", clock=clock) as gateway:
            for user in ("ann", "bob"):
                await gateway.send(Message.inapp(user, f"Hello {user}", purpose="service", id=f"for-{user}"))
            transport = httpx.ASGITransport(Starlette(routes=inbox_routes(gateway, user_of=who)))
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
                return await talk(gateway, client)

    return asyncio.run(run())


async def state(gateway: Gateway, identity: str) -> str:
    return str((await gateway.explain(identity))["message"]["state"])


@pytest.mark.parametrize("who", [user_of, user_of_later])
def test_a_user_sees_their_own_items_which_are_then_delivered(who: Any) -> None:
    async def talk(gateway: Gateway, client: httpx.AsyncClient) -> tuple[Any, str, str]:
        items = (await client.get("/inbox", headers={"x-user": "ann"})).json()
        return items, await state(gateway, "for-ann"), await state(gateway, "for-bob")

    items, ann, bob = asked(talk, who=who)

    assert [(item["id"], item["body"], item["at"]) for item in items] == [("for-ann", "Hello ann", "2026-11-20T02:00:00+00:00")]
    assert (ann, bob) == ("delivered", "accepted")


def test_a_dismissed_item_is_gone() -> None:
    async def talk(gateway: Gateway, client: httpx.AsyncClient) -> tuple[int, Any]:
        told = await client.post("/inbox/for-ann/dismissed", headers={"x-user": "ann"})
        return told.status_code, (await client.get("/inbox", headers={"x-user": "ann"})).json()

    assert asked(talk) == (204, [])


@pytest.mark.parametrize(
    ("method", "path", "user", "status"),
    [
        ("GET", "/inbox", None, 401),
        ("POST", "/inbox/for-ann/read", None, 401),
        ("POST", "/inbox/for-bob/read", "ann", 404),
        ("POST", "/inbox/nothing/read", "ann", 404),
        ("POST", "/inbox/for-ann/expired", "ann", 404),
        ("POST", "/inbox/for-ann/eaten", "ann", 404),
        ("GET", "/inbox/for-ann/read", "ann", 405),
    ],
)
def test_nobody_reaches_what_is_not_theirs(method: str, path: str, user: str | None, status: int) -> None:
    async def talk(gateway: Gateway, client: httpx.AsyncClient) -> tuple[int, str]:
        reply = await client.request(method, path, headers={"x-user": user} if user else {})
        return reply.status_code, await state(gateway, "for-bob")

    assert asked(talk) == (status, "accepted")


def test_an_empty_inbox_is_an_empty_list() -> None:
    async def talk(gateway: Gateway, client: httpx.AsyncClient) -> Any:
        return (await client.get("/inbox", headers={"x-user": "cat"})).json()

    assert asked(talk) == []
