"""SendGrid keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from adapters.mail import A_MAIL, a_mail, a_template, batch_trip, news_of, round_trip
from adapters.wire import CALLBACK, DATA, NOW, asked, facts, fault_kind, refusal, response, sent, tools
from recallgate import Callback, ErrorKind, EventType, Fault, ForgedCallback, WorldEvent
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.sendgrid import SendgridEmailFace, webhook_key
from recallgate_adapters.sendgrid import SendgridConfig, SendgridEmail

FACTS = facts("sendgrid")
VECTOR = FACTS["vectors"][0]["input"]
SIGNED_AT = datetime.fromtimestamp(int(VECTOR["timestamp"]), UTC)
ACCOUNT: dict[str, Any] = {
    "api_key": "SG.key",
    "sender": "Shop <news@shop.example>",
    "templates": {"winback": "d-1"},
    "webhook_key": webhook_key("SG.key"),
}


class TestSendgridEmail(AdapterContract):
    adapter = SendgridEmail
    config = ACCOUNT
    stranger = {"webhook_key": VECTOR["public_key"]}
    message = A_MAIL
    exchanges = DATA / "exchanges" / "sendgrid.email.json"
    # 403 is a sender that is not verified, not a bad key.
    faults = {**AdapterContract.faults, 403: ErrorKind.INVALID_SENDER}


def an_adapter(now: datetime = NOW, **over: Any) -> SendgridEmail:
    return SendgridEmail(SendgridConfig(**{**ACCOUNT, **over}), tools(now))


def a_face(**over: Any) -> SendgridEmailFace:
    return SendgridEmailFace({**ACCOUNT, "callback_url": CALLBACK, **over})


def a_callback(**over: str) -> Callback:
    told = {**VECTOR, **over}
    headers = {
        "x-twilio-email-event-webhook-signature": told["signature"],
        "x-twilio-email-event-webhook-timestamp": told["timestamp"],
    }
    return Callback("POST", CALLBACK, httpx.Headers(headers), told["body"].encode(), SIGNED_AT)


def test_what_the_vendor_signed_is_believed() -> None:
    (event,) = an_adapter(SIGNED_AT, webhook_key=VECTOR["public_key"]).read_callback(a_callback()).events

    assert (event.type, event.message_id, event.vendor_id) == (EventType.DELIVERED, "m-1", "m1")


@pytest.mark.parametrize(
    "over",
    [
        {"body": f"{VECTOR['body']} "},
        {"body": VECTOR["body"].replace("delivered", "bounce")},
        {"body": VECTOR["body"].rstrip()},
        {"timestamp": "1700000001"},
        {"timestamp": ""},
        {"signature": b64encode(b"\x30\x06\x02\x01\x01\x02\x01\x01").decode()},
    ],
)
def test_quirk_the_raw_body_and_the_timestamp_are_what_is_signed(over: dict[str, str]) -> None:
    with pytest.raises(ForgedCallback):
        an_adapter(SIGNED_AT, webhook_key=VECTOR["public_key"]).read_callback(a_callback(**over))


@pytest.mark.parametrize("shift", [-86_401, 86_401])
def test_a_callback_of_another_day_is_refused(shift: int) -> None:
    now = datetime.fromtimestamp(int(VECTOR["timestamp"]) + shift, UTC)

    with pytest.raises(ForgedCallback, match="too long ago"):
        an_adapter(now, webhook_key=VECTOR["public_key"]).read_callback(a_callback())


def test_without_a_key_every_callback_is_refused() -> None:
    with pytest.raises(ForgedCallback, match="webhook_key"):
        an_adapter(SIGNED_AT, webhook_key="").read_callback(a_callback())


@pytest.mark.parametrize("key", ["none", "AAAA", VECTOR["public_key"][:-8]])
def test_a_key_that_cannot_be_read_is_a_wrong_setting(key: str) -> None:
    with pytest.raises(ValidationError, match="verification key"):
        SendgridConfig(**{**ACCOUNT, "webhook_key": key})


def test_quirk_an_answer_without_an_id_leaves_it_open() -> None:
    assert refusal(an_adapter().parse, a_mail(), httpx.Response(202)).kind is ErrorKind.UNCERTAIN


def test_quirk_messages_of_a_batch_share_an_id_and_carry_ours() -> None:
    taken = batch_trip(an_adapter(), a_face(), [a_mail(), a_mail("bo@example.com", id="m2")])

    assert taken[0].vendor_id == taken[1].vendor_id
    assert [one.data["custom_args"] for one in taken] == [{"rg_id": "m1"}, {"rg_id": "m2"}]


def test_a_batch_has_one_content() -> None:
    assert refusal(an_adapter().build_batch, [a_mail(), a_mail(subject="Other")]).code == "batch"


def test_every_code_and_state_of_the_vendor_is_mapped() -> None:
    assert set(FACTS["errors"]) <= set(SendgridEmail.errors)
    assert set(FACTS["status_map"]) <= set(SendgridEmail.statuses)


def test_adapter_and_face_understand_each_other() -> None:
    round_trip(an_adapter(), a_face())


def test_a_template_is_taken_by_the_face() -> None:
    _, reply = sent(an_adapter(), a_face(), a_template(name="张三"))

    assert "张三" in reply.taken[0].text


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.AUTH,
        ErrorKind.INSUFFICIENT_FUNDS,
        ErrorKind.INVALID_SENDER,
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.TEMPLATE_OR_SIGNATURE,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.RATE_LIMITED,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), a_face(), a_mail(), Fault(kind)) is kind


def test_the_face_refuses_another_key() -> None:
    adapter = an_adapter(api_key="other")

    error = refusal(adapter.parse, a_mail(), response(asked(adapter, a_face(), adapter.build(a_mail()))))

    assert error.kind is ErrorKind.AUTH


@pytest.mark.parametrize("over", [{"subject": "x", "headers": {"X-SG-EID": "1"}}])
def test_reserved_headers_are_refused_by_the_face(over: dict[str, Any]) -> None:
    adapter = an_adapter()

    error = refusal(adapter.parse, a_mail(), response(asked(adapter, a_face(), adapter.build(a_mail(**over)))))

    assert error.code == "400"


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
        (EventType.UNDELIVERED, EventType.UNDELIVERED, ErrorKind.BLOCKED_CONTENT),
    ],
)
def test_news_told_by_the_face_are_read(news: EventType, type_: EventType, kind: ErrorKind | None) -> None:
    event = news_of(an_adapter(), a_face(), news, kind)

    assert (event.type, event.kind) == (type_, kind)


def test_a_face_whose_key_is_not_configured_tells_nothing() -> None:
    taken = round_trip(an_adapter(), a_face())

    assert a_face(webhook_key="").callbacks(taken, WorldEvent(EventType.DELIVERED, NOW), nonce="n") == ()


def test_a_bad_address_in_a_batch_says_nothing_of_the_others() -> None:
    told = {"errors": [{"message": "no", "field": "personalizations.1.to.0.email"}]}

    error = refusal(an_adapter().parse_batch, [a_mail(), a_mail("bo@example.com")], httpx.Response(400, json=told))

    assert error.kind is ErrorKind.TEMPORARY
