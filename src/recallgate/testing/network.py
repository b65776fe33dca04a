"""No network in tests: HTTP is answered by a respx router, and what is not mocked fails before a name is resolved."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from unittest import mock

import httpx

from recallgate.model.errors import ConfigError

if TYPE_CHECKING:
    import respx

PASSING = ("testserver", "localhost", "127.0.0.1", "::1")


class NetworkBlocked(AssertionError):  # noqa: N818 - reads as what happened
    """A test was about to reach the network."""


@contextmanager
def mocked_http(refused: Callable[[str], None] = lambda told: None) -> "Iterator[respx.MockRouter]":
    """A respx router for every httpx client; `refused` is told, as method and host, of each request without a mock.

    Requests to `testserver` and to this machine pass. A transport that is driven without a client meets the same router;
    any other connection to another machine raises `NetworkBlocked`. Raises `ConfigError` where respx is not installed.
    """
    try:
        import respx
    except ImportError as exc:
        raise ConfigError("recallgate_http: respx is not installed; pip install 'recallgate[testing]'") from exc
    from respx.models import AllMockedAssertionError

    class Router(respx.MockRouter):
        """Tells of requests without a mock: a gateway turns what they raise into `uncertain`."""

        def handler(self, request: httpx.Request) -> httpx.Response:
            try:
                return super().handler(request)
            except AllMockedAssertionError:
                refused(f"{request.method} {request.url.host}")
                raise

        async def async_handler(self, request: httpx.Request) -> httpx.Response:
            try:
                return await super().async_handler(request)
            except AllMockedAssertionError:
                refused(f"{request.method} {request.url.host}")
                raise

    router = Router(using="httpx", assert_all_called=False)
    for host in PASSING:
        router.route(host=host).pass_through()
    with router, _direct_transports(router), _no_connections():
        yield router


@contextmanager
def _direct_transports(router: "respx.MockRouter") -> Iterator[None]:
    """Httpx transports ask the router too, for code that drives them without a client."""
    blocking, awaited = httpx.HTTPTransport.handle_request, httpx.AsyncHTTPTransport.handle_async_request

    def passes(request: httpx.Request) -> bool:
        for route in router.routes:
            pattern: Any = route.pattern  # None for a route that takes everything, though respx types it otherwise
            if pattern is None or pattern.match(request):
                return bool(route.is_pass_through)
        return False

    def handle_request(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        return blocking(self, request) if passes(request) else router.handler(request)

    async def handle_async_request(self: httpx.AsyncHTTPTransport, request: httpx.Request) -> httpx.Response:
        return await awaited(self, request) if passes(request) else await router.async_handler(request)

    with (
        mock.patch.object(httpx.HTTPTransport, "handle_request", handle_request),
        mock.patch.object(httpx.AsyncHTTPTransport, "handle_async_request", handle_async_request),
    ):
        yield


@contextmanager
def _no_connections() -> Iterator[None]:
    """Below every transport: no name is looked up and no connection is made but to this machine."""
    look_up, connect, connect_ex = socket.getaddrinfo, socket.socket.connect, socket.socket.connect_ex

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        _check(host)
        return look_up(host, *arguments, **named)

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(address[0])
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(address[0])
        return connect_ex(self, address)

    with (
        mock.patch.object(socket, "getaddrinfo", getaddrinfo),
        mock.patch.object(socket.socket, "connect", guarded_connect),
        mock.patch.object(socket.socket, "connect_ex", guarded_connect_ex),
    ):
        yield


def _check(host: Any) -> None:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if name and name not in PASSING and not name.startswith("127."):
        raise NetworkBlocked(f"a test was about to reach {name}; mock it with recallgate_http")
