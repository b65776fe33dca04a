"""One bound SMPP session over TCP: answers by sequence number, keep-alive, and what the centre delivers."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import Protocol

from recallgate import ErrorKind, SendError
from recallgate_adapters.smpp_codes import ERRORS, code_of
from recallgate_adapters.smpp_config import SmppConfig
from recallgate_adapters.smpp_pdu import (
    BIND_TRANSCEIVER,
    BIND_TRANSMITTER,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    HEADER_SIZE,
    RESPONSE,
    SUBMIT_SM,
    UNBIND,
    BrokenPdu,
    Pdu,
    bind_body,
    header,
)

Heard = Callable[[bytes], Awaitable[int]]
"""Takes the body of a deliver_sm; answers the command_status for the centre, which sends again what was not taken."""
_UNBIND_S = 2.0
_INVALID_COMMAND = 0x03


class NotWritten(OSError):  # noqa: N818 - reads as what happened
    """The wire was gone before the request was written: the centre has not seen it."""


class Session(Protocol):
    """A bound session. `submit` raises `NotWritten` when nothing left, and any other `OSError` when nobody knows."""

    @property
    def alive(self) -> bool: ...

    async def submit(self, body: bytes) -> Pdu: ...

    async def unbind(self) -> None: ...

    def close(self) -> None: ...


class TcpSession:
    """A session over a socket; `dial` makes one that is bound."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, config: SmppConfig, heard: Heard) -> None:
        self._reader, self._writer, self._config, self._heard = reader, writer, config, heard
        self._sequence = itertools.cycle(range(1, 0x7FFFFFFF))
        self._answers: dict[int, asyncio.Future[Pdu]] = {}
        self._open = True
        self._tasks = {asyncio.create_task(self._listen()), asyncio.create_task(self._keep())}
        self._deliveries: set[asyncio.Task[None]] = set()

    @property
    def alive(self) -> bool:
        return self._open and not self._writer.is_closing()

    async def bind(self) -> Pdu:
        config = self._config
        command = BIND_TRANSMITTER if config.bind == "transmitter" else BIND_TRANSCEIVER
        body = bind_body(config.system_id, config.password.get_secret_value(), system_type=config.system_type)
        return await self._ask(command, body)

    async def submit(self, body: bytes) -> Pdu:
        return await self._ask(SUBMIT_SM, body)

    async def unbind(self) -> None:
        """Say good-bye, and wait a moment for the answer."""
        try:
            async with asyncio.timeout(_UNBIND_S):
                await self._ask(UNBIND)
        except (OSError, TimeoutError):
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Hang up; whoever waits for an answer learns that none will come."""
        self._open = False
        for task in (*self._tasks, *self._deliveries):
            if task is not asyncio.current_task():
                task.cancel()
        waiting, self._answers = self._answers, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError("the session ended before the answer"))
        self._writer.close()

    async def _ask(self, command: int, body: bytes = b"") -> Pdu:
        if not self.alive:
            raise NotWritten("the session has ended")
        sequence = next(self._sequence)
        answer: asyncio.Future[Pdu] = asyncio.get_running_loop().create_future()
        self._answers[sequence] = answer
        try:
            self._writer.write(bytes(Pdu(command, 0, sequence, body)))
            async with asyncio.timeout(self._config.answer_s):
                await self._writer.drain()
                return await answer
        finally:
            self._answers.pop(sequence, None)
            if answer.done() and not answer.cancelled():
                answer.exception()  # told to nobody when the wait was cancelled

    async def _listen(self) -> None:
        try:
            while True:
                length, command, status, sequence = header(await self._reader.readexactly(HEADER_SIZE))
                body = await self._reader.readexactly(length - HEADER_SIZE)
                await self._take(Pdu(command, status, sequence, body))
        except (OSError, asyncio.IncompleteReadError, BrokenPdu):
            pass
        finally:
            self.close()

    async def _take(self, pdu: Pdu) -> None:
        if pdu.command & RESPONSE:
            answer = self._answers.get(pdu.sequence)
            if answer is not None and not answer.done():
                answer.set_result(pdu)
        elif pdu.command == DELIVER_SM:
            task = asyncio.create_task(self._deliver(pdu))
            self._deliveries.add(task)
            task.add_done_callback(self._deliveries.discard)
        elif pdu.command == ENQUIRE_LINK:
            self._writer.write(bytes(pdu.answer()))
        elif pdu.command == UNBIND:
            self._writer.write(bytes(pdu.answer()))
            await self._writer.drain()
            raise ConnectionResetError("the centre has unbound")
        else:
            self._writer.write(bytes(Pdu(GENERIC_NACK, _INVALID_COMMAND, pdu.sequence)))

    async def _deliver(self, pdu: Pdu) -> None:
        status = await self._heard(pdu.body)
        if self.alive:
            self._writer.write(bytes(pdu.answer(status, b"\0")))

    async def _keep(self) -> None:
        """Ask now and then whether the centre is still there; a silent one is given up."""
        try:
            while True:
                await asyncio.sleep(self._config.enquire_s)
                await self._ask(ENQUIRE_LINK)
        except OSError:
            self.close()


async def dial(config: SmppConfig, heard: Heard) -> Session:
    """Connect and bind. Raises `OSError` when there is no way, `SendError` when the centre refuses."""
    context = None
    if config.tls:
        import ssl

        context = ssl.create_default_context(cafile=config.ca_file)
    async with asyncio.timeout(config.answer_s):
        reader, writer = await asyncio.open_connection(config.host, config.port, ssl=context)
    session = TcpSession(reader, writer, config, heard)
    try:
        answer = await session.bind()
        if answer.status:
            raise refusal(answer)
    except BaseException:
        session.close()
        raise
    return session


def refusal(answer: Pdu) -> SendError:
    """The error behind a command_status; one that nobody has listed is certainly a refusal."""
    code = code_of(answer.status)
    return SendError(ERRORS.get(code, ErrorKind.UNKNOWN), code, "the message centre refused")
