"""Mailgun keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from adapters.mail import A_MAIL, a_mail, a_template, batch_trip, news_of, round_trip
from adapters.wire import CALLBACK, DATA, NOW, asked, facts, fault_kind, refusal, response, sent, tools
from recallgate import Callback, ErrorKind, EventType, Fault, ForgedCallback, WorldEvent
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.mailgun import MailgunEmailFace
from recallgate_adapters.mailgun import MailgunConfig, MailgunEmail
from recallgate_adapters.mailgun_events import signature_of

FACTS = facts("mailgun")
TOKEN = "t1"
ACCOUNT: dict[str, Any] = {
    "domain": "mg.shop.example",
    "api_key": "key-1",
    "webhook_key": "whk-1",
    "sender": "Shop <news@shop.example>",
    "templates": {"winback": "back-2"},
}


class TestMailgunEmail(AdapterContract):
    adapter = MailgunEmail
    config = ACCOUNT
    message = A_MAIL
    exchanges = DATA / "exchanges" / "mailgun.email.json"


def an_adapter(**over: Any) -> MailgunEmail:
    return MailgunEmail(MailgunConfig(**{**ACCOUNT, **over}), tools())


def a_face(**over: Any) -> MailgunEmailFace:
    return MailgunEmailFace({**ACCOUNT, "callback_url": CALLBACK, **over})


def a_callback(*, stamp: object = None, token: object = TOKEN, signature: object = None, **data: Any) -> Callback:
    at = str(int(NOW.timestamp())) if stamp is None else stamp
    signed = signature_of("whk-1", str(at), str(token)) if signature is None else signature
    told = {"signature": {"timestamp": at, "token": token, "signature": signed}, "event-data": {"event": "delivered", **data}}
    return Callback("POST", CALLBACK, httpx.Headers(), json.dumps(told).encode(), NOW)


def test_quirk_a_replayed_token_is_the_same_news() -> None:
    first, second = (an_adapter().read_callback(a_callback(event=event)).events for event in ("delivered", "opened"))

    assert first[0].vendor_event_id == second[0].vendor_event_id == "t1"


@pytest.mark.parametrize(
    "over",
    [{"token": ""}, {"token": 1}, {"signature": ""}, {"signature": 1}, {"stamp": ""}, {"stamp": "now"}, {"stamp": [1]}],
)
def test_a_callback_without_its_three_fields_is_refused(over: dict[str, Any]) -> None:
    with pytest.raises(ForgedCallback):
        an_adapter().read_callback(a_callback(**over))


@pytest.mark.parametrize("days", [-1, 1])
def test_a_callback_of_another_day_is_refused(days: int) -> None:
    at = NOW + timedelta(days=days, seconds=days)

    with pytest.raises(ForgedCallback, match="too long ago"):
        an_adapter().read_callback(a_callback(stamp=str(int(at.timestamp()))))


def test_without_a_key_every_callback_is_refused() -> None:
    with pytest.raises(ForgedCallback, match="webhook_key"):
        an_adapter(webhook_key=None).read_callback(a_callback())


def test_quirk_a_text_with_the_vendors_marks_goes_one_by_one() -> None:
    messages = [a_mail(text="%recipient.rg_id%"), a_mail("bo@example.com", id="m2", text="%recipient.rg_id%")]

    assert refusal(an_adapter().build_batch, messages).code == "batch"


def test_templates_with_variables_go_one_by_one() -> None:
    assert refusal(an_adapter().build_batch, [a_template(name="a")]).code == "batch"


def test_an_address_stands_once_in_a_batch() -> None:
    assert refusal(an_adapter().build_batch, [a_mail(), a_mail(id="m2")]).code == "batch"


def test_quirk_one_bad_address_says_nothing_of_the_others() -> None:
    words = {"message": "'to' parameter is not a valid address"}

    error = refusal(an_adapter().parse_batch, [a_mail(), a_mail("bo@example.com")], httpx.Response(400, json=words))

    assert error.kind is ErrorKind.TEMPORARY


def test_quirk_messages_of_a_batch_share_an_id_and_carry_ours() -> None:
    taken = batch_trip(an_adapter(), a_face(), [a_mail(), a_mail("bo@example.com", id="m2")])

    assert taken[0].vendor_id == taken[1].vendor_id
    assert [one.data["variables"] for one in taken] == [{"rg_id": "m1"}, {"rg_id": "m2"}]


def test_every_code_and_state_of_the_vendor_is_mapped() -> None:
    assert set(FACTS["errors"]) - {"5xx"} <= set(MailgunEmail.errors)
    assert set(FACTS["status_map"]) <= set(MailgunEmail.statuses)


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


@pytest.mark.parametrize(
    ("over", "kind"), [({"api_key": "other"}, ErrorKind.AUTH), ({"domain": "other.example"}, ErrorKind.INVALID_SENDER)]
)
def test_the_face_refuses_another_account(over: dict[str, str], kind: ErrorKind) -> None:
    adapter = an_adapter(**over)

    assert refusal(adapter.parse, a_mail(), response(asked(adapter, a_face(), adapter.build(a_mail())))).kind is kind


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
        (EventType.UNDELIVERED, EventType.UNDELIVERED, ErrorKind.UNKNOWN),
    ],
)
def test_news_told_by_the_face_are_read(news: EventType, type_: EventType, kind: ErrorKind | None) -> None:
    event = news_of(an_adapter(), a_face(), news, kind)

    assert (event.type, event.kind) == (type_, kind)


def test_a_face_without_a_signing_key_tells_nothing() -> None:
    taken = round_trip(an_adapter(), a_face())

    assert a_face(webhook_key=None).callbacks(taken, WorldEvent(EventType.DELIVERED, NOW), nonce="n") == ()
