"""The vendor's side of the wire, for sandboxes: written from the vendor's documents, never from the adapter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

import httpx

from recallgate.adapter import Callback
from recallgate.model.errors import ErrorKind
from recallgate.model.event import EventType


@dataclass(frozen=True)
class Taken:
    """One message that a face accepted, in the words of the sandbox: who gets what, and where news is wanted.

    `vendor_id` is the vendor's; `recipient` the address key; `text` what a person would read or hear; `links` the URLs in
    it; `callback_url` where reports go (None: nowhere); `keys` the digits a call offers, each with the URL that hears it;
    `data` whatever the face needs again to write its callbacks.
    """

    vendor_id: str
    recipient: str
    channel: str
    text: str
    links: tuple[str, ...] = ()
    callback_url: str | None = None
    keys: Mapping[str, str] = field(default_factory=dict)
    unsubscribe_url: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class FaceReply:
    """The HTTP answer of a face, and the messages it took with it (none for refusals and token requests)."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    taken: tuple[Taken, ...] = ()


@dataclass(frozen=True)
class Fault:
    """What the world wants this request to meet: a refusal of this kind, told in the vendor's own way."""

    kind: ErrorKind
    code: str | None = None
    retry_after_s: int | None = None


@dataclass(frozen=True)
class WorldEvent:
    """What the world wants to tell of a message: an event, with the failure behind it and what a person typed or pressed.

    `at` is when it happened, `told_at` when the vendor tells it, which may be much later: signatures that are good for
    minutes only are made then. None: at once.
    """

    type: EventType
    at: datetime
    kind: ErrorKind | None = None
    text: str | None = None
    key: str | None = None
    told_at: datetime | None = None


class VendorFace:
    """One vendor's API as its clients see it: checks credentials, answers in its shapes, signs its callbacks.

    `answer` gets the request, the instant, a source of vendor ids that is the same for the same seed, and, when the world
    says so, a `Fault` to answer with. `callbacks` turns news into the vendor's own HTTP requests, signed.
    """

    adapter: ClassVar[str]
    hosts: ClassVar[Sequence[str]] = ()

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config

    def answer(self, request: httpx.Request, *, now: datetime, new_id: "IdSource", fault: Fault | None = None) -> FaceReply:
        raise NotImplementedError

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        """The vendor's requests that tell this news; empty where the vendor tells no such thing."""
        return ()

    def inbound(self, sender: str, recipient: str, text: str, *, url: str, at: datetime, nonce: str) -> Sequence[Callback]:
        """A person writes to the account; empty where the vendor has no inbound."""
        return ()


class IdSource:
    """Vendor ids that repeat with the seed: n hexadecimal characters from the seed and the request."""

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def hex(self, *parts: str, length: int = 32) -> str:
        import hashlib

        digest = hashlib.sha256("\x1f".join((self._seed, *parts)).encode()).hexdigest()
        return (digest * (length // 64 + 1))[:length]
