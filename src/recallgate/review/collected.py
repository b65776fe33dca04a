"""What was collected of one campaign from the store."""

from dataclasses import dataclass

from recallgate.review.counts import ReviewCounts


@dataclass(frozen=True)
class Stage:
    """One stage of the funnel of the treatment group: people who reached it, and messages where it counts messages."""

    name: str
    people: int
    messages: int | None = None


@dataclass(frozen=True)
class ReasonCount:
    """How many messages a policy deferred, rerouted or dropped with one code."""

    verdict: str
    policy: str
    code: str
    messages: int


@dataclass(frozen=True)
class StateCount:
    """How many messages ended, or stand, in a state for a reason."""

    state: str
    reason: str
    messages: int


@dataclass(frozen=True)
class Handling:
    """What delivery had to do: further attempts, messages that went to a second account, messages of unknown fate.

    `uncertain_open` still wait for news; `uncertain_closed` were perhaps sent and will not be known.
    """

    retries: int = 0
    failovers: int = 0
    uncertain_open: int = 0
    uncertain_closed: int = 0


@dataclass(frozen=True)
class Guardrail:
    """People who opted out or complained within the window, in both groups; `channel` is * for all channels."""

    name: str
    channel: str
    k_t: int
    n_t: int
    k_c: int | None = None
    n_c: int | None = None


@dataclass(frozen=True)
class CostLine:
    """A part of the cost; the lines of one split sum to the total."""

    name: str
    amount: float


@dataclass(frozen=True)
class Collected:
    """The counts of a campaign and everything beside them that the report shows."""

    campaign: str
    counts: ReviewCounts
    open_share: float
    funnel: tuple[Stage, ...] = ()
    reasons: tuple[ReasonCount, ...] = ()
    states: tuple[StateCount, ...] = ()
    handling: Handling = Handling()
    guardrails: tuple[Guardrail, ...] = ()
    cost_by_channel: tuple[CostLine, ...] = ()
    cost_by_payer: tuple[CostLine, ...] = ()
    cost_by_tier: tuple[CostLine, ...] = ()
    clicks_not_human: int = 0
