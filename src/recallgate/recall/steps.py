"""The steps of a play, as nested frozen values that read like the play itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from recallgate.model.errors import ConfigError
from recallgate.model.purpose import Purpose
from recallgate.recall.condition import Condition
from recallgate.recall.outcome import Outcome
from recallgate.recall.send_time import BestTime
from recallgate.recall.timing import parse_local

Then = Literal["advance", "hold", "exit"]


@dataclass(frozen=True)
class Way:
    """One way to say it: a channel, and a content whose texts hold `{{ name }}` variables.

    `content` is the content model as a mapping; the short forms are in `recall.content`. `account` pins one account.
    """

    channel: str
    content: Mapping[str, object]
    account: str | None = None


@dataclass(frozen=True)
class Send:
    """Write to the person on the first way by which they can be reached; the next ways are for a reroute.

    `on_capped`, `on_unreachable` and `on_failed` say what follows such an end: `advance` to the next step, `hold` the run
    for a human to look at, `exit` the play. `expires_after` bounds how long the message may wait. `by_lapse` tries the
    ways in the order that fits the age of the lapse instead of as written.
    """

    name: str
    ways: tuple[Way, ...]
    on_capped: Then = "advance"
    on_unreachable: Then = "advance"
    on_failed: Then = "advance"
    purpose: Purpose = Purpose.MARKETING
    expires_after: timedelta = timedelta(hours=24)
    priority: int = 5
    by_lapse: bool = False

    def __post_init__(self) -> None:
        if not self.ways:
            raise ConfigError(f"step {self.name}: a send needs at least one way")
        if self.expires_after <= timedelta(0):
            raise ConfigError(f"step {self.name}: expires_after is above zero")
        if not 0 <= self.priority <= 9:
            raise ConfigError(f"step {self.name}: priority is 0 to 9")


@dataclass(frozen=True)
class Wait:
    """Wait for a span, until a local time of day, or for a span and then until that time.

    `days` are calendar days when `until` is given, else 24 hours each. `weekdays` (ISO, 1 Monday) limits the days on
    which `until` may fall; none given means every day. `best` chooses the time for each person, in place of `until`; what is
    chosen is written into the run.
    """

    name: str
    days: int = 0
    hours: int = 0
    minutes: int = 0
    until: str | None = None
    weekdays: tuple[int, ...] = ()
    best: BestTime | None = None
    channel: str = "sms"

    def __post_init__(self) -> None:
        timed = self.until is not None or self.best is not None
        if min(self.days, self.hours, self.minutes) < 0 or not (self.days or self.hours or self.minutes or timed):
            raise ConfigError(f"step {self.name}: give a span above zero, or until, or best")
        if self.best is not None and (self.until is not None or self.hours or self.minutes or self.days):
            raise ConfigError(f"step {self.name}: best chooses the time by itself; put a wait of some days before it")
        if self.until is not None:
            parse_local(self.until)
            if self.hours or self.minutes:
                raise ConfigError(f"step {self.name}: until goes with days, not with hours or minutes")
        if any(day not in range(1, 8) for day in self.weekdays) or (self.weekdays and self.until is None):
            raise ConfigError(f"step {self.name}: weekdays are 1 to 7 and go with until")


@dataclass(frozen=True)
class WaitFor:
    """Wait until one of the events comes, at most `timeout`; its outcome is `happened` or `timed_out`.

    `of` is the step whose message the event must belong to, and then events since that step count, also those that came
    before the wait; without it any event of the person counts that comes while waiting.
    """

    name: str
    events: tuple[str, ...]
    timeout: timedelta
    of: str | None = None

    def __post_init__(self) -> None:
        if not self.events:
            raise ConfigError(f"step {self.name}: name at least one event to wait for")
        if self.timeout <= timedelta(0):
            raise ConfigError(f"step {self.name}: the timeout is above zero")


@dataclass(frozen=True)
class When:
    """A case of a branch: these outcomes lead to these steps."""

    outcomes: tuple[Outcome, ...]
    steps: tuple["Step", ...]

    def __post_init__(self) -> None:
        if not self.outcomes:
            raise ConfigError("branch: a case without outcomes never holds")


@dataclass(frozen=True)
class Branch:
    """Go on by the outcome of an earlier step: the first case that names it, else `otherwise`."""

    name: str
    of: str
    cases: tuple[When, ...]
    otherwise: tuple["Step", ...] = ()


@dataclass(frozen=True)
class Case:
    """A case of a choice: people for whom the condition holds take these steps."""

    condition: Condition
    steps: tuple["Step", ...]


@dataclass(frozen=True)
class Choose:
    """Go on by what is known of the person, such as tier, cause, lapse age or arm: the first case that holds."""

    name: str
    cases: tuple[Case, ...]
    otherwise: tuple["Step", ...] = ()


@dataclass(frozen=True)
class SplitArm:
    """A share of the people, by weight, and the steps that they take."""

    name: str
    weight: int
    steps: tuple["Step", ...]


@dataclass(frozen=True)
class Split:
    """Part the people at random but for ever: the same person always takes the same arm."""

    name: str
    arms: tuple[SplitArm, ...]

    def __post_init__(self) -> None:
        if not self.arms or any(arm.weight < 1 for arm in self.arms):
            raise ConfigError(f"step {self.name}: a split needs arms with weights of at least 1")
        if len({arm.name for arm in self.arms}) != len(self.arms):
            raise ConfigError(f"step {self.name}: two arms have the same name")


@dataclass(frozen=True)
class Rung:
    """One rung of a ladder: so many days idle, and what is done then."""

    days: int
    steps: tuple["Step", ...]


@dataclass(frozen=True)
class Ladder:
    """Rungs by days without activity, each at most once a lapse.

    A person who enters late begins at the highest rung reached: lower ones are never made up for.
    """

    name: str
    rungs: tuple[Rung, ...]

    def __post_init__(self) -> None:
        days = [rung.days for rung in self.rungs]
        if not days or days != sorted(set(days)) or days[0] < 1:
            raise ConfigError(f"step {self.name}: the rungs rise in days, from 1 at least")


@dataclass(frozen=True)
class Goal:
    """End the play with success when the event has come since the run began, else go on."""

    name: str
    event: str


@dataclass(frozen=True)
class Exit:
    """End the play for a reason of its own."""

    name: str
    reason: str = "done"


Step = Send | Wait | WaitFor | Branch | Choose | Split | Ladder | Goal | Exit


@dataclass(frozen=True)
class Trigger:
    """What starts a run: the segment when the campaign is planned, given dates, or an event of the person.

    `key` names the field of the event that a run belongs to, such as the order id: one run for each value.
    """

    kind: Literal["segment", "dates", "event"] = "segment"
    dates: tuple[str, ...] = ()
    event: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        if (self.kind == "event") != (self.event is not None) or (self.kind == "dates") != bool(self.dates):
            raise ConfigError("trigger: kind event needs an event, kind dates needs dates, kind segment neither")


def inner_steps(step: Step) -> tuple[tuple[Step, ...], ...]:
    """The lists of steps inside a step, in order."""
    match step:
        case Branch(cases=cases, otherwise=otherwise):
            return (*(case.steps for case in cases), otherwise)
        case Choose(cases=choices, otherwise=otherwise):
            return (*(choice.steps for choice in choices), otherwise)
        case Split(arms=arms):
            return tuple(arm.steps for arm in arms)
        case Ladder(rungs=rungs):
            return tuple(rung.steps for rung in rungs)
        case _:
            return ()


def all_steps(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Every step, outer before inner, in the order of the page."""
    found: list[Step] = []
    for step in steps:
        found.append(step)
        for inner in inner_steps(step):
            found.extend(all_steps(inner))
    return tuple(found)
