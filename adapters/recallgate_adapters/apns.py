"""APNs: POST /3/device/{token}, JSON over HTTP/2, ES256 provider token.

Source: docs.rs apns-h2 ErrorReason (32 reasons), aioapns 4.0 for headers and token lifetime, read 2026-11-22.
Quirk: a provider token is refused after 60 minutes, and so is a new one within 20: it is dated by half hours of the clock.
Quirk: the answer to a taken message is an empty body; its id is the header apns-id.
Quirk: BadDeviceToken is a token of the other environment as often as a dead one; the base_url decides which one is asked.
Quirk: a 410 tells since when the token is dead, in milliseconds; a token registered later is alive.
Quirk: 429 TooManyRequests concerns one device, TooManyProviderTokenUpdates the account.
Quirk: apns-id names a message and does not deduplicate; apns-collapse-id replaces on the device.
Quirk: no delivery reports; a 200 means that APNs took the message, the app reports what it showed.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote
from uuid import NAMESPACE_URL, UUID, uuid5

import httpx
from pydantic import Field, SecretStr

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
    channels,
    http_kind,
    retry_after,
)
from recallgate_adapters._es256 import pem_token
from recallgate_adapters._push import data_of, given, octets, push_of

ERRORS = {
    "BadDeviceToken": ErrorKind.UNREGISTERED_TOKEN,
    "DeviceTokenNotForTopic": ErrorKind.UNREGISTERED_TOKEN,
    "MissingDeviceToken": ErrorKind.INVALID_RECIPIENT,
    "Unregistered": ErrorKind.UNREGISTERED_TOKEN,
    "ExpiredToken": ErrorKind.UNREGISTERED_TOKEN,
    "BadCollapseId": ErrorKind.UNKNOWN,
    "BadExpirationDate": ErrorKind.UNKNOWN,
    "BadMessageId": ErrorKind.UNKNOWN,
    "BadPriority": ErrorKind.UNKNOWN,
    "BadTopic": ErrorKind.INVALID_SENDER,
    "MissingTopic": ErrorKind.INVALID_SENDER,
    "TopicDisallowed": ErrorKind.INVALID_SENDER,
    "DuplicateHeaders": ErrorKind.UNKNOWN,
    "InvalidPushType": ErrorKind.UNKNOWN,
    "PayloadEmpty": ErrorKind.UNKNOWN,
    "IdleTimeout": ErrorKind.TEMPORARY,
    "BadCertificate": ErrorKind.AUTH,
    "BadCertificateEnvironment": ErrorKind.AUTH,
    "ExpiredProviderToken": ErrorKind.AUTH,
    "InvalidProviderToken": ErrorKind.AUTH,
    "MissingProviderToken": ErrorKind.AUTH,
    "UnrelatedKeyIdInToken": ErrorKind.AUTH,
    "BadEnvironmentKeyIdInToken": ErrorKind.AUTH,
    "Forbidden": ErrorKind.AUTH,
    "BadPath": ErrorKind.UNKNOWN,
    "MethodNotAllowed": ErrorKind.UNKNOWN,
    "PayloadTooLarge": ErrorKind.PAYLOAD_TOO_LARGE,
    "TooManyProviderTokenUpdates": ErrorKind.AUTH,
    "TooManyRequests": ErrorKind.RATE_LIMITED,
    "InternalServerError": ErrorKind.TEMPORARY,
    "ServiceUnavailable": ErrorKind.UNAVAILABLE,
    "Shutdown": ErrorKind.UNAVAILABLE,
}
# An HTTP status without a reason: 410 can only mean one thing here.
STATUS_KINDS = {410: ErrorKind.UNREGISTERED_TOKEN}
TOKEN_AGE = timedelta(minutes=30)
LEAST_TOKEN_AGE = timedelta(minutes=20)
MAX_PAYLOAD, MAX_VOIP = 4096, 5120
PushType = Literal["alert", "background", "voip", "complication", "fileprovider", "mdm", "liveactivity", "location", "pushtotalk"]


class ApnsConfig(AdapterConfig):
    """A signing key of a team, and the app (`topic`, its bundle id) whose devices are written to.

    `private_key` is the text of the .p8 file. For development builds set `base_url` to https://api.sandbox.push.apple.com.
    With `message_id_key` our message id goes to the app under that key, so that the app can report what it showed.
    """

    base_url: str = "https://api.push.apple.com"
    team_id: str = Field(min_length=1)
    key_id: str = Field(min_length=1)
    private_key: SecretStr
    topic: str = Field(min_length=1)
    message_id_key: str | None = None


class ApnsOptions(AdapterOptions):
    """What only APNs knows. `priority`: 10 now, 5 with care for the battery, 1 lowest; by default it follows the urgency."""

    push_type: PushType = "alert"
    priority: Literal[1, 5, 10] | None = None
    subtitle: str | None = None
    thread_id: str | None = None
    interruption_level: Literal["passive", "active", "time-sensitive", "critical"] | None = None
    relevance_score: float | None = Field(default=None, ge=0, le=1)
    mutable_content: bool = False
    content_available: bool = False


class ApnsPush(Adapter):
    """Push notifications to one Apple device each; `sender` of a message is another app of the same team."""

    vendor, channel = "apns", channels.PUSH
    needs = {"cryptography": "recallgate[push]", "h2": "recallgate[push]"}
    Config, Options = ApnsConfig, ApnsOptions
    errors = ERRORS
    capabilities = Capabilities(validity=True, max_bytes=MAX_PAYLOAD, http2=True)
    config: ApnsConfig

    def __init__(self, config: ApnsConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._sign)

    def build(self, message: Message) -> httpx.Request:
        token, content = push_of(message, "APNs", ("ios",))
        options: ApnsOptions = self.options(message)
        payload = json.dumps(self._payload(message, content, options), ensure_ascii=False, separators=(",", ":")).encode()
        octets(len(payload), MAX_VOIP if options.push_type == "voip" else MAX_PAYLOAD)
        if content.collapse_key and len(content.collapse_key.encode()) > 64:
            raise SendError(ErrorKind.UNSUPPORTED, "collapse_key", "at most 64 bytes")
        headers = {
            "apns-id": apns_id(message.id),
            "apns-topic": message.sender or self.config.topic,
            "apns-push-type": options.push_type,
            "apns-priority": str(_priority(content, options)),
            "apns-expiration": None if message.expires_at is None else str(int(message.expires_at.timestamp())),
            "apns-collapse-id": content.collapse_key,
            "content-type": "application/json",
        }
        url = f"{self.config.base_url}/3/device/{quote(token, safe='')}"
        return httpx.Request("POST", url, headers=given(headers), content=payload)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        if not response.is_success:
            raise self._refusal(response)
        vendor_id = response.headers.get("apns-id", "")
        if not vendor_id:
            raise SendError(ErrorKind.UNCERTAIN, "apns-id", "the answer names no message")
        return Receipt(message_id=message.id, vendor_id=vendor_id)

    def _payload(self, message: Message, content: Push, options: ApnsOptions) -> dict[str, Any]:
        alert = {"title": content.title, "subtitle": options.subtitle, "body": content.body}
        silent = options.push_type == "background"
        aps = {
            "alert": None if silent else given(alert),
            "badge": content.badge,
            "sound": content.sound,
            "thread-id": options.thread_id,
            "category": content.category,
            "content-available": 1 if silent or options.content_available else None,
            # A picture is fetched by the app's extension, which runs only for mutable content.
            "mutable-content": 1 if options.mutable_content or (content.image and not silent) else None,
            "interruption-level": options.interruption_level,
            "relevance-score": options.relevance_score,
        }
        data = data_of(message, content, self.config.message_id_key)
        if content.image is not None and data.setdefault("image", content.image) != content.image:
            raise SendError(ErrorKind.UNSUPPORTED, "data.image", "the key is taken by recallgate; choose another name")
        if "aps" in data:
            raise SendError(ErrorKind.UNSUPPORTED, "data.aps", "the key is reserved by APNs; choose another name")
        return {"aps": given(aps), **data}

    def _sign(self, request: httpx.Request) -> httpx.Request:
        config = self.config
        token = provider_token(config.private_key.get_secret_value(), config.key_id, config.team_id, self.tools.now())
        request.headers["authorization"] = f"bearer {token}"
        return request

    def _refusal(self, response: httpx.Response) -> SendError:
        try:
            answer = response.json()
        except ValueError:
            answer = None
        told = answer if isinstance(answer, dict) else {}
        reason, status, now = str(told.get("reason", "")), response.status_code, self.tools.now()
        kind = ERRORS.get(reason) or STATUS_KINDS.get(status) or http_kind(status)
        retry_at = None
        if kind in (ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE, ErrorKind.TEMPORARY):
            retry_at = retry_after(response, now)
        elif reason == "TooManyProviderTokenUpdates":
            retry_at = retry_after(response, now) or now + LEAST_TOKEN_AGE
        scope: Literal["account", "address"] = "address" if reason == "TooManyRequests" else "account"
        return SendError(kind, reason or f"http {status}", _since(told.get("timestamp")), retry_at=retry_at, scope=scope)


def provider_token(private_key: str, key_id: str, team_id: str, now: datetime) -> str:
    """The token of the current half hour: at most 30 minutes old, and the same for every process that signs in it."""
    issued = int(now.timestamp() // TOKEN_AGE.total_seconds() * TOKEN_AGE.total_seconds())
    return pem_token(private_key, {"alg": "ES256", "kid": key_id}, {"iss": team_id, "iat": issued})


def apns_id(message_id: str) -> str:
    """Our message id where it is a UUID, else one made of it: APNs takes no other form."""
    try:
        return str(UUID(message_id))
    except ValueError:
        return str(uuid5(NAMESPACE_URL, f"recallgate:{message_id}"))


def _priority(content: Push, options: ApnsOptions) -> int:
    if options.push_type == "background":
        if options.priority == 10:
            raise SendError(ErrorKind.UNSUPPORTED, "priority", "a background push has priority 5 at most")
        return options.priority or 5
    return options.priority or (10 if content.urgency == "high" else 5)


def _since(milliseconds: object) -> str:
    """Since when a token is dead, in words; a token that the app registered later is not meant."""
    if not isinstance(milliseconds, int) or not 0 < milliseconds < 10**14:
        return ""
    return f"dead since {datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec='seconds')}"
