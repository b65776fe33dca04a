"""Verdicts and policies combined: which verdict wins, and policies made of policies."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from recallgate.model.errors import ConfigError
from recallgate.model.purpose import Purpose
from recallgate.model.verdict import Allow, Defer, Drop, Reroute, Verdict, signed
from recallgate.policies.case import Case
from recallgate.policies.policy import ALLOW, Policy, needs_of


def strongest(verdicts: Iterable[Verdict]) -> Verdict:
    """Drop > Reroute > Defer > Allow; a terminal Drop first of all; among equals the first names the reason.

    Of several Defers the latest wins. Of several Reroutes all exclusions hold.
    """
    drop: Drop | None = None
    reroute: Reroute | None = None
    defer: Defer | None = None
    for verdict in verdicts:
        if isinstance(verdict, Drop):
            if verdict.terminal:
                return verdict
            drop = drop or verdict
        elif isinstance(verdict, Reroute):
            reroute = verdict if reroute is None else _both(reroute, verdict)
        elif isinstance(verdict, Defer) and (defer is None or verdict.until > defer.until):
            defer = verdict
    return drop or reroute or defer or ALLOW


def _both(first: Reroute, second: Reroute) -> Reroute:
    return replace(first, exclude=first.exclude | second.exclude, prefer=(*first.prefer, *second.prefer))


@dataclass(frozen=True)
class AllOf:
    """Several policies as one; see `all_of`."""

    policies: tuple[Policy, ...]
    name: str
    phase: int
    needs: frozenset[str]

    def __call__(self, case: Case, /) -> Verdict:
        return strongest(signed(one(case), one.name) for one in self.policies)


@dataclass(frozen=True)
class FirstMatch:
    """The first policy with an objection; see `first_match`."""

    policies: tuple[Policy, ...]
    name: str
    phase: int
    needs: frozenset[str]

    def __call__(self, case: Case, /) -> Verdict:
        for one in self.policies:
            verdict = one(case)
            if not isinstance(verdict, Allow):
                return signed(verdict, one.name)
        return ALLOW


@dataclass(frozen=True)
class When:
    """A policy under a condition; see `when` and `override`."""

    predicate: Callable[[Case], bool]
    policy: Policy
    name: str
    phase: int
    needs: frozenset[str]

    def __call__(self, case: Case, /) -> Verdict:
        return self.policy(case) if self.predicate(case) else ALLOW


@dataclass(frozen=True)
class Shadow:
    """A policy on trial; see `shadow`."""

    policy: Policy
    name: str
    phase: int
    needs: frozenset[str]

    def __call__(self, case: Case, /) -> Verdict:
        return ALLOW


def all_of(*policies: Policy, name: str | None = None) -> AllOf:
    """All of them together, combined as the chain combines; it stands in the earliest phase of its parts."""
    return AllOf(*_joined(policies, name=name))


def first_match(*policies: Policy, name: str | None = None) -> FirstMatch:
    """The answer of the first that does not allow; the later ones are not asked."""
    return FirstMatch(*_joined(policies, name=name))


def when(predicate: Callable[[Case], bool], policy: Policy) -> When | Shadow:
    """The policy for cases of which the predicate is true; the others pass. It no longer counts as mandatory."""
    if isinstance(policy, Shadow):  # the chain looks for trials on its own floor only
        return shadow(when(predicate, policy.policy))
    return When(predicate, policy, policy.name, policy.phase, needs_of(policy))


def override(policy: Policy, purpose: str | Purpose) -> When | Shadow:
    """The policy, lifted for messages of one purpose. It no longer counts as mandatory."""
    lifted = Purpose(purpose)
    return when(lambda case: case.message.purpose != lifted, policy)


def shadow(policy: Policy) -> Shadow:
    """The policy on trial: the chain puts its verdict into the trace, marked as shadow, and lets everything pass."""
    if isinstance(policy, Shadow):
        return policy
    return Shadow(policy, policy.name, policy.phase, needs_of(policy))


def parts_of(policy: Policy) -> Iterator[Policy]:
    """The policies that one is made of, in order; itself when it is made of no others."""
    if isinstance(policy, (AllOf, FirstMatch)):
        for one in policy.policies:
            yield from parts_of(one)
    elif isinstance(policy, (When, Shadow)):
        yield from parts_of(policy.policy)
    else:
        yield policy


def _joined(policies: Sequence[Policy], *, name: str | None) -> tuple[tuple[Policy, ...], str, int, frozenset[str]]:
    if not policies:
        raise ConfigError("policies: nothing to combine; name at least one policy")
    if any(isinstance(one, Shadow) for one in policies):
        raise ConfigError("policies: a shadow has no say, so it cannot be combined; put it beside them, or shadow the whole")
    needs = frozenset[str]().union(*(needs_of(one) for one in policies))
    return tuple(policies), name or "+".join(one.name for one in policies), min(one.phase for one in policies), needs
