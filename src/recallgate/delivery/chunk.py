"""What a chunk of judged rows will write: intents, caps, links, closings, decisions."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Connection

from recallgate.delivery.accounts import LiveAccount
from recallgate.model.clock import to_ms
from recallgate.model.errors import SendError
from recallgate.model.message import Message
from recallgate.model.purpose import Purpose
from recallgate.model.state import State
from recallgate.model.verdict import Allow, Defer, Drop, Reroute
from recallgate.policies.chain import Decision, Step
from recallgate.policies.policy import ALLOW
from recallgate.store import asked, attempts, campaigns, ledger, links, messages, moves
from recallgate.store.asked import Tally
from recallgate.store.attempts import Intent
from recallgate.store.ledger import CapEntry, DecisionRow
from recallgate.store.links import LinkRow
from recallgate.store.messages import Close, Row

_STRICTNESS = {Purpose.MARKETING: 1, Purpose.OTP: -1}
_SUPPRESSED, _FAILED = State.SUPPRESSED.value, State.FAILED.value
_BEFORE, ERASED_REASON = "suppressed.before_intent", "cancelled.erased"
_NOTED = (_BEFORE, ERASED_REASON)


class Ready(NamedTuple):
    """A message whose intent is committed: the vendor is called next, or at `leaves_at`, its turn in the account's rate."""

    message: Message
    account: LiveAccount
    n: int
    parts: int
    counted: bool
    country: str | None
    tallies: tuple[Tally, ...] = ()
    leaves_at: datetime | None = None


@dataclass
class Staged:
    """What came of a chunk of so many rows: messages to send, and the decision of each row by message id."""

    rows: int = 0
    ready: list[Ready] = field(default_factory=list)
    decisions: dict[str, Decision] = field(default_factory=dict)
    faults: dict[str, SendError] = field(default_factory=dict)
    closed: int = 0


class Chunk:
    """Collects what the rows of a chunk become; `write` writes it, one statement a table."""

    def __init__(self, now: int, rows: int) -> None:
        self.now = now
        self.staged = Staged(rows)
        self.closes: list[Close] = []
        self.intents: dict[str, Intent] = {}
        self.caps: dict[str, list[CapEntry]] = {}
        self.links: dict[str, Sequence[LinkRow]] = {}
        self.decisions: dict[str, DecisionRow] = {}
        self.ready: dict[str, Ready] = {}

    def decide(self, row: Row, decision: Decision) -> None:
        self.staged.decisions[row.id] = decision
        verdict = decision.verdict
        if verdict is ALLOW and not decision.trace:
            self.decisions[row.id] = DecisionRow(
                row.tenant, row.id, self.now, "allow", decision.channel, None, None, None, None, "{}", None
            )
            return
        self.decisions[row.id] = DecisionRow(
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

    def hold_or_drop(self, row: Row, decision: Decision) -> None:
        match decision.verdict:
            case Defer(until=until, code=code):
                self.closes.append(Close(row.tenant, row.id, State.HELD.value, code, None, to_ms(until)))
            case Drop(code=code):
                state = State.EXPIRED.value if code.startswith(("expired", "stale")) else _SUPPRESSED
                planned = to_ms(decision.would_go_at) if decision.would_go_at is not None else None
                self.closes.append(Close(row.tenant, row.id, state, code, None, None, planned))
            case Allow() | Reroute():
                raise AssertionError("the chain ends in allow, defer or drop")
        self.staged.closed += 1

    def put_back(self, row: Row, until: datetime, code: str) -> None:
        self.closes.append(Close(row.tenant, row.id, row.state, code, None, to_ms(until)))
        if (decided := self.decisions.get(row.id)) is not None:  # nobody objected, and still it does not leave: both are told
            self.decisions[row.id] = decided._replace(code=code, policy="accounts", until=to_ms(until))

    def fail(self, row: Row, error: SendError) -> None:
        self.staged.faults[row.id] = error
        self.closes.append(Close(row.tenant, row.id, State.FAILED.value, error.code or str(error.kind), error.kind.value))
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
        tallies: tuple[Tally, ...] = (),
        leaves_at: datetime | None = None,
    ) -> None:
        n = row.attempts + 1
        address, person, channel, tenant = message.to.key, message.person, message.channel, row.tenant
        self.ready[row.id] = Ready(message, account, n, parts, counted, country, tallies, leaves_at)
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

    def write(self, connection: Connection, *, lease_until: int) -> None:
        if self.intents:
            ours = attempts.intend(connection, list(self.intents.values()), now=self.now, lease_until=lease_until)
            if len(ours) < len(self.intents):
                self._stopped(connection, [intent for identity, intent in self.intents.items() if identity not in ours])
            caps = [entry for identity in self.intents if identity in ours for entry in self.caps.get(identity, ())]
            made = [row for identity in self.intents if identity in ours for row in self.links.get(identity, ())]
            if caps:
                ledger.reserve(connection, caps)
            if made:
                links.insert(connection, made)
            tallies = [row for identity, ready in self.ready.items() if identity in ours for row in ready.tallies]
            if tallies:
                asked.count(connection, tallies)
            self.staged.ready = [ready for identity, ready in self.ready.items() if identity in ours]
        if self.closes:
            messages.close(connection, self.closes, now=self.now)
            moves.note(connection, [(one.tenant, one.id) for one in self.closes if one.reason in _NOTED or one.state == _FAILED])
        if self.decisions:
            ledger.record_decisions(connection, self.decisions.values())

    def _stopped(self, connection: Connection, intents: Sequence[Intent]) -> None:
        """What the intent's own statement let no longer go: paused meanwhile, or suppressed."""
        for intent in intents:
            paused = campaigns.pauses(connection, intent.tenant)
            origin = self.ready[intent.id].message.origin
            scopes = {("channel", intent.channel), ("account", intent.account), ("campaign", origin.campaign if origin else None)}
            if scopes.isdisjoint(paused):
                self.closes.append(Close(intent.tenant, intent.id, _SUPPRESSED, _BEFORE))
            else:
                self.closes.append(Close(intent.tenant, intent.id, "", "paused", None, self.now + 60_000))


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
