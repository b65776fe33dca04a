"""A real HTTP server on 127.0.0.1 that keeps whole requests and answers from a script: what a vendor's own SDK talks to."""

import json
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import httpx


@dataclass(frozen=True)
class Recorded:
    """A request as it came over the wire; `target` is the path and query, quoted as they were sent."""

    method: str
    target: str
    headers: httpx.Headers
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]


@dataclass(frozen=True)
class Answer:
    """What the server says to one request."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


class Loopback:
    """The server: `with Loopback() as server:`, then `server.answers(…)`, and `server.last` or `server.requests`.

    Answers are given in the order in which they were told; the last of them is repeated. `url` has no slash at its end.
    """

    def __init__(self) -> None:
        self.requests: list[Recorded] = []
        self._script: deque[Answer] = deque([Answer()])
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def host(self) -> str:
        """Host and port, as SDKs want them that add the scheme themselves."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    @property
    def last(self) -> Recorded:
        return self.requests[-1]

    def answers(self, body: Any = None, *, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        """Add an answer; a body that is not bytes or text is written as JSON."""
        raw = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
        if self._script and self._script[0] == Answer():
            self._script.clear()
        self._script.append(Answer(status, raw, headers or {"content-type": "application/json"}))

    def take(self, request: Recorded) -> Answer:
        """Keep a request and answer it; called by the server's threads."""
        self.requests.append(request)
        return self._script.popleft() if len(self._script) > 1 else self._script[0]

    def __enter__(self) -> "Loopback":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(loopback: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            headers = httpx.Headers([(name, value) for name, value in self.headers.items()])
            answer = loopback.take(Recorded(self.command, self.path, headers, self._body()))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(answer.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(answer.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = handle_any  # noqa: N815 - the base class names them

        def _body(self) -> bytes:
            if "chunked" not in self.headers.get("transfer-encoding", "").lower():
                return self.rfile.read(int(self.headers.get("content-length") or 0))
            chunks = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                chunks.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(chunks)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
            """Nothing is printed."""

    return Handler
