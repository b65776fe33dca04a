"""Verdicts: what a policy answers. A closed set of frozen values, taken apart by `match`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TypeVar

_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class _Verdict:
    """`policy` asked for it, `code` is stable, `rule_id` names the row of law or limits, `facts` the numbers used."""

    code: str = ""
    facts: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    policy: str = ""
    rule_id: str | None = None


@dataclass(frozen=True)
class Allow(_Verdict):
    """Nothing against it."""

    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Defer(_Verdict):
    """Not before `until`: aware, UTC, strictly later than the instant judged. `jitter` spreads the release."""

    until: datetime
    jitter: timedelta = timedelta(0)


@dataclass(frozen=True)
class Reroute(_Verdict):
    """Not on this channel: `exclude` these, try `prefer` first, else the play's order."""

    exclude: frozenset[str] = frozenset()
    prefer: tuple[str, ...] = ()


@dataclass(frozen=True)
class Drop(_Verdict):
    """Never; `terminal` ends the person's run in the play, else the play advances."""

    terminal: bool = False


Verdict = Allow | Defer | Reroute | Drop
_V = TypeVar("_V", bound=_Verdict)


def signed(verdict: _V, policy: str) -> _V:
    """The verdict with the policy's name on it, if it has none yet."""
    return verdict if verdict.policy else replace(verdict, policy=policy)
