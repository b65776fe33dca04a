"""Yunpian keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from recallgate import (
    ErrorKind,
    EventType,
    FaceReply,
    Fault,
    ForgedCallback,
    IdSource,
    Message,
    Receipt,
    SendError,
    WorldEvent,
    authorize,
)
from recallgate.testing import AdapterContract
from recallgate.testing.exchanges import NOW, callback_of, tools_of
from recallgate_adapters.faces.yunpian import YunpianSmsFace
from recallgate_adapters.yunpian import YunpianSms, YunpianSmsConfig, reply_sign

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "vendors" / "yunpian.json").read_text(encoding="utf-8"))
URL = "https://app.example/callbacks/yun/s3cret?k=inbound"
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {
    "apikey": "9b11127a9701975c734b8aee81ee3526",
    "sign_name": "云片网",
    "templates": {"winback": "1"},
}


class TestYunpianSms(AdapterContract):
    adapter = YunpianSms
    config = ACCOUNT
    message = {
        "channel": "sms",
        "to": {"type": "phone", "e164": "+8613800138000"},
        "content": {"type": "text", "text": "您的验证码是1234"},
        "purpose": "service",
    }
    exchanges = DATA / "exchanges" / "yunpian.sms.json"


def sms(**config: Any) -> YunpianSms:
    return YunpianSms(YunpianSmsConfig(**{**ACCOUNT, **config}), tools_of())


def text(words: str = "回来看看 https://s.example/a。", to: str = "+8613800138000", **fields: Any) -> Message:
    return Message.sms(to, words, purpose="marketing", **{"id": "m-1", **fields})


def template(**variables: str) -> Message:
    content = {"type": "template", "template": "winback", "variables": variables}
    to = {"type": "phone", "e164": "+8613800138000"}
    return Message.model_validate({"id": "m-1", "channel": "sms", "to": to, "content": content, "purpose": "service"})


def ask(face: YunpianSmsFace, request: httpx.Request, fault: Fault | None = None) -> FaceReply:
    return face.answer(request, now=NOW, new_id=IdSource("seed"), fault=fault)


def response(reply: FaceReply) -> httpx.Response:
    return httpx.Response(reply.status, headers=reply.headers, content=reply.body)


def send(adapter: YunpianSms, face: YunpianSmsFace, message: Message, fault: Fault | None = None) -> Receipt:
    return adapter.parse(message, response(ask(face, authorize(adapter, adapter.build(message)), fault)))


def test_the_vendors_example_of_a_signed_reply_is_made_again() -> None:
    (vector,) = FACTS["signature_vectors"]["vectors"]

    assert reply_sign(vector["fields"], apikey=vector["apikey"]) == vector["expected"]


def test_every_code_and_status_of_the_vendor_is_read() -> None:
    words = {"delivered": EventType.DELIVERED, "failed": EventType.UNDELIVERED}

    assert {code: kind.value for code, kind in YunpianSms.errors.items()} == FACTS["codes"]
    assert {status: words[word] for status, word in FACTS["status_map"].items()} == dict(YunpianSms.statuses)


# Quirks


@pytest.mark.parametrize(
    ("words", "sender", "sent"),
    [("hi", None, "【云片网】hi"), ("hi", "别的", "【别的】hi"), ("【甲】hi", None, "【甲】hi"), ("【甲】hi", "乙", "【甲】hi")],
)
def test_the_signature_stands_before_the_text_once(words: str, sender: str | None, sent: str) -> None:
    request = sms().build(text(words, sender=sender))

    assert parse_qs(request.content.decode())["text"] == [sent]


def test_a_text_without_any_signature_is_refused() -> None:
    with pytest.raises(SendError, match="signature") as caught:
        sms(sign_name=None).build(text("hi"))

    assert caught.value.kind is ErrorKind.INVALID_SENDER


def test_variables_are_encoded_twice() -> None:
    request = sms().build(template(code="1&2=3"))

    assert b"tpl_value=%2523code%2523%3D1%25262%253D3" in request.content


@pytest.mark.parametrize(
    "other",
    [text("other", id="m-2"), text(to="+4915112345678", id="m-2"), text(id="m-2", options={"yunpian.sms": {"extend": "1"}})],
)
def test_a_batch_is_one_text_to_chinese_numbers(other: Message) -> None:
    with pytest.raises(SendError) as caught:
        sms().build_batch([text(), other])

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_a_batch_of_templates_is_refused() -> None:
    with pytest.raises(SendError) as caught:
        sms().build_batch([template(), template()])

    assert caught.value.kind is ErrorKind.UNSUPPORTED


@pytest.mark.parametrize("change", [{"text": "other"}, {"_sign": ""}, {"_sign": "é"}, {"mobile": "13900139000"}, {"new": "1"}])
def test_a_forged_reply_is_refused(change: dict[str, str]) -> None:
    (genuine,) = YunpianSmsFace(ACCOUNT).inbound("+8613800138000", "8888", "退订", url=URL, at=AT, nonce="n")
    row = {**json.loads(parse_qs(genuine.body.decode())["sms_reply"][0]), **change}
    forged = replace(genuine, body=str(httpx.QueryParams({"sms_reply": json.dumps(row)})).encode())

    assert len(sms().read_callback(genuine).events) == 1
    with pytest.raises(ForgedCallback):
        sms().read_callback(forged)


def test_a_reply_signed_for_another_key_is_refused() -> None:
    (genuine,) = YunpianSmsFace({"apikey": "other"}).inbound("+8613800138000", "8888", "退订", url=URL, at=AT, nonce="n")

    with pytest.raises(ForgedCallback) as caught:
        sms().read_callback(genuine)

    assert ACCOUNT["apikey"] not in str(caught.value)


@pytest.mark.parametrize("body", ["", "sms_status=", "sms_status=1", "sms_status=[{}]", "sms_reply=[]", "other=1"])
def test_a_push_without_news_hears_success(body: str) -> None:
    reading = sms().read_callback(callback_of({"url": URL, "body": body}))

    assert (reading.events, reading.reply.body) == ((), b"SUCCESS")


@pytest.mark.parametrize(("opened", "uid"), [(True, ["m-1"]), (False, None)])
def test_our_id_travels_as_uid_where_support_opened_it(opened: bool, uid: list[str] | None) -> None:
    assert parse_qs(sms(send_uid=opened).build(text()).content.decode()).get("uid") == uid


# The vendor's side


@pytest.mark.parametrize("message", [text(), text(to="+4915112345678"), template(code="1234"), template()])
def test_a_message_is_taken_under_the_id_of_its_receipt(message: Message) -> None:
    adapter, face = sms(), YunpianSmsFace(ACCOUNT)
    reply = ask(face, authorize(adapter, adapter.build(message)))

    receipt = adapter.parse(message, response(reply))

    (taken,) = reply.taken
    assert (receipt.vendor_id, receipt.parts, taken.recipient) == (taken.vendor_id, 1, message.to.key)
    assert taken.links == (("https://s.example/a",) if message.text else ())


def test_a_batch_has_an_outcome_for_every_number() -> None:
    adapter, face = sms(), YunpianSmsFace({**ACCOUNT, "refused_numbers": ["+8613900139000"]})
    messages = [text(), text(to="+8613900139000", id="m-2"), text(to="+8613700137000", id="m-3")]
    reply = ask(face, authorize(adapter, adapter.build_batch(messages)))

    outcomes = adapter.parse_batch(messages, response(reply))

    ids = [one.vendor_id if isinstance(one, Receipt) else one.kind for one in outcomes]
    assert ids == [reply.taken[0].vendor_id, ErrorKind.OPTED_OUT, reply.taken[1].vendor_id]


def test_a_number_on_the_vendors_blacklist_is_refused() -> None:
    with pytest.raises(SendError) as caught:
        send(sms(), YunpianSmsFace({**ACCOUNT, "refused_numbers": ["+8613800138000"]}), text())

    assert caught.value.kind is ErrorKind.OPTED_OUT


def test_a_wrong_key_is_refused() -> None:
    with pytest.raises(SendError) as caught:
        send(sms(apikey="other"), YunpianSmsFace(ACCOUNT), text())

    assert (caught.value.kind, caught.value.code) == (ErrorKind.AUTH, "-1")


@pytest.mark.parametrize(
    "kind",
    [
        *(ErrorKind.AUTH, ErrorKind.INSUFFICIENT_FUNDS, ErrorKind.RATE_LIMITED, ErrorKind.TEMPORARY, ErrorKind.UNAVAILABLE),
        *(ErrorKind.UNCERTAIN, ErrorKind.INVALID_RECIPIENT, ErrorKind.OPTED_OUT, ErrorKind.BLOCKED_CONTENT),
        *(ErrorKind.TEMPLATE_OR_SIGNATURE, ErrorKind.UNSUPPORTED_REGION),
    ],
)
def test_a_fault_comes_back_with_its_kind(kind: ErrorKind) -> None:
    with pytest.raises(SendError) as caught:
        send(sms(), YunpianSmsFace(ACCOUNT), text(), Fault(kind))

    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("news", "type_"),
    [
        (EventType.DELIVERED, EventType.DELIVERED),
        (EventType.UNDELIVERED, EventType.UNDELIVERED),
        (EventType.EXPIRED, EventType.UNDELIVERED),
    ],
)
def test_news_comes_back_to_the_address_of_its_message(news: EventType, type_: EventType) -> None:
    adapter, face = sms(), YunpianSmsFace(ACCOUNT)
    (taken,) = ask(face, authorize(adapter, adapter.build(text()))).taken
    (callback,) = face.callbacks(taken, WorldEvent(news, AT), nonce="n")

    (event,) = adapter.read_callback(callback).events

    assert (event.type, event.message_id, event.vendor_id) == (type_, "m-1", taken.vendor_id)
    assert face.callbacks(taken, WorldEvent(EventType.SENT, AT), nonce="n") == ()


def test_a_person_writes() -> None:
    (callback,) = YunpianSmsFace(ACCOUNT).inbound("+8613800138000", "8888", "退订，谢谢！", url=URL, at=AT, nonce="n")

    (event,) = sms().read_callback(callback).events

    assert (event.type, event.address, event.text) == (EventType.REPLIED, "+8613800138000", "退订，谢谢！")


@pytest.mark.parametrize(
    ("action", "fields", "code"),
    [
        ("single_send", {"mobile": "13800138000"}, 1),
        ("single_send", {"mobile": "138", "text": "【a】b"}, 2),
        ("single_send", {"mobile": "13800138000", "text": "b"}, 16),
        ("batch_send", {"mobile": "13800138000,138", "text": "【a】b"}, 2),
        ("batch_send", {"mobile": ",".join(["13800138000"] * 1001), "text": "【a】b"}, 2),
        ("tpl_single_send", {"mobile": "13800138000"}, 1),
        ("tpl_single_send", {"mobile": "13800138000", "tpl_id": "1", "tpl_value": "code=1"}, 2),
    ],
)
def test_the_face_refuses_what_the_vendor_refuses(action: str, fields: dict[str, str], code: int) -> None:
    request = httpx.Request("POST", f"https://sms.yunpian.com/v2/sms/{action}.json", data={"apikey": ACCOUNT["apikey"], **fields})

    reply = ask(YunpianSmsFace(ACCOUNT), request)

    assert (reply.status, json.loads(reply.body)["code"], reply.taken) == (400, code, ())
