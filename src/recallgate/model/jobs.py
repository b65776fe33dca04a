"""Ports by which lower rooms call upper ones: they know these protocols only."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from recallgate.model.event import Event


class Job(Protocol):
    """Recurring work that an engine runs: a play tick, a reaper, a poll.

    `run` does what is due at `now` and answers how many things it did; zero means idle. It may be called by several
    workers and must be safe when it is. `next_due` is the earliest instant at which there is work, None when unknown.
    """

    name: str
    every: timedelta

    async def run(self, now: datetime) -> int: ...

    async def next_due(self) -> datetime | None: ...


@runtime_checkable
class Sharded(Protocol):
    """A job whose work is in `shards` parts, each run by one worker at a time, several at once: the planning of a campaign.

    Running a shard again must add nothing.
    """

    name: str
    every: timedelta
    shards: int

    async def run(self, now: datetime) -> int: ...

    async def run_shard(self, shard: int, now: datetime) -> int: ...

    async def next_due(self) -> datetime | None: ...


class EventSink(Protocol):
    """Told of stored events, after they are durable; what it raises is logged and does not undo them."""

    async def on_events(self, events: Sequence[Event]) -> None: ...
