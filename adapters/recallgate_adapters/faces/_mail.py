"""What faces of e-mail services share: a mail as the sandbox knows it, and the callbacks of an account.

Source: RFC 5322, RFC 8058, read 2026-11-22.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import parse_qsl

import httpx

from recallgate import Callback, Taken
from recallgate_adapters.faces._wire import links_in

_ADDRESS = re.compile(r"[^@\s<>\"(),:;\\\[\]]{1,64}@[^@\s<>\"(),:;\\\[\]]{1,253}")
_ONE_CLICK = re.compile(r"<(https://[^>]+)>")


def address_in(mailbox: object) -> str | None:
    """The address of `a@example.com` or `Name <a@example.com>`; None where there is none."""
    text = str(mailbox or "").strip()
    inner = text[text.rfind("<") + 1 : -1] if text.endswith(">") else text
    return inner if _ADDRESS.fullmatch(inner) else None


def taken_mail(
    vendor_id: str,
    recipient: str,
    config: Mapping[str, Any],
    *,
    subject: str,
    text: str | None,
    html: str | None,
    headers: Mapping[str, str],
    data: Mapping[str, Any],
) -> Taken:
    """A mail that was taken; news of it goes to the account's own callback address."""
    unsubscribe = next((value for name, value in headers.items() if name.lower() == "list-unsubscribe"), "")
    offered = _ONE_CLICK.search(unsubscribe)
    return Taken(
        vendor_id,
        recipient,
        "email",
        f"{subject}\n{text if text is not None else html or ''}",
        links_in(text, html),
        callback_url=config.get("callback_url"),
        unsubscribe_url=offered[1] if offered else None,
        data=data,
    )


def posted(url: str, body: bytes, at: datetime, *, content_type: str = "application/json", **headers: str) -> Callback:
    """A vendor's POST; underscores in the names of headers stand for dashes."""
    named = {"content-type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return Callback("POST", url, httpx.Headers(named), body, at)


def zulu(at: datetime) -> str:
    """An instant as JSON APIs write it: UTC, milliseconds, Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def form_fields(request: httpx.Request) -> dict[str, list[str]]:
    """Fields of a form, each with its values in order; of a multipart those that are no files."""
    content_type = request.headers.get("content-type", "")
    found: dict[str, list[str]] = {}
    if not content_type.startswith("multipart/form-data"):
        for name, value in parse_qsl(request.content.decode("utf-8", "replace"), keep_blank_values=True):
            found.setdefault(name, []).append(value)
        return found
    whole = message_from_bytes(f"content-type: {content_type}\r\n\r\n".encode() + request.content, policy=policy.HTTP)
    for part in whole.iter_parts():
        if part.get_filename() is None:
            name = str(part.get_param("name", "", header="content-disposition"))
            raw = part.get_payload(decode=True)
            found.setdefault(name, []).append(raw.decode() if isinstance(raw, bytes) else "")
    return found
