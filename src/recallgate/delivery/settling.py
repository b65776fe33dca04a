"""Settling: what became of a message that was perhaps sent; and of those that a vendor took who tells nothing by itself."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import httpx
from sqlalchemy import Connection

from recallgate.adapter import Adapter, LooksUp
from recallgate.config import GatewayConfig, parse_message
from recallgate.delivery.accounts import LiveAccount
from recallgate.delivery.chunk import Ready
from recallgate.delivery.outcome import Conclusion, conclude
from recallgate.delivery.repeats import repeatable, repeated
from recallgate.delivery.schedule import next_look, next_poll
from recallgate.delivery.stage import Stager
from recallgate.delivery.worker import Worker
from recallgate.model.clock import Clock, from_ms, to_ms
from recallgate.model.custody import ERASED
from recallgate.model.errors import ErrorKind, RecallgateError, SendError
from recallgate.model.event import Event
from recallgate.model.purpose import Purpose
from recallgate.model.state import State
from recallgate.store import attempts, settling
from recallgate.store.attempts import Unsettled
from recallgate.store.engine import Store
from recallgate.store.sealed import opened
from recallgate.store.settling import Polled

_log = logging.getLogger("recallgate.delivery")
_MOST = 200
_GRACE_MS = 60_000  # a question that was begun and never ended is asked again


@dataclass(frozen=True, slots=True)
class Question:
    """A message about which an account's vendor is asked."""

    row: Unsettled | Polled
    account: LiveAccount
    tried_at: int
    deadline: int | None = None

    @property
    def pair(self) -> tuple[str, str]:
        return self.row.tenant, self.row.id


@dataclass
class _Work:
    """What a look at the rows found to do outside the transaction, and how many rows it dealt with."""

    rows: int = 0
    ready: list[Ready] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)


@dataclass
class _Learnt:
    """What came of the questions."""

    never_taken: list[Unsettled] = field(default_factory=list)
    unanswered: list[Unsettled] = field(default_factory=list)
    unaskable: list[tuple[str, str, int | None]] = field(default_factory=list)
    taken: list[tuple[str, str, int | None]] = field(default_factory=list)


class Settling:
    """A job. An uncertain message is settled by the first of these that can be had:

    by the vendor's key: while the vendor remembers it, the message goes again to the same account, and a second copy is none;
    by a look-up: the vendor is asked, 10 s, 1 min and 5 min after the attempt and at the deadline; what it tells is applied like
    a report; by a report until the deadline (`report_wait_s`); by purpose: marketing and service close as uncertain and are
    counted in the review, an otp is sent again and marked as a possible duplicate, a transactional message only when its tags
    say `resend`. Never beyond `expires_at` or `max_attempts`.

    Messages that accounts without reports took are asked about 1 min, 10 min, 1 h, 6 h and 24 h later.
    """

    name = "settling"
    every = timedelta(seconds=2)

    def __init__(
        self,
        store: Store,
        clock: Clock,
        config: GatewayConfig,
        *,
        accounts: Mapping[str, LiveAccount],
        stager: Stager,
        worker: Worker,
        hear: Callable[[str, Sequence[Event]], Awaitable[object]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._config = config
        self._accounts = accounts
        self._stager = stager
        self._worker = worker
        self._hear = hear
        self._polls = any(account.polled for account in accounts.values())
        self._wait = int(config.report_wait_s * 1000)

    async def run(self, now: datetime) -> int:
        work = await self._store.run(partial(self._look, now=now))
        if work.ready:
            done = await asyncio.gather(*map(self._carry, work.ready))
            await self._worker.commit(done)
        if work.questions:
            await self._ask(work.questions)
        return work.rows

    async def next_due(self) -> datetime | None:
        found = await self._store.run(partial(settling.next_due, polls=self._polls), small=True)
        return from_ms(found) if found is not None else None

    # --- one transaction: what is due is claimed by putting it off

    def _look(self, connection: Connection, *, now: datetime) -> _Work:
        at, work = to_ms(now), _Work()
        rows = opened(connection, attempts.unsettled(connection, now=at, most=_MOST))
        if rows:
            self._uncertain(connection, rows, now, work)
        if self._polls:
            self._taken(connection, at, work)
        return work

    def _uncertain(self, connection: Connection, rows: Sequence[Unsettled], now: datetime, work: _Work) -> None:
        at = to_ms(now)
        tries = settling.tries(connection, [(one.tenant, one.id) for one in rows])
        again: list[tuple[Unsettled, LiveAccount, int]] = []
        closing: list[Unsettled] = []
        later: list[tuple[str, str, int | None]] = []
        for one in rows:
            if one.payload == ERASED:
                closing.append(one)  # its person was erased: nobody is asked, and nothing is sent again
                continue
            account, had = self._accounts.get(one.account or ""), tries.get((one.tenant, one.id), [])
            tried_at = had[-1].ended_at if had else at
            deadline = tried_at + self._wait
            look = next_look(tried_at, at, n=one.attempts, deadline=deadline)
            if account is not None and repeatable(one, account, had, now=at, most=self._config.max_attempts):
                again.append((one, account, deadline if at >= deadline else look))
            elif account is not None and account.asks and account.available(now):
                work.questions.append(Question(one, account, tried_at, deadline))
                later.append((one.tenant, one.id, look if at < deadline else at + _GRACE_MS))
            elif at >= deadline:
                closing.append(one)
            else:
                later.append((one.tenant, one.id, look if account is not None and account.settles else deadline))
        work.rows += len(rows)
        if again:
            work.ready, stayed = repeated(connection, again, stager=self._stager, now=now)
            closing += [one for one, until in stayed if until <= at]
        settling.put_off(connection, later)
        self._close(connection, closing, at)

    def _taken(self, connection: Connection, at: int, work: _Work) -> None:
        rows = opened(connection, settling.polled(connection, now=at, most=_MOST))
        settling.put_off(connection, [(one.tenant, one.id, next_poll(one.accepted_at, at)) for one in rows])
        for one in rows:
            account = self._accounts.get(one.account)
            if account is not None and account.polled and account.available(from_ms(at)):
                work.questions.append(Question(one, account, one.accepted_at))
        work.rows += len(rows)

    def _close(self, connection: Connection, rows: Iterable[Unsettled], at: int) -> None:
        """By purpose: nobody can tell what became of them."""
        closed = []
        for one in rows:
            again = not _ended(one, at) and one.attempts < self._config.max_attempts and _may_repeat(one.purpose, one.payload)
            state, reason = (State.QUEUED, "uncertain.sent_again") if again else (State.UNCERTAIN, "uncertain.closed")
            closed.append((one.tenant, one.id, state.value, reason, at if again else None))
        if closed:
            attempts.settle(connection, closed, now=at)

    # --- outside any transaction

    async def _carry(self, ready: Ready) -> Conclusion:
        conclusion, result = await self._worker.caller.carry(ready)
        if isinstance(result, SendError) and result.kind.definite and result.kind.rule.concerns != "address":
            # this copy was refused, which says nothing of the one before it
            ready = ready._replace(n=conclusion.outcome.n)
            unknown = SendError(ErrorKind.UNCERTAIN, result.code, result.detail)
            router = self._stager.router
            return conclude(ready, unknown, now=self._clock.now(), config=self._config, router=router, tried={})
        return conclusion

    async def _ask(self, questions: Sequence[Question]) -> None:
        answers = await asyncio.gather(*map(self._answer, questions))
        told: dict[str, list[Event]] = {}
        learnt = _Learnt()
        now = to_ms(self._clock.now())
        for one, answer in zip(questions, answers, strict=True):
            if isinstance(answer, tuple):
                told.setdefault(one.account.name, []).extend(answer)
            self._learn(one, answer, learnt, now)
        for name, events in told.items():
            if events:
                await self._hear(name, events)
        if learnt.never_taken or learnt.unanswered or learnt.unaskable or learnt.taken:
            await self._store.run(partial(self._conclude, learnt=learnt, now=now))

    async def _answer(self, one: Question) -> tuple[Event, ...] | SendError | None:
        """What the vendor told; None when it cannot be asked about this message."""
        try:
            return await asked(one.account, one.row.payload, one.row.vendor_id)
        except SendError as exc:
            _log.info("account %s could not be asked about message %s: %s", one.account.name, one.row.id, exc.kind)
            return exc
        except Exception as exc:  # an adapter's fault must not keep the others from being asked
            _log.error("asking account %s about message %s failed: %s", one.account.name, one.row.id, type(exc).__name__)
            return SendError(ErrorKind.UNKNOWN, "lookup", type(exc).__name__)

    def _learn(self, one: Question, answer: tuple[Event, ...] | SendError | None, learnt: _Learnt, now: int) -> None:
        row = one.row
        if isinstance(row, Polled) or one.deadline is None:
            if answer is None:
                learnt.unaskable.append((*one.pair, None))
            return
        proves = one.account.view.capabilities.lookup_proves_absence
        if answer == () and row.vendor_id is None and proves is not None and now >= one.tried_at + proves * 1000:
            learnt.never_taken.append(row)
        elif now >= one.deadline:
            learnt.unanswered.append(row)
        elif answer is None:
            learnt.unaskable.append((*one.pair, one.deadline))
        if answer and isinstance(answer, tuple) and one.account.polled:
            learnt.taken.append((*one.pair, next_poll(now, now)))

    def _conclude(self, connection: Connection, *, learnt: _Learnt, now: int) -> None:
        settling.put_off(connection, learnt.unaskable)
        settling.watch(connection, learnt.taken)
        rows = [*learnt.never_taken, *learnt.unanswered]
        open_ = settling.still_uncertain(connection, [(one.tenant, one.id) for one in rows]) if rows else set()
        self._not_taken(connection, [one for one in learnt.never_taken if (one.tenant, one.id) in open_], now)
        self._close(connection, [one for one in learnt.unanswered if (one.tenant, one.id) in open_], now)

    def _not_taken(self, connection: Connection, rows: Sequence[Unsettled], now: int) -> None:
        """Certainly not sent: their attempts were failures, nothing is counted, and they go back to the queue."""
        if not rows:
            return
        became = []
        for one in rows:
            state = State.EXPIRED if _ended(one, now) else State.QUEUED
            state = State.FAILED if state is State.QUEUED and one.attempts >= self._config.max_attempts else state
            became.append((one.tenant, one.id, state.value))
        settling.never_taken(connection, became)
        settling.count(connection, [(one.tenant, subject, one.id) for one in rows for subject in one.subjects], state="released")
        closed = [(tenant, identity, state, settling.NOT_TAKEN, now) for tenant, identity, state in became]
        attempts.settle(connection, closed, now=now)


async def asked(account: LiveAccount, payload: str, vendor_id: str | None) -> tuple[Event, ...] | None:
    """Ask an account's vendor about a stored message, in one of the account's slots; None when it cannot be asked."""
    adapter = account.adapter
    assert isinstance(adapter, Adapter), "a driver has no wire"
    assert isinstance(adapter, LooksUp), "it cannot be asked"
    try:
        message = parse_message(payload)
    except RecallgateError:
        return None
    if adapter.build_lookup(message, vendor_id) is None:
        return None

    def build() -> httpx.Request:
        request = adapter.build_lookup(message, vendor_id)
        assert request is not None
        return request

    async with account.slots:
        return tuple(adapter.parse_lookup(message, await account.call(build)))


def _ended(one: Unsettled, at: int) -> bool:
    return one.expires_at is not None and one.expires_at <= at


def _may_repeat(purpose: str, payload: str) -> bool:
    if payload == ERASED:
        return False
    if purpose == Purpose.OTP:
        return True
    try:
        return purpose == Purpose.TRANSACTIONAL and "resend" in parse_message(payload).tags
    except RecallgateError:  # it cannot be read any more
        return False
