"""A vendor for the benchmarks: an asyncio protocol in a process of its own that answers each POST with a small JSON.

The answer has an id of its own and is read by the Twilio plugins, too.
Usage: python benchmarks/sink.py [milliseconds before each answer]
"""

import asyncio
import itertools
import sys

_BODY = b'{"id":"v%d","sid":"SM%032x","status":"queued","num_segments":"1"}'
_HEAD = b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
_numbers = itertools.count(1)


class Sink(asyncio.Protocol):
    """Counts bytes by content-length and answers after `delay_s`; requests may come in any pieces."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._out = transport
        self._held = b""

    def data_received(self, data: bytes) -> None:
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._held) < end + 4 + length:
                return
            self._held = self._held[end + 4 + length :]
            self._answer()

    def _answer(self) -> None:
        n = next(_numbers)
        body = _BODY % (n, n)
        whole = _HEAD % len(body) + body
        if self._delay_s:
            asyncio.get_running_loop().call_later(self._delay_s, self._out.write, whole)
        else:
            self._out.write(whole)


async def serve(delay_s: float) -> None:
    """Print the port, then serve until standard input is closed."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Sink(delay_s), "127.0.0.1", 0, backlog=1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]) / 1000 if len(sys.argv) > 1 else 0.0))
