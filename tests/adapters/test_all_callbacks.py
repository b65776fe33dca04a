"""Callbacks of every adapter through the web application: what is not the vendor's is refused, and leaves no trace."""

import asyncio
from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import text

from adapters.contracts import VENDORS, contracts
from recallgate import AccountConfig, Callback, FrozenClock, Gateway, GatewayConfig
from recallgate.cli.examples import example_of
from recallgate.registry import adapter_class
from recallgate.testing import MemoryStore
from recallgate.testing.exchanges import NOW, callback_of
from recallgate.testing.kit_base import Contract
from recallgate.web import gateway_app

PUBLIC = "https://app.example"
BY: dict[str, list[str]] = {way: [] for way in ("signature", "secret_path", "none")}
for _name in VENDORS:
    BY[adapter_class(_name).abilities().callbacks].append(_name)


def contract(name: str) -> type[Contract]:
    """The contract of an adapter that has rows for callbacks."""
    return next((one for one in contracts()[name] if one.table().get("callbacks")), contracts()[name][0])


def told(name: str) -> Callback:
    """A callback of the vendor, as it was recorded."""
    return callback_of(contract(name).table()["callbacks"][0]["request"])


def asked(name: str, callback: Callback, *, secret: str | None = None) -> tuple[int, list[int]]:
    """The status that a callback is answered with, and how many rows of news the store has then."""

    config, _ = example_of(adapter_class(name))

    async def run() -> tuple[int, list[int]]:
        account = AccountConfig.build(name, contract(name).config or config, name="one")
        settings = GatewayConfig(accounts=(account,), public_url=PUBLIC)
        gateway = Gateway(config=settings, store=MemoryStore(), clock=FrozenClock(NOW))
        right = urlsplit(gateway.callback_url("one") or "").path.rsplit("/", 1)[-1]
        query = urlsplit(callback.url).query
        address = f"{PUBLIC}/callbacks/one/{secret if secret is not None else right}{'?' + query if query else ''}"
        async with gateway:
            transport = httpx.ASGITransport(gateway_app(gateway))
            async with httpx.AsyncClient(transport=transport) as client:
                headers = [pair for pair in callback.headers.raw if pair[0].lower() not in (b"host", b"content-length")]
                reply = await client.request(callback.method, address, content=callback.body, headers=headers)
            tables = ("rg_event", "rg_callback", "rg_suppression")
            rows = await gateway.store.run(
                lambda c: [c.execute(text(f"select count(*) from {table}")).scalar_one() for table in tables]  # noqa: S608
            )
        return reply.status_code, rows

    return asyncio.run(run())


@pytest.mark.parametrize("name", BY["signature"])
def test_a_callback_without_the_vendors_signature_is_refused_and_leaves_no_trace(name: str) -> None:
    unsigned = contract(name)()._signed_with(told(name), None)

    assert asked(name, unsigned) == (403, [0, 0, 0])


@pytest.mark.parametrize("name", BY["signature"])
def test_a_callback_with_a_made_up_signature_is_refused_and_leaves_no_trace(name: str) -> None:
    forged = contract(name)()._signed_with(told(name), "AAAA")

    assert asked(name, forged) == (403, [0, 0, 0])


@pytest.mark.parametrize("name", BY["secret_path"])
@pytest.mark.parametrize("secret", ["guessed", ""])
def test_where_nobody_signs_the_secret_in_the_address_decides(name: str, secret: str) -> None:
    genuine = told(name)

    assert asked(name, genuine, secret=secret) == (404, [0, 0, 0])
    status, (events, _, _) = asked(name, genuine)
    assert status < 300
    assert events > 0


@pytest.mark.parametrize("name", BY["none"])
def test_who_sends_none_is_given_no_ear(name: str) -> None:
    silent = Callback("POST", f"{PUBLIC}/callbacks/one/x", httpx.Headers({"content-type": "application/json"}), b"{}", NOW)

    assert asked(name, silent) == (404, [0, 0, 0])
