"""Tokens (JWT) that a vendor signs with a shared secret: checked with the standard library alone.

Source: RFC 7515 and RFC 7518, section 3.2.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64decode
from collections.abc import Collection
from typing import Any

_HASHES = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}


def hmac_claims(token: str, secret: str, *, algorithms: Collection[str]) -> dict[str, Any] | None:
    """The claims of a token, or None: no other algorithm is believed, whatever its header says.

    Times, issuer and hashes among the claims are for the caller to check.
    """
    head, _, rest = token.partition(".")
    body, _, told = rest.partition(".")
    try:
        algorithm = _loaded(head).get("alg")
        if algorithm not in algorithms or algorithm not in _HASHES:
            return None
        expected = hmac.new(secret.encode(), f"{head}.{body}".encode(), _HASHES[algorithm]).digest()
        return _loaded(body) if hmac.compare_digest(expected, _decoded(told)) else None
    except (ValueError, TypeError):
        return None


def hash_fits(content: bytes, told: object) -> bool:
    """True when `told` is the SHA-256 of the content in hexadecimal."""
    return hmac.compare_digest(hashlib.sha256(content).hexdigest().encode(), str(told).encode())


def _loaded(part: str) -> dict[str, Any]:
    value = json.loads(_decoded(part))
    if not isinstance(value, dict):
        raise ValueError("a part of the token is not an object")
    return value


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
