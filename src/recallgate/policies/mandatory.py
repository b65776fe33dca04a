"""Policies that a chain must not lack: they protect people, so they are left out only by name, and that is logged."""

import logging
from collections.abc import Iterable

from recallgate.model.errors import ConfigError
from recallgate.policies.combine import AllOf
from recallgate.policies.policy import Policy

MANDATORY = ("suppression", "consent", "region_block", "quiet_hours")
_log = logging.getLogger("recallgate.policies")


def check_mandatory(policies: Iterable[Policy], allowed: frozenset[str]) -> None:
    """Raise ConfigError for a mandatory policy that is missing and not allowed to; log one that is allowed to."""
    if unknown := sorted(allowed - set(MANDATORY)):
        raise ConfigError(
            f"allow_unsafe: {', '.join(unknown)} is not mandatory; the mandatory policies are {', '.join(MANDATORY)}"
        )
    missing = [name for name in MANDATORY if name not in set(_covered(policies))]
    if forgotten := [name for name in missing if name not in allowed]:
        names = ", ".join(forgotten)
        raise ConfigError(f"policies: the chain lacks {names}; add the policy, or name it in allow_unsafe to go without")
    for name in missing:
        _log.warning("the policy chain runs without %s, as allow_unsafe asks", name)


def _covered(policies: Iterable[Policy]) -> Iterable[str]:
    for one in policies:
        if isinstance(one, AllOf):
            yield from _covered(one.policies)
        elif getattr(one, "mandatory", False):
            yield one.name
