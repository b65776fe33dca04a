"""The DingTalk robot keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

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
    News,
    Payload,
    Purpose,
    Text,
    authorize,
)
from recallgate.testing import AdapterContract
from recallgate_adapters.dingtalk import DingtalkConfig, DingtalkRobot, sign
from recallgate_adapters.faces.dingtalk import DingtalkRobotFace

VECTOR = facts("dingtalk")["signature_vectors"]["vectors"][0]
CODES = facts("dingtalk")["errors"]["codes"]
ACCOUNT = {"access_token": "a1b2c3token", "secret": VECTOR["input"]["secret"]}


class TestDingtalkRobot(AdapterContract):
    adapter = DingtalkRobot
    config = ACCOUNT
    message = {
        "channel": "robot",
        "to": {"type": "conversation", "name": "sales"},
        "content": {"type": "text", "text": "好久不见"},
        "purpose": "service",
    }
    exchanges = DATA / "exchanges" / "dingtalk.robot.json"


def an_adapter(**config: Any) -> DingtalkRobot:
    return DingtalkRobot(DingtalkConfig.model_validate({**ACCOUNT, **config}), tools(NOW))


def a_message(content: Content | str = "hi", **fields: Any) -> Message:
    body = Text(text=content) if isinstance(content, str) else content
    return Message(id="m1", channel="robot", to=Conversation(), content=body, purpose=Purpose.SERVICE, **fields)


def test_every_code_of_the_vendor_is_mapped() -> None:
    assert set(DingtalkRobot.errors) == set(CODES)


def test_the_sign_is_the_one_of_the_vector() -> None:
    told = VECTOR["input"]

    assert quote(sign(told["timestamp"], told["secret"]), safe="") == VECTOR["expected"]["sign_urlencoded"]


def test_20000_bytes_leave_and_one_more_does_not() -> None:
    frame = len('{"msgtype":"text","text":{"content":""}}')

    an_adapter().build(a_message("a" * (20_000 - frame)))
    error = refusal(an_adapter().build, a_message("a" * (20_001 - frame)))

    # Our text content has its own limit of 20,000 characters, so the frame decides.
    assert error.kind is ErrorKind.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (a_message(Media(kind="image", media_id="M")), "content"),
        (a_message(News(articles=(Card(title="T", url="https://a.example", description="D"),))), "news"),
        (a_message(Payload(data={"msgtype": "shout", "shout": {}})), "payload.msgtype"),
        (a_message(Payload(data={"msgtype": "text", "text": {}, "at": {}})), "payload.msgtype"),
        (a_message(sender="x"), "sender"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_robot_lacks_is_refused_by_name(message: Message, code: str) -> None:
    error = refusal(an_adapter().build, message)

    assert (error.kind, error.code) == (ErrorKind.UNSUPPORTED, code)


def test_adapter_and_face_understand_each_other() -> None:
    receipt, reply = sent(an_adapter(), DingtalkRobotFace(ACCOUNT), a_message("好久不见 https://shop.example/a"))

    assert (receipt.vendor_id, reply.taken[0].links) == ("m1", ("https://shop.example/a",))


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.RATE_LIMITED,
        ErrorKind.AUTH,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.TEMPORARY,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), DingtalkRobotFace(ACCOUNT), a_message(), Fault(kind)) is kind


def test_the_face_refuses_a_wrong_sign_an_old_one_and_another_token() -> None:
    wrong, other = an_adapter(secret="SECother"), an_adapter(access_token="other")
    old = authorize(an_adapter(), an_adapter().build(a_message()))

    late = DingtalkRobotFace(ACCOUNT).answer(old, now=NOW + timedelta(hours=2), new_id=IdSource("s"))

    assert response(late).json()["errcode"] == 310000
    assert response(asked(wrong, DingtalkRobotFace(ACCOUNT), wrong.build(a_message()))).json()["errcode"] == 310000
    assert response(asked(other, DingtalkRobotFace(ACCOUNT), other.build(a_message()))).json()["errcode"] == 300001
