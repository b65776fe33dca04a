"""Twilio's signatures: every vector of the vendor's library, and everything that is near to one and is not it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from recallgate import Callback, ForgedCallback
from recallgate_adapters.twilio_signature import signature, verify

FACTS = json.loads((Path(__file__).parent.parent / "data" / "vendors" / "twilio.json").read_text("utf-8"))
VECTORS: dict[str, dict[str, Any]] = {vector["name"]: vector for vector in FACTS["signature_vectors"]["vectors"]}
AT = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
every_vector = pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())


def fields_of(vector: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, one) for name, value in vector["params"].items() for one in (value if isinstance(value, list) else [value])]


def callback_of(vector: dict[str, Any], **over: Any) -> Callback:
    headers = {"X-Twilio-Signature": vector["expected"]}
    body = vector.get("body") or urlencode(fields_of(vector))
    if body:
        headers["Content-Type"] = "application/json" if "body" in vector else "application/x-www-form-urlencoded"
    if vector["algorithm"] == "HMAC_SHA256":
        headers["X-Twilio-Webhooks-Signature-Settings"] = "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"
    parts = {"method": "POST", "url": vector["url"], "headers": httpx.Headers(headers), "body": body.encode(), **over}
    return Callback(received_at=AT, **parts)


def keys_of(vector: dict[str, Any], *, secret: str | None = None) -> dict[str, list[str]]:
    sort = "shared_keys" if vector["algorithm"] == "HMAC_SHA256" else "tokens"
    return {"tokens": [], "shared_keys": [], sort: [secret or vector["auth_token"]]}


def test_all_nine_vectors_are_here() -> None:
    assert len(VECTORS) == 9


@every_vector
def test_a_vector_is_computed_as_the_vendor_does(vector: dict[str, Any]) -> None:
    assert signature(vector["auth_token"], vector["url"], fields_of(vector), algorithm=vector["algorithm"]) == vector["expected"]


@every_vector
def test_a_signed_callback_is_believed(vector: dict[str, Any]) -> None:
    verify(callback_of(vector), **keys_of(vector))


@every_vector
def test_a_callback_is_believed_under_the_previous_secret_too(vector: dict[str, Any]) -> None:
    keys = {sort: ["new-secret", *secrets] for sort, secrets in keys_of(vector).items()}

    verify(callback_of(vector), **keys)


@every_vector
def test_another_secret_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(ForgedCallback):
        verify(callback_of(vector), **keys_of(vector, secret="54321"))


@every_vector
def test_a_further_field_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(ForgedCallback):
        verify(callback_of(vector, body=callback_of(vector).body + b"&x=1"), **keys_of(vector))


@every_vector
def test_another_path_is_refused(vector: dict[str, Any]) -> None:
    with pytest.raises(ForgedCallback):
        verify(callback_of(vector, url=vector["url"].replace("://", "://evil.")), **keys_of(vector))


@pytest.mark.parametrize(
    "url",
    [
        "https://app.example/cb?x=1",
        "https://app.example:443/cb?x=1",
        "https://app.example:8443/cb?x=1",
        "http://app.example/cb",
        "https://[2001:db8::1]:8443/cb",
        "https://[2001:db8::1]/cb",
    ],
)
@pytest.mark.parametrize("with_port", [True, False])
def test_the_port_may_be_signed_or_not(url: str, with_port: bool) -> None:
    parts = httpx.URL(url)
    port = parts.port or (
        int(url.rsplit(":", 1)[1].split("/")[0]) if ":443/" in url else {"https": 443, "http": 80}[parts.scheme]
    )
    host = f"[{parts.host}]" if ":" in parts.host else parts.host
    signed_url = f"{parts.scheme}://{host}{f':{port}' if with_port else ''}{parts.raw_path.decode()}"
    headers = httpx.Headers({"X-Twilio-Signature": signature("t", signed_url)})

    verify(Callback("GET", url, headers, b"", AT), tokens=["t"])


def test_a_json_body_with_another_hash_is_refused() -> None:
    vector = VECTORS["json-body"]

    with pytest.raises(ForgedCallback, match="hash"):
        verify(callback_of(vector, body=b'{"a":2}'), **keys_of(vector))


def test_a_body_outside_the_signature_is_refused() -> None:
    vector = VECTORS["get-no-params"]
    headers = httpx.Headers({"X-Twilio-Signature": vector["expected"], "Content-Type": "application/json"})

    with pytest.raises(ForgedCallback, match="hash"):
        verify(callback_of(vector, headers=headers, body=b'{"MessageStatus":"delivered"}'), **keys_of(vector))


@pytest.mark.parametrize(
    "settings", ["key=k,algorithm=HMAC_SHA256", "algorithm=HMAC_SHA512", "algorithm=none", " algorithm = hmac_sha256 "]
)
def test_an_algorithm_without_a_key_is_refused(settings: str) -> None:
    callback = callback_of(VECTORS["get-no-params"])
    callback.headers["X-Twilio-Webhooks-Signature-Settings"] = settings

    with pytest.raises(ForgedCallback, match="callback_key"):
        verify(callback, tokens=["12345"])


def test_an_auth_token_is_no_shared_key() -> None:
    vector = VECTORS["sharedkey-sha256"]

    with pytest.raises(ForgedCallback):
        verify(callback_of(vector), tokens=[vector["auth_token"]])


@pytest.mark.parametrize("told", ["", "é", "AAAA", "A" * 10_000])
def test_a_signature_that_is_none_is_refused(told: str) -> None:
    vector = VECTORS["voice-form-post"]
    headers = httpx.Headers([(b"X-Twilio-Signature", told.encode()), (b"Content-Type", b"application/x-www-form-urlencoded")])

    with pytest.raises(ForgedCallback):
        verify(callback_of(vector, headers=headers), **keys_of(vector))
