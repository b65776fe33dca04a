"""Aliyun's own SDKs against our adapters: the same parameters, and signatures that each side computes for the other."""

import hashlib
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from alibabacloud_dysmsapi20170525.client import Client
from alibabacloud_dysmsapi20170525.models import QuerySendDetailsRequest, SendBatchSmsRequest, SendSmsRequest
from alibabacloud_dyvmsapi20170525.client import Client as VoiceClient
from alibabacloud_dyvmsapi20170525.models import QueryCallDetailByCallIdRequest, SingleCallByTtsRequest, SingleCallByVoiceRequest
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_openapi.utils import Utils
from aliyunsdkcore.auth.composer.rpc_signature_composer import get_signed_url

from oracles.loopback import Loopback, Recorded
from oracles.same import Same, differences
from recallgate import Message, authorize
from recallgate.testing.exchanges import NONCE, NOW, tools_of
from recallgate_adapters._signing import rpc_signature
from recallgate_adapters.aliyun import AliyunSms, AliyunSmsConfig
from recallgate_adapters.aliyun_voice import AliyunVoice, AliyunVoiceConfig
from recallgate_adapters.faces.aliyun_rest import refused_credentials

KEY, SECRET = "testAccessKeyId0001", "testAccessKeySecret0001"
ACCOUNT: dict[str, Any] = {"access_key_id": KEY, "access_key_secret": SECRET, "sign_name": "阿里云短信测试"}
SDK = "alibabacloud_dysmsapi20170525"
VOICE_SDK = "alibabacloud_dyvmsapi20170525"
ACS_HEADERS = ("x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce")
SYSTEM = {
    *("Action", "Version", "Format", "AccessKeyId", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"),
    "Signature",
}
# Addresses are logged on the way, and the parameters name a person: so ours are in the form body.
IN_THE_BODY = {
    "acs3": "equal parameters, ours all in the body; we sign host, content-type and x-acs-*, the SDK every header it sets",
    "rpc": "equal parameters and equal signature; ours all in the body",
}
PARAM = '{"name":"张 三*~","url":"a/b?c=1&d=2"}'


@pytest.fixture(params=["acs3", "rpc"])
def style(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def config(style: str, loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Config:
    """An SDK that talks to this machine at one instant with one nonce."""
    monkeypatch.setattr(Utils, "get_nonce", staticmethod(lambda: NONCE[:32]))
    monkeypatch.setattr(Utils, "get_timestamp", staticmethod(lambda: NOW.strftime("%Y-%m-%dT%H:%M:%SZ")))
    loopback.answers({"Code": "OK", "Message": "OK", "RequestId": "R", "BizId": "1^0", "CallId": "c"})
    algorithm = "v2" if style == "rpc" else None
    return Config(
        access_key_id=KEY,
        access_key_secret=SECRET,
        endpoint=loopback.host,
        protocol="http",
        signature_algorithm=algorithm,
        region_id="cn-hangzhou",
    )


def message(**over: Any) -> Message:
    content = {"type": "template", "template": "SMS_1", "variables": {"name": "张 三*~", "url": "a/b?c=1&d=2"}}
    to = {"type": "phone", "e164": "+8613800138000"}
    return Message.model_validate({"id": "m-1", "channel": "sms", "to": to, "content": content, "purpose": "marketing", **over})


def in_the_body(theirs: Recorded) -> Recorded:
    """Their request with its business parameters moved to where ours travel."""
    pairs = parse_qsl(theirs.query, keep_blank_values=True)
    body = [*(pair for pair in pairs if pair[0] not in SYSTEM), *parse_qsl(theirs.body.decode(), keep_blank_values=True)]
    query = urlencode([pair for pair in pairs if pair[0] in SYSTEM])
    return Recorded(theirs.method, f"{theirs.path}?{query}" if query else theirs.path, theirs.headers, urlencode(body).encode())


def compare(ours: httpx.Request, theirs: Recorded, style: str, same: Same, *, operation: str, oracle: str) -> None:
    headers = ACS_HEADERS if style == "acs3" else ()
    assert differences(ours, in_the_body(theirs), body="form", headers=headers) == {}
    if style == "acs3":
        assert acs3_by_the_sdk(ours) == ours.headers["authorization"]
    wire = httpx.Request("POST", f"http://{theirs.headers['host']}{theirs.target}", headers=theirs.headers, content=theirs.body)
    assert refused_credentials(ACCOUNT, wire, NOW) is None, "the face believes the SDK"
    assert refused_credentials({**ACCOUNT, "access_key_secret": "other"}, wire, NOW) is not None
    name = {"acs3": "ACS3", "rpc": "HMAC-SHA1"}[style]
    same.proven(operation=f"{operation}, {name}", oracle=oracle, outcome=IN_THE_BODY[style])


def acs3_by_the_sdk(ours: httpx.Request) -> str:
    """What the SDK's signer makes of our headers and body."""
    headers = {
        name: value for name, value in ours.headers.items() if name in ("content-type", "host") or name.startswith("x-acs-")
    }
    request = SimpleNamespace(method="POST", pathname="/", query={}, headers=headers)
    body_hash = hashlib.sha256(ours.content).hexdigest()
    return str(Utils.get_authorization(request, "ACS3-HMAC-SHA256", body_hash, KEY, SECRET))


def sms(style: Any) -> AliyunSms:
    return AliyunSms(AliyunSmsConfig(**ACCOUNT, signing=style), tools_of())


def test_a_message_is_sent_as_the_sdk_sends_it(config: Config, style: str, loopback: Loopback, same: Same) -> None:
    Client(config).send_sms(
        SendSmsRequest(
            phone_numbers="13800138000",
            sign_name="阿里云短信测试",
            template_code="SMS_1",
            template_param=PARAM,
            out_id="m-1",
            sms_up_extend_code="01",
        )
    )
    adapter = sms(style)

    ours = authorize(adapter, adapter.build(message(options={"aliyun.sms": {"extend_code": "01"}})))

    compare(ours, loopback.last, style, same, operation="SendSms", oracle=SDK)


def test_a_batch_is_sent_as_the_sdk_sends_it(config: Config, style: str, loopback: Loopback, same: Same) -> None:
    Client(config).send_batch_sms(
        SendBatchSmsRequest(
            phone_number_json='["13800138000","13900139000"]',
            sign_name_json='["阿里云短信测试","签名B"]',
            template_code="SMS_1",
            template_param_json=f'[{PARAM},{{"name":"李"}}]',
        )
    )
    adapter = sms(style)
    other = message(
        to={"type": "phone", "e164": "+8613900139000"},
        sender="签名B",
        content={"type": "template", "template": "SMS_1", "variables": {"name": "李"}},
    )

    ours = authorize(adapter, adapter.build_batch([message(), other]))

    compare(ours, loopback.last, style, same, operation="SendBatchSms", oracle=SDK)


def test_details_are_asked_for_as_the_sdk_asks(config: Config, style: str, loopback: Loopback, same: Same) -> None:
    Client(config).query_send_details(
        QuerySendDetailsRequest(biz_id="1^0", phone_number="13800138000", send_date="20261120", page_size=10, current_page=1)
    )
    adapter = sms(style)
    question = adapter.build_lookup(message(), "1^0")
    assert question is not None

    compare(authorize(adapter, question), loopback.last, style, same, operation="QuerySendDetails", oracle=SDK)


def voice(style: Any) -> AliyunVoice:
    names = {"access_key_id": KEY, "access_key_secret": SECRET, "show_number": "05710000000", "recordings": {"jingle": "a.wav"}}
    return AliyunVoice(AliyunVoiceConfig(**names, signing=style), tools_of())


def call(template: str, **variables: str) -> Message:
    content = {"type": "template", "template": template, "variables": variables}
    options = {"aliyun.voice": {"play_times": 2, "volume": 100, "speed": 0}}
    return message(channel="voice", content=content, options=options)


def test_a_text_is_read_out_as_the_sdk_asks_for_it(config: Config, style: str, loopback: Loopback, same: Same) -> None:
    VoiceClient(config).single_call_by_tts(
        SingleCallByTtsRequest(
            called_number="13800138000",
            called_show_number="05710000000",
            tts_code="TTS_1",
            tts_param='{"name":"张三"}',
            play_times=2,
            volume=100,
            speed=0,
            out_id="m-1",
        )
    )
    adapter = voice(style)

    ours = authorize(adapter, adapter.build(call("TTS_1", name="张三")))

    compare(ours, loopback.last, style, same, operation="SingleCallByTts", oracle=VOICE_SDK)


def test_a_recording_is_played_as_the_sdk_asks_for_it(config: Config, style: str, loopback: Loopback, same: Same) -> None:
    VoiceClient(config).single_call_by_voice(
        SingleCallByVoiceRequest(
            called_number="13800138000",
            called_show_number="05710000000",
            voice_code="a.wav",
            play_times=2,
            volume=100,
            speed=0,
            out_id="m-1",
        )
    )
    adapter = voice(style)

    ours = authorize(adapter, adapter.build(call("jingle")))

    compare(ours, loopback.last, style, same, operation="SingleCallByVoice", oracle=VOICE_SDK)


def test_a_call_is_asked_for_as_the_sdk_asks(config: Config, style: str, loopback: Loopback, same: Same) -> None:
    VoiceClient(config).query_call_detail_by_call_id(
        QueryCallDetailByCallIdRequest(call_id="c^1", prod_id=11000000300006, query_date=1795104000000)
    )
    adapter = voice(style)
    question = adapter.build_lookup(call("jingle"), "c^1")
    assert question is not None

    compare(authorize(adapter, question), loopback.last, style, same, operation="QueryCallDetailByCallId", oracle=VOICE_SDK)


def test_the_classic_sdk_and_we_make_one_signature(same: Same) -> None:
    params = {"Action": "SendSms", "Version": "2017-05-25", "PhoneNumbers": "13800138000"}
    url, _ = get_signed_url(params, KEY, SECRET, "JSON", "POST", {"TemplateParam": PARAM})
    told = dict(parse_qsl(url.partition("?")[2], keep_blank_values=True))
    shown = told.pop("Signature")

    assert rpc_signature("POST", {**told, "TemplateParam": PARAM}, secret=SECRET) == shown
    same.proven(operation="HMAC-SHA1 signature, query and body", oracle="aliyun-python-sdk-core")
