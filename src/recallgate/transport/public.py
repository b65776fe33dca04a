"""Connections to the public internet only, for addresses that others gave us: a webhook must not reach our own network."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpcore
import httpx

from recallgate.model.errors import ErrorKind, SendError

PORTS = (80, 443)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[str]]]
_UNICAST = ipaddress.IPv6Network("2000::/3")
_TUNNELS = (ipaddress.IPv6Network("2001::/32"), ipaddress.IPv6Network("2002::/16"))  # Teredo and 6to4 hide an IPv4 address
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether everybody may reach it: no private, loopback, link-local, multicast or reserved address, however it is written."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(address.packed[-4:]))
        if address not in _UNICAST or any(address in net for net in _TUNNELS):
            return False
    return address.is_global and not address.is_multicast


class PublicOnly(httpcore.AsyncNetworkBackend):
    """Looks a name up once, refuses it when any of its addresses is not public, and connects to what it has checked."""

    def __init__(self, inner: httpcore.AsyncNetworkBackend, resolve: Resolve | None = None) -> None:
        self._inner = inner
        self._resolve = resolve or _looked_up

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature of httpcore
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        if port not in PORTS:
            raise _refused("the port is neither 80 nor 443")
        try:
            async with asyncio.timeout(timeout):
                found = await self._resolve(host, port)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("the name could not be looked up") from None
        if not found or not all(is_public(ipaddress.ip_address(one)) for one in found):
            raise _refused("the host is not on the public internet")
        for one in found[:-1]:
            try:
                return await self._inner.connect_tcp(one, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._inner.connect_tcp(found[-1], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature of httpcore
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise _refused("a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


def restrict(transport: httpx.AsyncHTTPTransport) -> httpx.AsyncHTTPTransport:
    """The transport, which from now on connects to public addresses only."""
    # httpx passes no backend on to its pool; below it, TLS still checks the name and mocks still see the name
    pool = transport._pool
    pool._network_backend = PublicOnly(pool._network_backend)
    return transport


async def _looked_up(host: str, port: int) -> list[str]:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]).partition("%")[0] for *_, address in found))


def _refused(why: str) -> SendError:
    # not the recipient's fault: another account may reach it, and nothing is suppressed
    return SendError(ErrorKind.UNSUPPORTED, "address.private", why)
