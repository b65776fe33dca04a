"""Accounts that the sandbox's tests share."""

import pytest

from recallgate import AccountConfig


@pytest.fixture(scope="session")
def texts() -> AccountConfig:
    """An account for texts, by telephone number."""
    settings = {"account_sid": "AC" + "1" * 32, "auth_token": "sandbox-token", "sender": "+15005550006"}
    return AccountConfig.build("twilio.sms", settings, name="texts")


@pytest.fixture(scope="session")
def calls() -> AccountConfig:
    """An account for calls."""
    settings = {"account_sid": "AC" + "1" * 32, "auth_token": "sandbox-token", "sender": "+15005550006"}
    return AccountConfig.build("twilio.voice", settings, name="calls")


@pytest.fixture(scope="session")
def mail() -> AccountConfig:
    """An account for mail, without encryption."""
    settings = {"host": "mail.sandbox.example", "sender": "shop@sandbox.example", "security": "none"}
    return AccountConfig.build("smtp.email", settings, name="mail")
