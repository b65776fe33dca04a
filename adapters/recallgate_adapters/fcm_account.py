"""A Google service account: its settings, and the access token that a signed assertion buys (RFC 7523).

Source: google-auth 2.62.2, whose assertions are the test vectors, read 2026-11-22.
"""

import json
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import httpx
from pydantic import Field, SecretStr, model_validator

from recallgate import AdapterConfig, ErrorKind, SendError, Token, http_kind, retry_after

AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


class FcmConfig(AdapterConfig):
    """A service account: as a file or JSON text in `service_account`, or by its fields.

    `target_field` is the name under which the device token travels. With `message_id_key` our message id goes to the app
    in `data` under that key, so that the app can report what it showed. `dry_run` has FCM check messages and send none.
    """

    base_url: str = "https://fcm.googleapis.com"
    service_account: SecretStr | None = None
    project_id: str = Field(min_length=1)
    client_email: str = Field(min_length=1)
    private_key: SecretStr
    private_key_id: str = ""
    token_uri: str = AUDIENCE
    target_field: Literal["token", "fid"] = "token"
    message_id_key: str | None = None
    dry_run: bool = False

    @model_validator(mode="before")
    @classmethod
    def _read_service_account(cls, values: Any) -> Any:
        if not isinstance(values, dict) or not values.get("service_account"):
            return values
        given = values["service_account"]
        account = _service_account(given.get_secret_value() if isinstance(given, SecretStr) else str(given))
        names = ("project_id", "client_email", "private_key", "private_key_id", "token_uri")
        rest = {name: value for name, value in values.items() if name != "service_account"}
        return {name: account[name] for name in names if name in account} | rest


@lru_cache(maxsize=8)
def _private_key(pem: str) -> Any:
    """The key, read once: checking its primes takes longer than a signature."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(pem.encode(), password=None)


def build_assertion(config: FcmConfig, now: datetime) -> httpx.Request:
    """The request for an access token, with a fresh assertion that is good for an hour."""
    import jwt

    issued = int(now.timestamp())
    claims = {"iss": config.client_email, "scope": SCOPE, "aud": AUDIENCE, "iat": issued, "exp": issued + 3600}
    headers = {"kid": config.private_key_id} if config.private_key_id else None
    # Environment variables and one-line files carry the key with its line breaks written as \n.
    pem = config.private_key.get_secret_value().replace("\\n", "\n")
    try:
        assertion = jwt.encode(claims, _private_key(pem), algorithm="RS256", headers=headers)
    except (ValueError, TypeError, jwt.PyJWTError):
        raise SendError(ErrorKind.AUTH, "private_key", "private_key is not a PEM-encoded RSA key") from None
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}
    return httpx.Request("POST", config.token_uri, data=form)


def parse_token(response: httpx.Response, now: datetime) -> Token:
    """The access token; no failure here can have sent a message, so none is uncertain."""
    if not response.is_success:
        kind = http_kind(response.status_code)
        if kind in (ErrorKind.UNCERTAIN, ErrorKind.UNAVAILABLE, ErrorKind.RATE_LIMITED):
            kind = ErrorKind.UNAVAILABLE
        else:
            kind = ErrorKind.AUTH
        retry_at = retry_after(response, now)
        raise SendError(kind, _oauth_code(response), "no access token was given", retry_at=retry_at)
    try:
        answer = response.json()
        return Token(str(answer["access_token"]), now + timedelta(seconds=int(answer["expires_in"])))
    except (ValueError, KeyError, TypeError):
        raise SendError(ErrorKind.UNAVAILABLE, "token", "the token's answer cannot be read") from None


def _service_account(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{"):
        try:
            text = Path(text).expanduser().read_text(encoding="utf-8")
        except (OSError, ValueError):
            raise ValueError("service_account: the file cannot be read; give its path or the JSON text itself") from None
    try:
        account = json.loads(text)
    except ValueError:
        raise ValueError("service_account: it is not JSON; download the key again from the console") from None
    if not isinstance(account, dict):
        raise ValueError("service_account: it is not a JSON object; download the key again from the console")
    return account


def _oauth_code(response: httpx.Response) -> str:
    try:
        answer = response.json()
    except ValueError:
        return f"http {response.status_code}"
    error = answer.get("error") if isinstance(answer, dict) else None
    return error[:64] if isinstance(error, str) else f"http {response.status_code}"
