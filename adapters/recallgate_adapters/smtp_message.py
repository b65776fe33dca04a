"""E-mail as bytes: our content as a MIME message whose ASCII headers stay on one line.

Source: RFC 5322, RFC 8058 (one-click unsubscribe), RFC 2919 (List-Id), read 2026-11-22.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from datetime import datetime
from email.errors import MessageError
from email.utils import format_datetime, getaddresses
from functools import lru_cache
from html import escape

from recallgate import Attachment, Email, EmailAddress, ErrorKind, Message, Purpose, SendError
from recallgate_adapters.smtp_config import SmtpConfig
from recallgate_adapters.smtp_mime import (
    Part,
    check_line,
    file_part,
    header,
    mailbox,
    multipart,
    parse_mailbox,
    text_header,
    text_part,
)

_NOT_ATEXT = re.compile(r"[^A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]", re.ASCII)
_HEADER_NAME = re.compile(r"[!-9;-~]{1,76}", re.ASCII)
_BODY_TAG = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
# What `compose` writes itself, or what a relay adds; content must not replace it.
_OWN = frozenset(
    {"from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "mime-version"}
    | {"reply-to", "return-path", "received", "dkim-signature"}
)


def message_id(message: Message, config: SmtpConfig) -> str:
    """The Message-ID, the same on each try: the only id that both sides know."""
    return f"<{_NOT_ATEXT.sub('-', message.id)}@{id_domain(config)}>"


def id_domain(config: SmtpConfig) -> str:
    return config.message_id_domain or parse_mailbox(config.sender)[1].rpartition("@")[2]


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
        return f"{local}@{_ascii_domain(domain)}"
    except UnicodeError:
        raise SendError(ErrorKind.INVALID_RECIPIENT, "address", "the domain is not a host name") from None


@lru_cache(maxsize=4096)  # most of a campaign's addresses are with a few providers
def _ascii_domain(domain: str) -> str:
    return domain.encode("idna").decode()


@lru_cache(maxsize=16)  # mails of one moment have one date, which shows whole seconds
def _date(instant: datetime) -> str:
    return format_datetime(instant)


def compose(
    message: Message, config: SmtpConfig, *, message_id: str, date: datetime, unsubscribe_url: str | None = None
) -> bytes:
    """The whole e-mail. Raises `SendError(UNSUPPORTED)` for what cannot be written, header injection among it.

    Headers of the content are set as they are. A marketing message without a List-Unsubscribe of its own gets one from
    `unsubscribe_url` and the account's mailto; with an https address in it List-Unsubscribe-Post is added (RFC 8058).
    """
    content = message.content
    if not isinstance(content, Email):
        raise SendError(ErrorKind.UNSUPPORTED, "content", f"SMTP takes email content, not {content.type}")
    try:
        lines = list(_headers(message, content, config, message_id, date, unsubscribe_url))
        body = _body(content)
        return bytes(Part((*lines, *body.headers, "MIME-Version: 1.0"), body.body))
    except SendError:
        raise
    except (ValueError, LookupError, TypeError, MessageError) as exc:
        # The text of the exception may repeat the header, and with it the address.
        raise SendError(ErrorKind.UNSUPPORTED, "headers", f"a header cannot be written ({type(exc).__name__})") from None


def _headers(
    message: Message, content: Email, config: SmtpConfig, message_id: str, date: datetime, unsubscribe_url: str | None
) -> Iterator[str]:
    name = message.to.name if isinstance(message.to, EmailAddress) else None
    sender_name, sender = parse_mailbox(message.sender or config.sender)
    yield f"From: {mailbox(sender_name, sender_address(sender), column=6)}"
    yield f"To: {mailbox(name or '', recipient_of(message), column=4)}"
    yield text_header("Subject", content.subject)
    yield f"Date: {_date(date.replace(microsecond=0))}"
    yield header("Message-ID", message_id)
    if reply_to := content.reply_to or config.reply_to:
        yield _reply_to(reply_to)
    given = {key.lower(): value for key, value in content.headers.items()}
    for key, value in content.headers.items():
        if key.lower() in _OWN or key.lower().startswith("content-") or not _HEADER_NAME.fullmatch(key):
            raise SendError(ErrorKind.UNSUPPORTED, "headers", "a content header has a name that the message itself sets")
        yield header(key, value)
    if config.feedback_id and "feedback-id" not in given:
        yield header("Feedback-ID", _feedback_id(message, config.feedback_id))
    if message.purpose is Purpose.MARKETING and config.list_id and "list-id" not in given:
        yield header("List-Id", f"<{config.list_id.strip('<>')}>")
    unsubscribe = given.get("list-unsubscribe")
    if unsubscribe is None and message.purpose is Purpose.MARKETING:
        mailto = f"mailto:{config.unsubscribe_mailto}" if config.unsubscribe_mailto else None
        unsubscribe = ", ".join(f"<{uri}>" for uri in (unsubscribe_url, mailto) if uri)
        if unsubscribe:
            yield header("List-Unsubscribe", unsubscribe)
    if unsubscribe and "<https://" in unsubscribe and "list-unsubscribe-post" not in given:
        yield "List-Unsubscribe-Post: List-Unsubscribe=One-Click"


def _reply_to(value: str) -> str:
    """The header as it is when it is ASCII; names outside ASCII as encoded words, domains in their IDNA form."""
    if value.isascii():
        return header("Reply-To", value)
    check_line(value)
    try:
        mailboxes = [mailbox(name, ascii_address(address), column=10) for name, address in getaddresses([value])]
    except SendError:
        # `ascii_address` would blame the recipient.
        raise SendError(ErrorKind.UNSUPPORTED, "headers", "Reply-To is not an e-mail address") from None
    return "Reply-To: " + ",\r\n ".join(mailboxes)


def _feedback_id(message: Message, sender: str) -> str:
    """Campaign, step, purpose and sender: four fields by which receivers count complaints."""
    origin = message.origin
    fields = ((origin.campaign if origin else None) or "-", (origin.step if origin else None) or "-", message.purpose, sender)
    return ":".join(re.sub(r"[^!-9;-~]", "_", field) for field in fields)


def _body(content: Email) -> Part:
    """Text, then html as its alternative, then the files."""
    html = content.html
    if content.preheader is not None:
        if html is None:
            raise SendError(ErrorKind.UNSUPPORTED, "preheader", "a preheader needs an html body")
        html = with_preheader(html, content.preheader)
    forms = [text_part(text, kind) for text, kind in ((content.text, "plain"), (html, "html")) if text is not None]
    body = forms[0] if len(forms) == 1 else multipart("alternative", forms)
    if content.attachments:
        body = multipart("mixed", [body, *(_attached(attachment) for attachment in content.attachments)])
    return body


def _attached(attachment: Attachment) -> Part:
    maintype = attachment.media_type.partition("/")[0]
    try:
        data = base64.b64decode(attachment.data, validate=True)
    except (ValueError, binascii.Error):
        raise SendError(ErrorKind.UNSUPPORTED, "attachments", "the data of an attachment is not base64") from None
    if not re.fullmatch(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", attachment.media_type, re.ASCII) or maintype in ("multipart", "message"):
        raise SendError(ErrorKind.UNSUPPORTED, "attachments", "the media type of an attachment is not type/subtype of a file")
    return file_part(data, attachment.media_type, attachment.filename)


def with_preheader(html: str, preheader: str) -> str:
    """The preheader as the first words of the body, which lists show and the opened mail hides."""
    hidden = f'<div style="display:none;max-height:0;overflow:hidden">{escape(preheader)}</div>'
    body = _BODY_TAG.search(html)
    at = body.end() if body else 0
    return f"{html[:at]}{hidden}{html[at:]}"
