"""The Feishu robot keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any

import pytest

from adapters.wire import DATA, NOW, asked, facts, fault_kind, refusal, response, sent, tools
from recallgate import (
    Card,
    Content,
    Conversation,
    ErrorKind,
    Fault,
    IdSource,
    Media,
    Message,
    Payload,
    Purpose,
    Text,
    authorize,
)
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.feishu import FeishuRobotFace
from recallgate_adapters.feishu import FeishuConfig, FeishuRobot, sign

CODES = facts("feishu")["errors"]["codes"]
ACCOUNT = {"token": "a1b2c3token", "secret": "SECabcdef0123456789"}


class TestFeishuRobot(AdapterContract):
    adapter = FeishuRobot
    config = ACCOUNT
    message = {
        "channel": "robot",
        "to": {"type": "conversation", "name": "sales"},
        "content": {"type": "text", "text": "hi"},
        "purpose": "service",
    }
    exchanges = DATA / "exchanges" / "feishu.robot.json"


def an_adapter(**config: Any) -> FeishuRobot:
    return FeishuRobot(FeishuConfig.model_validate({**ACCOUNT, **config}), tools(NOW))


def a_message(content: Content | str = "hi", **fields: Any) -> Message:
    body = Text(text=content) if isinstance(content, str) else content
    return Message(id="m1", channel="robot", to=Conversation(), content=body, purpose=Purpose.SERVICE, **fields)


def test_every_code_of_the_vendor_is_mapped() -> None:
    assert set(FeishuRobot.errors) == set(CODES)


def test_the_string_is_the_key_and_nothing_is_the_message() -> None:
    key = b"1700000000\nSECabcdef0123456789"

    proof = sign("1700000000", "SECabcdef0123456789")

    assert proof == base64.b64encode(hmac.new(key, b"", hashlib.sha256).digest()).decode()
    assert proof != base64.b64encode(hmac.new(b"SECabcdef0123456789", key, hashlib.sha256).digest()).decode()


def test_the_token_stands_in_the_address_only_when_it_leaves() -> None:
    adapter = an_adapter(token="a/b")
    request = adapter.build(a_message())

    assert str(request.url).endswith("/hook/")
    assert str(authorize(adapter, request).url).endswith("/hook/a%2Fb")


def test_20480_bytes_leave_and_one_more_does_not() -> None:
    data = {"msg_type": "text", "content": {"text": ""}}
    room = 20 * 1024 - len(json.dumps(data, separators=(",", ":")))

    an_adapter().build(a_message(Payload(data={"msg_type": "text", "content": {"text": "a" * room}})))
    error = refusal(an_adapter().build, a_message(Payload(data={"msg_type": "text", "content": {"text": "a" * (room + 1)}})))

    assert error.kind is ErrorKind.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (a_message(Media(kind="file", media_id="M")), "content"),
        (a_message(Card(title="T", url="https://a.example", image="https://b.example")), "card.image"),
        (a_message(Payload(data={"msg_type": "shout", "content": {}})), "payload.msg_type"),
        (a_message(Payload(data={"msg_type": "text", "content": {}, "sign": "x"})), "payload.msg_type"),
        (a_message(sender="x"), "sender"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_robot_lacks_is_refused_by_name(message: Message, code: str) -> None:
    error = refusal(an_adapter().build, message)

    assert (error.kind, error.code) == (ErrorKind.UNSUPPORTED, code)


def test_adapter_and_face_understand_each_other() -> None:
    receipt, reply = sent(an_adapter(), FeishuRobotFace(ACCOUNT), a_message("好久不见 https://shop.example/a"))

    assert (receipt.vendor_id, reply.taken[0].links) == ("m1", ("https://shop.example/a",))


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.RATE_LIMITED,
        ErrorKind.AUTH,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), FeishuRobotFace(ACCOUNT), a_message(), Fault(kind)) is kind


def test_the_face_refuses_a_wrong_sign_an_old_one_and_another_token() -> None:
    wrong, other = an_adapter(secret="SECother"), an_adapter(token="other")
    old = authorize(an_adapter(), an_adapter().build(a_message()))

    late = FeishuRobotFace(ACCOUNT).answer(old, now=NOW + timedelta(hours=2), new_id=IdSource("s"))

    assert response(late).json()["code"] == 19021
    assert response(asked(wrong, FeishuRobotFace(ACCOUNT), wrong.build(a_message()))).json()["code"] == 19021
    assert response(asked(other, FeishuRobotFace(ACCOUNT), other.build(a_message()))).json()["code"] == 19001
