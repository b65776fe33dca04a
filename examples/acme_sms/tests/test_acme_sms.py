"""Acme's exchanges as tests: the contract makes them from the table."""

from pathlib import Path

from acme_sms.adapter import AcmeSms

from recallgate.testing import AdapterContract


class TestAcmeSms(AdapterContract):
    adapter = AcmeSms
    exchanges = Path(__file__).parent / "acme.sms.json"
