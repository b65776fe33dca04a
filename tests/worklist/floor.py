"""A floor of people who call by hand: an open gateway with a worklist, and short words for what happens there."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.ground import DEFAULT, NOON, Ground, ground
from recallgate import AccountConfig, Delivery, Message, Purpose, Task, Worker
from recallgate.worklist import Assignment, Done, Worklist

NUMBER = "+14155550123"  # San Francisco


def task(
    person: str | None = "ann", *, vip: bool = False, purpose: str = "marketing", queue: str = "default", **fields: Any
) -> Message:
    """A recall call to somebody in San Francisco."""
    content = Task(title="Recall call", script="Ask why", phone=fields.pop("phone", NUMBER), vip=vip)
    identity = fields.pop("id", person or "nobody")
    return Message(
        id=identity,
        channel="worklist",
        to=Worker(queue=queue),
        content=content,
        purpose=Purpose(purpose),
        person=person,
        **fields,
    )


@dataclass
class Floor:
    """The ground and the desk on it."""

    here: Ground
    desk: Worklist

    @property
    def now(self) -> datetime:
        return self.here.clock.now()

    async def put(self, *messages: Message) -> list[Delivery]:
        return [await self.here.gateway.send(message) for message in messages]

    async def next(self, agent: str = "bo", **fields: Any) -> Assignment | None:
        return await self.desk.next(agent, now=self.now, **fields)

    async def done(self, identity: str, result: str, agent: str = "bo", **fields: Any) -> Done:
        return await self.desk.done(identity, result, agent=agent, now=self.now, **fields)

    async def events(self) -> list[tuple[Any, ...]]:
        return await self.here.rows("select message_id, type, status from rg_event order by seq")


@asynccontextmanager
async def floor(at: datetime = NOON, store: Any = None, **settings: Any) -> AsyncIterator[Floor]:
    """An open gateway with one worklist account `callers`."""
    account = AccountConfig.build("worklist.worklist", settings, name="callers")
    async with ground(account, at=at, store=store or DEFAULT["store"]) as here:
        yield Floor(here, here.gateway.worklists["callers"])
