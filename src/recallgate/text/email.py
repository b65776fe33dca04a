"""Limits of an e-mail's visible head."""

from recallgate.text.findings import Finding

MAX_SUBJECT = 78  # characters that fit on a header line, RFC 5322 2.1.1
SHOWN_SUBJECT = 50


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
