"""E-mail as bytes: our content as a MIME message whose ASCII headers stay on one line.

Source: RFC 5322, RFC 8058 (one-click unsubscribe), RFC 2919 (List-Id), read 2026-11-22.
Quirk: Python folds a long List-Unsubscribe so that its value begins on the next line, which picky parsers misread.
Quirk: Python's folding of encoded words may lose a space between two, and the quotes of a name; so they are written here.
"""

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, formataddr, parseaddr
from html import escape

from recallgate import Attachment, Email, EmailAddress, ErrorKind, Message, Purpose, SendError
from recallgate_adapters.smtp_config import SmtpConfig

_LONGEST_LINE = 998
_NOT_ATEXT = re.compile(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]", re.ASCII)
_HEADER_NAME = re.compile(r"[!-9;-~]{1,76}", re.ASCII)
_BODY_TAG = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
# What `compose` writes itself, or what a relay adds; content must not replace it.
_OWN = frozenset(
    {"from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "mime-version"}
    | {"reply-to", "return-path", "received", "dkim-signature"}
)


class UnfoldedPolicy(EmailPolicy):
    """Headers of ASCII text on one line of at most 998 characters, other text as encoded words, the rest as `EmailPolicy`."""

    def fold(self, name: str, value: str) -> str:
        return self._written(name, value) or super().fold(name, value)

    def fold_binary(self, name: str, value: str) -> bytes:
        text = self._written(name, value)
        return text.encode("ascii") if text else super().fold_binary(name, value)

    def _written(self, name: str, value: str) -> str | None:
        line = f"{name}: {value}"
        if line.isascii() and line.isprintable() and len(line) <= _LONGEST_LINE:
            return f"{line}\r\n"
        if line.isascii() or hasattr(value, "params"):
            return None
        addresses: Sequence[Address] | None = getattr(value, "addresses", None)
        if addresses is None:
            return f"{name}: {_words(str(value), name)}\r\n"
        return f"{name}: {', '.join(_mailbox(address, name) for address in addresses)}\r\n"


def _words(text: str, name: str) -> str:
    return Header(text, "utf-8", header_name=name).encode(linesep="\r\n")


def _mailbox(address: Address, name: str) -> str:
    if address.display_name.isascii():
        return formataddr((address.display_name, address.addr_spec))
    return f"{_words(address.display_name, name)} <{address.addr_spec}>"


# 7bit: bodies are encoded where needed, so that the message passes servers without 8BITMIME.
POLICY = UnfoldedPolicy(linesep="\r\n", cte_type="7bit")


def message_id(message: Message, config: SmtpConfig) -> str:
    """The Message-ID, the same on each try: the only id that both sides know."""
    return f"<{_NOT_ATEXT.sub('-', message.id)}@{id_domain(config)}>"


def id_domain(config: SmtpConfig) -> str:
    return config.message_id_domain or parseaddr(config.sender)[1].rpartition("@")[2]


def recipient_of(message: Message) -> str:
    """The address for RCPT TO; a domain outside ASCII in its IDNA form."""
    if not isinstance(message.to, EmailAddress):
        raise SendError(ErrorKind.UNSUPPORTED, "address", "SMTP takes e-mail addresses only")
    return ascii_address(message.to.email)


def sender_address(sender: str) -> str:
    """The sender's address; a wrong one is the account's or the message's fault, not the recipient's."""
    try:
        return ascii_address(sender)
    except SendError as error:
        raise SendError(ErrorKind.INVALID_SENDER, "sender", error.detail) from None


def ascii_address(address: str) -> str:
    """The address in the form that goes over the wire without SMTPUTF8."""
    local, _, domain = address.rpartition("@")
    if not local or not domain or not address.isprintable():
        raise SendError(ErrorKind.INVALID_RECIPIENT, "address", "it is not local@domain in printable characters")
    if not local.isascii():
        raise SendError(ErrorKind.UNSUPPORTED, "smtputf8", "a local part outside ASCII needs SMTPUTF8, which is not spoken here")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        raise SendError(ErrorKind.INVALID_RECIPIENT, "address", "the domain is not a host name") from None


def compose(
    message: Message, config: SmtpConfig, *, message_id: str, date: datetime, unsubscribe_url: str | None = None
) -> EmailMessage:
    """The whole e-mail. Raises `SendError(UNSUPPORTED)` for what cannot be written, header injection among it.

    Headers of the content are set as they are. A marketing message without a List-Unsubscribe of its own gets one from
    `unsubscribe_url` and the account's mailto; with an https address in it List-Unsubscribe-Post is added (RFC 8058).
    """
    content = message.content
    if not isinstance(content, Email):
        raise SendError(ErrorKind.UNSUPPORTED, "content", f"SMTP takes email content, not {content.type}")
    mail = EmailMessage(policy=POLICY)
    try:
        for name, value in _headers(message, content, config, message_id, date, unsubscribe_url):
            mail[name] = value
        _fill(mail, content)
    except SendError:
        raise
    except (ValueError, LookupError, TypeError) as exc:
        # The text of the exception may repeat the header, and with it the address.
        raise SendError(ErrorKind.UNSUPPORTED, "headers", f"a header cannot be written ({type(exc).__name__})") from None
    return mail


def _headers(
    message: Message, content: Email, config: SmtpConfig, message_id: str, date: datetime, unsubscribe_url: str | None
) -> Iterator[tuple[str, str | Address]]:
    name = message.to.name if isinstance(message.to, EmailAddress) else None
    sender_name, sender = parseaddr(message.sender or config.sender)
    yield "From", Address(sender_name, addr_spec=sender_address(sender))
    yield "To", Address(name or "", addr_spec=recipient_of(message))
    yield "Subject", content.subject
    yield "Date", format_datetime(date)
    yield "Message-ID", message_id
    if reply_to := content.reply_to or config.reply_to:
        yield "Reply-To", reply_to
    given = {key.lower() for key in content.headers}
    for key, value in content.headers.items():
        if key.lower() in _OWN or key.lower().startswith("content-") or not _HEADER_NAME.fullmatch(key):
            raise SendError(ErrorKind.UNSUPPORTED, "headers", "a content header has a name that the message itself sets")
        yield key, value
    if config.feedback_id and "feedback-id" not in given:
        yield "Feedback-ID", _feedback_id(message, config.feedback_id)
    if message.purpose is Purpose.MARKETING and config.list_id and "list-id" not in given:
        yield "List-Id", f"<{config.list_id.strip('<>')}>"
    unsubscribe = next((value for key, value in content.headers.items() if key.lower() == "list-unsubscribe"), None)
    if unsubscribe is None and message.purpose is Purpose.MARKETING:
        mailto = f"mailto:{config.unsubscribe_mailto}" if config.unsubscribe_mailto else None
        unsubscribe = ", ".join(f"<{uri}>" for uri in (unsubscribe_url, mailto) if uri)
        if unsubscribe:
            yield "List-Unsubscribe", unsubscribe
    if unsubscribe and "<https://" in unsubscribe and "list-unsubscribe-post" not in given:
        yield "List-Unsubscribe-Post", "List-Unsubscribe=One-Click"


def _feedback_id(message: Message, sender: str) -> str:
    """Campaign, step, purpose and sender: four fields by which receivers count complaints."""
    origin = message.origin
    fields = ((origin.campaign if origin else None) or "-", (origin.step if origin else None) or "-", message.purpose, sender)
    return ":".join(re.sub(r"[^!-9;-~]", "_", field) for field in fields)


def _fill(mail: EmailMessage, content: Email) -> None:
    html = content.html
    if content.preheader is not None:
        if html is None:
            raise SendError(ErrorKind.UNSUPPORTED, "preheader", "a preheader needs an html body")
        html = _with_preheader(html, content.preheader)
    if content.text is not None:
        mail.set_content(content.text)
    if html is not None and content.text is not None:
        mail.add_alternative(html, subtype="html")
    elif html is not None:
        mail.set_content(html, subtype="html")
    for attachment in content.attachments:
        _attach(mail, attachment)


def _attach(mail: EmailMessage, attachment: Attachment) -> None:
    maintype, _, subtype = attachment.media_type.partition("/")
    try:
        data = base64.b64decode(attachment.data, validate=True)
    except (ValueError, binascii.Error):
        raise SendError(ErrorKind.UNSUPPORTED, "attachments", "the data of an attachment is not base64") from None
    if not re.fullmatch(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", attachment.media_type, re.ASCII) or maintype in ("multipart", "message"):
        raise SendError(ErrorKind.UNSUPPORTED, "attachments", "the media type of an attachment is not type/subtype of a file")
    mail.add_attachment(data, maintype=maintype, subtype=subtype, filename=attachment.filename)


def _with_preheader(html: str, preheader: str) -> str:
    """The preheader as the first words of the body, which lists show and the opened mail hides."""
    hidden = f'<div style="display:none;max-height:0;overflow:hidden">{escape(preheader)}</div>'
    body = _BODY_TAG.search(html)
    at = body.end() if body else 0
    return f"{html[:at]}{hidden}{html[at:]}"
