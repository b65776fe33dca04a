"""What is known of our own senders: looks at caller ids, and templates with their vendors' approval."""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from recallgate.adapter import Adapter, Templates
from recallgate.delivery.accounts import LiveAccount, Router
from recallgate.model.clock import Clock, to_ms
from recallgate.model.errors import ConfigError, SendError
from recallgate.policies.number_reputation import NumberCheck
from recallgate.store import asked, templates
from recallgate.store.asked import NumberCheckRow
from recallgate.store.engine import Store
from recallgate.text.registered import RegisteredTemplate, TemplateNews, TemplateRegistry, TemplateState

_log = logging.getLogger("recallgate.delivery")
_ASK_EVERY = timedelta(hours=1)


class SenderDesk:
    """Keeps checks of caller ids and the registry of templates; as a job it asks vendors how their approval stands.

    With the first check of any number all numbers must be checked; with the first template routing respects approval.
    """

    name = "templates"
    every = timedelta(minutes=1)

    def __init__(self, store: Store, clock: Clock, router: Router, *, accounts: Mapping[str, LiveAccount], tenant: str) -> None:
        self._store, self._clock, self._router, self._accounts, self._tenant = store, clock, router, accounts, tenant

    async def open(self) -> None:
        """Read the templates that are registered."""
        found = await self._store.run(lambda c: templates.load(c, self._tenant), small=True)
        self._router.templates = found if found.records else None

    async def number_checked(self, number: str, *, marked: bool = False, at: datetime | None = None, source: str = "api") -> None:
        """Record a look at a caller id (or the name of an account that calls without one): is it marked on phones?"""
        checked = at or self._clock.now()
        if checked > self._clock.now():
            raise ConfigError("at: a check cannot lie in the future")
        row = NumberCheckRow(self._tenant, number, to_ms(checked), int(marked), source)
        await self._store.run(lambda c: asked.save_number_checks(c, [row]), small=True)

    async def numbers(self) -> Mapping[str, NumberCheck]:
        """The newest check of each caller id."""
        return await self._store.run(lambda c: asked.number_checks(c, self._tenant), small=True)

    @property
    def templates(self) -> TemplateRegistry:
        """All templates as this gateway knows them now."""
        return self._router.templates or TemplateRegistry()

    async def register(self, records: Iterable[RegisteredTemplate]) -> None:
        """Store or renew templates; accounts that this gateway lacks are a ConfigError."""
        given = list(records)
        if strange := sorted({one.account for one in given} - set(self._accounts)):
            raise ConfigError(f"templates: account {strange[0]!r} is not known; there are: {', '.join(self._accounts) or 'none'}")
        TemplateRegistry(given)
        await self._store.run(lambda c: templates.save(c, self._tenant, given))
        await self.open()

    async def told(self, news: TemplateNews) -> bool:
        """What a vendor told about a template; False where it changes nothing. Older news than what is known change nothing."""
        await self.open()
        after = self.templates.told(news)
        if after is self.templates:
            return False
        known = {(one.account, one.vendor_id): one for one in after.records}
        changed = known[news.account, news.vendor_id]
        await self._store.run(lambda c: templates.save(c, self._tenant, [changed]), small=True)
        self._router.templates = after
        return True

    async def run(self, now: datetime) -> int:
        """Ask the vendors of templates that were not asked about for an hour; also see what other processes were told."""
        if self._router.templates is None:
            return 0
        await self.open()
        due = [one for one in self.templates.to_ask(now, every=_ASK_EVERY) if self._able(one.account)]
        for record in due:
            account = self._accounts[record.account]
            try:
                state = await _asked(account, record.vendor_id)
            except SendError as exc:
                _log.warning("account %s could not be asked about template %s: %s", record.account, record.name, exc.kind)
                state = record.state  # what is known stays, and is asked about again in an hour
            await self.told(TemplateNews(record.account, record.vendor_id, state, now, record.reason))
        return len(due)

    def _able(self, account: str) -> bool:
        live = self._accounts.get(account)
        return live is not None and isinstance(live.adapter, Adapter) and isinstance(live.adapter, Templates)

    async def next_due(self) -> datetime | None:
        now = self._clock.now()
        waiting = [one for one in self.templates.to_ask(now, every=timedelta(0)) if self._able(one.account)]
        return min((one.state_at + _ASK_EVERY if one.state_at is not None else now for one in waiting), default=None)


async def _asked(account: LiveAccount, vendor_id: str) -> TemplateState:
    """How the vendor says that a template stands."""
    adapter = account.adapter
    assert isinstance(adapter, Templates)
    answer = await account.call(lambda: adapter.build_template_status(vendor_id))
    return _state(adapter.parse_template_status(answer))


def _state(word: str) -> TemplateState:
    try:
        return TemplateState(word.lower())
    except ValueError:
        return TemplateState.UNKNOWN
