"""Postmark keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

from typing import Any

import httpx
import pytest

from adapters.mail import A_MAIL, a_mail, a_template, batch_trip, news_of, round_trip
from adapters.wire import CALLBACK, DATA, asked, facts, fault_kind, refusal, response, sent, tools
from recallgate import Callback, ErrorKind, EventType, Fault, ForgedCallback
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.postmark import PostmarkEmailFace
from recallgate_adapters.postmark import PostmarkConfig, PostmarkEmail

FACTS = facts("postmark")
ACCOUNT: dict[str, Any] = {
    "server_token": "tok-1",
    "sender": "Shop <news@shop.example>",
    "marketing_stream": "news",
    "templates": {"winback": "back-2"},
}


class TestPostmarkEmail(AdapterContract):
    adapter = PostmarkEmail
    config = ACCOUNT
    message = A_MAIL
    exchanges = DATA / "exchanges" / "postmark.email.json"


def an_adapter(**over: Any) -> PostmarkEmail:
    return PostmarkEmail(PostmarkConfig(**{**ACCOUNT, **over}), tools())


def a_face(**over: Any) -> PostmarkEmailFace:
    return PostmarkEmailFace({**ACCOUNT, "callback_url": CALLBACK, **over})


def test_quirk_a_batch_is_refused_person_by_person() -> None:
    adapter = an_adapter()
    messages = [a_mail(), a_mail("bo@example.com", id="m2")]
    told = [{"ErrorCode": 300, "Message": "Invalid 'To' address"}, {"ErrorCode": 0, "MessageID": "v2"}]

    outcomes = adapter.parse_batch(messages, httpx.Response(200, json=told))

    assert [getattr(outcome, "kind", None) for outcome in outcomes] == [ErrorKind.INVALID_RECIPIENT, None]


def test_templates_and_own_texts_do_not_go_together() -> None:
    assert refusal(an_adapter().build_batch, [a_mail(), a_template(name="a")]).code == "batch"


def test_quirk_callbacks_are_not_signed_so_a_body_that_is_no_json_is_refused() -> None:
    with pytest.raises(ForgedCallback):
        an_adapter().read_callback(Callback("POST", CALLBACK, httpx.Headers(), b"<html>", tools().now()))


def test_every_code_and_state_of_the_vendor_is_mapped() -> None:
    named = {code for joined in FACTS["errors"] for code in joined.split("/")} - {"HTTP 500"}
    states = {name.replace("RecordType:", "").replace("bounce.Type:", "Bounce/") for name in FACTS["status_map"]} - {"Bounce"}

    assert named <= set(PostmarkEmail.errors)
    assert states <= set(PostmarkEmail.statuses)


def test_adapter_and_face_understand_each_other() -> None:
    round_trip(an_adapter(), a_face())


def test_a_batch_is_taken_one_by_one() -> None:
    taken = batch_trip(an_adapter(), a_face(), [a_mail(), a_mail("bo@example.com", id="m2", subject="Other")])

    assert len({one.vendor_id for one in taken}) == 2


def test_templates_are_taken_by_the_face() -> None:
    _, reply = sent(an_adapter(), a_face(), a_template(name="张三"))
    batch = batch_trip(an_adapter(), a_face(), [a_template(name="a"), a_template("bo@example.com", id="m2", name="b")])

    assert "张三" in reply.taken[0].text
    assert [one.data["metadata"] for one in batch] == [{"rg_id": "m1"}, {"rg_id": "m2"}]


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.AUTH,
        ErrorKind.INVALID_SENDER,
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.INSUFFICIENT_FUNDS,
        ErrorKind.OPTED_OUT,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.TEMPLATE_OR_SIGNATURE,
        ErrorKind.RATE_LIMITED,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), a_face(), a_mail(), Fault(kind)) is kind


def test_the_face_refuses_another_token() -> None:
    adapter = an_adapter(server_token="other")

    error = refusal(adapter.parse, a_mail(), response(asked(adapter, a_face(), adapter.build(a_mail()))))

    assert (error.kind, error.code) == (ErrorKind.AUTH, "10")


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
        (EventType.UNDELIVERED, EventType.UNDELIVERED, ErrorKind.BLOCKED_CONTENT),
    ],
)
def test_news_told_by_the_face_are_read(news: EventType, type_: EventType, kind: ErrorKind | None) -> None:
    event = news_of(an_adapter(), a_face(), news, kind)

    assert (event.type, event.kind) == (type_, kind)
