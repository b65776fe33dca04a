"""Signatures of Plivo's callbacks, version 3: HMAC-SHA256 over the address, the sorted fields and a nonce.

Source: plivo.utils.signature_v3 of the vendor's Python library 4.63.0, read 2026-11-22.
Quirk: the query is signed decoded and sorted; fields of a form follow it behind a dot, without separators.
Quirk: the header may hold several signatures, one for every token of the account, with commas between them.
Quirk: version 2 signs the address alone and not the news, so it is not taken.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlsplit

from recallgate import Callback, ForgedCallback


def base_string(method: str, url: str, fields: Iterable[tuple[str, str]], nonce: str) -> str:
    """What is signed: for POST the form's fields are apart, for GET all of them are in the query."""
    parts = urlsplit(url)
    asked, told = parse_qsl(parts.query, keep_blank_values=True), sorted(fields)
    if method.upper() == "GET":
        asked, told = [*asked, *told], []
    query = "&".join(f"{name}={value}" for name, value in sorted(asked))
    joint = "?" if query or told else ""
    form = ("." if query else "") + "".join(name + value for name, value in told) if told else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{joint}{query}{form}.{nonce}"


def signature(secret: str, method: str, url: str, fields: Iterable[tuple[str, str]], *, nonce: str) -> str:
    text = base_string(method, url, fields, nonce)
    return b64encode(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()).decode()


def verify(callback: Callback, *, secret: str) -> None:
    """Raise `ForgedCallback` unless the auth token signed this callback."""
    told = callback.headers.get("x-plivo-signature-v3", "")
    nonce = callback.headers.get("x-plivo-signature-v3-nonce", "")
    if not told or not nonce:
        raise ForgedCallback("plivo: the callback has no X-Plivo-Signature-V3 with its nonce")
    expected = signature(secret, callback.method, callback.url, callback.form, nonce=nonce).encode()
    if not any(hmac.compare_digest(expected, one.strip().encode()) for one in told.split(",")):
        raise ForgedCallback("plivo: the signature does not fit")
