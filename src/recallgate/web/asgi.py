"""What the routes share: Starlette when it is there, whole bodies under a cap, and the public address of a request."""

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import quote

from recallgate.model.errors import ConfigError

if TYPE_CHECKING:
    from starlette.requests import Request


def need_starlette() -> None:
    """Raises `ConfigError` with the remedy where Starlette is not installed."""
    try:
        import_module("starlette")
    except ImportError as exc:
        raise ConfigError("web: starlette is not installed; pip install 'recallgate[web]'") from exc


async def read_body(request: "Request", most: int, *, within_s: float) -> bytes | None:
    """The body, counted as it comes (Content-Length is the sender's claim); None when it is longer than `most` bytes.

    Raises TimeoutError when it is not there within so many seconds, however steadily it drips.
    """
    body = bytearray()
    async with asyncio.timeout(within_s):
        async for chunk in request.stream():
            body += chunk
            if len(body) > most:
                return None
    return bytes(body)


def public_address(request: "Request", public_url: str | None) -> str:
    """The address that the vendor called, which is what it signed: ours, not what a proxy made of it.

    The path under which we are mounted is part of `public_url`. Without a public address, the request's own.
    """
    scope = request.scope
    if public_url is None:
        return str(request.url)
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    path = raw.decode("ascii", "replace").partition("?")[0].removeprefix(quote(scope.get("root_path", "")))
    query = scope.get("query_string", b"").decode("ascii", "replace")
    return f"{public_url}{path}{'?' + query if query else ''}"
