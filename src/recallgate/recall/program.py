"""A play as a flat program: a run's position is one integer, and every jump goes forward, so that every run ends."""

from dataclasses import dataclass
from typing import assert_never

from recallgate.recall.condition import Condition
from recallgate.recall.outcome import Outcome
from recallgate.recall.play import Play
from recallgate.recall.steps import Branch, Choose, Exit, Goal, Ladder, Send, Split, Step, Wait, WaitFor


@dataclass(frozen=True, slots=True)
class DoSend:
    """Hand the message of the step to the gateway and go on when it has ended or its outcome is asked for."""

    step: Send


@dataclass(frozen=True, slots=True)
class DoWait:
    """Go on when the wait is over."""

    step: Wait


@dataclass(frozen=True, slots=True)
class DoWaitFor:
    """Go on when an event comes or the time is out."""

    step: WaitFor


@dataclass(frozen=True, slots=True)
class DoBranch:
    """Jump by the outcome of an earlier step."""

    name: str
    of: str
    cases: tuple[tuple[tuple[Outcome, ...], int], ...]
    otherwise: int

    def target(self, outcome: Outcome) -> int:
        """The position to go on at."""
        return next((to for outcomes, to in self.cases if outcome in outcomes), self.otherwise)


@dataclass(frozen=True, slots=True)
class DoChoose:
    """Jump by the facts of the person."""

    name: str
    cases: tuple[tuple[Condition, int], ...]
    otherwise: int


@dataclass(frozen=True, slots=True)
class DoSplit:
    """Jump by the person's bucket."""

    name: str
    weights: tuple[int, ...]
    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DoRung:
    """Wait until the person was idle for `days`; a person who has reached the next rung jumps there instead."""

    name: str
    days: int
    next_days: int | None
    skip_to: int


@dataclass(frozen=True, slots=True)
class DoGoal:
    """Stop with success when the event has come."""

    step: Goal


@dataclass(frozen=True, slots=True)
class Jump:
    """Go on elsewhere."""

    to: int


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run."""

    reason: str


Instruction = DoSend | DoWait | DoWaitFor | DoBranch | DoChoose | DoSplit | DoRung | DoGoal | Jump | Stop


@dataclass(frozen=True)
class Program:
    """The instructions of one version of a play; a run stands at an index of them."""

    play: str
    version: str
    instructions: tuple[Instruction, ...]

    def at(self, position: int) -> Instruction:
        """The instruction at a position, jumps followed."""
        found = self.instructions[position]
        while isinstance(found, Jump):
            found = self.instructions[found.to]
        return found

    def settle(self, position: int) -> int:
        """The position with jumps followed."""
        while isinstance(found := self.instructions[position], Jump):
            position = found.to
        return position

    def next_positions(self, position: int) -> tuple[int, ...]:
        """Every position that may follow; empty after a stop."""
        match self.instructions[position]:
            case Jump(to=to):
                return (to,)
            case Stop():
                return ()
            case DoBranch(cases=cases, otherwise=otherwise):
                return (*(to for _, to in cases), otherwise)
            case DoChoose(cases=choices, otherwise=otherwise):
                return (*(to for _, to in choices), otherwise)
            case DoSplit(targets=targets):
                return targets
            case DoRung(skip_to=skip_to):
                return (position + 1, skip_to)
            case _:
                return (position + 1,)


def compile_play(play: Play) -> Program:
    """Flatten a play; the last instruction is a stop with the reason `completed`."""
    writer = _Writer()
    writer.steps(play.steps)
    writer.code.append(Stop("completed"))
    instructions = tuple(item for item in writer.code if item is not None)
    assert len(instructions) == len(writer.code), "every free place was filled"
    return Program(play.name, play.version, instructions)


class _Writer:
    """Writes instructions one after the other; a place whose target is not known yet is kept free and filled later."""

    def __init__(self) -> None:
        self.code: list[Instruction | None] = []

    def steps(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            self.step(step)

    def step(self, step: Step) -> None:
        match step:
            case Send():
                self.code.append(DoSend(step))
            case Wait():
                self.code.append(DoWait(step))
            case WaitFor():
                self.code.append(DoWaitFor(step))
            case Goal():
                self.code.append(DoGoal(step))
            case Exit(reason=reason):
                self.code.append(Stop(reason))
            case Branch(name=name, of=of, cases=cases, otherwise=otherwise):
                place = self.keep()
                targets = self.parts((*(case.steps for case in cases), otherwise))
                pairs = tuple((case.outcomes, to) for case, to in zip(cases, targets, strict=False))
                self.code[place] = DoBranch(name, of, pairs, targets[-1])
            case Choose(name=name, cases=choices, otherwise=otherwise):
                place = self.keep()
                targets = self.parts((*(choice.steps for choice in choices), otherwise))
                conditions = tuple((choice.condition, to) for choice, to in zip(choices, targets, strict=False))
                self.code[place] = DoChoose(name, conditions, targets[-1])
            case Split(name=name, arms=arms):
                place = self.keep()
                targets = self.parts(tuple(arm.steps for arm in arms))
                self.code[place] = DoSplit(name, tuple(arm.weight for arm in arms), targets)
            case Ladder(name=name, rungs=rungs):
                following = (*(rung.days for rung in rungs[1:]), None)
                for rung, next_days in zip(rungs, following, strict=True):
                    place = self.keep()
                    self.steps(rung.steps)
                    self.code[place] = DoRung(f"{name}.{rung.days}", rung.days, next_days, len(self.code))
            case _:
                assert_never(step)

    def keep(self) -> int:
        """Keep a place free; answers where."""
        self.code.append(None)
        return len(self.code) - 1

    def parts(self, parts: tuple[tuple[Step, ...], ...]) -> tuple[int, ...]:
        """Write alternatives one after the other, each followed by a jump to the common end; answers where each begins."""
        starts, ends = [], []
        for part in parts:
            starts.append(len(self.code))
            self.steps(part)
            ends.append(self.keep())
        for end in ends:
            self.code[end] = Jump(len(self.code))
        return tuple(starts)
