"""Web Push: POST to the endpoint of a subscription, aes128gcm body (RFC 8291), VAPID token (RFC 8292).

Source: RFC 8030, 8188, 8291, 8292; pywebpush 2.5.0, http-ece 1.2.1, py-vapid 1.9.6, read 2026-11-22.
Quirk: the status alone decides; the body of an answer is free text.
Quirk: 404 and 410 both mean that the subscription is dead.
Quirk: the token's `aud` is the origin of the endpoint, also where requests go through another base_url.
Quirk: a token may live 24 hours at most; ours end at the half day after the next, 12 to 24 hours ahead.
Quirk: no space may follow the comma in the header, although the RFC prints one: py-vapid refuses it.
Quirk: TTL is required, also where a message never expires.
Quirk: a Topic has 32 characters at most; a longer or stranger collapse key goes as its hash.
Quirk: not every service names what it took; then the message keeps our id as the vendor's.
Quirk: no idempotency key and no reports; the service worker tells what it showed.
"""

import hashlib
import json
import re
from datetime import datetime
from typing import Literal

import httpx
from pydantic import Field, SecretStr, field_validator

from recallgate import (
    Adapter,
    AdapterConfig,
    AdapterOptions,
    Capabilities,
    ErrorKind,
    Message,
    Push,
    Receipt,
    SendError,
    Signed,
    Tools,
    WebPushSubscription,
    channels,
    http_kind,
    retry_after,
)
from recallgate_adapters._es256 import b64url, point, scalar_key, scalar_token, unb64url
from recallgate_adapters._push import data_of, given, lacking, no_sender, octets, origin_of, rebased, ttl_s
from recallgate_adapters._shared import mask_digits
from recallgate_adapters.webpush_crypto import MAX_TEXT, encrypt, scalar_of

# HTTP statuses are this vendor's only codes; 408 and 5xx follow the statuses of every vendor.
ERRORS = {
    "400": ErrorKind.UNKNOWN,
    "401": ErrorKind.AUTH,
    "403": ErrorKind.AUTH,
    "404": ErrorKind.UNREGISTERED_TOKEN,
    "410": ErrorKind.UNREGISTERED_TOKEN,
    "413": ErrorKind.PAYLOAD_TOO_LARGE,
    "429": ErrorKind.RATE_LIMITED,
}
MAX_TTL_S = 2_419_200  # four weeks
HALF_DAY_S = 43_200
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}", re.ASCII)
_ORIGIN = "recallgate.origin"


class WebPushConfig(AdapterConfig):
    """The key pair of the application server: `private_key` is its 32 bytes as base64 for URLs, `subject` who to write to.

    `default_ttl_s` is how long a push service keeps a message that never expires. `hosts`, when set, are the only hosts
    (and their subdomains) that subscriptions may name: they come from browsers, and nobody else vouches for them. Without
    `base_url`, a relay, only public hosts are called, on ports 80 and 443; `private_hosts` lifts that.
    """

    private_key: SecretStr
    subject: str = Field(pattern=r"^(mailto:|https://).+")
    default_ttl_s: int = Field(default=MAX_TTL_S, ge=0, le=MAX_TTL_S)
    hosts: tuple[str, ...] = ()
    message_id_key: str | None = None
    private_hosts: bool = False

    @field_validator("private_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        try:
            good = len(unb64url(value.get_secret_value())) == 32
        except ValueError:
            good = False
        if not good:
            raise ValueError("private_key: give the 32 bytes of the VAPID key as base64 for URLs, 43 characters")
        return value


class WebPushOptions(AdapterOptions):
    """`urgency` as in RFC 8030; by default it follows the content's."""

    urgency: Literal["very-low", "low", "normal", "high"] | None = None


class WebPush(Adapter):
    """Push notifications to browsers; the service worker gets a JSON object with title, body, image, badge, tag and data."""

    vendor, channel = "webpush", channels.PUSH
    needs = {"cryptography": "recallgate[push]"}
    Config, Options = WebPushConfig, WebPushOptions
    errors = ERRORS
    capabilities = Capabilities(validity=True, max_bytes=MAX_TEXT)
    config: WebPushConfig

    def __init__(self, config: WebPushConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._sign)
        self.public_only = not (config.base_url or config.private_hosts)

    def build(self, message: Message) -> httpx.Request:
        if not isinstance(message.content, Push) or not isinstance(message.to, WebPushSubscription):
            raise SendError(ErrorKind.UNSUPPORTED, "content", "Web Push takes push content to a browser's subscription")
        no_sender(message)
        options: WebPushOptions = self.options(message)
        content, now = message.content, self.tools.now()
        lacking(content, "Web Push", "sound", "category")
        self._check_host(message.to.endpoint)
        ttl = ttl_s(message, now, most=MAX_TTL_S)
        headers = {
            "ttl": str(self.config.default_ttl_s if ttl is None else ttl),
            "urgency": options.urgency or content.urgency,
            "topic": topic(content.collapse_key) if content.collapse_key else None,
            "content-type": "application/octet-stream",
            "content-encoding": "aes128gcm",
        }
        url = rebased(self.config.base_url, message.to.endpoint)
        body = self._body(message, content, message.to)
        return httpx.Request(
            "POST", url, headers=given(headers), content=body, extensions={_ORIGIN: origin_of(message.to.endpoint)}
        )

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        if response.is_success:
            return Receipt(message_id=message.id, vendor_id=response.headers.get("location") or message.id)
        code, now = str(response.status_code), self.tools.now()
        kind = ERRORS.get(code) or http_kind(response.status_code)
        waits = kind in (ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE)
        words = mask_digits(response.text.replace(message.to.key, "…"))[:200] if len(response.content) < 4096 else ""
        raise SendError(kind, code, words, retry_at=retry_after(response, now) if waits else None)

    def _body(self, message: Message, content: Push, to: WebPushSubscription) -> bytes:
        shown = {
            "title": content.title,
            "body": content.body,
            "image": content.image,
            "badge": content.badge,
            "tag": content.collapse_key,
            "data": data_of(message, content, self.config.message_id_key) or None,
        }
        text = json.dumps(given(shown), ensure_ascii=False, separators=(",", ":")).encode()
        octets(len(text), MAX_TEXT)
        random = _random(self.tools.nonce(96))
        try:
            return encrypt(
                text,
                browser_key=unb64url(to.p256dh),
                secret=unb64url(to.auth),
                scalar=scalar_of(random[:32]),
                salt=random[32:],
            )
        except ValueError:
            raise SendError(ErrorKind.INVALID_RECIPIENT, "keys", "the subscription's p256dh or auth is no key") from None

    def _check_host(self, endpoint: str) -> None:
        host = httpx.URL(endpoint).host if endpoint.startswith(("https://", "http://")) else ""
        if not host:
            raise SendError(ErrorKind.INVALID_RECIPIENT, "endpoint", "the subscription's endpoint is no https address")
        if self.config.hosts and not any(host == known or host.endswith(f".{known}") for known in self.config.hosts):
            raise SendError(ErrorKind.INVALID_RECIPIENT, "endpoint", "the subscription names a host that is not in `hosts`")

    def _sign(self, request: httpx.Request) -> httpx.Request:
        audience = request.extensions.get(_ORIGIN) or origin_of(str(request.url))
        key = unb64url(self.config.private_key.get_secret_value())
        request.headers["authorization"] = authorization(key, audience, self.config.subject, self.tools.now())
        return request


def _random(nonce: str) -> bytes:
    """48 bytes of a nonce of 96 hexadecimal characters; any other text, as tests fix it, is stretched by its hash."""
    if len(nonce) == 96:
        try:
            return bytes.fromhex(nonce)
        except ValueError:
            pass
    return hashlib.sha384(nonce.encode()).digest()


def authorization(key: bytes, audience: str, subject: str, now: datetime) -> str:
    """The VAPID header for one origin; equal within a half day."""
    ends = (int(now.timestamp()) // HALF_DAY_S + 2) * HALF_DAY_S
    token = scalar_token(key, {"typ": "JWT", "alg": "ES256"}, {"aud": audience, "exp": ends, "sub": subject})
    return f"vapid t={token},k={b64url(point(scalar_key(key)))}"


def topic(collapse_key: str) -> str:
    """The collapse key as a Topic: itself where it fits, else 32 characters of its hash."""
    if _TOPIC.fullmatch(collapse_key):
        return collapse_key
    return b64url(hashlib.sha256(collapse_key.encode()).digest())[:32]
