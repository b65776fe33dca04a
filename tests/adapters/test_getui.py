"""Getui keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from adapters.wire import DATA, NOW, asked, facts, fault_kind, refusal, response, sent, token_of, tools
from recallgate import ErrorKind, EventType, Fault, Message, Purpose, Push, PushToken, Token, TokenAuth, WorldEvent
from recallgate.testing import AdapterContract
from recallgate.testing.kit_base import HTTP_FAULTS
from recallgate_adapters.faces.getui import GetuiFace
from recallgate_adapters.getui import GetuiConfig, GetuiPush, sign

VECTOR = facts("getui")["signature_vectors"]["vectors"][0]
CODES = facts("getui")["errors"]["codes"]
KEY, SECRET = VECTOR["input"]["app_key"], VECTOR["input"]["master_secret"]
ACCOUNT = {"app_id": "appid1", "app_key": KEY, "master_secret": SECRET}


class TestGetuiPush(AdapterContract):
    adapter = GetuiPush
    config = ACCOUNT
    message = {
        "channel": "push",
        "to": {"type": "push", "token": "c1"},
        "content": {"type": "push", "title": "好久不见", "body": "3 new dishes"},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "getui.push.json"
    faults = {**HTTP_FAULTS, 403: ErrorKind.INSUFFICIENT_FUNDS}


def an_adapter(**config: Any) -> GetuiPush:
    return GetuiPush(GetuiConfig.model_validate({**ACCOUNT, **config}), tools(NOW))


def auth_of(adapter: GetuiPush) -> TokenAuth:
    assert isinstance(adapter.auth, TokenAuth)
    return adapter.auth


def a_push(message_id: str = "m1", device: str = "c1", **content: Any) -> Message:
    body = Push.model_validate({"title": "T", "body": "B", **content})
    return Message(id=message_id, channel="push", to=PushToken(token=device), content=body, purpose=Purpose.MARKETING)


def test_every_code_of_the_vendor_is_mapped() -> None:
    # The words of a dead device are told apart in a row of the table, HTTP 403 in the faults.
    assert set(GetuiPush.errors) == {code for code in CODES if not code.startswith("HTTP") and " " not in code}


def test_the_sign_is_the_one_of_the_vector() -> None:
    assert sign(KEY, VECTOR["input"]["timestamp"], SECRET) == VECTOR["expected"]["sign"]


def test_a_token_is_asked_for_with_the_sign_and_without_the_secret() -> None:
    request = auth_of(an_adapter()).build()

    assert (request.method, str(request.url)) == ("POST", "https://restapi.getui.com/v2/appid1/auth")
    timestamp = str(int(NOW.timestamp() * 1000))
    assert json.loads(request.content) == {"sign": sign(KEY, timestamp, SECRET), "timestamp": timestamp, "appkey": KEY}


def test_the_token_ends_when_the_vendor_says() -> None:
    ends = NOW + timedelta(hours=24)
    told = {"expire_time": str(int(ends.timestamp() * 1000)), "token": "t"}

    token = auth_of(an_adapter()).parse(httpx.Response(200, json={"code": 0, "msg": "success", "data": told}))

    assert token == Token("t", ends)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"<html>", ErrorKind.UNAVAILABLE),
        (502, b"", ErrorKind.UNAVAILABLE),
        (200, b'{"code":0,"data":{"token":"t","expire_time":"soon"}}', ErrorKind.UNAVAILABLE),
        (401, b'{"code":10003,"msg":"x"}', ErrorKind.RATE_LIMITED),
        (401, b'{"code":10002,"msg":"x"}', ErrorKind.AUTH),
    ],
)
def test_a_failed_token_request_is_never_uncertain(status: int, body: bytes, kind: ErrorKind) -> None:
    assert refusal(auth_of(an_adapter()).parse, httpx.Response(status, content=body)).kind is kind


@pytest.mark.parametrize(
    ("body", "expired"), [({"code": 10001}, True), ({"code": 10005}, False), ({"code": 0}, False), ("text", False)]
)
def test_only_10001_asks_for_a_new_token(body: object, expired: bool) -> None:
    assert auth_of(an_adapter()).expired(httpx.Response(401, json=body)) is expired


@pytest.mark.parametrize("message_id", ["m", "x" * 64])
def test_a_request_id_has_10_to_32_characters_and_follows_from_the_message(message_id: str) -> None:
    ids = {json.loads(an_adapter().build(a_push(message_id)).content)["request_id"] for _ in range(2)}

    assert len(ids) == 1
    assert 10 <= len(ids.pop()) <= 32


@pytest.mark.parametrize(
    ("fits", "too_long"),
    [
        ({"title": "a" * 50}, {"title": "a" * 51}),
        ({"body": "你" * 256}, {"body": "你" * 257}),
        ({"data": {"k": "a" * 3064}}, {"data": {"k": "a" * 3065}}),
    ],
    ids=["title", "body", "payload"],
)
def test_a_limit_is_reached_exactly(fits: dict[str, Any], too_long: dict[str, Any]) -> None:
    an_adapter().build(a_push(**fits))

    assert refusal(an_adapter().build, a_push(**too_long)).kind is ErrorKind.PAYLOAD_TOO_LARGE


def test_a_harmony_device_is_refused_by_name() -> None:
    message = a_push().model_copy(update={"to": PushToken(token="t", platform="harmony")})

    assert refusal(an_adapter().build, message).code == "platform"


# Adapter and face


def test_adapter_and_face_understand_each_other() -> None:
    adapter, face = an_adapter(), GetuiFace(ACCOUNT)
    message = a_push(link="https://shop.example/back")
    receipt, reply = sent(adapter, face, message)
    face.callbacks(reply.taken[0], WorldEvent(EventType.DELIVERED, NOW), nonce="n")
    question = adapter.build_lookup(message, receipt.vendor_id)
    assert question is not None

    (event,) = adapter.parse_lookup(message, response(asked(adapter, face, question)))

    assert (reply.taken[0].text, reply.taken[0].links) == ("T\nB", ("https://shop.example/back",))
    assert (event.type, event.vendor_id) == (EventType.DELIVERED, receipt.vendor_id)


def test_the_same_message_is_sent_once() -> None:
    adapter, face = an_adapter(), GetuiFace(ACCOUNT)

    first, one = sent(adapter, face, a_push())
    second, none = sent(adapter, face, a_push())

    assert (first, len(one.taken), none.taken) == (second, 1, ())


def test_a_batch_is_understood() -> None:
    adapter, face = an_adapter(), GetuiFace({**ACCOUNT, "inactive": ["old"]})
    messages = [a_push("a"), a_push("b", "old")]

    outcomes = adapter.parse_batch(messages, response(asked(adapter, face, adapter.build_batch(messages))))

    assert [getattr(one, "kind", None) for one in outcomes] == [None, ErrorKind.UNREACHABLE]


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.UNREGISTERED_TOKEN,
        ErrorKind.AUTH,
        ErrorKind.RATE_LIMITED,
        ErrorKind.INSUFFICIENT_FUNDS,
        ErrorKind.TEMPORARY,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), GetuiFace(ACCOUNT), a_push(), Fault(kind)) is kind


def test_the_face_refuses_another_secret_and_an_old_token() -> None:
    assert refusal(token_of, an_adapter(master_secret="other"), GetuiFace(ACCOUNT)).code == "20001"

    bare = an_adapter().build(a_push())
    assert auth_of(an_adapter()).expired(response(GetuiFace(ACCOUNT).answer(bare, now=NOW, new_id=None)))  # type: ignore[arg-type]
