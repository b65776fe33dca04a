"""The embedded engine: lanes in this process look for due rows themselves. SQLite or PostgreSQL, one process or many."""

import asyncio
from collections.abc import Sequence

from sqlalchemy import Connection

from recallgate.delivery.shift import Shift
from recallgate.engines.listen import listen, notify
from recallgate.engines.port import Crew
from recallgate.engines.rota import Rota, beats
from recallgate.model.message import Message
from recallgate.store.engine import Store


class Embedded:
    """Needs nothing but the store. New work is heard of by LISTEN on PostgreSQL, within the process, and by looking."""

    name = "embedded"

    def __init__(self) -> None:
        self._shift: Shift | None = None

    async def open(self, store: Store) -> None:
        """Nothing is kept but the rows themselves."""

    def announce(self, connection: Connection, messages: Sequence[Message], now_ms: int) -> None:
        notify(connection)

    def wake(self) -> None:
        if self._shift is not None:
            self._shift.wake()

    async def run(self, crew: Crew, stop: asyncio.Event) -> None:
        shift = self._shift = Shift(crew.worker, stop)
        rota = Rota(crew.store, stop)
        try:
            async with shift.open():
                around = [
                    asyncio.create_task(rota.run(crew.jobs, crew)),
                    asyncio.create_task(beats(crew, stop, holder=rota.holder, engine=self.name)),
                    asyncio.create_task(listen(crew.store, stop, shift.wake)),
                ]
                try:
                    await shift.lanes(crew.channels)
                    await stop.wait()  # without accounts there are no lanes, and still jobs
                finally:
                    stop.set()
                    await asyncio.gather(*around, return_exceptions=True)
        finally:
            self._shift = None

    async def close(self) -> None: ...
