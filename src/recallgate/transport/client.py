"""One client an account, for the life of the process: deadline, size cap, and what a broken wire means."""

import logging
from typing import cast

import httpx

from recallgate.model.errors import ErrorKind, SendError
from recallgate.transport.deadline import Deadlines
from recallgate.transport.unpack import TooLong, unpack

MAX_BODY = 1 << 20
_HEADERS = {"accept-encoding": "identity", "user-agent": "recallgate"}
_log = logging.getLogger("recallgate.transport")


class Wire:
    """Sends one request within a deadline and reads an answer of at most 1 MiB. Redirects are not followed.

    Faults are `SendError`s: UNAVAILABLE when no connection was made (certainly not sent), UNCERTAIN for everything after.
    """

    def __init__(self, transport: httpx.AsyncBaseTransport, *, deadline_s: float = 30.0) -> None:
        self._deadlines = Deadlines(deadline_s)
        timeout = httpx.Timeout(deadline_s, connect=min(10.0, deadline_s))
        self._client = httpx.AsyncClient(transport=transport, timeout=timeout, follow_redirects=False, trust_env=False)
        self._timeout = timeout.as_dict()

    async def send(self, request: httpx.Request) -> httpx.Response:
        for name, value in _HEADERS.items():
            if name not in request.headers:
                request.headers[name] = value
        request.extensions = {**request.extensions, "timeout": self._timeout}
        try:
            return await self._deadlines.within(self._exchange(request))
        except TimeoutError as exc:
            raise SendError(ErrorKind.UNCERTAIN, "deadline", f"no whole answer within {self._deadlines.seconds:g} s") from exc
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as exc:
            raise SendError(ErrorKind.UNAVAILABLE, "connect", type(exc).__name__) from exc
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.InvalidURL) as exc:
            raise SendError(ErrorKind.UNKNOWN, "request", type(exc).__name__) from exc
        except httpx.HTTPError as exc:
            raise SendError(ErrorKind.UNCERTAIN, "broken", type(exc).__name__) from exc

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        # The client's own send() would add cookies, redirects and auth flows, none of which a vendor call has, at 0.2 ms a
        # call. Asking the client for the transport keeps it in the way, so that what mocks clients mocks this, too.
        response = await self._client._transport_for_url(request.url).handle_async_request(request)
        body = cast(httpx.AsyncByteStream, response.stream)
        whole = bytearray()
        try:
            # read as it comes: the layers of the response cost as much again as reading, and unpack whatever there is
            async for chunk in body:
                whole += chunk
                if len(whole) > MAX_BODY:
                    raise _too_large()
        finally:
            await body.aclose()
        _log.debug("%s %s answered %s", request.method, request.url.host, response.status_code)
        if (codings := response.headers.get("content-encoding")) is not None:
            try:
                content = unpack(bytes(whole), codings, most=MAX_BODY)
            except TooLong:
                raise _too_large() from None
            return httpx.Response(response.status_code, headers=_plain(response.headers), content=content, request=request)
        response.stream = httpx.ByteStream(bytes(whole))
        response.read()
        response.request = request
        return response

    async def close(self) -> None:
        await self._client.aclose()


def _too_large() -> SendError:
    return SendError(ErrorKind.UNCERTAIN, "too large", f"the answer is longer than {MAX_BODY} bytes")


def _plain(headers: httpx.Headers) -> list[tuple[str, str]]:
    """The answer's headers without those that describe the encoded body: it is decoded already."""
    return [
        (name, value)
        for name, value in headers.multi_items()
        if name not in ("content-encoding", "content-length", "transfer-encoding")
    ]
