"""Aliyun voice keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from recallgate import ErrorKind, EventType, FaceReply, Fault, IdSource, Message, Receipt, SendError, WorldEvent, authorize
from recallgate.testing import AdapterContract
from recallgate.testing.exchanges import NOW, callback_of, tools_of
from recallgate_adapters.aliyun_voice import AliyunVoice, AliyunVoiceConfig
from recallgate_adapters.faces.aliyun_voice import AliyunVoiceFace

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "vendors" / "aliyun.json").read_text(encoding="utf-8"))
URL = "https://app.example/callbacks/ali/s3cret?k=inbound"
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {
    "access_key_id": "testAccessKeyId0001",
    "access_key_secret": "testAccessKeySecret0001",
    "show_number": "05710000000",
    "templates": {"winback": "TTS_9"},
    "recordings": {"jingle": "2d4c-4e78.wav"},
}
# Report codes that are no failures, by what they are.
NO_FAILURES = {"200000": "answered", "200001": "answered", "200002": "busy", "200003": "no_answer", "200008": "answered"}
# Codes whose kind is finer than the vendor's class, and why.
REFINED = {
    "200005": "cannot be connected or declined",
    "200006": "the recording is bad, its author must know",
    "200007": "out of the service area",
    "200010": "switched off",
    "200011": "the number is suspended",
    "200012": "the line is restricted",
    "200117": "the caller id is not valid",
    "200121": "more calls at once than allowed",
    "400": "a network element is busy",
}
DROPPED = {"200100": "the report tells the end in full", "300000": "the report tells which key"}


class TestAliyunVoice(AdapterContract):
    adapter = AliyunVoice
    config = ACCOUNT
    message = {
        "channel": "voice",
        "to": {"type": "phone", "e164": "+8613800138000"},
        "content": {"type": "template", "template": "TTS_1", "variables": {"name": "张三"}},
        "purpose": "service",
    }
    exchanges = DATA / "exchanges" / "aliyun.voice.json"


def voice(**config: Any) -> AliyunVoice:
    return AliyunVoice(AliyunVoiceConfig(**{**ACCOUNT, **config}), tools_of())


def call(template: str = "TTS_1", to: str = "+8613800138000", message_id: str = "m-1", **variables: str) -> Message:
    content = {"type": "template", "template": template, "variables": variables}
    to_phone = {"type": "phone", "e164": to}
    return Message.model_validate(
        {"id": message_id, "channel": "voice", "to": to_phone, "content": content, "purpose": "service"}
    )


def ask(face: AliyunVoiceFace, request: httpx.Request, fault: Fault | None = None) -> FaceReply:
    return face.answer(request, now=NOW, new_id=IdSource("seed"), fault=fault)


def response(reply: FaceReply) -> httpx.Response:
    return httpx.Response(reply.status, headers=reply.headers, content=reply.body)


def send(adapter: AliyunVoice, face: AliyunVoiceFace, message: Message, fault: Fault | None = None) -> Receipt:
    return adapter.parse(message, response(ask(face, authorize(adapter, adapter.build(message)), fault)))


def test_every_code_of_the_vendor_has_its_kind() -> None:
    told = FACTS["voice"]["codes"]

    assert set(told) <= set(AliyunVoice.errors) <= set(FACTS["sms"]["codes"])
    assert {code: AliyunVoice.errors[code].value for code in told} == told


def test_every_report_code_of_the_vendor_is_a_failure_or_an_event_of_its_own() -> None:
    codes, kinds = FACTS["voice"]["report_codes"], AliyunVoice.report_errors

    assert set(kinds) | set(NO_FAILURES) == set(codes) == set(FACTS["voice"]["status_map"])
    assert {code for code, kind in kinds.items() if kind.value != codes[code]} == set(REFINED)
    assert {code: FACTS["voice"]["status_map"][code] for code in NO_FAILURES} == NO_FAILURES


def test_every_code_of_a_running_call_is_read_or_dropped_on_purpose() -> None:
    codes = set(FACTS["voice"]["intermediate_codes"])

    assert {code for code in codes if AliyunVoice.statuses[code] is None} == set(DROPPED)


def test_a_free_script_is_refused() -> None:
    with pytest.raises(SendError, match="free text is refused") as caught:
        voice().build(Message.voice("+8613800138000", "您好", purpose="service"))

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_a_recording_takes_no_variables() -> None:
    with pytest.raises(SendError, match="recording") as caught:
        voice().build(call("jingle", name="张三"))

    assert caught.value.kind is ErrorKind.UNSUPPORTED


@pytest.mark.parametrize(("length", "sent"), [(15, True), (16, False)])
def test_only_a_short_id_of_ours_travels(length: int, sent: bool) -> None:
    request = voice().build(call(message_id="x" * length))

    assert (b"OutId=" in request.content) is sent


def test_variables_that_are_too_long_are_refused() -> None:
    voice().build(call(a="x" * 200, b="y" * 49))
    with pytest.raises(SendError) as caught:
        voice().build(call(a="x" * 200, b="y" * 50))

    assert caught.value.kind is ErrorKind.PAYLOAD_TOO_LARGE


def test_a_key_is_told_by_the_report_and_not_during_the_call() -> None:
    rows = [{"call_id": "1^1", "status_code": "300000"}, {"call_id": "1^1", "status_code": "200000", "dtmf": "1"}]

    events = voice().read_callback(callback_of({"url": URL, "body": json.dumps(rows)})).events

    assert [(event.type, event.data.get("key")) for event in events] == [(EventType.ANSWERED, None), (EventType.KEY_PRESSED, "1")]


def test_times_without_a_zone_are_kept_as_text() -> None:
    row = {"call_id": "1^1", "status_code": "200000", "end_time": "2026-11-20 10:00:20"}

    (event,) = voice().read_callback(callback_of({"url": URL, "body": json.dumps([row])})).events

    assert (event.at, event.data["end_time"]) == (None, "2026-11-20 10:00:20")


@pytest.mark.parametrize("template", ["TTS_1", "jingle"])
def test_details_are_asked_under_the_product_of_the_call(template: str) -> None:
    question = voice(tts_product=1, voice_product=2).build_lookup(call(template), "1^1")

    assert question is not None
    assert f"ProdId={1 if template == 'TTS_1' else 2}&".encode() in question.content


@pytest.mark.parametrize("data", [None, "", "x", "[]", "{}", '{"state": ""}', 5, {"state": "200000"}])
def test_details_in_another_form_are_no_news(data: object) -> None:
    assert voice().parse_lookup(call(), httpx.Response(200, json={"Code": "OK", "Data": data})) == ()


@pytest.mark.parametrize(("template", "text"), [("TTS_1", "张三 https://s.example/a"), ("jingle", "")])
def test_a_call_is_taken_under_the_id_of_its_receipt(template: str, text: str) -> None:
    adapter, face = voice(), AliyunVoiceFace({**ACCOUNT, "callback_url": URL})
    message = call(template, **({"name": "张三", "link": "https://s.example/a"} if text else {}))
    reply = ask(face, authorize(adapter, adapter.build(message)))

    receipt = adapter.parse(message, response(reply))

    (taken,) = reply.taken
    assert (receipt.vendor_id, taken.recipient, taken.text) == (taken.vendor_id, "+8613800138000", text)


@pytest.mark.parametrize("to", ["+8657112345678", "+85291234567", "+8613800138000"])
def test_a_number_is_the_same_on_both_sides(to: str) -> None:
    adapter = voice()

    (taken,) = ask(AliyunVoiceFace(ACCOUNT), authorize(adapter, adapter.build(call(to=to)))).taken

    assert taken.recipient == to


def test_wrong_credentials_are_refused() -> None:
    with pytest.raises(SendError) as caught:
        send(voice(access_key_secret="other"), AliyunVoiceFace(ACCOUNT), call())

    assert caught.value.kind is ErrorKind.AUTH


@pytest.mark.parametrize(
    "kind",
    [
        *(ErrorKind.AUTH, ErrorKind.INSUFFICIENT_FUNDS, ErrorKind.RATE_LIMITED, ErrorKind.TEMPORARY, ErrorKind.UNAVAILABLE),
        ErrorKind.UNCERTAIN,
    ],
)
def test_a_fault_comes_back_with_its_kind(kind: ErrorKind) -> None:
    with pytest.raises(SendError) as caught:
        send(voice(), AliyunVoiceFace(ACCOUNT), call(), Fault(kind))

    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("news", "kind", "types", "read_kind"),
    [
        (EventType.SENT, None, ["sent"], None),
        (EventType.ANSWERED, None, ["answered"], None),
        (EventType.BUSY, None, ["busy"], None),
        (EventType.NO_ANSWER, None, ["no_answer"], None),
        (EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT, ["undelivered"], ErrorKind.INVALID_RECIPIENT),
        (EventType.UNDELIVERED, ErrorKind.UNREACHABLE, ["undelivered"], ErrorKind.UNREACHABLE),
        (EventType.UNDELIVERED, ErrorKind.TEMPORARY, ["undelivered"], ErrorKind.TEMPORARY),
        (EventType.UNDELIVERED, None, ["undelivered"], ErrorKind.UNKNOWN),
        (EventType.KEY_PRESSED, None, ["answered", "key_pressed"], None),
    ],
)
def test_news_of_a_call_comes_back(
    news: EventType, kind: ErrorKind | None, types: list[str], read_kind: ErrorKind | None
) -> None:
    adapter, face = voice(), AliyunVoiceFace({**ACCOUNT, "callback_url": URL})
    (taken,) = ask(face, authorize(adapter, adapter.build(call()))).taken
    key = "1" if news is EventType.KEY_PRESSED else None
    (callback,) = face.callbacks(taken, WorldEvent(news, AT, kind, key=key), nonce="n")

    events = adapter.read_callback(callback).events

    assert [event.type.value for event in events] == types
    assert {(event.vendor_id, event.message_id) for event in events} == {(taken.vendor_id, "m-1")}
    assert events[0].kind == read_kind


def test_news_is_found_by_a_look_up() -> None:
    adapter, face = voice(), AliyunVoiceFace(ACCOUNT)
    (taken,) = ask(face, authorize(adapter, adapter.build(call()))).taken
    assert face.callbacks(taken, WorldEvent(EventType.NO_ANSWER, AT), nonce="n") == ()
    question = adapter.build_lookup(call(), taken.vendor_id)
    assert question is not None

    (event,) = adapter.parse_lookup(call(), response(ask(face, authorize(adapter, question))))

    assert (event.type, event.message_id) == (EventType.NO_ANSWER, "m-1")


def test_what_no_call_can_tell_is_not_pushed() -> None:
    adapter, face = voice(), AliyunVoiceFace({**ACCOUNT, "callback_url": URL})
    (taken,) = ask(face, authorize(adapter, adapter.build(call()))).taken

    assert face.callbacks(taken, WorldEvent(EventType.READ, AT), nonce="n") == ()


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"TtsCode": "T"}, 400),
        ({"CalledNumber": "13800138000"}, 400),
        ({"CalledNumber": "138", "TtsCode": "T"}, 200),
        ({"CalledNumber": "13800138000", "TtsCode": "T", "OutId": "x" * 16}, 200),
        ({"CalledNumber": "13800138000", "TtsCode": "T", "TtsParam": "x"}, 200),
    ],
)
def test_the_face_refuses_what_the_vendor_refuses(fields: dict[str, str], status: int) -> None:
    adapter = voice()
    reply = ask(AliyunVoiceFace(ACCOUNT), authorize(adapter, adapter.config.call("SingleCallByTts", fields)))

    assert reply.status == status
    assert json.loads(reply.body)["Code"] != "OK"
    assert reply.taken == ()
