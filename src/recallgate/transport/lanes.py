"""Lanes: one single-connection transport a lane and origin, handed out last in, first out.

The stock pool re-scans all its connections for each queued request, which costs more than the request itself beyond ten
in flight. A lane never queues: whoever gets one has its connection alone.
"""

from collections.abc import AsyncIterator, Callable
from typing import cast

import httpx

Origin = tuple[str, str, int | None]


class LaneTransport(httpx.AsyncBaseTransport):
    """Hands each request to an idle lane of its origin, or to a new one; the caller bounds how many are in flight."""

    def __init__(
        self,
        *,
        make: Callable[[], httpx.AsyncBaseTransport] | None = None,
        keep: int = 200,
        proxy: httpx.Proxy | None = None,
        public_only: bool = False,
    ) -> None:
        self._make = make or _single(proxy, public_only=public_only)
        self._keep = keep
        self._idle: dict[Origin, list[httpx.AsyncBaseTransport]] = {}
        self._closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        origin = (request.url.scheme, request.url.host, request.url.port)
        idle = self._idle.setdefault(origin, [])
        lane = idle.pop() if idle else self._make()
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            await lane.aclose()
            raise
        response.stream = _Returning(cast(httpx.AsyncByteStream, response.stream), lambda: self._give_back(origin, lane))
        return response

    def _give_back(self, origin: Origin, lane: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport | None:
        idle = self._idle[origin]
        if self._closed or len(idle) >= self._keep:
            return lane
        idle.append(lane)
        return None

    async def aclose(self) -> None:
        self._closed = True
        lanes = [lane for idle in self._idle.values() for lane in idle]
        self._idle.clear()
        for lane in lanes:
            await lane.aclose()


class _Returning(httpx.AsyncByteStream):
    """The answer's body; when it is closed its lane is idle again, or closed when there are enough."""

    def __init__(self, body: httpx.AsyncByteStream, give_back: Callable[[], httpx.AsyncBaseTransport | None]) -> None:
        self._body = body
        self._give_back: Callable[[], httpx.AsyncBaseTransport | None] | None = give_back

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._body.__aiter__()

    async def aclose(self) -> None:
        await self._body.aclose()
        if self._give_back is not None:
            give_back, self._give_back = self._give_back, None
            surplus = give_back()
            if surplus is not None:
                await surplus.aclose()


def _single(proxy: httpx.Proxy | None, *, public_only: bool) -> Callable[[], httpx.AsyncBaseTransport]:
    context = httpx.create_ssl_context()  # one for all lanes: making it costs more than many requests
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=60)

    def make() -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(verify=context, limits=limits, proxy=proxy)

    if not public_only:
        return make
    from recallgate.transport.public import restrict

    return lambda: restrict(make())
