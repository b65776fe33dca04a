"""An adapter and the face of its vendor meet: what one writes the other reads, without either being made from the other."""

from collections.abc import Iterable

import httpx

from recallgate import (
    Adapter,
    Callback,
    Event,
    FaceReply,
    Fault,
    IdSource,
    Message,
    Receipt,
    SendError,
    Taken,
    VendorFace,
    authorize,
)
from recallgate.testing.exchanges import NOW


def ask(face: VendorFace, request: httpx.Request, fault: Fault | None = None) -> FaceReply:
    return face.answer(request, now=NOW, new_id=IdSource("seed"), fault=fault)


def answered(reply: FaceReply) -> httpx.Response:
    return httpx.Response(reply.status, headers=reply.headers, content=reply.body)


def send(adapter: Adapter, face: VendorFace, message: Message, fault: Fault | None = None) -> tuple[Receipt, Taken]:
    """The receipt and what the vendor took; raises what the adapter raises."""
    reply = ask(face, authorize(adapter, adapter.build(message)), fault)
    return adapter.parse(message, answered(reply)), reply.taken[0]


def refused(adapter: Adapter, face: VendorFace, message: Message, fault: Fault | None = None) -> SendError:
    """The error of a message that the vendor does not take."""
    try:
        send(adapter, face, message, fault)
    except SendError as exc:
        return exc
    raise AssertionError("the vendor took the message")


def read(adapter: Adapter, callbacks: Iterable[Callback]) -> list[Event]:
    return [event for callback in callbacks for event in adapter.read_callback(callback).events]
