"""E-mail by SMTP submission: MAIL FROM, RCPT TO, DATA over a few kept connections.

Source: RFC 5321, RFC 3463 and the enhanced status codes registered with IANA, read 2026-11-22.
Quirk: a reply may lack the enhanced code; then the reply code and the command it answers decide.
Quirk: the message is taken with the reply to the final dot; a break while waiting for it leaves everything open.
Quirk: the queue id in the reply is for logs only; the one id both sides know is our Message-ID.
Quirk: greylisting (451 4.7.1) wants another try after some minutes, not at once.
Quirk: there is no idempotency; the Message-ID stays the same on each try, so that receivers can drop doubles.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from recallgate import (
    Callback,
    CallbackReading,
    Capabilities,
    Driver,
    ErrorKind,
    ForgedCallback,
    Message,
    Receipt,
    SendError,
    Tools,
    channels,
)
from recallgate_adapters._shared import mask_digits
from recallgate_adapters.smtp_codes import ERRORS, REPORT_ERRORS, STATUSES, kind_of, reply_code
from recallgate_adapters.smtp_config import SmtpConfig, SmtpOptions
from recallgate_adapters.smtp_message import compose, id_domain, message_id, recipient_of, sender_address
from recallgate_adapters.smtp_mime import parse_mailbox
from recallgate_adapters.smtp_report import read_report

if TYPE_CHECKING:
    from aiosmtplib import SMTP, SMTPResponse

GREYLISTED = timedelta(minutes=5)
_MAILBOX = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")


class Connection(Protocol):
    """A greeted, authenticated connection. A break raises `OSError`; refusals are replies.

    `command` sends one line and answers reply code and text. `content` sends a message after a 354, with the final dot.
    """

    async def command(self, line: str) -> tuple[int, str]: ...

    async def content(self, raw: bytes) -> tuple[int, str]: ...

    def close(self) -> None: ...


class SmtpEmail(Driver):
    """E-mail through a submission server; `connect` makes a connection and can be replaced by one without a socket."""

    vendor, channel = "smtp", channels.EMAIL
    needs = {"aiosmtplib": "recallgate[email]"}
    Config, Options = SmtpConfig, SmtpOptions
    errors, report_errors, statuses = ERRORS, REPORT_ERRORS, STATUSES
    capabilities = Capabilities(callbacks="secret_path", reports=True)
    config: SmtpConfig

    def __init__(self, config: SmtpConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.connect: Callable[[], Awaitable[Connection]] = lambda: _connect(config)
        self._idle: list[Connection] = []
        self._slots = asyncio.Semaphore(config.max_connections)

    async def send(self, message: Message) -> Receipt:
        """Send one e-mail; a break before the final dot is UNAVAILABLE (not sent), after it UNCERTAIN."""
        options: SmtpOptions = self.options(message)
        own_id = message_id(message, self.config)
        raw = compose(message, self.config, message_id=own_id, date=self.tools.now(), unsubscribe_url=options.unsubscribe_url)
        sender = self.config.envelope_sender or message.sender or self.config.sender
        async with self._slots:
            connection = await self._acquire()
            healthy = False
            try:
                text = await self._submit(connection, sender_address(parse_mailbox(sender)[1]), recipient_of(message), raw)
                healthy = True
            except SendError as error:
                healthy = error.kind is not ErrorKind.UNCERTAIN and error.code is not None and not error.code.startswith("421")
                raise
            except OSError as exc:
                raise SendError(ErrorKind.UNAVAILABLE, "connection", f"broken before the message ({_name(exc)})") from None
            finally:
                if healthy:
                    self._idle.append(connection)
                else:
                    connection.close()
        return Receipt(message_id=message.id, vendor_id=own_id, note=_masked(text))

    async def close(self) -> None:
        while self._idle:
            connection = self._idle.pop()
            try:
                await connection.command("QUIT")
            except OSError:
                pass
            finally:
                connection.close()

    def read_callback(self, callback: Callback) -> CallbackReading:
        """A bounce or complaint that was piped to us as message/rfc822; the secret in the path proves where it is from."""
        media_type = callback.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "message/rfc822":
            raise ForgedCallback("the body is not a mail: post it as message/rfc822", status=415)
        return CallbackReading(events=read_report(callback.body, domain=id_domain(self.config)))

    async def _submit(self, connection: Connection, sender: str, recipient: str, raw: bytes) -> str:
        """The words of the server that took the message."""
        for line, stage in ((f"MAIL FROM:<{sender}>", "mail"), (f"RCPT TO:<{recipient}>", "rcpt")):
            self._check(await connection.command(line), stage, wanted=(250, 251, 252))
        self._check(await connection.command("DATA"), "data", wanted=(354,))
        try:
            reply = await connection.content(raw)
        except OSError as exc:
            raise SendError(ErrorKind.UNCERTAIN, "connection", f"broken after the message ({_name(exc)})") from None
        self._check(reply, "content", wanted=(250, 251, 252))
        return reply[1]

    def _check(self, reply: tuple[int, str], stage: str, *, wanted: tuple[int, ...]) -> None:
        if reply[0] not in wanted:
            raise self._refusal(reply, stage)

    def _refusal(self, reply: tuple[int, str], stage: str) -> SendError:
        code = reply_code(*reply)
        retry_at = self.tools.now() + GREYLISTED if code == "451 4.7.1" else None
        return SendError(kind_of(code, ERRORS, stage=stage), code, _masked(reply[1]), retry_at=retry_at)

    async def _acquire(self) -> Connection:
        """A kept connection that still answers, else a new one. Nothing was sent when this fails."""
        while self._idle:
            connection = self._idle.pop()
            try:
                if (await connection.command("RSET"))[0] == 250:
                    return connection
            except OSError:
                pass
            except BaseException:
                connection.close()
                raise
            connection.close()
        try:
            return await self.connect()
        except _Greeting as refused:
            raise self._refusal(refused.reply, "connect") from None
        except OSError as exc:
            raise SendError(ErrorKind.UNAVAILABLE, "connection", f"no connection to the server ({_name(exc)})") from None


class _Greeting(Exception):  # noqa: N818 - reads as what happened
    """The server answered before any message, and refused."""

    def __init__(self, reply: tuple[int, str]) -> None:
        super().__init__("the server refused the connection or the login")
        self.reply = reply


class _Socket:
    """A connection of aiosmtplib, driven command by command so that the final dot is a step of its own."""

    def __init__(self, client: "SMTP", timeout_s: float) -> None:
        self._client, self._timeout_s = client, timeout_s

    async def command(self, line: str) -> tuple[int, str]:
        return await _heard(self._client.execute_command(line.encode("ascii")))

    async def content(self, raw: bytes) -> tuple[int, str]:
        protocol = self._client.protocol
        if protocol is None:
            raise ConnectionResetError("the connection is closed")
        stuffed = re.sub(rb"(?m)^\.", b"..", raw)
        protocol.write(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return await _heard(protocol.read_response(timeout=self._timeout_s))

    def close(self) -> None:
        self._client.close()


async def _heard(reply: "Awaitable[SMTPResponse]") -> tuple[int, str]:
    """Code and text of a reply; what cannot be read as one counts as a break."""
    from aiosmtplib import SMTPException

    try:
        code, text = await reply
    except SMTPException as exc:
        if isinstance(exc, OSError):
            raise
        raise ConnectionResetError("the reply cannot be read") from None
    return code, text


async def _connect(config: SmtpConfig) -> Connection:
    """Greet, secure, log in. Raises `OSError` when there is no way, `_Greeting` when the server refuses."""
    import ssl

    import aiosmtplib

    secured = config.security != "none"
    client = aiosmtplib.SMTP(
        hostname=config.host,
        port=config.port,
        username=config.username,
        password=config.password.get_secret_value() if config.password else None,
        timeout=config.timeout_s,
        use_tls=config.security == "tls",
        start_tls=config.security == "starttls",
        tls_context=ssl.create_default_context(cafile=config.ca_file) if secured else None,
    )
    try:
        await client.connect()
        await client.ehlo()
    except aiosmtplib.SMTPResponseException as exc:
        client.close()
        raise _Greeting((exc.code, exc.message)) from None
    except aiosmtplib.SMTPException as exc:
        client.close()
        if isinstance(exc, OSError):
            raise
        # Neither a break nor a reply: the server lacks STARTTLS or AUTH, which a setting must cure.
        raise SendError(ErrorKind.AUTH, "security", "the server offers no STARTTLS or no login; see `security`") from None
    except BaseException:
        client.close()
        raise
    return _Socket(client, config.timeout_s)


def _name(exc: BaseException) -> str:
    return type(exc).__name__


def _masked(text: str) -> str:
    """A server's words without addresses and long numbers."""
    return mask_digits(_MAILBOX.sub("…", " ".join(text.split())))[:200]
