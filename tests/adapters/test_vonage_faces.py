"""Vonage's faces and adapters meet: what one writes the other reads, without either being made from the other."""

import json
from datetime import UTC, datetime
from pathlib import Path
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
from recallgate_adapters.faces.vonage import VonageSmsFace
from recallgate_adapters.faces.vonage_voice import VonageVoiceFace
from recallgate_adapters.vonage import VonageSms, VonageSmsConfig
from recallgate_adapters.vonage_voice import VonageVoice, VonageVoiceConfig

FACTS = json.loads((Path(__file__).parent.parent / "data" / "vendors" / "vonage.json").read_text("utf-8"))
KEY = FACTS["signature_vectors"]["vectors"][0]["private_key_pem"]
SMS: dict[str, Any] = {"api_key": "k", "api_secret": "s3", "signature_secret": "sig", "sender": "ACME"}
VOICE: dict[str, Any] = {"application_id": "a-1", "private_key": KEY, "signature_secret": "sig", "sender": "+15005550009"}
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
MENU = CallScript(
    say=(Say(text="Press 1 to confirm, press 9 to stop"),),
    keys={"1": KeyAnswer(action="confirm", say=(Say(text="Thanks"),)), "9": KeyAnswer(action="opt_out")},
)


def sms(**config: Any) -> VonageSms:
    return VonageSms(VonageSmsConfig(**{**SMS, **config}), tools_of())


def voice() -> VonageVoice:
    return VonageVoice(VonageVoiceConfig(**VOICE), tools_of())


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


@pytest.mark.parametrize("config", [{}, {"api_secret": None}, {"api_secret": None, "signature_method": "md5"}])
def test_a_message_is_taken_under_the_id_of_its_receipt(config: dict[str, Any]) -> None:
    receipt, taken = send(sms(**config), VonageSmsFace({**SMS, **config}), text())

    assert receipt.vendor_id == taken.vendor_id
    assert (taken.recipient, taken.channel, receipt.parts) == ("+15005550006", "sms", 1)
    assert taken.links == ("https://s.example/a", "https://s.example/b")


@pytest.mark.parametrize(("words", "parts"), [("a" * 160, 1), ("a" * 161, 2), ("€" * 81, 2), ("退" * 70, 1), ("退" * 71, 2)])
def test_the_vendor_counts_parts(words: str, parts: int) -> None:
    assert send(sms(), VonageSmsFace(SMS), text(words))[0].parts == parts


@pytest.mark.parametrize(
    ("news", "kind", "type_", "read_kind"),
    [
        (EventType.ACCEPTED, None, EventType.ACCEPTED, None),
        (EventType.DELIVERED, None, EventType.DELIVERED, None),
        (EventType.EXPIRED, None, EventType.EXPIRED, None),
        (EventType.UNDELIVERED, ErrorKind.UNREACHABLE, EventType.UNDELIVERED, ErrorKind.UNREACHABLE),
        (EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT, EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT),
        (EventType.UNDELIVERED, ErrorKind.OPTED_OUT, EventType.UNDELIVERED, ErrorKind.OPTED_OUT),
        (EventType.UNDELIVERED, ErrorKind.BLOCKED_CONTENT, EventType.UNDELIVERED, ErrorKind.BLOCKED_CONTENT),
        (EventType.UNDELIVERED, None, EventType.UNDELIVERED, ErrorKind.UNKNOWN),
    ],
)
def test_news_of_a_message_comes_back(
    news: EventType, kind: ErrorKind | None, type_: EventType, read_kind: ErrorKind | None
) -> None:
    adapter, face = sms(), VonageSmsFace(SMS)
    receipt, taken = send(adapter, face, text())

    (event,) = read(adapter, face.callbacks(taken, WorldEvent(news, AT, kind=kind), nonce="n"))

    assert (event.type, event.kind, event.message_id, event.vendor_id) == (type_, read_kind, "m-1", receipt.vendor_id)


def test_a_click_is_no_news_of_the_vendor() -> None:
    face = VonageSmsFace(SMS)

    assert face.callbacks(send(sms(), face, text())[1], WorldEvent(EventType.CLICKED, AT), nonce="n") == ()


def test_a_person_replies() -> None:
    news = VonageSmsFace(SMS).inbound("+15005550006", "+15005550009", "退订 now", url="https://app.example/c", at=AT, nonce="n")

    (event,) = read(sms(), news)

    assert (event.type, event.address, event.text) == (EventType.REPLIED, "+15005550006", "退订 now")


SMS_TOLD_AS = {
    ErrorKind.UNREGISTERED_TOKEN: ErrorKind.UNKNOWN,
    ErrorKind.BLOCKED_CONTENT: ErrorKind.UNKNOWN,
    ErrorKind.TEMPLATE_OR_SIGNATURE: ErrorKind.UNKNOWN,
    ErrorKind.UNREACHABLE: ErrorKind.UNKNOWN,
    ErrorKind.UNSUPPORTED: ErrorKind.UNKNOWN,
}


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_a_fault_is_told_in_the_vendors_way(kind: ErrorKind) -> None:
    with pytest.raises(SendError) as caught:
        send(sms(), VonageSmsFace(SMS), text(), Fault(kind))

    assert caught.value.kind is SMS_TOLD_AS.get(kind, kind)


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_a_fault_of_a_call_is_told_in_the_vendors_way(kind: ErrorKind) -> None:
    told = {ErrorKind.AUTH, ErrorKind.INSUFFICIENT_FUNDS, ErrorKind.RATE_LIMITED, ErrorKind.UNCERTAIN, ErrorKind.UNAVAILABLE}
    with pytest.raises(SendError) as caught:
        send(voice(), VonageVoiceFace(VOICE), call(), Fault(kind))

    assert caught.value.kind is (kind if kind in told else ErrorKind.UNKNOWN)


def test_a_fault_may_name_its_wait() -> None:
    for adapter, face, message in ((sms(), VonageSmsFace(SMS), text()), (voice(), VonageVoiceFace(VOICE), call())):
        with pytest.raises(SendError) as caught:
            send(adapter, face, message, Fault(ErrorKind.RATE_LIMITED, retry_after_s=7))

        assert caught.value.retry_at is not None
        assert (caught.value.retry_at - NOW).total_seconds() == 7


@pytest.mark.parametrize("other", [{"api_secret": "wrong"}, {"api_key": "wrong"}])
def test_wrong_credentials_are_refused(other: dict[str, str]) -> None:
    with pytest.raises(SendError) as caught:
        send(sms(), VonageSmsFace({**SMS, **other}), text())

    assert (caught.value.kind, caught.value.code) == (ErrorKind.AUTH, "4")


def test_another_application_is_refused() -> None:
    with pytest.raises(SendError) as caught:
        send(voice(), VonageVoiceFace({**VOICE, "application_id": "other"}), call())

    assert caught.value.kind is ErrorKind.AUTH


def test_an_unsigned_request_is_refused() -> None:
    assert b'"4"' in ask(VonageSmsFace(SMS), sms().build(text())).body
    assert ask(VonageVoiceFace(VOICE), voice().build(call())).status == 401


def test_a_changed_signed_request_is_refused() -> None:
    adapter = sms(api_secret=None)
    request = authorize(adapter, adapter.build(text("Hi")))
    changed = httpx.Request("POST", request.url, content=request.content.replace(b"text=Hi", b"text=Ho"))

    assert b'"4"' in ask(VonageSmsFace({**SMS, "api_secret": None}), changed).body


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"from": "A", "text": "x"}, b'"2"'),
        ({"to": "15005550006", "text": "x"}, b'"2"'),
        ({"to": "15005550006", "from": "A"}, b'"2"'),
        ({"to": "+15005550006", "from": "A", "text": "x"}, b'"3"'),
        ({"to": "15005550006", "from": "A", "text": "x", "ttl": "1"}, b'"3"'),
        ({"to": "15005550006", "from": "A", "text": "x", "callback": "https://" + "x" * 93}, b'"3"'),
    ],
)
def test_what_the_vendor_requires_is_required(form: dict[str, str], code: bytes) -> None:
    reply = ask(VonageSmsFace(SMS), authorize(sms(), httpx.Request("POST", sms().build(text()).url, data=form)))

    assert code in reply.body
    assert reply.taken == ()


@pytest.mark.parametrize(
    "change",
    [
        {"to": []},
        {"from": None},
        {"ncco": []},
        {"ncco": [{"action": "talk", "text": "x" * 1501}]},
        {"ncco": [{"action": "input", "dtmf": {"timeOut": 11}}]},
        {"ringing_timer": 121},
    ],
)
def test_what_a_call_requires_is_required(change: dict[str, Any]) -> None:
    wanted = {**json.loads(voice().build(call()).content), **change}

    reply = ask(VonageVoiceFace(VOICE), authorize(voice(), httpx.Request("POST", voice().endpoint, json=wanted)))

    assert (reply.status, reply.taken) == (400, ())


def test_callbacks_of_another_account_are_forged() -> None:
    sms_face, voice_face = VonageSmsFace({**SMS, "signature_secret": "other"}), VonageVoiceFace(VOICE)
    (reply,) = sms_face.inbound("+15005550006", "+1", "STOP", url="https://app.example/c", at=AT, nonce="n")
    _, taken = send(voice(), voice_face, call())
    voice_face.config = {**VOICE, "signature_secret": "other"}
    (report,) = voice_face.callbacks(taken, WorldEvent(EventType.ANSWERED, AT), nonce="n")

    with pytest.raises(ForgedCallback):
        sms().read_callback(reply)
    with pytest.raises(ForgedCallback):
        voice().read_callback(report)


# Calls


def test_keys_are_heard_and_pressed() -> None:
    adapter, face = voice(), VonageVoiceFace(VOICE)
    receipt, taken = send(adapter, face, call())

    pressed = read(adapter, face.callbacks(taken, WorldEvent(EventType.KEY_PRESSED, AT, key="9"), nonce="n"))

    assert sorted(taken.keys) == ["1", "9"]
    assert taken.text == "Press 1 to confirm, press 9 to stop"
    assert [(event.type, event.vendor_id, event.address) for event in pressed] == [
        (EventType.KEY_PRESSED, receipt.vendor_id, "+15005550006"),
        (EventType.UNSUBSCRIBED, receipt.vendor_id, "+15005550006"),
    ]


@pytest.mark.parametrize(
    ("news", "type_"),
    [
        (EventType.ACCEPTED, EventType.ACCEPTED),
        (EventType.SENT, EventType.SENT),
        (EventType.ANSWERED, EventType.ANSWERED),
        (EventType.DELIVERED, EventType.ANSWERED),
        (EventType.NO_ANSWER, EventType.NO_ANSWER),
        (EventType.BUSY, EventType.BUSY),
        (EventType.UNDELIVERED, EventType.UNDELIVERED),
        (EventType.MACHINE, EventType.ANSWERED),
    ],
)
def test_news_of_a_call_comes_back(news: EventType, type_: EventType) -> None:
    adapter, face = voice(), VonageVoiceFace(VOICE)
    _, taken = send(adapter, face, call())

    (event,) = read(adapter, face.callbacks(taken, WorldEvent(news, AT), nonce="n"))

    assert (event.type, event.at, event.message_id) == (type_, AT, "m-1")


def test_a_machine_is_told_where_detection_was_asked_for() -> None:
    adapter, face = voice(), VonageVoiceFace(VOICE)
    _, taken = send(adapter, face, call(MENU.model_copy(update={"on_machine": "hangup"})))

    (event,) = read(adapter, face.callbacks(taken, WorldEvent(EventType.MACHINE, AT), nonce="n"))

    assert event.type is EventType.MACHINE


def test_a_lookup_tells_the_last_news() -> None:
    adapter, face = voice(), VonageVoiceFace(VOICE)
    receipt, taken = send(adapter, face, call())
    face.callbacks(taken, WorldEvent(EventType.BUSY, AT), nonce="n")
    question = adapter.build_lookup(call(), receipt.vendor_id)
    assert question is not None

    reply = ask(face, authorize(adapter, question))
    (event,) = adapter.parse_lookup(call(), httpx.Response(reply.status, content=reply.body))

    assert (event.type, event.vendor_event_id) == (EventType.BUSY, f"{receipt.vendor_id}:busy")
