"""The port between a gateway and its engine: what is to be run, and what an engine promises."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection

from recallgate.delivery.worker import Worker
from recallgate.model.clock import Clock
from recallgate.model.jobs import Job
from recallgate.model.message import Message
from recallgate.store.engine import Store


@dataclass(frozen=True)
class Crew:
    """What an engine keeps at work: a worker, its channels, the recurring jobs; `health` says how accounts are."""

    store: Store
    clock: Clock
    worker: Worker
    channels: Sequence[str]
    jobs: Sequence[Job]
    health: Callable[[], Mapping[str, Any]]


class Engine(Protocol):
    """Runs the pages and jobs of a gateway.

    Truth is in the store's rows; what an engine keeps of its own are hints. A lost one is found by looking at the rows
    again, a doubled one finds nothing to do.
    """

    name: str

    async def open(self, store: Store) -> None:
        """Make ready what the engine keeps in the store's database; safe to call from every process."""

    def announce(self, connection: Connection, messages: Sequence[Message], now_ms: int) -> None:
        """Within the transaction that accepted messages: at its commit those who wait for work are told."""

    def wake(self) -> None:
        """Let what runs in this process look for work now."""

    async def run(self, crew: Crew, stop: asyncio.Event) -> None:
        """Work until `stop`, then end: no new intents, what is in flight is finished, the rest is given back."""

    async def close(self) -> None: ...
