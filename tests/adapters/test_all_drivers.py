"""Vendors without HTTP, through a whole gateway: one copy at who answers late, one request after a refusal for good."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.contracts import VENDORS
from adapters.smsc import Centre, centre
from gateway.ground import NOON, Ground, ground
from recallgate import AccountConfig, Driver, Message
from recallgate.registry import adapter_class
from recallgate_adapters.audience_book import FileBook

DRIVERS = [name for name in VENDORS if issubclass(adapter_class(name), Driver)]
US = {"timezone": "America/Los_Angeles", "country": "US", "region": "US-CA", "purpose": "service"}


@dataclass
class Vendor:
    """The other side of a driver: how many copies it has, how often it was asked."""

    account: AccountConfig
    message: Message
    copies: Callable[[], int]
    asked: Callable[[], int]


async def smpp(stack: AsyncExitStack, meets: str, folder: Path) -> Vendor:
    there: Centre = await stack.enter_async_context(centre(mute=meets == "late"))
    if meets == "refuses":
        there.statuses.append(0x0B)
    place = {"host": "127.0.0.1", "port": there.port, "system_id": "esme", "password": "secret", "sender": "ACME"}
    account = AccountConfig.build("smpp.sms", {**place, "account.deadline_s": 0.2}, name="one")
    taken = 0 if meets == "refuses" else 1
    message = Message.sms("+14155550123", "Your parcel is here", **US)
    return Vendor(account, message, lambda: min(taken, len(there.submitted)), lambda: len(there.submitted))


class Letters:
    """A mail server's half of a conversation, as far as the driver's connection asks for it."""

    def __init__(self, meets: str) -> None:
        self.meets, self.taken, self.asked = meets, 0, 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        self.asked += 1
        if self.meets == "refuses":
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.taken += 1
        if self.meets == "late":
            await asyncio.sleep(30)
        return "250 OK"


async def smtp(stack: AsyncExitStack, meets: str, folder: Path) -> Vendor:
    from aiosmtpd.smtp import SMTP

    letters = Letters(meets)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(letters, loop=loop), "127.0.0.1", 0)
    stack.callback(server.close)
    port = server.sockets[0].getsockname()[1]
    settings = {"host": "127.0.0.1", "port": port, "security": "none", "sender": "us@example.com", "account.deadline_s": 0.5}
    account = AccountConfig.build("smtp.email", settings, name="one")
    message = Message.email("ann@example.com", subject="Parcel", text="Your parcel is here", **US)
    return Vendor(account, message, lambda: letters.taken, lambda: letters.asked)


async def audience(stack: AsyncExitStack, meets: str, folder: Path) -> Vendor:
    account = AccountConfig.build("audience.export", {"folder": str(folder), "account.deadline_s": 0.3}, name="one")
    kind = "device" if meets == "refuses" else "phone"
    member = {"type": "audience", "identifier": "not, a device" if meets == "refuses" else "+14155550123", "kind": kind}
    message = Message.model_validate(
        {"channel": "audience", "to": member, "content": {"type": "payload", "data": {"audience": "vip"}}, **US}
    )
    file, asked = folder / "vip.csv", 0
    if meets == "late":
        write = FileBook.add

        async def slow(book: FileBook, row: Any, *, ref: str) -> None:
            nonlocal asked
            asked += 1
            await write(book, row, ref=ref)
            await asyncio.sleep(30)

        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(FileBook, "add", slow)
    return Vendor(account, message, lambda: len(file.read_text().splitlines()[1:]) if file.exists() else 0, lambda: asked)


MADE: dict[str, Callable[[AsyncExitStack, str, Path], Awaitable[Vendor]]] = {
    "audience.export": audience,
    "smpp.sms": smpp,
    "smtp.email": smtp,
}


def told(name: str, meets: str, folder: Path) -> tuple[str, str, str | None, Vendor]:
    """The state at once and much later, the kind of error, and what the vendor saw."""

    async def run() -> tuple[str, str, str | None, Vendor]:
        async with AsyncExitStack() as stack:
            vendor = await MADE[name](stack, meets, folder)
            here: Ground = await stack.enter_async_context(ground(vendor.account, at=NOON, store="sqlite://"))
            if vendor.message.channel == "audience":
                await here.gateway.consent(address=vendor.message.to.key, channel="audience", granted=True, source="form")
            sent = await here.gateway.send(vendor.message)
            for _ in range(8):
                here.clock.advance(timedelta(minutes=15))
                await here.gateway.drain()
            kind = sent.error.kind.value if sent.error is not None else None
            return sent.state.value, await here.state(vendor.message.id), kind, vendor

    return asyncio.run(run())


def test_every_driver_is_here() -> None:
    assert sorted(MADE) == DRIVERS


@pytest.mark.parametrize("name", DRIVERS)
def test_a_late_vendor_has_one_copy(name: str, tmp_path: Path) -> None:
    first, last, kind, vendor = told(name, "late", tmp_path)

    assert (first, last, kind) == ("uncertain", "uncertain", "uncertain")
    assert (vendor.copies(), vendor.asked()) == (1, 1)


@pytest.mark.parametrize("name", DRIVERS)
def test_a_refusal_for_good_is_asked_once(name: str, tmp_path: Path) -> None:
    first, last, kind, vendor = told(name, "refuses", tmp_path)

    assert (first, last, kind) == ("failed", "failed", "invalid_recipient")
    assert vendor.copies() == 0
    assert vendor.asked() <= 1
