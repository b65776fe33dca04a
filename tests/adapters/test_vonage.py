"""Vonage keeps the contract of adapters, for SMS and for calls, and each of its quirks."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from recallgate import (
    Callback,
    CallScript,
    ErrorKind,
    ForgedCallback,
    KeyAnswer,
    Message,
    Pause,
    Play,
    Say,
    SendError,
    Signed,
    authorize,
)
from recallgate.testing import AdapterContract
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters._call_script import pack
from recallgate_adapters.vonage import ERRORS, REPORT_ERRORS, VonageSms, VonageSmsConfig
from recallgate_adapters.vonage_signature import METHODS, application_token, signature, verify_fields, verify_token
from recallgate_adapters.vonage_voice import STATUSES, VonageVoice, VonageVoiceConfig

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "vendors" / "vonage.json").read_text("utf-8"))
VECTORS: dict[str, dict[str, Any]] = {vector["name"]: vector for vector in FACTS["signature_vectors"]["vectors"]}
JWT, WEBHOOK = VECTORS["application-jwt"], VECTORS["signed-webhook"]
SMS = {"api_key": "abcd1234", "api_secret": "api-secret-0001", "signature_secret": "sig-secret-0001", "sender": "ACME"}
VOICE = {
    "application_id": JWT["application_id"],
    "private_key": JWT["private_key_pem"],
    "signature_secret": WEBHOOK["signature_secret"],
    "sender": "+15005550009",
}
BARE = "https://app.example/callbacks/acme/s3cret"


class TestVonageSms(AdapterContract):
    adapter = VonageSms
    config = SMS
    message = {
        "channel": "sms",
        "to": {"type": "phone", "e164": "+15005550006"},
        "content": {"type": "text", "text": "Hi"},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "vonage.sms.json"


class TestVonageVoice(AdapterContract):
    adapter = VonageVoice
    config = VOICE
    message = {
        "channel": "voice",
        "to": {"type": "phone", "e164": "+15005550006"},
        "content": {"type": "call", "say": [{"type": "say", "text": "您好", "language": "zh-CN"}]},
        "purpose": "service",
    }
    exchanges = DATA / "exchanges" / "vonage.voice.json"


def sms(**config: Any) -> VonageSms:
    return VonageSms(VonageSmsConfig(**{**SMS, **config}), tools_of())


def voice(callback_url: Any = None, **config: Any) -> VonageVoice:
    return VonageVoice(VonageVoiceConfig(**{**VOICE, **config}), tools_of(callback_url))


def signed_fields(**over: str) -> dict[str, str]:
    fields = {"messageId": "0A1", "msisdn": "15005550006", "status": "delivered", "err-code": "0", "client-ref": "m-1", **over}
    return {**fields, "sig": signature("sig-secret-0001", fields, method="sha256")}


# Facts


def test_every_code_of_the_facts_is_mapped() -> None:
    assert {f"sms:{code}" for code in ERRORS} == set(FACTS["errors"]["codes"])
    assert {f"dlr:{code}" for code in REPORT_ERRORS} == set(FACTS["errors"]["report_codes"])


def test_every_status_of_the_facts_is_mapped() -> None:
    assert set(VonageSms.statuses) == set(FACTS["delivery_status"]["status_map"])
    assert set(STATUSES) == {*FACTS["voice_status"]["status_map"], "human", "disconnected"}


# Signatures


@pytest.mark.parametrize("method", METHODS)
def test_a_sig_is_computed_as_the_vendor_does(method: str) -> None:
    vector = VECTORS[f"sms-sig-{method}"]

    assert signature(vector["signature_secret"], vector["params"], method=method) == vector["expected_sig"]
    verify_fields({**vector["params"], "sig": vector["expected_sig"].upper()}, secret=vector["signature_secret"], method=method)


@pytest.mark.parametrize("method", METHODS)
def test_a_sig_of_another_method_is_refused(method: str) -> None:
    vector = VECTORS[f"sms-sig-{method}"]
    other = METHODS[METHODS.index(method) - 1]

    with pytest.raises(ForgedCallback):
        verify_fields({**vector["params"], "sig": vector["expected_sig"]}, secret=vector["signature_secret"], method=other)


def test_an_ampersand_in_a_value_is_signed_as_an_underscore() -> None:
    assert signature("s", {"a": "x&b=y"}, method="md5") == signature("s", {"a": "x_b_y"}, method="md5")


def test_a_request_carries_a_token_as_the_vendor_makes_it() -> None:
    import jwt

    now = NOW.fromtimestamp(JWT["iat"], NOW.tzinfo)
    token = application_token(JWT["application_id"], JWT["private_key_pem"], now=now, nonce=JWT["jti"].replace("-", ""))
    wanted = JWT["expected_authorization"].removeprefix("Bearer ")
    options: Any = {"verify_exp": False}

    for one in (token, wanted):
        assert jwt.decode(one, JWT["public_key_pem"], algorithms=["RS256"], options=options) == JWT["claims"]
        assert jwt.get_unverified_header(one) == JWT["header"]


@pytest.mark.parametrize(
    "key", ["no key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", JWT["public_key_pem"]]
)
def test_a_key_that_cannot_sign_is_an_auth_error_without_the_key(key: str) -> None:
    adapter = voice(private_key=key)
    with pytest.raises(SendError) as caught:
        authorize(adapter, adapter.build(Message.voice("+15005550006", "Hi", purpose="service")))

    assert caught.value.kind is ErrorKind.AUTH
    assert "AAAA" not in str(caught.value)


def test_a_key_on_one_line_is_read() -> None:
    adapter = voice(private_key=JWT["private_key_pem"].replace("\n", "\\n"))

    assert authorize(adapter, adapter.build(Message.voice("+15005550006", "Hi", purpose="service"))).headers["authorization"]


def webhook(token: str, body: str = WEBHOOK["body"]) -> Callback:
    return Callback("POST", f"{BARE}?m=m-1", httpx.Headers({"authorization": token}), body.encode(), NOW)


def token_of(claims: dict[str, Any], *, secret: str = WEBHOOK["signature_secret"], alg: str = "HS256") -> str:
    parts = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": alg}, claims)]
    digest = hmac.new(secret.encode(), ".".join(parts).encode(), hashlib.sha256).digest()
    return f"Bearer {'.'.join(parts)}.{urlsafe_b64encode(digest).decode().rstrip('=')}"


def test_a_signed_webhook_is_believed() -> None:
    claims = verify_token(webhook(WEBHOOK["expected_authorization"]), secret=WEBHOOK["signature_secret"])

    assert claims == WEBHOOK["claims"]


@pytest.mark.parametrize(
    "token",
    [
        "",
        "Bearer ",
        "Bearer a.b",
        "Bearer é.b.c",
        "Basic " + WEBHOOK["expected_authorization"].removeprefix("Bearer "),
        token_of(WEBHOOK["claims"], secret="other"),
        token_of(WEBHOOK["claims"], alg="none"),
        token_of(WEBHOOK["claims"], alg="HS512"),
        token_of(WEBHOOK["claims"]).rpartition(".")[0] + ".",
        token_of({**WEBHOOK["claims"], "payload_hash": "0" * 64}),
        token_of({name: value for name, value in WEBHOOK["claims"].items() if name != "payload_hash"}),
        token_of({**WEBHOOK["claims"], "exp": NOW.timestamp() - 301}),
    ],
)
def test_a_token_that_proves_nothing_is_refused(token: str) -> None:
    callback = Callback("POST", BARE, httpx.Headers([(b"authorization", token.encode())]), WEBHOOK["body"].encode(), NOW)

    with pytest.raises(ForgedCallback):
        verify_token(callback, secret=WEBHOOK["signature_secret"])


def test_another_body_under_the_same_token_is_refused() -> None:
    with pytest.raises(ForgedCallback, match="hash"):
        verify_token(webhook(WEBHOOK["expected_authorization"], WEBHOOK["body"] + " "), secret=WEBHOOK["signature_secret"])


# Quirks of SMS


def test_webhooks_come_as_form_json_or_query() -> None:
    fields = signed_fields()
    ways = [
        ("POST", f"{BARE}?m=x&k=status", urlencode(fields).encode()),
        ("POST", f"{BARE}?m=x&k=status", json.dumps(fields).encode()),
        ("GET", f"{BARE}?m=x&k=status&{urlencode(fields)}", b""),
    ]
    read = [sms().read_callback(Callback(method, url, httpx.Headers(), body, NOW)).events for method, url, body in ways]

    assert read[0] == read[1] == read[2]
    assert [(event.message_id, event.status) for event in read[0]] == [("m-1", "delivered")]


@pytest.mark.parametrize("way", ["query", "json"])
def test_a_changed_webhook_is_refused_in_each_form(way: str) -> None:
    fields = {**signed_fields(), "status": "failed"}
    url, body = (f"{BARE}?{urlencode(fields)}", b"") if way == "query" else (BARE, json.dumps(fields).encode())

    with pytest.raises(ForgedCallback):
        sms().read_callback(Callback("POST", url, httpx.Headers(), body, NOW))


def test_without_a_signature_secret_no_webhook_is_believed() -> None:
    callback = Callback("POST", BARE, httpx.Headers(), urlencode(signed_fields()).encode(), NOW)

    with pytest.raises(ForgedCallback, match="signature_secret"):
        sms(signature_secret=None).read_callback(callback)
    with pytest.raises(ForgedCallback, match="signature_secret"):
        voice(signature_secret=None).read_callback(webhook(WEBHOOK["expected_authorization"]))


def test_an_account_without_any_secret_is_a_wrong_setting() -> None:
    with pytest.raises(ValueError, match="api_secret, signature_secret"):
        VonageSmsConfig(api_key="abcd1234")


def test_without_an_api_secret_requests_are_signed() -> None:
    adapter = sms(api_secret=None, signature_method="md5")
    request = authorize(adapter, adapter.build(Message.sms("+15005550006", "a=b&c", purpose="service")))
    fields = dict(httpx.QueryParams(request.content.decode()).items())

    assert isinstance(adapter.auth, Signed)
    verify_fields(fields, secret="sig-secret-0001", method="md5")


def test_an_account_without_a_sender_needs_one_on_the_message() -> None:
    with pytest.raises(SendError) as caught:
        sms(sender=None).build(Message.sms("+15005550006", "Hi", purpose="service"))

    assert caught.value.kind is ErrorKind.INVALID_SENDER


# Quirks of calls


def call(*say: Say | Play | Pause, **fields: Any) -> Message:
    return Message.voice("+15005550006", CallScript(say=say, **fields), purpose="service", id="m-1")


@pytest.mark.parametrize(("length", "taken"), [(1500, True), (1501, False)])
def test_a_talk_has_at_most_1500_characters(length: int, taken: bool) -> None:
    if taken:
        assert b"x" * length in voice().build(call(Say(text="x" * length))).content
    else:
        with pytest.raises(SendError) as caught:
            voice().build(call(Say(text="x" * length)))
        assert caught.value.kind is ErrorKind.PAYLOAD_TOO_LARGE


def test_a_voice_without_a_number_is_refused_by_name() -> None:
    with pytest.raises(SendError, match="voice") as caught:
        voice().build(call(Say(text="Hi", voice="Amy")))

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_keys_without_a_public_address_are_refused() -> None:
    with pytest.raises(SendError, match="public_url") as caught:
        voice().build(call(Say(text="Press 1"), keys={"1": {"action": "confirm"}}))

    assert caught.value.kind is ErrorKind.UNSUPPORTED


@pytest.mark.parametrize(
    "packed", ["", "AAAA", pack(CallScript(say=(Say(text="x"),), keys={"1": KeyAnswer(say=(Say(text="x" * 1501),))}))]
)
def test_a_key_behind_a_broken_address_ends_the_call(packed: str) -> None:
    body = '{"uuid":"u","dtmf":{"digits":"1"}}'
    claims = {"payload_hash": hashlib.sha256(body.encode()).hexdigest()}
    callback = Callback(
        "POST", f"{BARE}?k=keys&s={packed}", httpx.Headers({"authorization": token_of(claims)}), body.encode(), NOW
    )

    assert voice().read_callback(callback).reply.body == b"[]"
