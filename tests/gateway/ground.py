"""What tests of the gateway stand on: scripted vendors, a clock that stands still, a store in memory, and its rows."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import wraps
from typing import Any, ParamSpec

from sqlalchemy import text

from recallgate import AccountConfig, FrozenClock, Gateway, GatewayConfig, Message
from recallgate.delivery.worker import Pace
from recallgate.store.tables import metadata
from recallgate.testing.fakes import FakeDriver, Script, fake_account

NOON = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)  # a Friday, noon in San Francisco
NIGHT = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)  # 23:00 there
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NUMBER = "+14155550123"
SUFFIX = "Reply STOP to opt out"
CART = "Your cart waits: https://shop.example/c"

DEFAULT = {"store": "sqlite://"}  # of the tests that name no store

_P = ParamSpec("_P")


def live(test: Callable[_P, Coroutine[Any, Any, None]]) -> Callable[_P, None]:
    """Run an async test in a loop of its own."""

    @wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def account(name: str = "a", channel: str = "sms", **fields: Any) -> AccountConfig:
    """A scripted account; texts carry a way out."""
    if channel == "sms":
        fields.setdefault("optout_suffix", SUFFIX)
    return fake_account(channel, name=name, **fields)


def marketing(to: str = NUMBER, words: str = CART, **fields: Any) -> Message:
    """A recall text to somebody in San Francisco."""
    where = {"timezone": "America/Los_Angeles", "country": "US", "region": "US-CA"}
    return Message.sms(to, words, purpose="marketing", **{**where, **fields})


def of(purpose: str, **fields: Any) -> Message:
    """The same text for any purpose."""
    return marketing(**fields).model_copy(update={"purpose": type(marketing().purpose)(purpose)})


def otp(to: str = NUMBER, **fields: Any) -> Message:
    where = {"timezone": "America/Los_Angeles", "country": "US", "region": "US-CA"}
    return Message.sms(to, "Your code is 4821", purpose="otp", **{**where, **fields})


@dataclass
class Ground:
    """An open gateway and what it stands on."""

    gateway: Gateway
    clock: FrozenClock

    def script(self, account: str = "a") -> Script:
        """What an account's vendor will answer, and what it was given."""
        adapter = self.gateway.accounts[account].adapter
        assert isinstance(adapter, FakeDriver)
        return adapter.script

    async def rows(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Rows of a query."""
        return await self.gateway.store.run(lambda c: [tuple(row) for row in c.execute(text(statement), values)])

    async def rows_changed(self, statement: str, **values: Any) -> None:
        """Run a statement that answers nothing."""
        await self.gateway.store.run(lambda c: c.execute(text(statement), values) and None)

    async def state(self, identity: str) -> str:
        ((state,),) = await self.rows("select state from rg_message where id = :id", id=identity)
        return str(state)

    async def reason(self, identity: str) -> str | None:
        ((reason,),) = await self.rows("select reason from rg_message where id = :id", id=identity)
        return None if reason is None else str(reason)

    async def attempts(self, identity: str) -> list[tuple[Any, ...]]:
        """(n, account, outcome, kind) of each attempt."""
        return await self.rows("select n, account, outcome, kind from rg_attempt where message_id = :id order by n", id=identity)

    async def suppressions(self) -> list[tuple[Any, ...]]:
        """(subject, channel, reason) of those in force."""
        return await self.rows("select subject, channel, reason from rg_suppression where cleared_at is null order by seq")

    async def counts(self) -> dict[str, int]:
        """Rows of every table."""
        return {name: (await self.rows(f"select count(*) from {name}"))[0][0] for name in sorted(metadata.tables)}  # noqa: S608


@asynccontextmanager
async def ground(
    *accounts: AccountConfig,
    at: datetime = NOON,
    store: Any = None,
    quick_retries: int = 0,
    chain: Any = None,
    **config: Any,
) -> AsyncIterator[Ground]:
    """A gateway over scripted accounts (one called `a` unless given); no jitter, no tries in real time."""
    clock = at if isinstance(at, FrozenClock) else FrozenClock(at)
    settings = GatewayConfig(accounts=accounts or (account(),), **{"jitter_minutes": 0, **config})
    gateway = Gateway(config=settings, store=store or DEFAULT["store"], clock=clock, chain=chain)
    gateway.worker.pace = Pace(quick_retries=quick_retries)
    async with gateway:
        yield Ground(gateway, clock)
