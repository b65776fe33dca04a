"""Policies from plain settings: those of this package by their names, others by entry point or by module and name."""

import dataclasses
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from importlib import import_module
from typing import Any, get_type_hints

from recallgate.model.errors import ConfigError
from recallgate.policies.account_ability import AccountAbility
from recallgate.policies.address_validity import AddressValidity
from recallgate.policies.budget import Budget
from recallgate.policies.combine import shadow
from recallgate.policies.country_list import CountryAllowList
from recallgate.policies.frequency_cap import FrequencyCap, min_gap
from recallgate.policies.policy import Policy
from recallgate.policies.rate_limit import RateLimit
from recallgate.policies.spans import Calendar
from recallgate.policies.velocity import Velocity

_Maker = Callable[..., Policy]
MAKERS: Mapping[str, _Maker] = {
    "account_ability": AccountAbility,
    "address_validity": AddressValidity,
    "budget": Budget,
    "country_list": CountryAllowList,
    "frequency_cap": FrequencyCap,
    "min_gap": min_gap,
    "rate_limit": RateLimit,
    "velocity": Velocity,
}
_SPAN = re.compile(r"(\d+)\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def policy_of(name: str, settings: Mapping[str, Any], *, find: Callable[[str, Mapping[str, Any]], Policy]) -> Policy:
    """The policy of a table of settings; `find` knows the policies that packages registered.

    `use` says which: a name of this package, `module:name` of yours, or the name of an entry point; without it the table's own
    name does. Spans are written as `24h`, calendar windows as `month`, or as `{unit = "month", zone = "Asia/Shanghai"}`. With
    `shadow = true` the policy is on trial. Raises ConfigError that names the table.
    """
    values = dict(settings)
    use, trial = str(values.pop("use", name)), values.pop("shadow", False)
    if type(trial) is not bool:
        raise ConfigError(f"policies.{name}.shadow: write true or false")
    try:
        if use in MAKERS:
            made = _made(MAKERS[use], values, named=name)
        elif ":" in use:
            made = _imported(use, values)
        else:
            made = find(use, values)
    except ConfigError as fault:
        raise ConfigError(f"policies.{name}: {fault}") from None
    return shadow(made) if trial else made


def _made(maker: _Maker, values: dict[str, Any], *, named: str) -> Policy:
    hints = get_type_hints(maker)
    hints.pop("return", None)
    if maker is Budget:
        values.setdefault("id", named)
    if dataclasses.is_dataclass(maker):
        offered = {one.name for one in dataclasses.fields(maker) if one.init}
    else:
        offered = set(hints)
    if strange := sorted(set(values) - offered):
        raise ConfigError(f"{strange[0]} is not a setting of it; there are {', '.join(sorted(offered))}")
    read = {key: _read(key, value, str(hints.get(key))) for key, value in values.items()}
    try:
        return maker(**read)
    except TypeError as exc:
        raise ConfigError(str(exc).partition(") ")[2] or str(exc)) from None


def _read(key: str, value: Any, hint: str) -> Any:
    """A plain value as the policy's own type."""
    if "Calendar" in hint and isinstance(value, Mapping):
        return Calendar(**value)
    if "Calendar" in hint and value in ("day", "week", "month"):
        return Calendar(value)
    if "timedelta" in hint:
        return span_of(value, key)
    if "frozenset" in hint:
        if isinstance(value, str) or not isinstance(value, (list, tuple, frozenset, set)):
            raise ConfigError(f"{key}: write a list")
        return frozenset(value)
    return value


def span_of(value: Any, key: str) -> timedelta:
    """`45s`, `30m`, `24h` or `7d` as a span; ConfigError names the key."""
    if isinstance(value, timedelta):
        return value
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ConfigError(f"{key}: write a span such as 45s, 30m, 24h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def _imported(path: str, values: Mapping[str, Any]) -> Policy:
    """A policy, or what makes one of the settings, at `module:name`."""
    module, _, attribute = path.partition(":")
    try:
        found: Any = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as exc:
        raise ConfigError(f"use: {path} cannot be imported: {exc}") from None
    return as_policy(found, values)


def as_policy(found: Any, values: Mapping[str, Any]) -> Policy:
    """What an entry point or a path leads to, as a policy: itself, or what it makes of the settings; else ConfigError."""
    if isinstance(found, type) or not hasattr(found, "phase"):
        try:
            found = found(**values)
        except TypeError as exc:
            raise ConfigError(f"it does not take these settings: {exc}") from None
    elif values:
        raise ConfigError(f"it takes no settings; remove {', '.join(sorted(values))}")
    if not (callable(found) and isinstance(getattr(found, "name", None), str) and type(getattr(found, "phase", None)) is int):
        raise ConfigError("it gives no policy; a policy is callable and has a name and a phase")
    made: Policy = found
    return made
