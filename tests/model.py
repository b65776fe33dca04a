"""A plain Python model of the rows, held against a store step by step: `python tests/model.py --steps 10000 [--store postgres]`.

The model knows nothing of SQL; what it says after each step, every row must say.
"""

# ruff: noqa: T201 - a script prints

import argparse
import asyncio
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from recallgate import Event, EventType, IdempotencyConflict, Message
from recallgate.model.clock import from_ms
from recallgate.store import attempts, ledger, messages
from recallgate.store.attempts import Intent, Outcome
from recallgate.store.choice import store_of
from recallgate.store.engine import Store
from recallgate.store.ledger import SuppressionRow
from recallgate.store.messages import Close
from recallgate.store.tables import metadata
from recallgate.testing.store_base import MS
from recallgate.tracking.process import Told, apply_events

LEASE_MS, WAIT_MS, MINUTE = 60_000, 900_000, 60_000
RANKS = {"accepted": 1, "sent": 2, "cancelled": 3, "undelivered": 4, "delivered": 5}
REPORTS = {EventType.SENT: "sent", EventType.UNDELIVERED: "undelivered", EventType.DELIVERED: "delivered"}
ADDRESSES = ("+14155550101", "+14155550102", "+14155550103")
AGAIN = "uncertain.sent_again"


@dataclass
class Row:
    """A message as the model has it."""

    order: int
    address: str
    purpose: str
    key: str | None
    words: str
    due_at: int
    state: str = "queued"
    attempts: int = 0
    lease_until: int = 0
    vendor_id: str | None = None
    settle_at: int | None = None
    again: bool = False
    later: int = 0  # until when its caller has it wait; 0 when at once

    @property
    def rank(self) -> int:
        return {"otp": 0, "transactional": 1, "service": 2, "marketing": 3}[self.purpose]

    @property
    def waits(self) -> bool:
        return self.state in ("queued", "held")

    def shown(self) -> tuple[Any, ...]:
        return (self.state, self.attempts, self.due_at, self.lease_until, self.vendor_id, self.settle_at, self.again)


class Rows(RuleBasedStateMachine):
    """The model beside a store; `store` and `loop` are set by whoever runs it."""

    store: Store
    runner: asyncio.Runner

    def __init__(self) -> None:
        super().__init__()
        self.rows: dict[str, Row] = {}
        self.suppressed: set[str] = set()
        self.now = MS
        self.ids = 0
        self.old: list[tuple[str, int]] = []  # attempts that were once under way
        self.told: set[tuple[str, EventType, int]] = set()

    def do(self, work: Any) -> Any:
        return self.runner.run(self.store.run(work))

    @initialize()
    def begin(self) -> None:
        tables = [name for name in metadata.tables if name != "rg_schema_version"]
        self.do(lambda c: [c.execute(text(f"delete from {name}")) for name in tables])  # noqa: S608

    def pick(self, data: Any, *states: str) -> str:
        return data.draw(st.sampled_from([identity for identity, row in self.rows.items() if row.state in states]))

    # --- rules

    @rule(
        purpose=st.sampled_from(["otp", "service", "marketing"]),
        address=st.sampled_from(ADDRESSES),
        key=st.sampled_from([None, "a", "b", "c"]),
        words=st.sampled_from(["Hello", "Good day"]),
        wait=st.sampled_from([0, 0, 5]),
        number=st.integers(1, 3),
    )
    def submit(self, purpose: str, address: str, key: str | None, words: str, wait: int, number: int) -> None:
        batch = []
        for n in range(number):
            keyed = {"idempotency_key": key} if n == 0 else {}
            later = {"not_before": from_ms(self.now + wait * MINUTE)} if wait else {}
            self.ids += 1
            identity = f"m{self.ids:05d}"
            batch.append(Message.sms(address, words, purpose=purpose, id=identity, **keyed, **later))
        known = next((row for row in self.rows.values() if key is not None and row.key == key), None)
        now, after = self.now, self.now + wait * MINUTE if wait else 0
        said = (address, purpose, words, after)
        same = known is not None and (known.address, known.purpose, known.words, known.later) == said
        if known is not None and not same:
            try:
                self.do(lambda c: messages.insert(c, batch, from_ms(now)))
            except IdempotencyConflict:
                return
            raise AssertionError("another message took the key")
        stored = self.do(lambda c: messages.insert(c, batch, from_ms(now)))
        assert [one.duplicate for one in stored] == [n == 0 and known is not None for n in range(number)]
        for message in batch[known is not None :]:
            row = Row(len(self.rows), address, purpose, message.idempotency_key, words, now + wait * MINUTE)
            row.later = after
            self.rows[message.id] = row

    @rule(most=st.integers(1, 4), urgent=st.booleans())
    def claim(self, most: int, urgent: bool) -> None:
        due = [
            (identity, row)
            for identity, row in self.rows.items()
            if row.waits and row.due_at <= self.now and (row.rank <= 1 or not urgent)
        ]
        due.sort(key=lambda one: (one[1].rank, one[1].due_at, one[1].order))
        expected, now = due[:most], self.now

        def work(connection: Any) -> list[str]:
            found = messages.due(connection, "sms", now=now, most=most, most_rank=19 if urgent else 99)
            intents = [self._intent(row.id, row.attempts + 1) for row in found]
            ours = attempts.intend(connection, intents, now=now, lease_until=now + LEASE_MS)
            left = [Close("default", row.id, "suppressed", "suppressed.before_intent") for row in found if row.id not in ours]
            messages.close(connection, left, now=now)
            return [row.id for row in found]

        assert self.do(work) == [identity for identity, _ in expected]
        for identity, row in expected:
            if row.address in self.suppressed and row.purpose == "marketing":
                row.state, row.lease_until = "suppressed", 0
                continue
            row.state, row.attempts, row.lease_until = "sending", row.attempts + 1, now + LEASE_MS
            self.old.append((identity, row.attempts))

    def _intent(self, identity: str, n: int) -> Intent:
        row = self.rows[identity]
        strict = {"marketing": 1, "otp": -1}.get(row.purpose, 0)
        return Intent("default", identity, "sms", "a", n, None, strict, "a", "*", None, row.address)

    @precondition(lambda self: self.old)
    @rule(data=st.data(), what=st.sampled_from(["accepted", "failed", "held", "queued", "uncertain"]))
    def finish(self, data: Any, what: str) -> None:
        """An outcome, of the present attempt or of one that is long past."""
        identity, n = data.draw(st.sampled_from(self.old[-6:]))
        row, now = self.rows[identity], self.now
        due = now + 5000 if what in ("held", "queued") else None
        settle = now + WAIT_MS if what == "uncertain" else None
        vendor = f"v-{identity}-{n}" if what == "accepted" else None
        accepted = now if what == "accepted" else None
        outcome = Outcome(
            "default", identity, n, what, what, due_at=due, settle_at=settle, vendor_id=vendor, accepted_at=accepted
        )
        self.do(lambda c: attempts.finish(c, [outcome], now=now))
        if row.state in ("sending", "uncertain") and row.attempts == n:
            row.state, row.lease_until, row.settle_at = what, 0, settle
            row.due_at, row.vendor_id = due or row.due_at, vendor or row.vendor_id
        elif vendor is not None and row.vendor_id is None:
            row.vendor_id, row.lease_until = vendor, 0

    @precondition(lambda self: self.old)
    @rule(data=st.data())
    def renew(self, data: Any) -> None:
        identity, n = data.draw(st.sampled_from(self.old[-6:]))
        row, until = self.rows[identity], self.now + LEASE_MS
        ours = self.do(lambda c: attempts.renew(c, [("default", identity, n)], until=until))
        holds = row.state == "sending" and row.attempts == n
        assert ours == ({("default", identity)} if holds else set())
        if holds:
            row.lease_until = until

    @rule(minutes=st.sampled_from([1, 1, 6, 20]))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule()
    def reap(self) -> None:
        now = self.now
        self.do(lambda c: attempts.reap(c, now=now, settle_at=now + WAIT_MS))
        for row in self.rows.values():
            if row.state == "sending" and row.lease_until <= now:
                row.state, row.lease_until, row.settle_at, row.again = "uncertain", 0, now + WAIT_MS, False

    @rule(again=st.booleans())
    def settle(self, again: bool) -> None:
        now = self.now
        found = self.do(lambda c: [one.id for one in attempts.unsettled(c, now=now, most=100)])
        due = {identity for identity, row in self.rows.items() if row.state == "uncertain" and (row.settle_at or now + 1) <= now}
        assert set(found) == due
        state, reason = ("queued", AGAIN) if again else ("uncertain", "uncertain.closed")
        self.do(
            lambda c: attempts.settle(
                c, [("default", identity, state, reason, now if again else None) for identity in found], now=now
            )
        )
        for identity in found:
            row = self.rows[identity]
            row.state, row.settle_at, row.again = state, None, again
            row.due_at = now if again else row.due_at

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        identity = data.draw(st.sampled_from(sorted(self.rows)))
        row, now = self.rows[identity], self.now
        assert self.do(lambda c: messages.cancel(c, "default", identity, now)) == row.waits
        if row.waits:
            row.state, row.again = "cancelled", False

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), state=st.sampled_from(["held", "suppressed", "failed"]))
    def close(self, data: Any, state: str) -> None:
        identity = data.draw(st.sampled_from(sorted(self.rows)))
        row, now = self.rows[identity], self.now
        due = now + 10 * MINUTE if state == "held" else None
        self.do(lambda c: messages.close(c, [Close("default", identity, state, "some.reason", None, due)], now=now))
        if row.waits:
            row.state, row.due_at, row.lease_until = state, due or row.due_at, 0
            row.again = row.again and state == "held"

    @rule(address=st.sampled_from(ADDRESSES))
    def opt_out(self, address: str) -> None:
        now = self.now
        row = SuppressionRow("default", f"a:{address}", "*", "*", "*", "opt_out", 0, "test", None, 0, now, now, None)
        self.do(lambda c: ledger.suppress(c, [row]))
        self.suppressed.add(address)

    @precondition(lambda self: self.rows)
    @rule(data=st.data(), kind=st.sampled_from(list(REPORTS)))
    def report(self, data: Any, kind: EventType) -> None:
        identity = data.draw(st.sampled_from(sorted(self.rows)))
        row, now = self.rows[identity], from_ms(self.now)
        told = Told(Event(kind, message_id=identity, at=now), "a", None)
        self.do(lambda c: apply_events(c, [told], tenant="default", now=now))
        if (news := (identity, kind, self.now)) in self.told:
            return  # the same news once more
        self.told.add(news)
        lifts = row.state in ("sending", "uncertain") or RANKS.get(row.state, 9) < RANKS[REPORTS[kind]]
        if lifts:
            row.state, row.settle_at = REPORTS[kind], None

    # --- what must hold

    @invariant()
    def rows_are_as_the_model_says(self) -> None:
        statement = "select id, state, attempts, due_at, lease_until, vendor_id, settle_at, reason from rg_message"
        found = self.do(lambda c: {row[0]: tuple(row[1:]) for row in c.execute(text(statement))})
        shown = {identity: (*row[:-1], row[-1] == AGAIN) for identity, row in found.items()}
        assert shown == {identity: row.shown() for identity, row in self.rows.items()}

    @invariant()
    def attempts_are_counted(self) -> None:
        statement = "select message_id, count(*) from rg_attempt group by message_id"
        found = self.do(lambda c: {row[0]: row[1] for row in c.execute(text(statement))})
        assert found == {identity: row.attempts for identity, row in self.rows.items() if row.attempts}


STEPS = 40


def run(url: str, *, steps: int, seed: int | None = None) -> None:
    """Hold the store at an address against the model for so many steps; raises at the first difference."""
    with asyncio.Runner() as runner:
        store = store_of(url, simulated=False)
        runner.run(store.open())
        machine = type("Rows", (Rows,), {"store": store, "runner": runner})
        try:
            run_state_machine_as_test(  # type: ignore[no-untyped-call]
                machine,
                settings=settings(
                    max_examples=max(steps // STEPS, 1),
                    stateful_step_count=STEPS,
                    deadline=timedelta(seconds=20),
                    database=None,
                    derandomize=seed is None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(store.close())


def main() -> int:
    parser = argparse.ArgumentParser(description="Hold a store against the model.")
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    given = parser.parse_args()
    from kill import new_store

    where: AbstractContextManager[str] = nullcontext("sqlite://") if given.store == "sqlite" else new_store("postgres", Path())
    with where as url:
        run(url, steps=given.steps)
    print(f"{given.steps} steps on {given.store}: 0 differences")
    return 0


if __name__ == "__main__":
    sys.exit(main())
