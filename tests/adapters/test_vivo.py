"""vivo keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from adapters.wire import CALLBACK, DATA, NOW, facts, fault_kind, refusal, response, sent, token_of, tools
from recallgate import (
    Callback,
    ErrorKind,
    EventType,
    Fault,
    ForgedCallback,
    IdSource,
    Message,
    Purpose,
    Push,
    PushToken,
    Token,
    TokenAuth,
    Tools,
    WorldEvent,
)
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.vivo import VivoPushFace
from recallgate_adapters.vivo import VivoConfig, VivoPush, sign

FACTS = facts("vivo")
CODES, MAP = FACTS["errors"]["codes"], FACTS["delivery_status"]["status_map"]
ACCOUNT: dict[str, Any] = {"app_id": 10004, "app_key": "appkeyExample0001", "app_secret": "masterSecretExample0001"}


class TestVivoPush(AdapterContract):
    adapter = VivoPush
    config = ACCOUNT
    message = {
        "channel": "push",
        "to": {"type": "push", "token": "r1"},
        "content": {"type": "push", "title": "好久不见", "body": "3 new dishes"},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "vivo.push.json"


def an_adapter(**config: Any) -> VivoPush:
    return VivoPush(VivoConfig.model_validate({**ACCOUNT, **config}), tools(NOW))


def a_push(device: str = "r1", message_id: str = "m1", **content: Any) -> Message:
    body = Push.model_validate({"title": "T", "body": "B", **content})
    return Message(id=message_id, channel="push", to=PushToken(token=device), content=body, purpose=Purpose.MARKETING)


def test_every_code_and_status_of_the_vendor_is_mapped() -> None:
    assert set(VivoPush.errors) == set(CODES)
    assert set(VivoPush.statuses) == set(MAP)


@pytest.mark.parametrize("field", ["image", "sound", "category"])
def test_what_the_vendor_lacks_is_refused_by_name(field: str) -> None:
    content: dict[str, Any] = {field: "x"}

    error = refusal(an_adapter().build, a_push(**content))

    assert (error.kind, error.code) == (ErrorKind.UNSUPPORTED, field)


def test_an_apple_device_is_refused_by_name() -> None:
    message = a_push().model_copy(update={"to": PushToken(token="t", platform="ios")})

    assert refusal(an_adapter().build, message).code == "platform"


@pytest.mark.parametrize(
    ("fits", "too_long"),
    [
        ({"title": "你" * 40}, {"title": "你" * 41}),
        ({"body": "a" * 100}, {"body": "a" * 101}),
        ({"data": {"k": "a" * 1016}}, {"data": {"k": "a" * 1017}}),
    ],
    ids=["title", "body", "data"],
)
def test_a_limit_is_reached_exactly(fits: dict[str, Any], too_long: dict[str, Any]) -> None:
    an_adapter().build(a_push(**fits))

    assert refusal(an_adapter().build, a_push(**too_long)).kind is ErrorKind.PAYLOAD_TOO_LARGE


VECTOR = FACTS["signature_vectors"]["vectors"][0]


def auth_of(adapter: VivoPush) -> TokenAuth:
    assert isinstance(adapter.auth, TokenAuth)
    return adapter.auth


def test_the_sign_is_the_one_of_the_vector() -> None:
    told = VECTOR["input"]

    assert sign(told["app_id"], told["app_key"], told["timestamp"], told["app_secret"]) == VECTOR["expected"]["sign"]


def test_a_token_is_asked_for_with_a_sign_and_lives_a_day() -> None:
    adapter, face = an_adapter(), VivoPushFace(ACCOUNT)

    token = token_of(adapter, face)

    assert isinstance(token, Token)
    assert (token.expires_at - NOW).total_seconds() == 86_400
    assert ACCOUNT["app_secret"].encode() not in auth_of(adapter).build().content


def test_the_face_refuses_a_wrong_secret_and_an_old_sign() -> None:
    assert refusal(token_of, an_adapter(app_secret="wrong"), VivoPushFace(ACCOUNT)).kind in (ErrorKind.AUTH, ErrorKind.UNKNOWN)
    late = VivoPushFace(ACCOUNT).answer(
        auth_of(an_adapter()).build(), now=datetime(2026, 11, 20, 3, tzinfo=UTC), new_id=IdSource("s")
    )
    assert refusal(auth_of(an_adapter()).parse, response(late)).kind in (ErrorKind.AUTH, ErrorKind.UNKNOWN)


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (502, b""), (200, b'{"code":0,"result":0}')])
def test_a_failed_token_request_is_never_uncertain(status: int, body: bytes) -> None:
    assert refusal(auth_of(an_adapter()).parse, httpx.Response(status, content=body)).kind is ErrorKind.UNAVAILABLE


@pytest.mark.parametrize(("code", "expired"), [(10000, True), (10094, False), (0, False)])
def test_only_a_bad_token_asks_for_a_new_one(code: int, expired: bool) -> None:
    assert auth_of(an_adapter()).expired(httpx.Response(200, json={"result": code})) is expired


def test_a_request_without_a_token_asks_for_one() -> None:
    bare = VivoPushFace(ACCOUNT).answer(an_adapter().build(a_push()), now=NOW, new_id=IdSource("s"))

    assert auth_of(an_adapter()).expired(response(bare))


def test_a_callbacks_address_that_is_too_long_goes_without_its_query() -> None:
    long = Tools(now=lambda: NOW, nonce=lambda n: "0" * n, callback_url=lambda *_, **__: f"https://a.example/x?m={'1' * 300}")

    sent_as = VivoPush(VivoConfig.model_validate(ACCOUNT), long).build(a_push()).content

    assert b"a.example" in sent_as
    assert b"1" * 300 not in sent_as


def test_a_callbacks_address_that_cannot_be_shortened_is_refused() -> None:
    long = Tools(now=lambda: NOW, nonce=lambda n: "0" * n, callback_url=lambda *_, **__: f"https://a.example/{'1' * 300}")

    assert refusal(VivoPush(VivoConfig.model_validate(ACCOUNT), long).build, a_push()).code == "callback"


def test_the_parts_of_the_sign_are_trimmed() -> None:
    told = VECTOR["input"]

    proof = sign(f" {told['app_id']}", f"{told['app_key']} ", told["timestamp"], f"{told['app_secret']}\n")

    assert proof == VECTOR["expected"]["sign"]


def test_a_second_copy_is_answered_and_not_sent() -> None:
    adapter, face = an_adapter(), VivoPushFace(ACCOUNT)

    first, one = sent(adapter, face, a_push())
    second, none = sent(adapter, face, a_push())

    assert (first, len(one.taken), none.taken) == (second, 1, ())


def test_a_request_id_follows_from_the_message() -> None:
    ids = [json.loads(an_adapter().build(a_push(message_id=name)).content)["requestId"] for name in ("a", "a", "b")]

    assert ids[0] == ids[1] != ids[2]
    assert len(ids[0]) <= 64


@pytest.mark.parametrize("code", ["10070", "10073", "10252", "10254"])
def test_a_days_quota_takes_the_account_out_until_tomorrow(code: str) -> None:
    answer = httpx.Response(200, json={"result": int(code), "desc": "x"})

    error = refusal(an_adapter().parse, a_push(), answer)

    assert (error.kind, error.retry_at) == (ErrorKind.RATE_LIMITED, datetime(2026, 11, 20, 16, tzinfo=UTC))


# Adapter and face


def test_adapter_and_face_understand_each_other() -> None:
    adapter, face = an_adapter(), VivoPushFace(ACCOUNT)
    receipt, reply = sent(adapter, face, a_push(link="https://shop.example/back"))

    (callback,) = face.callbacks(reply.taken[0], WorldEvent(EventType.DELIVERED, NOW), nonce="n")
    (event,) = adapter.read_callback(callback).events

    assert (reply.taken[0].text, reply.taken[0].links) == ("T\nB", ("https://shop.example/back",))
    assert (event.type, event.message_id, event.vendor_id) == (EventType.DELIVERED, "m1", receipt.vendor_id)
    assert event.address == "r1"


def test_a_failure_told_by_receipt_is_undelivered() -> None:
    adapter, face = an_adapter(), VivoPushFace(ACCOUNT)
    _, reply = sent(adapter, face, a_push())
    news = WorldEvent(EventType.UNDELIVERED, NOW, kind=ErrorKind.UNREGISTERED_TOKEN)

    (callback,) = face.callbacks(reply.taken[0], news, nonce="n")
    (event,) = adapter.read_callback(callback).events

    assert (event.type, event.kind) == (EventType.UNDELIVERED, ErrorKind.UNKNOWN)


@pytest.mark.parametrize("body", [b"", b"[1]", b"null", b"data=1"])
def test_a_callback_that_cannot_be_read_is_refused(body: bytes) -> None:
    callback = Callback("POST", CALLBACK, httpx.Headers(), body, NOW)

    with pytest.raises(ForgedCallback):
        an_adapter().read_callback(callback)


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.UNREGISTERED_TOKEN,
        ErrorKind.RATE_LIMITED,
        ErrorKind.AUTH,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), VivoPushFace(ACCOUNT), a_push(), Fault(kind)) is kind
