"""An HTTP/2 server on 127.0.0.1 without TLS that keeps whole requests, for SDKs of vendors that speak HTTP/2 only."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import h2.config
import h2.connection
import h2.events
import httpx

from oracles.loopback import Answer, Recorded


class _Stream:
    def __init__(self, headers: list[tuple[str, str]]) -> None:
        self.headers = headers
        self.body = b""


class H2Server(asyncio.Protocol):
    """One connection: every request is kept, and answered by the next answer of the script."""

    def __init__(self, requests: list[Recorded], script: list[Answer]) -> None:
        self._requests, self._script = requests, script
        self._streams: dict[int, _Stream] = {}
        config = h2.config.H2Configuration(client_side=False, header_encoding="utf-8")
        self._conn = h2.connection.H2Connection(config=config)

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._conn.initiate_connection()
        transport.write(self._conn.data_to_send())

    def data_received(self, data: bytes) -> None:
        for event in self._conn.receive_data(data):
            if isinstance(event, h2.events.RequestReceived):
                self._streams[event.stream_id] = _Stream([(str(name), str(value)) for name, value in event.headers])
            elif isinstance(event, h2.events.DataReceived):
                self._streams[event.stream_id].body += event.data
                self._conn.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self._answer(event.stream_id, self._streams.pop(event.stream_id))
        self._transport.write(self._conn.data_to_send())

    def _answer(self, stream_id: int, stream: _Stream) -> None:
        named = dict(stream.headers)
        plain = httpx.Headers([pair for pair in stream.headers if not pair[0].startswith(":")])
        self._requests.append(Recorded(named[":method"], named[":path"], plain, stream.body))
        answer = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        headers = [(":status", str(answer.status)), ("apns-id", plain.get("apns-id", "")), *answer.headers.items()]
        # A stream without a body ends with its headers, as at the vendor: an empty frame would be another thing.
        self._conn.send_headers(stream_id, headers, end_stream=not answer.body)
        if answer.body:
            self._conn.send_data(stream_id, answer.body, end_stream=True)


@asynccontextmanager
async def h2_loopback(*answers: Answer) -> AsyncIterator[tuple[int, list[Recorded]]]:
    """The port of the server, and the requests that it got; the last answer is repeated."""
    requests: list[Recorded] = []
    script = list(answers)
    server = await asyncio.get_running_loop().create_server(lambda: H2Server(requests, script), "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1]), requests
    finally:
        server.close()
