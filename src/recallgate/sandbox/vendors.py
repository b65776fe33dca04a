"""Vendors: a face for each account, answering in the process by direct calls, with the world's faults."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from hashlib import blake2b
from importlib import import_module
from typing import Any, Protocol, runtime_checkable
from urllib.parse import urlsplit, urlunsplit

import httpx
from pydantic import SecretStr

from recallgate.adapter import AdapterConfig, Callback, Driver
from recallgate.config import AccountConfig
from recallgate.gateway import Gateway
from recallgate.model.clock import Clock
from recallgate.model.errors import ConfigError, ErrorKind
from recallgate.registry import FACES, face_class, names
from recallgate.sandbox.face import FaceReply, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate.sandbox.habits import Outage
from recallgate.sandbox.happenings import Inbound, Report
from recallgate.sandbox.world import World

MailReply = tuple[int, str, Taken | None]


@runtime_checkable
class MailFace(Protocol):
    """A face that is not HTTP: it takes whole mails, and answers reply code, text and what it took."""

    def accept(
        self, envelope_from: str, recipient: str, raw: bytes, *, now: datetime, new_id: IdSource, fault: Fault | None = None
    ) -> MailReply: ...


@runtime_checkable
class WireFace(Protocol):
    """A face that is not HTTP and stands at the other end of its driver's own wire.

    `submit` answers what the driver hears, and what was taken. `attach` puts the face in the place of a driver's other side
    in the process; the function that it is given answers as `submit` does, None where the answer is lost, and raises
    ConnectionRefusedError in an outage. `deliveries` are bodies that tell news, `deliver` brings one to whoever is connected.
    """

    def submit(
        self, content: bytes, *, now: datetime, new_id: IdSource, fault: Fault | None = None
    ) -> tuple[Any, Taken | None]: ...

    def attach(self, driver: Any, submit: Callable[[bytes], Any]) -> None: ...

    def deliveries(self, happening: WorldEvent | str, taken: Taken) -> Sequence[bytes]: ...

    async def deliver(self, body: bytes) -> None: ...


@dataclass(frozen=True)
class Vendor:
    """The vendor of one account: the account's name, its adapter, the face with its settings, the hosts it answers for."""

    name: str
    adapter: str
    face: VendorFace
    hosts: frozenset[str]
    settings: dict[str, Any] = field(repr=False)


class Vendors:
    """The vendors of a sandbox. Hand `transport` to the gateway: each account then talks to a face of its own.

    Vendors write to the address that a message names, else to the account's own (bounces, answers of people), which
    `attach` tells them. `on_taken` is told of every message that was taken.
    """

    def __init__(self, world: World, clock: Clock, *, on_taken: Callable[[Vendor, Taken, datetime], None] | None = None) -> None:
        self.world = world
        self.clock = clock
        self._on_taken = on_taken
        self._vendors: dict[str, Vendor] = {}
        self._asked: dict[tuple[str, bytes], int] = {}
        self._asked_at: datetime | None = None

    def open(self, account: AccountConfig) -> Vendor:
        """The vendor of an account; its face is made when it is first asked for."""
        known = self._vendors.get(account.name)
        if known is None:
            kind = face_class(account.adapter)
            settings = revealed(account.settings)
            hosts = {*kind.hosts, urlsplit(account.settings.base_url).hostname or ""}
            known = Vendor(account.name, account.adapter, kind(settings), frozenset(hosts), settings)
            self._vendors[account.name] = known
        return known

    def transport(self, account: AccountConfig) -> "SandboxTransport":
        """A transport for one account; this method is a gateway's `transport` argument."""
        return SandboxTransport(self, self.open(account))

    def attach(self, gateway: Gateway) -> None:
        """Connect a gateway's drivers to their faces, and learn where vendors write to; may be called again."""
        for name, live in gateway.accounts.items():
            if not has_face(live.config.adapter):
                continue
            vendor = self.open(live.config)
            if (url := gateway.callback_url(name, None, "inbound")) is not None:
                self.write_to(vendor, url)
            if isinstance(vendor.face, WireFace):
                vendor.face.attach(live.adapter, partial(self.submit, vendor))
            elif isinstance(live.adapter, Driver) and hasattr(live.adapter, "connect"):
                live.adapter.connect = self._connector(vendor)

    def write_to(self, vendor: Vendor, url: str) -> None:
        """Tell a vendor the account's own callback address, as one enters it in a vendor's console."""
        vendor.settings["callback_url"] = url

    def vendor(self, account: str) -> Vendor:
        if account not in self._vendors:
            raise ConfigError(f"account {account!r} is not in this sandbox; there are: {', '.join(self._vendors) or 'none'}")
        return self._vendors[account]

    def __iter__(self) -> Iterator[Vendor]:
        return iter(self._vendors.values())

    def answer(self, vendor: Vendor, request: httpx.Request) -> FaceReply:
        """The vendor's answer to a request; what it takes goes to the world.

        Raises httpx.ConnectError in an outage, httpx.ReadError when the message was taken and the answer was lost.
        """
        now = self.clock.now()
        outage = self.world.outage(vendor.name, vendor.adapter, now)
        if outage is not None and outage.kind is ErrorKind.UNAVAILABLE:
            raise httpx.ConnectError("the vendor is out", request=request)
        new_id = self._ids(vendor, request.url.raw_path + b" " + request.content, now)
        told = _fault_of(outage)
        reply = vendor.face.answer(request, now=now, new_id=new_id, fault=told)
        if not reply.taken:
            return reply
        if len(reply.taken) == 1 and (refusal := self.world.refusal(reply.taken[0])) is not None:
            if refusal.kind is ErrorKind.UNAVAILABLE:
                raise httpx.ConnectError("the vendor is out", request=request)
            if refusal.kind is not ErrorKind.UNCERTAIN:
                return vendor.face.answer(request, now=now, new_id=new_id, fault=refusal)
        for taken in reply.taken:
            self._take(vendor, taken, now)
        if outage is not None or self.world.loses_answer(reply.taken[0]):
            raise httpx.ReadError("the vendor's answer was lost", request=request)
        return reply

    def accept(self, vendor: Vendor, envelope_from: str, recipient: str, raw: bytes) -> tuple[int, str]:
        """Reply code and text for a whole mail; code 0 means that the connection breaks before any reply."""
        face = vendor.face
        if not isinstance(face, MailFace):
            raise ConfigError(f"{vendor.adapter} takes no mail")

        def accept(now: datetime, new_id: IdSource, fault: Fault | None) -> tuple[tuple[int, str], Taken | None]:
            code, text, taken = face.accept(envelope_from, recipient, raw, now=now, new_id=new_id, fault=fault)
            return (code, text), taken

        answer: tuple[int, str] = self._meet(vendor, recipient.encode() + raw, accept, lost=(0, ""))
        return answer

    def submit(self, vendor: Vendor, content: bytes) -> Any:
        """What a driver hears for what it brought; None where the answer is lost. Raises ConnectionRefusedError in an outage."""
        face = vendor.face
        if not isinstance(face, WireFace):
            raise ConfigError(f"{vendor.adapter} has no wire of its own")
        outage = self.world.outage(vendor.name, vendor.adapter, self.clock.now())
        if outage is not None and outage.kind is ErrorKind.UNAVAILABLE:
            raise ConnectionRefusedError("the vendor is out")
        return self._meet(
            vendor,
            content,
            lambda now, new_id, fault: face.submit(content, now=now, new_id=new_id, fault=fault),
            lost=None,
        )

    def _meet(
        self,
        vendor: Vendor,
        content: bytes,
        accept: Callable[[datetime, IdSource, Fault | None], tuple[Any, Taken | None]],
        *,
        lost: Any,
    ) -> Any:
        """The answer of a face without HTTP, with the world's faults; `lost` where the message was taken and nobody hears it."""
        now = self.clock.now()
        new_id = self._ids(vendor, content, now)
        outage = self.world.outage(vendor.name, vendor.adapter, now)
        answer, taken = accept(now, new_id, _fault_of(outage))
        if taken is None:
            return answer
        refusal = self.world.refusal(taken)
        if refusal is not None and refusal.kind is not ErrorKind.UNCERTAIN:
            return accept(now, new_id, refusal)[0]
        self._take(vendor, taken, now)
        return lost if outage is not None or self.world.loses_answer(taken) else answer

    def deliveries(self, happening: Report | Inbound) -> list[Callable[[], Awaitable[None]]]:
        """What a vendor with a wire of its own brings over it for a report or an answer by a person."""
        face = self.vendor(happening.account).face
        if not isinstance(face, WireFace):
            return []
        told = happening.news if isinstance(happening, Report) else happening.text
        return [partial(face.deliver, body) for body in face.deliveries(told, happening.taken)]

    def callbacks(self, happening: Report | Inbound) -> list[Callback]:
        """The vendor's own requests for a report or an answer by a person; none where it tells no such thing."""
        vendor = self.vendor(happening.account)
        now = self.clock.now()
        if isinstance(happening, Report):
            news = replace(happening.news, told_at=now)
            told = vendor.face.callbacks(happening.taken, news, nonce=happening.nonce)
        else:
            taken = happening.taken
            url = vendor.settings.get("callback_url")
            if url is None and taken.callback_url:  # the account has no address of its own: the message's, without its query
                url = urlunsplit(urlsplit(taken.callback_url)._replace(query="k=inbound"))
            if url is None:
                return []
            sender = str(taken.data.get("from", ""))
            told = vendor.face.inbound(taken.recipient, sender, happening.text, url=url, at=now, nonce=happening.nonce)
        return [Callback(one.method, one.url, one.headers, one.body, now) for one in told]

    def _take(self, vendor: Vendor, taken: Taken, now: datetime) -> None:
        self.world.take(taken, account=vendor.name, at=now)
        if self._on_taken is not None:
            self._on_taken(vendor, taken, now)

    def _ids(self, vendor: Vendor, content: bytes, now: datetime) -> IdSource:
        """Ids for one request; the same request made again at the same instant gets others."""
        if self._asked_at != now:
            self._asked.clear()
            self._asked_at = now
        key = (vendor.name, blake2b(content, digest_size=16).digest())
        nth = self._asked[key] = self._asked.get(key, 0) + 1
        return IdSource(f"{self.world.seed}\x1f{vendor.name}\x1f{nth}")

    def _connector(self, vendor: Vendor) -> Callable[[], Any]:
        """A driver's `connect`: a peer without a socket, of the module that the face is from."""
        peer = import_module(type(vendor.face).__module__).InProcessSmtp

        async def connect() -> Any:
            outage = self.world.outage(vendor.name, vendor.adapter, self.clock.now())
            if outage is not None and outage.kind is ErrorKind.UNAVAILABLE:
                raise ConnectionRefusedError("the server is out")
            return peer(lambda sender, recipient, raw: self.accept(vendor, sender, recipient, raw))

        return connect


class SandboxTransport(httpx.AsyncBaseTransport):
    """An account's way to its face, instead of the network; another host cannot be reached."""

    def __init__(self, vendors: Vendors, vendor: Vendor) -> None:
        self._vendors = vendors
        self._vendor = vendor

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        if request.url.host not in self._vendor.hosts:
            raise httpx.ConnectError(f"{request.url.host} is not a host of {self._vendor.adapter}", request=request)
        reply = self._vendors.answer(self._vendor, request)
        return httpx.Response(reply.status, headers=reply.headers, content=reply.body, request=request)


def revealed(settings: AdapterConfig) -> dict[str, Any]:
    """An account's settings as a face knows them, secrets in plain text."""
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else value
        for name, value in ((name, getattr(settings, name)) for name in type(settings).model_fields)
    }


def has_face(adapter: str) -> bool:
    """Whether a sandbox can stand in for the vendor of this adapter."""
    return adapter in names(FACES)


def _fault_of(outage: Outage | None) -> Fault | None:
    if outage is None or outage.kind in (ErrorKind.UNAVAILABLE, ErrorKind.UNCERTAIN):
        return None
    return Fault(outage.kind, outage.code, outage.retry_after_s)
