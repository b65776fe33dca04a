"""The ground of the store's contract: an open store, transactions without `await`, and rows to begin with."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection

from recallgate.model.clock import to_ms
from recallgate.model.content import Text
from recallgate.model.message import Message
from recallgate.store import attempts, messages
from recallgate.store.attempts import Intent, Outcome
from recallgate.store.engine import Store
from recallgate.store.messages import Row

NOW = datetime(2026, 11, 20, 1, 30, tzinfo=UTC)
MS = to_ms(NOW)
MINUTE = 60_000
_T = TypeVar("_T")


class StoreGround:
    """Helpers of the contract; `StoreContract` puts the cases on them."""

    store: Store

    def make_store(self, folder: Path) -> Store:
        """A new, empty store; `folder` is a place for its files."""
        raise NotImplementedError

    @pytest.fixture(autouse=True)
    def opened(self, tmp_path: Path) -> Iterator[None]:
        """Open the store for one test."""
        self.store = self.make_store(tmp_path)
        asyncio.run(self.store.open())
        yield
        asyncio.run(self.store.close())

    def do(self, work: Callable[[Connection], _T]) -> _T:
        """Run one transaction."""
        return asyncio.run(self.store.run(work))

    def put(self, *batch: Message, now: datetime = NOW) -> list[messages.Stored]:
        return self.do(lambda c: messages.insert(c, batch, now))

    def due(self, *, at: int = MS, most: int = 10, channel: str = "sms", **limits: Any) -> list[Row]:
        """The rows that are due, in the order in which they leave."""
        return self.do(lambda c: messages.due(c, channel, now=at, most=most, **limits))

    def close(self, *rows: messages.Close) -> None:
        self.do(lambda c: messages.close(c, rows, now=MS))

    def intend(self, *batch: Message, at: int = MS, n: int = 1, account: str = "a") -> set[str]:
        """Commit the intent of messages; answers the ids that may be sent."""
        rows = [
            Intent(
                one.tenant,
                one.id,
                one.channel,
                account,
                n,
                None,
                int(one.purpose == "marketing"),
                one.sender or "",
                one.topic or "",
                one.person,
                one.to.key,
            )
            for one in batch
        ]
        return self.do(lambda c: attempts.intend(c, rows, now=at, lease_until=at + MINUTE))

    def finish(self, message: Message, state: str, *, n: int = 1, at: int = MS, **fields: Any) -> None:
        """Commit the outcome of an attempt."""
        outcome = Outcome(message.tenant, message.id, n, state, state, **fields)
        self.do(lambda c: attempts.finish(c, [outcome], now=at))

    def sent(self, message: Message, *, vendor_id: str = "v1", account: str = "a") -> None:
        """A message that a vendor took."""
        self.put(message)
        self.intend(message, account=account)
        self.finish(message, "accepted", vendor_id=vendor_id, accepted_at=MS)

    def row(self, message: Message | str) -> dict[str, Any]:
        """A message as it is stored."""
        identity = message if isinstance(message, str) else message.id
        found = self.do(lambda c: messages.load(c, "default", identity))
        assert found is not None, f"{identity} is not stored"
        return found

    def states(self, *batch: Message) -> list[str]:
        return [self.row(message)["state"] for message in batch]


def a_message(identity: str, *, purpose: str = "marketing", **fields: Any) -> Message:
    """A text to one number; `identity` is its id."""
    return Message.sms("+14155550123", fields.pop("text", "Hello"), purpose=purpose, id=identity, **fields)


def renamed(message: Message, text: str) -> Message:
    """The same message with other words."""
    return message.model_copy(update={"content": Text(text=text)})


def ids(rows: Sequence[Row]) -> list[str]:
    return [row.id for row in rows]


def later(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)
