"""A submission server without a socket, and the bounces and complaints that it mails back.

Source: RFC 5321, RFC 3464, RFC 5965, read 2026-11-22.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.utils import format_datetime

import httpx

from recallgate import Callback, ErrorKind, EventType, Fault, IdSource, Taken, VendorFace, WorldEvent
from recallgate_adapters.faces.smtp_mail import read_mail

_LINK = re.compile(r"https?://[^\s\"'<>)]+")
_UNSUBSCRIBE = re.compile(r"<(https://[^>]+)>")
_PATH = re.compile(r"(MAIL FROM|RCPT TO):<([^<>\s]*)>", re.IGNORECASE)

# kind -> reply code and text; code 0 is a connection that breaks before the reply
_REFUSALS: Mapping[ErrorKind, tuple[int, str]] = {
    ErrorKind.INVALID_RECIPIENT: (550, "5.1.1 User unknown"),
    ErrorKind.UNREACHABLE: (552, "5.2.2 Mailbox full"),
    ErrorKind.BLOCKED_CONTENT: (550, "5.7.1 Message refused by policy"),
    ErrorKind.PAYLOAD_TOO_LARGE: (552, "5.3.4 Message too big for system"),
    ErrorKind.INVALID_SENDER: (550, "5.7.26 Unauthenticated mail is not accepted"),
    ErrorKind.AUTH: (535, "5.7.8 Authentication credentials invalid"),
    ErrorKind.RATE_LIMITED: (450, "4.7.28 Sending rate exceeded"),
    ErrorKind.TEMPORARY: (451, "4.3.0 Try again later"),
    ErrorKind.UNAVAILABLE: (421, "4.3.2 Service closing transmission channel"),
    ErrorKind.UNCERTAIN: (0, "connection lost"),
}
_FAILURES: Mapping[ErrorKind | None, str] = {
    ErrorKind.INVALID_RECIPIENT: "5.1.1",
    ErrorKind.UNREACHABLE: "5.2.2",
    ErrorKind.BLOCKED_CONTENT: "5.7.1",
    ErrorKind.PAYLOAD_TOO_LARGE: "5.3.4",
    ErrorKind.INVALID_SENDER: "5.7.26",
}


class SmtpFace(VendorFace):
    """A server that takes any mail with a From and a Message-ID; not HTTP, so `accept` stands for `answer`."""

    adapter = "smtp.email"

    def accept(
        self, envelope_from: str, recipient: str, raw: bytes, *, now: datetime, new_id: IdSource, fault: Fault | None = None
    ) -> tuple[int, str, Taken | None]:
        """Reply code, text and the message taken; code 0 means that the connection breaks before any reply."""
        if fault is not None:
            code, text = _REFUSALS.get(fault.kind, (554, "5.0.0 Transaction failed"))
            return code, text, None
        mail = read_mail(raw)
        vendor_id = mail.header("message-id")
        if not vendor_id or not mail.header("from"):
            return 550, "5.7.1 Message-ID and From are needed", None
        subject = mail.header("subject")
        forms = [text for text in (mail.plain, mail.html) if text is not None]
        offered = _UNSUBSCRIBE.search(mail.header("list-unsubscribe"))
        taken = Taken(
            vendor_id,
            recipient,
            "email",
            f"{subject}\n{forms[0] if forms else ''}",
            tuple(dict.fromkeys(_LINK.findall("\n".join(forms)))),
            callback_url=self.config.get("callback_url"),
            unsubscribe_url=offered[1] if offered else None,
            data={"envelope_from": envelope_from, "subject": subject},
        )
        queue_id = new_id.hex(vendor_id, recipient, now.isoformat(), length=12).upper()
        return 250, f"2.0.0 Ok: queued as {queue_id}", taken

    def callbacks(self, taken: Taken, news: WorldEvent, *, nonce: str) -> Sequence[Callback]:
        """A bounce for DELIVERED and UNDELIVERED, an abuse report for COMPLAINED, an opt-out for UNSUBSCRIBED; as mail."""
        match news.type:
            case EventType.DELIVERED | EventType.UNDELIVERED:
                raw = _bounce(taken, news, nonce)
            case EventType.COMPLAINED | EventType.UNSUBSCRIBED:
                raw = _complaint(taken, news, nonce)
            case _:
                return ()
        url = taken.callback_url or self.config.get("callback_url") or "http://localhost/"
        return [Callback("POST", url, httpx.Headers({"content-type": "message/rfc822"}), raw, news.at)]


class InProcessSmtp:
    """A connection to a face: what the driver calls on a real one, without a socket.

    `take(envelope_from, recipient, raw)` answers reply code and text, as `SmtpFace.accept` does; code 0 breaks the
    connection after the message.
    """

    def __init__(self, take: Callable[[str, str, bytes], tuple[int, str]]) -> None:
        self._take = take
        self._sender: str | None = None
        self._recipient: str | None = None
        self._open = True

    async def command(self, line: str) -> tuple[int, str]:
        if not self._open:
            raise ConnectionResetError("the connection is closed")
        path = _PATH.fullmatch(line)
        if path and path[1].upper() == "MAIL FROM":
            self._sender, self._recipient = path[2], None
            return 250, "2.1.0 Ok"
        if path:
            if self._sender is None:
                return 503, "5.5.1 MAIL first"
            self._recipient = path[2]
            return 250, "2.1.5 Ok"
        if line == "RSET":
            self._sender = self._recipient = None
            return 250, "2.0.0 Ok"
        if line == "DATA":
            return (354, "End data with <CR><LF>.<CR><LF>") if self._recipient else (503, "5.5.1 RCPT first")
        if line == "QUIT":
            self.close()
            return 221, "2.0.0 Bye"
        return 500, "5.5.2 Command unrecognized"

    async def content(self, raw: bytes) -> tuple[int, str]:
        if not self._open or self._sender is None or self._recipient is None:
            raise ConnectionResetError("the connection is closed")
        code, text = self._take(self._sender, self._recipient, raw)
        self._sender = self._recipient = None
        if code == 0:
            self.close()
            raise ConnectionResetError("the connection broke before the reply")
        return code, text

    def close(self) -> None:
        self._open = False


def _report(taken: Taken, news: WorldEvent, nonce: str, kind: str, fields: str) -> bytes:
    """A multipart/report about one message: words, the machine's part, and the headers of the message."""
    return (
        "From: mailer-daemon@mx.example\r\n"
        f"To: {taken.data.get('envelope_from') or 'postmaster@mx.example'}\r\n"
        f"Message-ID: <{nonce}@mx.example>\r\nDate: {format_datetime(news.at)}\r\nSubject: About your message\r\n"
        f'MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type={kind}; boundary="=_{nonce}"\r\n\r\n'
        f"--=_{nonce}\r\nContent-Type: text/plain\r\n\r\nThis is a report about a message that you sent.\r\n"
        f"--=_{nonce}\r\nContent-Type: message/{kind}\r\n\r\n{fields}\r\n"
        f"--=_{nonce}\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {taken.vendor_id}\r\n\r\n"
        f"--=_{nonce}--\r\n"
    ).encode()


def _bounce(taken: Taken, news: WorldEvent, nonce: str) -> bytes:
    failed = news.type is EventType.UNDELIVERED
    status = _FAILURES.get(news.kind, "5.0.0") if failed else "2.0.0"
    fields = (
        f"Reporting-MTA: dns; mx.example\r\n\r\nFinal-Recipient: rfc822; {taken.recipient}\r\n"
        f"Action: {'failed' if failed else 'delivered'}\r\nStatus: {status}\r\n"
        f"Last-Attempt-Date: {format_datetime(news.at)}\r\n"
    )
    if failed:
        fields += f"Diagnostic-Code: smtp; 550 {status} refused\r\n"
    return _report(taken, news, nonce, "delivery-status", fields)


def _complaint(taken: Taken, news: WorldEvent, nonce: str) -> bytes:
    word = "abuse" if news.type is EventType.COMPLAINED else "opt-out"
    fields = f"Feedback-Type: {word}\r\nUser-Agent: MxExample/1.0\r\nVersion: 1\r\nOriginal-Rcpt-To: <{taken.recipient}>\r\n"
    return _report(taken, news, nonce, "feedback-report", fields)
