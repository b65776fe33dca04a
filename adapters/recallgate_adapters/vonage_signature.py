"""Signatures of Vonage: the sorted fields of SMS requests and webhooks, and the tokens of calls and their webhooks.

Source: vonage-http-client 1.5.2 (Auth.sign_params) and vonage-jwt 1.1.5, read 2026-11-22.
Quirk: & and = inside a value are signed as _, so two texts may have one signature.
Quirk: a webhook's token signs its body through the claim payload_hash; the library checks the token alone, and we both.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from recallgate import Callback, ErrorKind, ForgedCallback, SendError
from recallgate_adapters._jwt import hash_fits, hmac_claims

METHODS = ("md5", "sha1", "sha256", "sha512")
TOKEN_S = 900


def signature(secret: str, fields: Mapping[str, object], *, method: str) -> str:
    """The `sig` of these fields, themselves without one: HMAC in lower-case hexadecimal; `method` is one of `METHODS`."""
    pieces = (f"&{name}={str(fields[name]).replace('&', '_').replace('=', '_')}" for name in sorted(fields))
    return hmac.new(secret.encode(), "".join(pieces).encode(), method).hexdigest()


def verify_fields(fields: Mapping[str, object], *, secret: str, method: str) -> None:
    """Raise `ForgedCallback` unless `sig` among the fields signs the others."""
    told = str(fields.get("sig") or "").lower()
    others = {name: value for name, value in fields.items() if name != "sig"}
    if not told or not hmac.compare_digest(signature(secret, others, method=method).encode(), told.encode()):
        raise ForgedCallback("vonage: the callback has no sig that fits; switch signed webhooks on for the account")


def application_token(application_id: str, private_key: str, *, now: datetime, nonce: str) -> str:
    """A token for one request, good for 15 minutes; `nonce` has 32 hexadecimal characters.

    Raises `SendError(AUTH)` for a key that is no RSA key.
    """
    import jwt

    issued = int(now.timestamp())
    claims = {"application_id": application_id, "iat": issued, "jti": str(UUID(hex=nonce)), "exp": issued + TOKEN_S}
    try:
        # Environment variables and one-line files carry the key with its line breaks written as \n.
        return jwt.encode(claims, _rsa_key(private_key.replace("\\n", "\n")), algorithm="RS256")
    except (ValueError, TypeError, jwt.PyJWTError):
        raise SendError(ErrorKind.AUTH, "private_key", "private_key is not a PEM-encoded RSA key") from None


def verify_token(callback: Callback, *, secret: str, leeway_s: int = 300) -> dict[str, Any]:
    """The claims of a webhook's token; raises `ForgedCallback` unless the secret signed it for this body, and in time.

    A token without an end is taken: the vendor's own documents show none.
    """
    scheme, _, token = callback.headers.get("authorization", "").partition(" ")
    claims = hmac_claims(token.strip(), secret, algorithms=("HS256",)) if scheme.lower() == "bearer" else None
    if claims is None:
        raise ForgedCallback("vonage: the callback has no token that the signature secret has signed")
    if not hash_fits(callback.body, claims.get("payload_hash")):
        raise ForgedCallback("vonage: the body does not have the hash that its token names")
    ends = claims.get("exp")
    if isinstance(ends, int | float) and ends + leeway_s < callback.received_at.timestamp():
        raise ForgedCallback("vonage: the token of the callback has ended")
    return claims


@lru_cache(maxsize=8)
def _rsa_key(pem: str) -> Any:
    """The key, read once: checking its primes takes longer than a signature."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("no RSA key")
    return key
