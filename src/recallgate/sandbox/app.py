"""One ASGI application with a face for each HTTP vendor, for clients that speak real HTTP."""

import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import httpx

from recallgate.model.redaction import mask, mask_email
from recallgate.sandbox.face import FaceReply, Taken
from recallgate.sandbox.vendors import MailFace, Vendor, Vendors, WireFace

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_MOST_BODY = 10 * 1024 * 1024
_SHOWN = 200


class Ledger:
    """The last messages that were taken, for the page at `/`; addresses are masked when they are written down."""

    def __init__(self) -> None:
        self._rows: deque[Mapping[str, Any]] = deque(maxlen=_SHOWN)
        self.total = 0

    def note(self, vendor: Vendor, taken: Taken, at: datetime) -> None:
        self.total += 1
        address = taken.recipient
        row = {
            "at": at.isoformat(timespec="seconds"),
            "account": vendor.name,
            "adapter": vendor.adapter,
            "channel": taken.channel,
            "to": mask_email(address) if "@" in address else mask(address),
            "vendor_id": taken.vendor_id,
            "text": taken.text,
            "links": list(taken.links),
            "reports_wanted": taken.callback_url is not None,
        }
        self._rows.append(row)

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        return list(self._rows)


class SandboxApp:
    """The application. A vendor is found by the first part of the path, else by the Host header.

    With `http://127.0.0.1:PORT/<account name>` as an account's `base_url` its vendor answers there; the rest of the path
    is the vendor's own. An outage is told as 503, a lost answer as 504.
    """

    def __init__(self, vendors: Vendors, ledger: Ledger, *, mail_port: Callable[[], int | None] = lambda: None) -> None:
        self._vendors = vendors
        self._ledger = ledger
        self._mail_port = mail_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            body = await _body(receive)
            reply = _plain(413, "the request is too large") if body is None else self.answer(scope, body)
            await _reply(reply, send, head=scope["method"] == "HEAD")

    def answer(self, scope: Scope, body: bytes) -> FaceReply:
        """The answer to a whole request."""
        path: str = scope.get("raw_path", scope["path"].encode()).decode("ascii", "replace").partition("?")[0]
        headers = httpx.Headers([(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]])
        host = headers.get("host", "localhost")
        found = self._find(path, host.partition(":")[0])
        if found is None:
            return self._page() if path in ("", "/") and scope["method"] in ("GET", "HEAD") else _plain(404, "no such vendor")
        vendor, rest = found
        query = scope.get("query_string", b"").decode("ascii", "replace")
        url = f"{scope.get('scheme', 'http')}://{host}{rest}{'?' + query if query else ''}"
        try:
            request = httpx.Request(scope["method"], url, headers=headers, content=body)
            return self._vendors.answer(vendor, request)
        except httpx.ConnectError:
            return _plain(503, "the vendor is out")
        except httpx.ReadError:
            return _plain(504, "the answer was lost")
        except httpx.InvalidURL:
            return _plain(400, "the address cannot be read")

    def _find(self, path: str, host: str) -> tuple[Vendor, str] | None:
        first, _, rest = path.removeprefix("/").partition("/")
        name = unquote(first)
        http = [vendor for vendor in self._vendors if not isinstance(vendor.face, MailFace | WireFace)]
        for vendor in http:
            if name in (vendor.name, vendor.adapter):
                return vendor, f"/{rest}"
        return next(((vendor, path) for vendor in http if host in type(vendor.face).hosts), None)

    def _page(self) -> FaceReply:
        vendors = [
            {"account": vendor.name, "adapter": vendor.adapter}
            | ({"smtp_port": self._mail_port()} if isinstance(vendor.face, MailFace) else {"path": f"/{vendor.name}"})
            for vendor in self._vendors
            if not isinstance(vendor.face, WireFace)
        ]
        counts = dict(sorted(self._vendors.world.counts.items()))
        page = {"vendors": vendors, "taken": self._ledger.total, "counts": counts, "last": self._ledger.rows}
        return FaceReply(200, json.dumps(page, ensure_ascii=False, indent=2).encode())


def sandbox_app(vendors: Vendors, ledger: Ledger, *, mail_port: Callable[[], int | None] = lambda: None) -> SandboxApp:
    """The sandbox as an ASGI application; give `vendors` the ledger's `note` as its `on_taken`."""
    return SandboxApp(vendors, ledger, mail_port=mail_port)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _body(receive: Receive) -> bytes | None:
    """The whole body; None when it is longer than 10 MiB."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > _MOST_BODY:
            return None
        if not message.get("more_body", False):
            return bytes(body)


async def _reply(reply: FaceReply, send: Send, *, head: bool) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in reply.headers.items()]
    headers.append((b"content-length", str(len(reply.body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else reply.body})


def _plain(status: int, text: str) -> FaceReply:
    return FaceReply(status, text.encode(), {"content-type": "text/plain; charset=utf-8"})
