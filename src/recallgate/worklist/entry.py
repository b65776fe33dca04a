"""What the desk hands out and takes in, and what it refuses, in words for the agent."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from recallgate.model.content import Task
from recallgate.model.errors import ConfigError
from recallgate.store.worklist import TaskRow
from recallgate.worklist.results import RESULTS


@dataclass(frozen=True)
class Assignment:
    """A task in an agent's hands until `lease_until`; `phone` is the number to call, where one is known."""

    id: str
    task: Task
    person: str | None
    phone: str | None
    queue: str
    agent: str
    lease_until: datetime
    expires_at: datetime | None
    tries: int
    last_result: str | None = None
    notes: str | None = None

    def __repr__(self) -> str:
        return f"Assignment({self.id}, {self.queue}, agent={self.agent})"


@dataclass(frozen=True)
class Done:
    """What became of a task with a result: `again_at` when it goes back onto the list, `cost` of this turn's labour."""

    id: str
    result: str
    again_at: datetime | None
    cost: Decimal


def named(agent: str) -> str:
    """The agent, who must have a name."""
    if not agent.strip():
        raise ConfigError("agent: say who takes the task")
    return agent


def of_agent(row: TaskRow | None, identity: str, agent: str) -> TaskRow:
    """The task, which the agent must have; a lease that has ended is no harm while nobody else took it."""
    if row is None:
        raise ConfigError(f"task {identity}: there is none of that id; `recallgate worklist list` shows them")
    if row.state != "taken":
        raise ConfigError(f"task {identity}: it is {row.state}; take it first with `recallgate worklist next`")
    if row.agent != agent:
        raise ConfigError(f"task {identity}: agent {row.agent} has it, not {agent}; let it be reassigned")
    return row


def check_result(result: str, *, minutes: float, amount_cents: int | None, again_at: datetime | None, now: datetime) -> None:
    """Raise ConfigError for what cannot be entered."""
    if result not in RESULTS:
        raise ConfigError(f"result: {result!r} is none of {', '.join(RESULTS)}")
    if not 0 <= minutes <= 24 * 60:
        raise ConfigError("minutes: 0 to 1440, what the call and its paperwork took")
    if (amount_cents is not None) != (result == "bought") or (amount_cents is not None and amount_cents < 1):
        raise ConfigError("amount_cents: above zero, and with the result bought only")
    if again_at is not None and (not RESULTS[result].again or again_at <= now):
        raise ConfigError("again_at: an instant to come, and with no_answer or busy only")
