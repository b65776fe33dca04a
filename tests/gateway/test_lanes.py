"""The wire against a real server on loopback: lanes, one deadline, a cap on bodies, and what a broken wire means."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from gateway.ground import live
from recallgate import ErrorKind, SendError
from recallgate.transport.client import MAX_BODY, Wire
from recallgate.transport.lanes import LaneTransport

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Seen:
    """What a server saw: connections, and how many requests were open at once."""

    def __init__(self) -> None:
        self.connections = self.requests = self.open = self.most = 0


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    return head + await reader.readexactly(length)


@asynccontextmanager
async def server(answer: Answer, seen: Seen | None = None) -> AsyncIterator[str]:
    """A server that answers each request by writing; its address."""
    seen = seen or Seen()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        try:
            while True:
                await read_request(reader)
                seen.requests += 1
                seen.open += 1
                seen.most = max(seen.most, seen.open)
                await answer(reader, writer)
                seen.open -= 1
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    started = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{started.sockets[0].getsockname()[1]}"
    finally:
        started.close()


@asynccontextmanager
async def wire(*, deadline_s: float = 5.0, lanes: LaneTransport | None = None) -> AsyncIterator[Wire]:
    made = Wire(lanes or LaneTransport(), deadline_s=deadline_s)
    try:
        yield made
    finally:
        await made.close()


async def fine(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(OK)


def post(base: str) -> httpx.Request:
    return httpx.Request("POST", f"{base}/send", json={"to": "+1"})


@live
async def test_one_after_the_other_uses_one_connection() -> None:
    seen = Seen()
    async with server(fine, seen) as base, wire() as out:
        for _ in range(20):
            assert (await out.send(post(base))).status_code == 200

    assert (seen.connections, seen.requests) == (1, 20)


@live
async def test_as_many_at_once_as_asked_each_on_its_own_lane_then_used_again() -> None:
    seen, together = Seen(), asyncio.Barrier(20)

    async def all_wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await together.wait()
        writer.write(OK)

    async with server(all_wait, seen) as base, wire() as out:
        for _ in range(3):
            await asyncio.gather(*(out.send(post(base)) for _ in range(20)))

    assert (seen.most, seen.connections, seen.requests) == (20, 20, 60)


@live
async def test_the_lane_used_last_is_used_first() -> None:
    used: list[int] = []

    class Lane(httpx.AsyncBaseTransport):
        def __init__(self, number: int) -> None:
            self.number = number

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            used.append(self.number)
            return httpx.Response(200, stream=httpx.ByteStream(b"{}"))

    made: list[Lane] = []

    def make() -> Lane:
        made.append(Lane(len(made)))
        return made[-1]

    lanes = LaneTransport(make=make)
    first = [await lanes.handle_async_request(post("http://v.example")) for _ in range(3)]
    for number in (0, 2, 1):
        await first[number].aclose()
    used.clear()
    for _ in range(3):
        await (await lanes.handle_async_request(post("http://v.example"))).aclose()
    await lanes.handle_async_request(post("http://other.example"))

    assert used == [1, 1, 1, 3]


@live
async def test_a_body_beyond_the_cap_is_not_read_to_its_end() -> None:
    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
        for _ in range(MAX_BODY // 65536 + 8):
            writer.write(b"x" * 65536)
            await writer.drain()
        await reader.read()

    async with server(flood) as base, wire() as out:
        with pytest.raises(SendError) as refused:
            await out.send(post(base))

    assert (refused.value.kind, refused.value.code) == (ErrorKind.UNCERTAIN, "too large")


@live
async def test_a_server_that_drips_meets_the_one_deadline() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.wait([asyncio.ensure_future(reader.read(1))], timeout=0.02)

    async with server(drip) as base, wire(deadline_s=0.2) as out:
        before = asyncio.get_running_loop().time()
        with pytest.raises(SendError) as refused:
            await out.send(post(base))
        spent = asyncio.get_running_loop().time() - before

    assert (refused.value.kind, refused.value.code) == (ErrorKind.UNCERTAIN, "deadline")
    assert spent < 2


@live
async def test_redirects_are_answers_and_not_followed() -> None:
    seen = Seen()

    async def elsewhere(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /other\r\ncontent-length: 0\r\n\r\n")

    async with server(elsewhere, seen) as base, wire() as out:
        assert (await out.send(post(base))).status_code == 307

    assert seen.requests == 1


@live
async def test_a_refused_connection_is_certainly_not_sent() -> None:
    async with server(fine) as base:
        pass
    async with wire() as out:
        with pytest.raises(SendError) as refused:
            await out.send(post(base))

    assert (refused.value.kind, refused.value.code) == (ErrorKind.UNAVAILABLE, "connect")


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{", b"rubbish\r\n\r\n"]
)
@live
async def test_a_break_after_the_request_was_written_is_uncertain(answer: bytes) -> None:
    async def broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async with server(broken) as base, wire() as out:
        with pytest.raises(SendError) as refused:
            await out.send(post(base))

    assert refused.value.kind is ErrorKind.UNCERTAIN


@live
async def test_a_broken_lane_is_not_used_again() -> None:
    answers = iter([b"", OK, OK])
    seen = Seen()

    async def once_broken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not (answer := next(answers)):
            writer.close()
        else:
            writer.write(answer)

    async with server(once_broken, seen) as base, wire() as out:
        with pytest.raises(SendError):
            await out.send(post(base))
        assert (await out.send(post(base))).status_code == 200
        assert (await out.send(post(base))).status_code == 200

    assert seen.connections == 2


@live
async def test_a_caller_that_gives_up_leaves_no_lane_behind() -> None:
    seen, asked = Seen(), asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await reader.read()

    lanes = LaneTransport()
    async with server(silent, seen) as base, wire(lanes=lanes) as out:
        task = asyncio.create_task(out.send(post(base)))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        assert all(not idle for idle in lanes._idle.values())
