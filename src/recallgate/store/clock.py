"""The store's clock: processes on several hosts agree on what is due and what is leased, whatever their own clocks say."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class _Skewed(Protocol):
    @property
    def skew(self) -> timedelta: ...


class StoreClock:
    """The machine's wall clock, put right by how far the database's is ahead of it (SQLite: not at all)."""

    def __init__(self, store: _Skewed) -> None:
        self._store = store

    def now(self) -> datetime:
        return datetime.now(UTC) + self._store.skew
