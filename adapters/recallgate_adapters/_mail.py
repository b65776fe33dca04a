"""What adapters of e-mail services share: a message taken apart into addresses, words, headers and files.

Source: RFC 5322, RFC 8058 (one-click unsubscribe), read 2026-11-22.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import Any

from recallgate import Attachment, Callback, Email, EmailAddress, ErrorKind, ForgedCallback, Message, SendError, Template
from recallgate_adapters._shared import mask_digits, unsupported
from recallgate_adapters.smtp_message import ascii_address, sender_address, with_preheader
from recallgate_adapters.smtp_mime import parse_mailbox

# Under this name our message id travels with a mail and comes back in the vendor's events.
ID_KEY = "rg_id"
_ATOMS = re.compile(r"[^\s\"(),.:;<>@\[\]\\]+(?: [^\s\"(),.:;<>@\[\]\\]+)*")
_MAILBOX = re.compile(r"<?[^\s<>@\"']+@[^\s<>@\"']+>?")
_HEADER_NAME = re.compile(r"[!-9;-~]{1,76}", re.ASCII)
_SAFE_ID = re.compile(r"[A-Za-z0-9_.@-]{1,256}", re.ASCII)
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+", re.ASCII)
# What the service writes itself; a header of the content must not replace it.
_OWN = frozenset(
    {"from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "mime-version", "reply-to"}
    | {"return-path", "received", "dkim-signature"}
)


@dataclass(frozen=True)
class Mailbox:
    """An address with the name that is shown for it; the domain is in its ASCII form."""

    address: str
    name: str = ""

    def __str__(self) -> str:
        if not self.name:
            return self.address
        if _ATOMS.fullmatch(self.name):
            return f"{self.name} <{self.address}>"
        escaped = self.name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{self.address}>'


@dataclass(frozen=True)
class Mail:
    """An e-mail as services want it told: at least one of `text` and `html`, headers on one line each, files checked."""

    subject: str
    text: str | None
    html: str | None
    reply_to: str | None
    headers: Mapping[str, str]
    attachments: tuple[Attachment, ...]


def sender_of(message: Message, sender: str | None) -> Mailbox:
    """The mailbox that a message comes from: its own sender, else the account's."""
    written = message.sender or sender
    if not written:
        raise SendError(ErrorKind.INVALID_SENDER, "sender", "no sender: set sender on the account, or message.sender")
    name, address = parse_mailbox(written)
    return Mailbox(sender_address(address), name)


def recipient_of(message: Message) -> Mailbox:
    if not isinstance(message.to, EmailAddress):
        raise SendError(ErrorKind.UNSUPPORTED, "address", f"to: an e-mail address is needed, not {message.to.type}")
    return Mailbox(ascii_address(message.to.email), message.to.name or "")


def mail_of(message: Message, *, adapter: str, reply_to: str | None = None) -> Mail:
    """The e-mail in a message; raises `SendError(UNSUPPORTED)` for another content, and for what cannot be written.

    A List-Unsubscribe with an https address gets the header beside it that makes it one click (RFC 8058).
    """
    content = message.content
    if not isinstance(content, Email):
        raise unsupported(message, adapter, "an email")
    html = content.html
    if content.preheader is not None:
        if html is None:
            raise SendError(ErrorKind.UNSUPPORTED, "preheader", "a preheader needs an html body")
        html = with_preheader(html, content.preheader)
    headers = dict(content.headers)
    for name in headers:
        if name.lower() in _OWN or name.lower().startswith("content-") or not _HEADER_NAME.fullmatch(name):
            raise SendError(ErrorKind.UNSUPPORTED, "headers", "a content header has a name that the message itself sets")
    given = {name.lower(): value for name, value in headers.items()}
    if "<https://" in given.get("list-unsubscribe", "") and "list-unsubscribe-post" not in given:
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    for attachment in content.attachments:
        _check(attachment)
    return Mail(content.subject, content.text, html, content.reply_to or reply_to, headers, content.attachments)


def template_of(message: Message, templates: Mapping[str, str]) -> tuple[str, dict[str, str]] | None:
    """The vendor's name for a template, as the account knows it, and its variables; None for another content."""
    if not isinstance(message.content, Template):
        return None
    return templates.get(message.content.template, message.content.template), dict(message.content.variables)


def content_key(message: Message) -> object:
    """What messages of one batch share: sender, options, and a content whose template variables may differ."""
    content = message.content
    return content.template if isinstance(content, Template) else content, message.sender, message.options


def one_content(messages: Sequence[Message]) -> None:
    """Raise `SendError(UNSUPPORTED)` unless all messages of a batch have one content."""
    shared = content_key(messages[0])
    if any(content_key(message) != shared for message in messages):
        raise SendError(ErrorKind.UNSUPPORTED, "batch", "the messages of a batch have one content and one sender")


def for_all(error: SendError, messages: Sequence[Message]) -> SendError:
    """The refusal of a whole batch as that of each message: what is said of one address is not said of the others."""
    if len(messages) == 1 or error.kind not in (ErrorKind.INVALID_RECIPIENT, ErrorKind.OPTED_OUT, ErrorKind.UNREACHABLE):
        return error
    return SendError(ErrorKind.TEMPORARY, error.code, "an address in the batch was refused and nothing was sent; send one by one")


def instant_of(seconds: object) -> datetime | None:
    """An instant written as whole or broken seconds since 1970, as a number or a text; None for anything else."""
    try:
        return datetime.fromtimestamp(float(str(seconds)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def safe_id(message: Message) -> str | None:
    """Our message id where it may travel as a tag; one with other characters is found by the vendor's id alone."""
    return message.id if _SAFE_ID.fullmatch(message.id) else None


def mask_mail(words: object) -> str:
    """A vendor's words without addresses and long numbers."""
    return mask_digits(_MAILBOX.sub("…", " ".join(str(words or "").split())))


def is_mailbox(value: str | None) -> str | None:
    """For config fields: an address, with or without a name; raises `ValueError` for anything else."""
    if value is not None:
        address = parseaddr(value)[1]
        if "@" not in address.strip("@") or not value.isprintable() or " " in address:
            raise ValueError("write name@domain or Name <name@domain>")
    return value


def read_document(callback: Callback, vendor: str) -> Any:
    """The JSON of a callback; raises `ForgedCallback` for a body that is none."""
    try:
        return json.loads(callback.body)
    except ValueError:
        raise ForgedCallback(f"{vendor}: the body is not JSON", status=400) from None


def _check(attachment: Attachment) -> None:
    try:
        base64.b64decode(attachment.data, validate=True)
    except (ValueError, binascii.Error):
        raise SendError(ErrorKind.UNSUPPORTED, "attachments", "the data of an attachment is not base64") from None
    if not _MEDIA_TYPE.fullmatch(attachment.media_type):
        raise SendError(ErrorKind.UNSUPPORTED, "attachments", "the media type of an attachment is not type/subtype")
