"""Encryption of Web Push messages: aes128gcm in one record, keys agreed with the browser (RFC 8188, RFC 8291).

Source: RFC 8291 with its appendix A, and http-ece 1.2.1 whose ciphertexts are the test vectors, read 2026-11-22.
"""

import hashlib
import hmac

from recallgate_adapters._es256 import point, scalar_key

RECORD_SIZE = 4096
# What a push service must take is 4096 bytes: a header of 86, then the text, its end mark, and a tag of 16.
MAX_TEXT = RECORD_SIZE - 86 - 17
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def scalar_of(random: bytes) -> bytes:
    """A private key from 32 random bytes: a number from 1 to the order of the curve, less one."""
    return (int.from_bytes(random, "big") % (_ORDER - 1) + 1).to_bytes(32, "big")


def encrypt(text: bytes, *, browser_key: bytes, secret: bytes, scalar: bytes, salt: bytes) -> bytes:
    """The body of a request: header and one record.

    `browser_key` is the subscription's p256dh (65 bytes), `secret` its auth (16), `scalar` the private key of this message
    (32), `salt` 16 random bytes. ValueError for a subscription that is none. An empty text has no body.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import ECDH, SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    if len(secret) != 16 or len(salt) != 16:
        raise ValueError("secret and salt have 16 bytes each")
    if not text:
        return b""
    key = scalar_key(scalar)
    shared = key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), browser_key))
    ours = point(key)
    keying = _expand(_digest(secret, shared), b"WebPush: info\x00" + browser_key + ours)
    pseudo_random = _digest(salt, keying)
    content_key = _expand(pseudo_random, b"Content-Encoding: aes128gcm\x00")[:16]
    nonce = _expand(pseudo_random, b"Content-Encoding: nonce\x00")[:12]
    record = AESGCM(content_key).encrypt(nonce, text + b"\x02", None)
    return salt + RECORD_SIZE.to_bytes(4, "big") + bytes([len(ours)]) + ours + record


def _expand(key: bytes, info: bytes) -> bytes:
    """One block of HKDF (RFC 5869), which is all that is needed here."""
    return _digest(key, info + b"\x01")


def _digest(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()
