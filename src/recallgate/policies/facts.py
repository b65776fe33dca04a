"""Facts that policies ask for beside the case: which there are in a chain, who loads them, loaded for a whole page."""

from collections.abc import Iterable, Mapping, Sequence

from recallgate.model.errors import ConfigError
from recallgate.model.message import Message
from recallgate.policies.combine import parts_of
from recallgate.policies.policy import Loader, Policy

Facts = Mapping[str, object]


def loaders_of(policies: Iterable[Policy]) -> Mapping[str, Loader]:
    """The loaders that the policies bring along, by fact; two different ones for one name are a ConfigError."""
    found: dict[str, Loader] = {}
    for whole in policies:
        for one in parts_of(whole):
            own: Mapping[str, Loader] = getattr(one, "loaders", {})
            for name, loader in own.items():
                if found.setdefault(name, loader) is not loader:
                    raise ConfigError(f"policies: {one.name} and another load the fact {name!r} in two ways; rename one")
    return found


def load_facts(loaders: Mapping[str, Loader], messages: Sequence[Message]) -> tuple[Facts, ...]:
    """The facts of each message of a page, in order; every loader is asked once. A value of None is left out.

    Raises ConfigError for a loader that answers with another number of values than there are messages.
    """
    facts: tuple[dict[str, object], ...] = tuple({} for _ in messages)
    for name, load in loaders.items():
        values = load(messages)
        if len(values) != len(messages):
            raise ConfigError(f"fact {name!r}: its loader gave {len(values)} values for {len(messages)} messages; one each")
        for own, value in zip(facts, values, strict=True):
            if value is not None:
                own[name] = value
    return facts
