"""The ASGI application of a gateway: `/callbacks/{account}/{secret}`, `/l/{code}`, `/u/{code}`, `/health`.

It runs alone under any ASGI server, or mounted in an app: `app.mount("/messages", gateway_app(gateway))`, with a
`public_url` that ends in `/messages`. Whoever made the gateway opens and closes it.
"""

import asyncio
import logging
import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlalchemy import text

from recallgate.adapter import Callback
from recallgate.gateway import ClickAnswer, Gateway
from recallgate.model.errors import ConfigError, ForgedCallback, RecallgateError
from recallgate.web.asgi import need_starlette, public_address, read_body
from recallgate.web.pages import HEADERS, page

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

MAX_CALLBACK = 256 * 1024
MOST_AT_ONCE = 200  # callbacks of one account; at 256 KiB each they hold 50 MiB at the worst
_BODY_S = 10.0
_HEALTH_S = 5.0
_CODE = re.compile(r"[0-9A-Za-z]{1,64}", re.ASCII)
_log = logging.getLogger("recallgate.web")


def gateway_app(gateway: Gateway, *, mount: str = "", datacentre: Callable[[str], bool] | None = None) -> "Starlette":
    """The application for a gateway that is open.

    `mount` is the path before ours where nothing takes it off on the way (a framework's mount does): with
    `mount="/messages"` callbacks come to `/messages/callbacks/…`, and `public_url` ends in `/messages`. `datacentre`
    answers whether a client's host belongs to a datacentre: such clicks are machines. Raises `ConfigError` without the
    extra `web`.
    """
    need_starlette()
    if mount and (not mount.startswith("/") or mount.endswith("/")):
        raise ConfigError(f"mount: {mount!r} is not a path; write it as /messages")
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route

    callbacks, links = _Callbacks(gateway), _Links(gateway, datacentre)

    async def health(request: "Request") -> "Response":
        return await _health(gateway)

    routes = [
        Route("/callbacks/{account}/{secret}", callbacks.take, methods=["GET", "POST"]),
        Route("/l/{code}", links.follow, methods=["GET"]),
        Route("/u/{code}", links.unsubscribe, methods=["GET", "POST"]),
        Route("/health", health, methods=["GET"]),
    ]
    return Starlette(routes=[Mount(mount, routes=routes)] if mount else routes)


class _Callbacks:
    """Vendors' callbacks. The address's secret is asked for before anything of the request is read."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._open: Counter[str] = Counter()

    async def take(self, request: "Request") -> "Response":
        from starlette.responses import Response

        account, secret = request.path_params["account"], request.path_params["secret"]
        if not self._admitted(account, secret):
            return Response(status_code=404)
        if self._open[account] >= MOST_AT_ONCE:
            return Response(status_code=503, headers={"retry-after": "30"})
        self._open[account] += 1
        try:
            return await self._taken(request, account)
        finally:
            self._open[account] -= 1

    async def _taken(self, request: "Request", account: str) -> "Response":
        from starlette.requests import ClientDisconnect
        from starlette.responses import Response

        try:
            body = await read_body(request, MAX_CALLBACK, within_s=_BODY_S)
        except ClientDisconnect:
            return Response(status_code=400)
        except TimeoutError:
            return Response(status_code=408)
        if body is None:
            return Response(status_code=413)
        return await self._answer(account, self._callback(request, body))

    def _admitted(self, account: str, secret: str) -> bool:
        known = account in self._gateway.accounts
        # an unknown account costs the same comparison, so that the time taken does not tell which accounts there are
        asked = account if known else next(iter(self._gateway.accounts), account)
        return self._gateway.check_secret(asked, secret) and known

    def _callback(self, request: "Request", body: bytes) -> Callback:
        import httpx

        url = public_address(request, self._gateway.config.public_url)
        return Callback(request.method, url, httpx.Headers(request.headers.raw), body, self._gateway.clock.now())

    async def _answer(self, account: str, callback: Callback) -> "Response":
        from starlette.responses import Response

        try:
            reply = await self._gateway.receive(account, callback)
        except ForgedCallback as exc:
            return Response(status_code=exc.status)
        except ConfigError:  # the adapter takes no callbacks
            return Response(status_code=404)
        except Exception as exc:
            # nothing was stored: the vendor is told to come again. The traceback would show the callback's words
            _log.error("a callback of account %s could not be stored: %s", account, type(exc).__name__)
            return Response(status_code=503, headers={"retry-after": "30"})
        return Response(reply.body, status_code=reply.status, headers=dict(reply.headers))


class _Links:
    """Links of messages, followed by people and by machines."""

    def __init__(self, gateway: Gateway, datacentre: Callable[[str], bool] | None) -> None:
        self._gateway = gateway
        self._datacentre = datacentre

    async def follow(self, request: "Request") -> "Response":
        """Redirect to the stored target; what came is judged and recorded first."""
        from starlette.responses import RedirectResponse

        answer = await self._click(request, request.method)
        if answer is None:
            return _shown(request, "later", 503)
        if answer.status != 302 or answer.location is None:
            return _shown(request, "unknown", 404)
        return RedirectResponse(answer.location, 302, headers={"cache-control": "no-store", "referrer-policy": "no-referrer"})

    async def unsubscribe(self, request: "Request") -> "Response":
        """GET shows a page and changes nothing; POST acts, from the page's button or a mailbox's (RFC 8058)."""
        # looking is a HEAD here: a code of another kind under this path is then no person's click
        answer = await self._click(request, "POST" if request.method == "POST" else "HEAD")
        if answer is None:
            return _shown(request, "later", 503)
        if answer.kind != "unsubscribe" or answer.status != 200:
            return _shown(request, "unknown", 404)
        return _shown(request, "unsubscribed" if request.method == "POST" else "unsubscribe", 200)

    async def _click(self, request: "Request", method: str) -> ClickAnswer | None:
        """The gateway's answer; None when it cannot give one now."""
        code = request.path_params["code"]
        if not _CODE.fullmatch(code):
            return ClickAnswer(404)
        host = request.client.host if request.client is not None else ""
        machine = self._datacentre is not None and self._datacentre(host)
        try:
            return await self._gateway.click(
                code, method=method, agent=request.headers.get("user-agent"), datacentre=machine, at=self._gateway.clock.now()
            )
        except Exception as exc:
            _log.error("a link could not be looked up: %s", type(exc).__name__)
            return None


async def _health(gateway: Gateway) -> "Response":
    """200 when the store answers, 503 when it does not."""
    from starlette.responses import JSONResponse

    try:
        async with asyncio.timeout(_HEALTH_S):
            await gateway.store.run(lambda c: c.execute(text("select 1")).scalar(), small=True, urgent=True)
    except (RecallgateError, TimeoutError):
        return JSONResponse({"status": "store"}, 503, {"cache-control": "no-store"})
    return JSONResponse({"status": "ok"}, 200, {"cache-control": "no-store"})


def _shown(request: "Request", name: str, status: int) -> "Response":
    from starlette.responses import HTMLResponse

    return HTMLResponse(page(name, accept_language=request.headers.get("accept-language")), status, HEADERS)
