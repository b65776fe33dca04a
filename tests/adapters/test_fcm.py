"""FCM keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs

import httpx
import jwt
import pytest
from pydantic import ValidationError

from recallgate import (
    ErrorKind,
    Fault,
    IdSource,
    Message,
    Purpose,
    Push,
    PushToken,
    SendError,
    Token,
    TokenAuth,
    Tools,
    authorize,
)
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.fcm import FcmFace
from recallgate_adapters.fcm import FcmPush
from recallgate_adapters.fcm_account import FcmConfig

DATA = Path(__file__).parent.parent / "data"
VECTOR = json.loads((DATA / "vendors" / "fcm.json").read_text(encoding="utf-8"))["signature_vectors"]["vectors"][0]
CLAIMS = VECTOR["input"]["claims"]
ACCOUNT = {
    "project_id": "p1",
    "client_email": CLAIMS["iss"],
    "private_key": VECTOR["input"]["private_key_pem"],
    "private_key_id": VECTOR["input"]["kid"],
}
ISSUED = datetime.fromtimestamp(CLAIMS["iat"], UTC)
DEVICE = "bk3RNwTe3H0:CI2k_HHwgIpoDKCIZvvDMExUdFQ3P1"


class TestFcmPush(AdapterContract):
    adapter = FcmPush
    config = ACCOUNT
    message = {
        "channel": "push",
        "to": {"type": "push", "token": DEVICE},
        "content": {"type": "push", "title": "Your table is waiting", "body": "3 new dishes"},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "fcm.push.json"


def an_adapter(now: datetime = ISSUED, **config: object) -> FcmPush:
    tools = Tools(now=lambda: now, nonce=lambda n: "0" * n, callback_url=lambda *_, **__: None)
    return FcmPush(FcmConfig.model_validate({**ACCOUNT, **config}), tools)


def a_push(**content: object) -> Message:
    body = Push.model_validate({"title": "T", "body": "B", **content})
    return Message(id="m1", channel="push", to=PushToken(token=DEVICE), content=body, purpose=Purpose.MARKETING)


def token_auth(adapter: FcmPush) -> TokenAuth:
    assert isinstance(adapter.auth, TokenAuth)
    return adapter.auth


def refusal(call: object, *arguments: object) -> SendError:
    assert callable(call)
    with pytest.raises(SendError) as caught:
        call(*arguments)
    return caught.value


# The assertion


def test_the_assertion_has_the_claims_of_the_vendors_library() -> None:
    request = token_auth(an_adapter()).build()
    form = parse_qs(request.content.decode())
    public_key = VECTOR["expected"]["public_key_pem"]
    unchecked = {"verify_exp": False, "verify_iat": False}

    claims = jwt.decode(
        form["assertion"][0],
        public_key,
        algorithms=["RS256"],
        audience=CLAIMS["aud"],
        options=unchecked,  # type: ignore[arg-type] # a plain dict
    )

    assert claims == CLAIMS
    assert jwt.get_unverified_header(form["assertion"][0]) == {"alg": "RS256", "typ": "JWT", "kid": "kid1"}
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    assert (request.method, str(request.url)) == ("POST", "https://oauth2.googleapis.com/token")


def test_the_audience_stays_when_the_token_address_is_replaced() -> None:
    request = token_auth(an_adapter(token_uri="http://127.0.0.1:9/token")).build()

    claims = jwt.decode(parse_qs(request.content.decode())["assertion"][0], options={"verify_signature": False})

    assert str(request.url) == "http://127.0.0.1:9/token"
    assert claims["aud"] == "https://oauth2.googleapis.com/token"


@pytest.mark.parametrize("form", ["file", "text", "text with its own project"])
def test_a_service_account_comes_as_file_or_text(tmp_path: Path, form: str) -> None:
    document = json.dumps({**ACCOUNT, "type": "service_account", "token_uri": "https://t.example/token", "client_id": "1"})
    (tmp_path / "key.json").write_text(document, encoding="utf-8")
    given = str(tmp_path / "key.json") if form == "file" else document
    over = {"project_id": "p2"} if "own" in form else {}

    config = FcmConfig.model_validate({"service_account": given, **over})

    assert (config.project_id, config.client_email) == (over.get("project_id", "p1"), CLAIMS["iss"])
    assert config.private_key.get_secret_value() == ACCOUNT["private_key"]
    assert config.token_uri == "https://t.example/token"


@pytest.mark.parametrize("given", ["/no/such/file.json", "{not json", "{}"])
def test_a_service_account_that_cannot_be_read_is_a_clear_fault(given: str) -> None:
    with pytest.raises(ValidationError, match=r"service_account|project_id"):
        FcmConfig.model_validate({"service_account": given})


def test_a_key_with_written_line_breaks_signs() -> None:
    adapter = an_adapter(private_key=ACCOUNT["private_key"].replace("\n", "\\n"))

    assert b"assertion=" in token_auth(adapter).build().content


def test_a_key_that_is_none_is_an_account_fault_without_the_key() -> None:
    error = refusal(token_auth(an_adapter(private_key="not-a-key")).build)

    assert error.kind is ErrorKind.AUTH
    assert "not-a-key" not in str(error)


# The token


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, ErrorKind.AUTH),
        (401, {"error": "invalid_client"}, ErrorKind.AUTH),
        (429, {}, ErrorKind.UNAVAILABLE),
        (500, {}, ErrorKind.UNAVAILABLE),
        (503, {}, ErrorKind.UNAVAILABLE),
        (200, {"token_type": "Bearer"}, ErrorKind.UNAVAILABLE),
        (200, {"access_token": "a", "expires_in": "soon"}, ErrorKind.UNAVAILABLE),
    ],
)
def test_a_failed_token_request_is_never_uncertain(status: int, body: dict[str, str], kind: ErrorKind) -> None:
    assert refusal(token_auth(an_adapter()).parse, httpx.Response(status, json=body)).kind is kind


def test_the_token_ends_when_the_vendor_says() -> None:
    token = token_auth(an_adapter()).parse(httpx.Response(200, json={"access_token": "ya29.x", "expires_in": 3599}))

    assert token == Token("ya29.x", ISSUED + timedelta(seconds=3599))


@pytest.mark.parametrize(
    ("status", "code", "expired"),
    [
        (401, None, True),
        (401, "UNREGISTERED", True),
        (401, "THIRD_PARTY_AUTH_ERROR", False),
        (401, "APNS_AUTH_ERROR", False),
        (403, None, False),
        (200, None, False),
    ],
)
def test_only_a_401_that_a_new_token_cures_asks_for_one(status: int, code: str | None, expired: bool) -> None:
    detail = {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code}
    body = {"error": {"code": status, "status": "UNAUTHENTICATED", "details": [detail] if code else []}}

    assert token_auth(an_adapter()).expired(httpx.Response(status, json=body)) is expired


def test_a_401_without_json_asks_for_a_new_token() -> None:
    assert token_auth(an_adapter()).expired(httpx.Response(401, content=b"<html>"))


# What cannot be sent


@pytest.mark.parametrize("key", ["from", "gcm.n", "google.c.a"])
def test_a_reserved_data_key_is_refused_by_name(key: str) -> None:
    error = refusal(an_adapter().build, a_push(data={key: "x"}))

    assert (error.kind, error.code) == (ErrorKind.UNSUPPORTED, f"data.{key}")


def test_data_does_not_hide_the_link() -> None:
    error = refusal(an_adapter().build, a_push(link="https://a.example", data={"link": "https://b.example"}))

    assert (error.kind, error.code) == (ErrorKind.UNSUPPORTED, "data.link")


def test_4096_bytes_leave_and_one_more_does_not() -> None:
    frame = len('{"title":"T","body":""}')

    an_adapter().build(a_push(body="a" * (4096 - frame)))
    error = refusal(an_adapter().build, a_push(body="a" * (4097 - frame)))

    assert error.kind is ErrorKind.PAYLOAD_TOO_LARGE


def test_bytes_are_counted_and_not_characters() -> None:
    assert refusal(an_adapter().build, a_push(body="你" * 1400)).kind is ErrorKind.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize(
    "over", [{"sender": "someone"}, {"to": PushToken(token="t", platform="harmony")}], ids=["sender", "platform"]
)
def test_what_fcm_lacks_is_refused(over: dict[str, object]) -> None:
    assert refusal(an_adapter().build, a_push().model_copy(update=over)).kind is ErrorKind.UNSUPPORTED


def test_a_past_expiry_is_now_or_never() -> None:
    message = a_push().model_copy(update={"expires_at": ISSUED - timedelta(hours=1)})

    body = json.loads(an_adapter().build(message).content)

    assert body["message"]["android"]["ttl"] == "0s"


def test_a_project_is_quoted_in_the_path() -> None:
    assert "/projects/a%2Fb/messages:send" in str(an_adapter(project_id="a/b").build(a_push()).url)


# Adapter and face


def answered(face: FcmFace, request: httpx.Request, now: datetime = ISSUED, fault: Fault | None = None) -> httpx.Response:
    reply = face.answer(request, now=now, new_id=IdSource("seed"), fault=fault)
    return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)


def a_token(adapter: FcmPush, face: FcmFace) -> Token:
    auth = token_auth(adapter)
    return auth.parse(answered(face, auth.build()))


def test_adapter_and_face_understand_each_other() -> None:
    adapter, face = an_adapter(), FcmFace(ACCOUNT)
    message = a_push(link="https://shop.example/back", data={"x": "y"})
    request = authorize(adapter, adapter.build(message), a_token(adapter, face))

    reply = face.answer(request, now=ISSUED, new_id=IdSource("seed"))
    receipt = adapter.parse(message, httpx.Response(reply.status, content=reply.body))

    assert (receipt.message_id, receipt.vendor_id) == ("m1", reply.taken[0].vendor_id)
    assert (reply.taken[0].recipient, reply.taken[0].text) == (DEVICE, "T\nB")
    assert reply.taken[0].links == ("https://shop.example/back",)


def test_the_face_refuses_a_forged_assertion_and_an_old_token() -> None:
    adapter, face = an_adapter(), FcmFace({**ACCOUNT, "client_email": "other@p1.iam.gserviceaccount.com"})
    assert refusal(a_token, adapter, face).code == "invalid_grant"

    face = FcmFace(ACCOUNT)
    request = authorize(adapter, adapter.build(a_push()), a_token(adapter, face))
    late = answered(face, request, ISSUED + timedelta(hours=1))

    assert token_auth(adapter).expired(late)


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.UNREGISTERED_TOKEN,
        ErrorKind.RATE_LIMITED,
        ErrorKind.UNAVAILABLE,
        ErrorKind.TEMPORARY,
        ErrorKind.UNCERTAIN,
        ErrorKind.AUTH,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    adapter, face = an_adapter(), FcmFace(ACCOUNT)
    request = authorize(adapter, adapter.build(a_push()), a_token(adapter, face))

    response = answered(face, request, fault=Fault(kind, retry_after_s=7))

    assert refusal(adapter.parse, a_push(), response).kind is kind


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": {"token": "t", "topic": "x"}}, "more than once"),
        ({"message": {"token": "t", "data": {"a": 1}}}, "TYPE_STRING"),
        ({"message": {"token": "t", "data": {"from": "a"}}}, "Invalid data payload key"),
        ({"message": {"token": "t", "android": {"ttl": "9 hours"}}}, "ttl"),
        ({"message": {"token": "t", "andriod": {}}}, "Cannot find field"),
        ({"message": {"token": "t", "notification": {"body": "a" * 4096}}}, "too big"),
    ],
)
def test_the_face_checks_what_fcm_checks(body: dict[str, object], words: str) -> None:
    adapter, face = an_adapter(), FcmFace(ACCOUNT)
    bare = httpx.Request("POST", "https://fcm.googleapis.com/v1/projects/p1/messages:send", json=body)

    response = answered(face, authorize(adapter, bare, a_token(adapter, face)))

    assert response.status_code == 400
    assert words in response.json()["error"]["message"]
