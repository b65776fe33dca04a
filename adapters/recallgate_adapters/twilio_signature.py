"""Signatures of Twilio callbacks: HMAC over the public URL and the sorted form fields, in base64.

Source: the request validator of the vendor's Python library 9.13.0, read 2026-11-22.
Quirk: the vendor signs the URL with or without its port; both are right.
Quirk: the values of a repeated field are signed once each, sorted.
Quirk: a JSON body is not signed itself; its SHA-256 stands in the query as `bodySHA256`, and the URL alone is signed.
Quirk: `X-Twilio-Webhooks-Signature-Settings: key=…,algorithm=HMAC_SHA256` means SHA-256 with the shared key.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence

from recallgate import Callback, ForgedCallback

_URL = re.compile(r"(?P<scheme>https?)://(?P<host>\[[^\]]*\]|[^/?#:]*)(?::(?P<port>\d+))?(?P<rest>.*)", re.DOTALL)
_DEFAULT_PORTS = {"https": "443", "http": "80"}
_HASHES = {"HMAC_SHA1": hashlib.sha1, "HMAC_SHA256": hashlib.sha256}


def signature(secret: str, url: str, fields: Iterable[tuple[str, str]] = (), *, algorithm: str = "HMAC_SHA1") -> str:
    """The signature of a request to `url` with these form fields; `algorithm` is HMAC_SHA1 or HMAC_SHA256."""
    signed = url + "".join(name + value for name, value in sorted(set(fields)))
    return b64encode(hmac.new(secret.encode(), signed.encode(), _HASHES[algorithm]).digest()).decode()


def verify(callback: Callback, *, tokens: Sequence[str], shared_keys: Sequence[str] = ()) -> None:
    """Raise `ForgedCallback` unless one of the secrets signed this callback.

    `tokens` are auth tokens for SHA-1, `shared_keys` those for SHA-256; two of a sort stand side by side during rotation.
    """
    told = callback.headers.get("x-twilio-signature", "")
    if not told:
        raise ForgedCallback("twilio: the callback has no X-Twilio-Signature")
    algorithm = _algorithm(callback.headers.get("x-twilio-webhooks-signature-settings", ""))
    secrets = shared_keys if algorithm == "HMAC_SHA256" else tokens
    if algorithm not in _HASHES or not secrets:
        raise ForgedCallback("twilio: the callback names a signature algorithm for which no key is configured; set callback_key")
    fields = _signed_fields(callback)
    expected = (
        signature(secret, url, fields, algorithm=algorithm)
        for secret in secrets
        for url in _urls_with_and_without_port(callback.url)
    )
    if not any(hmac.compare_digest(one.encode(), told.encode()) for one in expected):
        raise ForgedCallback("twilio: the signature does not fit")


def _algorithm(settings: str) -> str:
    pairs = (part.partition("=") for part in settings.split(","))
    named = [value.strip().upper() for name, _, value in pairs if name.strip() == "algorithm" and value.strip()]
    return named[0] if named else "HMAC_SHA1"


def _signed_fields(callback: Callback) -> list[tuple[str, str]]:
    if not callback.body:
        return []
    if "x-www-form-urlencoded" in callback.headers.get("content-type", "").lower():
        return callback.form
    # Any other body is outside the signature, so its hash must be in the signed URL.
    told = callback.query.get("bodySHA256", "")
    if not hmac.compare_digest(hashlib.sha256(callback.body).hexdigest().encode(), told.encode()):
        raise ForgedCallback("twilio: the body does not have the hash that its signed address names")
    return []


def _urls_with_and_without_port(url: str) -> tuple[str, ...]:
    match = _URL.fullmatch(url)
    if match is None:
        return (url,)
    scheme, host, port, rest = match["scheme"], match["host"], match["port"], match["rest"]
    return f"{scheme}://{host}{rest}", f"{scheme}://{host}:{port or _DEFAULT_PORTS[scheme]}{rest}"
