"""The sandbox as real servers: HTTP by uvicorn, SMTP by aiosmtpd, an SMPP centre, callbacks posted as time goes by."""

import asyncio
import signal
import socket
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any

from recallgate.config import AccountConfig
from recallgate.model.clock import SystemClock
from recallgate.model.errors import ConfigError
from recallgate.sandbox.app import Ledger, sandbox_app
from recallgate.sandbox.centre import CentreFace, serve_centre
from recallgate.sandbox.courier import Courier
from recallgate.sandbox.habits import Habits
from recallgate.sandbox.mail import serve_mail
from recallgate.sandbox.samples import sample_accounts
from recallgate.sandbox.vendors import MailFace, Vendor, Vendors, WireFace, has_face
from recallgate.sandbox.world import World


@dataclass(frozen=True)
class Reach:
    """How an account's vendor is reached in a running sandbox; `settings` are those of an account that was made up."""

    account: str
    adapter: str
    base_url: str
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)


class SandboxServer:
    """A running sandbox; an async context. `reaches` tells where each account's vendor listens.

    `accounts` bring the credentials that clients must show; without any, one account for each adapter is made up, as far
    as its settings can be (`sample_accounts`). `hosts` are those that callbacks may go to besides this machine. `speed`
    divides all waits of the world.
    """

    def __init__(
        self,
        accounts: Iterable[AccountConfig] = (),
        *,
        host: str = "127.0.0.1",
        http_port: int = 0,
        smtp_port: int = 0,
        smpp_port: int = 0,
        seed: str = "sandbox",
        habits: Habits | None = None,
        speed: float = 60.0,
        hosts: Collection[str] = (),
    ) -> None:
        self._host = host
        self._http_port = http_port
        self._smtp_port = smtp_port
        self._smpp_port = smpp_port
        self._ledger = Ledger()
        world = World(seed, habits, grain=timedelta(0), speed=speed)
        self.vendors = Vendors(world, SystemClock(), on_taken=self._ledger.note)
        given = tuple(accounts)
        self._made_up = not given
        for account in given or sample_accounts():
            if has_face(account.adapter):
                self.vendors.open(account)
        self._mail = self._only_one("mail", MailFace)
        self._centre = self._only_one("SMPP", CentreFace)
        self._courier_hosts = hosts
        self._stack = AsyncExitStack()
        self.http_port: int | None = None
        self.smtp_port: int | None = None
        self.smpp_port: int | None = None
        self.courier: Courier | None = None

    @property
    def reaches(self) -> Sequence[Reach]:
        """Where vendors listen, once the servers run."""
        return [
            Reach(vendor.name, vendor.adapter, where, vendor.settings if self._made_up else {})
            for vendor in self.vendors
            if (where := self._where(vendor)) is not None
        ]

    def _where(self, vendor: Vendor) -> str | None:
        """The address of a vendor; None for one that is no server."""
        if vendor is self._mail:
            return f"smtp://{self._host}:{self.smtp_port}"
        if vendor is self._centre:
            return f"smpp://{self._host}:{self.smpp_port}"
        return None if isinstance(vendor.face, WireFace) else f"http://{self._host}:{self.http_port}/{vendor.name}"

    def _only_one(self, what: str, kind: type[Any]) -> Vendor | None:
        found = [vendor for vendor in self.vendors if isinstance(vendor.face, kind)]
        if len(found) > 1:
            raise ConfigError(f"sandbox: one {what} account can be served, not {len(found)}; leave out {found[1].name}")
        return found[0] if found else None

    async def __aenter__(self) -> "SandboxServer":
        try:
            if self._mail is not None:
                server = await serve_mail(self.vendors, self._mail, host=self._host, port=self._smtp_port)
                self._stack.push_async_callback(_stop_listening, server)
                self.smtp_port = server.sockets[0].getsockname()[1]
            if self._centre is not None:
                server = await serve_centre(self.vendors, self._centre, host=self._host, port=self._smpp_port)
                self._stack.push_async_callback(_stop_listening, server)
                self.smpp_port = server.sockets[0].getsockname()[1]
            await self._serve_http()
            self.courier = Courier(self.vendors, hosts=self._courier_hosts)
            self._stack.push_async_callback(self.courier.close)
            stop = asyncio.Event()
            task = asyncio.create_task(self.courier.run(stop))
            self._stack.push_async_callback(_stop_courier, stop, task)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.aclose()

    async def _serve_http(self) -> None:
        import uvicorn

        listening = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((self._host, self._http_port))
            listening.listen(1024)  # from here on clients wait for the server instead of being refused
        except OSError as exc:
            listening.close()
            raise ConfigError(f"http_port: {self._host}:{self._http_port} cannot be listened on ({exc.strerror})") from exc
        self.http_port = listening.getsockname()[1]
        app: Any = sandbox_app(self.vendors, self._ledger, mail_port=lambda: self.smtp_port)
        server = uvicorn.Server(
            uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=5)
        )
        server.capture_signals = nullcontext  # type: ignore[method-assign, assignment] # signals belong to whoever runs the loop
        task = asyncio.create_task(server.serve(sockets=[listening]))
        self._stack.push_async_callback(_stop_http, server, task)


async def serve(
    server: SandboxServer,
    *,
    ready: Callable[[SandboxServer], None] | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Run a sandbox until `stop` is set or the process is asked to end; `ready` is called when it listens."""
    stop = stop or asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError, RuntimeError, ValueError):  # another thread than the main one takes no signals
            loop.add_signal_handler(number, stop.set)
    async with server:
        if ready is not None:
            ready(server)
        await stop.wait()


def run_sandbox(
    *,
    http_port: int = 8090,
    smtp_port: int = 8025,
    smpp_port: int = 2775,
    seed: str = "sandbox",
    accounts: Iterable[AccountConfig] = (),
    host: str = "127.0.0.1",
    speed: float = 60.0,
    hosts: Collection[str] = (),
    ready: Callable[[SandboxServer], None] | None = None,
) -> None:
    """Run a sandbox in this thread until it is interrupted; see `SandboxServer`."""
    asyncio.run(
        serve(
            SandboxServer(
                accounts,
                host=host,
                http_port=http_port,
                smtp_port=smtp_port,
                smpp_port=smpp_port,
                seed=seed,
                speed=speed,
                hosts=hosts,
            ),
            ready=ready,
        )
    )


async def _stop_http(server: Any, task: "asyncio.Task[None]") -> None:
    server.should_exit = True
    await task


async def _stop_listening(server: asyncio.Server) -> None:
    server.close()
    await server.wait_closed()


async def _stop_courier(stop: asyncio.Event, task: "asyncio.Task[None]") -> None:
    stop.set()
    await task
