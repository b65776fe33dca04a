"""Every registered adapter has what a vendor's adapter needs: its codes, rows for what it can do, proven callbacks, a face."""

import pytest

from adapters.contracts import VENDORS, contracts
from recallgate.registry import adapter_class
from recallgate.testing.kit_findings import find, text_of_tests

# What a driver without HTTP does without, each by the beginning of the finding, and why.
WITHOUT = {
    "audience.export": {"no face": "it writes files, and nobody is on the other side"},
    "smpp.sms": {
        "no face": "its tests talk to a centre of their own over a socket, which a sandbox of HTTP faces cannot be",
        "reports": "receipts come over the bound session and not as callbacks; tests/adapters/test_smpp.py has them",
    },
}


@pytest.mark.parametrize("name", VENDORS)
def test_nothing_is_missing_around_an_adapter(name: str) -> None:
    assert name in contracts(), "no contract: subclass AdapterContract or DriverContract in this folder"
    adapter, tables = adapter_class(name), [one.table() for one in contracts()[name]]

    missing = find(adapter, tables, source=text_of_tests(adapter, contracts()[name])).missing

    allowed = tuple(WITHOUT.get(name, {}))
    assert [one for one in missing if not one.startswith(allowed or ("\0",))] == []
    assert all(any(one.startswith(start) for one in missing) for start in allowed), "an exception that is none any more"
