"""Volcengine SMS keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from recallgate import (
    ErrorKind,
    EventType,
    FaceReply,
    Fault,
    IdSource,
    Message,
    Receipt,
    SendError,
    Template,
    WorldEvent,
    authorize,
)
from recallgate.testing import AdapterContract
from recallgate.testing.exchanges import NOW, callback_of, tools_of
from recallgate_adapters.faces.volcengine import VolcengineSmsFace
from recallgate_adapters.volcengine import VolcengineSms, VolcengineSmsConfig

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "vendors" / "volcengine.json").read_text(encoding="utf-8"))
URL = "https://app.example/callbacks/vol/s3cret?k=inbound"
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {
    "access_key_id": "AKLTtest0001",
    "secret_access_key": "testSecretKey0001",
    "sms_account": "7a1b",
    "sign": "火山引擎",
    "templates": {"winback": "ST_9"},
}


class TestVolcengineSms(AdapterContract):
    adapter = VolcengineSms
    config = ACCOUNT
    message = {
        "channel": "sms",
        "to": {"type": "phone", "e164": "+8613800138000"},
        "content": {"type": "template", "template": "ST_1", "variables": {"name": "张三"}},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "volcengine.sms.json"


def sms(**config: Any) -> VolcengineSms:
    return VolcengineSms(VolcengineSmsConfig(**{**ACCOUNT, **config}), tools_of())


def text(to: str = "+8613800138000", message_id: str = "m-1", template: str = "winback", **fields: Any) -> Message:
    content = Template(template=template, variables={"link": "https://s.example/a"})
    to_phone = {"type": "phone", "e164": to}
    return Message.model_validate(
        {"id": message_id, "channel": "sms", "to": to_phone, "content": content, "purpose": "marketing", **fields}
    )


def ask(face: VolcengineSmsFace, request: httpx.Request, fault: Fault | None = None, now: datetime = NOW) -> FaceReply:
    return face.answer(request, now=now, new_id=IdSource("seed"), fault=fault)


def response(reply: FaceReply) -> httpx.Response:
    return httpx.Response(reply.status, headers=reply.headers, content=reply.body)


def send(adapter: VolcengineSms, face: VolcengineSmsFace, message: Message, fault: Fault | None = None) -> Receipt:
    return adapter.parse(message, response(ask(face, authorize(adapter, adapter.build(message)), fault)))


def test_every_code_of_the_vendor_has_its_kind() -> None:
    assert {code: kind.value for code, kind in VolcengineSms.errors.items()} == FACTS["codes"]


# Quirks


def test_free_text_is_refused() -> None:
    with pytest.raises(SendError, match="free text is refused") as caught:
        sms().build(Message.sms("+8613800138000", "Hi", purpose="service"))

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_a_message_without_any_signature_is_refused() -> None:
    with pytest.raises(SendError, match="no signature") as caught:
        sms(sign=None).build(text())

    assert caught.value.kind is ErrorKind.INVALID_SENDER


def test_ids_stand_in_the_order_of_the_numbers() -> None:
    adapter, face = sms(), VolcengineSmsFace(ACCOUNT)
    messages = [text(), text("+8613900139000", "m-2"), text("+6591234567", "m-3")]
    reply = ask(face, authorize(adapter, adapter.build_batch(messages)))

    outcomes = adapter.parse_batch(messages, response(reply))

    told = [(one.message_id, one.vendor_id) for one in outcomes if isinstance(one, Receipt)]
    assert told == [(message.id, taken.vendor_id) for message, taken in zip(messages, reply.taken, strict=True)]
    assert [taken.recipient for taken in reply.taken] == [message.to.key for message in messages]


@pytest.mark.parametrize("ids", [None, [], ["a"], ["a", ""], ["a", "b", "c"], "ab"])
def test_a_batch_whose_ids_do_not_fit_its_numbers_is_uncertain(ids: object) -> None:
    outcomes = sms().parse_batch([text(), text()], httpx.Response(200, json={"Result": {"MessageID": ids}}))

    assert [isinstance(one, SendError) and one.kind for one in outcomes] == [ErrorKind.UNCERTAIN] * 2


def test_a_batch_has_no_tag_of_its_own() -> None:
    request = sms().build_batch([text(), text("+8613900139000", "m-2")])

    assert "Tag" not in json.loads(request.content)


@pytest.mark.parametrize(
    "other", [text(template="ST_2"), text(sender="B"), text(options={"volcengine.sms": {"user_ext_code": "1"}})]
)
def test_a_batch_has_one_template_and_signature(other: Message) -> None:
    with pytest.raises(SendError) as caught:
        sms().build_batch([text(), other])

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_a_refused_batch_blames_no_address() -> None:
    answer = httpx.Response(400, json={"ResponseMetadata": {"Error": {"Code": "RE:0006", "Message": "x"}}})

    outcomes = sms().parse_batch([text(), text()], answer)

    assert all(isinstance(one, SendError) and one.kind.rule.concerns != "address" for one in outcomes)


@pytest.mark.parametrize(("code", "type_"), [("0", "delivered"), ("4001", "undelivered"), (None, "unknown"), ("", "unknown")])
def test_every_code_but_zero_is_a_failure(code: str | None, type_: str) -> None:
    row = {"message_id": "v-1", "status_code": code}

    (event,) = sms().read_callback(callback_of({"url": URL, "body": json.dumps([row])})).events

    assert (event.type.value, event.code) == (type_, "4001" if type_ == "undelivered" else None)


@pytest.mark.parametrize("details", [None, "x", [], [1], [{"messageId": "a"}, {"messageId": "b"}]])
def test_details_that_are_not_of_one_message_are_no_news(details: object) -> None:
    assert sms().parse_lookup(text(), httpx.Response(200, json={"Result": {"sendDetailsResults": details}})) == ()


@pytest.mark.parametrize(
    ("told", "at"),
    [(1795140005500, NOW + timedelta(seconds=5.5)), ("1795140005500", NOW + timedelta(seconds=5.5)), (0, None), ("x", None)],
)
def test_times_are_milliseconds(told: object, at: datetime | None) -> None:
    row = {"message_id": "v-1", "status_code": "0", "recv_time": told}

    (event,) = sms().read_callback(callback_of({"url": URL, "body": json.dumps([row])})).events

    assert event.at == at


@pytest.mark.parametrize("body", ["", "{}", "[]", "[1]", '[{"mobile": "1"}]', "null"])
def test_a_push_without_news_is_taken_quietly(body: str) -> None:
    reading = sms().read_callback(callback_of({"url": URL, "body": body}))

    assert (reading.events, reading.reply.status) == ((), 200)


# The vendor's side


def test_a_message_is_taken_under_the_id_of_its_receipt() -> None:
    adapter, face = sms(), VolcengineSmsFace(ACCOUNT)
    reply = ask(face, authorize(adapter, adapter.build(text())))

    receipt = adapter.parse(text(), response(reply))

    (taken,) = reply.taken
    assert (receipt.vendor_id, taken.recipient, taken.links) == (taken.vendor_id, "+8613800138000", ("https://s.example/a",))


@pytest.mark.parametrize("config", [{"access_key_id": "other"}, {"secret_access_key": "other"}, {"sms_account": "other"}])
def test_wrong_credentials_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(SendError) as caught:
        send(sms(**config), VolcengineSmsFace(ACCOUNT), text())

    assert caught.value.kind is ErrorKind.AUTH


def test_a_temporary_key_signs_its_token() -> None:
    adapter = sms(session_token="STS2abc")
    request = authorize(adapter, adapter.build(text()))
    request.headers["x-security-token"] = "STS2abd"

    assert send(adapter, VolcengineSmsFace(ACCOUNT), text()).vendor_id
    assert ask(VolcengineSmsFace(ACCOUNT), request).status == 401


def test_a_request_that_is_too_old_changed_or_unsigned_is_refused() -> None:
    adapter, face = sms(), VolcengineSmsFace(ACCOUNT)
    request = authorize(adapter, adapter.build(text()))
    changed = httpx.Request("POST", request.url, headers=request.headers, content=request.content + b" ")

    told = [ask(face, request, now=NOW + timedelta(minutes=16)), ask(face, changed), ask(face, adapter.build(text()))]

    assert [reply.status for reply in told] == [401, 401, 401]


@pytest.mark.parametrize(
    "kind",
    [
        *(ErrorKind.AUTH, ErrorKind.INSUFFICIENT_FUNDS, ErrorKind.RATE_LIMITED, ErrorKind.TEMPORARY, ErrorKind.UNAVAILABLE),
        *(ErrorKind.UNCERTAIN, ErrorKind.INVALID_RECIPIENT, ErrorKind.TEMPLATE_OR_SIGNATURE, ErrorKind.UNSUPPORTED_REGION),
    ],
)
def test_a_fault_comes_back_with_its_kind(kind: ErrorKind) -> None:
    with pytest.raises(SendError) as caught:
        send(sms(), VolcengineSmsFace(ACCOUNT), text(), Fault(kind))

    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("news", "type_"),
    [
        (EventType.DELIVERED, EventType.DELIVERED),
        (EventType.UNDELIVERED, EventType.UNDELIVERED),
        (EventType.EXPIRED, EventType.UNDELIVERED),
    ],
)
def test_news_comes_back_by_push_and_by_look_up(news: EventType, type_: EventType) -> None:
    adapter, face = sms(), VolcengineSmsFace({**ACCOUNT, "callback_url": URL})
    (taken,) = ask(face, authorize(adapter, adapter.build(text()))).taken
    (callback,) = face.callbacks(taken, WorldEvent(news, AT), nonce="n")

    (pushed,) = adapter.read_callback(callback).events
    question = adapter.build_lookup(text(), taken.vendor_id)
    assert question is not None
    (asked,) = adapter.parse_lookup(text(), response(ask(face, authorize(adapter, question))))

    assert (pushed.type, pushed.message_id, pushed.vendor_id, pushed.at) == (type_, "m-1", taken.vendor_id, AT)
    assert (asked.type, asked.vendor_event_id, asked.at) == (type_, pushed.vendor_event_id, AT)
    assert face.callbacks(taken, WorldEvent(EventType.SENT, AT), nonce="n") == ()


def test_a_person_writes() -> None:
    (callback,) = VolcengineSmsFace(ACCOUNT).inbound("+8613800138000", "12", "退订", url=URL, at=AT, nonce="n")

    (event,) = sms().read_callback(callback).events

    assert (event.type, event.address, event.text, event.at) == (EventType.REPLIED, "+8613800138000", "退订", AT)


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"SmsAccount": "other"}, "RE:0003"),
        ({"Sign": ""}, "RE:0004"),
        ({"TemplateID": ""}, "RE:0005"),
        ({"PhoneNumbers": "138"}, "RE:0006"),
        ({"PhoneNumbers": ",".join(["13800138000"] * 201)}, "RE:0009"),
    ],
)
def test_the_face_refuses_what_the_vendor_refuses(over: dict[str, Any], code: str) -> None:
    adapter = sms()
    fields = {"SmsAccount": "7a1b", "Sign": "s", "TemplateID": "ST_1", "PhoneNumbers": "13800138000", **over}
    url = "https://sms.volcengineapi.com/?Action=SendSms&Version=2020-01-01"
    reply = ask(VolcengineSmsFace(ACCOUNT), authorize(adapter, httpx.Request("POST", url, json=fields)))

    assert (json.loads(reply.body)["ResponseMetadata"]["Error"]["Code"], reply.taken) == (code, ())
