"""Resend keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from adapters.mail import A_MAIL, a_mail, a_template, batch_trip, news_of, round_trip
from adapters.wire import CALLBACK, DATA, NOW, asked, facts, fault_kind, refusal, response, sent, tools
from recallgate import Callback, ErrorKind, EventType, Fault, ForgedCallback, WorldEvent
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.resend import ResendEmailFace
from recallgate_adapters.resend import ResendConfig, ResendEmail
from recallgate_adapters.resend_events import signature

FACTS = facts("resend")
VECTOR = FACTS["vectors"][0]["input"]
SIGNATURE = FACTS["vectors"][0]["expected"]["svix_signature"]
SIGNED_AT = datetime.fromtimestamp(int(VECTOR["svix_timestamp"]), UTC)
ACCOUNT: dict[str, Any] = {
    "api_key": "re_key",
    "webhook_secret": VECTOR["secret"],
    "sender": "Shop <news@shop.example>",
    "templates": {"winback": "back-2"},
}


class TestResendEmail(AdapterContract):
    adapter = ResendEmail
    config = ACCOUNT
    # A secret begins with whsec_, so a changed first letter would be no secret.
    stranger = {"webhook_secret": "whsec_" + "B" * 32}
    message = A_MAIL
    exchanges = DATA / "exchanges" / "resend.email.json"


def an_adapter(now: datetime = NOW, **over: Any) -> ResendEmail:
    return ResendEmail(ResendConfig(**{**ACCOUNT, **over}), tools(now))


def a_face(**over: Any) -> ResendEmailFace:
    return ResendEmailFace({**ACCOUNT, "callback_url": CALLBACK, **over})


def a_callback(told: str = SIGNATURE, **over: str) -> Callback:
    fields = {**VECTOR, **over}
    headers = {"svix-id": fields["svix_id"], "svix-timestamp": fields["svix_timestamp"], "svix-signature": told}
    return Callback("POST", CALLBACK, httpx.Headers(headers), fields["body"].encode(), SIGNED_AT)


def test_a_body_is_signed_as_the_vector_says() -> None:
    assert signature(VECTOR["secret"], VECTOR["svix_id"], VECTOR["svix_timestamp"], VECTOR["body"].encode()) == SIGNATURE


def test_what_the_vendor_signed_is_believed() -> None:
    (event,) = an_adapter(SIGNED_AT).read_callback(a_callback()).events

    assert (event.type, event.vendor_id, event.vendor_event_id) == (
        EventType.DELIVERED,
        "56761188-7520-42d8-8898-ff6fc54ce618",
        VECTOR["svix_id"],
    )


def test_quirk_one_of_several_signatures_is_enough() -> None:
    assert an_adapter(SIGNED_AT).read_callback(a_callback(f"v1,AAAA v2,x {SIGNATURE}")).events


@pytest.mark.parametrize(
    "callback",
    [
        a_callback(SIGNATURE.removeprefix("v1,")),
        a_callback(svix_id="msg_2"),
        a_callback(svix_timestamp="1700000001"),
        a_callback(body=VECTOR["body"] + " "),
        a_callback(""),
    ],
)
def test_quirk_id_time_and_raw_body_are_what_is_signed(callback: Callback) -> None:
    with pytest.raises(ForgedCallback):
        an_adapter(SIGNED_AT).read_callback(callback)


@pytest.mark.parametrize(("shift", "believed"), [(-301, False), (-300, True), (300, True), (301, False)])
def test_a_callback_is_believed_for_five_minutes(shift: int, believed: bool) -> None:
    adapter = an_adapter(SIGNED_AT + timedelta(seconds=shift))
    if believed:
        assert adapter.read_callback(a_callback()).events
        return
    with pytest.raises(ForgedCallback, match="too long ago"):
        adapter.read_callback(a_callback())


def test_without_a_secret_every_callback_is_refused() -> None:
    with pytest.raises(ForgedCallback, match="webhook_secret"):
        an_adapter(SIGNED_AT, webhook_secret=None).read_callback(a_callback())


def test_a_secret_that_cannot_be_read_is_a_wrong_setting() -> None:
    with pytest.raises(ValidationError, match="whsec_"):
        ResendConfig(**{**ACCOUNT, "webhook_secret": "whsec_?"})


def test_quirk_the_same_message_is_taken_once() -> None:
    adapter, face = an_adapter(), a_face()

    first = asked(adapter, face, adapter.build(a_mail()))
    second = asked(adapter, face, adapter.build(a_mail()))
    other = asked(adapter, face, adapter.build(a_mail(text="Another")))
    later = asked(adapter, face, adapter.build(a_mail(text="Another")), now=NOW + timedelta(hours=24))

    assert (len(first.taken), len(second.taken)) == (1, 0)
    assert adapter.parse(a_mail(), response(first)) == adapter.parse(a_mail(), response(second))
    assert refusal(adapter.parse, a_mail(), response(other)).code == "invalid_idempotent_request"
    assert len(later.taken) == 1
    assert ResendEmail.abilities().idempotency == 86_400


def test_quirk_mails_with_files_go_one_by_one() -> None:
    file = {"type": "attachment", "filename": "a.txt", "media_type": "text/plain", "data": "aGk="}

    assert refusal(an_adapter().build_batch, [a_mail(attachments=[file])]).code == "batch"


def test_quirk_one_bad_address_says_nothing_of_the_others() -> None:
    told = {"name": "validation_error", "message": "Invalid `to` field."}

    error = refusal(an_adapter().parse_batch, [a_mail(), a_mail("bo@example.com")], httpx.Response(422, json=told))

    assert error.kind is ErrorKind.TEMPORARY


def test_every_code_and_state_of_the_vendor_is_mapped() -> None:
    states = {name.replace(" (unsubscribed true)", "/unsubscribed") for name in FACTS["status_map"]}

    assert set(FACTS["errors"]) == set(ResendEmail.errors)
    assert states <= set(ResendEmail.statuses)


def test_adapter_and_face_understand_each_other() -> None:
    round_trip(an_adapter(), a_face())


def test_a_batch_is_taken_one_by_one() -> None:
    taken = batch_trip(an_adapter(), a_face(), [a_mail(), a_mail("bo@example.com", id="m2", subject="Other")])

    assert len({one.vendor_id for one in taken}) == 2


def test_a_template_is_taken_by_the_face() -> None:
    _, reply = sent(an_adapter(), a_face(), a_template(name="张三"))

    assert "张三" in reply.taken[0].text


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.AUTH,
        ErrorKind.INVALID_SENDER,
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.INSUFFICIENT_FUNDS,
        ErrorKind.RATE_LIMITED,
        ErrorKind.TEMPORARY,
        ErrorKind.TEMPLATE_OR_SIGNATURE,
        ErrorKind.BLOCKED_CONTENT,
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

    assert (error.kind, error.code) == (ErrorKind.AUTH, "invalid_api_key")


@pytest.mark.parametrize(
    ("news", "type_", "kind"),
    [
        (EventType.ACCEPTED, EventType.ACCEPTED, None),
        (EventType.SENT, EventType.SENT, None),
        (EventType.DELIVERED, EventType.DELIVERED, None),
        (EventType.COMPLAINED, EventType.COMPLAINED, None),
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


def test_a_face_without_a_secret_tells_nothing() -> None:
    taken = round_trip(an_adapter(), a_face())

    assert a_face(webhook_secret=None).callbacks(taken, WorldEvent(EventType.DELIVERED, NOW), nonce="n") == ()


def test_news_told_late_are_signed_when_they_are_told() -> None:
    taken = round_trip(an_adapter(), a_face())
    happened = NOW - timedelta(hours=1)

    (late,) = a_face().callbacks(taken, WorldEvent(EventType.DELIVERED, happened, told_at=NOW), nonce="n")
    (stale,) = a_face().callbacks(taken, WorldEvent(EventType.DELIVERED, happened), nonce="n")

    assert an_adapter().read_callback(late).events[0].at == happened
    with pytest.raises(ForgedCallback, match="too long ago"):
        an_adapter().read_callback(stale)
