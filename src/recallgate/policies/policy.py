"""What a policy is: a pure function of the case, with a name and a place in the fixed order of phases."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from recallgate.model.message import Message
from recallgate.model.verdict import Allow, Verdict
from recallgate.policies.case import Case

ALLOW = Allow()
"""The one Allow that policies answer with, so that the common path makes no objects."""

ADDRESS = 1
SUPPRESSION = 2
CONSENT = 3
ELIGIBILITY = 4
HOLDOUT = 5
REGION = 6
HOURS = 7
CAPS = 8
RATE = 9


Loader = Callable[[Sequence[Message]], Sequence[object]]
"""Loads one fact for a whole page at once: one value a message, in the same order; None where there is nothing to tell."""


class Policy(Protocol):
    """A rule: answers with a verdict, reads nothing but the case, and gives the same answer to the same case.

    `phase` is 1 to 9, the constants of this module. A policy may also have `needs`, a frozenset of names of facts that are
    loaded into `case.facts` for it, `loaders`, which say how to load those that the gateway does not know, and `mandatory`,
    true for one that a chain must not lack.
    """

    @property
    def name(self) -> str: ...

    @property
    def phase(self) -> int: ...

    def __call__(self, case: Case, /) -> Verdict: ...


@dataclass(frozen=True)
class FunctionPolicy:
    """A plain function as a policy; made by `policy`."""

    function: Callable[[Case], Verdict]
    name: str
    phase: int
    needs: frozenset[str] = frozenset()
    mandatory: bool = False
    loaders: Mapping[str, Loader] = field(default_factory=dict, hash=False)

    def __call__(self, case: Case, /) -> Verdict:
        return self.function(case)


def policy(
    *, name: str, phase: int, needs: Iterable[str] | Mapping[str, Loader] = (), mandatory: bool = False
) -> Callable[[Callable[[Case], Verdict]], FunctionPolicy]:
    """Make a policy of the function below: `@policy(name="no_sundays", phase=HOURS)`.

    `needs` names facts that the gateway knows how to load, or maps names of own facts to their loaders.
    """
    loaders = dict(needs) if isinstance(needs, Mapping) else {}

    def made(function: Callable[[Case], Verdict]) -> FunctionPolicy:
        return FunctionPolicy(function, name, phase, frozenset(needs), mandatory, loaders)

    return made


def utc_text(instant: datetime) -> str:
    """An instant as facts carry it, so that they can be written as JSON: `2026-03-08T13:00:00Z`."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def needs_of(one: Policy) -> frozenset[str]:
    """The names of the facts that the policy asks for."""
    needs: frozenset[str] = getattr(one, "needs", frozenset())
    return needs
