"""Huawei Cloud's own SDK against our adapter: the same requests, and one SDK-HMAC-SHA256. None exists for X-WSSE."""

from datetime import datetime
from typing import Any

import httpx
import pytest
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer import signer
from huaweicloudsdkcore.signer.signer import Signer
from huaweicloudsdksmsapi.v1 import (
    BatchSendDiffSmsRequest,
    BatchSendDiffSmsRequestBody,
    BatchSendSmsRequest,
    BatchSendSmsRequestBody,
    SMSApiClient,
    SmsContent,
)
from huaweicloudsdksmsapi.v1.smsapi_credentials import SMSApiCredentials

from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import Message, authorize
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters._signing import huawei_authorization
from recallgate_adapters.faces.huawei import HuaweiSmsFace
from recallgate_adapters.huawei import HuaweiSms, HuaweiSmsConfig

KEY, SECRET = "c8RWg3ggEcyd4D3p94bf3Y7x1Ile", "q4Ii87BhST9vcs8wvrzN80SfD7Al"
ACCOUNT: dict[str, Any] = {"app_key": KEY, "app_secret": SECRET, "sender": "8824110605", "sign_name": "华为云"}
SDK, CORE = "huaweicloudsdksmsapi", "huaweicloudsdkcore"
CALLBACK_URL = "https://app.example/cb"


class Frozen(datetime):
    """The SDK reads its clock through `datetime.utcnow`."""

    @classmethod
    def utcnow(cls) -> datetime:
        return NOW.replace(tzinfo=None)


@pytest.fixture
def client(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(signer, "datetime", Frozen)
    row = {"smsMsgId": "a-1", "originTo": "+8613800138000", "status": "000000", "total": 1}
    loopback.answers({"code": "000000", "description": "Success", "result": [row]})
    return SMSApiClient.new_builder().with_credentials(SMSApiCredentials(KEY, SECRET)).with_endpoints([loopback.url]).build()


def message(**over: Any) -> Message:
    content = {"type": "template", "template": "t-1", "variables": {"code": "369751", "name": "张三"}}
    to = {"type": "phone", "e164": "+8613800138000"}
    return Message.model_validate({"id": "m-1", "channel": "sms", "to": to, "content": content, "purpose": "service", **over})


def sms(loopback: Loopback) -> HuaweiSms:
    return HuaweiSms(HuaweiSmsConfig(**ACCOUNT, base_url=loopback.url), tools_of(CALLBACK_URL))


def signed_by_the_sdk(ours: httpx.Request) -> str:
    """What the SDK's signer makes of our method, path, headers and body."""
    headers = {name.title(): value for name, value in ours.headers.items() if name in ("content-type", "host", "x-sdk-date")}
    request = SdkRequest(
        method="POST",
        schema="http",
        host=ours.headers["host"],
        resource_path=ours.url.path,
        query_params=[],
        header_params=headers,
        body=ours.content,
    )
    return str(Signer(SMSApiCredentials(KEY, SECRET)).sign(request).header_params["Authorization"])


def test_different_texts_are_sent_as_the_sdk_sends_them(client: Any, loopback: Loopback, same: Same) -> None:
    first = SmsContent(to=["+8613800138000"], template_id="t-1", template_paras=["369751", "张三"], signature="华为云")
    second = SmsContent(to=["+8613900139000"], template_id="t-2", signature="华为云")
    body = BatchSendDiffSmsRequestBody(_from="8824110605", status_callback=CALLBACK_URL, sms_content=[first, second])
    client.batch_send_diff_sms(BatchSendDiffSmsRequest(body=body))
    theirs = loopback.last
    adapter = sms(loopback)
    other = message(to={"type": "phone", "e164": "+8613900139000"}, content={"type": "template", "template": "t-2"})

    ours = authorize(adapter, adapter.build_batch([message(), other]))

    same(
        ours,
        theirs,
        operation="batchSendDiffSms",
        oracle=SDK,
        body="json",
        headers=("x-sdk-date", "content-type"),
        differing={}
        if theirs.headers["content-type"] == "application/json"
        else {"header content-type": "the SDK adds a charset"},
    )
    assert signed_by_the_sdk(ours) == ours.headers["authorization"]
    wire = httpx.Request("POST", f"{loopback.url}{theirs.target}", headers=theirs.headers, content=theirs.body)
    names = theirs.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    assert huawei_authorization(wire, names, key_id=KEY, secret=SECRET) == theirs.headers["authorization"]
    assert HuaweiSmsFace(ACCOUNT)._refused(wire, NOW) is None
    assert HuaweiSmsFace({**ACCOUNT, "app_secret": "other"})._refused(wire, NOW) is not None


def test_a_text_is_sent_as_the_sdk_would_send_it(client: Any, loopback: Loopback, same: Same) -> None:
    adapter = sms(loopback)
    ours = authorize(adapter, adapter.build(message()))
    form = BatchSendSmsRequestBody(
        _from="8824110605",
        to="+8613800138000",
        template_id="t-1",
        template_paras='["369751","张三"]',
        status_callback=CALLBACK_URL,
        extend="m-1",
        signature="华为云",
    )
    client.batch_send_sms(BatchSendSmsRequest(body=form))

    theirs = loopback.last

    headers = ("content-type", "x-sdk-date", "x-sdk-content-sha256")
    same(ours, theirs, operation="batchSendSms", oracle=SDK, body="form", headers=headers)
    assert signed_by_the_sdk(ours) == ours.headers["authorization"]
    wire = httpx.Request("POST", f"{loopback.url}{theirs.target}", headers=theirs.headers, content=theirs.body)
    names = theirs.headers["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    assert huawei_authorization(wire, names, key_id=KEY, secret=SECRET) == theirs.headers["authorization"]
    same.proven(operation="SDK-HMAC-SHA256 over a form", oracle=CORE)
