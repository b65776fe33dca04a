"""Limits of a push message."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from recallgate.model.content import Push
from recallgate.text.findings import Finding

MAX_BYTES = 4096  # the services' common limit on a payload


@dataclass(frozen=True, slots=True)
class PushLimits:
    """How much of a push a service takes; the defaults are the narrowest that Android services publish (read 2026-11-22)."""

    title: int = 40
    body: int = 50
    payload_bytes: int = MAX_BYTES


def check_push(payload: Mapping[str, object], *, limits: PushLimits | None = None) -> tuple[Finding, ...]:
    """Whether the payload, as compact JSON in UTF-8, is small enough for every push service."""
    most = (limits or PushLimits()).payload_bytes
    size = len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())
    if size > most:
        return (Finding("error", "push.too_large", f"{size} bytes; push services take {most}"),)
    return ()


def check_push_content(content: Push, *, limits: PushLimits | None = None) -> tuple[Finding, ...]:
    """Whether title and body are shown whole, and the whole is small enough; a phone cuts what is too long."""
    most = limits or PushLimits()
    found = []
    for what, text, limit in (("title", content.title, most.title), ("body", content.body, most.body)):
        if not text.strip():
            found.append(Finding("error", f"push.{what}_empty", f"the {what} has no words"))
        elif len(text) > limit:
            found.append(
                Finding("warning", f"push.{what}_long", f"the {what} has {len(text)} characters; some phones show {limit}")
            )
    if "\n" in content.title or "\r" in content.title:
        found.append(Finding("warning", "push.title_lines", "the title has a line break; it is one line on every phone"))
    payload = {
        "title": content.title,
        "body": content.body,
        "link": content.link,
        "image": content.image,
        "data": dict(content.data),
    }
    return (*found, *check_push(payload, limits=most))
