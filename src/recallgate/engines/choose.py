"""Which engine runs a gateway's work, and how accepted messages are told to it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from recallgate.engines.port import Engine
from recallgate.model.clock import to_ms
from recallgate.model.errors import ConfigError
from recallgate.model.message import Message
from recallgate.store import messages
from recallgate.store.messages import Stored

NAMES = ("embedded", "pgqueuer")


def accept(engine: Engine, batch: Sequence[Message], now: datetime, connection: Connection) -> list[Stored]:
    """Write messages and tell those who wait for work, in one transaction."""
    stored = messages.insert(connection, batch, now)
    engine.announce(connection, batch, to_ms(now))
    return stored


def engine_named(name: str) -> Engine:
    """An engine by its name; raises `ConfigError` that lists what there is."""
    if name == "embedded":
        from recallgate.engines.embedded import Embedded

        return Embedded()
    if name == "pgqueuer":
        from recallgate.engines.pgqueuer import Tickets

        return Tickets()
    raise ConfigError(f"engine: {name!r} is not known; there are: {', '.join(NAMES)}")
