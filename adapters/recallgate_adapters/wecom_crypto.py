"""Callback crypto of WeCom: SHA-1 over sorted strings, AES-256-CBC with a length prefix and PKCS#7 in blocks of 32.

Source: vectors made with wechatpy 1.8.18 and @wecom/crypto 1.0.1 (by the WeCom team), read 2026-11-22.
Quirk: the padding counts in blocks of 32 bytes, not 16; a full pad of 32 bytes is legal.
"""

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

from recallgate import ForgedCallback

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.modes import CBC

_BLOCK = 32


def signature(token: str, timestamp: str, nonce: str, encrypted: str) -> str:
    """The `msg_signature` of a callback, in hexadecimal."""
    return hashlib.sha1("".join(sorted((token, timestamp, nonce, encrypted))).encode()).hexdigest()  # noqa: S324 - vendor's choice


def verify(given: str, *, token: str, timestamp: str, nonce: str, encrypted: str) -> None:
    """Raise `ForgedCallback` unless the signature is the one that only we and WeCom can compute."""
    if not hmac.compare_digest(signature(token, timestamp, nonce, encrypted).encode(), given.encode()):
        raise ForgedCallback("msg_signature does not match")


def encrypt(aes_key: str, text: str, receive_id: str, *, random16: bytes) -> str:
    """The `Encrypt` value of a text; `random16` are 16 bytes that make equal texts differ."""
    if len(random16) != 16:
        raise ValueError("random16: exactly 16 bytes are needed")
    words = text.encode()
    plain = random16 + len(words).to_bytes(4, "big") + words + receive_id.encode()
    pad = _BLOCK - len(plain) % _BLOCK
    encryptor = _cipher(aes_key).encryptor()
    return base64.b64encode(encryptor.update(plain + bytes([pad]) * pad) + encryptor.finalize()).decode()


def decrypt(aes_key: str, encrypted: str, receive_id: str) -> str:
    """The text behind an `Encrypt` value; `ForgedCallback` when it is damaged or meant for another company."""
    try:
        sealed = base64.b64decode(encrypted, validate=True)
    except (ValueError, binascii.Error):
        raise ForgedCallback("the encrypted text is not base64", status=400) from None
    if not sealed or len(sealed) % 16:
        raise ForgedCallback("the encrypted text has no whole blocks", status=400)
    decryptor = _cipher(aes_key).decryptor()
    plain = decryptor.update(sealed) + decryptor.finalize()
    pad = plain[-1]
    size = int.from_bytes(plain[16:20], "big")
    if not 1 <= pad <= _BLOCK or len(plain) < 20 + size + pad:
        raise ForgedCallback("the encrypted text is damaged", status=400)
    words, receiver = plain[20 : 20 + size], plain[20 + size : -pad]
    if not hmac.compare_digest(receiver, receive_id.encode()):
        raise ForgedCallback("the callback is meant for another company")
    try:
        return words.decode()
    except UnicodeDecodeError:
        raise ForgedCallback("the decrypted text is not UTF-8", status=400) from None


def key_bytes(aes_key: str) -> bytes:
    """The 32 bytes of an EncodingAESKey of 43 characters; ValueError for anything else."""
    try:
        key = base64.b64decode(aes_key + "=")
    except binascii.Error:
        key = b""
    if len(aes_key) != 43 or len(key) != 32:
        raise ValueError("encoding_aes_key: copy the 43 characters of EncodingAESKey from the app's settings")
    return key


def _cipher(aes_key: str) -> "Cipher[CBC]":
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    key = key_bytes(aes_key)
    return Cipher(algorithms.AES256(key), modes.CBC(key[:16]))
