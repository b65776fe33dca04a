"""Vendors without HTTP in a sandbox: a message centre on a socket and without one, and an advertising platform."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from recallgate import AccountConfig, ErrorKind, FrozenClock, Gateway, GatewayConfig, Message, Simulation, Taken
from recallgate.sandbox.habits import ChannelHabits, Habits, Outage, Spread
from recallgate.sandbox.happenings import Happening, Inbound
from recallgate.sandbox.server import SandboxServer
from recallgate.sandbox.simulate import simulate
from recallgate.sandbox.vendors import Vendors
from recallgate.sandbox.world import World

SECRET = "secret"
NOW = datetime(2026, 11, 20, 20, 0, tzinfo=UTC)
LATER = NOW.replace(hour=21)
QUICK = Habits.calm(sms=ChannelHabits(delivery_time=Spread(0.01, 0.0)))
US = {"timezone": "America/Los_Angeles", "country": "US", "region": "US-CA", "purpose": "service"}
TEXTS = {
    "one part": "Your parcel is here: https://shop.example/p",
    "seven bits in parts": "Ärger mit {Paketen} [heute] für 5 € ~" * 12,
    "UCS-2 in parts": "您的包裹到了" * 30,
    "an emoji at the border": "📦" * 60,
}


def wire(port: int = 1, **settings: Any) -> AccountConfig:
    place = {"host": "127.0.0.1", "port": port, "system_id": "esme", "password": SECRET, "sender": "ACME"}
    return AccountConfig.build("smpp.sms", {**place, **settings}, name="smsc")


def on_a_socket(work: Callable[[SandboxServer, Gateway], Awaitable[Any]], *, password: str = SECRET, **settings: Any) -> Any:
    """Work with a gateway that is bound to a sandbox's centre."""

    async def run() -> Any:
        async with SandboxServer((wire(**settings),), habits=QUICK, speed=1000) as server:
            account = wire(server.smpp_port or 0, password=password, **settings)
            async with Gateway(config=GatewayConfig(accounts=(account,)), store="sqlite://") as gateway:
                return await work(server, gateway)

    return asyncio.run(run())


async def state_of(gateway: Gateway, identity: str, wanted: str) -> str:
    """The state of a message, once it is the one that is waited for, or five seconds later."""
    state = ""
    try:
        async with asyncio.timeout(5):
            while (state := (await gateway.explain(identity))["message"]["state"]) != wanted:  # noqa: ASYNC110 - asked from outside
                await asyncio.sleep(0.01)
    except TimeoutError:
        pass
    return state


@pytest.mark.parametrize("text", list(TEXTS.values()), ids=list(TEXTS))
@pytest.mark.parametrize("settings", [{}, {"gsm7": "packed"}, {"reference_bits": 16, "hex_ids": True}], ids=str)
def test_a_text_reaches_the_sandbox_whole_and_its_receipt_comes_back(text: str, settings: dict[str, Any]) -> None:
    async def work(server: SandboxServer, gateway: Gateway) -> tuple[str, str]:
        message = Message.sms("+14155550123", text, **US)
        sent = await gateway.send(message)
        assert sent.state == "accepted", sent
        (row,) = server._ledger.rows
        return str(row["text"]), await state_of(gateway, message.id, "delivered")

    assert on_a_socket(work, **settings) == (text, "delivered")


def test_a_wrong_password_is_refused_at_the_bind() -> None:
    async def work(server: SandboxServer, gateway: Gateway) -> ErrorKind | None:
        sent = await gateway.send(Message.sms("+14155550123", "Hello", **US))
        return sent.error.kind if sent.error else None

    assert on_a_socket(work, password="another") is ErrorKind.AUTH


def test_a_stop_over_the_wire_is_an_opt_out() -> None:
    async def work(server: SandboxServer, gateway: Gateway) -> str:
        sent = await gateway.send(Message.sms("+14155550123", "Hello", **US))
        assert sent.state == "accepted"
        face: Any = next(iter(server.vendors)).face
        await face.deliver(face.deliveries("STOP", _taken())[0])
        refused = await gateway.send(Message.sms("+14155550123", "Come back", **{**US, "purpose": "marketing"}))
        return refused.state.value

    assert on_a_socket(work) == "suppressed"


def _taken() -> Taken:
    return Taken("1", "+14155550123", "sms", "Hello", data={"from": "ACME", "to": "14155550123", "ids": ["1"]})


def test_the_table_of_a_sandbox_names_the_centre_and_leaves_out_what_is_no_server(tmp_path: Path) -> None:
    ads = AccountConfig.build("audience.export", {"folder": str(tmp_path)}, name="ads")

    async def run() -> list[tuple[str, str]]:
        async with SandboxServer((wire(), ads), habits=QUICK) as server:
            assert server.smpp_port
            return [(one.account, one.base_url.replace(str(server.smpp_port), "PORT")) for one in server.reaches]

    assert asyncio.run(run()) == [("smsc", "smpp://127.0.0.1:PORT")]


def with_outage(kind: ErrorKind) -> Habits:
    return replace(QUICK, outages=(Outage("*", NOW, LATER, kind=kind),))


def simulated(account: AccountConfig, habits: Habits, work: Callable[[Gateway, Vendors], Awaitable[Any]]) -> Any:
    """Work with a gateway in virtual time, whose vendors are in the process."""

    async def run() -> Any:
        clock = FrozenClock(NOW)
        vendors = Vendors(World("seed", habits), clock)
        config = GatewayConfig(accounts=(account,))
        gateway = Gateway(config=config, store="sqlite://", clock=clock, simulation=Simulation("seed"))
        async with gateway:
            vendors.attach(gateway)
            return await work(gateway, vendors)

    return asyncio.run(run())


def test_a_simulation_needs_no_socket_for_a_centre() -> None:
    async def work(gateway: Gateway, vendors: Vendors) -> tuple[str, str, dict[str, int]]:
        message = Message.sms("+14155550123", TEXTS["UCS-2 in parts"], **US)
        sent = await gateway.send(message)
        summary = await simulate(gateway, vendors, start=NOW, end=LATER)
        state = (await gateway.explain(message.id))["message"]["state"]
        return sent.state.value, state, dict(summary.counts)

    first, last, counts = simulated(wire(), QUICK, work)

    assert (first, last) == ("accepted", "delivered")
    assert counts["taken.sms"] == 1
    assert counts["told.report"] >= 3  # one for each part


@pytest.mark.parametrize(
    ("kind", "state"),
    [(ErrorKind.UNAVAILABLE, "held"), (ErrorKind.RATE_LIMITED, "held"), (ErrorKind.UNCERTAIN, "uncertain")],
)
def test_an_outage_of_a_centre_is_met_as_on_a_real_wire(kind: ErrorKind, state: str) -> None:
    async def work(gateway: Gateway, vendors: Vendors) -> str:
        return (await gateway.send(Message.sms("+14155550123", "Hello", **US))).state.value

    assert simulated(wire(), with_outage(kind), work) == state


def member(identifier: str = "+14155550123", *, action: str = "add", **fields: Any) -> Message:
    content = {"type": "payload", "data": {"audience": "vip", "action": action}}
    to = {"type": "audience", "identifier": identifier}
    return Message.model_validate({"channel": "audience", "to": to, "content": content, **US, **fields})


def test_an_audience_in_a_sandbox_is_hashed_and_on_no_disk(tmp_path: Path) -> None:
    account = AccountConfig.build("audience.export", {"folder": str(tmp_path / "never")}, name="ads")

    async def work(gateway: Gateway, vendors: Vendors) -> dict[str, list[str]]:
        face: Any = vendors.vendor("ads").face
        refused = await gateway.send(member())
        for number in ("+14155550123", "+14155550124", "+14155550125"):
            await gateway.consent(address=number, channel="audience", granted=True, source="form")
            assert (await gateway.send(member(number))).state == "accepted"
        await gateway.send(member("+14155550125", action="remove"))
        await gateway.suppress(address="+14155550124", channel="sms", reason="opt_out")
        await gateway.drain()
        assert refused.state == "failed"
        return {name: list(rows) for name, rows in face.members.items()}

    assert simulated(account, QUICK, work) == {"vip": [hashlib.sha256(b"+14155550123").hexdigest()]}
    assert not (tmp_path / "never").exists()


def test_an_answer_that_is_lost_leaves_an_audience_open(tmp_path: Path) -> None:
    account = AccountConfig.build("audience.export", {"folder": str(tmp_path)}, name="ads")

    async def work(gateway: Gateway, vendors: Vendors) -> str:
        await gateway.consent(address="+14155550123", channel="audience", granted=True, source="form")
        return (await gateway.send(member())).state.value

    assert simulated(account, with_outage(ErrorKind.UNCERTAIN), work) == "uncertain"


def test_news_for_nobody_who_is_bound_is_counted_and_lost() -> None:
    async def run() -> dict[str, int]:
        async with SandboxServer((wire(),), habits=QUICK) as server:
            assert server.courier is not None
            await server.courier.carry(Happening(NOW, ("1",), Inbound("smsc", _taken(), "Hi", "n")))
            return dict(server.courier.counts)

    assert asyncio.run(run()) == {"failed": 1}
