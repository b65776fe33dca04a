"""OPPO keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from adapters.wire import CALLBACK, DATA, NOW, asked, facts, fault_kind, refusal, response, sent, token_of, tools
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
    authorize,
)
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.oppo import OppoPushFace
from recallgate_adapters.oppo import OppoConfig, OppoPush, domestic, sign

FACTS = facts("oppo")
CODES, MAP = FACTS["errors"]["codes"], FACTS["delivery_status"]["status_map"]
ACCOUNT: dict[str, Any] = {"app_key": "appkeyExample0001", "master_secret": "masterSecretExample0001"}


class TestOppoPush(AdapterContract):
    adapter = OppoPush
    config = ACCOUNT
    message = {
        "channel": "push",
        "to": {"type": "push", "token": "r1"},
        "content": {"type": "push", "title": "好久不见", "body": "3 new dishes"},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "oppo.push.json"


def an_adapter(**config: Any) -> OppoPush:
    return OppoPush(OppoConfig.model_validate({**ACCOUNT, **config}), tools(NOW))


def a_push(device: str = "r1", message_id: str = "m1", **content: Any) -> Message:
    body = Push.model_validate({"title": "T", "body": "B", **content})
    return Message(id=message_id, channel="push", to=PushToken(token=device), content=body, purpose=Purpose.MARKETING)


def test_every_code_and_status_of_the_vendor_is_mapped() -> None:
    assert set(OppoPush.errors) == set(CODES) - {"32"}  # a duplicate is no refusal
    assert set(OppoPush.statuses) == set(MAP)


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
        ({"title": "你" * 50}, {"title": "你" * 51}),
        ({"body": "a" * 50}, {"body": "a" * 51}),
    ],
    ids=["title", "body"],
)
def test_a_limit_is_reached_exactly(fits: dict[str, Any], too_long: dict[str, Any]) -> None:
    an_adapter().build(a_push(**fits))

    assert refusal(an_adapter().build, a_push(**too_long)).kind is ErrorKind.PAYLOAD_TOO_LARGE


VECTOR = FACTS["signature_vectors"]["vectors"][0]


def auth_of(adapter: OppoPush) -> TokenAuth:
    assert isinstance(adapter.auth, TokenAuth)
    return adapter.auth


def test_the_sign_is_the_one_of_the_vector() -> None:
    told = VECTOR["input"]

    assert sign(told["app_key"], told["timestamp"], told["master_secret"]) == VECTOR["expected"]["sign"]


def test_a_token_is_asked_for_with_a_sign_and_lives_a_day() -> None:
    adapter, face = an_adapter(), OppoPushFace(ACCOUNT)

    token = token_of(adapter, face)

    assert isinstance(token, Token)
    assert (token.expires_at - NOW).total_seconds() == 86_400
    assert ACCOUNT["master_secret"].encode() not in auth_of(adapter).build().content


def test_the_face_refuses_a_wrong_secret_and_an_old_sign() -> None:
    assert refusal(token_of, an_adapter(master_secret="wrong"), OppoPushFace(ACCOUNT)).kind in (ErrorKind.AUTH, ErrorKind.UNKNOWN)
    late = OppoPushFace(ACCOUNT).answer(
        auth_of(an_adapter()).build(), now=datetime(2026, 11, 20, 3, tzinfo=UTC), new_id=IdSource("s")
    )
    assert refusal(auth_of(an_adapter()).parse, response(late)).kind in (ErrorKind.AUTH, ErrorKind.UNKNOWN)


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (502, b""), (200, b'{"code":0,"result":0}')])
def test_a_failed_token_request_is_never_uncertain(status: int, body: bytes) -> None:
    assert refusal(auth_of(an_adapter()).parse, httpx.Response(status, content=body)).kind is ErrorKind.UNAVAILABLE


@pytest.mark.parametrize(("code", "expired"), [(11, True), (29, True), (16, False), (0, False)])
def test_only_a_bad_token_asks_for_a_new_one(code: int, expired: bool) -> None:
    assert auth_of(an_adapter()).expired(httpx.Response(200, json={"code": code})) is expired


def test_a_request_without_a_token_asks_for_one() -> None:
    bare = OppoPushFace(ACCOUNT).answer(an_adapter().build(a_push()), now=NOW, new_id=IdSource("s"))

    assert auth_of(an_adapter()).expired(response(bare))


def test_a_callbacks_address_that_is_too_long_goes_without_its_query() -> None:
    long = Tools(now=lambda: NOW, nonce=lambda n: "0" * n, callback_url=lambda *_, **__: f"https://a.example/x?m={'1' * 300}")

    sent_as = OppoPush(OppoConfig.model_validate(ACCOUNT), long).build(a_push()).content

    assert b"a.example" in sent_as
    assert b"1" * 300 not in sent_as


def test_a_callbacks_address_that_cannot_be_shortened_is_refused() -> None:
    long = Tools(now=lambda: NOW, nonce=lambda n: "0" * n, callback_url=lambda *_, **__: f"https://a.example/{'1' * 300}")

    assert refusal(OppoPush(OppoConfig.model_validate(ACCOUNT), long).build, a_push()).code == "callback"


@pytest.mark.parametrize(
    ("device", "here"),
    [("abc", True), ("CN_abc", True), ("OPPO_CN_abc", True), ("IN_abc", False), ("OPPO_IN_abc", False), ("OPPO_abc", False)],
)
def test_the_form_of_an_id_decides_the_host(device: str, here: bool) -> None:
    assert domestic(device) is here
    assert (an_adapter().build(a_push(device)).url.host == "api.push.oppomobile.com") is here


def test_the_token_is_a_field_of_the_form() -> None:
    adapter = an_adapter()

    fields = dict(httpx.QueryParams(authorize(adapter, adapter.build(a_push()), Token("t+1", NOW)).content.decode()))

    assert fields["auth_token"] == "t+1"
    assert json.loads(fields["message"])["target_value"] == "r1"


def test_a_second_copy_is_taken_as_sent_and_sent_once() -> None:
    adapter, face = an_adapter(), OppoPushFace(ACCOUNT)

    sent(adapter, face, a_push())
    receipt, again = sent(adapter, face, a_push())

    assert (again.taken, receipt.note) == ((), "it had been taken before")


def test_a_batch_is_understood() -> None:
    adapter, face = an_adapter(), OppoPushFace(ACCOUNT)
    messages = [a_push("r1", "a"), a_push("r2", "b")]

    reply = asked(adapter, face, adapter.build_batch(messages))

    outcomes = adapter.parse_batch(messages, response(reply))
    assert [getattr(one, "vendor_id", None) for one in outcomes] == [taken.vendor_id for taken in reply.taken]


def test_a_batch_goes_to_one_host() -> None:
    assert refusal(an_adapter().build_batch, [a_push("r1"), a_push("IN_2")]).code == "batch"


# Adapter and face


def test_adapter_and_face_understand_each_other() -> None:
    adapter, face = an_adapter(), OppoPushFace(ACCOUNT)
    receipt, reply = sent(adapter, face, a_push(link="https://shop.example/back"))

    (callback,) = face.callbacks(reply.taken[0], WorldEvent(EventType.DELIVERED, NOW), nonce="n")
    (event,) = adapter.read_callback(callback).events

    assert (reply.taken[0].text, reply.taken[0].links) == ("T\nB", ("https://shop.example/back",))
    assert (event.type, event.message_id, event.vendor_id) == (EventType.DELIVERED, "m1", receipt.vendor_id)
    assert event.address == "r1"


def test_a_failure_told_by_receipt_is_undelivered() -> None:
    adapter, face = an_adapter(), OppoPushFace(ACCOUNT)
    _, reply = sent(adapter, face, a_push())
    news = WorldEvent(EventType.UNDELIVERED, NOW, kind=ErrorKind.UNREGISTERED_TOKEN)

    (callback,) = face.callbacks(reply.taken[0], news, nonce="n")
    (event,) = adapter.read_callback(callback).events

    assert (event.type, event.kind) == (EventType.UNDELIVERED, ErrorKind.UNREGISTERED_TOKEN)


@pytest.mark.parametrize("body", [b"", b"null", b"data=1", b"{}"])
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
        ErrorKind.TEMPLATE_OR_SIGNATURE,
        ErrorKind.TEMPORARY,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), OppoPushFace(ACCOUNT), a_push(), Fault(kind)) is kind
