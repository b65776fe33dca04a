"""The sandbox as real servers on this machine: HTTP and SMTP on free ports, callbacks by HTTP."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from typing import Any

import aiosmtplib
import httpx
import pytest

from recallgate import AccountConfig, ConfigError, FrozenClock
from recallgate.sandbox.app import Ledger, SandboxApp
from recallgate.sandbox.courier import Courier
from recallgate.sandbox.face import Taken
from recallgate.sandbox.habits import ChannelHabits, Habits, Spread
from recallgate.sandbox.samples import sample_accounts
from recallgate.sandbox.server import SandboxServer, serve
from recallgate.sandbox.vendors import Vendors
from recallgate.sandbox.world import World

SID = "AC" + "1" * 32
PATH = f"/2010-04-01/Accounts/{SID}/Messages.json"
TOKEN = "sandbox-token"
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
QUICK = Habits.calm(sms=ChannelHabits(delivery_time=Spread(0.01, 0.0)))


async def posted(base: str, *, token: str = TOKEN, **form: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        data = {"To": "+14155550101", "From": "+15005550006", "Body": "Hi", **form}
        return await client.post(base + PATH, data=data, auth=(SID, token))


def letter() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "shop@sandbox.example", "jo@example.com", "Come back"
    mail["Message-ID"] = "<1@sandbox.example>"
    mail.set_content("We miss you")
    return mail


def run(work: Callable[[SandboxServer], Awaitable[Any]], *accounts: AccountConfig, **fields: Any) -> Any:
    async def scenario() -> Any:
        async with SandboxServer(accounts, habits=QUICK, **fields) as server:
            return await work(server)

    return asyncio.run(scenario())


def test_message_over_http_is_taken_and_shown_with_a_masked_address(texts: AccountConfig) -> None:
    async def work(server: SandboxServer) -> tuple[httpx.Response, httpx.Response]:
        taken = await posted(server.reaches[0].base_url)
        async with httpx.AsyncClient(trust_env=False) as client:
            return taken, await client.get(f"http://127.0.0.1:{server.http_port}/")

    taken, page = run(work, texts)

    assert taken.status_code == 201
    assert page.json()["taken"] == 1
    assert page.json()["last"][0]["vendor_id"] == taken.json()["sid"]
    assert page.json()["last"][0]["to"] == "+14…01"
    assert "+14155550101" not in page.text
    assert "sandbox-token" not in page.text


def test_wrong_credentials_over_http_are_refused(texts: AccountConfig) -> None:
    answer = run(lambda server: posted(server.reaches[0].base_url, token="another"), texts)

    assert answer.status_code == 401


def test_delivery_report_is_posted_signed_to_the_address_that_the_message_named(texts: AccountConfig) -> None:
    async def scenario() -> tuple[bytes, dict[str, str]]:
        heard: asyncio.Future[tuple[bytes, dict[str, str]]] = asyncio.get_running_loop().create_future()

        async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:]) if value}
            body = await reader.readexactly(int(headers["content-length"]))
            writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
            await writer.drain()
            writer.close()
            heard.set_result((body, headers))

        ear = await asyncio.start_server(hear, "127.0.0.1", 0)
        port = ear.sockets[0].getsockname()[1]
        async with SandboxServer([texts], habits=QUICK) as server:
            await posted(server.reaches[0].base_url, StatusCallback=f"http://127.0.0.1:{port}/cb?m=m1")
            told = await asyncio.wait_for(heard, 10)
        ear.close()
        return told

    body, headers = asyncio.run(scenario())

    assert b"MessageStatus=delivered" in body
    assert len(base64.b64decode(headers["x-twilio-signature"])) == 20


def test_mail_over_smtp_is_taken(mail: AccountConfig) -> None:
    async def work(server: SandboxServer) -> int:
        await aiosmtplib.send(letter(), hostname="127.0.0.1", port=server.smtp_port, start_tls=False)
        return server.vendors.world.counts["taken.email"]

    assert run(work, mail) == 1


def test_mail_account_with_a_password_wants_it() -> None:
    settings = {"host": "mail.sandbox.example", "sender": "shop@sandbox.example", "username": "shop", "password": "right"}
    secured = AccountConfig.build("smtp.email", settings, name="mail")

    async def work(server: SandboxServer) -> int:
        to: dict[str, Any] = {"hostname": "127.0.0.1", "port": server.smtp_port, "start_tls": False}
        with pytest.raises(aiosmtplib.SMTPResponseException):
            await aiosmtplib.send(letter(), **to)
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await aiosmtplib.send(letter(), username="shop", password="wrong", **to)
        await aiosmtplib.send(letter(), username="shop", password="right", **to)
        return server.vendors.world.counts["taken.email"]

    assert run(work, secured) == 1


def test_refused_mail_is_told_with_the_code_of_the_vendor(mail: AccountConfig) -> None:
    nameless = EmailMessage()
    nameless.set_content("no From, no Message-ID")

    async def work(server: SandboxServer) -> int:
        with pytest.raises(aiosmtplib.SMTPResponseException) as refused:
            await aiosmtplib.send(
                nameless, sender="a@b.example", recipients=["jo@example.com"], hostname="127.0.0.1", port=server.smtp_port
            )
        return refused.value.code

    assert run(work, mail) == 550


def test_without_accounts_samples_are_served_whose_credentials_are_told() -> None:
    async def work(server: SandboxServer) -> httpx.Response:
        reach = next(one for one in server.reaches if one.adapter == "twilio.sms")
        async with httpx.AsyncClient(trust_env=False) as client:
            url = f"{reach.base_url}/2010-04-01/Accounts/{reach.settings['account_sid']}/Messages.json"
            data = {"To": "+14155550101", "From": "+15005550006", "Body": "Hi"}
            return await client.post(url, data=data, auth=(reach.settings["account_sid"], reach.settings["auth_token"]))

    assert run(work).status_code == 201
    assert "fcm.push" not in {account.name for account in sample_accounts()}


def test_ports_are_given_back_when_the_sandbox_stops(texts: AccountConfig, mail: AccountConfig) -> None:
    async def scenario() -> tuple[int | None, int | None]:
        stop = asyncio.Event()
        first = SandboxServer([texts, mail])
        await serve(first, ready=lambda _: stop.set(), stop=stop)
        async with SandboxServer([texts, mail], http_port=first.http_port or 0, smtp_port=first.smtp_port or 0) as second:
            return second.http_port, second.smtp_port

    assert None not in asyncio.run(scenario())


def test_port_in_use_is_named(texts: AccountConfig) -> None:
    async def work(server: SandboxServer) -> None:
        with pytest.raises(ConfigError, match="http_port"):
            async with SandboxServer([texts], http_port=server.http_port or 0):
                raise AssertionError("two servers on one port")

    run(work, texts)


@pytest.mark.parametrize(
    ("url", "called"),
    [
        ("http://127.0.0.1:9/x", True),
        ("http://localhost/x", True),
        ("http://[::1]:9/x", True),
        ("https://app.example/x", True),
        ("https://elsewhere.example/x", False),
        ("http://10.0.0.1/x", False),
        ("http://[broken/x", False),
        ("/path/only", False),
    ],
)
def test_only_this_machine_and_named_hosts_are_called(url: str, called: bool) -> None:
    vendors = Vendors(World("s"), FrozenClock(NOW))
    courier = Courier(vendors, hosts=["app.example"], client=httpx.AsyncClient(trust_env=False))

    assert courier.may_call(url) is called


def ask(
    app: SandboxApp, method: str, path: str, *, host: str = "127.0.0.1:1", body: bytes = b"", auth: str = ""
) -> tuple[int, bytes]:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", host.encode()), (b"authorization", auth.encode())]
    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "headers": headers, "query_string": b""}
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


def test_vendor_is_found_by_account_by_adapter_or_by_host(texts: AccountConfig) -> None:
    vendors = Vendors(World("s", QUICK), FrozenClock(NOW))
    vendors.open(texts)
    app = SandboxApp(vendors, Ledger())
    auth = f"Basic {base64.b64encode(f'{SID}:sandbox-token'.encode()).decode()}"
    body = b"To=%2B14155550101&From=%2B15005550006&Body=Hi"

    found = [
        ask(app, "POST", "/texts" + PATH, body=body, auth=auth)[0],
        ask(app, "POST", "/twilio.sms" + PATH, body=body, auth=auth)[0],
        ask(app, "POST", PATH, host="api.twilio.com", body=body, auth=auth)[0],
        ask(app, "POST", PATH, body=body, auth=auth)[0],
        ask(app, "POST", "/", body=body)[0],
    ]

    assert found == [201, 201, 201, 404, 404]


def test_body_beyond_the_limit_is_refused(texts: AccountConfig) -> None:
    vendors = Vendors(World("s", QUICK), FrozenClock(NOW))
    vendors.open(texts)

    assert ask(SandboxApp(vendors, Ledger()), "POST", "/texts" + PATH, body=b"x" * (10 * 1024 * 1024 + 1))[0] == 413


def test_page_keeps_the_last_messages_only(mail: AccountConfig) -> None:
    vendors = Vendors(World("s"), FrozenClock(NOW))
    ledger = Ledger()
    vendor = vendors.open(mail)
    for n in range(250):
        ledger.note(vendor, Taken(f"<{n}@x>", "jo.doe@example.com", "email", "Hi"), NOW)

    assert (ledger.total, len(ledger.rows), ledger.rows[0]["vendor_id"], ledger.rows[0]["to"]) == (
        250,
        200,
        "<50@x>",
        "j…@example.com",
    )
