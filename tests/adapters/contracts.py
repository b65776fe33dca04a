"""The contracts of this folder by the name of their adapter, for tests that go over every registered adapter."""

from functools import lru_cache
from importlib import import_module
from pathlib import Path

from recallgate.registry import ADAPTERS, adapter_class, names
from recallgate.testing.kit_base import Contract

VENDORS = sorted(name for name in names(ADAPTERS) if not adapter_class(name).__module__.startswith("recallgate."))


@lru_cache(maxsize=1)
def contracts() -> dict[str, list[type[Contract]]]:
    """Adapter name -> its contracts, from every test file of this folder that has one."""
    found: dict[str, list[type[Contract]]] = {}
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        if "Contract)" not in file.read_text(encoding="utf-8"):
            continue
        for one in vars(import_module(f"adapters.{file.stem}")).values():
            if isinstance(one, type) and issubclass(one, Contract) and hasattr(one, "adapter"):
                found.setdefault(one.adapter.adapter_name(), []).append(one)
    return found
