"""Tencent Cloud SMS keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from recallgate import (
    ErrorKind,
    FaceReply,
    Fault,
    IdSource,
    Message,
    Receipt,
    SendError,
    Template,
    authorize,
)
from recallgate.testing import AdapterContract
from recallgate.testing.exchanges import NOW, callback_of, tools_of
from recallgate_adapters._signing import tc3_authorization
from recallgate_adapters.faces.tencent import TencentSmsFace
from recallgate_adapters.tencent import TencentSms, TencentSmsConfig

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "vendors" / "tencent.json").read_text(encoding="utf-8"))
URL = "https://app.example/callbacks/ten/s3cret?k=inbound"
ACCOUNT: dict[str, Any] = {
    "secret_id": "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
    "secret_key": "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE",
    "sdk_app_id": "1400006666",
    "sign_name": "腾讯云",
    "templates": {"winback": "4321"},
}
# Codes whose kind is finer than the vendor's class, and why.
REFINED = {
    "InternalError.Timeout": "a time-out inside the vendor: the message may be on its way",
    "InternalError.SendAndRecvFail": "the vendor's own answer was lost",
    "InternalError.ParseBackendResponseFail": "the vendor could not read its own answer",
    "InvalidParameterValue.ContentLengthLimit": "too long",
    "LimitExceeded.PhoneNumberCountLimit": "too many numbers in one request",
    "MissingParameter.EmptyPhoneNumberSet": "no number is bad where none was given",
    "UnsupportedOperation": "the vendor cannot do it",
    "UnsupportedOperation.ContainDomesticPhoneNumber": "a number of another region than the template's",
}


class TestTencentSms(AdapterContract):
    adapter = TencentSms
    config = ACCOUNT
    message = {
        "channel": "sms",
        "to": {"type": "phone", "e164": "+8613800138000"},
        "content": {"type": "template", "template": "1234", "variables": {"name": "张三", "points": "88"}},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "tencent.sms.json"


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


# Signatures


@pytest.mark.parametrize("vector", FACTS["vectors"], ids=lambda v: v["name"])
def test_the_vendors_signature_is_made_again(vector: dict[str, Any]) -> None:
    headers = {"host": vector["host"], "content-type": vector["content_type"], **vector["headers"]}
    request = httpx.Request("POST", f"https://{vector['host']}/", headers=headers, content=vector["body"].encode())
    credential = vector["expected_authorization"].split("Credential=")[1].split("/")
    signed = vector["expected_authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")

    made = tc3_authorization(request, signed, key_id=vector["secret_id"], secret=vector["secret_key"], service=credential[2])

    assert made == vector["expected_authorization"]


def test_the_day_of_the_signature_is_the_one_in_utc() -> None:
    tools = tools_of()
    late = type(tools)(lambda: datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC), tools.nonce, tools.callback_url)
    adapter = TencentSms(TencentSmsConfig(**ACCOUNT), late)

    assert "/2026-11-20/sms/tc3_request" in authorize(adapter, adapter.build(text())).headers["authorization"]


def test_the_signature_covers_content_type_and_host_alone() -> None:
    adapter = sms()

    assert "SignedHeaders=content-type;host," in authorize(adapter, adapter.build(text())).headers["authorization"]


def test_a_temporary_key_sends_its_token() -> None:
    adapter = sms(token="tmp-token")

    assert authorize(adapter, adapter.build(text())).headers["x-tc-token"] == "tmp-token"


# Codes


def test_every_code_of_the_vendor_has_its_kind() -> None:
    codes = FACTS["sms"]["codes"]

    assert set(TencentSms.errors) == set(codes)
    assert {code for code, kind in TencentSms.errors.items() if kind.value != codes[code]} == set(REFINED)


def test_every_status_and_hint_of_the_vendor_is_read() -> None:
    rows = [{"sid": "1", "report_status": "FAIL", "errmsg": word} for word in FACTS["sms"]["errmsg_hints"] if word != "DELIVRD"]

    events = sms().read_callback(callback_of({"url": URL, "body": json.dumps(rows)})).events

    assert set(FACTS["sms"]["status_map"]) == set(TencentSms.statuses)
    assert [(event.code, event.type.value) for event in events] == [
        ("EXPIRED", "expired"),
        ("REJECTD", "undelivered"),
        ("UNDELIV", "undelivered"),
    ]


# Quirks


def test_every_refusal_comes_with_http_200() -> None:
    answer = httpx.Response(200, json={"Response": {"Error": {"Code": "AuthFailure.SecretIdNotFound", "Message": "x"}}})
    with pytest.raises(SendError) as caught:
        sms().parse(text(), answer)

    assert caught.value.kind is ErrorKind.AUTH


def test_a_number_may_be_refused_in_a_call_that_succeeded() -> None:
    face = TencentSmsFace({**ACCOUNT, "refused_numbers": ("+8613800138000",)})
    with pytest.raises(SendError) as caught:
        send(sms(), face, text())

    assert caught.value.kind is ErrorKind.OPTED_OUT
    assert "13800138000" not in str(caught.value)


@pytest.mark.parametrize(
    ("hour", "wait"),
    [(0, timedelta(hours=1)), (1, timedelta(hours=24)), (14, timedelta(hours=11)), (15, timedelta(hours=10))],
)
def test_refused_marketing_waits_for_the_next_morning_in_beijing(hour: int, wait: timedelta) -> None:
    tools, now = tools_of(), datetime(2026, 11, 20, hour, tzinfo=UTC)
    adapter = TencentSms(TencentSmsConfig(**ACCOUNT), type(tools)(lambda: now, tools.nonce, tools.callback_url))
    told = {"Code": "FailedOperation.MarketingSendTimeConstraint", "Message": "x"}
    with pytest.raises(SendError) as caught:
        adapter.parse(text(), httpx.Response(200, json={"Response": {"Error": told}}))

    assert (caught.value.kind, caught.value.retry_at) == (ErrorKind.RATE_LIMITED, now + wait)


def test_free_text_is_refused() -> None:
    with pytest.raises(SendError, match=r"tencent\.sms takes a template") as caught:
        sms().build(Message.sms("+8613800138000", "Hi", purpose="service"))

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_a_signature_is_needed_at_home_and_not_abroad() -> None:
    adapter = sms(sign_name=None)
    abroad = adapter.build(text("+4915112345678"))
    with pytest.raises(SendError) as caught:
        adapter.build(text())

    assert caught.value.kind is ErrorKind.INVALID_SENDER
    assert "SignName" not in json.loads(abroad.content)


@pytest.mark.parametrize("other", [text("+4915112345678"), text("+8613900139000", link="other"), text(sender="B")])
def test_a_batch_says_one_thing_to_numbers_of_one_sort(other: Message) -> None:
    with pytest.raises(SendError) as caught:
        sms().build_batch([text(), other])

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_only_a_row_with_our_own_context_is_believed() -> None:
    rows = [{"SerialNo": "1", "ReportStatus": "SUCCESS", "SessionContext": told} for told in ("", None, "m-2", "m-1")]
    answer = httpx.Response(200, json={"Response": {"PullSmsSendStatusSet": [*rows, "junk"]}})

    assert [event.message_id for event in sms().parse_lookup(text(), answer)] == ["m-1"]


def test_a_time_without_a_zone_is_kept_as_text() -> None:
    row = {"sid": "1", "report_status": "SUCCESS", "user_receive_time": "2026-11-20 10:00:05"}

    (event,) = sms().read_callback(callback_of({"url": URL, "body": json.dumps([row])})).events

    assert event.at is None
    assert event.data["user_receive_time"] == "2026-11-20 10:00:05"


@pytest.mark.parametrize("body", ["", "{}", "[]", "[1]", '[{"mobile": "1"}]', "null"])
def test_a_push_without_news_is_answered_so_that_it_does_not_come_again(body: str) -> None:
    reading = sms().read_callback(callback_of({"url": URL, "body": body}))

    assert reading.events == ()
    assert json.loads(reading.reply.body)["result"] == 0
