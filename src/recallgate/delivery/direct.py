"""One message sent at once, in the caller's turn: staged, carried and concluded past the queue."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from recallgate.delivery.chunk import Staged
from recallgate.delivery.stage import Stager
from recallgate.delivery.worker import Worker
from recallgate.model.clock import Clock, to_ms
from recallgate.model.errors import SendError
from recallgate.model.message import Message
from recallgate.model.receipt import Receipt
from recallgate.model.state import State
from recallgate.model.verdict import Verdict
from recallgate.store import messages
from recallgate.store.engine import Store
from recallgate.store.messages import Stored

_LEASE = timedelta(seconds=120)


@dataclass(frozen=True)
class Delivery:
    """What became of a message handed to `send`: its state, and the receipt, verdict or error behind it."""

    message_id: str
    state: State
    receipt: Receipt | None = None
    verdict: Verdict | None = None
    error: SendError | None = None
    duplicate: bool = False


class Direct:
    """The caller's own way to a vendor; it never waits behind a campaign."""

    def __init__(self, store: Store, clock: Clock, *, stager: Stager, worker: Worker) -> None:
        self._store = store
        self._clock = clock
        self._stager = stager
        self._worker = worker

    async def send(self, message: Message) -> Delivery:
        """One commit before the call and one after it, both awaited."""
        now = self._clock.now()
        lease = to_ms(now + _LEASE)

        def begin(connection: Connection) -> tuple[Stored, Any]:
            stored = messages.insert(connection, [message], now)[0]
            if stored.duplicate:
                return stored, messages.load(connection, message.tenant, stored.id)
            row = messages.waiting(connection, message.tenant, stored.id, now=to_ms(now))
            return stored, None if row is None else self._stager.stage(connection, [row], now=now, lease_until=lease)

        stored, staged = await self._store.run(begin, small=True, urgent=message.purpose.urgent)
        if stored.duplicate:
            return Delivery(stored.id, State(staged["state"]), duplicate=True)
        if staged is None:
            return Delivery(stored.id, State.QUEUED)
        if not staged.ready:
            return await self._not_sent(message, staged)
        conclusion, result = await self._worker.caller.carry(staged.ready[0])
        await self._worker.commit([conclusion], urgent=message.purpose.urgent)
        state = State(conclusion.outcome.state)
        while state is State.QUEUED:  # another account may take it at once: the same path, for this message alone
            staged = await self._stage_again(message)
            if staged is None or not staged.ready:
                return await self._stored(message, result)
            conclusion, result = await self._worker.caller.carry(staged.ready[0])
            await self._worker.commit([conclusion], urgent=message.purpose.urgent)
            state = State(conclusion.outcome.state)
        if isinstance(result, Receipt):
            return Delivery(message.id, state, receipt=result)
        return Delivery(message.id, state, error=result)

    async def _stage_again(self, message: Message) -> Staged | None:
        """The message staged for its next attempt; None when somebody else has it or it is not due."""
        now = self._clock.now()
        lease = to_ms(now + _LEASE)

        def work(connection: Connection) -> Staged | None:
            row = messages.waiting(connection, message.tenant, message.id, now=to_ms(now))
            return None if row is None else self._stager.stage(connection, [row], now=now, lease_until=lease)

        return await self._store.run(work, small=True, urgent=message.purpose.urgent)

    async def _not_sent(self, message: Message, staged: Staged) -> Delivery:
        decision = staged.decisions.get(message.id)
        fault = staged.faults.get(message.id)
        row = await self._store.run(lambda c: messages.load(c, message.tenant, message.id), small=True)
        state = State(row["state"]) if row is not None else State.FAILED
        return Delivery(message.id, state, verdict=decision.verdict if decision else None, error=fault)

    async def _stored(self, message: Message, first: Receipt | SendError) -> Delivery:
        row = await self._store.run(lambda c: messages.load(c, message.tenant, message.id), small=True)
        assert row is not None
        state = State(row["state"])
        if state.taken and row["vendor_id"]:
            return Delivery(
                message.id, state, receipt=Receipt(message_id=message.id, vendor_id=row["vendor_id"], parts=row["parts"])
            )
        return Delivery(message.id, state, error=first if isinstance(first, SendError) else None)
