"""JPush keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
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
    authorize,
)
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.jpush import JpushFace
from recallgate_adapters.jpush import JpushConfig, JpushPush

VECTOR = facts("jpush")["signature_vectors"]["vectors"][0]
CODES = facts("jpush")["errors"]["codes"]
ACCOUNT = {"app_key": VECTOR["input"]["app_key"], "master_secret": VECTOR["input"]["master_secret"]}
DEVICE = "1a0018970a8"


class TestJpushPush(AdapterContract):
    adapter = JpushPush
    config = ACCOUNT
    message = {
        "channel": "push",
        "to": {"type": "push", "token": DEVICE},
        "content": {"type": "push", "title": "好久不见", "body": "3 new dishes"},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "jpush.push.json"


def an_adapter(**config: Any) -> JpushPush:
    return JpushPush(JpushConfig.model_validate({**ACCOUNT, **config}), tools())


def a_push(message_id: str = "m1", device: str = DEVICE, **content: Any) -> Message:
    body = Push.model_validate({"title": "T", "body": "B", **content})
    return Message(id=message_id, channel="push", to=PushToken(token=device), content=body, purpose=Purpose.MARKETING)


def test_every_code_of_the_vendor_is_mapped() -> None:
    # "HTTP 401" and the like are statuses: they follow the table of every vendor.
    assert set(JpushPush.errors) == {code for code in CODES if not code.startswith("HTTP")}


def test_the_credentials_are_those_of_the_vendors_library() -> None:
    adapter = an_adapter()

    request = authorize(adapter, adapter.build(a_push()))

    assert request.headers["authorization"] == VECTOR["expected"]["authorization"]


def test_the_cid_belongs_to_the_message_and_to_the_app() -> None:
    cids = [json.loads(an_adapter().build(a_push(name)).content)["cid"] for name in ("a", "a", "b")]

    assert cids[0] == cids[1] != cids[2]
    assert all(cid.startswith("appkeyExample0001-") and len(cid) == len("appkeyExample0001-") + 36 for cid in cids)


def test_a_second_push_with_the_same_cid_sends_nothing() -> None:
    adapter, face = an_adapter(), JpushFace(ACCOUNT)

    first, taken = sent(adapter, face, a_push())
    again, nothing = sent(adapter, face, a_push())

    assert first == again
    assert (len(taken.taken), len(nothing.taken)) == (1, 0)


@pytest.mark.parametrize(("platform", "most"), [("ios", 3584), ("android", 4000)])
def test_a_platform_has_its_own_limit(platform: Any, most: int) -> None:
    to = PushToken(token=DEVICE, platform=platform)
    message = a_push().model_copy(update={"to": to})
    block = json.loads(an_adapter().build(message).content)["notification"][platform]
    room = most - len(json.dumps(block, ensure_ascii=False, separators=(",", ":")).encode()) + 1

    an_adapter().build(a_push(body="a" * room).model_copy(update={"to": to}))
    error = refusal(an_adapter().build, a_push(body="a" * (room + 1)).model_copy(update={"to": to}))

    assert error.kind is ErrorKind.PAYLOAD_TOO_LARGE


def test_reports_are_asked_where_the_account_was_moved_to() -> None:
    moved = an_adapter(base_url="http://127.0.0.1:9/v3").build_lookup(a_push(), "7")
    told = an_adapter(report_url="https://r.example/v3").build_lookup(a_push(), "7")

    assert moved is not None
    assert str(moved.url) == "http://127.0.0.1:9/v3/received/detail?msg_ids=7"
    assert told is not None
    assert told.url.host == "r.example"


def test_a_callback_that_is_no_json_is_refused() -> None:
    callback = Callback("POST", CALLBACK, httpx.Headers(), b"a=b", NOW)

    with pytest.raises(ForgedCallback):
        an_adapter().read_callback(callback)


# Adapter and face


def test_adapter_and_face_understand_each_other() -> None:
    adapter, face = an_adapter(callbacks=True), JpushFace(ACCOUNT)
    message = a_push(link="https://shop.example/back")

    receipt, reply = sent(adapter, face, message)
    (callback,) = face.callbacks(reply.taken[0], WorldEvent(EventType.DELIVERED, NOW), nonce="n")
    (event,) = adapter.read_callback(callback).events

    assert (receipt.vendor_id, reply.taken[0].text, reply.taken[0].links) == (
        reply.taken[0].vendor_id,
        "T\nB",
        ("https://shop.example/back",),
    )
    assert (event.type, event.message_id, event.vendor_id) == (EventType.DELIVERED, "m1", receipt.vendor_id)


def test_a_batch_and_a_question_are_understood() -> None:
    adapter, face = an_adapter(), JpushFace(ACCOUNT)
    messages = [a_push("a"), a_push("b", "other")]
    reply = asked(adapter, face, adapter.build_batch(messages))
    outcomes = adapter.parse_batch(messages, response(reply))
    face.callbacks(reply.taken[1], WorldEvent(EventType.DELIVERED, NOW), nonce="n")
    question = adapter.build_lookup(messages[1], reply.taken[1].vendor_id)
    assert question is not None

    events = adapter.parse_lookup(messages[1], response(asked(adapter, face, question)))

    assert [getattr(one, "vendor_id", None) for one in outcomes] == [taken.vendor_id for taken in reply.taken]
    assert [event.type for event in events] == [EventType.DELIVERED]


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.UNREGISTERED_TOKEN,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.AUTH,
        ErrorKind.RATE_LIMITED,
        ErrorKind.TEMPORARY,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), JpushFace(ACCOUNT), a_push(), Fault(kind, retry_after_s=7)) is kind


def test_the_face_refuses_wrong_credentials_and_a_push_without_words() -> None:
    other = an_adapter(master_secret="wrong")
    assert asked(other, JpushFace(ACCOUNT), other.build(a_push())).status == 401

    bare = httpx.Request("POST", "https://api.jpush.cn/v3/push", json={"platform": "all", "audience": {"registration_id": ["r"]}})
    assert response(asked(an_adapter(), JpushFace(ACCOUNT), bare)).json()["error"]["code"] == 1002
