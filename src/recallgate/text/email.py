"""Limits of an e-mail: its visible head, its size, and the way out that marketing must have."""

import re

from recallgate.model.content import Email
from recallgate.text.findings import Finding

MAX_SUBJECT = 78  # characters that fit on a header line, RFC 5322 2.1.1
SHOWN_SUBJECT = 50
CLIPPED_BYTES = 102 * 1024  # the largest mailbox provider hides what comes after, with it the way out
MAX_BYTES = 10 * 1024 * 1024  # of the whole mail as it is sent, base64 included; a size that every provider takes


def check_subject(subject: str) -> tuple[Finding, ...]:
    """Whether a subject is one line that is shown whole."""
    if not subject.strip():
        return (Finding("error", "subject.empty", "the mail has no subject"),)
    found = []
    if any(ord(char) < 32 or char in "\x7f\x85\u2028\u2029" for char in subject):
        found.append(Finding("error", "subject.control", "the subject has a line break or control character"))
    if len(subject) > MAX_SUBJECT:
        found.append(Finding("warning", "subject.long", f"{len(subject)} characters; beyond {MAX_SUBJECT} it is folded"))
    elif len(subject) > SHOWN_SUBJECT:
        found.append(Finding("info", "subject.cut", f"{len(subject)} characters; telephones show about {SHOWN_SUBJECT}"))
    return tuple(found)


_WAY_OUT = re.compile(r"unsubscribe|opt[ -]?out|\[\[unsubscribe\]\]|退订|取消订阅", re.I)
_TAGS = re.compile(r"<(?:style|script)\b.*?</(?:style|script)>|<[^>]*>|&\w+;|\s", re.I | re.S)


def check_email(content: Email, *, purpose: str, way_out_added: bool = False) -> tuple[Finding, ...]:
    """Everything found about a mail. `way_out_added`: the gateway puts an unsubscribe link and header on marketing mail."""
    found = [*check_subject(content.subject)]
    html, text = content.html, content.text
    if html is not None:
        if (size := len(html.encode())) > CLIPPED_BYTES:
            found.append(Finding("warning", "mail.clipped", f"{size // 1024} KiB of HTML; beyond 102 KiB it is hidden"))
        if text is None:
            found.append(Finding("warning", "mail.no_text", "the mail has no plain text; some people and most filters read that"))
        if not _TAGS.sub("", html) and "<img" in html.lower():
            found.append(Finding("warning", "mail.images_only", "the mail has pictures and no words; many never see it"))
    whole = sum(len(part.encode()) for part in (html, text) if part) + sum(len(file.data) for file in content.attachments)
    if whole > MAX_BYTES:
        found.append(Finding("error", "mail.too_large", f"{whole // 2**20} MiB; mailboxes take 10 MiB"))
    if purpose == "marketing":
        if content.attachments:
            found.append(Finding("warning", "mail.attachment", "marketing with an attachment looks like an attack; link to it"))
        headers = {name.lower() for name in content.headers}
        words = f"{text or ''}\n{html or ''}"
        if not way_out_added and "list-unsubscribe" not in headers:
            found.append(Finding("error", "mail.no_unsubscribe", "marketing mail needs a List-Unsubscribe header (RFC 8058)"))
        if not way_out_added and not _WAY_OUT.search(words):
            found.append(Finding("error", "mail.no_way_out", "marketing mail needs a link to unsubscribe that people can see"))
    return tuple(found)
