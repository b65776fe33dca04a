"""A vendor that takes everything at once, and the messages that the benchmarks send."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from recallgate import AccountConfig, AdapterConfig, Driver, Message, Receipt, channels
from recallgate.adapter import AdapterClass

NOON = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)  # a Friday, noon in San Francisco


class NoonClock:
    """A clock that runs, and starts at noon of a day on which marketing may be sent, whenever the benchmark runs."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now(self) -> datetime:
        return NOON + timedelta(seconds=time.monotonic() - self._began)


class NoOpSms(Driver):
    """Takes every message and does nothing."""

    vendor, channel = "noop", channels.SMS

    async def send(self, message: Message) -> Receipt:
        return Receipt(message.id, message.id)


class GivenAccount(AccountConfig):
    """An account whose adapter is handed over as a class, so that no entry point is needed."""

    adapter_cls: Any

    @property
    def cls(self) -> AdapterClass:
        made: AdapterClass = self.adapter_cls
        return made


def account(adapter: AdapterClass, **fields: Any) -> AccountConfig:
    """An account for an adapter class."""
    settings = fields.pop("settings", AdapterConfig())
    return GivenAccount(name="bench", adapter=adapter.adapter_name(), settings=settings, adapter_cls=adapter, **fields)


def texts(count: int, *, purpose: str, start: int = 0) -> Iterator[Message]:
    """Texts to as many people in California, each with a number of their own."""
    for i in range(start, start + count):
        number = f"+1415{2_000_000 + i:07d}"
        if purpose == "marketing":
            yield Message.sms(
                number,
                f"We kept your cart: https://shop.example/c/{i}",
                purpose=purpose,
                person=f"p{i}",
                tags=frozenset({"winback"}),
            )
        else:
            yield Message.sms(number, f"Your code is {i % 10_000:04d}", purpose=purpose)
