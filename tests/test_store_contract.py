"""SQLite keeps the store's contract, in a file and in memory."""

from pathlib import Path

from recallgate.store.engine import Store
from recallgate.testing import StoreContract


class TestSqliteFile(StoreContract):
    def make_store(self, folder: Path) -> Store:
        return Store(f"sqlite:///{folder / 'store.sqlite'}")


class TestSqliteMemory(StoreContract):
    def make_store(self, folder: Path) -> Store:
        return Store("sqlite://")
