"""The gateway for code without an event loop: one thread runs the loop, calls wait for it."""

import asyncio
import threading
from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import Any, TypeVar

from recallgate.adapter import Callback, Reply
from recallgate.gateway import Delivery, Gateway, PersonEvent, PersonRecord
from recallgate.model.message import Message
from recallgate.store import outbox
from recallgate.store.messages import Stored

_T = TypeVar("_T")


class BlockingGateway:
    """The same names and answers as `Gateway`, without `await`. Use it with `with`; it may be shared by threads."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="recallgate-blocking", daemon=True)

    def __enter__(self) -> "BlockingGateway":
        self._thread.start()
        try:
            self._wait(self.gateway.open())
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        try:
            self._wait(self.gateway.close())
        finally:
            self._end()

    def send(self, message: Message) -> Delivery:
        return self._wait(self.gateway.send(message))

    def submit(self, batch: Iterable[Message], *, connection: Any = None) -> list[Stored]:
        """As `Gateway.submit`; a connection of the application is used in the thread that calls."""
        if connection is not None:
            return outbox.write(connection, list(batch), self.gateway.clock.now(), self.gateway.ring)
        return self._wait(self.gateway.submit(batch))

    def cancel(self, message_id: str) -> bool:
        return self._wait(self.gateway.cancel(message_id))

    def receive(self, account: str, callback: Callback) -> Reply:
        return self._wait(self.gateway.receive(account, callback))

    def record(self, did: Iterable[PersonEvent]) -> int:
        return self._wait(self.gateway.record(did))

    def save_people(self, records: Iterable[PersonRecord]) -> None:
        self._wait(self.gateway.save_people(records))

    def explain(self, what: Message | str) -> dict[str, Any]:
        return self._wait(self.gateway.explain(what))

    def explain_person(self, person: str) -> dict[str, Any]:
        return self._wait(self.gateway.explain_person(person))

    def drain(self) -> int:
        return self._wait(self.gateway.drain())

    def status(self) -> dict[str, Any]:
        return self._wait(self.gateway.status())

    def _wait(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def _end(self) -> None:
        self._wait(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
