"""Outcomes: what follows from a receipt or a refusal, by the rule of its kind and by nothing else."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from recallgate.config import GatewayConfig
from recallgate.delivery.accounts import Router
from recallgate.delivery.chunk import Ready
from recallgate.delivery.schedule import next_look, next_poll
from recallgate.model.clock import to_ms
from recallgate.model.errors import ErrorKind, SendError
from recallgate.model.message import Message
from recallgate.model.receipt import Receipt
from recallgate.model.state import State
from recallgate.store.asked import Tally
from recallgate.store.attempts import Outcome
from recallgate.store.ledger import SuppressionRow

_ACCEPTED = State.ACCEPTED.value
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(hours=1)
_SUPPRESSES = {
    ErrorKind.INVALID_RECIPIENT: "invalid",
    ErrorKind.UNREGISTERED_TOKEN: "invalid",
    ErrorKind.OPTED_OUT: "opt_out",
}


@dataclass
class Conclusion:
    """What one outcome writes: the attempt and message, released cap entries, suppressions, dead contacts."""

    outcome: Outcome
    account: str
    released: list[tuple[str, str, str]] = field(default_factory=list)
    suppressions: list[SuppressionRow] = field(default_factory=list)
    dead: list[tuple[str, str]] = field(default_factory=list)
    tallies: Sequence[Tally] = ()


def conclude(
    ready: Ready,
    result: Receipt | SendError,
    *,
    now: datetime,
    config: GatewayConfig,
    router: Router,
    tried: Mapping[str, str | None],
) -> Conclusion:
    """`tried` names every account that has had this message in this round, with the kind of its refusal."""
    message = ready.message
    if isinstance(result, Receipt):
        outcome = _accepted(ready, result, now)
        if ready.tallies and (more := (outcome.cost_micros or 0) - ready.account.micros(ready.parts)):
            return Conclusion(outcome, ready.account.name, tallies=_corrected(ready, more))
        return Conclusion(outcome, ready.account.name)
    if result.kind is ErrorKind.UNCERTAIN:
        at, wait = to_ms(now), int(config.report_wait_s * 1000)
        settle = next_look(at, at, n=ready.n, deadline=at + wait) if ready.account.settles else at + wait
        outcome = _outcome(
            ready, State.UNCERTAIN, State.UNCERTAIN, result, reason=f"uncertain.{result.code or 'answer'}", settle_at=settle
        )
        return Conclusion(outcome, ready.account.name)
    conclusion = Conclusion(
        _refused(ready, result, now=now, config=config, router=router, tried=tried), ready.account.name, _caps(ready)
    )
    conclusion.tallies = _given_back(ready)
    if reason := _SUPPRESSES.get(result.kind):
        conclusion.suppressions.append(
            address_suppression(message, reason, source=f"vendor:{ready.account.name}:{result.code}", now=now)
        )
    if result.kind in (ErrorKind.UNREGISTERED_TOKEN, ErrorKind.INVALID_RECIPIENT):
        conclusion.dead.append((message.tenant, message.to.key))
    return conclusion


def released(ready: Ready, *, now: datetime) -> Conclusion:
    """The message goes back to the queue at once: its vendor was not called. No account is blamed."""
    at = to_ms(now)
    outcome = Outcome(ready.message.tenant, ready.message.id, ready.n, "released", State.QUEUED, due_at=at)
    return Conclusion(outcome, ready.account.name, _caps(ready), tallies=_given_back(ready))


def _given_back(ready: Ready) -> list[Tally]:
    """What certainly was not sent costs nothing and was no message."""
    return [one._replace(amount=-one.amount) for one in ready.tallies]


def _corrected(ready: Ready, more: int) -> list[Tally]:
    """Budgets pay what the vendor asks, not what was estimated; counts stay."""
    return [one._replace(amount=more) for one in ready.tallies if one.key.startswith("b:")]


def _accepted(ready: Ready, receipt: Receipt, now: datetime) -> Outcome:
    parts = receipt.parts or ready.parts
    cost = _micros(receipt.price.amount) if receipt.price is not None else ready.account.micros(parts)
    return Outcome(
        ready.message.tenant,
        ready.message.id,
        ready.n,
        _ACCEPTED,
        _ACCEPTED,
        vendor_id=receipt.vendor_id,
        accepted_at=to_ms(now),
        parts=parts,
        cost_micros=cost,
        settle_at=next_poll(to_ms(now), to_ms(now)) if ready.account.polled else None,
    )


def _micros(price: Decimal) -> int:
    return int((abs(price) * 1_000_000).to_integral_value())


def _refused(
    ready: Ready, error: SendError, *, now: datetime, config: GatewayConfig, router: Router, tried: Mapping[str, str | None]
) -> Outcome:
    rule = error.kind.rule
    message = ready.message
    if rule.next in ("never", "never_here"):
        return _outcome(ready, State.FAILED, State.FAILED, error)
    if ready.n >= config.max_attempts:
        return _outcome(ready, State.FAILED, State.FAILED, error, reason=f"attempts.{error.kind}")
    own_fault = error.kind is ErrorKind.RATE_LIMITED and error.scope == "address"
    waits = rule.next == "wait" and (own_fault or not message.purpose.urgent)
    if not waits:
        seen = {**tried, ready.account.name: error.kind.value}
        route = router.untried(message, ready.country, seen)
        if route is not None:
            return _outcome(ready, State.FAILED, State.QUEUED, error, due_at=to_ms(now))
        if rule.next == "other_account" and rule.concerns == "message":
            return _outcome(ready, State.FAILED, State.FAILED, error)
    asked = error.retry_at if waits or rule.next == "retry" else None
    until = asked if asked is not None else now + backoff(message.id, ready.n)
    if waits and not own_fault and asked is None:
        until = max(until, ready.account.back_at(now))  # the same account, when it is back
    if message.expires_at is not None and until >= message.expires_at:
        return _outcome(ready, State.FAILED, State.EXPIRED, error, reason=f"expired.by_{error.kind}")
    return _outcome(ready, State.FAILED, State.HELD, error, reason=f"retry.{error.kind}", due_at=to_ms(until))


def backoff(identity: str, n: int) -> timedelta:
    """Full jitter: between nothing and 5 s · 2^(n-1), at most an hour; drawn from the message id, so that it repeats."""
    most = min(_FIRST_WAIT * 2 ** min(n - 1, 16), _LONGEST_WAIT)
    draw = int.from_bytes(hashlib.sha256(f"{identity}\x1f{n}".encode()).digest()[:4], "big") / (1 << 32)
    return timedelta(milliseconds=1 + int(draw * (most // timedelta(milliseconds=1))))


def _outcome(
    ready: Ready,
    outcome: State,
    state: State,
    error: SendError,
    *,
    reason: str | None = None,
    due_at: int | None = None,
    settle_at: int | None = None,
) -> Outcome:
    return Outcome(
        ready.message.tenant,
        ready.message.id,
        ready.n,
        outcome,
        state,
        reason or f"vendor.{error.kind}",
        error.kind.value,
        error.code,
        error.detail[:300],
        due_at=due_at,
        settle_at=settle_at,
    )


def _caps(ready: Ready) -> list[tuple[str, str, str]]:
    if not ready.counted:
        return []
    message = ready.message
    rows = [(message.tenant, "a:" + message.to.key, message.id)]
    if message.person is not None:
        rows.append((message.tenant, "p:" + message.person, message.id))
    return rows


def address_suppression(message: Message, reason: str, *, source: str, now: datetime, proof: str | None = None) -> SuppressionRow:
    """The suppression of a message's address on its channel."""
    at = to_ms(now)
    return SuppressionRow(
        message.tenant, "a:" + message.to.key, message.channel, "*", "*", reason, 0, source, proof, 0, at, at, None
    )
