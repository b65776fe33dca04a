"""Examples are found for adapters that nobody here has seen."""

import base64
from collections.abc import Mapping
from typing import Literal

import httpx
import pytest
from pydantic import Field, SecretStr, field_validator, model_validator

from recallgate import Adapter, AdapterConfig, Bearer, Capabilities, ConfigError, ErrorKind, Message, SendError, channels
from recallgate.cli.examples import example_of


class ChoosyConfig(AdapterConfig):
    """Wants a key of 32 bytes, a zone of its own, and one of two senders."""

    key: SecretStr
    zone: Literal["cn-1", "cn-2"]
    app: int = Field(ge=2, le=50)
    rate_table: Mapping[str, float]
    sender_pool: str | None = None
    sign_name: str | None = None
    templates: Mapping[str, str] = Field(default_factory=dict)

    @field_validator("key")
    @classmethod
    def _whole_key(cls, value: SecretStr) -> SecretStr:
        if len(base64.b64decode(value.get_secret_value() + "=")) != 32:
            raise ValueError("not 32 bytes")
        return value

    @model_validator(mode="after")
    def _a_sender(self) -> "ChoosyConfig":
        if not self.sender_pool:
            raise ValueError("give sender_pool")
        return self


class Choosy(Adapter):
    """Sends templates only, to China only, and only those that the account has registered."""

    vendor, channel = "choosy", channels.SMS
    Config = ChoosyConfig
    capabilities = Capabilities(templates_only=True)
    auth = Bearer("key")

    def build(self, message: Message) -> httpx.Request:
        if message.content.type != "template":
            raise SendError(ErrorKind.UNSUPPORTED, "content", "templates only")
        if not message.to.key.startswith("+86"):
            raise SendError(ErrorKind.UNSUPPORTED_REGION, "to", "China only")
        if not self.config.sign_name:
            raise SendError(ErrorKind.TEMPLATE_OR_SIGNATURE, "signature", "set sign_name on the account")
        if message.content.template not in self.config.templates:
            raise SendError(ErrorKind.TEMPLATE_OR_SIGNATURE, "template", "it is not in templates of the account")
        return httpx.Request("POST", "https://choosy.example", json={"to": message.to.key})


class Impossible(Choosy):
    """Refuses everything."""

    def build(self, message: Message) -> httpx.Request:
        raise SendError(ErrorKind.UNSUPPORTED, "content", "never")


def test_refusals_lead_to_the_example():
    config, message = example_of(Choosy)

    assert set(config) == {"key", "zone", "app", "rate_table", "sender_pool", "sign_name", "templates"}
    assert message["content"]["type"] == "template"
    assert message["to"]["e164"].startswith("+86")
    assert message["content"]["template"] in config["templates"]


def test_no_example_is_said_with_the_refusal():
    with pytest.raises(ConfigError, match=r"choosy\.sms: no example .* never"):
        example_of(Impossible)
