"""The outbox: a gateway with fake vendors, what they were given, and assertions on it.

```
outbox = make_outbox()
async with outbox as gateway:
    await gateway.send(Message.sms("+14155550123", "Your code is 4821", purpose="otp"))
assert_sent(outbox, to="+14155550123", containing="4821")
```
"""

from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Any, TypeVar

from recallgate.config import AccountConfig, GatewayConfig
from recallgate.gateway import Gateway
from recallgate.model.address import Address
from recallgate.model.chance import Simulation
from recallgate.model.channels import BUILT_IN
from recallgate.model.clock import Clock, FrozenClock
from recallgate.model.errors import ErrorKind
from recallgate.model.event import Event, EventType
from recallgate.model.message import Message
from recallgate.store.engine import Store, Work
from recallgate.testing.fakes import FakeDriver, Script, fake_account
from recallgate.tracking.process import Applied

# Friday 09:30 in Shanghai, Thursday 17:30 in Los Angeles: hours at which marketing may be sent in both.
NOW = datetime.fromisoformat("2026-11-20T01:30:00+00:00")
_T = TypeVar("_T")


class MemoryStore(Store):
    """A store in memory that opens when it is first used, so that a test may go without `async with`."""

    _closed = False

    async def run(self, work: Work[_T], *, urgent: bool = False, small: bool = False, heavy: bool = False) -> _T:
        if not self._closed:
            await self.open()
        return await super().run(work, urgent=urgent, small=small, heavy=heavy)

    async def close(self) -> None:
        self._closed = True
        await super().close()


class Outbox:
    """A gateway with fake vendors on a store in memory, and what they were given. `async with outbox as gateway`.

    `sent` are the messages that vendors took, `tried` all that reached one, in order, as they left (links are short where
    the gateway has a public address).
    """

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.sent: list[Message] = []
        self.tried: list[Message] = []
        for account in gateway.accounts.values():
            if isinstance(account.adapter, FakeDriver):
                account.adapter.script.sent, account.adapter.script.tried = self.sent, self.tried

    def script(self, account: str) -> Script:
        """What an account's vendor will answer; where nothing else is configured accounts are named after channels."""
        adapter = self.gateway.accounts[account].adapter
        if not isinstance(adapter, FakeDriver):
            raise TypeError(f"account {account!r} is not a fake")
        return adapter.script

    def refuse(self, account: str, kind: ErrorKind, *, code: str | None = None, times: int = 1) -> None:
        """Let an account refuse the next messages."""
        self.script(account).refuse(kind, code=code, times=times)

    def uncertain(self, account: str, *, times: int = 1) -> None:
        """Let an account lose the answers to the next messages."""
        self.script(account).uncertain(times)

    async def report(self, message: Message | str, type_: EventType | str, **fields: Any) -> Applied:
        """Let the vendor tell news of a message: `await outbox.report(message, "delivered")`; `fields` as in `Event`."""
        identity = message if isinstance(message, str) else message.id
        fields.setdefault("at", self.gateway.clock.now())
        return await self.gateway.apply([Event(EventType(type_), message_id=identity, **fields)])

    async def __aenter__(self) -> Gateway:
        await self.gateway.open()
        return self.gateway

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        await self.gateway.close()


def make_outbox(config: GatewayConfig | None = None, *, clock: Clock | None = None) -> Outbox:
    """An outbox; each account of `config` becomes a fake of the same name and limits, further channels get one each.

    The clock stands still unless one is given. Codes and nonces are the same in every run, and nothing is tried twice in
    real time: a message that is to be tried again waits for `gateway.drain()` at its time.
    """
    known = config or GatewayConfig()
    fakes = [_faked(account) for account in known.accounts]
    channels = {account.cls.channel.name for account in known.accounts}
    fakes += [fake_account(name) for name in BUILT_IN if name not in channels]
    gateway = Gateway(
        config=known.model_copy(update={"accounts": tuple(fakes)}),
        store=MemoryStore(),
        clock=clock or FrozenClock(NOW),
        simulation=Simulation("outbox"),
    )
    return Outbox(gateway)


def _faked(account: AccountConfig) -> AccountConfig:
    kept = {name: getattr(account, name) for name in AccountConfig.model_fields if name not in ("name", "adapter", "settings")}
    return fake_account(account.cls.channel, name=account.name, capabilities=account.cls.abilities(), **kept)


def assert_sent(
    outbox: Outbox, *, to: str | Address | None = None, containing: str | None = None, channel: str | None = None
) -> Message:
    """The first message that was sent to an address with some words in it, or on a channel; fails when there is none.

    `containing` is looked for in every text of the content: words, subject, title, body, link, variables.
    """
    key = to if to is None or isinstance(to, str) else to.key
    for message in outbox.sent:
        if (
            (key is None or message.to.key == key)
            and (channel is None or message.channel == channel)
            and (containing is None or any(containing in text for text in _texts(message.content.model_dump())))
        ):
            return message
    asked = [f"{name}={value!r}" for name, value in (("to", key), ("containing", containing), ("channel", channel)) if value]
    raise AssertionError(f"no message with {', '.join(asked) or 'anything'} was sent; {_told(outbox)}")


def assert_nothing_sent(outbox: Outbox, *, to: str | Address | None = None, channel: str | None = None) -> None:
    """No vendor took a message (to an address, on a channel)."""
    key = to if to is None or isinstance(to, str) else to.key
    found = [
        message
        for message in outbox.sent
        if (key is None or message.to.key == key) and (channel is None or message.channel == channel)
    ]
    assert not found, f"{len(found)} sent; {_told(outbox)}"


def _told(outbox: Outbox) -> str:
    """What was sent, for the reader of a failed test, whose addresses and words are made up."""
    if not outbox.sent:
        return "nothing was sent" + (f", {len(outbox.tried)} were tried" if outbox.tried else "")
    lines = []
    for message in outbox.sent[-10:]:
        words = " | ".join(_texts(message.content.model_dump()))
        lines.append(f"  {message.channel} {message.purpose} to {message.to.key}: {words[:120]}")
    return f"sent were {len(outbox.sent)}:\n" + "\n".join(lines)


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            if name != "type":
                yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
