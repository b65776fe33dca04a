"""Aliyun SMS keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

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
from recallgate_adapters._signing import acs3_authorization, rpc_signature
from recallgate_adapters.aliyun import AliyunSms, AliyunSmsConfig
from recallgate_adapters.faces.aliyun import AliyunSmsFace

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "vendors" / "aliyun.json").read_text(encoding="utf-8"))
URL = "https://app.example/callbacks/ali/s3cret?k=inbound"
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {
    "access_key_id": "testAccessKeyId0001",
    "access_key_secret": "testAccessKeySecret0001",
    "sign_name": "阿里云短信测试",
    "templates": {"winback": "SMS_1"},
}
# Codes whose kind is finer than the vendor's class, and why.
REFINED = {
    "isv.MOBILE_COUNT_OVER_LIMIT": "the request is too large, no number is bad",
    "isv.DENY_IP_RANGE": "our own address is refused, not the recipient's country",
    "SignatureNonceUsed": "the request came twice, the first may have been taken",
    "ServiceUnavailable": "the vendor is out",
}
DROPPED_REPORT_CODES = {"DELIVERED": "the code of success"}


class TestAliyunSms(AdapterContract):
    adapter = AliyunSms
    config = ACCOUNT
    message = {
        "channel": "sms",
        "to": {"type": "phone", "e164": "+8613800138000"},
        "content": {
            "type": "template",
            "template": "SMS_154950909",
            "variables": {"name": "张 三*~", "url": "a/b?c=1&d=2"},
        },
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "aliyun.sms.json"


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


def refusal(adapter: AliyunSms, body: object, status: int = 200) -> SendError:
    with pytest.raises(SendError) as caught:
        adapter.parse(text(), httpx.Response(status, json=body))
    return caught.value


# Signatures


@pytest.mark.parametrize("vector", [v for v in FACTS["vectors"] if v["algorithm"] == "ACS3-HMAC-SHA256"], ids=lambda v: v["name"])
def test_the_vendors_acs3_signature_is_made_again(vector: dict[str, Any]) -> None:
    headers = vector.get("headers") or vector["signed_headers"]
    url = f"https://{headers['host']}{vector['path']}?{urlencode(vector['query'])}"
    request = httpx.Request(vector["method"], url, headers=headers, content=vector["body"].encode())

    made = acs3_authorization(request, headers, key_id=vector["access_key_id"], secret=vector["access_key_secret"])

    assert made == vector["expected_authorization"]


@pytest.mark.parametrize("vector", [v for v in FACTS["vectors"] if v["algorithm"] == "RPC-HMAC-SHA1"], ids=lambda v: v["name"])
def test_the_vendors_rpc_signature_is_made_again(vector: dict[str, Any]) -> None:
    params = vector.get("params") or {**vector["query"], **dict(parse_qsl(vector["body"], keep_blank_values=True))}

    assert rpc_signature(vector["method"], params, secret=vector["access_key_secret"]) == vector["expected_signature"]


def test_a_request_is_signed_over_its_host_action_and_body() -> None:
    adapter = sms()

    request = authorize(adapter, adapter.build(text()))

    names = "content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"
    assert f"SignedHeaders={names}," in request.headers["authorization"]


def test_a_temporary_key_sends_its_token_signed() -> None:
    adapter = sms(security_token="stsToken+/==")

    request = authorize(adapter, adapter.build(text()))

    assert request.headers["x-acs-security-token"] == "stsToken+/=="
    assert "x-acs-accesskey-id" in request.headers["authorization"]
    assert "x-acs-security-token" in request.headers["authorization"]


def test_the_older_signature_puts_the_system_parameters_into_the_query_and_no_number() -> None:
    adapter = sms(signing="rpc", security_token="sts")

    request = authorize(adapter, adapter.build(text()))

    query = dict(request.url.params)
    signed = {name: value for name, value in query.items() if name != "Signature"} | dict(parse_qsl(request.content.decode()))
    assert set(query) == {
        *("Action", "Version", "Format", "AccessKeyId", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"),
        *("SecurityToken", "Signature"),
    }
    assert query["Signature"] == rpc_signature("POST", signed, secret=ACCOUNT["access_key_secret"])
    assert "13800138000" not in str(request.url)


# Codes


def test_every_code_of_the_vendor_has_its_kind() -> None:
    codes = FACTS["sms"]["codes"]

    assert set(AliyunSms.errors) == set(codes)
    assert {code for code, kind in AliyunSms.errors.items() if kind.value != codes[code]} == set(REFINED)


def test_every_report_code_of_the_vendor_is_mapped_or_dropped_on_purpose() -> None:
    assert set(AliyunSms.report_errors) | set(DROPPED_REPORT_CODES) == set(FACTS["sms"]["report_codes"])


# Quirks


def test_a_business_error_comes_with_http_200() -> None:
    assert refusal(sms(), {"Code": "isv.AMOUNT_NOT_ENOUGH", "Message": "账户余额不足"}).kind is ErrorKind.INSUFFICIENT_FUNDS


def test_parameters_are_in_the_body_and_not_in_the_address() -> None:
    request = sms().build(text())

    assert request.url == "https://dysmsapi.aliyuncs.com/"
    assert b"13800138000" in request.content


def test_a_nonce_that_was_used_means_that_the_first_copy_may_have_been_taken() -> None:
    assert not refusal(sms(), {"Code": "SignatureNonceUsed", "Message": "used"}, 400).kind.definite


@pytest.mark.parametrize(
    ("words", "wait"),
    [
        ("触发分钟级流控Permits:1", timedelta(minutes=1)),
        ("per-minute flow control", timedelta(minutes=1)),
        ("触发小时级流控Permits:5", timedelta(hours=1)),
        ("hour limit", timedelta(hours=1)),
        ("触发天级流控Permits:10", timedelta(hours=14)),
        ("", timedelta(hours=14)),
    ],
)
def test_a_numbers_flow_control_ends_with_the_span_in_its_words(words: str, wait: timedelta) -> None:
    error = refusal(sms(), {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": words})

    assert (error.retry_at, error.scope) == (NOW + wait, "address")


def test_free_text_is_refused() -> None:
    with pytest.raises(SendError, match=r"aliyun\.sms takes a template") as caught:
        sms().build(Message.sms("+8613800138000", "Hi", purpose="service"))

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_a_message_without_any_signature_is_refused() -> None:
    with pytest.raises(SendError, match="sign_name") as caught:
        sms(sign_name=None).build(text())

    assert caught.value.kind is ErrorKind.INVALID_SENDER


def test_a_foreign_number_that_reads_as_a_chinese_one_is_refused() -> None:
    with pytest.raises(SendError) as caught:
        sms().build(text(to="+14155550123"))

    assert caught.value.kind is ErrorKind.UNSUPPORTED_REGION


def test_every_message_of_a_batch_has_a_vendor_id_of_its_own_that_reports_find() -> None:
    adapter, face = sms(), AliyunSmsFace({**ACCOUNT, "callback_url": URL})
    messages = [text(message_id="m-1"), text(message_id="m-2", to="+8613900139000", name="李四")]
    reply = ask(face, authorize(adapter, adapter.build_batch(messages)))

    receipts = adapter.parse_batch(messages, response(reply))
    pushed = [face.callbacks(taken, WorldEvent(EventType.DELIVERED, AT), nonce="n") for taken in reply.taken]

    told = [adapter.read_callback(callback).events[0].vendor_id for (callback,) in pushed]
    assert told == [isinstance(receipt, Receipt) and receipt.vendor_id for receipt in receipts]
    assert len(set(told)) == 2


def test_a_refused_batch_blames_no_address() -> None:
    adapter = sms()
    answer = httpx.Response(200, json={"Code": "isv.MOBILE_NUMBER_ILLEGAL", "Message": "非法手机号"})

    outcomes = adapter.parse_batch([text(), text()], answer)

    assert all(isinstance(one, SendError) and one.kind.rule.concerns != "address" for one in outcomes)


def test_a_batch_of_two_templates_is_refused() -> None:
    with pytest.raises(SendError) as caught:
        sms().build_batch([text("SMS_1"), text("SMS_2")])

    assert caught.value.kind is ErrorKind.UNSUPPORTED


def test_only_a_detail_with_our_own_id_is_believed() -> None:
    rows = [{"SendStatus": 3, "OutId": out_id} for out_id in ("", None, "m-2", "m-1")]
    answer = httpx.Response(200, json={"Code": "OK", "SmsSendDetailDTOs": {"SmsSendDetailDTO": [*rows, "junk"]}})

    assert [event.message_id for event in sms().parse_lookup(text(), answer)] == ["m-1"]


@pytest.mark.parametrize("found", [None, [], "x", {"SmsSendDetailDTO": None}])
def test_details_in_another_form_are_no_news(found: object) -> None:
    assert sms().parse_lookup(text(), httpx.Response(200, json={"Code": "OK", "SmsSendDetailDTOs": found})) == ()


def test_the_day_of_a_look_up_is_the_one_in_beijing() -> None:
    tools = tools_of()
    late = AliyunSms(AliyunSmsConfig(**ACCOUNT), type(tools)(lambda: NOW + timedelta(hours=14), tools.nonce, tools.callback_url))

    question = late.build_lookup(text(), None)

    assert question is not None
    assert b"SendDate=20261121" in question.content


@pytest.mark.parametrize("body", ["", "{}", "[]", "[1]", '[{"phone_number": "1"}]', "null"])
def test_a_push_without_news_is_answered_so_that_it_does_not_come_again(body: str) -> None:
    reading = sms().read_callback(callback_of({"url": URL, "body": body}))

    assert reading.events == ()
    assert json.loads(reading.reply.body)["code"] == 0
