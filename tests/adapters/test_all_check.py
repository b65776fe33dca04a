"""Every registered adapter has what a vendor's adapter needs: its codes, rows for what it can do, proven callbacks, a face."""

from importlib import import_module
from pathlib import Path

import pytest

from recallgate.registry import ADAPTERS, adapter_class, names
from recallgate.testing.kit_base import Contract
from recallgate.testing.kit_findings import find, text_of_tests

HERE = Path(__file__).parent
VENDORS = sorted(name for name in names(ADAPTERS) if not adapter_class(name).__module__.startswith("recallgate."))


@pytest.fixture(scope="module")
def contracts() -> dict[str, list[type[Contract]]]:
    """The contracts of this folder by the name of their adapter."""
    found: dict[str, list[type[Contract]]] = {}
    for file in sorted(HERE.glob("test_*.py")):
        if "Contract)" not in file.read_text(encoding="utf-8"):
            continue
        for one in vars(import_module(f"adapters.{file.stem}")).values():
            if isinstance(one, type) and issubclass(one, Contract) and hasattr(one, "adapter"):
                found.setdefault(one.adapter.adapter_name(), []).append(one)
    return found


@pytest.mark.parametrize("name", VENDORS)
def test_nothing_is_missing_around_an_adapter(name: str, contracts: dict[str, list[type[Contract]]]) -> None:
    assert name in contracts, "no contract: subclass AdapterContract or DriverContract in this folder"
    adapter, tables = adapter_class(name), [one.table() for one in contracts[name]]

    assert find(adapter, tables, source=text_of_tests(adapter, contracts[name])).missing == []
