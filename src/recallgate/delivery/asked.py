"""Facts that the chain's policies ask for: loaded for a page at once, and only those that somebody asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from recallgate.config import GatewayConfig
from recallgate.delivery.accounts import LiveAccount, Router
from recallgate.delivery.health import SenderHealth
from recallgate.model.clock import from_ms, to_ms
from recallgate.model.content import Text
from recallgate.model.errors import ConfigError
from recallgate.model.message import Message
from recallgate.phone.location import NumberLocator, locate
from recallgate.policies.budget import Budget, Spent
from recallgate.policies.case import Case
from recallgate.policies.chain import Chain
from recallgate.policies.combine import parts_of
from recallgate.policies.facts import load_facts
from recallgate.policies.pruning import HopelessPruning
from recallgate.policies.rate_limit import RateState
from recallgate.policies.velocity import Velocity
from recallgate.rules.place import Place
from recallgate.store import asked as stored, messages as message_rows
from recallgate.store.asked import COUNT_MS, MONEY_MS, Tally
from recallgate.store.facts import Facts
from recallgate.text.segments import count

KNOWN = frozenset({
    "caller_ids", "cost_micros", "deliverability", "failed_plays", "number_kind", "own_caps", "pause", "rate", "registry_age",
    "spent", "templates", "velocity",
})  # fmt: skip
_CALLS = frozenset({"voice"})
_HELD_BY_REGISTRY = frozenset({"sms", "voice"})
_FORGET_EVERY = timedelta(hours=1)
_AGAIN = timedelta(minutes=1)


@dataclass
class PageFacts:
    """The facts of one page; called with a message, its place and its account, it gives what its case gets.

    `spent` and `counts` are of the whole page and grow with every message of it that leaves.
    """

    asker: "Asker"
    now: datetime
    common: dict[str, object] = field(default_factory=dict)
    by_person: dict[str, dict[str, object]] = field(default_factory=dict)
    own: dict[tuple[str, str], Mapping[str, object]] = field(default_factory=dict)
    queued: dict[str, datetime] = field(default_factory=dict)
    registry: dict[str, int] | None = None
    health: Mapping[str, object] = field(default_factory=dict)
    spent: dict[str, int] | None = None
    counts: dict[str, int] | None = None

    def __call__(self, message: Message, place: Place, account: LiveAccount | None) -> Mapping[str, object]:
        found = dict(self.common)
        if self.by_person and message.person is not None:
            found.update(self.by_person.get(message.person, ()))
        if self.own:
            found.update(self.own.get((message.id, message.channel), ()))
        if self.registry is not None and message.channel in _HELD_BY_REGISTRY and message.purpose == "marketing":
            found["registry_age"] = self._registry(message)
        if account is not None and (health := self.health.get(account.reputation)) is not None:
            found["deliverability"] = health
        if self.spent is not None:
            found["spent"] = {budget: Spent(micros, self.now) for budget, micros in self.spent.items()}
            if account is not None:
                found["cost_micros"] = cost_micros(message, account, country=place.country)
        if self.counts is not None:
            found["velocity"] = self.counts
        if self.asker.kinds and message.to.type == "phone":
            found["number_kind"] = self.asker.locator(message.to.key).kind
        if self.asker.rates and account is not None:
            found["rate"] = RateState(
                account_free_at=account.limit.next_grant(self.now),
                retry_at=account.out_until,
                queued_at=self.queued.get(message.id),
            )
        return found

    def _registry(self, message: Message) -> datetime | None:
        assert self.registry is not None
        asked = ("a:" + message.to.key, "p:" + (message.person or ""))
        at = max((self.registry[subject] for subject in asked if subject in self.registry), default=None)
        return from_ms(at) if at is not None else None


class Asker:
    """Knows what a chain asks for, and loads it. A fact that nobody knows how to load is a ConfigError.

    `one_by_one`: some policy looks at what the page itself sends, so each message must see the ones before it.
    """

    def __init__(self, config: GatewayConfig, chain: Chain, router: Router, *, locator: NumberLocator = locate) -> None:
        parts = [part for one in chain.policies for part in parts_of(one)]
        if unknown := sorted(chain.needs - KNOWN - set(chain.loaders)):
            raise ConfigError(
                f"policies: nobody loads the fact {unknown[0]!r}; bring its loader along (needs={{{unknown[0]!r}: load}}), "
                f"or ask for one of {', '.join(sorted(KNOWN))}"
            )
        needs = chain.needs - set(chain.loaders)
        self._config, self._chain, self._router = config, chain, router
        self._needs = needs
        self.locator = locator
        self.budgets = [one for one in parts if isinstance(one, Budget)]
        self.velocities = [one for one in parts if isinstance(one, Velocity)]
        self._check()
        self._pruned_for = max((one.window for one in parts if isinstance(one, HopelessPruning)), default=timedelta(0))
        self.kinds = "number_kind" in needs
        self.rates = "rate" in needs
        self._counts = bool(self.budgets or self.velocities)
        self.one_by_one = self._counts or self.rates
        self._registry = config.registry_required and "registry_age" in needs
        self._health = SenderHealth() if "deliverability" in needs else None
        self._forgotten_at: datetime | None = None
        self._players: set[str] = set()  # tenants that have plays
        self._idle_until: dict[str, datetime] = {}  # until when the others are not asked about

    def load(self, connection: Connection, messages: Sequence[Message], now: datetime, facts: Facts) -> PageFacts | None:
        """The facts of a page of one tenant; None when there is nothing to tell."""
        page = PageFacts(self, now)
        tenant = messages[0].tenant
        marketing = [message for message in messages if message.purpose == "marketing"]
        if marketing:
            self._of_people(connection, tenant, marketing, page, facts)
        if "caller_ids" in self._needs and any(not _CALLS.isdisjoint(_channels(message)) for message in messages):
            checks = stored.number_checks(connection, tenant)
            if checks:  # with the first look at a number, looking is what is expected of all
                page.common["caller_ids"] = checks
        if "templates" in self._needs and self._router.templates is not None:
            page.common["templates"] = self._router.templates
        if self._counts:
            self._tallies(connection, tenant, messages, page)
        if self.rates:
            page.queued = message_rows.queued_at(connection, tenant, [message.id for message in messages])
        if self._chain.loaders:
            self._own(messages, page)
        told = (page.common, page.by_person, page.own, page.health, self.one_by_one, self.kinds, self.rates)
        return page if any(told) or page.registry is not None else None

    def _of_people(self, connection: Connection, tenant: str, messages: Sequence[Message], page: PageFacts, facts: Facts) -> None:
        people = sorted({message.person for message in messages if message.person is not None})
        if people and self._pruned_for and self._has_plays(connection, tenant, page.now):
            since = to_ms(page.now - self._pruned_for)
            for person, ended in stored.failed_plays(connection, tenant, people, since=since).items():
                page.by_person.setdefault(person, {})["failed_plays"] = tuple(from_ms(at) for at in ended)
        if facts.own_caps and "own_caps" in self._needs:
            for person, caps in facts.own_caps.items():
                page.by_person.setdefault(person, {})["own_caps"] = caps
        if self._registry:
            subjects = {subject for message in messages for subject in ("a:" + message.to.key, "p:" + (message.person or ""))}
            page.registry = stored.registry_checks(connection, tenant, sorted(subjects))
        if self._health is not None:
            page.health = self._health.of(connection, tenant, page.now, self._router.accounts)

    def _has_plays(self, connection: Connection, tenant: str, now: datetime) -> bool:
        """Whether a tenant ever had plays; a no is looked at again after a minute."""
        if tenant in self._players:
            return True
        until = self._idle_until.get(tenant)
        if until is not None and until - _AGAIN <= now < until:
            return False
        if stored.has_runs(connection, tenant):
            self._players.add(tenant)
            return True
        self._idle_until[tenant] = now + _AGAIN
        return False

    def _own(self, messages: Sequence[Message], page: PageFacts) -> None:
        """Facts of policies with loaders of their own: each is asked once, for all messages and the ways beside the first."""
        ways = [way for message in messages for way in _ways(message)]
        for way, own in zip(ways, load_facts(self._chain.loaders, ways), strict=True):
            if own:
                page.own[way.id, way.channel] = own

    def _tallies(self, connection: Connection, tenant: str, messages: Sequence[Message], page: PageFacts) -> None:
        now = to_ms(page.now)
        if self.budgets:
            asked = [(f"b:{one.id}", _since(one, page.now)) for one in self.budgets]
            sums = stored.tallied(connection, tenant, asked, lock=True)
            page.spent = {one.id: micros for one, micros in zip(self.budgets, sums, strict=True)}
        if self.velocities:
            page.counts = {}
            keys = {
                (f"v:{name}", (now - _ms(one.window)) // COUNT_MS, f"{name}:{text}")
                for one in self.velocities
                for message in messages
                for name, text in _velocity_names(one, message)
            }
            if any(one.per == "country" for one in self.velocities):
                keys |= self._countries(connection, tenant, now)
            asked_keys = sorted(keys)
            found = stored.tallied(connection, tenant, [(key, since) for key, since, _ in asked_keys], lock=True)
            page.counts.update({fact: n for (_, _, fact), n in zip(asked_keys, found, strict=True)})
            self._forget(connection, page.now)

    def _countries(self, connection: Connection, tenant: str, now: int) -> set[tuple[str, int, str]]:
        """Every country that was written to lately: which one a number belongs to is known only later."""
        from recallgate.policies.spans import span_text

        rules = [one for one in self.velocities if one.per == "country"]
        longest = max(_ms(one.window) for one in rules)
        known = {key for key, _, _ in stored.tallies_of(connection, tenant, "v:country:", since=(now - longest) // COUNT_MS)}
        return {
            (key, (now - _ms(one.window)) // COUNT_MS, f"{key[2:]}:{span_text(one.window)}") for key in known for one in rules
        }

    def _forget(self, connection: Connection, now: datetime) -> None:
        if self._forgotten_at is not None and now - self._forgotten_at < _FORGET_EVERY:
            return
        self._forgotten_at = now
        longest = max(_ms(one.window) for one in self.velocities)
        stored.forget(connection, "v:", before=(to_ms(now) - longest) // COUNT_MS)

    def count(self, page: PageFacts, case: Case, message: Message, account: LiveAccount, *, parts: int) -> tuple[Tally, ...]:
        """What a message that leaves adds to budgets and counts; the next message of the page sees it."""
        if message is not case.message:
            case = replace(case, message=message)
        rows: list[Tally] = []
        at, tenant = to_ms(page.now), message.tenant
        if page.spent is not None:
            micros = account.micros(parts)
            for budget in self.budgets:
                if budget.concerns(case):
                    page.spent[budget.id] += micros
                    rows.append(Tally(tenant, f"b:{budget.id}", at // MONEY_MS, micros))
        if page.counts is not None:
            names: set[str] = set()
            for one in self.velocities:
                if (key := one.key(case)) is not None:
                    page.counts[key] = page.counts.get(key, 0) + 1
                    names.add(key.rpartition(":")[0])
            rows += [Tally(tenant, f"v:{name}", at // COUNT_MS, 1) for name in sorted(names)]
        return tuple(rows)

    def _check(self) -> None:
        ids = [one.id for one in self.budgets]
        if doubled := sorted({one for one in ids if ids.count(one) > 1}):
            raise ConfigError(f"budget {doubled[0]}: two have this id, so they would pay from one purse; rename one")
        for per in ("country", "block"):
            whom = {(one.subject_to, one.channels, one.open_digits) for one in self.velocities if one.per == per}
            if len(whom) > 1:
                raise ConfigError(f"velocity: rules for a {per} count the same messages; give them equal purposes and channels")


def cost_micros(message: Message, account: LiveAccount, *, country: str | None) -> int:
    """What a message would cost through an account, in millionths of its currency; a text by its parts."""
    config = account.config
    if not config.unit_cost:
        return 0
    if message.channel != "sms" or type(message.content) is not Text:
        return account.micros(1)
    text = "".join((config.signature or "", message.content.text, config.optout_suffix or ""))
    return account.micros(count(text, country=country).parts)


def _channels(message: Message) -> frozenset[str]:
    return frozenset((message.channel, *(other.channel for other in message.alternatives)))


def _ways(message: Message) -> list[Message]:
    """The message on each channel that it may take, in order."""
    others = [
        message.model_copy(update={"channel": other.channel, "to": other.to, "content": other.content})
        for other in message.alternatives
    ]
    return [message, *others]


def _since(budget: Budget, now: datetime) -> int:
    """The first bucket of money that a budget looks at."""
    return 0 if budget.window is None else to_ms(budget.window.around(now, budget.window.zone)[0]) // MONEY_MS


def _velocity_names(one: Velocity, message: Message) -> list[tuple[str, str]]:
    """(`block:+1415555`, `1h`) of the numbers that a message may go to."""
    from recallgate.policies.spans import span_text

    if one.per != "block" or message.purpose not in one.subject_to:
        return []
    numbers = [way.to.key for way in _ways(message) if way.channel in one.channels and way.to.type == "phone"]
    return [(f"block:{number[: -one.open_digits]}", span_text(one.window)) for number in numbers]


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
