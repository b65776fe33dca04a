"""The channel `worklist`: a message becomes a task on the list of people who call by hand."""

from datetime import timedelta
from decimal import Decimal
from typing import ClassVar, Literal

from pydantic import Field, field_validator
from sqlalchemy import Connection

from recallgate.adapter import AdapterConfig, Capabilities, Driver
from recallgate.model import channels
from recallgate.model.clock import to_ms
from recallgate.model.content import Task
from recallgate.model.errors import ErrorKind, SendError
from recallgate.model.message import Message
from recallgate.model.receipt import Receipt
from recallgate.model.zones import zone
from recallgate.store import worklist as rows
from recallgate.store.engine import Store
from recallgate.store.worklist import TaskRow
from recallgate.worklist.results import STATUSES

FULL_FOR = timedelta(minutes=15)  # between two looks at a full list


class WorklistConfig(AdapterConfig):
    """How much the callers can take, and what their time costs.

    `per_agent` tasks an agent may have in hand, `per_agent_day` may take a day; `per_day` all agents together; days begin
    at midnight in `zone`. `max_waiting` bounds the list: the next one waits (`when_full` wait) or is refused, so that a play
    goes on elsewhere; VIPs are always let in. A task that is not finished within `lease_minutes` is given to somebody else.
    `max_tries` calls are made, `retry_minutes` apart, to somebody who does not answer. `rate_per_hour` is what an hour of
    labour costs, in units of the account's currency. A refusal rests the person's calls for `refusal_rest_days`.
    """

    per_agent: int = Field(default=1, ge=1)
    per_agent_day: int | None = Field(default=None, ge=1)
    per_day: int | None = Field(default=None, ge=1)
    max_waiting: int | None = Field(default=None, ge=1)
    when_full: Literal["wait", "refuse"] = "wait"
    lease_minutes: int = Field(default=30, ge=1)
    max_tries: int = Field(default=3, ge=1)
    retry_minutes: int = Field(default=120, ge=1)
    rate_per_hour: Decimal = Field(default=Decimal(0), ge=0)
    refusal_rest_days: int = Field(default=30, ge=0)
    zone: str = "UTC"

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        zone(value)
        return value


class WorklistTasks(Driver):
    """Puts tasks on the list; the gateway hands it the store. Taken means on the list: what came of it is told later."""

    vendor = "worklist"
    channel = channels.WORKLIST
    Config: ClassVar[type[AdapterConfig]] = WorklistConfig
    capabilities = Capabilities(reports=True)
    errors: ClassVar = {
        "full": ErrorKind.RATE_LIMITED,
        "no_room": ErrorKind.UNSUPPORTED,
        "store_unavailable": ErrorKind.TEMPORARY,
    }
    statuses: ClassVar = STATUSES
    config: WorklistConfig

    store: Store | None = None
    account: str = "worklist"

    async def send(self, message: Message) -> Receipt:
        content = message.content
        if not isinstance(content, Task):
            raise SendError(ErrorKind.UNSUPPORTED, "content", f"the worklist takes tasks, not {content.type}")
        self.options(message)
        store = self.store
        if store is None:
            raise SendError(ErrorKind.TEMPORARY, "store_unavailable", "the worklist has no store; use it through a gateway")
        now = self.tools.now()
        row = TaskRow(
            message.tenant,
            message.id,
            self.account,
            message.to.key,
            message.person,
            message.model_dump_json(exclude_none=True),
            (0 if content.vip else 10) + 9 - message.priority,
            to_ms(now),
            to_ms(now),
            to_ms(message.expires_at) if message.expires_at is not None else None,
        )
        limit = None if content.vip else self.config.max_waiting

        def work(connection: Connection) -> bool:
            known = rows.load(connection, row.tenant, row.id) is not None
            if not known and limit is not None and rows.waiting(connection, row.tenant, row.account, row.queue) >= limit:
                return False
            rows.put(connection, row)
            return True

        if not await store.run(work, small=True):
            if self.config.when_full == "refuse":
                raise SendError(ErrorKind.UNSUPPORTED, "no_room", "the worklist is full")
            # of the queue, not of the account: VIPs are let in meanwhile
            raise SendError(ErrorKind.RATE_LIMITED, "full", "the worklist is full", retry_at=now + FULL_FOR, scope="address")
        return Receipt(message_id=message.id, vendor_id=message.id)
