"""Vendors' callbacks over HTTP: who is let in, what the adapter gets to see, and what the vendor hears."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from recallgate import Callback, CallbackReading, ConfigError, ForgedCallback, GatewayConfig, Message, Reply, State
from recallgate.testing import Outbox, make_outbox
from recallgate.web import gateway_app

PUBLIC = "https://app.example"


def asked(outbox: Outbox, talk: Callable[[httpx.AsyncClient], Awaitable[Any]], *, app: Any = None) -> Any:
    """The answer to requests against the application of an open gateway."""

    async def run() -> Any:
        async with outbox as gateway:
            transport = httpx.ASGITransport(app or gateway_app(gateway))
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
                return await talk(client)

    return asyncio.run(run())


def an_outbox(public_url: str | None = PUBLIC) -> Outbox:
    return make_outbox(GatewayConfig(public_url=public_url))


def path(outbox: Outbox, account: str = "sms", query: str = "") -> str:
    (secret, *_) = outbox.gateway._secrets[account]
    return f"/callbacks/{account}/{secret}{query}"


def hearing(outbox: Outbox, monkeypatch: pytest.MonkeyPatch, answer: Any = None, account: str = "sms") -> list[Callback]:
    """Let the account's adapter keep what it is given, and answer or raise `answer`."""
    heard: list[Callback] = []

    def read(callback: Callback) -> CallbackReading:
        heard.append(callback)
        if isinstance(answer, Exception):
            raise answer
        return CallbackReading((), answer or Reply())

    monkeypatch.setattr(outbox.gateway.accounts[account].adapter, "read_callback", read)
    return heard


def test_a_report_raises_the_state_of_its_message() -> None:
    outbox = an_outbox()

    async def talk(client: httpx.AsyncClient) -> tuple[int, State]:
        delivery = await outbox.gateway.send(Message.sms("+14155550123", "Code 4821", purpose="otp"))
        reply = await client.post(path(outbox), json={"type": "delivered", "message_id": delivery.message_id})
        return reply.status_code, State((await outbox.gateway.explain(delivery.message_id))["message"]["state"])

    assert asked(outbox, talk) == (200, State.DELIVERED)


def test_the_adapter_gets_the_public_address_whatever_the_proxy_says(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = an_outbox()
    heard = hearing(outbox, monkeypatch)
    query = "?m=1&k=a%2Fb&note=%E4%BD%A0+x"

    async def talk(client: httpx.AsyncClient) -> httpx.Response:
        headers = {"host": "10.0.0.7:8000", "x-forwarded-host": "evil.example", "x-forwarded-proto": "http"}
        return await client.post(path(outbox, query=query), content=b"a=1", headers=headers)

    reply = asked(outbox, talk)

    assert reply.status_code == 200
    assert heard[0].url == PUBLIC + path(outbox, query=query)
    assert (heard[0].method, heard[0].body, heard[0].received_at) == ("POST", b"a=1", outbox.gateway.clock.now())


@pytest.mark.parametrize("by", ["a framework", "the application"])
def test_a_mounted_application_counts_its_path_once(monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    outbox = an_outbox(f"{PUBLIC}/messages")
    heard = hearing(outbox, monkeypatch)
    if by == "a framework":
        app = Starlette(routes=[Mount("/messages", gateway_app(outbox.gateway))])
    else:
        app = gateway_app(outbox.gateway, mount="/messages")

    reply = asked(outbox, lambda client: client.get(f"/messages{path(outbox)}?k=status"), app=app)

    assert reply.status_code == 200
    assert heard[0].url == f"{PUBLIC}/messages{path(outbox)}?k=status"
    assert heard[0].method == "GET"


def test_the_address_given_to_vendors_reaches_the_application(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = an_outbox()
    heard = hearing(outbox, monkeypatch)
    url = outbox.gateway.callback_url("sms", Message.sms("+14155550123", "x", purpose="otp"))
    assert url is not None

    asked(outbox, lambda client: client.post(url.removeprefix(PUBLIC)))

    assert heard[0].url == url


def test_without_a_public_address_the_request_speaks_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = an_outbox(None)
    heard = hearing(outbox, monkeypatch)

    asked(outbox, lambda client: client.get(path(outbox) + "?a=1"))

    assert heard[0].url == f"http://testserver{path(outbox)}?a=1"


def test_the_reply_of_the_adapter_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = an_outbox()
    hearing(outbox, monkeypatch, Reply(202, {"content-type": "text/xml"}, b"<Response/>"))

    reply = asked(outbox, lambda client: client.post(path(outbox)))

    assert (reply.status_code, reply.headers["content-type"], reply.content) == (202, "text/xml", b"<Response/>")


@pytest.mark.parametrize(
    "wrong",
    [
        "/callbacks/sms/wrong",
        "/callbacks/nobody/{secret}",
        "/callbacks/voice/{secret}",
        "/callbacks/sms/{secret}x",
        "/callbacks/sms/%F0%9F%98%80",
        "/callbacks/sms/",
    ],
)
def test_a_wrong_secret_or_account_is_not_found_and_not_read(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    outbox = an_outbox()
    heard = hearing(outbox, monkeypatch) + hearing(outbox, monkeypatch, account="voice")
    address = wrong.replace("{secret}", outbox.gateway._secrets["sms"][0])

    reply = asked(outbox, lambda client: client.post(address, content=b"x" * 500_000))

    assert reply.status_code == 404
    assert not heard


def test_an_unknown_account_is_compared_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = an_outbox()
    compared: list[str] = []
    check = outbox.gateway.check_secret

    def noted(account: str, secret: str) -> bool:
        compared.append(account)
        return check(account, secret)

    monkeypatch.setattr(outbox.gateway, "check_secret", noted)

    asked(outbox, lambda client: client.post("/callbacks/nobody/wrong"))

    assert compared == ["sms"]


@pytest.mark.parametrize(("size", "status"), [(256 * 1024, 200), (256 * 1024 + 1, 413), (5_000_000, 413)])
def test_a_body_is_capped_as_it_comes_not_by_what_it_says(monkeypatch: pytest.MonkeyPatch, size: int, status: int) -> None:
    outbox = an_outbox()
    heard = hearing(outbox, monkeypatch)
    drawn = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal drawn
        for start in range(0, size, 16_384):
            piece = b"x" * min(16_384, size - start)
            drawn += len(piece)
            yield piece

    reply = asked(outbox, lambda client: client.post(path(outbox), content=chunks(), headers={"content-length": "3"}))

    assert reply.status_code == status
    assert [len(one.body) for one in heard] == ([size] if status == 200 else [])
    assert drawn <= 256 * 1024 + 16_384


@pytest.mark.parametrize("status", [401, 403])
def test_a_forged_callback_hears_its_status_and_nothing_else(monkeypatch: pytest.MonkeyPatch, status: int) -> None:
    outbox = an_outbox()
    hearing(outbox, monkeypatch, ForgedCallback("the signature over secret parts differs", status=status))

    reply = asked(outbox, lambda client: client.post(path(outbox)))

    assert (reply.status_code, reply.content) == (status, b"")


def test_an_account_without_callbacks_has_no_such_address(monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = an_outbox()
    hearing(outbox, monkeypatch, ConfigError("takes no callbacks"))

    assert asked(outbox, lambda client: client.post(path(outbox))).status_code == 404


def test_a_closed_store_makes_the_vendor_come_again() -> None:
    outbox = an_outbox()

    async def talk(client: httpx.AsyncClient) -> httpx.Response:
        await outbox.gateway.store.close()
        return await client.post(path(outbox), json={"type": "delivered", "message_id": "x"})

    reply = asked(outbox, talk)

    assert (reply.status_code, reply.content) == (503, b"")
    assert int(reply.headers["retry-after"]) > 0


def test_a_fault_in_the_store_shows_no_words_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = an_outbox()

    async def broken(account: str, callback: Callback) -> Reply:
        raise RuntimeError(f"insert failed: {callback.body.decode()}")

    monkeypatch.setattr(outbox.gateway, "receive", broken)

    reply = asked(outbox, lambda client: client.post(path(outbox), content=b"from +14155550123"))

    assert reply.status_code == 503
    assert "RuntimeError" in caplog.text
    assert "4155550123" not in caplog.text


def test_other_methods_are_refused() -> None:
    outbox = an_outbox()

    assert asked(outbox, lambda client: client.delete(path(outbox))).status_code == 405


def test_health_tells_whether_the_store_answers() -> None:
    outbox = an_outbox()

    async def talk(client: httpx.AsyncClient) -> list[int]:
        up = await client.get("/health")
        await outbox.gateway.store.close()
        return [up.status_code, (await client.get("/health")).status_code]

    assert asked(outbox, talk) == [200, 503]


@pytest.mark.parametrize("mount", ["messages", "/messages/", "/"])
def test_a_mount_that_is_no_path_is_refused(mount: str) -> None:
    with pytest.raises(ConfigError, match="mount"):
        gateway_app(an_outbox().gateway, mount=mount)


def test_without_starlette_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "starlette", None)

    with pytest.raises(ConfigError, match=r"recallgate\[web\]"):
        gateway_app(an_outbox().gateway)
