"""Staging: in one transaction, a chunk of due rows is read, judged, and what may leave is marked as leaving."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from recallgate.config import GatewayConfig, parse_message
from recallgate.delivery.accounts import LiveAccount, Route, Router
from recallgate.delivery.asked import PageFacts
from recallgate.delivery.cases import CaseMaker
from recallgate.delivery.chunk import ERASED_REASON, Chunk, Staged
from recallgate.delivery.content import Prepared, Shaper
from recallgate.delivery.retries import faulted
from recallgate.delivery.standing import SharedStanding
from recallgate.model.chance import Chance
from recallgate.model.clock import to_ms
from recallgate.model.custody import ERASED
from recallgate.model.errors import ConfigError, ErrorKind, SendError
from recallgate.model.message import Message
from recallgate.model.purpose import Purpose
from recallgate.model.state import State
from recallgate.model.verdict import Allow
from recallgate.policies.case import Case, Sent
from recallgate.policies.chain import Chain, Decision
from recallgate.store import attempts, facts as stored_facts
from recallgate.store.asked import Tally
from recallgate.store.messages import Close, Row, remembered
from recallgate.store.sealed import opened
from recallgate.text.words import BlockedWords

_log = logging.getLogger("recallgate.delivery")
_FAILED = State.FAILED.value
_PAUSE = timedelta(minutes=1)
_STRICTNESS = {Purpose.MARKETING: 1, Purpose.OTP: -1}


class Stager:
    """Judges chunks of rows for a gateway.

    `standing` is what other processes know of accounts, None for a simulation, which is alone. `ahead`: a message whose turn
    in its account's rate comes within that span is staged now and waits for its turn in the worker.
    """

    def __init__(
        self,
        config: GatewayConfig,
        chain: Chain,
        cases: CaseMaker,
        router: Router,
        chance: Chance,
        *,
        standing: SharedStanding | None = None,
        ahead: timedelta = timedelta(0),
    ) -> None:
        self.standing = standing
        self.ahead = ahead
        self.config = config
        self.chain = chain
        self.cases = cases
        self.router = router
        self.counted = chain.counted
        self._chance = chance
        self._words = BlockedWords(config.words) if config.words else None
        self._links_base = config.link_domain or config.public_url
        self._shapers: dict[str, Shaper] = {}

    def stage(
        self,
        connection: Connection,
        rows: Sequence[Row],
        *,
        now: datetime,
        lease_until: int,
        pinned: Mapping[str, str] | None = None,
    ) -> Staged:
        """Decide rows that this transaction has read, and write down what becomes of them.

        `pinned` names the only account that may take a message, by message id.
        """
        rows = opened(connection, rows)
        chunk = Chunk(to_ms(now), len(rows))
        items = [_Item(row, message) for row in rows if (message := self._parse(row, chunk)) is not None]
        taken: Mapping[str, int] = {}
        if self.standing is not None:
            ways = {item.message.channel for item in items}
            ways.update(other.channel for item in items for other in item.message.alternatives)
            taken = self.standing.look(connection, ways)
        for tenant in sorted({item.message.tenant for item in items}):
            self._tenant(connection, [item for item in items if item.message.tenant == tenant], chunk, now, pinned)
        chunk.write(connection, lease_until=lease_until)
        for account, n in Counter(one.account for one in chunk.staged.ready if one.n == 1).items():
            account.retries.first(now, n)
        if self.standing is not None:
            self.standing.used(connection, taken)
        return chunk.staged

    def shaper(self, account: LiveAccount) -> Shaper:
        made = self._shapers.get(account.name)
        if made is None:
            made = Shaper(
                account.config,
                account.view,
                base=self._links_base,
                code=self._chance.code,
                words=self._words,
                hosts=frozenset(host.lower() for host in self.config.link_hosts),
            )
            self._shapers[account.name] = made
        return made

    def unlinked(self, account: LiveAccount) -> Shaper:
        """A shaper that leaves links as they are."""
        return Shaper(account.config, account.view, base=None, code=self._chance.code, words=self._words)

    def _parse(self, row: Row, chunk: Chunk) -> Message | None:
        try:
            return remembered(row.payload) or parse_message(row.payload)
        except ConfigError as exc:
            if row.payload == ERASED:  # it was leaving when its person was erased, and would be tried again
                chunk.closes.append(Close(row.tenant, row.id, State.CANCELLED.value, ERASED_REASON))
                return None
            _log.error("message %s cannot be read and is kept as a dead letter: %s", row.id, exc)
            chunk.closes.append(Close(row.tenant, row.id, State.FAILED.value, "poison.unreadable", ErrorKind.UNKNOWN))
            return None

    def _tenant(
        self, connection: Connection, items: list["_Item"], chunk: Chunk, now: datetime, pinned: Mapping[str, str] | None
    ) -> None:
        messages = [item.message for item in items]
        if self.router.prefer.by_ratio:
            self.router.prefer.look(connection, messages[0].tenant, now)
        facts = self.cases.load(connection, messages, now)
        again = [(item.row.tenant, item.row.id) for item in items if item.row.attempts]
        tried = attempts.tried(connection, again) if again else {}
        judging = _Judging(self, facts, tried, chunk, now, pinned)
        if not facts.shared and not self.cases.asker.one_by_one:
            judging.carry(items)
            return
        for item in items:  # several are for one person, or pay from one purse: each must see the ones before it
            judging.carry([item])


class _Item:
    """A row on its way through the steps of judging."""

    __slots__ = ("account", "case", "decision", "leaves_at", "message", "prepared", "row")

    account: LiveAccount
    leaves_at: datetime | None
    case: Case
    decision: Decision
    prepared: Prepared

    def __init__(self, row: Row, message: Message) -> None:
        self.row = row
        self.message = message


@dataclass
class _Judging:
    """The steps of a chunk, each taken for all its rows before the next: one small piece of code at a time runs faster."""

    stager: Stager
    facts: stored_facts.Facts
    tried: Mapping[str, list[tuple[str, str | None]]]
    chunk: Chunk
    now: datetime
    pinned: Mapping[str, str] | None = None

    def carry(self, items: list[_Item]) -> None:
        for step in (self._look, self._decide, self._choose, self._shape, self._put):
            going = []
            for item in items:
                try:
                    if step(item):
                        going.append(item)
                except Exception as exc:  # one poisoned row must not stop its neighbours
                    row, name = item.row, type(exc).__name__
                    _log.error("message %s failed in staging and is kept as a dead letter: %s", row.id, name)
                    self.chunk.closes.append(Close(row.tenant, row.id, _FAILED, f"poison.{name}", ErrorKind.UNKNOWN))
            items = going

    def _look(self, item: _Item) -> bool:
        message = item.message
        if self.facts.paused:
            campaign = message.origin.campaign if message.origin else None
            if not {("channel", message.channel), ("campaign", campaign)}.isdisjoint(self.facts.paused):
                self.chunk.put_back(item.row, self.now + _PAUSE, "paused")
                return False
        item.case = self.stager.cases.case(message, self.facts, self.now)
        return True

    def _decide(self, item: _Item) -> bool:
        item.decision = decision = self.stager.chain.decide(item.case, case_for=self._case_for)
        self.chunk.decide(item.row, decision)
        if type(decision.verdict) is Allow:
            return True
        self.chunk.hold_or_drop(item.row, decision)
        return False

    def _case_for(self, message: Message) -> Case:
        return self.stager.cases.case(message, self.facts, self.now)

    def _choose(self, item: _Item) -> bool:
        message = item.decision.message
        route = self._route(message, item.case.place.country, self.tried.get(item.row.id))
        if route.account is not None:
            if (lack := self.stager.router.lack(route.account, message, country=item.case.place.country)) is not None:
                fault = SendError(ErrorKind.TEMPLATE_OR_SIGNATURE, lack, f"account {route.account.name} must not send it")
                self.chunk.fail(item.row, fault)
                return False
            item.account = route.account
            item.leaves_at = route.leaves_at
            return True
        if route.wait_until is not None:
            self.chunk.put_back(item.row, route.wait_until, route.code)
        else:
            fault = SendError(route.kind or ErrorKind.UNSUPPORTED, route.code, f"no account takes {message.channel}")
            self.chunk.fail(item.row, fault)
        return False

    def _route(self, message: Message, country: str | None, tried: list[tuple[str, str | None]] | None) -> Route:
        router, now, paused = self.stager.router, self.now, self.facts.paused
        if self.pinned:
            others = {account.name: None for account in router.accounts if account.name != self.pinned.get(message.id)}
            return router.route(message, country=country, now=now, tried=others, paused=paused)
        if not tried:
            return router.route(message, country=country, now=now, tried={}, paused=paused, ahead=self.stager.ahead)
        at_fault = faulted(tried) if message.purpose is not Purpose.OTP else frozenset()
        if at_fault:
            paused |= {("account", one.name) for one in router.accounts if one.name in at_fault and one.retries.left(now) < 1}
        # when every account had its turn, the vendor's fault may be over: a new round starts, fewest turns first
        for passed_over in (_failed_accounts(tried, urgent=message.purpose.urgent), _had_more_turns(tried), {}):
            route = router.route(message, country=country, now=now, tried=passed_over, paused=paused, ahead=self.stager.ahead)
            if route.code != "all_tried":
                break
        if route.account is not None and route.account.name in at_fault:
            route.account.retries.take(now)
        return route

    def _shape(self, item: _Item) -> bool:
        try:
            shaper = self.stager.shaper(item.account)
            item.prepared = shaper(item.decision.message, country=item.case.place.country, now_ms=self.chunk.now)
        except SendError as exc:
            self.chunk.fail(item.row, exc)
            return False
        return True

    def _put(self, item: _Item) -> bool:
        message, prepared = item.decision.message, item.prepared
        counted = message.purpose in self.stager.counted
        if counted and self.facts.shared:
            _count_at_once(self.facts, message, self.now)
        self.chunk.send(
            item.row,
            prepared.message,
            item.account,
            prepared.links,
            prepared.parts,
            counted=counted,
            rerouted=message is not item.message,
            country=item.case.place.country,
            leaves_at=item.leaves_at,
            tallies=self._tallies(item) if self.stager.cases.asker.one_by_one else (),
        )
        return True

    def _tallies(self, item: _Item) -> tuple[Tally, ...]:
        page = self.facts.asked
        if not isinstance(page, PageFacts):
            return ()
        message, parts = item.decision.message, item.prepared.parts
        return self.stager.cases.asker.count(page, item.case, message, item.account, parts=parts)


def _count_at_once(facts: stored_facts.Facts, message: Message, now: datetime) -> None:
    """The next message of the same chunk sees this one as sent."""
    campaign = message.origin.campaign if message.origin else None
    for subject, by in (("p:" + message.person if message.person else None, "person"), ("a:" + message.to.key, "address")):
        if subject in facts.shared:
            facts.sent.setdefault(subject, []).append(
                Sent(now, message.channel, message.purpose.value, message.tags, campaign, by)
            )


def _failed_accounts(tried: list[tuple[str, str | None]], *, urgent: bool) -> Mapping[str, Any]:
    """Accounts whose refusal another account may not share; a rate limit that was waited for is none."""
    return {account: kind for account, kind in tried if kind is not None and (urgent or kind != ErrorKind.RATE_LIMITED)}


def _had_more_turns(tried: list[tuple[str, str | None]]) -> Mapping[str, Any]:
    """Accounts that refused more often than the one that refused least."""
    turns = Counter(account for account, kind in tried if kind is not None)
    least = min(turns.values(), default=0)
    return {account: n for account, n in turns.items() if n > least}
