"""For tests: conformance kits for authors of adapters, fakes, fixtures; loaded when first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

_NAMES = {
    "recallgate.testing.kit": "AdapterContract",
    "recallgate.testing.kit_driver": "DriverContract",
    "recallgate.testing.kit_peer": "Peer",
    "recallgate.testing.store_contract": "StoreContract",
    "recallgate.testing.fakes": "FakeAdapter FakeDriver Script fake_account fake_transport",
    "recallgate.testing.outbox": "MemoryStore Outbox assert_nothing_sent assert_sent make_outbox",
    "recallgate.testing.network": "NetworkBlocked mocked_http",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = sorted(_HOME)

if TYPE_CHECKING:
    from recallgate.testing.fakes import (
        FakeAdapter as FakeAdapter,
        FakeDriver as FakeDriver,
        Script as Script,
        fake_account as fake_account,
        fake_transport as fake_transport,
    )
    from recallgate.testing.kit import AdapterContract as AdapterContract
    from recallgate.testing.kit_driver import DriverContract as DriverContract
    from recallgate.testing.kit_peer import Peer as Peer
    from recallgate.testing.network import NetworkBlocked as NetworkBlocked, mocked_http as mocked_http
    from recallgate.testing.outbox import (
        MemoryStore as MemoryStore,
        Outbox as Outbox,
        assert_nothing_sent as assert_nothing_sent,
        assert_sent as assert_sent,
        make_outbox as make_outbox,
    )
    from recallgate.testing.store_contract import StoreContract as StoreContract


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'recallgate.testing' has no attribute {name!r}")
    return getattr(import_module(home), name)
