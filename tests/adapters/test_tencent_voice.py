"""Tencent Cloud voice keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from recallgate import ErrorKind, EventType, FaceReply, Fault, IdSource, Message, Receipt, SendError, WorldEvent, authorize
from recallgate.testing import AdapterContract
from recallgate.testing.exchanges import NOW, callback_of, tools_of
from recallgate_adapters.faces.tencent_voice import TencentVoiceFace
from recallgate_adapters.tencent_voice import TencentVoice, TencentVoiceConfig

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "vendors" / "tencent.json").read_text(encoding="utf-8"))
URL = "https://app.example/callbacks/ten/s3cret?k=inbound"
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {
    "secret_id": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
    "secret_key": "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
    "sdk_app_id": "1400006666",
    "templates": {"winback": "99"},
}
# Codes whose kind is finer than the vendor's class, and why.
REFINED = {
    "FailedOperation.AccessUpstreamTimeout": "a time-out inside the vendor: it may be calling",
    "InternalError.AccessUpstreamTimeout": "the same",
    "InternalError.SsoSendRecvFail": "the vendor's own answer was lost",
    "InvalidParameterValue.ContentLengthLimit": "too long",
    "UnsupportedOperation": "the vendor cannot do it",
}


class TestTencentVoice(AdapterContract):
    adapter = TencentVoice
    config = ACCOUNT
    message = {
        "channel": "voice",
        "to": {"type": "phone", "e164": "+8613800138000"},
        "content": {"type": "template", "template": "4356", "variables": {"name": "李四"}},
        "purpose": "service",
    }
    exchanges = DATA / "exchanges" / "tencent.voice.json"


def voice(**config: Any) -> TencentVoice:
    return TencentVoice(TencentVoiceConfig(**{**ACCOUNT, **config}), tools_of())


def call(**fields: Any) -> Message:
    content = {"type": "template", "template": "4356", "variables": {"name": "李四"}}
    to_phone = {"type": "phone", "e164": "+8613800138000"}
    return Message.model_validate(
        {"id": "m-1", "channel": "voice", "to": to_phone, "content": content, "purpose": "service", **fields}
    )


def ask(face: TencentVoiceFace, request: httpx.Request, fault: Fault | None = None) -> FaceReply:
    return face.answer(request, now=NOW, new_id=IdSource("seed"), fault=fault)


def send(adapter: TencentVoice, face: TencentVoiceFace, message: Message, fault: Fault | None = None) -> Receipt:
    reply = ask(face, authorize(adapter, adapter.build(message)), fault)
    return adapter.parse(message, httpx.Response(reply.status, headers=reply.headers, content=reply.body))


def test_every_code_of_the_vendor_has_its_kind() -> None:
    codes = FACTS["voice"]["codes"]

    assert set(TencentVoice.errors) == set(codes)
    assert {code for code, kind in TencentVoice.errors.items() if kind.value != codes[code]} == set(REFINED)


def test_every_status_of_the_vendor_is_read() -> None:
    words = {"answered": EventType.ANSWERED, "no_answer": EventType.NO_ANSWER, "failed": EventType.UNDELIVERED}

    assert {code: words[word] for code, word in FACTS["voice"]["status_map"].items()} == dict(TencentVoice.statuses)


def test_the_signature_is_of_the_voice_service() -> None:
    adapter = voice()

    assert "/2026-11-20/vms/tc3_request" in authorize(adapter, adapter.build(call())).headers["authorization"]


def test_a_free_script_is_refused() -> None:
    with pytest.raises(SendError, match="free text is refused") as caught:
        voice().build(Message.voice("+8613800138000", "您好", purpose="service"))

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_a_caller_id_of_our_choice_is_refused() -> None:
    with pytest.raises(SendError) as caught:
        voice().build(call(sender="+8657100000000"))

    assert caught.value.kind is ErrorKind.INVALID_SENDER


def test_a_call_cannot_be_asked_for() -> None:
    assert not TencentVoice.abilities().lookup


def test_times_are_seconds_in_text_or_as_numbers() -> None:
    rows = [{"voiceprompt_callback": {"callid": "c", "result": "1", "end_calltime": told}} for told in ("1795140000", 1795140000)]

    events = [voice().read_callback(callback_of({"url": URL, "body": json.dumps(row)})).events[0] for row in rows]

    assert [event.at for event in events] == [NOW, NOW]


@pytest.mark.parametrize("body", ["", "{}", "[]", "[1]", '{"voiceprompt_callback": 1}', '{"voiceprompt_callback": {}}', "null"])
def test_a_push_without_news_is_answered_so_that_it_does_not_come_again(body: str) -> None:
    reading = voice().read_callback(callback_of({"url": URL, "body": body}))

    assert reading.events == ()
    assert json.loads(reading.reply.body)["result"] == 0


def test_a_call_is_taken_under_the_id_of_its_receipt() -> None:
    adapter, face = voice(), TencentVoiceFace(ACCOUNT)

    receipt = send(adapter, face, call())
    (taken,) = ask(face, authorize(adapter, adapter.build(call()))).taken

    assert (receipt.vendor_id, taken.recipient, taken.text) == (taken.vendor_id, "+8613800138000", "李四")


@pytest.mark.parametrize("config", [{"secret_id": "other"}, {"secret_key": "other"}, {"sdk_app_id": "1"}])
def test_wrong_credentials_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(SendError) as caught:
        send(voice(**config), TencentVoiceFace(ACCOUNT), call())

    assert caught.value.kind is ErrorKind.AUTH


@pytest.mark.parametrize(
    "kind",
    [
        *(ErrorKind.AUTH, ErrorKind.INSUFFICIENT_FUNDS, ErrorKind.RATE_LIMITED, ErrorKind.TEMPORARY, ErrorKind.UNAVAILABLE),
        *(ErrorKind.UNCERTAIN, ErrorKind.INVALID_RECIPIENT, ErrorKind.INVALID_SENDER, ErrorKind.BLOCKED_CONTENT),
        ErrorKind.TEMPLATE_OR_SIGNATURE,
    ],
)
def test_a_fault_comes_back_with_its_kind(kind: ErrorKind) -> None:
    with pytest.raises(SendError) as caught:
        send(voice(), TencentVoiceFace(ACCOUNT), call(), Fault(kind))

    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("news", "type_"),
    [
        (EventType.ANSWERED, EventType.ANSWERED),
        (EventType.NO_ANSWER, EventType.NO_ANSWER),
        (EventType.BUSY, EventType.NO_ANSWER),
        (EventType.UNDELIVERED, EventType.UNDELIVERED),
    ],
)
def test_news_of_a_call_comes_back(news: EventType, type_: EventType) -> None:
    adapter, face = voice(), TencentVoiceFace({**ACCOUNT, "callback_url": URL})
    (taken,) = ask(face, authorize(adapter, adapter.build(call()))).taken
    (callback,) = face.callbacks(taken, WorldEvent(news, AT), nonce="n")

    (event,) = adapter.read_callback(callback).events

    assert (event.type, event.vendor_id, event.at) == (type_, taken.vendor_id, AT)
    assert face.callbacks(taken, WorldEvent(EventType.SENT, AT), nonce="n") == ()


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"TemplateId": ""}, "MissingParameter"),
        ({"CalledNumber": "138"}, "InvalidParameterValue.CalledNumberVerifyFail"),
        ({"VoiceSdkAppid": "1"}, "UnauthorizedOperation.VoiceSdkAppidVerifyFail"),
    ],
)
def test_the_face_refuses_what_the_vendor_refuses(over: dict[str, Any], code: str) -> None:
    adapter = voice()
    fields = {"CalledNumber": "+8613800138000", "VoiceSdkAppid": "1400006666", "TemplateId": "1", **over}
    reply = ask(TencentVoiceFace(ACCOUNT), authorize(adapter, adapter.config.call("SendTtsVoice", "2020-09-02", fields)))

    assert json.loads(reply.body)["Response"]["Error"]["Code"] == code
