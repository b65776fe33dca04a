"""Volcengine's own SDK against our adapter: equal requests, and one signature over one body."""

import json
from typing import Any

import httpx
import pytest
from volcengine.auth.SignerV4 import SignerV4
from volcengine.base.Request import Request
from volcengine.Credentials import Credentials
from volcengine.sms.SmsService import SmsService

from oracles.loopback import Loopback, Recorded
from oracles.same import Same
from recallgate import Message, authorize
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.volcengine import VolcengineSmsFace
from recallgate_adapters.volcengine import VolcengineSms, VolcengineSmsConfig

KEY, SECRET = "AKLTtest0001", "testSecretKey0001"
ACCOUNT: dict[str, Any] = {"access_key_id": KEY, "secret_access_key": SECRET, "sms_account": "7a1b", "sign": "火山引擎"}
SDK = "volcengine"
HEADERS = ("content-type", "x-date")


@pytest.fixture
def service(loopback: Loopback, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> SmsService:
    """An SDK that talks to this machine at one instant; it is a singleton, and looks into the home directory."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(SignerV4, "get_current_format_date", staticmethod(lambda: NOW.strftime("%Y%m%dT%H%M%SZ")))
    monkeypatch.delattr(SmsService, "_instance", raising=False)
    loopback.answers({"ResponseMetadata": {"RequestId": "R"}, "Result": {"MessageID": ["v-1"]}})
    service = SmsService()
    service.set_ak(KEY)
    service.set_sk(SECRET)
    service.service_info.host, service.service_info.scheme = loopback.host, "http"
    return service


def message(**over: Any) -> Message:
    content = {"type": "template", "template": "ST_1", "variables": {"name": "张三"}}
    to = {"type": "phone", "e164": "+8613800138000"}
    return Message.model_validate({"id": "m-1", "channel": "sms", "to": to, "content": content, "purpose": "service", **over})


def sms(loopback: Loopback) -> VolcengineSms:
    return VolcengineSms(VolcengineSmsConfig(**ACCOUNT, base_url=loopback.url), tools_of())


def signed_alike(ours: httpx.Request, theirs: Recorded) -> None:
    """Their signer makes our authorization, and the face believes them."""
    request = Request()
    request.set_method("POST")
    request.set_path("/")
    request.set_query(dict(ours.url.params))
    request.set_headers({"Content-Type": ours.headers["content-type"], "Host": ours.headers["host"]})
    request.set_body(ours.content.decode())
    SignerV4.sign(request, Credentials(KEY, SECRET, "volcSMS", "cn-north-1"))
    assert request.headers["Authorization"] == ours.headers["authorization"]

    wire = httpx.Request("POST", f"http://{theirs.headers['host']}{theirs.target}", headers=theirs.headers, content=theirs.body)
    assert VolcengineSmsFace(ACCOUNT)._signed_in(wire, NOW)
    assert not VolcengineSmsFace({**ACCOUNT, "secret_access_key": "other"})._signed_in(wire, NOW)


def test_a_message_is_sent_as_the_sdk_sends_it(service: SmsService, loopback: Loopback, same: Same) -> None:
    body = {
        "SmsAccount": "7a1b",
        "Sign": "火山引擎",
        "TemplateID": "ST_1",
        "TemplateParam": '{"name":"张三"}',
        "PhoneNumbers": "13800138000",
        "Tag": "m-1",
    }
    answer = service.send_sms(json.dumps(body))
    adapter = sms(loopback)

    ours = authorize(adapter, adapter.build(message()))

    same(ours, loopback.last, operation="SendSms", oracle=SDK, body="json", headers=HEADERS)
    signed_alike(ours, loopback.last)
    assert adapter.parse(message(), httpx.Response(200, json=answer)).vendor_id == "v-1"


def test_a_batch_is_sent_as_the_sdk_sends_it(service: SmsService, loopback: Loopback, same: Same) -> None:
    first, second = {"PhoneNumber": "13800138000", "TemplateParam": '{"name":"张三"}'}, {"PhoneNumber": "+6591234567"}
    body = {"SmsAccount": "7a1b", "Sign": "火山引擎", "TemplateID": "ST_1", "Messages": [first, second]}
    service.send_batch_sms(body)
    adapter = sms(loopback)
    other = message(to={"type": "phone", "e164": "+6591234567"}, content={"type": "template", "template": "ST_1"})

    ours = authorize(adapter, adapter.build_batch([message(), other]))

    same(ours, loopback.last, operation="SendBatchSms", oracle=SDK, body="json", headers=HEADERS)
    signed_alike(ours, loopback.last)


def test_details_are_asked_for_as_the_sdk_asks(service: SmsService, loopback: Loopback, same: Same) -> None:
    body = {"subAccount": "7a1b", "phoneNumber": "13800138000", "messageId": "v-1", "sendDate": "20261120"}
    service.get_sms_send_details({**body, "pageIndex": 1, "pageSize": 10})
    adapter = sms(loopback)
    question = adapter.build_lookup(message(), "v-1")
    assert question is not None

    ours = authorize(adapter, question)

    same(ours, loopback.last, operation="GetSmsSendDetails", oracle=SDK, body="json", headers=HEADERS)
    signed_alike(ours, loopback.last)
