"""For tests: conformance kits for authors of adapters, fakes, fixtures; loaded when first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {"AdapterContract": "recallgate.testing.kit"}

__all__ = ["AdapterContract"]

if TYPE_CHECKING:
    from recallgate.testing.kit import AdapterContract as AdapterContract


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'recallgate.testing' has no attribute {name!r}")
    return getattr(import_module(home), name)
