"""With `recallgate_http` nothing leaves: clients, bare transports and sockets alike."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest
import respx

from recallgate import Gateway, Message, State
from recallgate.testing import MemoryStore, NetworkBlocked, mocked_http
from recallgate.transport.lanes import LaneTransport

AWAY = "https://vendor.example/v1"
DSN = "twilio.sms://AC0123456789abcdef0123456789abcdef:SECRET@default?sender=+15005550006"


@pytest.fixture(autouse=True)
def no_look_up(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names that the system was asked for: none may get this far."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def noted(host: Any, *arguments: Any, **named: Any) -> Any:
        if host not in ("127.0.0.1", "localhost", b"127.0.0.1", b"localhost"):
            asked.append(host)
            raise OSError("this test has no network")
        return real(host, *arguments, **named)

    monkeypatch.setattr(socket, "getaddrinfo", noted)
    return asked


async def by_client(url: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(url)


async def by_client_with_lanes(url: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=LaneTransport()) as client:
        return await client.get(url)


async def by_bare_transport(url: str) -> httpx.Response:
    async with httpx.AsyncHTTPTransport() as transport:
        return await _read(await transport.handle_async_request(httpx.Request("GET", url)))


async def by_bare_lanes(url: str) -> httpx.Response:
    async with LaneTransport() as transport:
        return await _read(await transport.handle_async_request(httpx.Request("GET", url)))


async def by_aiohttp(url: str) -> httpx.Response:
    from httpx_aiohttp import AiohttpTransport

    async with AiohttpTransport() as transport:
        return await _read(await transport.handle_async_request(httpx.Request("GET", url)))


async def by_blocking_client(url: str) -> httpx.Response:
    with httpx.Client() as client:
        return client.get(url)  # noqa: ASYNC212 - the blocking client is what is tested


async def by_blocking_transport(url: str) -> httpx.Response:
    with httpx.HTTPTransport() as transport:
        return await _read(transport.handle_request(httpx.Request("GET", url)))


async def _read(response: httpx.Response) -> httpx.Response:
    """A bare transport leaves the body unread."""
    if isinstance(response.stream, httpx.AsyncByteStream):
        await response.aread()
    else:
        response.read()
    return response


THROUGH_HTTPX = [by_client, by_client_with_lanes, by_bare_transport, by_bare_lanes, by_blocking_client, by_blocking_transport]


@pytest.mark.parametrize("way", [*THROUGH_HTTPX, by_aiohttp])
def test_a_request_that_is_not_mocked_fails_before_any_look_up(way: Any, recallgate_http: Any, no_look_up: list[str]) -> None:
    with pytest.raises(AssertionError):
        asyncio.run(way(AWAY))

    assert no_look_up == []


@pytest.mark.parametrize("way", THROUGH_HTTPX)
def test_a_mock_answers_each_way_of_asking_once(way: Any, recallgate_http: respx.MockRouter) -> None:
    route = recallgate_http.get(AWAY).respond(201, json={"id": 7})

    answer = asyncio.run(way(AWAY))

    assert (answer.status_code, answer.json()) == (201, {"id": 7})
    assert route.call_count == 1


@pytest.mark.parametrize("way", [*THROUGH_HTTPX, by_aiohttp])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_passes(way: Any, host: str, recallgate_http: respx.MockRouter) -> None:
    with a_server() as port:
        answer = asyncio.run(way(f"http://{host}:{port}/"))

    assert (answer.status_code, answer.content) == (200, b"here")


@pytest.mark.parametrize("way", THROUGH_HTTPX)
def test_a_route_of_ones_own_may_pass(way: Any, recallgate_http: respx.MockRouter) -> None:
    route = recallgate_http.route(path="/own").pass_through()

    with a_server() as port:
        assert asyncio.run(way(f"http://127.0.0.1:{port}/own")).content == b"here"
    assert route.call_count <= 1


def test_a_route_for_everything_answers_bare_transports(recallgate_http: respx.MockRouter) -> None:
    recallgate_http.route().respond(204)

    assert asyncio.run(by_bare_transport(AWAY)).status_code == 204


def test_an_application_in_the_process_passes(recallgate_http: respx.MockRouter) -> None:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("here"))])

    async def asked() -> str:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://testserver") as client:
            return (await client.get("/")).text

    assert asyncio.run(asked()) == "here"


@pytest.mark.parametrize("address", [("203.0.113.1", 80), ("2001:db8::1", 80, 0, 0)])
@pytest.mark.parametrize("call", ["connect", "connect_ex"])
def test_a_socket_reaches_no_other_machine(call: str, address: tuple[Any, ...], recallgate_http: respx.MockRouter) -> None:
    family = socket.AF_INET6 if len(address) == 4 else socket.AF_INET
    with socket.socket(family) as connection, pytest.raises(NetworkBlocked, match="mock it with recallgate_http"):
        getattr(connection, call)(address)


@pytest.mark.parametrize("host", ["vendor.example", b"vendor.example", "203.0.113.1"])
def test_no_name_is_looked_up(host: Any, recallgate_http: respx.MockRouter, no_look_up: list[str]) -> None:
    with pytest.raises(NetworkBlocked):
        socket.getaddrinfo(host, 443)

    assert no_look_up == []


def test_everything_is_as_before_afterwards() -> None:
    def held() -> tuple[object, ...]:
        return (
            socket.getaddrinfo,
            socket.socket.connect,
            socket.socket.connect_ex,
            httpx.HTTPTransport.handle_request,
            httpx.AsyncHTTPTransport.handle_async_request,
            httpx.AsyncClient._transport_for_url,
        )

    before = held()
    with mocked_http():
        assert all(one is not other for one, other in zip(held(), before, strict=True))

    assert held() == before
    assert "connect" not in vars(socket.socket)


def test_a_gateway_meets_the_mock(recallgate_http: respx.MockRouter) -> None:
    route = recallgate_http.post(host="api.twilio.com").respond(201, json={"sid": "SM1", "status": "queued", "num_segments": "1"})

    delivery = _sent_by_a_gateway()

    assert delivery.state is State.ACCEPTED
    assert route.call_count == 1


def test_a_gateway_without_a_mock_is_uncertain_and_the_host_is_told() -> None:
    told: list[str] = []

    with mocked_http(told.append):
        delivery = _sent_by_a_gateway()

    assert delivery.state is State.UNCERTAIN
    assert told == ["POST api.twilio.com"]


def _sent_by_a_gateway() -> Any:
    async def sent() -> Any:
        async with Gateway(DSN, store=MemoryStore()) as gateway:
            return await gateway.send(Message.sms("+14155550123", "Code 4821", purpose="otp"))

    return asyncio.run(sent())


@contextmanager
def a_server() -> Iterator[int]:
    """A server on this machine; yields its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "4")
            self.end_headers()
            self.wfile.write(b"here")

        def log_message(self, *arguments: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
