"""SMTP: what leaves, what a server's replies mean, and the news that comes back as mail."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from pydantic import ValidationError

from recallgate import (
    Attachment,
    Callback,
    Email,
    EmailAddress,
    ErrorKind,
    EventType,
    Fault,
    ForgedCallback,
    IdSource,
    Message,
    Origin,
    Purpose,
    SendError,
    Taken,
    Tools,
    WorldEvent,
)
from recallgate.testing import DriverContract, Peer
from recallgate_adapters.faces.smtp import InProcessSmtp, SmtpFace
from recallgate_adapters.smtp import SmtpEmail
from recallgate_adapters.smtp_config import SmtpConfig
from recallgate_adapters.smtp_message import compose

REPLIES = json.loads((Path(__file__).parent.parent / "data" / "vendors" / "smtp.json").read_text(encoding="utf-8"))["replies"]
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
ONE_CLICK = "https://app.example/u/" + "t" * 120
OWN_ID = "<m1@shop.example>"


class TestSmtpEmail(DriverContract):
    driver = SmtpEmail
    config = {
        "host": "127.0.0.1",
        "port": 2525,
        "security": "none",
        "sender": "Shop <news@shop.example>",
        "username": "shop",
        "password": "hush-0815",
    }
    message = {
        "channel": "email",
        "to": {"type": "email", "email": "ann@example.com"},
        "content": {"type": "email", "subject": "We miss you", "text": "Come back"},
        "purpose": "service",
    }
    exchanges = Path(__file__).parent.parent / "data" / "exchanges" / "smtp.email.json"

    def connect(self, driver: SmtpEmail, peer: Peer) -> None:
        async def connection() -> "Wire":
            await peer.open()
            return Wire(peer)

        driver.connect = connection


class Wire:
    """A connection on which the peer of a contract decides what is said."""

    def __init__(self, peer: Peer) -> None:
        self.peer, self.close = peer, peer.close

    async def command(self, line: str) -> tuple[int, str]:
        stage = line.partition(" ")[0].lower()
        reply: tuple[int, str] = await self.peer.at(stage, (354, "go on") if stage == "data" else (250, "OK"))
        return reply

    async def content(self, raw: bytes) -> tuple[int, str]:
        reply: tuple[int, str] = await self.peer.at("content", (250, "2.0.0 queued as 4711"))
        if reply[0] == 250:
            self.peer.taken.append(raw)
        return reply


def a_config(**over: object) -> SmtpConfig:
    return SmtpConfig.model_validate(
        {"host": "127.0.0.1", "port": 2525, "security": "none", "sender": "Shop <news@shop.example>", **over}
    )


def a_driver(config: SmtpConfig) -> SmtpEmail:
    return SmtpEmail(config, Tools(now=lambda: NOW, nonce=lambda n: "0" * n, callback_url=lambda *_, **__: None))


def a_mail(to: str = "ann@example.com", *, purpose: Purpose = Purpose.MARKETING, **content: Any) -> Message:
    body = Email.model_validate({"subject": "We miss you", "text": "Come back", **content})
    return Message(id="m1", channel="email", to=EmailAddress(email=to), content=body, purpose=purpose)


def composed(message: Message, config: SmtpConfig | None = None, *, unsubscribe_url: str | None = None) -> bytes:
    return compose(message, config or a_config(), message_id=OWN_ID, date=NOW, unsubscribe_url=unsubscribe_url)


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


async def refusal(driver: SmtpEmail, message: Message) -> SendError:
    with pytest.raises(SendError) as caught:
        await driver.send(message)
    return caught.value


# What is written


def test_a_plain_mail_is_written_whole() -> None:
    assert composed(a_mail(purpose=Purpose.SERVICE)) == (
        b"From: Shop <news@shop.example>\r\n"
        b"To: ann@example.com\r\n"
        b"Subject: We miss you\r\n"
        b"Date: Fri, 20 Nov 2026 02:00:00 +0000\r\n"
        b"Message-ID: <m1@shop.example>\r\n"
        b'Content-Type: text/plain; charset="utf-8"\r\n'
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"MIME-Version: 1.0\r\n"
        b"\r\n"
        b"Come back\r\n"
    )


def test_a_long_list_unsubscribe_stays_on_one_line() -> None:
    raw = composed(a_mail(), unsubscribe_url=ONE_CLICK)

    assert f"\r\nList-Unsubscribe: <{ONE_CLICK}>\r\n".encode() in raw
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw


def test_headers_of_the_content_are_set_as_they_are() -> None:
    given = {"List-Unsubscribe": f"<{ONE_CLICK}>", "X-Shop": "42"}

    raw = composed(
        a_mail(headers=given), a_config(unsubscribe_mailto="out@shop.example"), unsubscribe_url="https://other.example"
    )

    assert f"\r\nList-Unsubscribe: <{ONE_CLICK}>\r\nX-Shop: 42\r\n".encode() in raw
    assert raw.count(b"List-Unsubscribe:") == raw.count(b"List-Unsubscribe-Post:") == 1


@pytest.mark.parametrize(
    ("purpose", "url", "mailto", "header", "post"),
    [
        (Purpose.MARKETING, "https://a.example/u", "out@a.example", "<https://a.example/u>, <mailto:out@a.example>", True),
        (Purpose.MARKETING, None, "out@a.example", "<mailto:out@a.example>", False),
        (Purpose.MARKETING, None, None, None, False),
        (Purpose.SERVICE, "https://a.example/u", "out@a.example", None, False),
        (Purpose.OTP, "https://a.example/u", None, None, False),
    ],
)
def test_only_marketing_offers_to_unsubscribe(
    purpose: Purpose, url: str | None, mailto: str | None, header: str | None, post: bool
) -> None:
    mail = read(composed(a_mail(purpose=purpose), a_config(unsubscribe_mailto=mailto), unsubscribe_url=url))

    assert mail["List-Unsubscribe"] == header
    assert mail["List-Unsubscribe-Post"] == ("List-Unsubscribe=One-Click" if post else None)


def test_lists_and_complaints_can_be_told_apart() -> None:
    message = a_mail().model_copy(update={"origin": Origin(campaign="win back", step="1")})

    mail = read(composed(message, a_config(list_id="news.shop.example", feedback_id="shop", reply_to="help@shop.example")))

    assert mail["List-Id"] == "<news.shop.example>"
    assert mail["Feedback-ID"] == "win_back:1:marketing:shop"
    assert mail["Reply-To"] == "help@shop.example"


def test_text_and_html_are_alternatives_with_the_preheader_first() -> None:
    mail = read(composed(a_mail(html="<html><body class=x><p>Hi</p></body></html>", preheader="20 % & more")))

    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))

    assert mail.get_content_type() == "multipart/alternative"
    assert plain is not None
    assert html is not None
    assert plain.get_content() == "Come back\r\n"
    assert html.get_content().startswith(
        '<html><body class=x><div style="display:none;max-height:0;overflow:hidden">20 % &amp; more</div><p>'
    )


def test_an_attachment_arrives_as_it_was() -> None:
    attachment = Attachment(filename="发票.pdf", media_type="application/pdf", data="AAECAw==")

    (part,) = read(composed(a_mail(attachments=(attachment,)))).iter_attachments()

    assert (part.get_filename(), part.get_content_type(), part.get_content()) == (
        "发票.pdf",
        "application/pdf",
        b"\x00\x01\x02\x03",
    )


def test_words_outside_ascii_leave_as_ascii_and_arrive_whole() -> None:
    message = a_mail(subject="好久不见 " * 11 + "好久不见", text="退订请回复 T\n" + "长" * 200)
    message = message.model_copy(update={"to": EmailAddress(email="ann@bücher.example", name="安 <x@y>")})

    raw = composed(message, a_config(sender="商店 <news@shop.example>"))
    mail = read(raw)

    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 100
    assert mail["Subject"] == "好久不见 " * 11 + "好久不见"
    assert mail["To"].addresses[0].addr_spec == "ann@xn--bcher-kva.example"
    assert len(mail["To"].addresses) == 1
    assert mail["To"].addresses[0].display_name == "安 <x@y>"
    assert mail["From"].addresses[0].display_name == "商店"
    assert "长" * 200 in mail.get_content()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-A": "1\r\nBcc: all@example.com"},
        {"X-A": "1\nBcc: all@example.com"},
        {"X-A\r\nBcc": "all@example.com"},
        {"X-A: 1": "2"},
        {"Bcc": "all@example.com"},
        {"from": "boss@example.com"},
        {"Content-Type": "text/html"},
        {"X Y": "1"},
    ],
)
def test_headers_cannot_be_injected(headers: dict[str, str]) -> None:
    # Past the model's own check, as a message read back from somewhere might be.
    body = Email.model_construct(subject="S", text="T", headers=headers)
    message = a_mail().model_copy(update={"content": body})

    with pytest.raises(SendError) as caught:
        composed(message)

    assert caught.value.kind is ErrorKind.UNSUPPORTED
    assert "example.com" not in str(caught.value)


@pytest.mark.parametrize(
    ("over", "kind"),
    [
        ({"sender": "nobody"}, ErrorKind.INVALID_SENDER),
        ({"sender": "bö@shop.example"}, ErrorKind.INVALID_SENDER),
        ({"to": EmailAddress(email="jörg@example.com")}, ErrorKind.UNSUPPORTED),
        ({"to": EmailAddress(email="a\x01b@example.com")}, ErrorKind.INVALID_RECIPIENT),
        ({"content": Email(subject="S", text="T", preheader="p")}, ErrorKind.UNSUPPORTED),
        ({"content": Email(subject="S", text="T", attachments=(Attachment(filename="a", data="%"),))}, ErrorKind.UNSUPPORTED),
        (
            {"content": Email(subject="S", text="T", attachments=(Attachment(filename="a", media_type="a", data=""),))},
            ErrorKind.UNSUPPORTED,
        ),
    ],
)
def test_what_cannot_be_written_is_refused(over: dict[str, object], kind: ErrorKind) -> None:
    with pytest.raises(SendError) as caught:
        composed(a_mail().model_copy(update=over))

    assert caught.value.kind is kind


@pytest.mark.parametrize("name", ['Ann "A" <x@y.example>', "Ann, Bo", 'Müller, "x" <x@y.example>', "李 小 龙", "a\\b"])
def test_a_display_name_is_never_an_address(name: str) -> None:
    message = a_mail().model_copy(update={"to": EmailAddress(email="ann@example.com", name=name)})

    addresses = read(composed(message))["To"].addresses

    assert [(address.display_name, address.addr_spec) for address in addresses] == [(name, "ann@example.com")]


# Settings


@pytest.mark.parametrize(
    ("values", "host", "port", "security"),
    [
        ({"host": "mx.example"}, "mx.example", 587, "starttls"),
        ({"host": "mx.example", "security": "tls"}, "mx.example", 465, "tls"),
        ({"host": "mx.example", "port": 465}, "mx.example", 465, "tls"),
        ({"host": "mx.example", "security": "none"}, "mx.example", 25, "none"),
        ({"base_url": "smtp://mx.example:2525"}, "mx.example", 2525, "starttls"),
        ({"base_url": "smtps://mx.example"}, "mx.example", 465, "tls"),
        ({"base_url": "smtp://other.example:1", "host": "mx.example"}, "mx.example", 1, "starttls"),
    ],
)
def test_a_place_is_read_from_its_parts(values: dict[str, object], host: str, port: int, security: str) -> None:
    config = SmtpConfig.model_validate({"sender": "a@shop.example", **values})

    assert (config.host, config.port, config.security) == (host, port, security)


@pytest.mark.parametrize(
    ("over", "named"),
    [
        ({"username": "u", "password": "p", "host": "mx.example"}, "clear"),
        ({"username": "u"}, "both"),
        ({"sender": "nobody"}, "sender"),
        ({"sender": "a@b.example\r\nBcc: c@d.example"}, "sender"),
        ({"base_url": "mx.example"}, "smtp://host:port"),
    ],
)
def test_a_wrong_setting_is_a_clear_fault(over: dict[str, object], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        a_config(**over)


# A server on loopback


class Server:
    """What a server does with each command; `lost` breaks the connection instead of answering the final dot."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.connections = 0
        self.refuse: dict[str, str] = {}
        self.lost = False
        self.port = 0

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.connections += 1
        return responses

    async def handle_MAIL(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if "mail" in self.refuse:
            return self.refuse["mail"]
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if "rcpt" in self.refuse:
            return self.refuse["rcpt"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        if "content" in self.refuse:
            return self.refuse["content"]
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        if self.lost:
            server.transport.abort()  # type: ignore[union-attr] # a connected server has one
        return "250 2.0.0 queued as 4711"


@pytest.fixture
def server() -> Server:
    return Server()


@asynccontextmanager
async def listening(server: Server, **settings: Any) -> AsyncIterator[Server]:
    """aiosmtpd on a port of loopback that the system chooses."""
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: SMTP(server, loop=loop, **settings), "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()


@asynccontextmanager
async def opened(server: Server, **over: object) -> AsyncIterator[SmtpEmail]:
    async with listening(server):
        driver = a_driver(a_config(port=server.port, timeout_s=5, **over))
        await driver.open()
        yield driver
        await driver.close()


def test_a_mail_reaches_the_server_byte_for_byte(server: Server) -> None:
    message = a_mail(text=".dots\n..at\n.\nthe start")

    async def run() -> str:
        async with opened(server, envelope_sender="bounces@shop.example") as driver:
            receipt = await driver.send(message)
            assert receipt.note == "2.0.0 queued as 4711"
            return receipt.vendor_id

    vendor_id = asyncio.run(run())

    assert vendor_id == OWN_ID
    assert server.mails == [("bounces@shop.example", ["ann@example.com"], composed(message))]


def test_connections_are_kept_and_used_again(server: Server) -> None:
    async def run() -> None:
        async with opened(server) as driver:
            for _ in range(3):
                await driver.send(a_mail())

    asyncio.run(run())

    assert (len(server.mails), server.connections) == (3, 1)


def test_many_sends_share_few_connections(server: Server) -> None:
    async def run() -> None:
        async with opened(server, max_connections=2) as driver:
            await asyncio.gather(*(driver.send(a_mail()) for _ in range(10)))

    asyncio.run(run())

    assert len(server.mails) == 10
    assert 1 <= server.connections <= 2


@pytest.mark.parametrize(
    ("at", "reply", "kind", "code"),
    [
        ("rcpt", "550 5.1.1 <ann@example.com> unknown", ErrorKind.INVALID_RECIPIENT, "550 5.1.1"),
        ("rcpt", "451 4.7.1 greylisted", ErrorKind.TEMPORARY, "451 4.7.1"),
        ("rcpt", "452 4.2.2 mailbox full", ErrorKind.TEMPORARY, "452 4.2.2"),
        ("mail", "421 4.3.2 closing", ErrorKind.UNAVAILABLE, "421 4.3.2"),
        ("content", "552 5.3.4 too big", ErrorKind.PAYLOAD_TOO_LARGE, "552 5.3.4"),
        ("content", "554 5.7.1 spam", ErrorKind.BLOCKED_CONTENT, "554 5.7.1"),
    ],
)
def test_a_refusal_is_read_and_the_next_mail_goes_through(
    server: Server, at: str, reply: str, kind: ErrorKind, code: str
) -> None:
    async def run() -> SendError:
        async with opened(server) as driver:
            server.refuse = {at: reply}
            error = await refusal(driver, a_mail())
            server.refuse = {}
            await driver.send(a_mail())
            return error

    error = asyncio.run(run())

    assert (error.kind, error.code) == (kind, code)
    assert "ann@example.com" not in str(error)
    assert error.retry_at == (NOW + timedelta(minutes=5) if code == "451 4.7.1" else None)
    assert len(server.mails) == 1


def test_a_break_after_the_final_dot_is_uncertain_and_the_next_mail_goes_through(server: Server) -> None:
    async def run() -> SendError:
        async with opened(server) as driver:
            server.lost = True
            error = await refusal(driver, a_mail())
            server.lost = False
            await driver.send(a_mail())
            return error

    error = asyncio.run(run())

    assert error.kind is ErrorKind.UNCERTAIN
    assert (len(server.mails), server.connections) == (2, 2)


def test_a_refused_connection_is_unavailable() -> None:
    async def run() -> SendError:
        listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        listener.close()
        await listener.wait_closed()
        return await refusal(a_driver(a_config(port=port)), a_mail())

    assert asyncio.run(run()).kind is ErrorKind.UNAVAILABLE


def test_a_server_that_greets_with_554_is_unavailable() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"554 no service here\r\n")
        await writer.drain()
        writer.close()

    async def run() -> SendError:
        async with await asyncio.start_server(greet, "127.0.0.1", 0) as listener:
            return await refusal(a_driver(a_config(port=listener.sockets[0].getsockname()[1])), a_mail())

    assert asyncio.run(run()).kind is ErrorKind.UNAVAILABLE


@pytest.mark.parametrize(("garbled_at", "kind"), [(b"MAIL", ErrorKind.UNAVAILABLE), (b".\r\n", ErrorKind.UNCERTAIN)])
def test_a_reply_that_is_none_is_a_break(garbled_at: bytes, kind: ErrorKind) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hello\r\n")
        inside = False
        while line := await reader.readline():
            if line.startswith(garbled_at) and (inside or line != b".\r\n"):
                writer.write(b"what?\r\n")
            elif not inside:
                inside = line == b"DATA\r\n"
                writer.write(b"354 go on\r\n" if inside else b"250 OK\r\n")
        writer.close()

    async def run() -> SendError:
        listener = await asyncio.start_server(babble, "127.0.0.1", 0)
        driver = a_driver(a_config(port=listener.sockets[0].getsockname()[1], timeout_s=5))
        error = await refusal(driver, a_mail())
        listener.close()
        return error

    assert asyncio.run(run()).kind is kind


def test_mail_leaves_encrypted_with_a_login_after_starttls(tmp_path: Path) -> None:
    certificate = _certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    handler = Server()

    def login(_server: SMTP, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"u", b"right"), handled=False)

    login_as: Any = {"security": "starttls", "host": "127.0.0.1", "username": "u", "ca_file": str(certificate)}

    async def run() -> SendError:
        async with listening(handler, tls_context=context, require_starttls=True, authenticator=login, auth_required=True):
            driver = a_driver(a_config(port=handler.port, **login_as, password="right"))
            await driver.send(a_mail())
            await driver.close()
            return await refusal(a_driver(a_config(port=handler.port, **login_as, password="wrong-0815")), a_mail())

    error = asyncio.run(run())

    assert len(handler.mails) == 1
    assert error.kind is ErrorKind.AUTH
    assert "wrong-0815" not in str(error)


def test_starttls_is_never_skipped(server: Server) -> None:
    async def run() -> SendError:
        async with opened(server, security="starttls") as driver:
            return await refusal(driver, a_mail())

    error = asyncio.run(run())

    assert error.kind is ErrorKind.AUTH
    assert server.mails == []


def _certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1, signed by itself, with its key."""
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(datetime(2020, 1, 1)).not_valid_after(datetime(2120, 1, 1))
    builder = builder.add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "server.pem"
    path.write_bytes(private + builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    return path


# Scripted connections


class Scripted:
    """A connection that answers 250 to all but what the script names; an exception in the script is raised."""

    def __init__(self, **script: tuple[int, str] | Exception) -> None:
        self.script, self.closed = script, False

    async def command(self, line: str) -> tuple[int, str]:
        stage = line.partition(" ")[0].lower()
        return self._say(stage, (354, "go on") if stage == "data" else (250, "OK"))

    async def content(self, raw: bytes) -> tuple[int, str]:
        return self._say("content", (250, "OK"))

    def close(self) -> None:
        self.closed = True

    def _say(self, stage: str, usual: tuple[int, str]) -> tuple[int, str]:
        said = self.script.get(stage, usual)
        if isinstance(said, Exception):
            raise said
        return said


def scripted(*connections: Scripted) -> SmtpEmail:
    driver, left = a_driver(a_config()), list(connections)

    async def connect() -> Scripted:
        return left.pop(0)

    driver.connect = connect
    return driver


@pytest.mark.parametrize("case", REPLIES, ids=[f"{case['at']} {case['reply']}" for case in REPLIES])
def test_a_reply_has_its_kind(case: dict[str, str]) -> None:
    code, _, text = case["reply"].partition(" ")
    at = "mail" if case["at"] == "connect" else case["at"]
    connection = Scripted(**{at: (int(code), text)})

    assert asyncio.run(refusal(scripted(connection), a_mail())).kind == case["kind"]


@pytest.mark.parametrize(
    ("stage", "fault", "kind"),
    [
        ("mail", ConnectionResetError(), ErrorKind.UNAVAILABLE),
        ("rcpt", TimeoutError(), ErrorKind.UNAVAILABLE),
        ("data", ConnectionResetError(), ErrorKind.UNAVAILABLE),
        ("content", ConnectionResetError(), ErrorKind.UNCERTAIN),
        ("content", TimeoutError(), ErrorKind.UNCERTAIN),
    ],
)
def test_only_a_break_after_the_content_leaves_it_open(stage: str, fault: Exception, kind: ErrorKind) -> None:
    connection = Scripted(**{stage: fault})

    assert asyncio.run(refusal(scripted(connection), a_mail())).kind is kind
    assert connection.closed


def test_a_stale_connection_is_replaced_before_anything_is_sent() -> None:
    stale, fresh = Scripted(rset=ConnectionResetError()), Scripted()
    driver = scripted(stale, fresh)

    async def run() -> None:
        await driver.send(a_mail())
        await driver.send(a_mail())
        assert (stale.closed, fresh.closed) == (True, False)
        await driver.close()

    asyncio.run(run())

    assert fresh.closed


def test_a_send_that_is_cancelled_does_not_leave_its_connection_behind() -> None:
    class Hanging(Scripted):
        async def content(self, raw: bytes) -> tuple[int, str]:
            await asyncio.Event().wait()
            return 250, ""

    connection, next_one = Hanging(), Scripted()
    driver = scripted(connection, next_one)

    async def run() -> None:
        task = asyncio.create_task(driver.send(a_mail()))
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await driver.send(a_mail())

    asyncio.run(run())

    assert connection.closed


def test_a_secret_is_in_no_repr() -> None:
    driver = a_driver(a_config(username="u", password="hush-0815"))

    assert "hush-0815" not in f"{driver!r} {driver.config!r} {driver.config}"


# Driver and face


def in_process(face: SmtpFace, taken: list[Taken], fault: Fault | None = None) -> SmtpEmail:
    def take(sender: str, recipient: str, raw: bytes) -> tuple[int, str]:
        code, text, message = face.accept(sender, recipient, raw, now=NOW, new_id=IdSource("seed"), fault=fault)
        taken.extend([message] if message else [])
        return code, text

    async def connect() -> InProcessSmtp:
        return InProcessSmtp(take)

    driver = a_driver(a_config())
    driver.connect = connect
    return driver


def a_taken(face: SmtpFace, message: Message) -> Taken:
    taken: list[Taken] = []
    asyncio.run(in_process(face, taken).send(message))
    return taken[0]


def test_driver_and_face_understand_each_other() -> None:
    message = a_mail(
        html='<a href="https://shop.example/back">Back</a>', headers={"List-Unsubscribe": "<https://app.example/u/1>"}
    )

    taken = a_taken(SmtpFace({}), message)

    assert (taken.vendor_id, taken.recipient, taken.links) == (OWN_ID, "ann@example.com", ("https://shop.example/back",))
    assert taken.unsubscribe_url == "https://app.example/u/1"
    assert taken.text == "We miss you\nCome back\n"


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.UNREACHABLE,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.INVALID_SENDER,
        ErrorKind.AUTH,
        ErrorKind.RATE_LIMITED,
        ErrorKind.TEMPORARY,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    taken: list[Taken] = []
    driver = in_process(SmtpFace({}), taken, Fault(kind))

    assert asyncio.run(refusal(driver, a_mail())).kind is kind
    assert taken == []


@pytest.mark.parametrize(
    ("type_", "kind", "code"),
    [
        (EventType.DELIVERED, None, None),
        (EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT, "550 5.1.1"),
        (EventType.UNDELIVERED, ErrorKind.UNREACHABLE, "550 5.2.2"),
        (EventType.UNDELIVERED, ErrorKind.UNKNOWN, "550 5.0.0"),
        (EventType.COMPLAINED, None, None),
        (EventType.UNSUBSCRIBED, None, None),
    ],
)
def test_news_told_by_the_face_are_read(type_: EventType, kind: ErrorKind | None, code: str | None) -> None:
    face = SmtpFace({})
    taken = a_taken(face, a_mail())

    (callback,) = face.callbacks(taken, WorldEvent(type_, NOW, kind=kind), nonce="n1")
    (event,) = a_driver(a_config()).read_callback(callback).events

    assert (event.type, event.message_id, event.vendor_id) == (type_, "m1", OWN_ID)
    assert (event.address, event.at, event.kind, event.code) == ("ann@example.com", NOW, kind, code)
    assert event.vendor_event_id


# Reports


def a_report(fields: str, *, original: str = OWN_ID, extra: str = "") -> Callback:
    raw = (
        "From: MAILER-DAEMON@mx.example\r\nTo: bounces@shop.example\r\nMessage-ID: <r1@mx.example>\r\n"
        "Date: Fri, 20 Nov 2026 03:00:00 +0100\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\n\r\nSorry.\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx.example\r\n{extra}\r\n{fields}\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {original}\r\nSubject: We miss you\r\n\r\nbody\r\n--b--\r\n"
    )
    return Callback("POST", "https://app.example/c", httpx.Headers({"content-type": "message/rfc822"}), raw.encode(), NOW)


def block(action: str, status: str, diagnostic: str = "", recipient: str = "ann@example.com") -> str:
    lines = [f"Final-Recipient: rfc822; {recipient}", f"Action: {action}", f"Status: {status}"]
    return "\r\n".join([*lines, *([f"Diagnostic-Code: {diagnostic}"] if diagnostic else [])]) + "\r\n"


@pytest.mark.parametrize(
    ("fields", "type_", "kind", "code"),
    [
        (block("failed", "5.1.1", "smtp; 550 5.1.1 unknown"), EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT, "550 5.1.1"),
        (block("failed", "5.1.1", "smtp; 550 unknown"), EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT, "550 5.1.1"),
        (block("failed", "5.2.2"), EventType.UNDELIVERED, ErrorKind.UNREACHABLE, "5.2.2"),
        (block("failed", "4.4.7", "smtp; 451 4.4.1 no answer"), EventType.UNDELIVERED, ErrorKind.UNREACHABLE, "451 4.4.1"),
        (block("failed", "5.9.9"), EventType.UNDELIVERED, ErrorKind.UNKNOWN, "5.9.9"),
        (block("Failed", "5.7.1", "X-Postfix; refused"), EventType.UNDELIVERED, ErrorKind.BLOCKED_CONTENT, "5.7.1"),
        (block("delivered", "2.0.0"), EventType.DELIVERED, None, None),
        (block("relayed", "2.0.0"), EventType.SENT, None, None),
        (block("expanded", "2.0.0"), EventType.SENT, None, None),
        (block("delayed", "4.4.1"), EventType.ACCEPTED, None, None),
        (block("teleported", "2.0.0"), EventType.UNKNOWN, None, None),
    ],
)
def test_a_bounce_is_read(fields: str, type_: EventType, kind: ErrorKind | None, code: str | None) -> None:
    (event,) = a_driver(a_config()).read_callback(a_report(fields)).events

    assert (event.type, event.kind, event.code, event.message_id) == (type_, kind, code, "m1")
    assert event.at == NOW


def test_a_report_about_two_recipients_has_two_events() -> None:
    fields = f"{block('failed', '5.1.1')}\r\n{block('delivered', '2.0.0', recipient='bo@example.com')}"

    events = a_driver(a_config()).read_callback(a_report(fields)).events

    assert [(event.type, event.address) for event in events] == [
        (EventType.UNDELIVERED, "ann@example.com"),
        (EventType.DELIVERED, "bo@example.com"),
    ]
    assert len({event.vendor_event_id for event in events}) == 2


def test_an_id_made_elsewhere_is_no_message_of_ours() -> None:
    (event,) = a_driver(a_config()).read_callback(a_report(block("failed", "5.1.1"), original="<m1@other.example>")).events

    assert (event.message_id, event.vendor_id) == (None, "<m1@other.example>")


def test_the_original_id_is_found_in_an_extension_field() -> None:
    report = a_report(block("failed", "5.1.1"), original="", extra=f"Original-Message-ID: {OWN_ID}\r\n")

    assert a_driver(a_config()).read_callback(report).events[0].message_id == "m1"


def test_not_spam_is_no_news() -> None:
    face = SmtpFace({})
    (callback,) = face.callbacks(a_taken(face, a_mail()), WorldEvent(EventType.COMPLAINED, NOW), nonce="n1")
    body = callback.body.replace(b"Feedback-Type: abuse", b"Feedback-Type: not-spam")

    reading = a_driver(a_config()).read_callback(Callback("POST", callback.url, callback.headers, body, NOW))

    assert reading.events == ()


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe\x00", b"Subject: hi\r\n\r\nhello", b"Content-Type: multipart/report\r\n\r\n--"])
def test_any_other_mail_is_kept_as_unknown(raw: bytes) -> None:
    callback = Callback("POST", "https://app.example/c", httpx.Headers({"content-type": "message/rfc822"}), raw, NOW)

    (event,) = a_driver(a_config()).read_callback(callback).events

    assert (event.type, event.status) == (EventType.UNKNOWN, "mail")


def test_a_body_that_is_no_mail_is_refused() -> None:
    callback = Callback("POST", "https://app.example/c", httpx.Headers({"content-type": "application/json"}), b"{}", NOW)

    with pytest.raises(ForgedCallback) as caught:
        a_driver(a_config()).read_callback(callback)

    assert caught.value.status == 415
