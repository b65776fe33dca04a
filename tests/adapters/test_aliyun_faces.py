"""Aliyun's face and adapter meet: what one writes the other reads, without either being made from the other."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from recallgate import (
    CallbackReading,
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
from recallgate_adapters.aliyun import AliyunSms, AliyunSmsConfig
from recallgate_adapters.faces.aliyun import AliyunSmsFace

URL = "https://app.example/callbacks/ali/s3cret?k=inbound"
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {
    "access_key_id": "testAccessKeyId0001",
    "access_key_secret": "testAccessKeySecret0001",
    "sign_name": "阿里云短信测试",
    "templates": {"winback": "SMS_1"},
}


def sms(**config: Any) -> AliyunSms:
    return AliyunSms(AliyunSmsConfig(**{**ACCOUNT, **config}), tools_of())


def text(template: str = "SMS_1", to: str = "+8613800138000", message_id: str = "m-1", **variables: str) -> Message:
    return Message.model_validate(
        {
            "id": message_id,
            "channel": "sms",
            "to": {"type": "phone", "e164": to},
            "content": Template(template=template, variables=variables or {"link": "回来看看 https://s.example/a"}),
            "purpose": "marketing",
        }
    )


def ask(face: AliyunSmsFace, request: httpx.Request, fault: Fault | None = None, now: datetime = NOW) -> FaceReply:
    return face.answer(request, now=now, new_id=IdSource("seed"), fault=fault)


def response(reply: FaceReply) -> httpx.Response:
    return httpx.Response(reply.status, headers=reply.headers, content=reply.body)


def send(adapter: AliyunSms, face: AliyunSmsFace, message: Message, fault: Fault | None = None) -> Receipt:
    return adapter.parse(message, response(ask(face, authorize(adapter, adapter.build(message)), fault)))


def test_a_message_is_taken_under_the_id_of_its_receipt() -> None:
    adapter, face = sms(), AliyunSmsFace({**ACCOUNT, "callback_url": URL})
    reply = ask(face, authorize(adapter, adapter.build(text())))

    receipt = adapter.parse(text(), response(reply))

    (taken,) = reply.taken
    assert (receipt.vendor_id, taken.recipient, taken.links) == (taken.vendor_id, "+8613800138000", ("https://s.example/a",))


@pytest.mark.parametrize(
    "config",
    [{"access_key_secret": "other"}, {"access_key_id": "other"}, {"access_key_secret": "other", "signing": "rpc"}],
)
def test_wrong_credentials_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(SendError) as caught:
        send(sms(**config), AliyunSmsFace(ACCOUNT), text())

    assert caught.value.kind is ErrorKind.AUTH


def test_both_signatures_are_taken() -> None:
    ids = [send(sms(signing=style), AliyunSmsFace(ACCOUNT), text()).vendor_id for style in ("acs3", "rpc")]

    assert all(ids)


def test_a_request_that_is_too_old_or_unsigned_is_refused() -> None:
    adapter, face = sms(), AliyunSmsFace(ACCOUNT)
    late = ask(face, authorize(adapter, adapter.build(text())), now=NOW + timedelta(minutes=16))
    bare = ask(face, adapter.build(text()))

    assert json.loads(late.body)["Code"] == "InvalidTimeStamp.Expired"
    assert bare.status == 404


@pytest.mark.parametrize(
    "kind",
    [
        *(ErrorKind.AUTH, ErrorKind.INSUFFICIENT_FUNDS, ErrorKind.RATE_LIMITED, ErrorKind.TEMPORARY, ErrorKind.UNAVAILABLE),
        *(ErrorKind.UNCERTAIN, ErrorKind.INVALID_RECIPIENT, ErrorKind.BLOCKED_CONTENT, ErrorKind.TEMPLATE_OR_SIGNATURE),
        *(ErrorKind.UNSUPPORTED_REGION, ErrorKind.INVALID_SENDER),
    ],
)
def test_a_fault_comes_back_with_its_kind(kind: ErrorKind) -> None:
    with pytest.raises(SendError) as caught:
        send(sms(), AliyunSmsFace(ACCOUNT), text(), Fault(kind))

    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("news", "kind", "type_", "read_kind"),
    [
        (EventType.DELIVERED, None, EventType.DELIVERED, None),
        (EventType.UNDELIVERED, None, EventType.UNDELIVERED, ErrorKind.UNKNOWN),
        (EventType.UNDELIVERED, ErrorKind.TEMPLATE_OR_SIGNATURE, EventType.UNDELIVERED, ErrorKind.TEMPLATE_OR_SIGNATURE),
        (EventType.EXPIRED, None, EventType.EXPIRED, None),
    ],
)
def test_news_comes_back_by_push_and_by_look_up(
    news: EventType, kind: ErrorKind | None, type_: EventType, read_kind: ErrorKind | None
) -> None:
    adapter, face = sms(), AliyunSmsFace({**ACCOUNT, "callback_url": URL})
    reply = ask(face, authorize(adapter, adapter.build(text())))
    (callback,) = face.callbacks(reply.taken[0], WorldEvent(news, AT, kind), nonce="n")

    (pushed,) = adapter.read_callback(callback).events
    question = adapter.build_lookup(text(), reply.taken[0].vendor_id)
    assert question is not None
    (asked,) = adapter.parse_lookup(text(), response(ask(face, authorize(adapter, question))))

    assert (pushed.type, pushed.kind, pushed.at, pushed.message_id) == (type_, read_kind, AT, "m-1")
    assert (asked.type, asked.kind, asked.vendor_event_id) == (type_, read_kind, pushed.vendor_event_id)


def test_a_person_writes() -> None:
    (callback,) = AliyunSmsFace(ACCOUNT).inbound("+8613800138000", "1069", "退订", url=URL, at=AT, nonce="n")

    reading: CallbackReading = sms().read_callback(callback)

    (event,) = reading.events
    assert (event.type, event.address, event.text, event.at) == (EventType.REPLIED, "+8613800138000", "退订", AT)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"PhoneNumbers": "123", "SignName": "s", "TemplateCode": "T"}, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"PhoneNumbers": "", "SignName": "s", "TemplateCode": "T"}, "isv.MOBILE_NUMBER_ILLEGAL"),
        ({"PhoneNumbers": "13800138000", "TemplateCode": "T"}, "isv.SMS_SIGN_ILLEGAL"),
        ({"PhoneNumbers": "13800138000", "SignName": "s"}, "isv.SMS_TEMPLATE_ILLEGAL"),
        (
            {"PhoneNumbers": "13800138000", "SignName": "s", "TemplateCode": "T", "TemplateParam": "x"},
            "isv.INVALID_JSON_PARAM",
        ),
        (
            {"PhoneNumbers": ",".join(["13800138000"] * 1001), "SignName": "s", "TemplateCode": "T"},
            "isv.MOBILE_COUNT_OVER_LIMIT",
        ),
    ],
)
def test_the_face_refuses_what_the_vendor_refuses(fields: dict[str, str], code: str) -> None:
    adapter = sms()
    reply = ask(AliyunSmsFace(ACCOUNT), authorize(adapter, adapter.config.call("SendSms", fields)))

    assert json.loads(reply.body)["Code"] == code
    assert reply.taken == ()
