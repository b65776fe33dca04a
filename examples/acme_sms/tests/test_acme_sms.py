"""Acme's exchanges as tests: the contract makes them from the table."""

from pathlib import Path
from typing import Any, ClassVar

from acme_sms.adapter import AcmeSms

from recallgate.testing import AdapterContract


class TestAcmeSms(AdapterContract):
    adapter = AcmeSms
    config: ClassVar[dict[str, Any]] = {"token": "a-token", "signing_key": "a-signing-key", "sender": "Acme"}
    message: ClassVar[dict[str, Any]] = {
        "channel": "sms",
        "to": {"type": "phone", "e164": "+14155550123"},
        "content": {"type": "text", "text": "Your code is 4821"},
        "purpose": "otp",
    }
    exchanges = Path(__file__).parent / "acme.sms.json"
