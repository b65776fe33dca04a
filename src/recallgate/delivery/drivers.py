"""What a gateway hands to drivers: the store, an ear for their news, the ledger of consents; and the jobs that come of it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from recallgate.adapter import AsksConsent, TellsNews
from recallgate.config import GatewayConfig
from recallgate.delivery.accounts import LiveAccount
from recallgate.inbox import InboxInapp
from recallgate.model.address import AudienceMember
from recallgate.model.clock import Clock, to_ms
from recallgate.model.event import Event
from recallgate.model.jobs import Job
from recallgate.model.message import Message
from recallgate.optout.consented import opted_out_since, refused_without_consent
from recallgate.rules.regulations import RuleBook
from recallgate.store.engine import Store
from recallgate.tracking.process import Applied
from recallgate.worklist import LastCheck, Worklist, worklists_of

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_OVERLAP = timedelta(minutes=1)  # clocks of processes differ, and a commit takes its time


@dataclass(frozen=True)
class Wired:
    """What came of the drivers: lists by account name, jobs to run, and the accounts that must be open to hear news."""

    worklists: Mapping[str, Worklist]
    jobs: Sequence[Job]
    listening: Sequence[LiveAccount]


class Removals:
    """A job: whoever has opted out since the last look is taken out of what an account has exported.

    A new process goes through all of them once, which takes out nobody twice and forgets nobody.
    """

    every = timedelta(minutes=5)

    def __init__(self, store: Store, driver: AsksConsent, *, account: str, channel: str, tenant: str) -> None:
        self.name = f"removals:{account}"
        self._store = store
        self._driver = driver
        self._channel = channel
        self._tenant = tenant
        self._looked: datetime | None = None

    async def run(self, now: datetime) -> int:
        if self._looked is not None and now < self._looked + self.every:
            return 0
        since = to_ms(self._looked - _OVERLAP) if self._looked is not None else 0
        at = to_ms(now)
        keys = await self._store.run(lambda c: opted_out_since(c, self._tenant, since=since, now=at, channel=self._channel))
        if keys:
            await self._driver.forget([_member(key) for key in keys])
        self._looked = now
        return len(keys)

    async def next_due(self) -> datetime | None:
        """At once in a new process, then every few minutes."""
        return _BEGINNING if self._looked is None else self._looked + self.every


def wire(
    accounts: Mapping[str, LiveAccount],
    store: Store,
    *,
    config: GatewayConfig,
    clock: Clock,
    rules: RuleBook,
    hear: Callable[[str, Sequence[Event]], Awaitable[object]],
    tell: Callable[[Applied], Awaitable[None]],
) -> Wired:
    """Hand each driver what it asks for. `hear` applies events of an account; `tell` is for events that are stored already."""
    jobs: list[Job] = []
    listening: list[LiveAccount] = []
    for name, account in accounts.items():
        driver = account.adapter
        if isinstance(driver, InboxInapp):
            driver.store = store
        if isinstance(driver, TellsNews):
            driver.tell = partial(hear, name)
            listening.append(account)
        if isinstance(driver, AsksConsent):
            driver.consented = _ledger(store, clock)
            jobs.append(Removals(store, driver, account=name, channel=account.channel, tenant=config.tenant))
    check = LastCheck(rules, config.guard, config.tenant_zone)
    adapters = {name: account.adapter for name, account in accounts.items()}
    worklists = worklists_of(store, adapters, tenant=config.tenant, check=check, tell=tell)
    return Wired(worklists, (*worklists.values(), *jobs), listening)


def _member(key: str) -> AudienceMember:
    if "@" in key:
        return AudienceMember(identifier=key, kind="email")
    return AudienceMember(identifier=key, kind="phone" if key.startswith("+") else "device")


def _ledger(store: Store, clock: Clock) -> Callable[[Message], Awaitable[str | None]]:
    async def consented(message: Message) -> str | None:
        now = to_ms(clock.now())
        return await store.run(lambda c: refused_without_consent(c, message, now=now), small=True)

    return consented
