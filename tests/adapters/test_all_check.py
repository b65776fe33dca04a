"""Every registered adapter has what a vendor's adapter needs: its codes, rows for what it can do, proven callbacks, a face."""

import pytest

from adapters.contracts import VENDORS, contracts
from recallgate.registry import adapter_class
from recallgate.testing.kit_findings import find, text_of_tests


@pytest.mark.parametrize("name", VENDORS)
def test_nothing_is_missing_around_an_adapter(name: str) -> None:
    assert name in contracts(), "no contract: subclass AdapterContract or DriverContract in this folder"
    adapter, tables = adapter_class(name), [one.table() for one in contracts()[name]]

    assert find(adapter, tables, source=text_of_tests(adapter, contracts()[name])).missing == []
