"""Twilio's own library against our adapters: equal requests, and signatures that each side accepts from the other."""

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import Callback, ForgedCallback, Message, authorize
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.twilio_rest import signed_callback
from recallgate_adapters.twilio import TwilioSms, TwilioSmsConfig
from recallgate_adapters.twilio_signature import signature
from recallgate_adapters.twilio_voice import TwilioVoice, TwilioVoiceConfig

SID, TOKEN = "AC11111111111111111111111111111111", "0a1b2c3d4e5f60718293a4b5c6d7e8f9"
ACCOUNT: dict[str, Any] = {"account_sid": SID, "auth_token": TOKEN, "sender": "+15005550009"}
HEADERS = ("authorization", "content-type")
CALLBACK_URL = "https://app.example/cb?m=1&k=status"
FIELDS = [("MessageSid", "SM1"), ("MessageStatus", "delivered"), ("To", "+15005550006"), ("Body", "退订 & ok")]


@pytest.fixture
def client(loopback: Loopback) -> Client:
    client = Client(SID, TOKEN)
    client.api.base_url = loopback.url
    return client


def test_a_message_is_sent_as_the_library_sends_it(client: Client, loopback: Loopback, same: Same) -> None:
    loopback.answers({"sid": "SM1", "status": "queued"}, status=201)
    client.messages.create(to="+15005550006", from_="+15005550009", body="Hi 你好 & ü", status_callback=CALLBACK_URL)
    adapter = TwilioSms(TwilioSmsConfig(**ACCOUNT), tools_of(CALLBACK_URL))
    message = Message.sms("+15005550006", "Hi 你好 & ü", purpose="service")

    ours = authorize(adapter, adapter.build(message))

    same(ours, loopback.last, operation="message create", oracle="twilio", body="form", headers=HEADERS)


def test_a_message_through_a_service_is_sent_as_the_library_sends_it(client: Client, loopback: Loopback, same: Same) -> None:
    loopback.answers({"sid": "SM1", "status": "accepted"}, status=201)
    service = "MG22222222222222222222222222222222"
    client.messages.create(
        to="+15005550006", messaging_service_sid=service, content_sid="HX1", content_variables='{"1":"张三"}', attempt=2
    )
    adapter = TwilioSms(TwilioSmsConfig(**{**ACCOUNT, "sender": None, "messaging_service_sid": service}), tools_of(None))
    template: dict[str, Any] = {"type": "template", "template": "HX1", "variables": {"1": "张三"}}
    message = Message.model_validate(
        {
            "channel": "sms",
            "to": {"type": "phone", "e164": "+15005550006"},
            "content": template,
            "purpose": "service",
            "options": {"twilio.sms": {"attempt": 2}},
        }
    )

    ours = authorize(adapter, adapter.build(message))

    same(ours, loopback.last, operation="message create, service and template", oracle="twilio", body="form", headers=HEADERS)


def test_a_message_is_fetched_as_the_library_fetches_it(client: Client, loopback: Loopback, same: Same) -> None:
    loopback.answers({"sid": "SM1", "status": "delivered"})
    client.messages("SM1").fetch()
    adapter = TwilioSms(TwilioSmsConfig(**ACCOUNT), tools_of(None))
    question = adapter.build_lookup(Message.sms("+15005550006", "Hi", purpose="service"), "SM1")
    assert question is not None

    same(authorize(adapter, question), loopback.last, operation="message fetch", oracle="twilio", headers=("authorization",))


def test_a_call_is_made_as_the_library_makes_it(client: Client, loopback: Loopback, same: Same) -> None:
    loopback.answers({"sid": "CA1", "status": "queued"}, status=201)
    client.calls.create(
        to="+15005550006",
        from_="+15005550009",
        twiml='<Response><Say language="zh-CN">您好</Say></Response>',
        status_callback=CALLBACK_URL,
        status_callback_event=["initiated", "ringing", "answered", "completed"],
        timeout=30,
    )
    adapter = TwilioVoice(TwilioVoiceConfig(**ACCOUNT), tools_of(CALLBACK_URL))
    script: dict[str, Any] = {"type": "call", "say": [{"type": "say", "text": "您好", "language": "zh-CN"}], "ring_s": 30}
    message = Message.model_validate(
        {"channel": "voice", "to": {"type": "phone", "e164": "+15005550006"}, "content": script, "purpose": "service"}
    )

    ours = authorize(adapter, adapter.build(message))

    same(ours, loopback.last, operation="call create", oracle="twilio", body="form", headers=HEADERS)


def test_what_the_library_signs_is_believed(same: Same) -> None:
    told = RequestValidator(TOKEN).compute_signature(CALLBACK_URL, dict(FIELDS))
    headers = httpx.Headers({"x-twilio-signature": told, "content-type": "application/x-www-form-urlencoded"})
    callback = Callback("POST", CALLBACK_URL, headers, urlencode(FIELDS).encode(), NOW)
    adapter = TwilioSms(TwilioSmsConfig(**ACCOUNT), tools_of())

    (event,) = adapter.read_callback(callback).events
    assert event.status == "delivered"
    with pytest.raises(ForgedCallback):
        TwilioSms(TwilioSmsConfig(**{**ACCOUNT, "auth_token": "other"}), tools_of()).read_callback(callback)
    same.proven(operation="callback signed by the library, read by us", oracle="twilio")


def test_what_we_sign_is_believed_by_the_library(same: Same) -> None:
    validator = RequestValidator(TOKEN)
    callback = signed_callback(TOKEN, CALLBACK_URL, FIELDS, NOW)

    assert validator.validate(CALLBACK_URL, dict(callback.form), callback.headers["x-twilio-signature"])
    assert validator.validate(CALLBACK_URL, dict(FIELDS), signature(TOKEN, CALLBACK_URL, FIELDS))
    assert not validator.validate(CALLBACK_URL, dict(FIELDS), signature("other", CALLBACK_URL, FIELDS))
    same.proven(operation="callback signed by us, read by the library", oracle="twilio")
