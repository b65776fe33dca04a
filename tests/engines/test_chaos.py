"""Every fault of the wire, from a real server: what the message becomes, and that the deadline and the size cap hold."""

import asyncio
import socket
import time
from pathlib import Path

import pytest

from engines.floor import hello
from gateway.ground import live
from recallgate import AccountConfig, Gateway, GatewayConfig
from recallgate.testing.chaos import FAULTS, ChaosServer, accepted
from recallgate.testing.chaos_adapter import ChaosConfig, ChaosKeySms, ChaosSms

DEADLINE_S = 0.6
# the state after one attempt, by the kind of the fault
STATES = {"uncertain": "uncertain", "rate_limited": "held", "unavailable": "held", "invalid_recipient": "failed"}


class Chaos(AccountConfig):
    """An account of the chaos vendor, without an entry point."""

    keyed: bool = False

    @property
    def cls(self) -> type[ChaosSms]:  # type: ignore[override]
        return ChaosKeySms if self.keyed else ChaosSms


def gateway(url: str, *, public_url: str | None = None, **fields: object) -> Gateway:
    account = Chaos(
        name="chaos",
        adapter="chaos.sms",
        settings=ChaosConfig(base_url=url),
        deadline_s=DEADLINE_S,
        **fields,  # type: ignore[arg-type]
    )
    made = Gateway(config=GatewayConfig(accounts=(account,), jitter_minutes=0, public_url=public_url), store="sqlite://")
    made.worker.pace = type(made.worker.pace)(quick_retries=0)
    return made


@pytest.mark.parametrize("name", FAULTS)
@live
async def test_a_fault_is_what_it_is_and_ends_in_time(name: str, tmp_path: Path) -> None:
    ledger, fault = tmp_path / "ledger", FAULTS[name]
    server = ChaosServer(ledger)
    async with gateway(await server.start()) as here:
        began = time.monotonic()
        message = hello(purpose="service").model_copy(
            update={"content": hello().content.model_copy(update={"text": f"fault:{name}"})}
        )
        delivery = await here.send(message)

        assert delivery.error is not None
        assert delivery.error.kind == fault.kind
        assert delivery.state == STATES[fault.kind.value]
        assert time.monotonic() - began < DEADLINE_S + 10  # a loaded machine unpacks slowly; the faults last far longer
        assert accepted(ledger) == ({message.id: 1} if fault.taken else {})
    await server.stop()


@live
async def test_nobody_listens_and_nothing_was_sent(tmp_path: Path) -> None:
    server = ChaosServer(tmp_path / "ledger")
    url = await server.start()
    await server.stop()
    async with gateway(url) as here:
        delivery = await here.send(hello())

        assert delivery.error is not None
        assert (delivery.state, delivery.error.kind) == ("held", "unavailable")


@live
async def test_a_vendor_that_takes_keys_takes_a_copy_once(tmp_path: Path) -> None:
    server = ChaosServer(tmp_path / "ledger")
    async with gateway(await server.start(), keyed=True) as here:
        message = hello()
        account = here.accounts["chaos"]
        first, second = [await account.send(message) for _ in range(2)]

        assert first.vendor_id == second.vendor_id
        assert accepted(tmp_path / "ledger") == {message.id: 1}
    await server.stop()


@live
async def test_reports_in_any_order_and_doubled_come_over_the_wire(tmp_path: Path) -> None:
    import uvicorn

    from recallgate.web.app import gateway_app

    vendor, listening = ChaosServer(tmp_path / "ledger", seed=3), socket.create_server(("127.0.0.1", 0))
    made = gateway(await vendor.start(), public_url=f"http://127.0.0.1:{listening.getsockname()[1]}")
    server = uvicorn.Server(uvicorn.Config(gateway_app(made), log_level="error", lifespan="off"))
    async with made:
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        batch = [hello(n) for n in range(20)]
        await made.submit(batch)
        await made.drain()
        for _ in range(200):
            found = (await made.status())["messages"]
            if found == {"delivered": 20}:
                break
            await asyncio.sleep(0.02)
        server.should_exit = True
        await serving

    assert found == {"delivered": 20}
    await vendor.stop()
