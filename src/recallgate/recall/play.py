"""The play: what one person goes through, from the first step to the exit on return."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from recallgate.model.errors import ConfigError
from recallgate.recall.lapse import channel_order
from recallgate.recall.steps import Branch, Send, Step, Trigger, WaitFor, Way, all_steps, inner_steps

Windows = tuple[tuple[tuple[int, ...], str, str], ...]
WEEK = (1, 2, 3, 4, 5, 6, 7)

# Weekday noon has the best connect rate and the worst conversion: marketing calls leave people their lunch break.
NO_NOON_CALLS: Mapping[str, Windows] = {"voice": ((WEEK, "09:00", "12:00"), (WEEK, "14:00", "20:00"))}


@dataclass(frozen=True)
class After:
    """A person may enter again so long after the last run ended; at least 10 minutes."""

    span: timedelta

    def __post_init__(self) -> None:
        if self.span < timedelta(minutes=10):
            raise ConfigError("reentry: at least 10 minutes lie between two runs")


Reentry = Literal["never", "each_lapse"] | After


@dataclass(frozen=True)
class PlayCap:
    """At most `limit` messages of this play in any span of length `per`, beside the caps that hold anyway."""

    limit: int
    per: timedelta

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ConfigError("cap limit: at least 1; to send nothing, pause the play")
        if self.per <= timedelta(0):
            raise ConfigError("cap per: above zero")


@dataclass(frozen=True)
class PastRun:
    """An earlier run of the play: when it ended (None: it is going on) and when the lapse that it was for began."""

    ended_at: datetime | None
    lapsed_at: datetime | None = None


@dataclass(frozen=True)
class Play:
    """Steps with a trigger, caps, hours and exits.

    `exit_on` are events that end a run at once, looked at on every event and again right before every send. `windows` are
    allowed hours by channel (`*` for all), as ISO weekdays with a start and an end. `exclusive` names a family of plays
    of which a person is in one at most. `longest` bounds a run.
    """

    name: str
    steps: tuple[Step, ...]
    version: str = "1"
    trigger: Trigger = field(default_factory=Trigger)
    exit_on: tuple[str, ...] = ("returned",)
    reentry: Reentry = "never"
    caps: tuple[PlayCap, ...] = ()
    windows: Mapping[str, Windows] = field(default_factory=dict)
    exclusive: str = "recall"
    longest: timedelta | None = None

    def __post_init__(self) -> None:
        if not self.steps:
            raise ConfigError(f"play {self.name}: it has no steps")
        names = [step.name for step in all_steps(self.steps)]
        for name in names:
            if not name or names.count(name) > 1:
                raise ConfigError(f"play {self.name}: step {name!r} is not unique; every step has a name of its own")
        _check_references(self.name, self.steps, set())

    def windows_for(self, channel: str) -> Windows:
        """The hours of a channel; empty where the play sets none."""
        return self.windows.get(channel, self.windows.get("*", ()))

    def sends(self) -> tuple[Send, ...]:
        """Every send, in the order of the page."""
        return tuple(step for step in all_steps(self.steps) if isinstance(step, Send))

    def may_enter(self, past: Sequence[PastRun], *, now: datetime, lapsed_at: datetime | None = None) -> bool:
        """True when the person may start a run: never two at a time, and by the rule of re-entry."""
        if not past:
            return True
        if any(run.ended_at is None for run in past):
            return False
        match self.reentry:
            case "never":
                return False
            case "each_lapse":
                return lapsed_at is not None and all(run.lapsed_at is not None and run.lapsed_at < lapsed_at for run in past)
            case After(span=span):
                return now >= max(run.ended_at for run in past if run.ended_at is not None) + span


def ways_for(send: Send, *, days_idle: int, reachable: Collection[str]) -> tuple[Way, ...]:
    """The ways by which a person can be reached, in the order to try; empty means unreachable.

    With `by_lapse` the order follows the age of the lapse; ways on channels that it does not name come last.
    """
    ways = [way for way in send.ways if way.channel in reachable]
    if send.by_lapse:
        order = channel_order(days_idle)
        ways.sort(key=lambda way: order.index(way.channel) if way.channel in order else len(order))
    return tuple(ways)


def _check_references(play: str, steps: tuple[Step, ...], earlier: set[str]) -> None:
    """A branch can only ask about a step that came before it on its own path, or in a part that has joined it again."""
    for step in steps:
        asked = step.of if isinstance(step, Branch | WaitFor) else None
        if asked is not None and asked not in earlier:
            raise ConfigError(f"play {play}: step {step.name} asks about {asked!r}, which is no earlier step")
        inner = inner_steps(step)
        for steps_inside in inner:
            _check_references(play, steps_inside, earlier | {step.name})
        earlier.add(step.name)
        earlier.update(found.name for part in inner for found in all_steps(part))
