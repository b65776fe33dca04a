"""A Sinch account: a service plan with its token, or a project whose key fetches one; and the check of callbacks.

Source: sinch 2.3.0 and "Webhooks", vendor documents, read 2026-11-22.
Quirk: an old token is answered with 401 and the word `expired` in WWW-Authenticate.
Quirk: callbacks are signed only after the vendor has switched that on for the account.
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar, Literal
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr, model_validator

from recallgate import (
    AdapterConfig,
    Bearer,
    Callback,
    ErrorKind,
    ForgedCallback,
    SendError,
    Token,
    TokenAuth,
    http_kind,
    retry_after,
)


class SinchConfig(AdapterConfig):
    """`service_plan_id` with `api_token`, or `project_id` with `key_id` and `key_secret`. `region` makes up `base_url`.

    With `callback_secret` unsigned callbacks are refused; without it their secret address alone is believed.
    """

    dsn_user: ClassVar[str] = "service_plan_id"
    dsn_password: ClassVar[str] = "api_token"  # noqa: S105 - the name of a field
    region: Literal["us", "eu", "au", "br", "ca"] = "us"
    service_plan_id: str | None = None
    api_token: SecretStr | None = None
    project_id: str | None = None
    key_id: str | None = None
    key_secret: SecretStr | None = None
    token_url: str = "https://auth.sinch.com/oauth2/token"  # noqa: S105 - an address
    callback_secret: SecretStr | None = Field(default=None, min_length=1)
    sender: str | None = None

    @model_validator(mode="after")
    def _one_way_in(self) -> "SinchConfig":
        plan = (self.service_plan_id, self.api_token)
        project = (self.project_id, self.key_id, self.key_secret)
        if all(plan) == all(project) or any(plan) == any(project):
            raise ValueError("give service_plan_id and api_token, or project_id, key_id and key_secret")
        return self

    @property
    def url(self) -> str:
        """Where batches go."""
        host = f"{self.region}.sms.api.sinch.com" if self.service_plan_id else f"zt.{self.region}.sms.api.sinch.com"
        base_url = self.base_url.rstrip("/") or f"https://{host}"
        return f"{base_url}/xms/v1/{quote(self.service_plan_id or self.project_id or '', safe='')}/batches"

    def verify(self, callback: Callback) -> None:
        """Raise `ForgedCallback` unless the callback secret signed this body, where there is one."""
        if self.callback_secret is None:
            return
        told, nonce, stamp = (
            callback.headers.get(f"x-sinch-webhook-signature{part}", "") for part in ("", "-nonce", "-timestamp")
        )
        text = callback.body + f".{nonce}.{stamp}".encode()
        expected = signature(self.callback_secret.get_secret_value(), text)
        if not (nonce and stamp) or not hmac.compare_digest(expected.encode(), told.encode()):
            raise ForgedCallback("sinch: the callback has no signature that fits")


def signature(secret: str, text: bytes) -> str:
    return b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def sign_in(config: SinchConfig, now: Callable[[], datetime]) -> Bearer | TokenAuth:
    """How requests of an account prove who sends them; `now` tells the time."""
    if config.service_plan_id:
        return Bearer("api_token")
    return TokenAuth(
        build=lambda: _token_request(config),
        parse=lambda response: _token(response, now()),
        apply=_with_token,
        expired=lambda response: response.status_code == 401 and "expired" in response.headers.get("www-authenticate", ""),
        identity=f"sinch:{config.token_url}:{config.key_id}",
    )


def _token_request(config: SinchConfig) -> httpx.Request:
    assert config.key_secret is not None
    pair = b64encode(f"{config.key_id}:{config.key_secret.get_secret_value()}".encode()).decode()
    headers = {"authorization": f"Basic {pair}"}
    return httpx.Request("POST", config.token_url, data={"grant_type": "client_credentials"}, headers=headers)


def _token(response: httpx.Response, now: datetime) -> Token:
    """The access token; no failure here can have sent a message, so none is uncertain."""
    if not response.is_success:
        passing = http_kind(response.status_code) in (ErrorKind.UNCERTAIN, ErrorKind.UNAVAILABLE, ErrorKind.RATE_LIMITED)
        kind = ErrorKind.UNAVAILABLE if passing else ErrorKind.AUTH
        code = f"http {response.status_code}"
        raise SendError(kind, code, "no access token was given", retry_at=retry_after(response, now))
    try:
        answer = response.json()
        return Token(str(answer["access_token"]), now + timedelta(seconds=int(answer["expires_in"])))
    except (ValueError, KeyError, TypeError):
        raise SendError(ErrorKind.UNAVAILABLE, "token", "the token's answer cannot be read") from None


def _with_token(request: httpx.Request, token: Token) -> httpx.Request:
    request.headers["authorization"] = f"Bearer {token.value}"
    return request
