"""ES256 tokens as APNs and Web Push want them: the same key, header and claims give the same text (RFC 6979, RFC 7515)."""

import base64
import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from recallgate import ErrorKind, SendError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey


def b64url(data: bytes) -> str:
    """Base64 for URLs without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64url(text: str) -> bytes:
    """The bytes behind base64 for URLs, with padding or without; ValueError for anything else."""
    cleaned = text.strip().rstrip("=").replace("+", "-").replace("/", "_")
    if not cleaned.isascii() or not cleaned.replace("-", "").replace("_", "").isalnum():
        raise ValueError("not base64 for URLs")
    return base64.urlsafe_b64decode(cleaned + "=" * (-len(cleaned) % 4))


@lru_cache(maxsize=8)
def pem_key(pem: str) -> "EllipticCurvePrivateKey":
    """A P-256 key from PEM, read once; ValueError for any other."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        # Environment variables and one-line files carry the key with its line breaks written as \n.
        key = load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    except (TypeError, UnsupportedAlgorithm):
        raise ValueError("the key cannot be read") from None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError("not a P-256 key")
    return key


@lru_cache(maxsize=8)
def scalar_key(scalar: bytes) -> "EllipticCurvePrivateKey":
    """A P-256 key from its 32 bytes."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, derive_private_key

    if len(scalar) != 32:
        raise ValueError("a P-256 key has 32 bytes")
    return derive_private_key(int.from_bytes(scalar, "big"), SECP256R1())


def point(key: "EllipticCurvePrivateKey") -> bytes:
    """The public key as an uncompressed point, 65 bytes."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def pem_token(pem: str, header: dict[str, Any], claims: dict[str, Any]) -> str:
    """A signed token; raises `SendError(AUTH)` when the key is none."""
    try:
        return _token(pem_key(pem), _compact(header), _compact(claims))
    except ValueError:
        raise SendError(ErrorKind.AUTH, "private_key", "private_key is not a PEM-encoded P-256 key") from None


def scalar_token(scalar: bytes, header: dict[str, Any], claims: dict[str, Any]) -> str:
    return _token(scalar_key(scalar), _compact(header), _compact(claims))


@lru_cache(maxsize=64)
def _token(key: "EllipticCurvePrivateKey", header: bytes, claims: bytes) -> str:
    """Signed once for as long as header and claims stay the same."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    signed = f"{b64url(header)}.{b64url(claims)}"
    try:
        der = key.sign(signed.encode(), ECDSA(SHA256(), deterministic_signing=True))
    except UnsupportedAlgorithm:  # an old OpenSSL; such a token is as good, but of its own in every process
        der = key.sign(signed.encode(), ECDSA(SHA256()))
    r, s = decode_dss_signature(der)
    return f"{signed}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _compact(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
