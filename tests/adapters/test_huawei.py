"""Huawei Cloud SMS keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from recallgate import (
    Callback,
    ErrorKind,
    EventType,
    FaceReply,
    Fault,
    ForgedCallback,
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
from recallgate_adapters.faces.huawei import HuaweiSmsFace
from recallgate_adapters.huawei import HuaweiSms, HuaweiSmsConfig

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "vendors" / "huawei.json").read_text(encoding="utf-8"))
URL = "https://app.example/callbacks/hua/s3cret?k=inbound"
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {
    "app_key": "c8RWg3ggEcyd4D3p94bf3Y7x1Ile",
    "app_secret": "q4Ii87BhST9vcs8wvrzN80SfD7Al",
    "sender": "8824110605",
    "templates": {"winback": "t-9"},
}


class TestHuaweiSms(AdapterContract):
    adapter = HuaweiSms
    config = ACCOUNT
    message = {
        "channel": "sms",
        "to": {"type": "phone", "e164": "+8613800138000"},
        "content": {
            "type": "template",
            "template": "8ff55eac1d0b478ab3c06c3c6a492300",
            "variables": {"code": "369751", "name": "张三"},
        },
        "purpose": "service",
    }
    exchanges = DATA / "exchanges" / "huawei.sms.json"


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


def signed_push() -> Callback:
    face = HuaweiSmsFace({**ACCOUNT, "signed_callbacks": True})
    (callback,) = face.inbound("+8613800138000", "8824110605", "退订", url=URL, at=AT, nonce="n")
    return callback


def with_headers(callback: Callback, **headers: str) -> Callback:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(callback, headers=httpx.Headers({**callback.headers, **told}))


def test_every_code_and_status_of_the_vendor_is_read() -> None:
    words = {
        "delivered": EventType.DELIVERED,
        "expired": EventType.EXPIRED,
        "undelivered": EventType.UNDELIVERED,
        "rejected": EventType.UNDELIVERED,
        "failed": EventType.UNDELIVERED,
        "sent": EventType.SENT,
    }

    assert {code: kind.value for code, kind in HuaweiSms.errors.items()} == FACTS["codes"]
    assert {status: words[word] for status, word in FACTS["status_map"].items()} == dict(HuaweiSms.statuses)


# Quirks


def test_free_text_is_refused() -> None:
    with pytest.raises(SendError, match="free text is refused") as caught:
        sms().build(Message.sms("+8613800138000", "Hi", purpose="service"))

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_a_message_without_a_sender_is_refused() -> None:
    with pytest.raises(SendError, match="channel number") as caught:
        sms(sender=None).build(text())

    assert caught.value.kind is ErrorKind.INVALID_SENDER


def test_a_number_may_be_refused_in_a_request_that_succeeded() -> None:
    rows = [{"originTo": "+8613800138000", "status": "E200029", "smsMsgId": ""}]
    with pytest.raises(SendError) as caught:
        sms().parse(text(), httpx.Response(200, json={"code": "000000", "result": rows}))

    assert caught.value.kind is ErrorKind.TEMPLATE_OR_SIGNATURE


def test_reports_of_a_batch_are_found_by_their_own_id_alone() -> None:
    adapter, face = sms(), HuaweiSmsFace(ACCOUNT)
    messages = [text(), text("+8613900139000", "m-2", "other")]
    reply = ask(face, authorize(adapter, adapter.build_batch(messages)))
    receipts = adapter.parse_batch(messages, response(reply))
    pushed = [face.callbacks(taken, WorldEvent(EventType.DELIVERED, AT), nonce="n")[0] for taken in reply.taken]

    events = [adapter.read_callback(callback).events[0] for callback in pushed]

    assert [event.vendor_id for event in events] == [isinstance(one, Receipt) and one.vendor_id for one in receipts]
    assert [event.message_id for event in events] == [None, None]


def test_a_batch_has_one_sender() -> None:
    with pytest.raises(SendError) as caught:
        sms().build_batch([text(), text(sender="1069")])

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_a_batch_has_at_most_64_kilobytes() -> None:
    fits = sms().build_batch([text(link="x" * 500)] * 100)
    with pytest.raises(SendError) as caught:
        sms().build_batch([text(link="x" * 700)] * 100)

    assert len(fits.content) <= 65536
    assert caught.value.kind is ErrorKind.PAYLOAD_TOO_LARGE


def test_the_digest_of_wsse_is_base64_of_hexadecimal_text() -> None:
    adapter = sms(auth="wsse")

    told = authorize(adapter, adapter.build(text())).headers["x-wsse"]

    digest = base64.b64decode(told.split('PasswordDigest="')[1].split('"')[0]).decode()
    assert len(digest) == 64
    assert set(digest) <= set("0123456789abcdef")


def test_the_body_of_a_form_is_not_signed_and_that_of_json_is() -> None:
    adapter = sms()

    form, batch = authorize(adapter, adapter.build(text())), authorize(adapter, adapter.build_batch([text()]))

    assert form.headers["x-sdk-content-sha256"] == "UNSIGNED-PAYLOAD"
    assert "x-sdk-content-sha256" in form.headers["authorization"]
    assert "x-sdk-content-sha256" not in batch.headers


def test_a_signed_push_is_read_and_an_unsigned_one_where_nothing_is_signed() -> None:
    (unsigned,) = HuaweiSmsFace(ACCOUNT).inbound("+8613800138000", "", "退订", url=URL, at=AT, nonce="n")

    assert len(sms(signed_callbacks=True).read_callback(signed_push()).events) == 1
    assert len(sms().read_callback(unsigned).events) == 1


@pytest.mark.parametrize(
    "forge",
    [
        lambda push: replace(push, headers=httpx.Headers({})),
        lambda push: replace(push, body=push.body + b"&more=1"),
        lambda push: replace(push, url=push.url + "&m=another"),
        lambda push: with_headers(push, authorization="AAAA"),
        lambda push: with_headers(push, authorization=push.headers["authorization"].replace(ACCOUNT["app_key"], "other")),
        lambda push: with_headers(push, authorization=push.headers["authorization"][:-1] + "_"),
        lambda push: with_headers(push, x_sdk_date="20261120T020501Z"),
        lambda push: with_headers(push, x_sdk_content_sha256="UNSIGNED-PAYLOAD"),
    ],
)
def test_a_forged_push_is_refused_where_pushes_are_signed(forge: Any) -> None:
    with pytest.raises(ForgedCallback):
        sms(signed_callbacks=True).read_callback(forge(signed_push()))


def test_a_push_signed_with_another_secret_is_refused() -> None:
    with pytest.raises(ForgedCallback) as caught:
        sms(signed_callbacks=True, app_secret="other").read_callback(signed_push())

    assert ACCOUNT["app_secret"] not in str(caught.value)


@pytest.mark.parametrize("body", ["", "{}", "{", '{"statusReportList": [1]}', '{"statusReportList": {}}', "a=1", "[]"])
def test_a_push_without_news_is_taken_quietly(body: str) -> None:
    assert sms().read_callback(callback_of({"url": URL, "body": body})).events == ()
