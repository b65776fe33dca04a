"""Staging: in one transaction, a chunk of leased rows is judged, written down, and what may leave is marked as leaving."""

import json
import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection

from recallgate.config import GatewayConfig, parse_message
from recallgate.delivery.accounts import LiveAccount, Route, Router
from recallgate.delivery.cases import CaseMaker
from recallgate.delivery.content import prepare
from recallgate.model.chance import Chance
from recallgate.model.clock import to_ms
from recallgate.model.errors import ConfigError, ErrorKind, SendError
from recallgate.model.message import Message
from recallgate.model.purpose import Purpose
from recallgate.model.state import State
from recallgate.model.verdict import Allow, Defer, Drop, Reroute
from recallgate.policies.case import Sent
from recallgate.policies.chain import Chain, Decision, Step
from recallgate.policies.policy import ALLOW
from recallgate.store import attempts, facts as stored_facts, ledger, links, messages
from recallgate.store.attempts import Intent
from recallgate.store.ledger import CapEntry, DecisionRow
from recallgate.store.links import LinkRow
from recallgate.store.messages import Close, Row

_log = logging.getLogger("recallgate.delivery")
_PAUSE = timedelta(minutes=1)
_STRICTNESS = {Purpose.MARKETING: 1, Purpose.OTP: -1}


class Ready(NamedTuple):
    """A message whose intent is committed: the vendor is called next."""

    message: Message
    account: LiveAccount
    n: int
    parts: int
    counted: bool
    country: str | None


@dataclass
class Staged:
    """What came of a chunk: messages to send, and the decision of each row by message id."""

    ready: list[Ready] = field(default_factory=list)
    decisions: dict[str, Decision] = field(default_factory=dict)
    faults: dict[str, SendError] = field(default_factory=dict)
    closed: int = 0


class Stager:
    """Judges chunks of rows for a gateway."""

    def __init__(self, config: GatewayConfig, chain: Chain, cases: CaseMaker, router: Router, chance: Chance) -> None:
        self._config = config
        self._chain = chain
        self._cases = cases
        self._router = router
        self._chance = chance
        self._links_base = config.link_domain or config.public_url
        self._counted = frozenset({"marketing"}).union(*(getattr(one, "counts_toward", ()) for one in chain.policies))

    def stage(self, connection: Connection, rows: Sequence[Row], *, token: str, now: datetime, lease_until: int) -> Staged:
        page = _Page(to_ms(now))
        parsed = [(row, message) for row in rows if (message := self._parse(row, page)) is not None]
        for tenant in sorted({message.tenant for _, message in parsed}):
            self._tenant(connection, [(row, message) for row, message in parsed if message.tenant == tenant], page, now)
        page.write(connection, token=token, now=to_ms(now), lease_until=lease_until)
        return page.staged

    def _parse(self, row: Row, page: "_Page") -> Message | None:
        try:
            return parse_message(row.payload)
        except ConfigError as exc:
            _log.error("message %s cannot be read and is kept as a dead letter: %s", row.id, exc)
            page.closes.append(Close(row.tenant, row.id, State.FAILED, "poison.unreadable", ErrorKind.UNKNOWN))
            return None

    def _tenant(self, connection: Connection, rows: list[tuple[Row, Message]], page: "_Page", now: datetime) -> None:
        facts = stored_facts.load(connection, [message for _, message in rows], now, consents=self._config.consent_required)
        again = [(row.tenant, row.id) for row, _ in rows if row.attempts]
        tried = attempts.tried(connection, again) if again else {}
        for row, message in rows:
            try:
                self._judge(row, message, facts, tried.get(row.id, []), page, now)
            except Exception as exc:  # one poisoned row must not stop its neighbours
                _log.error("message %s failed in staging and is kept as a dead letter: %s", row.id, type(exc).__name__)
                page.closes.append(Close(row.tenant, row.id, State.FAILED, f"poison.{type(exc).__name__}", ErrorKind.UNKNOWN))

    def _judge(
        self,
        row: Row,
        message: Message,
        facts: stored_facts.Facts,
        tried: list[tuple[str, str | None]],
        page: "_Page",
        now: datetime,
    ) -> None:
        campaign = message.origin.campaign if message.origin else None
        if ("channel", message.channel) in facts.paused or (campaign is not None and ("campaign", campaign) in facts.paused):
            page.put_back(row, now + _PAUSE, "paused")
            return
        case = self._cases.case(message, facts, now)
        decision = self._chain.decide(case, case_for=lambda other: self._cases.case(other, facts, now))
        page.decide(row, decision)
        verdict = decision.verdict
        if not isinstance(verdict, Allow):
            page.hold_or_drop(row, decision)
            return
        self._send(
            row, decision.message, facts, tried, page, now, country=case.place.country, rerouted=decision.message is not message
        )

    def _send(
        self,
        row: Row,
        message: Message,
        facts: stored_facts.Facts,
        tried: list[tuple[str, str | None]],
        page: "_Page",
        now: datetime,
        *,
        country: str | None,
        rerouted: bool,
    ) -> None:
        route = self._route(message, country, now=now, tried=tried, paused=facts.paused)
        if route.account is None:
            if route.wait_until is not None:
                page.put_back(row, route.wait_until, route.code)
            else:
                page.fail(row, SendError(route.kind or ErrorKind.UNSUPPORTED, route.code, f"no account takes {message.channel}"))
            return
        account = route.account
        try:
            prepared = prepare(
                message,
                account.config,
                account.view,
                country=country,
                base=self._links_base,
                code=self._chance.code,
                now_ms=page.now,
            )
        except SendError as exc:
            page.fail(row, exc)
            return
        counted = message.purpose in self._counted
        if counted and facts.shared:
            _count_at_once(facts, message, now)
        page.send(
            row, prepared.message, account, prepared.links, prepared.parts, counted=counted, rerouted=rerouted, country=country
        )

    def _route(
        self,
        message: Message,
        country: str | None,
        *,
        now: datetime,
        tried: list[tuple[str, str | None]],
        paused: frozenset[tuple[str, str]],
    ) -> Route:
        if not tried:
            return self._router.route(message, country=country, now=now, tried={}, paused=paused)
        # when every account had its turn, the vendor's fault may be over: a new round starts, fewest turns first
        for passed_over in (_failed_accounts(tried, urgent=message.purpose.urgent), _had_more_turns(tried), {}):
            route = self._router.route(message, country=country, now=now, tried=passed_over, paused=paused)
            if route.code != "all_tried":
                break
        return route


def _count_at_once(facts: stored_facts.Facts, message: Message, now: datetime) -> None:
    """The next message of the same chunk sees this one as sent."""
    campaign = message.origin.campaign if message.origin else None
    for subject, by in (("p:" + message.person if message.person else None, "person"), ("a:" + message.to.key, "address")):
        if subject in facts.shared:
            facts.sent.setdefault(subject, []).append(
                Sent(now, message.channel, message.purpose.value, message.tags, campaign, by)
            )


class _Page:
    """What a chunk will write."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.staged = Staged()
        self.closes: list[Close] = []
        self.intents: dict[str, Intent] = {}
        self.caps: dict[str, list[CapEntry]] = {}
        self.links: dict[str, Sequence[LinkRow]] = {}
        self.decisions: list[DecisionRow] = []
        self.ready: dict[str, Ready] = {}

    def decide(self, row: Row, decision: Decision) -> None:
        self.staged.decisions[row.id] = decision
        verdict = decision.verdict
        if verdict is ALLOW and not decision.trace:
            self.decisions.append(
                DecisionRow(row.tenant, row.id, self.now, "allow", decision.channel, None, None, None, None, "{}", None)
            )
            return
        self.decisions.append(
            DecisionRow(
                row.tenant,
                row.id,
                self.now,
                type(verdict).__name__.lower(),
                decision.channel,
                verdict.code or None,
                verdict.policy or None,
                verdict.rule_id,
                to_ms(verdict.until) if isinstance(verdict, Defer) else None,
                as_json(verdict.facts) if verdict.facts else "{}",
                as_json([step_record(step) for step in decision.trace]) if decision.trace else None,
            )
        )

    def hold_or_drop(self, row: Row, decision: Decision) -> None:
        match decision.verdict:
            case Defer(until=until, code=code):
                self.closes.append(Close(row.tenant, row.id, State.HELD, code, None, to_ms(until)))
            case Drop(code=code):
                state = State.EXPIRED if code.startswith(("expired", "stale")) else State.SUPPRESSED
                planned = to_ms(decision.would_go_at) if decision.would_go_at is not None else None
                self.closes.append(Close(row.tenant, row.id, state, code, None, None, planned))
            case Allow() | Reroute():
                raise AssertionError("the chain ends in allow, defer or drop")
        self.staged.closed += 1

    def put_back(self, row: Row, until: datetime, code: str) -> None:
        self.closes.append(Close(row.tenant, row.id, row.state, code, None, to_ms(until)))

    def fail(self, row: Row, error: SendError) -> None:
        self.staged.faults[row.id] = error
        self.closes.append(Close(row.tenant, row.id, State.FAILED, error.code or str(error.kind), error.kind.value))
        self.staged.closed += 1

    def send(
        self,
        row: Row,
        message: Message,
        account: LiveAccount,
        made: Sequence[LinkRow],
        parts: int,
        *,
        counted: bool,
        rerouted: bool,
        country: str | None,
    ) -> None:
        n = row.attempts + 1
        address, person, channel, tenant = message.to.key, message.person, message.channel, row.tenant
        self.ready[row.id] = Ready(message, account, n, parts, counted, country)
        if made:
            self.links[row.id] = made
        self.intents[row.id] = Intent(
            tenant,
            row.id,
            channel,
            account.name,
            n,
            message.model_dump_json(exclude_none=True) if rerouted else None,
            _STRICTNESS.get(message.purpose, 0),
            message.sender or account.name,
            message.topic or "*",
            person,
            address,
        )
        if counted:
            campaign = message.origin.campaign if message.origin else None
            tags = _tags(message.tags) if message.tags else "[]"
            purpose = str(message.purpose)
            self.caps[row.id] = [
                CapEntry(tenant, subject, row.id, self.now, channel, purpose, campaign, tags)
                for subject in (("a:" + address, "p:" + person) if person else ("a:" + address,))
            ]

    def write(self, connection: Connection, *, token: str, now: int, lease_until: int) -> None:
        if self.intents:
            ours = attempts.intend(connection, list(self.intents.values()), token=token, now=now, lease_until=lease_until)
            for identity, intent in self.intents.items():
                if identity not in ours:
                    self.closes.append(Close(intent.tenant, identity, State.SUPPRESSED, "suppressed.before_intent"))
            caps = [entry for identity in ours for entry in self.caps.get(identity, ())]
            made = [row for identity in ours for row in self.links.get(identity, ())]
            if caps:
                ledger.reserve(connection, caps)
            if made:
                links.insert(connection, made)
            self.staged.ready = [ready for identity, ready in self.ready.items() if identity in ours]
        if self.closes:
            messages.close(connection, self.closes, token=token, now=now)
        if self.decisions:
            ledger.record_decisions(connection, self.decisions)


def _failed_accounts(tried: list[tuple[str, str | None]], *, urgent: bool) -> Mapping[str, Any]:
    """Accounts whose refusal another account may not share; a rate limit that was waited for is none."""
    return {account: kind for account, kind in tried if kind is not None and (urgent or kind != ErrorKind.RATE_LIMITED)}


def _had_more_turns(tried: list[tuple[str, str | None]]) -> Mapping[str, Any]:
    """Accounts that refused more often than the one that refused least."""
    turns = Counter(account for account, kind in tried if kind is not None)
    least = min(turns.values(), default=0)
    return {account: n for account, n in turns.items() if n > least}


def step_record(step: Step) -> dict[str, object]:
    """A step of a trace as it is stored and shown."""
    verdict = step.verdict
    record: dict[str, object] = {"policy": step.policy, "verdict": step.kind, "channel": step.channel, "at": step.at}
    if verdict.code:
        record["code"] = verdict.code
    if verdict.rule_id:
        record["rule_id"] = verdict.rule_id
    if isinstance(verdict, Defer):
        record["until"] = verdict.until
    if verdict.facts:
        record["facts"] = dict(verdict.facts)
    if step.shadow:
        record["shadow"] = True
    return record


def as_json(value: object) -> str:
    """JSON for facts and traces: instants as ISO text, sets sorted."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_plain)


@lru_cache(maxsize=1024)
def _tags(tags: frozenset[str]) -> str:
    return as_json(sorted(tags))


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=str)
    return str(value)
