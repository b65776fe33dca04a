"""A push service as application servers see it, together with the browser behind its subscriptions.

Source: RFC 8030, 8188, 8291, 8292, read 2026-11-22.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from recallgate import ErrorKind, FaceReply, Fault, IdSource, Taken, VendorFace
from recallgate_adapters._es256 import b64url, point, scalar_key, unb64url
from recallgate_adapters.faces._wire import links_in, waiting

_VAPID = re.compile(r"vapid t=([\w.-]+), ?k=([\w-]+)")
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_URGENCIES = ("very-low", "low", "normal", "high")
_STATUSES: Mapping[ErrorKind, int] = {
    ErrorKind.UNREGISTERED_TOKEN: 410,
    ErrorKind.AUTH: 403,
    ErrorKind.PAYLOAD_TOO_LARGE: 413,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.UNCERTAIN: 502,
    ErrorKind.UNAVAILABLE: 503,
}


class WebPushFace(VendorFace):
    """A push service that knows one application server. It reads what was sent to subscriptions of its own making."""

    adapter = "webpush.push"
    hosts = ("push.example", "fcm.googleapis.com", "updates.push.services.mozilla.com", "web.push.apple.com")

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._server_key = b64url(point(scalar_key(unb64url(config["private_key"]))))
        self._checked: dict[str, dict[str, Any] | None] = {}

    @staticmethod
    def subscription(name: str) -> dict[str, str]:
        """A subscription whose keys follow from its name, in the form of an address."""
        endpoint = f"https://push.example/send/{name}"
        scalar, secret = _browser(endpoint)
        return {"type": "webpush", "endpoint": endpoint, "p256dh": b64url(point(scalar_key(scalar))), "auth": b64url(secret)}

    def answer(self, request: httpx.Request, *, now: datetime, new_id: IdSource, fault: Fault | None = None) -> FaceReply:
        url = str(request.url)
        if request.method != "POST":
            return _status(405)
        if refused := self._vapid(request, now):
            return refused
        headers, body = request.headers, request.content
        if not headers.get("ttl", "").isdigit() or headers.get("urgency", "normal") not in _URGENCIES:
            return _status(400, "TTL or Urgency")
        if "topic" in headers and not _TOPIC.fullmatch(headers["topic"]):
            return _status(400, "Topic")
        if len(body) > 4096:
            return _status(413)
        if body and (headers.get("content-encoding") != "aes128gcm" or len(body) < 104 or body[20] != 65):
            return _status(400, "Content-Encoding")
        if fault is not None:
            return _status(_STATUSES.get(fault.kind, 400), fault.code or "", waiting(fault))
        shown = self._read(url, body)
        parts = (shown.get("title"), shown.get("body"))
        text = "\n".join(part for part in parts if isinstance(part, str))
        data = shown.get("data") if isinstance(shown.get("data"), dict) else {}
        assert isinstance(data, dict)
        where = urlsplit(url)
        vendor_id = f"{where.scheme}://{where.netloc}/message/{new_id.hex(url, now.isoformat())}"
        taken = Taken(vendor_id, url, "push", text, links_in(text, *map(str, data.values())), data={"data": data})
        return FaceReply(201, b"", {"location": vendor_id}, (taken,))

    def _vapid(self, request: httpx.Request, now: datetime) -> FaceReply | None:
        found = _VAPID.fullmatch(request.headers.get("authorization", ""))
        if found is None:
            return _status(401)
        token, key = found.groups()
        if key != self._server_key:
            return _status(403)
        if token not in self._checked:
            self._checked[token] = _claims(token, key)
        claims = self._checked[token]
        where = urlsplit(str(request.url))
        if claims is None or claims.get("aud") != f"{where.scheme}://{where.netloc}":
            return _status(403)
        left_s = int(claims.get("exp", 0)) - now.timestamp()
        return None if 0 < left_s <= 86_400 and str(claims.get("sub", "")).startswith(("mailto:", "https://")) else _status(403)

    def _read(self, endpoint: str, body: bytes) -> dict[str, Any]:
        """What the service worker would get; nothing for a subscription of somebody else."""
        from cryptography.exceptions import InvalidTag

        if not body:
            return {}
        scalar, secret = _browser(endpoint)
        try:
            shown = json.loads(decrypt(body, scalar=scalar, secret=secret))
        except (ValueError, InvalidTag):
            return {}
        return shown if isinstance(shown, dict) else {}


def decrypt(body: bytes, *, scalar: bytes, secret: bytes) -> bytes:
    """The text of a one-record body, read with the browser's private key."""
    from cryptography.hazmat.primitives.asymmetric.ec import ECDH, SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    salt, server_key, record = body[:16], body[21:86], body[86:]
    key = scalar_key(scalar)
    shared = key.exchange(ECDH(), EllipticCurvePublicKey.from_encoded_point(SECP256R1(), server_key))
    keying = _mac(_mac(secret, shared), b"WebPush: info\x00" + point(key) + server_key + b"\x01")
    random = _mac(salt, keying)
    content_key = _mac(random, b"Content-Encoding: aes128gcm\x00\x01")[:16]
    nonce = _mac(random, b"Content-Encoding: nonce\x00\x01")[:12]
    text, mark, _ = AESGCM(content_key).decrypt(nonce, record, None).rpartition(b"\x02")
    if not mark:
        raise ValueError("the record has no end")
    return text


def _browser(endpoint: str) -> tuple[bytes, bytes]:
    """The private key and the secret of a browser, from the endpoint."""
    scalar = b"\x00" + hashlib.sha256(f"browser {endpoint}".encode()).digest()[1:]
    return scalar, hashlib.sha256(f"secret {endpoint}".encode()).digest()[:16]


def _claims(token: str, key: str) -> dict[str, Any] | None:
    import jwt
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

    public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), unb64url(key))
    unchecked: Any = {"verify_exp": False, "verify_aud": False, "verify_iat": False}  # they would use the machine's clock
    try:
        claims: dict[str, Any] = jwt.decode(token, public, algorithms=["ES256"], options=unchecked)
    except jwt.PyJWTError:
        return None
    return claims


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def _status(status: int, words: str = "", headers: Mapping[str, str] | None = None) -> FaceReply:
    return FaceReply(status, words.encode(), {"content-type": "text/plain", **(headers or {})})
