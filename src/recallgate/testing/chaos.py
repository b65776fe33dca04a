"""The chaos vendor: a real HTTP server that breaks in every way a vendor does, and a ledger of what it accepted all the same.

Run it as `python -m recallgate.testing.chaos --ledger FILE`; it prints its address and ends with its parent. Faults come by
share (`--faults reset=0.02,drip=0.01`) or by name in a message's text (`fault:reset`). The ledger is appended to and never
rewritten, one line of JSON an acceptance, written before the answer leaves.
"""

import argparse
import asyncio
import gzip
import json
import os
import random
import socket
import struct
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path
from typing import Any

import httpx

from recallgate.model.errors import ErrorKind

KEY = "idempotency-key"
DRIP_S = 0.2  # one byte each
BOMB = 64 << 20  # bytes, unpacked


@dataclass(frozen=True)
class Fault:
    """How an answer goes wrong. `taken`: the message was accepted all the same; `kind`: what a sender must make of it."""

    taken: bool
    kind: ErrorKind
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


_MAYBE, _LIMITED, _DOWN = ErrorKind.UNCERTAIN, ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE
FAULTS: Mapping[str, Fault] = {
    "silence": Fault(False, _MAYBE),  # the request is read, and nothing follows
    "taken_silence": Fault(True, _MAYBE),  # accepted, and the answer never comes
    "half_closed": Fault(False, _MAYBE),  # half an answer, then the end
    "reset": Fault(False, _MAYBE),  # the connection is reset after the body was read
    "taken_reset": Fault(True, _MAYBE),
    "drip": Fault(True, _MAYBE),  # an answer of one byte now and then
    "truncated": Fault(True, _MAYBE),  # JSON that ends in the middle
    "html": Fault(True, _MAYBE),  # a page instead of JSON
    "bomb": Fault(True, _MAYBE),  # a small answer that unpacks to a large one
    "endless": Fault(True, _MAYBE),  # an answer without end
    "refused_in_200": Fault(False, ErrorKind.INVALID_RECIPIENT),  # 200 with an error in its body
    "429": Fault(False, _LIMITED, 429),
    "429_seconds": Fault(False, _LIMITED, 429, {"retry-after": "1"}),
    "429_date": Fault(False, _LIMITED, 429, {"retry-after": "DATE"}),
    "429_garbage": Fault(False, _LIMITED, 429, {"retry-after": "soon"}),
    "500": Fault(False, _MAYBE, 500),
    "taken_500": Fault(True, _MAYBE, 500),
    "502": Fault(True, _MAYBE, 502),
    "503": Fault(False, _DOWN, 503, {"retry-after": "1"}),
    "504": Fault(True, _MAYBE, 504),
}


class ChaosServer:
    """The vendor's side of the wire. `latency_s`: how long it thinks; `shares`: how often which fault comes."""

    def __init__(self, ledger: Path, *, shares: Mapping[str, float] | None = None, latency_s: float = 0.0, seed: int = 0) -> None:
        self._ledger = os.open(ledger, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        self._shares = dict(shares or {})
        self._latency_s = latency_s
        self._random = random.Random(seed)
        self._taken: dict[str, str] = {}
        self._count = 0
        self._reports: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> str:
        """Listen on the loopback; answers the address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._reports:
            task.cancel()
        os.close(self._ledger)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _request(reader)) is not None:
                if not await self._answer(*request, reader, writer):
                    break
        except (OSError, asyncio.IncompleteReadError, ValueError):
            return
        finally:
            with suppress(OSError):
                writer.close()

    async def _answer(
        self, headers: Mapping[str, str], body: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer a request, or fail to; False when the connection is over."""
        told = json.loads(body)
        name = self._draw(str(told["text"]))
        fault = FAULTS.get(name)
        if self._latency_s:
            await asyncio.sleep(self._latency_s * (0.5 + self._random.random()))
        vendor_id = self._accept(str(told["id"]), headers.get(KEY), name, told.get("reports")) if not fault or fault.taken else ""
        if fault is None:
            return await _write(writer, 200, {"id": vendor_id})
        return await _break(name, fault, vendor_id, reader, writer)

    def _draw(self, text: str) -> str:
        if text.startswith("fault:"):
            return text.removeprefix("fault:").split()[0]
        place = self._random.random()
        for name, share in self._shares.items():
            if (place := place - share) < 0:
                return name
        return "ok"

    def _accept(self, identity: str, key: str | None, fault: str, reports: str | None) -> str:
        if key is not None and key in self._taken:
            return self._taken[key]
        self._count += 1
        vendor_id = f"chaos-{self._count}"
        line = json.dumps({"id": identity, "vendor_id": vendor_id, "key": key, "fault": fault})
        os.write(self._ledger, line.encode() + b"\n")
        if key is not None:
            self._taken[key] = vendor_id
        if reports:
            task = asyncio.create_task(self._report(vendor_id, reports))
            self._reports.add(task)
            task.add_done_callback(self._reports.discard)
        return vendor_id

    async def _report(self, vendor_id: str, address: str) -> None:
        """Reports twice each and in any order, perhaps before the answer."""
        told = ["sent", "sent", "delivered", "delivered"]
        self._random.shuffle(told)
        async with httpx.AsyncClient(trust_env=False) as client:
            for kind in told:
                await asyncio.sleep(self._random.random() * 0.02)
                with suppress(httpx.HTTPError):
                    await client.post(address, json={"type": kind, "id": vendor_id})


async def _break(name: str, fault: Fault, vendor_id: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    whole = json.dumps({"id": vendor_id}).encode()
    match name:
        case "silence" | "taken_silence":
            await reader.read()  # until the sender gives up
        case "half_closed":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: applica")
            await writer.drain()
            writer.write_eof()
            await reader.read()
        case "reset" | "taken_reset":
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        case "drip":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4096\r\n\r\n")
            while not reader.at_eof():
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(DRIP_S)
        case "truncated":
            return await _write(writer, 200, whole[:-4])
        case "html":
            return await _write(writer, 200, b"<html><body>Please log in</body></html>", {"content-type": "text/html"})
        case "bomb":
            packed = gzip.compress(b"\0" * BOMB, 6)
            return await _write(writer, 200, packed, {"content-encoding": "gzip"})
        case "endless":
            writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
            while not reader.at_eof():
                writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                await writer.drain()
        case "refused_in_200":
            return await _write(writer, 200, {"kind": fault.kind.value})
        case _:
            headers = {key: formatdate(usegmt=True) if value == "DATE" else value for key, value in fault.headers.items()}
            return await _write(writer, fault.status, b"no" if fault.status != 429 else {"error": "slower"}, headers)
    return False


async def _write(
    writer: asyncio.StreamWriter, status: int, body: bytes | Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> bool:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"content-type": "application/json", "content-length": str(len(content)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"HTTP/1.1 {status} {status}\r\n{head}\r\n".encode() + content)
    await writer.drain()
    return True


async def _request(reader: asyncio.StreamReader) -> tuple[dict[str, str], bytes] | None:
    """The next request of a connection as headers and body; None at its end."""
    if not await reader.readline():
        return None
    headers: dict[str, str] = {}
    while (line := await reader.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers, await reader.readexactly(int(headers.get("content-length", "0")))


def accepted(ledger: Path) -> dict[str, int]:
    """How often the vendor accepted each message, by message id."""
    counts: dict[str, int] = {}
    if ledger.exists():
        for line in ledger.read_text(encoding="utf-8").splitlines():
            identity = json.loads(line)["id"]
            counts[identity] = counts.get(identity, 0) + 1
    return counts


def _shares(text: str) -> dict[str, float]:
    given = dict(pair.split("=", 1) for pair in text.split(",") if pair)
    if unknown := sorted(set(given) - set(FAULTS)):
        raise SystemExit(f"faults: {unknown[0]} is none of {', '.join(FAULTS)}")
    return {name: float(share) for name, share in given.items()}


async def _main(options: argparse.Namespace) -> None:
    server = ChaosServer(options.ledger, shares=_shares(options.faults), latency_s=options.latency, seed=options.seed)
    sys.stdout.write(await server.start(options.port) + "\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, sys.stdin.read)  # the parent holds the other end
    await server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The chaos vendor.")
    parser.add_argument("--ledger", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--faults", default="")
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    asyncio.run(_main(parser.parse_args()))
