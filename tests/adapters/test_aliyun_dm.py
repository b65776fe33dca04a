"""DirectMail keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

from typing import Any

import httpx
import pytest

from adapters.mail import A_MAIL, a_mail, a_template, news_of
from adapters.wire import CALLBACK, DATA, asked, facts, fault_kind, refusal, response, sent, tools
from recallgate import ErrorKind, EventType, Fault, authorize
from recallgate.testing import AdapterContract
from recallgate_adapters._signing import acs3_authorization
from recallgate_adapters.aliyun_dm import AliyunEmail, AliyunEmailConfig
from recallgate_adapters.faces.aliyun_dm import AliyunEmailFace

FACTS = facts("aliyun_dm")
ACCOUNT: dict[str, Any] = {
    "access_key_id": "testAK",
    "access_key_secret": "testSK",
    "sender": "商店 <news@mail.shop.example>",
    "templates": {"winback": "t-1"},
}


class TestAliyunEmail(AdapterContract):
    adapter = AliyunEmail
    config = ACCOUNT
    message = A_MAIL
    exchanges = DATA / "exchanges" / "aliyun.email.json"


def an_adapter(**over: Any) -> AliyunEmail:
    return AliyunEmail(AliyunEmailConfig(**{**ACCOUNT, **over}), tools())


def a_face(**over: Any) -> AliyunEmailFace:
    return AliyunEmailFace({**ACCOUNT, "callback_url": CALLBACK, **over})


def test_a_request_is_signed_as_the_vector_says() -> None:
    told = FACTS["vectors"][0]["input"]
    request = httpx.Request(
        told["method"], f"http://{told['headers']['host']}/", headers=told["headers"], content=told["body"].encode()
    )

    shown = acs3_authorization(
        request, told["signed_headers"].split(";"), key_id=told["access_key_id"], secret=told["access_key_secret"]
    )

    assert shown == FACTS["vectors"][0]["expected"]["authorization"]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ({"subject": "x" * 101}, ErrorKind.PAYLOAD_TOO_LARGE),
        ({"text": "久" * 27_307}, ErrorKind.PAYLOAD_TOO_LARGE),
        ({"attachments": [{"type": "attachment", "filename": "a", "data": ""}]}, ErrorKind.UNSUPPORTED),
    ],
)
def test_quirk_what_the_vendor_cannot_carry_is_refused_before_it_is_sent(content: dict[str, Any], kind: ErrorKind) -> None:
    assert refusal(an_adapter().build, a_mail(**content)).kind is kind


def test_quirk_a_long_name_of_the_sender_is_refused() -> None:
    error = refusal(an_adapter(sender="A shop with a name <news@mail.shop.example>").build, a_mail())

    assert error.kind is ErrorKind.INVALID_SENDER


def test_quirk_each_person_gets_a_request_of_their_own() -> None:
    assert AliyunEmail.abilities().batch == 1


def test_every_code_and_state_of_the_vendor_is_mapped() -> None:
    named = {name for joined in FACTS["errors"] if not joined.startswith("SMTP") for name in joined.split(" / ")}
    replies = {name.split()[1] for name in FACTS["errors"] if name.startswith("SMTP")}

    assert named <= set(AliyunEmail.errors)
    assert replies == set(AliyunEmail.report_errors)
    assert set(FACTS["status_map"]) == set(AliyunEmail.statuses)


@pytest.mark.parametrize("signing", ["acs3", "rpc"])
def test_adapter_and_face_understand_each_other(signing: str) -> None:
    receipt, reply = sent(an_adapter(signing=signing), a_face(), a_mail(text="See https://shop.example/b"))
    (taken,) = reply.taken

    assert (taken.vendor_id, taken.recipient, taken.links) == (
        receipt.vendor_id,
        "ann@example.com",
        ("https://shop.example/b",),
    )


def test_one_click_unsubscribe_reaches_the_face() -> None:
    _, reply = sent(an_adapter(), a_face(), a_mail(headers={"List-Unsubscribe": "<https://app.example/u/1>"}))

    assert reply.taken[0].unsubscribe_url == "https://app.example/u/1"


def test_a_template_is_taken_by_the_face() -> None:
    _, reply = sent(an_adapter(), a_face(), a_template(name="张三"))

    assert "张三" in reply.taken[0].text


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.AUTH,
        ErrorKind.RATE_LIMITED,
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.INVALID_SENDER,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.TEMPLATE_OR_SIGNATURE,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), a_face(), a_mail(), Fault(kind)) is kind


@pytest.mark.parametrize("over", [{"access_key_secret": "other"}, {"access_key_id": "other"}])
def test_the_face_refuses_another_key(over: dict[str, str]) -> None:
    adapter = an_adapter(**over)

    assert refusal(adapter.parse, a_mail(), response(asked(adapter, a_face(), adapter.build(a_mail())))).kind is ErrorKind.AUTH


def test_the_face_refuses_a_request_that_was_changed() -> None:
    adapter = an_adapter()
    request = authorize(adapter, adapter.build(a_mail()))
    changed = httpx.Request(request.method, request.url, headers=request.headers, content=request.content + b"&TagName=x")

    reply = a_face().answer(changed, now=tools().now(), new_id=None)  # type: ignore[arg-type] # no id is needed

    assert reply.status == 400


@pytest.mark.parametrize(
    ("news", "type_", "kind"),
    [
        (EventType.DELIVERED, EventType.DELIVERED, None),
        (EventType.COMPLAINED, EventType.COMPLAINED, None),
        (EventType.UNSUBSCRIBED, EventType.UNSUBSCRIBED, None),
        (EventType.OPENED, EventType.OPENED, None),
        (EventType.CLICKED, EventType.CLICKED, None),
        (EventType.UNDELIVERED, EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT),
        (EventType.UNDELIVERED, EventType.UNDELIVERED, ErrorKind.UNREACHABLE),
        (EventType.UNDELIVERED, EventType.UNDELIVERED, ErrorKind.UNKNOWN),
    ],
)
def test_news_told_by_the_face_are_read(news: EventType, type_: EventType, kind: ErrorKind | None) -> None:
    event = news_of(an_adapter(), a_face(), news, kind, message_id=None)

    assert (event.type, event.kind) == (type_, kind)
