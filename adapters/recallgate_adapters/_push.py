"""What push adapters share: the device and the words of a message, its data, how long it may wait, the vendor's code."""

import json
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
from pydantic import SecretStr

from recallgate import (
    ErrorKind,
    Message,
    Push,
    PushToken,
    SendError,
    Token,
    TokenAuth,
    Tools,
    http_kind,
    retry_after,
)
from recallgate_adapters._shared import mask_digits


def push_of(message: Message, name: str, platforms: Collection[str]) -> tuple[str, Push]:
    """The device token and the content; raises `SendError(UNSUPPORTED)` for what is no push to one of these platforms."""
    if not isinstance(message.content, Push):
        raise SendError(ErrorKind.UNSUPPORTED, "content", f"content: {name} takes push, not {message.content.type}")
    if not isinstance(message.to, PushToken):
        raise SendError(ErrorKind.UNSUPPORTED, "address", f"to: {name} takes a device token, not {message.to.type}")
    if message.to.platform is not None and message.to.platform not in platforms:
        raise SendError(
            ErrorKind.UNSUPPORTED, "platform", f"{name} reaches {', '.join(sorted(platforms))}, not {message.to.platform}"
        )
    return message.to.token, message.content


def equal_content(messages: Sequence[Message], most: int) -> Message:
    """The first of a batch; raises `SendError(UNSUPPORTED)` when one request cannot carry them all."""
    first = messages[0]
    if len(messages) > most:
        raise SendError(ErrorKind.UNSUPPORTED, "batch", f"{len(messages)} messages, at most {most} in one request")
    for other in messages:
        if (other.content, other.sender, other.options, other.expires_at) != (
            first.content,
            first.sender,
            first.options,
            first.expires_at,
        ):
            raise SendError(ErrorKind.UNSUPPORTED, "batch", "one request carries equal content, sender, options and expiry only")
    return first


def no_sender(message: Message) -> None:
    if message.sender is not None:
        raise SendError(ErrorKind.UNSUPPORTED, "sender", "the sender of a push is the app of the token")


def lacking(content: Push, name: str, *fields: str) -> None:
    """Raise `SendError(UNSUPPORTED)` by name for a field that the vendor cannot carry."""
    for field in fields:
        if getattr(content, field) is not None:
            raise SendError(ErrorKind.UNSUPPORTED, field, f"{name} has no {field}")


def data_of(message: Message, content: Push, key: str | None, *, link: bool = True) -> dict[str, str]:
    """The app's data with the link and, under `key`, our message id; raises where the app already uses such a name."""
    data = dict(content.data)
    for name, value in (("link", content.link if link else None), (key, message.id)):
        if name and value is not None and data.setdefault(name, value) != value:
            raise SendError(ErrorKind.UNSUPPORTED, f"data.{name}", "the key is taken by recallgate; choose another name")
    return data


def ttl_s(message: Message, now: datetime, *, most: int, least: int = 0) -> int | None:
    """Seconds for which the vendor may keep the message; None where it has no end."""
    if message.expires_at is None:
        return None
    return max(least, min(most, int((message.expires_at - now).total_seconds())))


def characters(text: str, most: int, name: str) -> str:
    if len(text) > most:
        raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, name, f"{len(text)} characters, at most {most}")
    return text


def octets(size: int, most: int, name: str = "payload") -> None:
    if size > most:
        raise SendError(ErrorKind.PAYLOAD_TOO_LARGE, name, f"{size} bytes, at most {most}")


def given(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that are set."""
    return {name: value for name, value in fields.items() if value is not None}


def rebased(base_url: str, address: str) -> str:
    """An address under another origin: where `base_url` is set, it takes the place of scheme and host."""
    if not base_url:
        return address
    old, new = urlsplit(address), urlsplit(base_url)
    return urlunsplit((new.scheme, new.netloc, new.path.rstrip("/") + old.path, old.query, ""))


def origin_of(address: str) -> str:
    """Scheme, host and port of an address, as in RFC 6454."""
    parts = urlsplit(address)
    port = f":{parts.port}" if parts.port not in (None, {"https": 443, "http": 80}.get(parts.scheme)) else ""
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
    return f"{parts.scheme}://{host}{port}"


def read_code(response: httpx.Response, name: str, now: datetime) -> tuple[str, dict[str, Any]]:
    """The vendor's code as text, and the answer; an answer without one is a `SendError` by HTTP status."""
    try:
        answer = response.json()
    except ValueError:
        answer = None
    code = answer.get(name) if isinstance(answer, dict) else None
    if isinstance(code, str | int) and not isinstance(code, bool):
        assert isinstance(answer, dict)
        return str(code), answer
    status = response.status_code
    raise SendError(http_kind(status), f"http {status}", f"the answer has no {name}", retry_at=retry_after(response, now))


def within(answer: dict[str, Any], name: str) -> dict[str, Any]:
    """The object of that name; empty where there is none."""
    value = answer.get(name)
    return value if isinstance(value, dict) else {}


def text_id(value: object, what: str = "the answer names no message") -> str:
    """An id of the vendor as text; raises `SendError(UNCERTAIN)` for an answer without one."""
    if isinstance(value, str | int) and not isinstance(value, bool) and str(value):
        return str(value)
    raise SendError(ErrorKind.UNCERTAIN, "id", what)


def not_sent(error: SendError) -> SendError:
    """The error of a token request: it cannot have sent a message, so nothing about it is uncertain."""
    if error.kind is not ErrorKind.UNCERTAIN:
        return error
    return SendError(ErrorKind.UNAVAILABLE, error.code, error.detail, retry_at=error.retry_at)


def number_of(key: str) -> int:
    """A collapse key as the number that some vendors want: itself where it is one, else 31 bits of its hash."""
    if key.isascii() and key.isdigit() and len(key) < 10:
        return int(key)
    return int.from_bytes(sha256(key.encode()).digest()[:4], "big") & 0x7FFFFFFF


def compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def instant_ms(value: object) -> datetime | None:
    """An instant told in milliseconds since 1970, as a number or text; None for anything else."""
    text = str(value)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 10**14:
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)


def said(words: object, *messages: Message) -> str:
    """A vendor's words without numbers and without the addresses of these messages."""
    text = str(words or "")
    for message in messages:
        text = text.replace(message.to.key, "…")
    return mask_digits(text)[:200]


def client_credentials(
    token_url: str, client_id: str, secret: SecretStr, tools: Tools, *, expired: Callable[[httpx.Response], bool]
) -> TokenAuth:
    """A bearer token for an id and a secret (RFC 6749, 4.4); `expired` reads the vendor's own word for an old one."""

    def build() -> httpx.Request:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret.get_secret_value()}
        return httpx.Request("POST", token_url, data=form)

    return TokenAuth(
        build=build,
        parse=lambda response: _bearer(response, tools.now()),
        apply=_with_bearer,
        expired=expired,
        identity=f"client {token_url} {client_id}",
    )


def _bearer(response: httpx.Response, now: datetime) -> Token:
    """The access token; no failure here can have sent a message, so none is uncertain."""
    kind = http_kind(response.status_code)
    if not response.is_success:
        passing = kind in (ErrorKind.UNCERTAIN, ErrorKind.UNAVAILABLE, ErrorKind.RATE_LIMITED)
        kind = ErrorKind.UNAVAILABLE if passing else ErrorKind.AUTH
        raise SendError(kind, f"http {response.status_code}", "no access token was given", retry_at=retry_after(response, now))
    try:
        answer = response.json()
        return Token(str(answer["access_token"]), now + timedelta(seconds=int(answer["expires_in"])))
    except (ValueError, KeyError, TypeError):
        raise SendError(ErrorKind.UNAVAILABLE, "token", "the token's answer cannot be read") from None


def _with_bearer(request: httpx.Request, token: Token) -> httpx.Request:
    request.headers["authorization"] = f"Bearer {token.value}"
    return request


def short_address(url: str, most: int) -> str:
    """A callback's address within a vendor's limit: without its query where it is too long, since a parameter tells the rest."""
    if len(url) <= most:
        return url
    bare = url.partition("?")[0]
    if len(bare) > most:
        raise SendError(ErrorKind.UNSUPPORTED, "callback", f"the callback's address has more than {most} characters")
    return bare
