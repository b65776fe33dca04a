"""What tests of engines stand on: gateways in real time over scripted vendors, and a look at the rows."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from recallgate import Gateway, GatewayConfig, Message
from recallgate.testing.fakes import FakeDriver, Script, fake_account


def hello(n: int = 0, *, purpose: str = "service", **fields: Any) -> Message:
    """A text that may leave at any hour."""
    return Message.sms(
        f"+1415555{n % 10_000:04d}", "Hello", purpose=purpose, timezone="America/Los_Angeles", country="US", **fields
    )


@dataclass
class Floor:
    """An engine's name and a store's address; gateways on it are processes of their own in all but name."""

    engine: str
    store: str

    def make(self, **config: Any) -> Gateway:
        settings = GatewayConfig(
            accounts=(fake_account("sms", name="a"),),
            **{"engine": self.engine, "jitter_minutes": 0, "lease_s": 6.0, **config},
        )
        return Gateway(config=settings, store=self.store)

    @asynccontextmanager
    async def working(self, gateway: Gateway | None = None, **config: Any) -> AsyncIterator[Gateway]:
        """A gateway whose engine runs within the block."""
        made = gateway or self.make(**config)
        async with made:
            stop = asyncio.Event()
            running = asyncio.create_task(made.run(stop))
            try:
                yield made
            finally:
                stop.set()
                await running


def script(gateway: Gateway) -> Script:
    """What the vendor of a gateway was given."""
    adapter = gateway.accounts["a"].adapter
    assert isinstance(adapter, FakeDriver)
    return adapter.script


async def rows(gateway: Gateway, statement: str, **values: Any) -> list[tuple[Any, ...]]:
    return await gateway.store.run(lambda c: [tuple(row) for row in c.execute(text(statement), values)])


async def states(gateway: Gateway) -> dict[str, int]:
    return dict(await rows(gateway, "select state, count(*) from rg_message group by state"))  # type: ignore[arg-type]


async def until(claim: Callable[[], Awaitable[bool]] | Callable[[], bool], *, within: float = 10.0) -> float:
    """Wait for a claim to hold; answers how long it took, and fails when it does not."""
    began = time.monotonic()
    while True:
        found = claim()
        if (await found) if isinstance(found, Awaitable) else found:
            return time.monotonic() - began
        assert time.monotonic() - began < within, f"it did not hold within {within:g} s"
        await asyncio.sleep(0.01)


class Counting:
    """A job that notes when it ran, and in how many shards."""

    def __init__(self, store: Any, name: str = "counting", *, every: float = 0.4, lasts: float = 0.0) -> None:
        self.name = name
        self.every = timedelta(seconds=every)
        self.ran: list[float] = []
        self._lasts = lasts

    async def run(self, now: datetime) -> int:
        self.ran.append(time.monotonic())
        await asyncio.sleep(self._lasts)
        return 0

    async def next_due(self) -> datetime | None:
        return None
