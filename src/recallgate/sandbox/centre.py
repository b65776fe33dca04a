"""The sandbox's message centre: SMPP 3.4 on a real socket, in front of a face."""

import asyncio
import struct
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, runtime_checkable

from recallgate.sandbox.vendors import Vendor, Vendors

_HEADER = struct.Struct(">IIII")
_MOST_BYTES = 64 * 1024
_RESPONSE = 0x80000000
_BINDS = (0x01, 0x02, 0x09)  # receiver, transmitter, transceiver
_HEARS = (0x01, 0x09)
_SUBMIT, _DELIVER, _UNBIND, _ENQUIRE, _NACK = 0x04, 0x05, 0x06, 0x15, _RESPONSE
_INVALID_COMMAND, _NOT_BOUND, _SYSTEM_ERROR = 0x03, 0x04, 0x08
_ANSWER_S = 10.0


@runtime_checkable
class CentreFace(Protocol):
    """A face that speaks SMPP: who may bind, and the way for what it delivers."""

    route: Callable[[bytes], Awaitable[int]] | None

    def bind(self, system_id: str, password: str) -> int: ...


async def serve_centre(vendors: Vendors, vendor: Vendor, *, host: str, port: int) -> asyncio.Server:
    """Listen for binds in this event loop; port 0 takes a free one. News goes to whoever was bound last and hears."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _Bound(vendors, vendor, reader, writer).run()

    return await asyncio.start_server(talk, host, port)


class _Bound:
    """One connection of a client."""

    def __init__(self, vendors: Vendors, vendor: Vendor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._vendors, self._vendor = vendors, vendor
        self._reader, self._writer = reader, writer
        face: Any = vendor.face
        self._face: CentreFace = face
        self._bound = False
        self._sequence = 0
        self._answers: dict[int, asyncio.Future[int]] = {}

    async def run(self) -> None:
        try:
            while await self._next():
                await self._writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            if self._face.route == self.deliver:
                self._face.route = None
            for answer in self._answers.values():
                answer.cancel()
            self._writer.close()

    async def deliver(self, body: bytes) -> int:
        """Bring a deliver_sm; the client's command_status."""
        self._sequence += 1
        sequence = self._sequence
        answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._answers[sequence] = answer
        try:
            self._write(_DELIVER, 0, sequence, body)
            await asyncio.wait([answer], timeout=_ANSWER_S)
            if not answer.done() or answer.cancelled():
                raise ConnectionError("the client did not answer")
            return answer.result()
        finally:
            self._answers.pop(sequence, None)

    async def _next(self) -> bool:
        """Answer the next PDU; False when the conversation is over."""
        length, command, status, sequence = _HEADER.unpack(await self._reader.readexactly(_HEADER.size))
        if not _HEADER.size <= length <= _MOST_BYTES:
            return False
        body = await self._reader.readexactly(length - _HEADER.size)
        if command in _BINDS:
            self._bind(command, sequence, body)
        elif command == _SUBMIT:
            return self._submit(sequence, body)
        elif command == _ENQUIRE:
            self._write(command | _RESPONSE, 0, sequence)
        elif command == _UNBIND:
            self._write(command | _RESPONSE, 0, sequence)
            await self._writer.drain()
            return False
        elif command == _DELIVER | _RESPONSE:
            answer = self._answers.get(sequence)
            if answer is not None and not answer.done():
                answer.set_result(status)
        elif not command & _RESPONSE:
            self._write(_NACK, _INVALID_COMMAND, sequence)
        return True

    def _bind(self, command: int, sequence: int, body: bytes) -> None:
        system_id, password, *_ = [*body.split(b"\0"), b"", b""]
        status = self._face.bind(system_id.decode("latin-1"), password.decode("latin-1"))
        self._bound = self._bound or status == 0
        if status == 0 and command in _HEARS:
            self._face.route = self.deliver
        self._write(command | _RESPONSE, status, sequence, b"recallgate\0" if status == 0 else b"")

    def _submit(self, sequence: int, body: bytes) -> bool:
        if not self._bound:
            self._write(_SUBMIT | _RESPONSE, _NOT_BOUND, sequence)
            return True
        try:
            answer = self._vendors.submit(self._vendor, body)
        except ConnectionRefusedError:
            self._write(_SUBMIT | _RESPONSE, _SYSTEM_ERROR, sequence)
            return True
        if answer is None:
            return False
        self._write(_SUBMIT | _RESPONSE, answer.status, sequence, answer.body)
        return True

    def _write(self, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        self._writer.write(_HEADER.pack(_HEADER.size + len(body), command, status, sequence) + body)
