"""The transport of an account: lanes, aiohttp below httpx's types, or HTTP/2 where a vendor speaks nothing else; and proxies."""

import logging
import urllib.request
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any, Literal

import httpx

from recallgate.model.errors import ConfigError
from recallgate.transport.lanes import LaneTransport

Kind = Literal["lanes", "fast"]
Make = Callable[[str | None], httpx.AsyncBaseTransport]
_SCHEMES = ("http", "https", "all")


def check_transport(account: str, kind: Kind, *, http2: bool, public_only: bool = False) -> None:
    """Raise ConfigError when an account asks for a transport that it cannot have."""
    if kind != "fast":
        return
    if public_only:
        raise ConfigError(f"account {account}: transport: fast cannot keep to public hosts; leave it out, or set private_hosts")
    if http2:
        raise ConfigError(f"account {account}: transport: this vendor speaks HTTP/2, which fast does not; leave it out")
    if find_spec("httpx_aiohttp") is None:
        raise ConfigError(f"account {account}: transport: fast needs an extra: pip install 'recallgate[fast]'")


def transport_for(
    kind: Kind = "lanes", *, http2: bool = False, proxy: str | None = None, in_flight: int = 200, public_only: bool = False
) -> httpx.AsyncBaseTransport:
    """A transport through `proxy`, else through what HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say of each host.

    `public_only`: without a proxy only public addresses are connected to; a proxy looks names up itself, and decides.
    """
    _hush()
    make: Make = partial(_made, kind, http2, in_flight, public_only)
    if proxy is not None or not any(scheme in urllib.request.getproxies() for scheme in _SCHEMES):
        return make(proxy)
    return EnvironmentProxies(make)


def _hush() -> None:
    """Keep headers out of the logs of an app that logs everything: credentials and device tokens are among them."""
    for name in ("httpcore", "hpack"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:  # who sets a level for them wants it
            logger.setLevel(logging.INFO)


def _made(kind: Kind, http2: bool, in_flight: int, public_only: bool, proxy: str | None) -> httpx.AsyncBaseTransport:
    over = httpx.Proxy(proxy) if proxy is not None else None
    if http2:
        return httpx.AsyncHTTPTransport(http1=False, http2=True, proxy=over)
    if kind == "lanes":
        return LaneTransport(proxy=over, keep=in_flight, public_only=public_only and proxy is None)
    from httpx_aiohttp import AiohttpTransport

    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    made: Any = AiohttpTransport(limits=limits, proxy=over, trust_env=False)
    assert isinstance(made, httpx.AsyncBaseTransport)
    return made


class EnvironmentProxies(httpx.AsyncBaseTransport):
    """One transport a proxy; which of them a request takes is looked up once a host."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._hosts: dict[tuple[str, str], httpx.AsyncBaseTransport] = {}
        self._made: dict[str | None, httpx.AsyncBaseTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = (request.url.scheme, request.url.host)
        transport = self._hosts.get(host)
        if transport is None:
            proxy = _proxy_of(*host)
            if proxy not in self._made:
                self._made[proxy] = self._make(proxy)
            transport = self._hosts[host] = self._made[proxy]
        return await transport.handle_async_request(request)

    async def aclose(self) -> None:
        for transport in self._made.values():
            await transport.aclose()


def _proxy_of(scheme: str, host: str) -> str | None:
    proxies = urllib.request.getproxies()
    found = proxies.get(scheme) or proxies.get("all")
    if not found or urllib.request.proxy_bypass(host):
        return None
    return found if "://" in found else f"http://{found}"
