"""Twilio's faces and adapters meet: what one writes the other reads, without either being made from the other."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from recallgate import (
    Adapter,
    CallScript,
    ErrorKind,
    EventType,
    FaceReply,
    Fault,
    ForgedCallback,
    IdSource,
    KeyAnswer,
    Message,
    Receipt,
    Say,
    SendError,
    Taken,
    VendorFace,
    WorldEvent,
    authorize,
)
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.twilio import TwilioSmsFace
from recallgate_adapters.faces.twilio_voice import TwilioVoiceFace
from recallgate_adapters.twilio import TwilioSms, TwilioSmsConfig
from recallgate_adapters.twilio_voice import TwilioVoice, TwilioVoiceConfig

ACCOUNT: dict[str, Any] = {"account_sid": "AC11111111111111111111111111111111", "auth_token": "t0ken", "sender": "+15005550009"}
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
MENU = CallScript(
    say=(Say(text="Press 1 to confirm, press 9 to stop"),),
    keys={"1": KeyAnswer(action="confirm", say=(Say(text="Thanks"),)), "9": KeyAnswer(action="opt_out")},
)


def sms(**config: Any) -> TwilioSms:
    return TwilioSms(TwilioSmsConfig(**{**ACCOUNT, **config}), tools_of())


def voice() -> TwilioVoice:
    return TwilioVoice(TwilioVoiceConfig(**ACCOUNT), tools_of())


def text(words: str = "Hi https://s.example/a and https://s.example/b。", **fields: Any) -> Message:
    return Message.sms("+15005550006", words, purpose="marketing", id="m-1", **fields)


def call(script: str | CallScript = MENU) -> Message:
    return Message.voice("+15005550006", script, purpose="service", id="m-1")


def ask(face: VendorFace, request: httpx.Request, fault: Fault | None = None) -> FaceReply:
    return face.answer(request, now=NOW, new_id=IdSource("seed"), fault=fault)


def send(adapter: Adapter, face: VendorFace, message: Message, fault: Fault | None = None) -> tuple[Receipt, Taken]:
    reply = ask(face, authorize(adapter, adapter.build(message)), fault)
    receipt = adapter.parse(message, httpx.Response(reply.status, headers=reply.headers, content=reply.body))
    return receipt, reply.taken[0]


def read(adapter: Adapter, callbacks: Any) -> list[Any]:
    return [event for callback in callbacks for event in adapter.read_callback(callback).events]


def test_a_message_is_taken_under_the_id_of_its_receipt() -> None:
    receipt, taken = send(sms(), TwilioSmsFace(ACCOUNT), text())

    assert receipt.vendor_id == taken.vendor_id
    assert (taken.recipient, taken.channel, receipt.parts) == ("+15005550006", "sms", 1)
    assert taken.links == ("https://s.example/a", "https://s.example/b")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("退" * 70, 1),
        ("退" * 71, 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
    ],
)
def test_the_vendor_counts_parts(words: str, parts: int) -> None:
    assert send(sms(), TwilioSmsFace(ACCOUNT), text(words))[0].parts == parts


def test_equal_seeds_give_equal_ids_and_other_messages_others() -> None:
    first, again = (send(sms(), TwilioSmsFace(ACCOUNT), text())[0].vendor_id for _ in range(2))
    other = send(sms(), TwilioSmsFace(ACCOUNT), text("other"))[0].vendor_id

    assert first == again != other


@pytest.mark.parametrize(
    ("news", "kind", "type_", "read_kind"),
    [
        (EventType.ACCEPTED, None, EventType.ACCEPTED, None),
        (EventType.SENT, None, EventType.SENT, None),
        (EventType.DELIVERED, None, EventType.DELIVERED, None),
        (EventType.READ, None, EventType.READ, None),
        (EventType.UNDELIVERED, ErrorKind.UNREACHABLE, EventType.UNDELIVERED, ErrorKind.UNREACHABLE),
        (EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT, EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT),
        (EventType.UNDELIVERED, ErrorKind.BLOCKED_CONTENT, EventType.UNDELIVERED, ErrorKind.BLOCKED_CONTENT),
        (EventType.UNDELIVERED, ErrorKind.OPTED_OUT, EventType.UNDELIVERED, ErrorKind.OPTED_OUT),
        (EventType.UNDELIVERED, None, EventType.UNDELIVERED, ErrorKind.UNKNOWN),
        (EventType.EXPIRED, None, EventType.UNDELIVERED, ErrorKind.TEMPORARY),
    ],
)
def test_news_of_a_message_comes_back(
    news: EventType, kind: ErrorKind | None, type_: EventType, read_kind: ErrorKind | None
) -> None:
    adapter, face = sms(), TwilioSmsFace(ACCOUNT)
    receipt, taken = send(adapter, face, text())

    (event,) = read(adapter, face.callbacks(taken, WorldEvent(news, AT, kind=kind), nonce="n"))

    assert (event.type, event.kind, event.message_id, event.vendor_id) == (type_, read_kind, "m-1", receipt.vendor_id)


def test_a_click_is_no_news_of_the_vendor() -> None:
    face = TwilioSmsFace(ACCOUNT)

    assert face.callbacks(send(sms(), face, text())[1], WorldEvent(EventType.CLICKED, AT), nonce="n") == ()


def test_a_lookup_tells_the_last_news() -> None:
    adapter, face = sms(), TwilioSmsFace(ACCOUNT)
    receipt, taken = send(adapter, face, text())
    face.callbacks(taken, WorldEvent(EventType.DELIVERED, AT), nonce="n")
    question = adapter.build_lookup(text(), receipt.vendor_id)
    assert question is not None

    reply = ask(face, authorize(adapter, question))
    (event,) = adapter.parse_lookup(text(), httpx.Response(reply.status, content=reply.body))

    assert (event.type, event.vendor_event_id) == (EventType.DELIVERED, f"{receipt.vendor_id}:delivered")


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_a_fault_is_told_in_the_vendors_way(kind: ErrorKind) -> None:
    told_as = {
        ErrorKind.TEMPORARY: ErrorKind.UNAVAILABLE,
        **dict.fromkeys(
            (
                ErrorKind.UNREGISTERED_TOKEN,
                ErrorKind.BLOCKED_CONTENT,
                ErrorKind.TEMPLATE_OR_SIGNATURE,
                ErrorKind.INSUFFICIENT_FUNDS,
                ErrorKind.UNREACHABLE,
            ),
            ErrorKind.UNKNOWN,
        ),
    }
    with pytest.raises(SendError) as caught:
        send(sms(), TwilioSmsFace(ACCOUNT), text(), Fault(kind, retry_after_s=7))

    assert caught.value.kind is told_as.get(kind, kind)


def test_a_fault_may_name_its_code_and_its_wait() -> None:
    with pytest.raises(SendError) as caught:
        send(sms(), TwilioSmsFace(ACCOUNT), text(), Fault(ErrorKind.RATE_LIMITED, code="20429", retry_after_s=7))

    assert caught.value.retry_at is not None
    assert (caught.value.code, (caught.value.retry_at - NOW).total_seconds()) == ("20429", 7)


@pytest.mark.parametrize(("adapter", "face"), [(sms(), TwilioSmsFace), (voice(), TwilioVoiceFace)])
@pytest.mark.parametrize("other", [{"auth_token": "wrong"}, {"account_sid": "AC2"}])
def test_wrong_credentials_are_refused(adapter: Adapter, face: type[VendorFace], other: dict[str, str]) -> None:
    message = text() if adapter.channel.name == "sms" else call()

    with pytest.raises(SendError) as caught:
        send(adapter, face({**ACCOUNT, **other}), message)

    assert (caught.value.kind, caught.value.code) == (ErrorKind.AUTH, "20003")


def test_an_unsigned_request_is_refused() -> None:
    assert ask(TwilioSmsFace(ACCOUNT), sms().build(text())).status == 401


def test_an_api_key_signs_in() -> None:
    config = {**ACCOUNT, "api_key_sid": "SK1", "api_key_secret": "s"}

    assert send(sms(**config), TwilioSmsFace(config), text())[0].vendor_id.startswith("SM")


def test_each_face_answers_its_own_path_only() -> None:
    message_request = authorize(sms(), sms().build(text()))
    call_request = authorize(voice(), voice().build(call()))

    assert [ask(TwilioSmsFace(ACCOUNT), call_request).status, ask(TwilioVoiceFace(ACCOUNT), message_request).status] == [404, 404]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"From": "+15005550009", "Body": "x"}, b"21604"),
        ({"To": "+15005550006", "Body": "x"}, b"21603"),
        ({"To": "+15005550006", "From": "+15005550009"}, b"21602"),
        ({"To": "+0500555", "From": "+15005550009", "Body": "x"}, b"21211"),
        ({"To": "+15005550006", "From": "+15005550009", "Body": "x" * 1601}, b"21617"),
        ({"To": "+15005550006", "From": "+15005550009", "ContentSid": "HX1", "ContentVariables": "[1]"}, b"21656"),
        ({"To": "+15005550006", "From": "+15005550009", "Body": "x", "ValidityPeriod": "0"}, b"20001"),
    ],
)
def test_what_the_vendor_requires_is_required(form: dict[str, str], code: bytes) -> None:
    request = httpx.Request("POST", sms().build(text()).url, data=form)
    reply = ask(TwilioSmsFace(ACCOUNT), authorize(sms(), request))

    assert reply.status == 400
    assert code in reply.body
    assert reply.taken == ()


@pytest.mark.parametrize(
    ("words", "service", "types"),
    [
        ("ok, thanks", True, [EventType.REPLIED]),
        ("stop", True, [EventType.REPLIED, EventType.UNSUBSCRIBED]),
        ("START", True, [EventType.REPLIED, EventType.RESUBSCRIBED]),
        ("stop", False, [EventType.REPLIED]),
    ],
)
def test_a_person_replies(words: str, service: bool, types: list[EventType]) -> None:
    config = {**ACCOUNT, "messaging_service_sid": "MG1"} if service else ACCOUNT
    news = TwilioSmsFace(config).inbound(
        "+15005550006", "+15005550009", words, url="https://app.example/callbacks/a/s", at=AT, nonce="n"
    )

    events = read(sms(), news)

    assert [event.type for event in events] == types
    assert {(event.address, event.text) for event in events} == {("+15005550006", words)}


def test_who_replied_stop_is_refused_until_they_start_again() -> None:
    face = TwilioSmsFace(ACCOUNT)
    url = "https://app.example/callbacks/a/s"
    face.inbound("+15005550006", "+15005550009", "STOP", url=url, at=AT, nonce="n")

    with pytest.raises(SendError) as caught:
        send(sms(), face, text())
    face.inbound("+15005550006", "+15005550009", "START", url=url, at=AT, nonce="n")

    assert caught.value.kind is ErrorKind.OPTED_OUT
    assert send(sms(), face, text())[0].vendor_id


def test_a_callback_of_another_account_is_forged() -> None:
    face = TwilioSmsFace({**ACCOUNT, "auth_token": "other"})
    (callback,) = face.inbound("+15005550006", "+15005550009", "STOP", url="https://app.example/c", at=AT, nonce="n")

    with pytest.raises(ForgedCallback):
        sms().read_callback(callback)


def test_the_previous_token_is_believed_while_it_is_rotated() -> None:
    (callback,) = TwilioSmsFace(ACCOUNT).inbound("+15005550006", "+1500", "hi", url="https://app.example/c", at=AT, nonce="n")

    assert read(sms(auth_token="new", previous_auth_token="t0ken"), [callback])


@pytest.mark.parametrize(("length", "taken"), [(1600, True), (1601, False)])
def test_a_text_has_at_most_1600_characters(length: int, taken: bool) -> None:
    if taken:
        assert len(sms().build(text("x" * length)).content) > length
    else:
        with pytest.raises(SendError) as caught:
            sms().build(text("x" * length))
        assert caught.value.kind is ErrorKind.PAYLOAD_TOO_LARGE


def test_an_account_without_a_sender_needs_one_on_the_message() -> None:
    with pytest.raises(SendError) as caught:
        sms(sender=None).build(text())

    assert caught.value.kind is ErrorKind.INVALID_SENDER
    assert b"From=%2B15005550001" in sms(sender=None).build(text(sender="+15005550001")).content


def test_two_senders_are_a_wrong_setting() -> None:
    with pytest.raises(ValueError, match="messaging_service_sid"):
        TwilioSmsConfig(**ACCOUNT, messaging_service_sid="MG1")
