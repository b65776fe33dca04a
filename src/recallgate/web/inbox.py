"""Routes by which an app's client reads its in-app inbox and tells what the user did."""

import inspect
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from recallgate.gateway import Gateway
from recallgate.inbox import InboxInapp
from recallgate.store import messages
from recallgate.web.asgi import need_starlette

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

UserOf = Callable[["Request"], "str | Awaitable[str | None] | None"]
_TOLD = sorted(set(InboxInapp.statuses) - {"fetched", "expired"})


def inbox_routes(gateway: Gateway, *, user_of: UserOf) -> "list[Route]":
    """`GET /inbox` lists what the user may see; `POST /inbox/{id}/{did}` tells that it was shown, read, clicked, dismissed.

    `user_of` is the app's own sign-in: the user behind a request, None for nobody (401). An item of somebody else is 404.
    """
    need_starlette()
    from starlette.responses import JSONResponse, Response
    from starlette.routing import Route

    async def signed_in(request: "Request") -> str | None:
        user = user_of(request)
        return await user if inspect.isawaitable(user) else user

    async def listed(request: "Request") -> "Response":
        user = await signed_in(request)
        if user is None:
            return Response(status_code=401)
        now = gateway.clock.now()
        items = await gateway.inbox.list(user, now=now)
        if items:
            await gateway.apply([await gateway.inbox.told(item.id, "fetched", now=now) for item in items])
        body = [
            {"id": item.id, "at": item.created_at.isoformat(), **item.content.model_dump(mode="json", exclude={"type"})}
            for item in items
        ]
        return JSONResponse(body, headers={"cache-control": "no-store"})

    async def told(request: "Request") -> "Response":
        user = await signed_in(request)
        if user is None:
            return Response(status_code=401)
        identity, did = request.path_params["id"], request.path_params["did"]
        if did not in _TOLD or not await _owns(gateway, user, identity):
            return Response(status_code=404)
        await gateway.apply([await gateway.inbox.told(identity, did, now=gateway.clock.now())])
        return Response(status_code=204)

    return [Route("/inbox", listed, methods=["GET"]), Route("/inbox/{id}/{did}", told, methods=["POST"])]


async def _owns(gateway: Gateway, user: str, identity: str) -> bool:
    row = await gateway.store.run(lambda c: messages.load(c, gateway.config.tenant, identity), small=True)
    return row is not None and row["channel"] == "inapp" and row["address"] == user
