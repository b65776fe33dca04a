"""What Twilio's products share: account settings, error codes, the form of answers and the check of callbacks.

Source: OpenAPI description twilio_api_v2010, and "Error and Warning Dictionary", read 2026-11-22.
Quirk: the vendor changes codes without notice; an unlisted one falls back to the HTTP status.
Quirk: two messages or calls are never told apart by the vendor: it has no idempotency key.
"""

from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr

from recallgate import AdapterConfig, Basic, Callback, ErrorKind
from recallgate_adapters._shared import answer_naming, refusal, told_object
from recallgate_adapters.twilio_signature import verify

# Answers to a submit. 21612 is a fault of the pair of numbers and 21608 one of a trial account: the address itself is
# sound and another account may reach it, so it must not be suppressed.
ERRORS: dict[str, ErrorKind] = {
    "10001": ErrorKind.AUTH,
    "20003": ErrorKind.AUTH,
    "20429": ErrorKind.RATE_LIMITED,
    "21211": ErrorKind.INVALID_RECIPIENT,
    "21212": ErrorKind.INVALID_SENDER,
    "21408": ErrorKind.UNSUPPORTED_REGION,
    "21606": ErrorKind.INVALID_SENDER,
    "21608": ErrorKind.UNSUPPORTED,
    "21610": ErrorKind.OPTED_OUT,
    "21612": ErrorKind.UNSUPPORTED,
    "21614": ErrorKind.INVALID_RECIPIENT,
    "21617": ErrorKind.PAYLOAD_TOO_LARGE,
    "21635": ErrorKind.INVALID_RECIPIENT,
    "21658": ErrorKind.PAYLOAD_TOO_LARGE,
}


class TwilioConfig(AdapterConfig):
    """A Twilio account. `auth_token` also verifies callbacks, beside `previous_auth_token` while it is being rotated.

    With `api_key_sid` and `api_key_secret` requests use that key instead of the token. `callback_key` is the shared key
    of callbacks signed with SHA-256.
    """

    dsn_user: ClassVar[str] = "account_sid"
    dsn_password: ClassVar[str] = "auth_token"  # noqa: S105 - the name of a field
    base_url: str = "https://api.twilio.com"
    account_sid: str = Field(min_length=1)
    auth_token: SecretStr = Field(min_length=1)
    previous_auth_token: SecretStr | None = None
    api_key_sid: str | None = None
    api_key_secret: SecretStr | None = None
    callback_key: SecretStr | None = None

    @property
    def basic(self) -> Basic:
        """Which two fields sign in."""
        if self.api_key_sid and self.api_key_secret:
            return Basic("api_key_sid", "api_key_secret")
        return Basic("account_sid", "auth_token")

    def url(self, *path: str) -> str:
        """The address of a resource of this account; every part of the path is quoted."""
        parts = "/".join(quote(part, safe="") for part in (self.account_sid, *path))
        return f"{self.base_url.rstrip('/')}/2010-04-01/Accounts/{parts}.json"

    def verify(self, callback: Callback) -> None:
        """Raise `ForgedCallback` unless this account's secrets signed the callback."""
        tokens = [secret.get_secret_value() for secret in (self.auth_token, self.previous_auth_token) if secret]
        shared_keys = [self.callback_key.get_secret_value()] if self.callback_key else []
        verify(callback, tokens=tokens, shared_keys=shared_keys)


def read_answer(response: httpx.Response, config: TwilioConfig, *, now: datetime) -> dict[str, Any]:
    """The resource in a 2xx answer, with its `sid`; raises `SendError` for refusals and for answers without one."""
    if response.status_code >= 400:
        fault = told_object(response)
        words = str(fault.get("message") or "").replace(config.account_sid, "…")
        raise refusal(response, str(fault.get("code") or ""), words, errors=ERRORS, now=now)
    return answer_naming(response, "sid")


def callback_fields(callback: Callback) -> dict[str, str]:
    """The fields of a callback: of its form, or of its query when it came as GET."""
    return dict(callback.form) if callback.body else callback.query
