"""The reaper: what a crash left behind."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from recallgate.config import GatewayConfig
from recallgate.model.clock import from_ms, to_ms
from recallgate.store import attempts
from recallgate.store.dialect import execute
from recallgate.store.engine import Store


class Reaper:
    """A job: rows stuck in `sending` after their lease were perhaps sent. They become `uncertain`, and are settled."""

    name = "reaper"

    def __init__(self, store: Store, config: GatewayConfig) -> None:
        self._store = store
        self.every = timedelta(seconds=min(5.0, config.lease_s / 3))

    async def run(self, now: datetime) -> int:
        at = to_ms(now)
        return await self._store.run(lambda c: attempts.reap(c, now=at, settle_at=at))

    async def next_due(self) -> datetime | None:
        found = await self._store.run(_next_due, small=True)
        return from_ms(found) if found is not None else None


def _next_due(connection: Connection) -> int | None:
    found = execute(connection, "select min(lease_until) from rg_message where state = 'sending'").scalar()
    return int(found) if found is not None else None
