"""How personal data is shown in reprs, logs and errors: enough to recognise, too little to use."""

import re

_PATTERNS = (
    (re.compile(r"\+\d{6,15}"), "+…"),
    (re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+"), "…@…"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]+"), r"\1 …"),
    (re.compile(r"(?i)(access_token|token|secret|password|corpsecret|key)=[^&\s\"']+"), r"\1=…"),
)


def mask(text: str, *, keep_start: int = 3, keep_end: int = 2) -> str:
    """`+14155550123` -> `+14…23`; short texts are hidden whole."""
    if len(text) < keep_start + keep_end + 3:
        return "…"
    return f"{text[:keep_start]}…{text[-keep_end:]}"


def mask_email(address: str) -> str:
    """`jo.doe@example.com` -> `j…@example.com`: the domain tells what went wrong, the local part is the person."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"


def redact(text: str) -> str:
    """The text with personal data and credentials replaced."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
