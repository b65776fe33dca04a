"""Tencent Cloud's face and adapter meet: what one writes the other reads, without either being made from the other."""

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
from recallgate_adapters.faces.tencent import TencentSmsFace
from recallgate_adapters.tencent import TencentSms, TencentSmsConfig

URL = "https://app.example/callbacks/ten/s3cret?k=inbound"
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {
    "secret_id": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
    "secret_key": "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
    "sdk_app_id": "1400006666",
    "sign_name": "腾讯云",
    "templates": {"winback": "4321"},
}


def sms(**config: Any) -> TencentSms:
    return TencentSms(TencentSmsConfig(**{**ACCOUNT, **config}), tools_of())


def text(to: str = "+8613800138000", message_id: str = "m-1", link: str = "https://s.example/a", **fields: Any) -> Message:
    content = Template(template="1234", variables={"link": link})
    to_phone = {"type": "phone", "e164": to}
    return Message.model_validate(
        {"id": message_id, "channel": "sms", "to": to_phone, "content": content, "purpose": "marketing", **fields}
    )


def ask(face: TencentSmsFace, request: httpx.Request, fault: Fault | None = None, now: datetime = NOW) -> FaceReply:
    return face.answer(request, now=now, new_id=IdSource("seed"), fault=fault)


def response(reply: FaceReply) -> httpx.Response:
    return httpx.Response(reply.status, headers=reply.headers, content=reply.body)


def send(adapter: TencentSms, face: TencentSmsFace, message: Message, fault: Fault | None = None) -> Receipt:
    return adapter.parse(message, response(ask(face, authorize(adapter, adapter.build(message)), fault)))


def code_of(reply: FaceReply) -> str:
    return str(json.loads(reply.body)["Response"]["Error"]["Code"])


def test_a_message_is_taken_under_the_id_of_its_receipt() -> None:
    adapter, face = sms(), TencentSmsFace({**ACCOUNT, "callback_url": URL})
    reply = ask(face, authorize(adapter, adapter.build(text())))

    receipt = adapter.parse(text(), response(reply))

    (taken,) = reply.taken
    assert (receipt.vendor_id, receipt.parts, taken.links) == (taken.vendor_id, 1, ("https://s.example/a",))


def test_a_batch_has_an_outcome_for_every_number() -> None:
    adapter, face = sms(), TencentSmsFace({**ACCOUNT, "refused_numbers": ["+8613900139000"]})
    messages = [text(), text("+8613900139000", "m-2"), text("+8613700137000", "m-3")]
    reply = ask(face, authorize(adapter, adapter.build_batch(messages)))

    outcomes = adapter.parse_batch(messages, response(reply))

    ids = [one.vendor_id if isinstance(one, Receipt) else one.kind for one in outcomes]
    assert ids == [reply.taken[0].vendor_id, ErrorKind.OPTED_OUT, reply.taken[1].vendor_id]


@pytest.mark.parametrize("config", [{"secret_id": "other"}, {"secret_key": "other"}, {"sdk_app_id": "1"}])
def test_wrong_credentials_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(SendError) as caught:
        send(sms(**config), TencentSmsFace(ACCOUNT), text())

    assert caught.value.kind is ErrorKind.AUTH


def test_a_request_that_is_too_old_changed_or_unsigned_is_refused() -> None:
    adapter, face = sms(), TencentSmsFace(ACCOUNT)
    request = authorize(adapter, adapter.build(text()))
    changed = httpx.Request("POST", request.url, headers=request.headers, content=request.content + b" ")

    assert code_of(ask(face, request, now=NOW + timedelta(seconds=301))) == "AuthFailure.SignatureExpire"
    assert code_of(ask(face, changed)) == code_of(ask(face, adapter.build(text()))) == "AuthFailure.SignatureFailure"


@pytest.mark.parametrize(
    "kind",
    [
        *(ErrorKind.AUTH, ErrorKind.INSUFFICIENT_FUNDS, ErrorKind.RATE_LIMITED, ErrorKind.TEMPORARY, ErrorKind.UNAVAILABLE),
        *(ErrorKind.UNCERTAIN, ErrorKind.INVALID_RECIPIENT, ErrorKind.OPTED_OUT, ErrorKind.BLOCKED_CONTENT),
        *(ErrorKind.TEMPLATE_OR_SIGNATURE, ErrorKind.UNSUPPORTED_REGION, ErrorKind.PAYLOAD_TOO_LARGE, ErrorKind.UNSUPPORTED),
    ],
)
def test_a_fault_comes_back_with_its_kind(kind: ErrorKind) -> None:
    with pytest.raises(SendError) as caught:
        send(sms(), TencentSmsFace(ACCOUNT), text(), Fault(kind))

    assert caught.value.kind is kind


@pytest.mark.parametrize("type_", [EventType.DELIVERED, EventType.UNDELIVERED, EventType.EXPIRED])
def test_news_comes_back_by_push(type_: EventType) -> None:
    adapter, face = sms(), TencentSmsFace({**ACCOUNT, "callback_url": URL})
    reply = ask(face, authorize(adapter, adapter.build(text())))
    (callback,) = face.callbacks(reply.taken[0], WorldEvent(type_, AT), nonce="n")

    (event,) = adapter.read_callback(callback).events

    assert (event.type, event.vendor_id) == (type_, reply.taken[0].vendor_id)


@pytest.mark.parametrize("type_", [EventType.DELIVERED, EventType.UNDELIVERED])
def test_news_is_found_by_a_look_up(type_: EventType) -> None:
    adapter, face = sms(), TencentSmsFace(ACCOUNT)
    reply = ask(face, authorize(adapter, adapter.build(text())))
    assert face.callbacks(reply.taken[0], WorldEvent(type_, AT), nonce="n") == ()
    question = adapter.build_lookup(text(), None)
    assert question is not None

    (event,) = adapter.parse_lookup(text(), response(ask(face, authorize(adapter, question))))

    assert (event.type, event.message_id, event.vendor_id, event.at) == (type_, "m-1", reply.taken[0].vendor_id, AT)


def test_a_person_writes() -> None:
    callbacks = TencentSmsFace(ACCOUNT).inbound("+8613800138000", "12", "退订", url=URL, at=AT, nonce="n")

    (event,) = [event for callback in callbacks for event in sms().read_callback(callback).events]

    assert (event.type, event.address, event.text, event.at) == (EventType.REPLIED, "+8613800138000", "退订", AT)
    assert event.data == {"to": "12", "sign": "腾讯云"}


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"PhoneNumberSet": []}, "MissingParameter.EmptyPhoneNumberSet"),
        ({"PhoneNumberSet": ["+8613800138000"] * 201}, "LimitExceeded.PhoneNumberCountLimit"),
        (
            {"PhoneNumberSet": ["+8613800138000", "+4915112345678"]},
            "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
        ),
        ({"TemplateId": ""}, "MissingParameter"),
        ({"SignName": ""}, "FailedOperation.SignatureIncorrectOrUnapproved"),
    ],
)
def test_the_face_refuses_what_the_vendor_refuses(over: dict[str, Any], code: str) -> None:
    adapter = sms()
    fields = {"PhoneNumberSet": ["+8613800138000"], "SmsSdkAppId": "1400006666", "TemplateId": "1", "SignName": "s", **over}
    reply = ask(TencentSmsFace(ACCOUNT), authorize(adapter, adapter.config.call("SendSms", "2021-01-11", fields)))

    assert code_of(reply) == code
    assert reply.taken == ()
