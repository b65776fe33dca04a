"""Huawei Cloud's face and adapter meet: what one writes the other reads, without either being made from the other."""

import json
from datetime import UTC, datetime, timedelta
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
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.huawei import HuaweiSmsFace
from recallgate_adapters.huawei import HuaweiSms, HuaweiSmsConfig

URL = "https://app.example/callbacks/hua/s3cret?k=inbound"
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {
    "app_key": "c8RWg3ggEcyd4D3p94bf3Y7x1Ile",
    "app_secret": "q4Ii87BhST9vcs8wvrzN80SfD7Al",
    "sender": "8824110605",
    "templates": {"winback": "t-9"},
}


def sms(**config: Any) -> HuaweiSms:
    return HuaweiSms(HuaweiSmsConfig(**{**ACCOUNT, **config}), tools_of())


def text(to: str = "+8613800138000", message_id: str = "m-1", link: str = "https://s.example/a", **fields: Any) -> Message:
    content = Template(template="winback", variables={"link": link})
    to_phone = {"type": "phone", "e164": to}
    return Message.model_validate(
        {"id": message_id, "channel": "sms", "to": to_phone, "content": content, "purpose": "marketing", **fields}
    )


def ask(face: HuaweiSmsFace, request: httpx.Request, fault: Fault | None = None, now: datetime = NOW) -> FaceReply:
    return face.answer(request, now=now, new_id=IdSource("seed"), fault=fault)


def response(reply: FaceReply) -> httpx.Response:
    return httpx.Response(reply.status, headers=reply.headers, content=reply.body)


def send(adapter: HuaweiSms, face: HuaweiSmsFace, message: Message, fault: Fault | None = None) -> Receipt:
    return adapter.parse(message, response(ask(face, authorize(adapter, adapter.build(message)), fault)))


@pytest.mark.parametrize("auth", ["sdk", "wsse"])
def test_a_message_is_taken_under_the_id_of_its_receipt(auth: str) -> None:
    adapter, face = sms(auth=auth), HuaweiSmsFace(ACCOUNT)
    reply = ask(face, authorize(adapter, adapter.build(text())))

    receipt = adapter.parse(text(), response(reply))

    (taken,) = reply.taken
    assert (receipt.vendor_id, receipt.parts, taken.links) == (taken.vendor_id, 1, ("https://s.example/a",))


@pytest.mark.parametrize("auth", ["sdk", "wsse"])
@pytest.mark.parametrize("config", [{"app_key": "other"}, {"app_secret": "other"}])
def test_wrong_credentials_are_refused(config: dict[str, Any], auth: str) -> None:
    with pytest.raises(SendError) as caught:
        send(sms(auth=auth, **config), HuaweiSmsFace(ACCOUNT), text())

    assert caught.value.kind is ErrorKind.AUTH


@pytest.mark.parametrize("auth", ["sdk", "wsse"])
def test_a_request_that_is_too_old_or_unsigned_is_refused(auth: str) -> None:
    adapter, face = sms(auth=auth), HuaweiSmsFace(ACCOUNT)
    late = ask(face, authorize(adapter, adapter.build(text())), now=NOW + timedelta(minutes=16))

    assert json.loads(late.body)["code"] == "E000110"
    assert ask(face, adapter.build(text())).status == 401


@pytest.mark.parametrize(
    "kind",
    [
        *(ErrorKind.AUTH, ErrorKind.RATE_LIMITED, ErrorKind.TEMPORARY, ErrorKind.UNAVAILABLE, ErrorKind.UNCERTAIN),
        ErrorKind.TEMPLATE_OR_SIGNATURE,
    ],
)
def test_a_fault_comes_back_with_its_kind(kind: ErrorKind) -> None:
    with pytest.raises(SendError) as caught:
        send(sms(), HuaweiSmsFace(ACCOUNT), text(), Fault(kind))

    assert caught.value.kind is kind


@pytest.mark.parametrize("type_", [EventType.SENT, EventType.DELIVERED, EventType.UNDELIVERED, EventType.EXPIRED])
def test_news_comes_back_to_the_address_of_its_message(type_: EventType) -> None:
    adapter, face = sms(), HuaweiSmsFace(ACCOUNT)
    (taken,) = ask(face, authorize(adapter, adapter.build(text()))).taken
    (callback,) = face.callbacks(taken, WorldEvent(type_, AT), nonce="n")

    (event,) = adapter.read_callback(callback).events

    assert (event.type, event.message_id, event.vendor_id, event.at) == (type_, "m-1", taken.vendor_id, AT)
    assert face.callbacks(taken, WorldEvent(EventType.READ, AT), nonce="n") == ()


def test_a_person_writes() -> None:
    (callback,) = HuaweiSmsFace(ACCOUNT).inbound("+8613800138000", "", "退订", url=URL, at=AT, nonce="n")

    (event,) = sms().read_callback(callback).events

    assert (event.type, event.address, event.text, event.at) == (EventType.REPLIED, "+8613800138000", "退订", AT)
    assert event.data == {"to": "8824110605"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"smsContent": [{"to": ["+8613800138000"], "templateId": "t"}]}, "E200031"),
        ({"from": "1", "smsContent": []}, "E200031"),
        ({"from": "1", "smsContent": [{"to": ["+8613800138000"]}]}, "E200031"),
        ({"from": "1", "smsContent": [{"to": ["+8613800138000"], "templateId": "t", "templateParas": "x"}]}, "E200028"),
    ],
)
def test_the_face_refuses_what_the_vendor_refuses(body: dict[str, Any], code: str) -> None:
    adapter = sms()
    request = httpx.Request("POST", "https://smsapi.example/sms/batchSendDiffSms/v1", json=body)
    reply = ask(HuaweiSmsFace(ACCOUNT), authorize(adapter, request))

    assert (json.loads(reply.body)["code"], reply.taken) == (code, ())
