"""The WeCom robot keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import base64
from typing import Any

import pytest

from adapters.wire import DATA, NOW, asked, facts, fault_kind, refusal, response, sent, tools
from recallgate import Card, Content, Conversation, ErrorKind, Fault, Markdown, Media, Message, Purpose, Text, WecomUser
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.wecom_robot import WecomRobotFace
from recallgate_adapters.wecom_robot import WecomRobot, WecomRobotConfig

ACCOUNT = {"key": "693a91f6-7xxx"}


class TestWecomRobot(AdapterContract):
    adapter = WecomRobot
    config = ACCOUNT
    message = {
        "channel": "robot",
        "to": {"type": "conversation", "name": "sales"},
        "content": {"type": "text", "text": "好久不见"},
        "purpose": "service",
    }
    exchanges = DATA / "exchanges" / "wecom.robot.json"


def an_adapter(**config: Any) -> WecomRobot:
    return WecomRobot(WecomRobotConfig.model_validate({**ACCOUNT, **config}), tools(NOW))


def a_message(content: Content | str = "hi", **fields: Any) -> Message:
    body = Text(text=content) if isinstance(content, str) else content
    return Message(id="m1", channel="robot", to=Conversation(), content=body, purpose=Purpose.SERVICE, **fields)


def picture(size: int) -> Media:
    return Media(kind="image", data=base64.b64encode(b"x" * size).decode())


@pytest.mark.parametrize(
    ("fits", "too_long"),
    [
        ("你" * 682 + "ab", "你" * 682 + "abc"),
        (Markdown(text="a" * 4096), Markdown(text="a" * 4097)),
        (picture(2 * 1024 * 1024), picture(2 * 1024 * 1024 + 1)),
        (Card(title="a" * 128, url="https://a.example"), Card(title="a" * 129, url="https://a.example")),
    ],
    ids=["text", "markdown", "picture", "title"],
)
def test_a_limit_is_reached_exactly(fits: Content | str, too_long: Content | str) -> None:
    an_adapter().build(a_message(fits))

    assert refusal(an_adapter().build, a_message(too_long)).kind is ErrorKind.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (a_message(Markdown(text="x", title="T")), "markdown.title"),
        (a_message(Card(title="T", url="https://a.example", button="x")), "card.button"),
        (a_message(Media(kind="video", media_id="M")), "media"),
        (a_message(Media(kind="image", media_id="M")), "media.data"),
        (a_message(Markdown(text="x"), options={"wecom.robot": {"mentioned_list": ["u"]}}), "mentioned_list"),
        (a_message(sender="x"), "sender"),
        (a_message().model_copy(update={"to": WecomUser(userid="u")}), "address"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_a_robot_lacks_is_refused_by_name(message: Message, code: str) -> None:
    error = refusal(an_adapter().build, message)

    assert (error.kind, error.code) == (ErrorKind.UNSUPPORTED, code)


def test_adapter_and_face_understand_each_other() -> None:
    receipt, reply = sent(an_adapter(), WecomRobotFace(ACCOUNT), a_message("好久不见 https://shop.example/a"))

    assert (receipt.vendor_id, reply.taken[0].text) == ("m1", "好久不见 https://shop.example/a")
    assert reply.taken[0].links == ("https://shop.example/a",)


def test_a_picture_passes_the_check_of_its_digest() -> None:
    assert sent(an_adapter(), WecomRobotFace(ACCOUNT), a_message(picture(100)))[1].taken


def test_a_file_is_uploaded_and_sent() -> None:
    adapter, face = an_adapter(), WecomRobotFace(ACCOUNT)
    upload = adapter.build_upload(Media(kind="file", data=base64.b64encode(b"a,b\n1,2\n").decode(), filename="a.csv"))

    media_id, kept = adapter.parse_upload(response(asked(adapter, face, upload)))

    assert kept.days == 3
    assert sent(adapter, face, a_message(Media(kind="file", media_id=media_id)))[1].taken


def test_a_picture_is_not_uploaded() -> None:
    assert refusal(an_adapter().build_upload, picture(10)).kind is ErrorKind.UNSUPPORTED


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.RATE_LIMITED,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.AUTH,
        ErrorKind.TEMPORARY,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), WecomRobotFace(ACCOUNT), a_message(), Fault(kind)) is kind


def test_the_face_refuses_another_key() -> None:
    other = an_adapter(key="other")

    assert response(asked(other, WecomRobotFace(ACCOUNT), other.build(a_message()))).json()["errcode"] == 40091


def test_every_kind_of_message_in_the_vendors_list_can_be_sent() -> None:
    operation = next(one for one in facts("wecom_robot")["operations"] if one["id"] == "robot_send")
    from recallgate_adapters.wecom_robot import MSGTYPES

    assert all(msgtype in operation["request_fields"][0]["note"] for msgtype in MSGTYPES)
