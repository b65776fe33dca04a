"""Registry: entry points to classes. Bundled and third-party adapters are found in the same way."""

from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from recallgate.adapter import Adapter, AdapterClass, Driver
from recallgate.model.channels import BUILT_IN, Channel
from recallgate.model.errors import ConfigError
from recallgate.policies.policy import Policy

ADAPTERS = "recallgate.adapters"
CHANNELS = "recallgate.channels"
POLICIES = "recallgate.policies"
FACES = "recallgate.faces"


@lru_cache(maxsize=8)
def names(group: str) -> Mapping[str, EntryPoint]:
    """The entry points of a group by name, sorted; two packages that offer one name are an error that names both."""
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=lambda point: (point.name, point.value)):
        other = found.get(point.name)
        if other is not None and other.value != point.value:
            raise LookupError(f"two packages offer {point.name!r} in {group}: {other.value} and {point.value}; uninstall one")
        found[point.name] = point
    return found


def adapter_class(name: str) -> AdapterClass:
    """The adapter or driver of a name such as `twilio.sms`; ConfigError lists what there is."""
    cls = _load(ADAPTERS, name, "adapter")
    if not (isinstance(cls, type) and issubclass(cls, (Adapter, Driver))):
        raise ConfigError(f"adapter {name!r}: its entry point is not a subclass of Adapter or Driver")
    return cls


def check_needs(cls: AdapterClass) -> None:
    """Raise ConfigError for an adapter whose modules are not installed: it must not find that out with a message in hand."""
    for module, package in cls.needs.items():
        if find_spec(module) is None:
            raise ConfigError(f"{cls.adapter_name()}: {module} is not installed; pip install '{package}'")


def face_class(name: str) -> Any:
    """The sandbox face of an adapter, by the adapter's name."""
    return _load(FACES, name, "sandbox face")


def channel(name: str) -> Channel:
    """A built-in channel, or one that a package registered."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    found = _load(CHANNELS, name, "channel", more=tuple(BUILT_IN))
    if not isinstance(found, Channel):
        raise ConfigError(f"channel {name!r}: its entry point is not a Channel")
    return found


def policy(name: str, settings: Mapping[str, Any] | None = None) -> Policy:
    """A policy that a package registered: its entry point leads to a policy, or to what makes one of the settings.

    Raises ConfigError for an unknown name, for settings that it does not take, and for what is no policy.
    """
    found = _load(POLICIES, name, "policy")
    try:
        from recallgate.policies.named import as_policy

        return as_policy(found, settings or {})
    except ConfigError as fault:
        raise ConfigError(f"policy {name!r}: {fault}") from None


def _load(group: str, name: str, what: str, *, more: tuple[str, ...] = ()) -> Any:
    points = names(group)
    if name not in points:
        there = ", ".join(sorted((*points, *more))) or "none; install recallgate anew so that its entry points are seen"
        raise ConfigError(f"{what} {name!r} is not known; there are: {there}")
    try:
        return points[name].load()
    except ImportError as exc:
        raise ConfigError(f"{what} {name!r} cannot be loaded: {exc}; install the extra that it needs") from exc
