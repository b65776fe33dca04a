"""The pytest plugin: fixtures for a project's own tests; pytest loads it wherever recallgate is installed.

* `recallgate_clock`: a clock that moves only when told.
* `recallgate_config`: the settings behind the outbox; override it with a fixture of your own.
* `recallgate_outbox`: a gateway whose vendors are fakes, and what they were given.
* `recallgate_http`: a respx router; a request that is not mocked fails, and no name is resolved.

Nothing heavy is imported before a fixture is used.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import respx

    from recallgate.config import GatewayConfig
    from recallgate.model.clock import FrozenClock
    from recallgate.testing.outbox import Outbox

# assertions of these modules show their values, as those in a test file do
pytest.register_assert_rewrite(
    "recallgate.testing.kit",
    "recallgate.testing.kit_answers",
    "recallgate.testing.kit_base",
    "recallgate.testing.kit_callbacks",
    "recallgate.testing.kit_check",
    "recallgate.testing.kit_driver",
    "recallgate.testing.kit_findings",
    "recallgate.testing.kit_peer",
    "recallgate.testing.store_contract",
    "recallgate.testing.store_base",
    "recallgate.testing.store_delivery",
    "recallgate.testing.store_ledgers",
)


@pytest.fixture
def recallgate_clock() -> "FrozenClock":
    """A frozen clock, at an hour at which marketing may be sent in China and in the United States."""
    from recallgate.model.clock import FrozenClock
    from recallgate.testing.outbox import NOW

    return FrozenClock(NOW)


@pytest.fixture
def recallgate_config() -> "GatewayConfig":
    """The settings of the outbox's gateway; a fixture of the same name in a project takes its place."""
    from recallgate.config import GatewayConfig

    return GatewayConfig()


@pytest.fixture
def recallgate_outbox(recallgate_config: "GatewayConfig", recallgate_clock: "FrozenClock") -> "Iterator[Outbox]":
    """A gateway on a store in memory, with a fake vendor for each account and channel; `outbox.sent` is what they took."""
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    from recallgate.testing.outbox import make_outbox

    outbox = make_outbox(recallgate_config, clock=recallgate_clock)
    yield outbox
    with ThreadPoolExecutor(1) as pool:  # a thread of its own: the test's event loop may still be the current one here
        pool.submit(asyncio.run, outbox.gateway.close()).result()


@pytest.fixture
def recallgate_http(request: pytest.FixtureRequest) -> "Iterator[respx.MockRouter]":
    """A respx router over httpx that fails closed; `testserver` and this machine (a sandbox) pass."""
    from recallgate.testing.network import mocked_http

    node = request.node

    def refused(told: str) -> None:
        node.add_report_section("call", "recallgate", f"not mocked: {told}")

    with mocked_http(refused) as router:
        yield router
