"""Xiaomi keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from adapters.wire import CALLBACK, DATA, NOW, asked, facts, fault_kind, refusal, response, sent, tools
from recallgate import (
    Callback,
    ErrorKind,
    EventType,
    Fault,
    ForgedCallback,
    Message,
    Purpose,
    Push,
    PushToken,
    WorldEvent,
)
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.xiaomi import XiaomiPushFace
from recallgate_adapters.xiaomi import XiaomiConfig, XiaomiPush, tomorrow

FACTS = facts("xiaomi")
CODES, MAP = FACTS["errors"]["codes"], FACTS["delivery_status"]["status_map"]
ACCOUNT: dict[str, Any] = {"app_secret": "xiaomi-app-secret", "package": "com.shop", "channel_id": "100"}


class TestXiaomiPush(AdapterContract):
    adapter = XiaomiPush
    config = ACCOUNT
    message = {
        "channel": "push",
        "to": {"type": "push", "token": "r1"},
        "content": {"type": "push", "title": "好久不见", "body": "3 new dishes"},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "xiaomi.push.json"


def an_adapter(**config: Any) -> XiaomiPush:
    return XiaomiPush(XiaomiConfig.model_validate({**ACCOUNT, **config}), tools(NOW))


def a_push(device: str = "r1", message_id: str = "m1", **content: Any) -> Message:
    body = Push.model_validate({"title": "T", "body": "B", **content})
    return Message(id=message_id, channel="push", to=PushToken(token=device), content=body, purpose=Purpose.MARKETING)


def test_every_code_and_status_of_the_vendor_is_mapped() -> None:
    assert set(XiaomiPush.errors) == set(CODES)
    assert set(XiaomiPush.statuses) == set(MAP)


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
        ({"title": "你" * 49}, {"title": "你" * 50}),
        ({"body": "a" * 127}, {"body": "a" * 128}),
        ({"data": {"k": "a" * 4088}}, {"data": {"k": "a" * 4089}}),
    ],
    ids=["title", "body", "data"],
)
def test_a_limit_is_reached_exactly(fits: dict[str, Any], too_long: dict[str, Any]) -> None:
    an_adapter().build(a_push(**fits))

    assert refusal(an_adapter().build, a_push(**too_long)).kind is ErrorKind.PAYLOAD_TOO_LARGE


def test_a_comma_does_not_make_one_device_two() -> None:
    assert refusal(an_adapter().build, a_push("r1,r2")).kind is ErrorKind.INVALID_RECIPIENT


def test_the_payload_is_encoded_before_the_form_is() -> None:
    fields = dict(httpx.QueryParams(an_adapter().build(a_push(data={"a": "b c"})).content.decode()))

    assert fields["payload"] == "%7B%22a%22%3A%22b%20c%22%7D"


@pytest.mark.parametrize(
    ("hour", "day"), [(0, 20), (15, 20), (16, 21), (23, 21)], ids=["morning", "before midnight", "midnight", "after midnight"]
)
def test_a_days_quota_ends_at_midnight_in_china(hour: int, day: int) -> None:
    assert tomorrow(datetime(2026, 11, 20, hour, tzinfo=UTC)) == datetime(2026, 11, day, 16, tzinfo=UTC)


def test_the_message_id_travels_where_it_fits() -> None:
    fields = dict(httpx.QueryParams(an_adapter().build(a_push(message_id="é" * 64)).content.decode()))

    assert fields["extra.callback.param"] == "é" * 64


def test_a_batch_is_understood_and_its_receipts_name_no_message() -> None:
    adapter, face = an_adapter(), XiaomiPushFace(ACCOUNT)
    messages = [a_push("r1", "a"), a_push("r2", "b")]
    reply = asked(adapter, face, adapter.build_batch(messages))
    assert [getattr(one, "vendor_id", None) for one in adapter.parse_batch(messages, response(reply))] == [
        taken.vendor_id for taken in reply.taken
    ]

    (callback,) = face.callbacks(reply.taken[1], WorldEvent(EventType.CLICKED, NOW), nonce="n")
    (event,) = adapter.read_callback(callback).events

    assert (event.type, event.message_id, event.address) == (EventType.CLICKED, None, "r2")


def test_the_face_refuses_a_wrong_secret_and_package() -> None:
    for other, code in ((an_adapter(app_secret="wrong"), 21301), (an_adapter(package="com.other"), 22022)):
        assert response(asked(other, XiaomiPushFace(ACCOUNT), other.build(a_push()))).json()["code"] == code


# Adapter and face


def test_adapter_and_face_understand_each_other() -> None:
    adapter, face = an_adapter(), XiaomiPushFace(ACCOUNT)
    receipt, reply = sent(adapter, face, a_push(link="https://shop.example/back"))

    (callback,) = face.callbacks(reply.taken[0], WorldEvent(EventType.DELIVERED, NOW), nonce="n")
    (event,) = adapter.read_callback(callback).events

    assert (reply.taken[0].text, reply.taken[0].links) == ("T\nB", ("https://shop.example/back",))
    assert (event.type, event.message_id, event.vendor_id) == (EventType.DELIVERED, "m1", receipt.vendor_id)
    assert event.address == "r1"


def test_a_failure_told_by_receipt_is_undelivered() -> None:
    adapter, face = an_adapter(), XiaomiPushFace(ACCOUNT)
    _, reply = sent(adapter, face, a_push())
    news = WorldEvent(EventType.UNDELIVERED, NOW, kind=ErrorKind.UNREGISTERED_TOKEN)

    (callback,) = face.callbacks(reply.taken[0], news, nonce="n")
    (event,) = adapter.read_callback(callback).events

    assert (event.type, event.kind) == (EventType.UNDELIVERED, ErrorKind.UNREGISTERED_TOKEN)


@pytest.mark.parametrize("body", [b"", b"[1]", b"data=1", b"data=[1]"])
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
        ErrorKind.INVALID_SENDER,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.TEMPLATE_OR_SIGNATURE,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.TEMPORARY,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), XiaomiPushFace(ACCOUNT), a_push(), Fault(kind)) is kind
