"""Signed webhook: POST to the address itself, JSON, HMAC-SHA256 over time and body.

This is our own form, for receivers that no vendor stands before. A payload is passed on as it is; a text goes as
`{"text": …}`. Three headers come with it:

    X-Recallgate-Id          the message id; a receiver that has seen it answers 2xx and does nothing
    X-Recallgate-Timestamp   seconds since 1970
    X-Recallgate-Signature   v1=HEX, HEX = HMAC-SHA256(secret, TIMESTAMP + "." + BODY), lower case

Receivers compute the same over the raw body, compare in constant time, and refuse what is older than five minutes:
`verify` does all of it. During a change of secrets there are two v1= parts, separated by a comma; either one proves it.

Source: none, the form is ours.
Quirk: any 2xx means taken, whatever its body; the receiver names no message, so our id stands for its.
Quirk: 410 means that the endpoint is gone for good; a 404 may be a deployment that went wrong.
Quirk: a time-out leaves the message uncertain; the id is the same in every copy.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
from pydantic import SecretStr

from recallgate import (
    Adapter,
    AdapterConfig,
    Capabilities,
    Endpoint,
    ErrorKind,
    Message,
    Payload,
    Receipt,
    SendError,
    Signed,
    Text,
    Tools,
    channels,
    http_kind,
    retry_after,
)
from recallgate_adapters._push import compact, octets, rebased

# HTTP statuses are the only codes; the others follow the statuses of every vendor.
ERRORS = {
    "400": ErrorKind.UNKNOWN,
    "401": ErrorKind.AUTH,
    "403": ErrorKind.AUTH,
    "404": ErrorKind.UNKNOWN,
    "410": ErrorKind.INVALID_RECIPIENT,
    "413": ErrorKind.PAYLOAD_TOO_LARGE,
    "429": ErrorKind.RATE_LIMITED,
}
ID, TIMESTAMP, SIGNATURE = "x-recallgate-id", "x-recallgate-timestamp", "x-recallgate-signature"
MAX_BODY = 256 * 1024
OLDEST = timedelta(minutes=5)


class WebhookConfig(AdapterConfig):
    """The secret shared with the receivers; `next_secret` signs too while they change over. `base_url` is a relay.

    Without a relay only public hosts are called, on ports 80 and 443; `private_hosts` lifts that.
    """

    dsn_password: ClassVar[str] = "secret"  # noqa: S105 - the name of a field
    secret: SecretStr
    next_secret: SecretStr | None = None
    private_hosts: bool = False


class Webhook(Adapter):
    """A JSON document to an HTTP address."""

    vendor, channel, product = "webhook", channels.WEBHOOK, "http"
    Config = WebhookConfig
    errors = ERRORS
    capabilities = Capabilities(max_bytes=MAX_BODY)
    config: WebhookConfig

    def __init__(self, config: WebhookConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Signed(self._sign)
        self.public_only = not (config.base_url or config.private_hosts)

    def build(self, message: Message) -> httpx.Request:
        self.options(message)
        if not isinstance(message.to, Endpoint):
            raise _unsupported("address", f"a webhook goes to an endpoint, not to {message.to.type}")
        if message.sender is not None:
            raise _unsupported("sender", "a webhook has no sender but the secret it is signed with")
        try:
            content = compact(_body(message)).encode()
        except (TypeError, ValueError):
            raise _unsupported("payload", "it is not a JSON document") from None
        octets(len(content), MAX_BODY)
        headers = {"content-type": "application/json", ID: message.id}
        return httpx.Request("POST", rebased(self.config.base_url, message.to.url), headers=headers, content=content)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        if response.is_success:
            return Receipt(message_id=message.id, vendor_id=message.id, note="the receiver names no message")
        code = str(response.status_code)
        # Redirects are not followed, and whoever answers with one has taken nothing.
        kind = ERRORS.get(code) or (ErrorKind.UNKNOWN if response.is_redirect else http_kind(response.status_code))
        # The body is the receiver's own and may repeat anything: it is left out.
        raise SendError(kind, code, "the receiver refused", retry_at=retry_after(response, self.tools.now()))

    def _sign(self, request: httpx.Request) -> httpx.Request:
        timestamp = str(int(self.tools.now().timestamp()))
        secrets = [secret.get_secret_value() for secret in (self.config.secret, self.config.next_secret) if secret is not None]
        request.headers[TIMESTAMP] = timestamp
        request.headers[SIGNATURE] = ",".join(f"v1={signature(secret, timestamp, request.content)}" for secret in secrets)
        return request


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The proof of one secret, in hexadecimal."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def verify(secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime) -> bool:
    """True when a webhook is ours and fresh: for receivers. `body` is raw, `now` aware; header names ignore case."""
    named = {name.lower(): value for name, value in headers.items()}
    timestamp = named.get(TIMESTAMP, "")
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > 11:
        return False
    if abs(now.timestamp() - int(timestamp)) > OLDEST.total_seconds():
        return False
    wanted = signature(secret, timestamp, body).encode()
    proofs = [part.strip().removeprefix("v1=").encode() for part in named.get(SIGNATURE, "").split(",")]
    return any(hmac.compare_digest(wanted, proof) for proof in proofs)


def _body(message: Message) -> Mapping[str, Any]:
    match message.content:
        case Payload(data=data):
            return data
        case Text(text=text):
            return {"text": text}
        case other:
            raise _unsupported("content", f"a webhook takes payload or text, not {other.type}")


def _unsupported(name: str, why: str) -> SendError:
    return SendError(ErrorKind.UNSUPPORTED, name, why)
