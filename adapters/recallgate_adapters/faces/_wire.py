"""What faces share: answers as JSON, links in a text, and the faults that every HTTP service tells alike."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

import httpx

from recallgate import ErrorKind, FaceReply, Fault, Taken

_LINK = re.compile(r"https?://[^\s\"'<>)\]，。；]+")


def links_in(*texts: str | None) -> tuple[str, ...]:
    """Every link once, in order."""
    return tuple(dict.fromkeys(_LINK.findall(" ".join(text for text in texts if text))))


def answer(
    value: object, status: int = 200, *, taken: Sequence[Taken] = (), headers: Mapping[str, str] | None = None
) -> FaceReply:
    named = {"content-type": "application/json", **(headers or {})}
    return FaceReply(status, json.dumps(value, ensure_ascii=False).encode(), named, tuple(taken))


def document(request: httpx.Request) -> dict[str, Any] | None:
    """The JSON object of a request; None for anything else."""
    try:
        body = json.loads(request.content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def form(request: httpx.Request) -> dict[str, str]:
    return dict(parse_qsl(request.content.decode("utf-8", "replace"), keep_blank_values=True))


def waiting(fault: Fault) -> dict[str, str]:
    """The Retry-After header of a fault that has one."""
    return {} if fault.retry_after_s is None else {"retry-after": str(fault.retry_after_s)}


def gateway_fault(fault: Fault) -> FaceReply | None:
    """The answer of the balancer in front of a vendor; None where the vendor itself answers."""
    status = {ErrorKind.UNCERTAIN: 502, ErrorKind.UNAVAILABLE: 503}.get(fault.kind)
    if status is None:
        return None
    return FaceReply(status, b"<html>upstream</html>", {"content-type": "text/html", **waiting(fault)})


def words_in(content: object) -> str:
    """Every text of a document, in order: what a person may read."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return "\n".join(filter(None, map(words_in, content.values())))
    return "\n".join(filter(None, map(words_in, content))) if isinstance(content, list) else ""
