"""Yunpian's own SDK of 2017 against our adapter: equal requests, and one reading of the answers."""

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from yunpian_python_sdk.ypclient import YunpianClient

from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import Message, authorize
from recallgate.testing.exchanges import tools_of
from recallgate_adapters.yunpian import YunpianSms, YunpianSmsConfig

KEY = "9b11127a9701975c734b8aee81ee3526"
SDK = "yunpian-python-sdk"
CALLBACK_URL = "https://app.example/cb?m=m-1&k=status"
TAKEN = {"code": 0, "msg": "发送成功", "count": 1, "fee": 0.05, "unit": "RMB", "mobile": "13800138000", "sid": 3310228064}


@pytest.fixture
def client(loopback: Loopback) -> YunpianClient:
    loopback.answers(TAKEN)
    return YunpianClient(KEY, {"yp.sms.host": loopback.url})


def sms(**config: Any) -> YunpianSms:
    return YunpianSms(YunpianSmsConfig(apikey=KEY, sign_name="云片网", **config), tools_of(CALLBACK_URL))


def message(**over: Any) -> Message:
    content = {"type": "text", "text": "您的验证码是1234 & more"}
    to = {"type": "phone", "e164": "+8613800138000"}
    return Message.model_validate({"id": "m-1", "channel": "sms", "to": to, "content": content, "purpose": "service", **over})


def test_a_text_is_sent_as_the_sdk_sends_it(client: YunpianClient, loopback: Loopback, same: Same) -> None:
    told = {
        "mobile": "13800138000",
        "text": "【云片网】您的验证码是1234 & more",
        "extend": "01",
        "uid": "m-1",
        "callback_url": CALLBACK_URL,
    }
    answer = client.sms().single_send(told)
    adapter = sms(send_uid=True)
    mine = message(options={"yunpian.sms": {"extend": "01"}})

    ours = authorize(adapter, adapter.build(mine))

    same(ours, loopback.last, operation="single_send", oracle=SDK, body="form")
    assert adapter.parse(mine, httpx.Response(200, json=TAKEN)).vendor_id == str(answer.data()["sid"])


def test_a_text_abroad_is_sent_as_the_sdk_sends_it(client: YunpianClient, loopback: Loopback, same: Same) -> None:
    told = {"mobile": "+93701234567", "text": "【云片网】hi", "callback_url": CALLBACK_URL}
    client.sms().single_send(told)
    adapter = sms()
    mine = message(to={"type": "phone", "e164": "+93701234567"}, content={"type": "text", "text": "hi"})

    same(authorize(adapter, adapter.build(mine)), loopback.last, operation="single_send, abroad", oracle=SDK, body="form")


def test_a_template_is_sent_as_the_sdk_sends_it(client: YunpianClient, loopback: Loopback, same: Same) -> None:
    value = urlencode({"#code#": "1234", "#company#": "云片网"})
    client.sms().tpl_single_send({"mobile": "13800138000", "tpl_id": "1", "tpl_value": value})
    adapter = sms()
    mine = message(content={"type": "template", "template": "1", "variables": {"code": "1234", "company": "云片网"}})

    same(authorize(adapter, adapter.build(mine)), loopback.last, operation="tpl_single_send", oracle=SDK, body="form")


def test_a_batch_is_sent_as_the_sdk_sends_it(client: YunpianClient, loopback: Loopback, same: Same) -> None:
    client.sms().batch_send({"mobile": "13800138000,13900139000", "text": "【云片网】您的验证码是1234 & more"})
    adapter = sms()
    messages = [message(), message(to={"type": "phone", "e164": "+8613900139000"})]

    same(authorize(adapter, adapter.build_batch(messages)), loopback.last, operation="batch_send", oracle=SDK, body="form")
