"""Calls through Twilio: the face speaks and hears, the adapter reads what became of it."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from recallgate import (
    Adapter,
    Callback,
    CallScript,
    ErrorKind,
    EventType,
    FaceReply,
    Fault,
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
from recallgate_adapters.faces.twilio_voice import TwilioVoiceFace
from recallgate_adapters.twilio_voice import TwilioVoice, TwilioVoiceConfig

ACCOUNT: dict[str, Any] = {"account_sid": "AC11111111111111111111111111111111", "auth_token": "t0ken", "sender": "+15005550009"}
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
MENU = CallScript(
    say=(Say(text="Press 1 to confirm, press 9 to stop"),),
    keys={"1": KeyAnswer(action="confirm", say=(Say(text="Thanks"),)), "9": KeyAnswer(action="opt_out")},
)


def voice() -> TwilioVoice:
    return TwilioVoice(TwilioVoiceConfig(**ACCOUNT), tools_of())


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


def test_keys_are_heard_and_pressed() -> None:
    adapter, face = voice(), TwilioVoiceFace(ACCOUNT)
    receipt, taken = send(adapter, face, call())

    pressed = read(adapter, face.callbacks(taken, WorldEvent(EventType.KEY_PRESSED, AT, key="9"), nonce="n"))

    assert sorted(taken.keys) == ["1", "9"]
    assert taken.text == "Press 1 to confirm, press 9 to stop"
    assert [(event.type, event.vendor_id) for event in pressed] == [
        (EventType.KEY_PRESSED, receipt.vendor_id),
        (EventType.UNSUBSCRIBED, receipt.vendor_id),
    ]
    assert pressed[0].data == {"key": "9", "action": "opt_out"}


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
    adapter, face = voice(), TwilioVoiceFace(ACCOUNT)
    _, taken = send(adapter, face, call())

    (event,) = read(adapter, face.callbacks(taken, WorldEvent(news, AT), nonce="n"))

    assert (event.type, event.at, event.message_id) == (type_, AT, "m-1")


def replies(adapter: Adapter, callbacks: Any) -> list[bytes]:
    asked: list[Callback] = [callback for callback in callbacks if "k=answer" in callback.url]
    return [adapter.read_callback(callback).reply.body for callback in asked]


def test_a_machine_hears_nothing_of_a_script_that_hangs_up_on_it() -> None:
    adapter, face = voice(), TwilioVoiceFace(ACCOUNT)
    _, taken = send(adapter, face, call(MENU.model_copy(update={"on_machine": "hangup"})))

    by_machine = face.callbacks(taken, WorldEvent(EventType.MACHINE, AT), nonce="n")
    by_person = face.callbacks(taken, WorldEvent(EventType.ANSWERED, AT), nonce="n")

    assert [event.type for event in read(adapter, by_machine)] == [EventType.MACHINE]
    assert replies(adapter, by_machine) == [b"<Response><Hangup/></Response>"]
    assert b"Press 1 to confirm" in replies(adapter, by_person)[0]


def test_a_machine_hears_a_script_that_speaks_to_it() -> None:
    adapter, face = voice(), TwilioVoiceFace(ACCOUNT)
    _, taken = send(adapter, face, call(MENU.model_copy(update={"on_machine": "speak"})))

    (event,) = read(adapter, face.callbacks(taken, WorldEvent(EventType.MACHINE, AT), nonce="n"))

    assert (event.type, event.data["answered_by"]) == (EventType.MACHINE, "machine_end_beep")
    assert "Press 1 to confirm" in taken.text


def test_keys_without_a_public_address_are_refused() -> None:
    adapter = TwilioVoice(TwilioVoiceConfig(**ACCOUNT), tools_of(None))

    with pytest.raises(SendError, match="public_url") as caught:
        adapter.build(call())

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_a_document_has_at_most_4000_characters() -> None:
    with pytest.raises(SendError) as caught:
        voice().build(call("x" * 4000))

    assert caught.value.kind is ErrorKind.PAYLOAD_TOO_LARGE
