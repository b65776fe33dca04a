"""What tests of adapters share: frozen tools, refusals, and a send by direct calls between adapter and face."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from recallgate import (
    Adapter,
    ErrorKind,
    FaceReply,
    Fault,
    IdSource,
    Message,
    Receipt,
    SendError,
    Token,
    TokenAuth,
    Tools,
    VendorFace,
    authorize,
)

DATA = Path(__file__).parent.parent / "data"
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
CALLBACK = "https://app.example/callbacks/acme/s3cret"


def facts(vendor: str) -> dict[str, Any]:
    """What the vendor's documents say, copied beside the tests."""
    read: dict[str, Any] = json.loads((DATA / "vendors" / f"{vendor}.json").read_text(encoding="utf-8"))
    return read


def tools(now: datetime = NOW, *, callbacks: bool = True, nonce: str = "0123456789abcdef" * 8) -> Tools:
    def url(message: Message, kind: str = "status", **_: str) -> str | None:
        return f"{CALLBACK}?m={message.id}&k={kind}" if callbacks else None

    return Tools(now=lambda: now, nonce=lambda n: nonce[:n], callback_url=url)


def refusal(call: Callable[..., object], *arguments: object) -> SendError:
    with pytest.raises(SendError) as caught:
        call(*arguments)
    return caught.value


def response(reply: FaceReply) -> httpx.Response:
    return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)


def token_of(adapter: Adapter, face: VendorFace, now: datetime = NOW) -> Token | None:
    """The access token that the face grants; None where the adapter needs none."""
    if not isinstance(adapter.auth, TokenAuth):
        return None
    return adapter.auth.parse(response(face.answer(adapter.auth.build(), now=now, new_id=IdSource("seed"))))


def asked(
    adapter: Adapter, face: VendorFace, request: httpx.Request, *, now: datetime = NOW, fault: Fault | None = None
) -> FaceReply:
    """What the face answers to a request with credentials on it."""
    authorized = authorize(adapter, request, token_of(adapter, face, now))
    return face.answer(authorized, now=now, new_id=IdSource("seed"), fault=fault)


def sent(adapter: Adapter, face: VendorFace, message: Message, *, now: datetime = NOW) -> tuple[Receipt, FaceReply]:
    reply = asked(adapter, face, adapter.build(message), now=now)
    return adapter.parse(message, response(reply)), reply


def fault_kind(adapter: Adapter, face: VendorFace, message: Message, fault: Fault) -> ErrorKind:
    """The kind that the adapter reads from the face's way of telling a fault."""
    reply = asked(adapter, face, adapter.build(message), fault=fault)
    assert not reply.taken
    return refusal(adapter.parse, message, response(reply)).kind
