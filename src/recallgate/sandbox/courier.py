"""Courier: carries out what the world does in real time, by HTTP to the addresses that messages named."""

import asyncio
import ipaddress
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urlsplit

import httpx

from recallgate.sandbox.happenings import Deed, Happening, Inbound, Report, Visit
from recallgate.sandbox.vendors import Vendors

_log = logging.getLogger("recallgate.sandbox")
_LONGEST_NAP_S = 0.25
_TOGETHER = 50


class Courier:
    """Posts callbacks and follows links when they are due.

    Only this machine is called, and `hosts` that were named: links in test messages may point anywhere. What a host
    answers is counted, never raised; `counts` has `told`, `failed` and `withheld`.
    """

    def __init__(self, vendors: Vendors, *, hosts: Collection[str] = (), client: httpx.AsyncClient | None = None) -> None:
        self._vendors = vendors
        self._hosts = frozenset(hosts)
        self._client = client or httpx.AsyncClient(timeout=10.0, trust_env=False, follow_redirects=False)
        self._slots = asyncio.Semaphore(_TOGETHER)
        self.counts: Counter[str] = Counter()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is on its way then is brought to its end."""
        under_way: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            for happening in self._vendors.world.take_due(self._vendors.clock.now()):
                task = asyncio.create_task(self.carry(happening))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
            try:
                await asyncio.wait_for(stop.wait(), self._nap_s())
            except TimeoutError:
                continue
        await asyncio.gather(*under_way)

    async def close(self) -> None:
        await self._client.aclose()

    async def carry(self, happening: Happening) -> None:
        """Carry out one happening."""
        async with self._slots:
            match happening.what:
                case Report() | Inbound() as news:
                    for told in self._vendors.callbacks(news):
                        await self._call(told.method, told.url, dict(told.headers), told.body)
                    for deliver in self._vendors.deliveries(news):
                        await self._bring(deliver)
                case Visit(url, method, agent):
                    await self._call(method, url, {"user-agent": agent or ""}, b"")
                case Deed():
                    self.counts["withheld"] += 1  # what people do in an app has no address

    async def _bring(self, deliver: Callable[[], Awaitable[None]]) -> None:
        try:
            await deliver()
        except OSError as exc:
            self.counts["failed"] += 1
            _log.warning("news could not be delivered: %s", type(exc).__name__)
            return
        self.counts["told"] += 1

    async def _call(self, method: str, url: str, headers: dict[str, str], body: bytes) -> None:
        if not self.may_call(url):
            self.counts["withheld"] += 1
            return
        try:
            response = await self._client.request(method, url, headers=headers, content=body)
        except httpx.HTTPError as exc:
            self.counts["failed"] += 1
            _log.warning("a callback could not be brought to %s: %s", urlsplit(url).hostname, type(exc).__name__)
            return
        self.counts["failed" if response.status_code >= 400 else "told"] += 1

    def may_call(self, url: str) -> bool:
        """Whether an address is on this machine or one of the named hosts."""
        try:
            host = urlsplit(url).hostname or ""
        except ValueError:
            return False
        if host == "localhost" or host in self._hosts:
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    def _nap_s(self) -> float:
        due = self._vendors.world.next_due()
        if due is None:
            return _LONGEST_NAP_S
        return min(_LONGEST_NAP_S, max(0.001, (due - self._vendors.clock.now()).total_seconds()))
