"""The application with a fake vendor in the place of the real one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from app import make_app

from recallgate import ErrorKind, GatewayConfig
from recallgate.testing import Outbox, assert_nothing_sent, assert_sent

ASKED = {"phone": "+14155550123", "request_id": "a1b2c3d4"}


@pytest.fixture
def recallgate_config() -> GatewayConfig:
    return GatewayConfig(public_url="https://app.example/messages")


def talk(outbox: Outbox, steps: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:
    """The answer to requests against the running application."""

    async def run() -> Any:
        app = make_app(outbox.gateway)
        inside = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=inside, base_url="http://testserver") as client,
        ):
            return await steps(client)

    return asyncio.run(run())


def test_a_code_is_sent(recallgate_outbox: Outbox) -> None:
    reply = talk(recallgate_outbox, lambda client: client.post("/sign-in", json=ASKED))

    assert (reply.status_code, reply.json()) == (202, {"message": "a1b2c3d4", "state": "accepted"})
    assert_sent(recallgate_outbox, to="+14155550123", containing="Your code is ")


def test_a_repeated_request_sends_one_code(recallgate_outbox: Outbox) -> None:
    async def twice(client: httpx.AsyncClient) -> list[int]:
        return [(await client.post("/sign-in", json=ASKED)).status_code for _ in range(2)]

    assert talk(recallgate_outbox, twice) == [202, 202]
    assert len(recallgate_outbox.sent) == 1


def test_the_report_of_the_vendor_is_seen_in_the_state(recallgate_outbox: Outbox) -> None:
    async def steps(client: httpx.AsyncClient) -> list[str]:
        await client.post("/sign-in", json=ASKED)
        states = [(await client.get("/messages/a1b2c3d4/state")).json()["state"]]
        address = recallgate_outbox.gateway.callback_url("sms", recallgate_outbox.sent[0])
        assert address is not None
        told = await client.post(address.removeprefix("https://app.example"), json={"type": "delivered"})
        assert told.status_code == 200
        return [*states, (await client.get("/messages/a1b2c3d4/state")).json()["state"]]

    assert talk(recallgate_outbox, steps) == ["accepted", "delivered"]


def test_a_forged_report_changes_nothing(recallgate_outbox: Outbox) -> None:
    async def steps(client: httpx.AsyncClient) -> tuple[int, str]:
        await client.post("/sign-in", json=ASKED)
        told = await client.post("/messages/callbacks/sms/guess?m=a1b2c3d4", json={"type": "delivered"})
        return told.status_code, (await client.get("/messages/a1b2c3d4/state")).json()["state"]

    assert talk(recallgate_outbox, steps) == (404, "accepted")


def test_a_refusal_is_told_to_the_client(recallgate_outbox: Outbox) -> None:
    recallgate_outbox.refuse("sms", ErrorKind.INVALID_RECIPIENT)

    reply = talk(recallgate_outbox, lambda client: client.post("/sign-in", json=ASKED))

    assert reply.status_code == 502
    assert_nothing_sent(recallgate_outbox)


def test_an_unknown_message_is_not_found(recallgate_outbox: Outbox) -> None:
    assert talk(recallgate_outbox, lambda client: client.get("/messages/nothing/state")).status_code == 404
