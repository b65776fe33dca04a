"""A message centre on loopback: takes binds and submits, answers as it is told, delivers receipts and texts of people.

Written from the specification, with nothing of the driver's own codec.
"""

import asyncio
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

BINDS = {1: "receiver", 2: "transmitter", 9: "transceiver"}
SUBMIT, DELIVER, UNBIND, ENQUIRE, RESPONSE = 4, 5, 6, 0x15, 0x80000000


@dataclass
class Centre:
    """`statuses` are the answers to submits in order, `drop` breaks the wire instead; `mute` answers nothing at all."""

    password: str = "secret"
    statuses: deque[int] = field(default_factory=deque)
    drop_at: str = ""
    mute: bool = False
    silent_on_enquire: bool = False
    hex_ids: bool = False
    binds: list[str] = field(default_factory=list)
    submitted: list[bytes] = field(default_factory=list)
    enquiries: int = 0
    unbound: int = 0
    at_once: int = 0
    most_at_once: int = 0
    answers: asyncio.Queue[tuple[int, int]] = field(default_factory=asyncio.Queue)
    hold: asyncio.Event | None = None
    nacks: int = 0
    writers: list[asyncio.StreamWriter] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    port: int = 0
    _next: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while True:
                length, command, status, sequence = struct.unpack(">IIII", await reader.readexactly(16))
                body = await reader.readexactly(length - 16)
                task = asyncio.create_task(self._answer(writer, command, status, sequence, body))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, command: int, status: int, sequence: int, body: bytes) -> None:
        if command in BINDS:
            system_id, password = body.split(b"\0")[:2]
            if self.drop_at == "bind":
                self.drop_at = ""
                writer.close()
                return
            good = password.decode() == self.password
            self.binds.append(BINDS[command])
            send(writer, command | RESPONSE, 0 if good else 0x0E, sequence, system_id + b"\0" if good else b"")
        elif command == SUBMIT:
            await self._submit(writer, sequence, body)
        elif command == ENQUIRE:
            self.enquiries += 1
            if not self.silent_on_enquire:
                send(writer, command | RESPONSE, 0, sequence)
        elif command == UNBIND:
            self.unbound += 1
            send(writer, command | RESPONSE, 0, sequence)
        elif command == DELIVER | RESPONSE:
            await self.answers.put((sequence, status))
        elif command == RESPONSE:
            self.nacks += 1

    async def _submit(self, writer: asyncio.StreamWriter, sequence: int, body: bytes) -> None:
        self.submitted.append(body)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            if self.hold is not None:
                await self.hold.wait()
        finally:
            self.at_once -= 1
        if self.drop_at == "submit":
            self.drop_at = ""
            writer.close()
            return
        if self.mute:
            return
        status = self.statuses.popleft() if self.statuses else 0
        self._next += 1
        identity = f"{self._next + 0xA0:X}" if self.hex_ids else f"id-{self._next}"
        send(writer, SUBMIT | RESPONSE, status, sequence, identity.encode() + b"\0" if status == 0 else b"")

    async def deliver(self, body: bytes, sequence: int = 77) -> int:
        """Deliver to whoever is bound; answers the command_status that came back."""
        send(self.writers[-1], DELIVER, 0, sequence, body)
        answered, status = await asyncio.wait_for(self.answers.get(), 5)
        assert answered == sequence
        return status


def send(writer: asyncio.StreamWriter, command: int, status: int, sequence: int, body: bytes = b"") -> None:
    if not writer.is_closing():
        writer.write(struct.pack(">IIII", 16 + len(body), command, status, sequence) + body)


def delivery(
    text: bytes, *, source: str = "14155550123", esm_class: int = 0, coding: int = 0, options: dict[int, bytes] | None = None
) -> bytes:
    """The body of a deliver_sm."""
    parts = [b"\0", b"\x01\x01", source.encode(), b"\0", b"\x05\0ACME\0", bytes((esm_class, 0, 0)), b"\0\0"]
    parts += [bytes((0, 0, coding, 0, len(text))), text]
    parts += [struct.pack(">HH", tag, len(value)) + value for tag, value in (options or {}).items()]
    return b"".join(parts)


def receipt(identity: str, stat: str, *, err: str = "000", options: dict[int, bytes] | None = None) -> bytes:
    text = f"id:{identity} sub:001 dlvrd:001 submit date:2601020304 done date:2601020305 stat:{stat} err:{err} text:Hello"
    return delivery(text.encode(), esm_class=4, options=options)


@asynccontextmanager
async def centre(**settings: object) -> AsyncIterator[Centre]:
    made = Centre(**settings)  # type: ignore[arg-type] # settings of the tests' own
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        for writer in made.writers:
            writer.close()
        for task in list(made.tasks):
            task.cancel()
        server.close()
        await server.wait_closed()
