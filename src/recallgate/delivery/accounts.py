"""Live accounts: configured adapters with their wire, limits and health; and which one takes a message."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

import httpx

from recallgate.adapter import Adapter, Capabilities, Driver, Tools
from recallgate.config import AccountConfig
from recallgate.delivery.limiter import Breaker, RateLimit
from recallgate.delivery.retries import RetryBudget
from recallgate.delivery.routing import Preference
from recallgate.model.errors import ConfigError, ErrorKind, SendError
from recallgate.model.message import Message
from recallgate.model.receipt import Receipt
from recallgate.policies.account_ability import lack_of
from recallgate.policies.case import Account
from recallgate.registry import check_needs
from recallgate.text.registered import TemplateRegistry
from recallgate.transport.choose import check_transport, transport_for
from recallgate.transport.client import Wire
from recallgate.transport.deadline import Deadlines
from recallgate.transport.tokens import TokenDesk, exchange

TransportFactory = Callable[[AccountConfig], httpx.AsyncBaseTransport | None]
_VENDOR_FAULTS = frozenset(
    {ErrorKind.UNAVAILABLE, ErrorKind.TEMPORARY, ErrorKind.UNCERTAIN, ErrorKind.AUTH, ErrorKind.INSUFFICIENT_FUNDS}
)
_BREAKER = "breaker"
_KEPT = 4096  # choices of accounts by channel and country
_OUT_FOR = {ErrorKind.AUTH: timedelta(minutes=5), ErrorKind.INSUFFICIENT_FUNDS: timedelta(minutes=15)}


@dataclass(frozen=True, slots=True)
class Route:
    """The account that takes a message, or why none does; `wait_until` when one will be free.

    `leaves_at`: its turn in the account's rate is a little later than now.
    """

    account: "LiveAccount | None"
    wait_until: datetime | None = None
    kind: ErrorKind | None = None
    code: str = ""
    leaves_at: datetime | None = None


class LiveAccount:
    """One account at work. `view` is what policies may know of it."""

    def __init__(self, config: AccountConfig, tools: Tools, desk: TokenDesk, transport: TransportFactory | None) -> None:
        self.config = config
        self.name = config.name
        check_needs(config.cls)
        self.adapter: Adapter | Driver = config.cls(config.settings, tools)
        self.channel = self.adapter.channel.name
        abilities = self.adapter.abilities()
        self.batch = abilities.batch  # recipients of one request
        self._public_only = isinstance(self.adapter, Adapter) and self.adapter.public_only
        check_transport(config.name, config.transport, http2=abilities.http2, public_only=self._public_only)
        self.view = Account(config.name, config.adapter, abilities, config.open_regions, config.countries)
        self.reputation = config.reputation or config.name
        self.limit = RateLimit(config.rate if config.rate is not None else abilities.default_rate, config.burst)
        self.breaker = Breaker()
        self.retries = RetryBudget()
        self.asks, self.settles, self.polled = asking(config, self.adapter, abilities)
        self.slots = asyncio.Semaphore(config.concurrency)
        self.out_until: datetime | None = None
        self.out_reason: str | None = None
        self.learned = False  # something about its health that other processes have not been told
        self._desk = desk
        self._transport = transport
        self.route = Route(self)
        self._deadlines = Deadlines(config.deadline_s)
        self._wire: Wire | None = None
        self._opened = False
        self._opening = asyncio.Lock()

    async def send(self, message: Message, begin: Callable[[], None] | None = None) -> Receipt:
        """One call to the vendor. Anything but a receipt is a `SendError`; what nobody foresaw is UNCERTAIN.

        `begin` is asked when its turn has come; what it raises comes through, and the vendor is not called.
        """
        async with self.slots:
            if begin is not None:
                begin()
            try:
                if isinstance(self.adapter, Driver):
                    return await self._drive(self.adapter, message)
                adapter = self.adapter
                response = await exchange(adapter, lambda: adapter.build(message), self.wire.send, self._desk)
                return adapter.parse(message, response)
            except (SendError, asyncio.CancelledError):
                raise
            except Exception as exc:
                raise SendError(ErrorKind.UNCERTAIN, "adapter", f"{type(exc).__name__} in {self.adapter!r}") from exc

    def micros(self, parts: int) -> int:
        """What so many parts cost, in millionths of the account's currency."""
        return _micros(self.config.unit_cost, parts)

    async def call(self, build: Callable[[], httpx.Request]) -> httpx.Response:
        """An authorised call beside the messages, such as a question about a template; SendError as they come."""
        assert isinstance(self.adapter, Adapter), "a driver has no wire"
        return await exchange(self.adapter, build, self.wire.send, self._desk)

    @property
    def wire(self) -> Wire:
        if self._wire is None:
            transport = self._transport(self.config) if self._transport else None
            if transport is None:
                config, proxy = self.config, self.config.proxy
                transport = transport_for(
                    config.transport,
                    http2=self.view.capabilities.http2,
                    proxy=proxy.get_secret_value() if proxy is not None else None,
                    in_flight=config.concurrency,
                    public_only=self._public_only,
                )
            self._wire = Wire(transport, deadline_s=self.config.deadline_s)
        return self._wire

    async def open(self) -> None:
        """Make a driver ready, once; an account over HTTP is ready."""
        async with self._opening:
            if not self._opened and isinstance(self.adapter, Driver):
                await self.adapter.open()
                self._opened = True

    async def _drive(self, driver: Driver, message: Message) -> Receipt:
        if not self._opened:
            await self.open()
        try:
            return await self._deadlines.within(driver.send(message))
        except TimeoutError as exc:
            raise SendError(ErrorKind.UNCERTAIN, "deadline", f"no answer within {self.config.deadline_s:g} s") from exc

    def available(self, now: datetime) -> bool:
        return (self.out_until is None or now >= self.out_until) and self.breaker.allows(now)

    def back_at(self, now: datetime) -> datetime:
        """When it may be tried again."""
        return max((at for at in (self.out_until, self.breaker.open_until) if at is not None), default=now)

    def succeeded(self) -> None:
        if self.out_until is not None or self.breaker.open_until is not None:
            self.learned = True
        self.retries.well = True
        self.breaker.succeeded()
        self.out_until = self.out_reason = None

    def out(self) -> tuple[datetime | None, str | None]:
        """Until when nothing may go through it, as far as is known, and why."""
        if self.breaker.open_until is not None and (self.out_until is None or self.breaker.open_until >= self.out_until):
            return self.breaker.open_until, _BREAKER
        return self.out_until, self.out_reason

    def adopt(self, until: datetime | None, reason: str | None) -> None:
        """Take over what another process learned; `until` None: the account is well. What is older than our own is no news."""
        known, _ = self.out()
        if until is None if known is None else until is not None and until <= known:
            return
        broken = until is not None and reason == _BREAKER
        self.breaker.adopt(until if broken else None)
        self.out_until, self.out_reason = (None, None) if broken or until is None else (until, reason)

    def failed(self, error: SendError, now: datetime) -> None:
        """Learn from a refusal: the account may be out for a while, or its breaker opens."""
        before = self.out()
        self._judge(error, now)
        self.learned = self.learned or self.out() != before

    def _judge(self, error: SendError, now: datetime) -> None:
        if error.kind is ErrorKind.RATE_LIMITED and error.scope == "account":
            self._out(error.retry_at or now + timedelta(seconds=30), error)
        elif error.kind in _OUT_FOR:
            self._out(now + _OUT_FOR[error.kind], error)
        elif error.kind in _VENDOR_FAULTS:
            self.retries.well = False
            self.breaker.failed(now)
        else:
            self.breaker.succeeded()

    def _out(self, until: datetime, error: SendError) -> None:
        self.out_until = max(until, self.out_until or until)
        self.out_reason = str(error.kind)

    async def close(self) -> None:
        if self._wire is not None:
            await self._wire.close()
        if self._opened and isinstance(self.adapter, Driver):
            await self.adapter.close()


def asking(config: AccountConfig, adapter: Adapter | Driver, abilities: Capabilities) -> tuple[bool, bool, bool]:
    """Whether the vendor can be asked about a message, can settle an uncertain one itself, and has to be asked for all news."""
    asks = abilities.lookup and isinstance(adapter, Adapter)
    if config.reports == "poll" and not asks:
        raise ConfigError(f"account {config.name}: reports: {config.adapter} cannot be asked about messages; leave it at auto")
    silent = not abilities.reports or abilities.callbacks == "none"
    polled = asks and (config.reports == "poll" or (config.reports == "auto" and silent))
    return asks, asks or abilities.idempotency is not None, polled


@lru_cache(maxsize=1024)  # an account has one price, and few numbers of parts
def _micros(cost: Decimal, parts: int) -> int:
    return int((abs(cost * parts) * 1_000_000).to_integral_value())


def _carries(account: LiveAccount) -> tuple[bool, int | None]:
    """What accounts of a channel may differ in as to messages."""
    return account.view.capabilities.templates_only, account.view.capabilities.max_bytes


class Router:
    """Ordered choice: by `order`, within it by `prefer`; accounts that were tried, are out or full are passed over.

    Accounts that cannot carry a message (free text, so many bytes) are passed over, if any other can; with `templates` also
    those whose vendor has not approved a template message.
    """

    def __init__(self, accounts: Iterable[LiveAccount], *, by_ratio: bool = False) -> None:
        self.accounts = tuple(accounts)
        self.prefer = Preference([account.config for account in self.accounts], by_ratio=by_ratio)
        self.templates: TemplateRegistry | None = None
        self._by_channel: dict[str, list[LiveAccount]] = {}
        for account in self.accounts:
            self._by_channel.setdefault(account.channel, []).append(account)
        for found in self._by_channel.values():
            found.sort(key=lambda account: (account.config.order, account.name))
        self._unequal = {name for name, found in self._by_channel.items() if len({_carries(one) for one in found}) > 1}
        self._fits: dict[tuple[str, str | None], tuple[LiveAccount, ...]] = {}

    @property
    def channels(self) -> Sequence[str]:
        return sorted(self._by_channel)

    def slots(self, channel: str) -> int:
        """How many calls of a channel can be under way at once."""
        return sum(account.config.concurrency for account in self._by_channel.get(channel, ()))

    def room(self, channel: str, now: datetime, *, ahead: timedelta) -> int | None:
        """How many messages the rates of a channel's accounts let out until then; None where one has no rate."""
        accounts = self._by_channel.get(channel, ())
        if not accounts or not all(account.limit.limited for account in accounts):
            return None
        return sum(account.limit.room(now, ahead=ahead) for account in accounts if account.available(now))

    def first(self, message: Message, country: str | None) -> LiveAccount | None:
        """The account that would take the message if nothing were out: what policies judge."""
        fitting = self._fitting(message, country)
        return fitting[0] if fitting else None

    def untried(self, message: Message, country: str | None, tried: Mapping[str, Any]) -> LiveAccount | None:
        """Another account that could take the message, whatever its health; None when all had their turn."""
        return next((account for account in self._fitting(message, country) if account.name not in tried), None)

    def route(
        self,
        message: Message,
        *,
        country: str | None,
        now: datetime,
        tried: Mapping[str, Any],
        paused: frozenset[tuple[str, str]],
        ahead: timedelta = timedelta(0),
    ) -> Route:
        """The account for a message; `ahead` is how far off its turn in an account's rate may be."""
        fitting = self._fitting(message, country)
        if not fitting:
            return Route(None, None, ErrorKind.UNSUPPORTED, f"no_account.{message.channel}")
        left = [account for account in fitting if account.name not in tried] if tried else fitting
        if not left:
            return Route(None, None, None, "all_tried")
        waits = []
        for account in left:
            if paused and ("account", account.name) in paused:
                waits.append(now + timedelta(minutes=1))
            elif not account.available(now):
                waits.append(account.back_at(now))
            elif (turn := account.limit.slot(now, ahead=ahead)) is not None:
                account.breaker.take(now)
                return account.route if turn is now else Route(account, leaves_at=turn)
            else:
                waits.append(account.limit.next_grant(now))
                if not message.purpose.urgent:
                    break  # a full rate is waited for; only what cannot wait takes another account
        return Route(None, max(min(waits), now + timedelta(milliseconds=1)), None, "rate_limited")

    def _fitting(self, message: Message, country: str | None) -> tuple[LiveAccount, ...]:
        key = (message.channel, country)
        fitting = self._fits.get(key)
        if fitting is None:
            if len(self._fits) >= _KEPT:
                self._fits.clear()
            fitting = self._fits[key] = tuple(
                account
                for account in self._by_channel.get(message.channel, ())
                if not account.config.countries or country is None or country in account.config.countries
            )
        if message.channel in self._unequal or (self.templates is not None and message.content.type == "template"):
            fitting = self._able(message, country, fitting)
        return self.prefer(message.id, fitting) if self.prefer.decides and len(fitting) > 1 else fitting

    def _able(self, message: Message, country: str | None, fitting: tuple[LiveAccount, ...]) -> tuple[LiveAccount, ...]:
        """Those that can carry the message and may send its template; all where none can, so that the refusal has a name."""
        found = tuple(one for one in fitting if lack_of(one.view, message, country=country, templates=self.templates) is None)
        return found or fitting

    def lack(self, account: LiveAccount, message: Message, *, country: str | None) -> str | None:
        """Why an account must not be given a template message; None for all others."""
        if self.templates is None or message.content.type != "template":
            return None
        return lack_of(account.view, message, country=country, templates=self.templates)
