"""`recallgate worker` and `recallgate serve`: processes that run until they are asked to end."""

import asyncio
import signal
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recallgate.cli.gateways import ConfigOption, StoreOption, gateway_of
from recallgate.cli.memory import steady_heap
from recallgate.cli.output import note

if TYPE_CHECKING:
    from recallgate.gateway import Gateway


def worker(
    config: ConfigOption = None,
    store: StoreOption = None,
    drain: Annotated[bool, typer.Option("--drain", help="End when nothing is due now.")] = False,
    engine: Annotated[str | None, typer.Option(help="Who hands out work: embedded or pgqueuer; else as configured.")] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, help="Messages of a lane in flight in this process; else as configured.")
    ] = None,
) -> None:
    """Send what was submitted, until SIGTERM or Ctrl-C; what is under way is finished first. Start as many as you need."""
    gateway = _durable(config, store, engine=engine, concurrency=concurrency)
    asyncio.run(_drain(gateway) if drain else _work(gateway))


def serve(
    config: ConfigOption = None,
    store: StoreOption = None,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="The port to listen on.")] = 8000,
    with_worker: Annotated[bool, typer.Option("--with-worker", help="Send from this process too.")] = False,
) -> None:
    """Take vendors' callbacks and serve links and unsubscribe pages, until SIGTERM or Ctrl-C."""
    gateway = _durable(config, store)
    asyncio.run(_serve(gateway, host, port, with_worker=with_worker))


def _durable(config: str | None, store: str | None, *, engine: str | None = None, concurrency: int | None = None) -> "Gateway":
    from recallgate.model.errors import ConfigError

    gateway = gateway_of(config, store=store, engine=engine, concurrency=concurrency)
    if gateway.store.in_memory:
        raise ConfigError("store: one in memory is not seen by other processes; name a file, such as sqlite:///recallgate.sqlite")
    return gateway


async def _drain(gateway: "Gateway") -> None:
    async with gateway:
        steady_heap()
        note(f"handled {await gateway.drain()}")


async def _work(gateway: "Gateway") -> None:
    stop = _stop_on_signals()
    async with gateway:
        steady_heap()
        note("worker is running")
        await gateway.run(stop)
    note("worker has ended")


async def _serve(gateway: "Gateway", host: str, port: int, *, with_worker: bool) -> None:
    import socket

    from recallgate.model.errors import ConfigError

    try:
        import uvicorn

        from recallgate.web.app import gateway_app
    except ImportError as exc:
        raise ConfigError(f"serve: {exc.name} is not installed; install recallgate[web]") from None
    stop = _stop_on_signals()
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as exc:
        listening.close()
        raise ConfigError(f"port: {host}:{port} cannot be listened on ({exc.strerror})") from None
    async with gateway:
        app: Any = gateway_app(gateway)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off"))
        server.capture_signals = nullcontext  # type: ignore[method-assign, assignment] # the signals are ours
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        working = asyncio.create_task(gateway.run(stop)) if with_worker else None
        steady_heap()
        note(f"serving on http://{host}:{listening.getsockname()[1]}")
        await stop.wait()
        server.should_exit = True
        await serving
        if working is not None:
            await working
    note("server has ended")


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows ends the process instead
            loop.add_signal_handler(number, stop.set)
    return stop
