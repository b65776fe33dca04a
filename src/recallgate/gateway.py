"""The gateway: takes messages, asks the policies, sends through accounts, records, and can say why."""

import asyncio
import logging
import warnings
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from recallgate.adapter import Callback, Reply
from recallgate.config import AccountConfig, GatewayConfig
from recallgate.delivery.accounts import LiveAccount, Router, TransportFactory
from recallgate.delivery.addresses import CallbackAddresses, keep_raw
from recallgate.delivery.audit import AuditReport, replayed
from recallgate.delivery.cases import CaseMaker
from recallgate.delivery.configured import chain_of, rules_of
from recallgate.delivery.custody import CustodyDesk, Erasure
from recallgate.delivery.dead import DeadDesk
from recallgate.delivery.direct import Delivery as Delivery, Direct
from recallgate.delivery.drivers import wire
from recallgate.delivery.explain import explain_dry, explain_person, explain_stored
from recallgate.delivery.reaper import Reaper
from recallgate.delivery.retention import Retention, RetentionReport
from recallgate.delivery.senders import SenderDesk
from recallgate.delivery.settling import Settling
from recallgate.delivery.stage import Stager
from recallgate.delivery.standing import SharedStanding
from recallgate.delivery.status import account_health, status
from recallgate.delivery.worker import AHEAD, NOT_AHEAD, PAGE, Pace, Worker
from recallgate.engines.choose import accept, engine_named
from recallgate.engines.port import Crew
from recallgate.inbox import Inbox
from recallgate.model.address import Address
from recallgate.model.chance import Chance, Simulation
from recallgate.model.clock import Clock, FrozenClock, from_ms, to_ms
from recallgate.model.content import Content
from recallgate.model.errors import ConfigError, ForgedCallback
from recallgate.model.event import Event
from recallgate.model.jobs import EventSink, Job
from recallgate.model.message import Message
from recallgate.model.purpose import Purpose
from recallgate.optout.answers import answers_of
from recallgate.optout.desk import LedgerDesk
from recallgate.policies.chain import Chain
from recallgate.rules.optout import codes_in_suffix
from recallgate.rules.regulations import RuleBook
from recallgate.store import campaigns, ledger, messages, outbox
from recallgate.store.choice import store_of
from recallgate.store.clock import StoreClock
from recallgate.store.engine import Store
from recallgate.store.ledger import ConsentRow, SuppressionRow
from recallgate.store.messages import Stored
from recallgate.store.vault import Vault
from recallgate.tracking.clicks import ClickAnswer as ClickAnswer, Request, judge_click, unsubscribed
from recallgate.tracking.desk import EventDesk
from recallgate.tracking.people import (
    PersonEvent as PersonEvent,
    PersonRecord as PersonRecord,
    record_deeds,
    save_people,
)
from recallgate.tracking.process import Applied, Told
from recallgate.transport.tokens import StoredTokens, TokenDesk

_log = logging.getLogger("recallgate")


class Gateway:
    """Messages in, deliveries out.

    Accounts come as DSNs, `AccountConfig`s or in a `GatewayConfig`. Without a store, SQLite in memory is used and said so
    once: what is accepted then lives only as long as the process.
    """

    def __init__(
        self,
        *accounts: str | AccountConfig,
        config: GatewayConfig | None = None,
        store: str | Store | None = None,
        clock: Clock | None = None,
        chain: Chain | None = None,
        transport: TransportFactory | None = None,
        simulation: Simulation | None = None,
        rules: RuleBook | None = None,
    ) -> None:
        base = config or GatewayConfig()
        given = tuple(AccountConfig.from_dsn(one) if isinstance(one, str) else one for one in accounts)
        self.config = base.model_copy(update={"accounts": (*base.accounts, *given)}) if given else base
        names = [account.name for account in self.config.accounts]
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ConfigError(f"accounts: two are called {doubled[0]}; give one another name")
        self._store_given = store is not None or self.config.store is not None
        self.store = store if isinstance(store, Store) else store_of(store or self.config.store, simulated=simulation is not None)
        self.clock: Clock = clock or StoreClock(self.store)
        self.engine = engine_named(self.config.engine)
        self._chance: Chance = simulation or Chance()
        self._simulated = simulation is not None
        self._barred: str | None = None
        self.ring = self.config.encryption.ring() if self.config.encryption is not None else None
        if self.config.erasure.key is not None or self.ring is not None:
            self.store.vault = Vault(self.config.erasure.needed() if self.config.erasure.key is not None else None, self.ring)
        self._addresses = CallbackAddresses(self.config, self.clock, self._chance)
        self._secrets = self._addresses.secrets
        self._desk = TokenDesk(StoredTokens(self.store, self.clock), self.clock, holder=self._chance.nonce(12))
        self.accounts: dict[str, LiveAccount] = {
            account.name: LiveAccount(account, self._addresses.tools(account.name), self._desk, transport)
            for account in self.config.accounts
        }
        self.router = Router(self.accounts.values(), by_ratio=self.config.routing == "delivered_ratio")
        self.rules = rules or rules_of(self.config, self.clock.now().date())
        self.chain = chain or chain_of(self.config, self.rules)
        self.cases = CaseMaker(self.config, self.router, self.rules, chain=self.chain)
        self._stager = Stager(
            self.config,
            self.chain,
            self.cases,
            self.router,
            self._chance,
            standing=None if self._simulated else SharedStanding(self.router, self.config.tenant),
            ahead=NOT_AHEAD if isinstance(self.clock, FrozenClock) else AHEAD,
        )
        self.worker = self._make_worker()
        self._direct = Direct(self.store, self.clock, stager=self._stager, worker=self.worker)
        self._sinks: list[EventSink] = []
        self._drivers = wire(
            self.accounts,
            self.store,
            config=self.config,
            clock=self.clock,
            rules=self.rules,
            hear=lambda name, events: self.apply(events, account=name),
            tell=self._tell,
        )
        self.worklists = self._drivers.worklists
        self.senders = SenderDesk(self.store, self.clock, self.router, accounts=self.accounts, tenant=self.config.tenant)
        settling = Settling(
            self.store,
            self.clock,
            self.config,
            accounts=self.accounts,
            stager=self._stager,
            worker=self.worker,
            hear=lambda name, events: self.apply(events, account=name),
        )
        self._jobs: list[Job] = [Reaper(self.store, self.config), settling, self.senders, *self._drivers.jobs]
        self._codes = {
            account.name: codes_in_suffix(account.optout_suffix) for account in self.config.accounts if account.optout_suffix
        }
        self._events = EventDesk(self.store, self.clock.now, tenant=self.config.tenant)
        self._answers = answers_of(self.config, self.store)
        self.ledger = LedgerDesk(self.store, self.clock.now, tenant=self.config.tenant)
        self.dead = DeadDesk(self.store, self.clock.now, tenant=self.config.tenant)
        self.people = CustodyDesk(
            self.store,
            self.clock.now,
            tenant=self.config.tenant,
            settings=self.config.erasure,
            ring=self.ring,
            nonce=self._chance.nonce,
        )
        self.inbox = Inbox(self.store, tenant=self.config.tenant)

    def _make_worker(self) -> Worker:
        pace = Pace(quick_retries=0, in_order=True, chunk=PAGE) if self._simulated else Pace.of(self.config)
        return Worker(
            self.store,
            self.clock,
            self.config,
            router=self.router,
            stager=self._stager,
            pace=pace,
        )

    @classmethod
    def from_toml(cls, path: str, **arguments: Any) -> "Gateway":
        """A gateway from a TOML file; see `GatewayConfig.from_toml`."""
        return cls(config=GatewayConfig.from_toml(path), **arguments)

    @classmethod
    def from_environment(cls, **arguments: Any) -> "Gateway":
        """A gateway from environment variables; see `GatewayConfig.from_environment`."""
        return cls(config=GatewayConfig.from_environment(), **arguments)

    async def open(self) -> None:
        if not self._store_given:
            warnings.warn(
                "no store is configured: messages are kept in memory and end with the process; "
                "give Gateway(..., store='sqlite:///recallgate.sqlite')",
                stacklevel=2,
            )
            self._store_given = True
        await self.store.open()
        self._barred = await self.people.lacks()
        await self.engine.open(self.store)
        await self.senders.open()
        for account in self._drivers.listening:
            await account.open()

    async def close(self) -> None:
        await self.worker.flush()
        for account in self.accounts.values():
            await account.close()
        await self.store.close()

    async def __aenter__(self) -> "Gateway":
        await self.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    # --- messages in

    async def send(self, message: Message) -> Delivery:
        """Send one message now: one commit before the call and one after it, both awaited.

        It never waits behind a campaign. A message that policies hold is kept and leaves later by a worker; the answer
        says so. Raises `ConfigError`, `IdempotencyConflict` and `StoreError`; refusals are answers, not exceptions.
        """
        self._check_keys()
        return await self._direct.send(message)

    async def submit(self, batch: Iterable[Message], *, page: int = 1000, connection: Any = None) -> list[Stored]:
        """Accept messages for the workers; durable when it returns. Equal idempotency keys are one message.

        `connection`: one of the application's own, with a transaction on the same database (SQLAlchemy, asyncpg, psycopg,
        sqlite3, aiosqlite or Django). Its commit is then the promise: rolled back, nothing was accepted.
        """
        stored: list[Stored] = []
        waiting = list(batch)
        now = self.clock.now()
        if connection is not None:
            for start in range(0, len(waiting), page):
                stored += await outbox.write_async(connection, waiting[start : start + page], now, self.ring)
            return stored
        for start in range(0, len(waiting), page):
            stored += await self.store.run(partial(accept, self.engine, waiting[start : start + page], now))
        self.engine.wake()
        return stored

    def channel(self, name: str) -> "ChannelSender":
        """One channel of this gateway, so that a call reads `gateway.channel("sms").send(...)`."""
        return ChannelSender(self, name)

    async def cancel(self, message_id: str, *, tenant: str | None = None) -> bool:
        """Take back a message that has not left; False when it has, or is not known."""
        now = to_ms(self.clock.now())
        return await self.store.run(lambda c: messages.cancel(c, tenant or self.config.tenant, message_id, now))

    # --- news in

    async def receive(self, account: str, callback: Callback) -> Reply:
        """A vendor's callback: verified, stored and applied before the vendor is answered.

        Raises `ForgedCallback`, and then nothing is stored. A genuine one that cannot be read is kept raw.
        """
        live = self._account(account)
        try:
            reading = live.adapter.read_callback(callback)
        except (ForgedCallback, ConfigError):
            raise
        except Exception as exc:
            await keep_raw(self.store, callback, tenant=self.config.tenant, account=account, error=type(exc).__name__)
            _log.error("a callback of account %s could not be read and is kept: %s", account, type(exc).__name__)
            return Reply(200)
        if reading.events:
            await self.apply(reading.events, account=account)
        return reading.reply

    async def apply(self, told: Sequence[Event], *, account: str | None = None) -> Applied:
        """Store events and do what follows from them; then tell the sinks."""
        channel = self._account(account).channel if account is not None else None
        codes = self._codes.get(account, ()) if account is not None else ()
        sender = account if account is not None and self.config.revoke_scope == "program" else "*"
        applied, first = await self._events.apply([Told(event, account, channel, codes, sender) for event in told])
        if applied.events and first:
            if self._answers is not None and (applied.left or applied.help_wanted):
                await self.submit(await self._answers.to(applied.left, applied.help_wanted, self.clock.now()))
            await self._tell(applied)
        return applied

    async def _tell(self, applied: Applied) -> None:
        for sink in self._sinks:
            try:
                await sink.on_events(applied.events)
            except Exception as exc:  # a sink's fault is its own: the events are durable
                _log.error("an event sink failed: %s", type(exc).__name__)

    def check_secret(self, account: str, secret: str) -> bool:
        """Whether a callback's address has the account's secret; the old one counts during rotation."""
        return self._addresses.check(account, secret)

    async def click(
        self, address: str, *, method: str = "GET", agent: str | None = None, datacentre: bool = False, at: datetime | None = None
    ) -> ClickAnswer:
        """A request for a short link (whole address or code): judged, stored, and told as an event when it was a person.

        Unsubscribe links act on POST only; GET answers 200, so that the caller shows a page.
        """
        code = urlsplit(address).path.rsplit("/", 1)[-1]
        now = at or self.clock.now()
        hit = Request(code, method, agent, datacentre)
        found, verdict = await self.store.run(partial(judge_click, hit=hit, now=now), small=True)
        if found is None:
            return ClickAnswer(404)
        if verdict == "unsubscribe":
            if method == "POST":
                await self.apply([unsubscribed(found, now)])
            return ClickAnswer(200, None, "unsubscribe", found.message_id)
        return ClickAnswer(302, found.target, found.kind, found.message_id)

    async def record(self, did: Iterable[PersonEvent]) -> int:
        """What people did in the app; wakes their plays, and ends recall for those who returned. Answers how many were new."""
        tenant, now = self.config.tenant, to_ms(self.clock.now())
        rows = [one.row(tenant) for one in did]
        return await self.store.run(partial(record_deeds, rows=rows, tenant=tenant, now=now)) if rows else 0

    async def save_people(self, records: Iterable[PersonRecord]) -> None:
        """Store or renew people and their addresses."""
        known = list(records)
        await self.store.run(partial(save_people, records=known, tenant=self.config.tenant))

    async def suppress(
        self,
        *,
        person: str | None = None,
        address: str | None = None,
        channel: str = "*",
        reason: str = "manual",
        topic: str = "*",
        all_purposes: bool = False,
        source: str = "api",
        expires_at: datetime | None = None,
    ) -> None:
        """Stop writing to a person or an address, from now on."""
        subject = _subject(person, address)
        now = to_ms(self.clock.now())
        until = to_ms(expires_at) if expires_at is not None else None
        row = SuppressionRow(
            self.config.tenant, subject, channel, topic, "*", reason, int(all_purposes), source, None, 0, now, now, until
        )
        await self.store.run(lambda c: ledger.suppress(c, [row]), small=True, urgent=True)

    async def consent(
        self,
        *,
        person: str | None = None,
        address: str | None = None,
        channel: str,
        granted: bool,
        topic: str = "*",
        brand: str = "*",
        source: str,
        proof: str | None = None,
    ) -> None:
        """Record a consent or its withdrawal, with its source and the text that was agreed to."""
        at = to_ms(self.clock.now())
        row = ConsentRow(self.config.tenant, _subject(person, address), channel, topic, brand, int(granted), at, source, proof)
        await self.store.run(lambda c: ledger.record_consents(c, [row]), small=True)

    def shaped(self, message: Message, account: LiveAccount) -> Message:
        """The message as an account would send it: fixes applied, links as they are; `SendError` for what must not leave."""
        return self._stager.unlinked(account)(message, country=message.country, now_ms=0).message

    # --- why

    async def explain(self, what: Message | str) -> dict[str, Any]:
        """Why a stored message is where it is (by id), or what would happen to one now (a dry run, nothing is reserved)."""
        if isinstance(what, Message):
            return await explain_dry(self.store, self.cases, self.chain, what, self.clock.now())
        return await explain_stored(self.store, self.config.tenant, what)

    async def explain_person(self, person: str) -> dict[str, Any]:
        """One person's whole story: what was sent, held and dropped and why, what they did and said."""
        return await explain_person(self.store, self.config.tenant, person, now=self.clock.now())

    # --- work

    def add_job(self, job: Job) -> None:
        self._jobs.append(job)

    def add_sink(self, sink: EventSink) -> None:
        self._sinks.append(sink)

    async def drain(self) -> int:
        """Work until nothing is due now, jobs included; answers how many rows and job steps were handled."""
        self._check_keys()
        handled = 0
        while True:
            at = await self.next_due()
            if at is None or at > self.clock.now():
                return handled
            done = 0
            for job in self._jobs:
                done += await job.run(self.clock.now())
            done += await self.worker.drain()
            if not done:
                return handled
            handled += done

    async def next_due(self) -> datetime | None:
        """The earliest instant at which there is work; None when nothing waits."""
        # asked together, so that the store answers all in one turn
        waiting = asyncio.ensure_future(self.store.run(messages.next_due, small=True))
        others = await asyncio.gather(*(job.next_due() for job in self._jobs))
        row = await waiting
        instants = [from_ms(row)] if row is not None else []
        instants += [at for at in others if at is not None]
        return min(instants, default=None)

    async def run(self, stop: asyncio.Event | None = None) -> None:
        """Work in real time until `stop` is set: pages, jobs, flushes."""
        self._check_keys()
        crew = Crew(self.store, self.clock, self.worker, self.router.channels, tuple(self._jobs), self._health)
        await self.engine.run(crew, stop or asyncio.Event())

    def _check_keys(self) -> None:
        if self._barred is not None:
            raise ConfigError(self._barred)

    async def pause(self, scope: str, name: str) -> None:
        """Pause a campaign, account or channel: nothing of it gets an intent after this commit."""
        await self._mode(scope, name, "paused")

    async def stop(self, scope: str, name: str) -> None:
        """Stop for good: as pause, and said to be final."""
        await self._mode(scope, name, "stopped")

    async def resume(self, scope: str, name: str) -> None:
        await self._mode(scope, name, None)

    async def _mode(self, scope: str, name: str, mode: str | None) -> None:
        if scope not in ("campaign", "account", "channel"):
            raise ConfigError(f"scope: {scope!r} is none of campaign, account, channel")
        now = to_ms(self.clock.now())
        await self.store.run(
            lambda c: campaigns.set_mode(c, self.config.tenant, scope, name, mode, now=now), small=True, urgent=True
        )

    async def status(self) -> dict[str, Any]:
        """Messages by state, queues and how late they are, what is uncertain or dead, workers, and the health of accounts."""
        health, now = self._health(), self.clock.now()
        return await self.store.run(lambda c: status(c, self.config.tenant, accounts=health, now=now))

    async def audit(self, *, most: int = 1000) -> AuditReport:
        """Rebuild every message's state from its attempts, decisions and events, and tell the differences; changes nothing."""
        return await replayed(self.store, self.config.tenant, most=most)

    async def erase(self, person: str | None = None, *, address: str | None = None, keep_out: bool = True) -> Erasure:
        """Erase a person (or an address without one) from every table, in one transaction; see `CustodyDesk.erase`."""
        return await self.people.erase(person, address=address, keep_out=keep_out)

    async def export(self, person: str | None = None, *, address: str | None = None) -> dict[str, Any]:
        """Everything that is stored of a person (or of an address without one), as JSON."""
        return await self.people.export(person, address=address)

    async def retain(self, *, dry_run: bool = False) -> RetentionReport:
        """Archive and delete messages that ended long ago, as `[retention]` says; ConfigError without it."""
        if self.config.retention is None:
            raise ConfigError("retention: it is not set; give [retention] days = 400, and archive = a folder")
        desk = Retention(self.store, self.clock.now, tenant=self.config.tenant, settings=self.config.retention, chain=self.chain)
        return await desk.run(dry_run=dry_run)

    def _health(self) -> dict[str, Any]:
        return account_health(self.accounts, self.clock.now())

    # --- addresses for vendors

    def callback_url(self, account: str, message: Message | None = None, kind: str = "status", **extra: str) -> str | None:
        """Where a vendor tells news of a message; None without a public address."""
        return self._addresses.url(account, message, kind, **extra)

    def _account(self, name: str) -> LiveAccount:
        account = self.accounts.get(name)
        if account is None:
            raise ConfigError(f"account {name!r} is not known; there are: {', '.join(self.accounts) or 'none'}")
        return account


class ChannelSender:
    """One channel of a gateway."""

    def __init__(self, gateway: Gateway, name: str) -> None:
        from recallgate.registry import channel

        self._gateway = gateway
        self.channel = channel(name)

    async def send(self, to: Address, content: Content, *, purpose: str, **fields: Any) -> Delivery:
        """Send a content to an address of this channel; further fields as in `Message`."""
        message = Message(channel=self.channel.name, to=to, content=content, purpose=Purpose(purpose), **fields)
        return await self._gateway.send(message)


def _subject(person: str | None, address: str | None) -> str:
    if (person is None) == (address is None):
        raise ConfigError("person or address: give exactly one")
    return f"p:{person}" if person is not None else f"a:{address}"
