"""Tencent Cloud's own SDKs against our adapters: equal requests, and one signature over one body."""

import hashlib
import time
from typing import Any

import httpx
import pytest
from tencentcloud.common.credential import Credential
from tencentcloud.common.exception.tencent_cloud_sdk_exception import TencentCloudSDKException
from tencentcloud.common.profile.client_profile import ClientProfile
from tencentcloud.common.profile.http_profile import HttpProfile
from tencentcloud.common.sign import Sign
from tencentcloud.sms.v20210111.models import PullSmsSendStatusByPhoneNumberRequest, SendSmsRequest
from tencentcloud.sms.v20210111.sms_client import SmsClient
from tencentcloud.vms.v20200902.models import SendTtsVoiceRequest
from tencentcloud.vms.v20200902.vms_client import VmsClient

from oracles.loopback import Loopback, Recorded
from oracles.same import Same
from recallgate import Message, SendError, authorize
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters._signing import tc3_authorization
from recallgate_adapters.faces.tencent_rest import refused_credentials
from recallgate_adapters.tencent import TencentSms, TencentSmsConfig
from recallgate_adapters.tencent_voice import TencentVoice, TencentVoiceConfig

SECRET_ID, SECRET_KEY = "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"
ACCOUNT: dict[str, Any] = {"secret_id": SECRET_ID, "secret_key": SECRET_KEY, "sdk_app_id": "1400006666"}
HEADERS = ("content-type", "x-tc-action", "x-tc-version", "x-tc-region", "x-tc-timestamp")


@pytest.fixture
def profile(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> ClientProfile:
    """An SDK that talks to this machine at one instant."""
    monkeypatch.setattr(time, "time", lambda: NOW.timestamp())
    return ClientProfile(httpProfile=HttpProfile(protocol="http", endpoint=loopback.host))


def signed_alike(ours: httpx.Request, theirs: Recorded, *, service: str) -> None:
    """Their signer makes our signature, ours makes theirs, and the face believes them."""
    day = NOW.strftime("%Y-%m-%d")
    signer = f"TC3-HMAC-SHA256\n{int(NOW.timestamp())}\n{day}/{service}/tc3_request\n"
    names = ("content-type", "host")
    lines = "".join(f"{name}:{ours.headers[name]}\n" for name in names)
    body_hash = hashlib.sha256(ours.content).hexdigest()
    canonical = f"POST\n/\n\n{lines}\ncontent-type;host\n{body_hash}"
    made = Sign.sign_tc3(SECRET_KEY, day, service, signer + hashlib.sha256(canonical.encode()).hexdigest())
    assert ours.headers["authorization"].endswith(f"Signature={made}")

    wire = httpx.Request("POST", f"http://{theirs.headers['host']}/", headers=theirs.headers, content=theirs.body)
    shown = theirs.headers["authorization"]
    assert tc3_authorization(wire, names, key_id=SECRET_ID, secret=SECRET_KEY, service=service) == shown
    assert refused_credentials(ACCOUNT, wire, NOW, service=service) is None
    assert refused_credentials({**ACCOUNT, "secret_key": "other"}, wire, NOW, service=service) is not None


def message(**over: Any) -> Message:
    content = {"type": "template", "template": "1234", "variables": {"name": "张三", "points": "88"}}
    to = {"type": "phone", "e164": "+8613800138000"}
    return Message.model_validate({"id": "m-1", "channel": "sms", "to": to, "content": content, "purpose": "marketing", **over})


def sms() -> TencentSms:
    return TencentSms(TencentSmsConfig(**ACCOUNT, sign_name="腾讯云"), tools_of())


def test_a_message_is_sent_as_the_sdk_sends_it(profile: ClientProfile, loopback: Loopback, same: Same) -> None:
    row = {"SerialNo": "2028:1", "PhoneNumber": "+8613800138000", "Fee": 1, "SessionContext": "m-1", "Code": "Ok"}
    loopback.answers({"Response": {"SendStatusSet": [row], "RequestId": "R"}})
    request = SendSmsRequest()
    request.PhoneNumberSet = ["+8613800138000"]
    request.SmsSdkAppId, request.SignName, request.TemplateId = "1400006666", "腾讯云", "1234"
    request.TemplateParamSet, request.SessionContext, request.ExtendCode = ["张三", "88"], "m-1", "12"
    answer = SmsClient(Credential(SECRET_ID, SECRET_KEY), "ap-guangzhou", profile).SendSms(request)
    adapter = sms()

    ours = authorize(adapter, adapter.build(message(options={"tencent.sms": {"extend_code": "12"}})))

    same(ours, loopback.last, operation="SendSms", oracle="tencentcloud-sdk-python-sms", body="json", headers=HEADERS)
    signed_alike(ours, loopback.last, service="sms")
    receipt = adapter.parse(message(), httpx.Response(200, json={"Response": {"SendStatusSet": [row]}}))
    assert receipt.vendor_id == answer.SendStatusSet[0].SerialNo


def test_a_batch_is_sent_as_the_sdk_sends_it(profile: ClientProfile, loopback: Loopback, same: Same) -> None:
    loopback.answers({"Response": {"SendStatusSet": [], "RequestId": "R"}})
    request = SendSmsRequest()
    request.PhoneNumberSet = ["+8613800138000", "+8613900139000"]
    request.SmsSdkAppId, request.SignName, request.TemplateId = "1400006666", "腾讯云", "1234"
    request.TemplateParamSet = ["张三", "88"]
    SmsClient(Credential(SECRET_ID, SECRET_KEY), "ap-guangzhou", profile).SendSms(request)
    adapter = sms()

    ours = authorize(adapter, adapter.build_batch([message(), message(to={"type": "phone", "e164": "+8613900139000"})]))

    same(
        ours, loopback.last, operation="SendSms, two numbers", oracle="tencentcloud-sdk-python-sms", body="json", headers=HEADERS
    )
    signed_alike(ours, loopback.last, service="sms")


def test_a_number_is_asked_for_as_the_sdk_asks(profile: ClientProfile, loopback: Loopback, same: Same) -> None:
    loopback.answers({"Response": {"PullSmsSendStatusSet": [], "RequestId": "R"}})
    request = PullSmsSendStatusByPhoneNumberRequest()
    request.BeginTime, request.Offset, request.Limit = int(NOW.timestamp()) - 86400, 0, 100
    request.PhoneNumber, request.SmsSdkAppId = "+8613800138000", "1400006666"
    SmsClient(Credential(SECRET_ID, SECRET_KEY), "ap-guangzhou", profile).PullSmsSendStatusByPhoneNumber(request)
    adapter = sms()
    question = adapter.build_lookup(message(), None)
    assert question is not None

    ours = authorize(adapter, question)

    same(
        ours,
        loopback.last,
        operation="PullSmsSendStatusByPhoneNumber",
        oracle="tencentcloud-sdk-python-sms",
        body="json",
        headers=HEADERS,
    )


def test_a_refusal_is_one_for_both(profile: ClientProfile, loopback: Loopback, same: Same) -> None:
    body = {"Response": {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "bad"}, "RequestId": "R"}}
    loopback.answers(body)
    with pytest.raises(TencentCloudSDKException) as theirs:
        SmsClient(Credential(SECRET_ID, SECRET_KEY), "ap-guangzhou", profile).SendSms(SendSmsRequest())
    with pytest.raises(SendError) as ours:
        sms().parse(message(), httpx.Response(200, json=body))

    assert theirs.value.code == ours.value.code
    same.proven(operation="a refusal with HTTP 200", oracle="tencentcloud-sdk-python-common")


def test_a_call_is_made_as_the_sdk_makes_it(profile: ClientProfile, loopback: Loopback, same: Same) -> None:
    told = {"Response": {"SendStatus": {"CallId": "c-1", "SessionContext": "m-1"}, "RequestId": "R"}}
    loopback.answers(told)
    request = SendTtsVoiceRequest()
    request.TemplateId, request.CalledNumber, request.VoiceSdkAppid = "4356", "+8613800138000", "1400006666"
    request.TemplateParamSet, request.PlayTimes, request.SessionContext = ["李四"], 2, "m-1"
    answer = VmsClient(Credential(SECRET_ID, SECRET_KEY), "ap-guangzhou", profile).SendTtsVoice(request)
    adapter = TencentVoice(TencentVoiceConfig(**ACCOUNT), tools_of())
    content = {"type": "template", "template": "4356", "variables": {"name": "李四"}}
    call = message(channel="voice", content=content, options={"tencent.voice": {"play_times": 2}})

    ours = authorize(adapter, adapter.build(call))

    same(ours, loopback.last, operation="SendTtsVoice", oracle="tencentcloud-sdk-python-vms", body="json", headers=HEADERS)
    signed_alike(ours, loopback.last, service="vms")
    assert adapter.parse(call, httpx.Response(200, json=told)).vendor_id == answer.SendStatus.CallId
