"""Messages to WeCom customers keep the contract of adapters, each of their quirks, and are understood by the vendor's side."""

from typing import Any

import pytest

from adapters.test_wecom import ACCOUNT as APP
from adapters.wire import CALLBACK, DATA, NOW, asked, fault_kind, refusal, response, sent, tools
from recallgate import (
    Card,
    Content,
    ErrorKind,
    EventType,
    Fault,
    Media,
    Message,
    MiniProgram,
    Payload,
    Purpose,
    Text,
    WecomExternal,
    WecomUser,
    WorldEvent,
)
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.wecom_external import WecomExternalFace
from recallgate_adapters.wecom_external import WecomExternalConfig, WecomExternalMessages

ACCOUNT = {**{key: value for key, value in APP.items() if key != "agent_id"}, "sender": "zhangsan"}
FACE = {**ACCOUNT, "callback_url": CALLBACK, "failing": ["wmGONE"]}


class TestWecomExternal(AdapterContract):
    adapter = WecomExternalMessages
    config = ACCOUNT
    message = {
        "channel": "wecom",
        "to": {"type": "wecom_external", "external_userid": "wmAAAA"},
        "content": {"type": "text", "text": "您好"},
        "purpose": "service",
    }
    exchanges = DATA / "exchanges" / "wecom.external.json"


def an_adapter(**config: Any) -> WecomExternalMessages:
    return WecomExternalMessages(WecomExternalConfig.model_validate({**ACCOUNT, **config}), tools(NOW))


def a_message(content: Content | str = "hi", customer: str = "wmAAAA", **options: Any) -> Message:
    body = Text(text=content) if isinstance(content, str) else content
    to = WecomExternal(external_userid=customer)
    told = {"wecom.external": options}
    return Message(id=f"m-{customer}", channel="wecom", to=to, content=body, purpose=Purpose.MARKETING, options=told)


def test_4000_bytes_leave_and_one_more_does_not() -> None:
    an_adapter().build(a_message("你" * 1333 + "a"))

    assert refusal(an_adapter().build, a_message("你" * 1333 + "ab")).kind is ErrorKind.PAYLOAD_TOO_LARGE


def test_nine_attachments_leave_and_ten_do_not() -> None:
    picture = {"msgtype": "image", "image": {"media_id": "M"}}

    an_adapter().build(a_message(Payload(data={"attachments": [picture] * 9})))
    error = refusal(an_adapter().build, a_message(Payload(data={"attachments": [picture] * 10})))

    assert error.kind is ErrorKind.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (a_message(text="more"), "text"),
        (a_message(Card(title="T", url="https://a.example", button="x")), "card.button"),
        (a_message(Media(kind="voice", media_id="M")), "media"),
        (a_message(Media(kind="video", url="https://a.example")), "media"),
        (a_message(MiniProgram(appid="wx", page="/", title="T")), "thumb_media_id"),
        (a_message(Payload(data={"attachments": [{"msgtype": "voice"}]})), "attachments"),
        (a_message(Payload(data={"external_userid": ["x"]})), "payload"),
        (a_message(Payload(data={})), "content"),
        (a_message(welcome_code="C", allow_select=True), "welcome_code"),
        (a_message().model_copy(update={"to": WecomUser(userid="u")}), "address"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_customers_cannot_be_sent_is_refused_by_name(message: Message, code: str) -> None:
    error = refusal(an_adapter().build, message)

    assert (error.kind, error.code) == (ErrorKind.UNSUPPORTED, code)


@pytest.mark.parametrize(
    "other", [a_message("another"), a_message(customer="b").model_copy(update={"sender": "lisi"}), a_message(allow_select=True)]
)
def test_one_task_carries_equal_messages_of_one_member(other: Message) -> None:
    assert refusal(an_adapter().build_batch, [a_message(), other]).code == "batch"


def test_two_secrets_of_a_company_have_tokens_of_their_own() -> None:
    one, other = an_adapter().auth, an_adapter(secret="another-secret").auth

    assert one.identity != other.identity  # type: ignore[union-attr] # both are tokens
    assert ACCOUNT["secret"] not in one.identity  # type: ignore[union-attr]


def test_a_task_without_a_member_cannot_be_asked_for() -> None:
    assert an_adapter(sender=None).build_lookup(a_message(), "msgX") is None


def test_a_welcome_message_cannot_be_asked_for() -> None:
    message = a_message(welcome_code="C")

    assert an_adapter().build_lookup(message, message.id) is None


# Adapter and face


def test_adapter_and_face_understand_each_other() -> None:
    adapter, face = an_adapter(), WecomExternalFace(FACE)
    message = a_message("好久不见 https://shop.example/a")
    receipt, reply = sent(adapter, face, message)
    assert reply.taken[0].links == ("https://shop.example/a",)

    for news, type_ in (
        (None, EventType.ACCEPTED),
        (EventType.SENT, EventType.SENT),
        (EventType.UNDELIVERED, EventType.UNDELIVERED),
    ):
        if news is not None:
            assert not face.callbacks(reply.taken[0], WorldEvent(news, NOW), nonce="n")
        question = adapter.build_lookup(message, receipt.vendor_id)
        assert question is not None
        (event,) = adapter.parse_lookup(message, response(asked(adapter, face, question)))
        assert event.type is type_


def test_a_customer_who_leaves_is_told_by_callback() -> None:
    adapter, face = an_adapter(), WecomExternalFace(FACE)
    _, reply = sent(adapter, face, a_message())

    (callback,) = face.callbacks(reply.taken[0], WorldEvent(EventType.UNSUBSCRIBED, NOW), nonce="n")
    (event,) = adapter.read_callback(callback).events

    assert (event.type, event.address) == (EventType.UNSUBSCRIBED, "wmAAAA")


def test_a_customer_in_the_fail_list_gets_nothing() -> None:
    adapter, face = an_adapter(), WecomExternalFace(FACE)
    messages = [a_message(), a_message(customer="wmGONE")]

    reply = asked(adapter, face, adapter.build_batch(messages))
    outcomes = adapter.parse_batch(messages, response(reply))

    assert [getattr(one, "kind", None) for one in outcomes] == [None, ErrorKind.UNREACHABLE]
    assert [taken.recipient for taken in reply.taken] == ["wmAAAA"]


def test_a_welcome_code_serves_once() -> None:
    adapter, face, message = an_adapter(), WecomExternalFace(FACE), a_message(welcome_code="C")
    sent(adapter, face, message)

    again = asked(adapter, face, adapter.build(message))

    assert refusal(adapter.parse, message, response(again)).code == "41051"


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.OPTED_OUT,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.AUTH,
        ErrorKind.RATE_LIMITED,
        ErrorKind.TEMPORARY,
        ErrorKind.UNSUPPORTED,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), WecomExternalFace(FACE), a_message(), Fault(kind)) is kind
