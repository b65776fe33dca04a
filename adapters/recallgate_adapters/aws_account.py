"""An account at AWS: its keys, and Signature Version 4 on its requests.

Source: botocore 1.44.5, whose signer made the test vectors, read 2026-11-22.
Quirk: in the canonical request the path is percent-encoded a second time: %2B on the wire is %252B there.
Quirk: the host of a region in China ends with amazonaws.com.cn.
"""

from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import quote

import httpx
from pydantic import Field, SecretStr

from recallgate import AdapterConfig, ErrorKind, Signed, Tools
from recallgate_adapters._signing import canonical_request, derived_key, hmac_hex, path_of, sha256_hex

# Refusals of the key itself, as all services tell them; the JSON protocols do so with HTTP 400.
KEY_ERRORS: dict[str, ErrorKind] = dict.fromkeys(
    (
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "ExpiredToken",
        "ExpiredTokenException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
    ),
    ErrorKind.AUTH,
)


class AwsConfig(AdapterConfig):
    """An access key of a region; `session_token` belongs to temporary keys."""

    dsn_user: ClassVar[str] = "access_key_id"
    dsn_password: ClassVar[str] = "secret_access_key"  # noqa: S105 - the name of a field
    access_key_id: str = Field(min_length=1)
    secret_access_key: SecretStr = Field(min_length=1)
    session_token: SecretStr | None = None
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d+$", description="Such as us-east-1.")

    def url(self, service: str) -> str:
        """The address of a service in the account's region, with no slash at its end."""
        domain = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return (self.base_url or f"https://{service}.{self.region}.{domain}").rstrip("/")

    def signed(self, service: str, tools: Tools) -> Signed:
        """The `auth` of an adapter that speaks to this service."""
        return Signed(lambda request: sign(request, self, service=service, now=tools.now()))


def sign(request: httpx.Request, config: AwsConfig, *, service: str, now: datetime) -> httpx.Request:
    """The request with AWS4-HMAC-SHA256 on it; signed are content type, host, time, target and session token."""
    request.headers["x-amz-date"] = stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    if config.session_token:
        request.headers["x-amz-security-token"] = config.session_token.get_secret_value()
    signed = [name for name in request.headers if name in ("host", "content-type") or name.startswith("x-amz-")]
    path = quote(path_of(request.url), safe="/~")
    canonical, names = canonical_request(request, signed, path=path, payload_hash=sha256_hex(request.content))
    steps = (stamp[:8], config.region, service, "aws4_request")
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{'/'.join(steps)}\n{sha256_hex(canonical.encode())}"
    signature = hmac_hex(derived_key(f"AWS4{config.secret_access_key.get_secret_value()}", *steps), text)
    request.headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={config.access_key_id}/{'/'.join(steps)}, SignedHeaders={names}, Signature={signature}"
    )
    return request
