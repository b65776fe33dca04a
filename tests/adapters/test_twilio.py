"""Twilio keeps the contract of adapters, for SMS and for calls, and each of its quirks."""

from pathlib import Path

from recallgate.testing import AdapterContract
from recallgate_adapters.twilio import TwilioSms
from recallgate_adapters.twilio_voice import TwilioVoice

EXCHANGES = Path(__file__).parent.parent / "data" / "exchanges"
ACCOUNT = {
    "account_sid": "AC11111111111111111111111111111111",
    "auth_token": "0a1b2c3d4e5f60718293a4b5c6d7e8f9",
    "callback_key": "shared-key-4f1d",
    "sender": "+15005550009",
}


class TestTwilioSms(AdapterContract):
    adapter = TwilioSms
    config = {**ACCOUNT, "templates": {"winback": "HX33333333333333333333333333333333"}}
    message = {
        "channel": "sms",
        "to": {"type": "phone", "e164": "+15005550006"},
        "content": {"type": "text", "text": "Hi"},
        "purpose": "marketing",
    }
    exchanges = EXCHANGES / "twilio.sms.json"


class TestTwilioVoice(AdapterContract):
    adapter = TwilioVoice
    config = ACCOUNT
    message = {
        "channel": "voice",
        "to": {"type": "phone", "e164": "+15005550006"},
        "content": {"type": "call", "say": [{"type": "say", "text": "您好", "language": "zh-CN"}]},
        "purpose": "service",
    }
    exchanges = EXCHANGES / "twilio.voice.json"
