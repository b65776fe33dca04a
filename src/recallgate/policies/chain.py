"""The chain: all policies in order, their verdicts combined, deferrals followed to the instant at which nobody objects."""

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from recallgate.model.errors import ConfigError
from recallgate.model.message import Message
from recallgate.model.verdict import Allow, Defer, Drop, Reroute, Verdict, signed
from recallgate.policies.case import Case
from recallgate.policies.combine import Shadow, parts_of, strongest
from recallgate.policies.facts import loaders_of
from recallgate.policies.mandatory import check_mandatory
from recallgate.policies.policy import ADDRESS, ALLOW, RATE, Policy, needs_of, utc_text

MAX_ROUNDS = 10
JITTER = timedelta(minutes=30)
_log = logging.getLogger("recallgate.policies")

# The code of the drop when the wait that a policy asks for goes past `expires_at`; others: expired.by_<policy>.
EXPIRED_BY = {
    "frequency_cap": "expired.by_cap",
    "regulation_limits": "expired.by_cap",
    "own_caps": "expired.by_cap",
    "rate_limit": "stale.rate_limit",
}

Kind = Literal["allow", "defer", "reroute", "drop"]
CaseFor = Callable[[Message], Case]


@dataclass(frozen=True, slots=True)
class Step:
    """What one policy said at one instant about one channel; a `shadow` step had no say."""

    verdict: Verdict
    channel: str
    at: datetime
    shadow: bool = False

    @property
    def kind(self) -> Kind:
        return kind_of(self.verdict)

    @property
    def policy(self) -> str:
        return self.verdict.policy

    @property
    def code(self) -> str:
        return self.verdict.code


@dataclass(frozen=True, slots=True)
class Decision:
    """The chain's verdict, on the message that may leave (rerouted ones have another channel and address).

    `trace` has every objection and every shadow verdict in the order in which they came, and on request every Allow.
    `would_go_at`: when it leaves, jitter included; for a held-out person, when it would have left; None for other drops.
    `rounds`: how often the chain was asked again after a deferral.
    """

    verdict: Verdict
    message: Message
    trace: tuple[Step, ...] = ()
    would_go_at: datetime | None = None
    rounds: int = 0

    @property
    def channel(self) -> str:
        return self.message.channel

    @property
    def kind(self) -> Kind:
        return kind_of(self.verdict)


class Chain:
    """Policies sorted by phase. A mandatory one may be missing only by name in `allow_unsafe`, and that is logged.

    `jitter` spreads releases after a window opens, over at most that span; zero switches it off. Raises ConfigError.
    `needs` names the facts that the policies ask for, `loaders` has those that they bring along; `counted` are the purposes
    that some cap counts, `longest` is the span of history that the caps look back on.
    """

    def __init__(self, policies: Iterable[Policy], *, allow_unsafe: Iterable[str] = (), jitter: timedelta = JITTER) -> None:
        if jitter < timedelta(0):
            raise ConfigError("jitter: a span of at least zero; zero switches it off")
        self.jitter = jitter
        given = tuple(policies)
        for one in given:
            if type(one.phase) is not int or not ADDRESS <= one.phase <= RATE or not one.name:
                raise ConfigError(f"policy {one.name!r}: give it a name, and a phase from {ADDRESS} to {RATE}")
        self.policies: tuple[Policy, ...] = tuple(sorted(given, key=lambda one: one.phase))
        self.needs = frozenset[str]().union(*(needs_of(one) for one in self.policies))
        self.loaders = loaders_of(self.policies)
        parts = [part for one in self.policies for part in parts_of(one)]
        self.counted = frozenset[str](("marketing",)).union(*(getattr(part, "counts_toward", ()) for part in parts))
        self.longest = max((getattr(part, "looks_back", timedelta(0)) for part in parts), default=timedelta(0))
        self._eligible = tuple(one for one in self.policies if one.name != "holdout" or isinstance(one, Shadow))
        self._shadowed = any(isinstance(one, Shadow) for one in self.policies)
        check_mandatory(self.policies, frozenset(allow_unsafe))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.policies)

    def decide(self, case: Case, *, case_for: CaseFor | None = None, trace: bool = False) -> Decision:
        """The verdict on a case, without side effects.

        `case_for` gives the case of the message on another channel, with that channel's facts; without it a reroute finds
        no channel. With `trace` the steps of policies that allowed are kept too.
        """
        if case.now.tzinfo is not UTC:
            case = replace(case, now=case.now.astimezone(UTC))
        if not trace and not self._shadowed:
            for one in self.policies:
                if one(case) is not ALLOW:
                    break
            else:
                return Decision(ALLOW, case.message, (), case.now)
        run = _Run(self.jitter, case_for, full=trace)
        verdict, message = run.over_channels(self.policies, case)
        would_go_at = leaves_at(verdict, case.now)
        if type(verdict) is Drop and verdict.policy == "holdout":
            twin, _ = _Run(self.jitter, case_for, full=False).over_channels(self._eligible, case)
            would_go_at = leaves_at(twin, case.now)
            if type(twin) is Drop:
                verdict = replace(verdict, facts={**verdict.facts, "would_drop": twin.code})
        return Decision(verdict, message, tuple(run.steps), would_go_at, run.rounds)


class _Run:
    """One decision in the making: the steps so far and the channels tried."""

    def __init__(self, jitter: timedelta, case_for: CaseFor | None, *, full: bool) -> None:
        self.jitter = jitter
        self.case_for = case_for
        self.full = full
        self.steps: list[Step] = []
        self.rounds = 0

    def over_channels(self, policies: Sequence[Policy], case: Case) -> tuple[Verdict, Message]:
        """Follow reroutes, each channel tried at most once and each time from the present instant."""
        first, now = case.message, case.now
        tried = [first.channel]
        excluded: frozenset[str] = frozenset()
        while True:
            verdict = self.over_time(policies, case)
            if type(verdict) is not Reroute:
                return verdict, case.message
            excluded |= verdict.exclude
            other = None
            if self.case_for is not None:
                other = _next_message(first, verdict.prefer, frozenset(tried) | excluded)
            if other is None or self.case_for is None:
                facts = {**verdict.facts, "tried": tuple(tried), "because": verdict.code}
                lost = Drop(code="no_channel_left", facts=facts, policy=verdict.policy, rule_id=verdict.rule_id)
                return lost, first
            tried.append(other.channel)
            case = self.case_for(other)
            if case.now != now or case.now.tzinfo is not UTC:
                case = replace(case, now=now)

    def over_time(self, policies: Sequence[Policy], case: Case) -> Verdict:
        """Follow deferrals on one channel until nobody defers, the message expires, or ten rounds have passed."""
        start, at, expires_at = case.now, case.now, case.message.expires_at
        last: Defer | None = None
        for again in range(MAX_ROUNDS + 1):
            if again > self.rounds:
                self.rounds = again
            verdict = self.at_instant(policies, case)
            if type(verdict) is Allow:
                return ALLOW if last is None else _final(last, start, case.message, self.jitter)
            if type(verdict) is not Defer:
                return verdict
            last = verdict
            if expires_at is not None and verdict.until > expires_at:
                return _expired(verdict, expires_at)
            at = max(at, verdict.until)
            case = replace(case, now=at)
        assert last is not None
        return Drop(code="unschedulable", facts={"rounds": MAX_ROUNDS, "because": last.code}, policy=last.policy)

    def at_instant(self, policies: Sequence[Policy], case: Case) -> Verdict:
        """Ask every policy at one instant; a terminal Drop stops at once."""
        objections: list[Verdict] | None = None
        full = self.full
        for one in policies:
            verdict = one(case)
            if verdict is ALLOW and not full and type(one) is not Shadow:
                continue
            if type(verdict) is Allow:
                if type(one) is Shadow:
                    self._note(_tried(one, case), one.name, case, shadow=True)
                elif self.full or verdict.code or verdict.notes:
                    self._note(verdict, one.name, case)
                continue
            if type(verdict) is Defer and verdict.until.tzinfo is not UTC:
                verdict = replace(verdict, until=_in_utc(verdict.until, one.name))
            verdict = self._note(verdict, one.name, case)
            if objections is None:
                objections = []
            objections.append(verdict)
            if type(verdict) is Drop and verdict.terminal:
                return verdict
        return ALLOW if objections is None else strongest(objections)

    def _note(self, verdict: Verdict, name: str, case: Case, *, shadow: bool = False) -> Verdict:
        verdict = signed(verdict, name)
        self.steps.append(Step(verdict, case.message.channel, case.now, shadow))
        return verdict


def _tried(trial: Shadow, case: Case) -> Verdict:
    """What a policy on trial says; a fault of it is told as a verdict, since it must not stop a message."""
    try:
        return trial.policy(case)
    except Exception as fault:
        _log.warning("the shadow policy %s failed with %s", trial.name, type(fault).__name__)
        return Drop(code="shadow.failed", facts={"fault": type(fault).__name__})


def _in_utc(until: datetime, policy: str) -> datetime:
    if until.tzinfo is None:
        raise ValueError(f"policy {policy}: the instant of its Defer has no zone; give an aware one")
    return until.astimezone(UTC)


def kind_of(verdict: Verdict) -> Kind:
    """The verdict's kind in one lower-case word."""
    match verdict:
        case Allow():
            return "allow"
        case Defer():
            return "defer"
        case Reroute():
            return "reroute"
        case Drop():
            return "drop"


def leaves_at(verdict: Verdict, now: datetime) -> datetime | None:
    """When a message with this final verdict leaves; None when it does not."""
    match verdict:
        case Allow():
            return now
        case Defer():
            return verdict.until
        case _:
            return None


def jitter_of(message_id: str, span: timedelta) -> timedelta:
    """A delay in `[0, span)`, even over messages and always the same for one message, in whole milliseconds."""
    draw = int.from_bytes(hashlib.sha256(f"jitter:{message_id}".encode()).digest()[:8], "big")
    span_ms = span // timedelta(milliseconds=1)
    return timedelta(milliseconds=draw * span_ms >> 64)


def _final(last: Defer, start: datetime, message: Message, jitter: timedelta) -> Verdict:
    """The Defer that is handed out: after an opening it is spread, but not past the window's end or `expires_at`."""
    if last.until <= start:
        return ALLOW
    span = min(jitter, last.jitter)
    if message.expires_at is not None:
        span = min(span, message.expires_at - last.until)
    delay = jitter_of(message.id, span) if span > timedelta(0) else timedelta(0)
    return replace(last, until=last.until + delay, jitter=delay)


def _expired(defer: Defer, expires_at: datetime) -> Drop:
    code = EXPIRED_BY.get(defer.policy, f"expired.by_{defer.policy}")
    facts = {**defer.facts, "because": defer.code, "until": utc_text(defer.until), "expires_at": utc_text(expires_at)}
    return Drop(code=code, facts=facts, policy=defer.policy, rule_id=defer.rule_id)


def _next_message(first: Message, prefer: Sequence[str], closed: frozenset[str]) -> Message | None:
    """The message on the next channel: preferred ones first, then in the order of its alternatives."""
    usable = [other for other in first.alternatives if other.channel not in closed]
    usable.sort(key=lambda other: prefer.index(other.channel) if other.channel in prefer else len(prefer))
    if not usable:
        return None
    other = usable[0]
    return first.model_copy(update={"channel": other.channel, "to": other.to, "content": other.content})
