"""The store's contract on a real PostgreSQL."""

from pathlib import Path
from typing import Any

import pytest

from postgres import database
from recallgate.store.engine import Store
from recallgate.store.postgres import PostgresStore
from recallgate.testing import StoreContract


class TestOnPostgres(StoreContract):
    @pytest.fixture(autouse=True)
    def _server(self, postgres_server: Any) -> None:
        self.server = postgres_server

    def make_store(self, folder: Path) -> Store:
        return PostgresStore(database(self.server), pool=0)
