"""SendCloud keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

from typing import Any

import httpx
import pytest

from adapters.mail import A_MAIL, a_mail, a_template, batch_trip, news_of, round_trip
from adapters.wire import CALLBACK, DATA, NOW, asked, facts, fault_kind, refusal, response, sent, tools
from recallgate import Callback, ErrorKind, EventType, Fault, ForgedCallback, WorldEvent
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.sendcloud import SendcloudEmailFace
from recallgate_adapters.sendcloud import SendcloudConfig, SendcloudEmail

FACTS = facts("sendcloud")
ACCOUNT: dict[str, Any] = {
    "api_user": "user-1",
    "api_key": "key-1",
    "sender": "Shop <news@shop.example>",
    "templates": {"winback": "back_2"},
}


class TestSendcloudEmail(AdapterContract):
    adapter = SendcloudEmail
    config = ACCOUNT
    message = A_MAIL
    exchanges = DATA / "exchanges" / "sendcloud.email.json"


def an_adapter(**over: Any) -> SendcloudEmail:
    return SendcloudEmail(SendcloudConfig(**{**ACCOUNT, **over}), tools())


def a_face(**over: Any) -> SendcloudEmailFace:
    return SendcloudEmailFace({**ACCOUNT, "callback_url": CALLBACK, **over})


def test_quirk_a_key_that_is_known_is_checked() -> None:
    taken = round_trip(an_adapter(), a_face())
    news = WorldEvent(EventType.DELIVERED, NOW)

    (genuine,) = a_face(app_key="app-1").callbacks(taken, news, nonce="n1")
    (unsigned,) = a_face().callbacks(taken, news, nonce="n1")
    (foreign,) = a_face(app_key="other").callbacks(taken, news, nonce="n1")

    assert an_adapter(app_key="app-1").read_callback(genuine).events[0].type is EventType.DELIVERED
    for forged in (unsigned, foreign, Callback("POST", CALLBACK, httpx.Headers(), b"event=deliver&signature=x", NOW)):
        with pytest.raises(ForgedCallback):
            an_adapter(app_key="app-1").read_callback(forged)


def test_quirk_people_of_a_batch_do_not_see_each_other() -> None:
    messages = [a_mail(), a_mail("bo@example.com", id="m2")]

    request = an_adapter().build_batch(messages)

    assert b"&to=" not in request.content
    assert b"xsmtpapi=" in request.content


def test_a_batch_is_taken_one_by_one() -> None:
    taken = batch_trip(an_adapter(), a_face(), [a_mail(), a_mail("bo@example.com", id="m2")])

    assert len({one.vendor_id for one in taken}) == 2


def test_a_batch_has_one_content() -> None:
    assert refusal(an_adapter().build_batch, [a_mail(), a_mail(subject="Other")]).code == "batch"


def test_one_bad_address_says_nothing_of_the_others() -> None:
    told = {"result": False, "statusCode": 40012, "message": "email格式非法"}

    error = refusal(an_adapter().parse_batch, [a_mail(), a_mail("bo@example.com")], httpx.Response(200, json=told))

    assert error.kind is ErrorKind.TEMPORARY


def test_quirk_the_second_copy_of_a_request_leaves_it_open() -> None:
    told = {"result": False, "statusCode": 40000, "message": "重复请求"}

    assert refusal(an_adapter().parse, a_mail(), httpx.Response(200, json=told)).kind is ErrorKind.UNCERTAIN


def test_every_code_and_state_of_the_vendor_is_mapped() -> None:
    # 408xx and 5xx are ranges: an unlisted code is kept as unknown, HTTP 5xx has its own rule.
    assert set(FACTS["errors"]) - {"408xx", "5xx"} == set(SendcloudEmail.errors)
    assert set(FACTS["status_map"]) == set(SendcloudEmail.statuses)


def test_adapter_and_face_understand_each_other() -> None:
    round_trip(an_adapter(), a_face())


def test_a_template_is_taken_by_the_face() -> None:
    _, reply = sent(an_adapter(), a_face(), a_template(name="张三"))

    assert "张三" in reply.taken[0].text


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.AUTH,
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.TEMPLATE_OR_SIGNATURE,
        ErrorKind.RATE_LIMITED,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), a_face(), a_mail(), Fault(kind)) is kind


@pytest.mark.parametrize("files", [(), ({"type": "attachment", "filename": "a.txt", "data": "aGk="},)])
def test_the_face_refuses_another_key(files: tuple[dict[str, str], ...]) -> None:
    adapter, message = an_adapter(api_key="other"), a_mail(attachments=files)

    error = refusal(adapter.parse, message, response(asked(adapter, a_face(), adapter.build(message))))

    assert (error.kind, error.code) == (ErrorKind.AUTH, "40005")


@pytest.mark.parametrize(
    ("news", "type_", "kind"),
    [
        (EventType.ACCEPTED, EventType.ACCEPTED, None),
        (EventType.DELIVERED, EventType.DELIVERED, None),
        (EventType.COMPLAINED, EventType.COMPLAINED, None),
        (EventType.UNSUBSCRIBED, EventType.UNSUBSCRIBED, None),
        (EventType.OPENED, EventType.OPENED, None),
        (EventType.CLICKED, EventType.CLICKED, None),
        (EventType.UNDELIVERED, EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT),
        (EventType.UNDELIVERED, EventType.UNDELIVERED, ErrorKind.UNREACHABLE),
    ],
)
def test_news_told_by_the_face_are_read(news: EventType, type_: EventType, kind: ErrorKind | None) -> None:
    event = news_of(an_adapter(), a_face(), news, kind, message_id=None)

    assert (event.type, event.kind) == (type_, kind)
