"""Limits of a push message."""

import json
from collections.abc import Mapping

from recallgate.text.findings import Finding

MAX_BYTES = 4096  # the services' common limit on a payload


def check_push(payload: Mapping[str, object]) -> tuple[Finding, ...]:
    """Whether the payload, as compact JSON in UTF-8, is small enough for every push service."""
    size = len(json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_BYTES:
        return (Finding("error", "push.too_large", f"{size} bytes; push services take {MAX_BYTES}"),)
    return ()
