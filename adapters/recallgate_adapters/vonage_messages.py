"""Vonage messages, as SMS: POST /v1/messages, JSON, a token signed with RS256 or HTTP Basic.

Source: vonage-messages 1.8.1 and "Messages API status callbacks", vendor documents, read 2026-11-22.
Quirk: unlike the older SMS interface it takes a callback address of any length, and signs its webhooks with a token.
Quirk: the URL of a webhook is not signed, so our id is read from client_ref first.
Quirk: the alphabet is chosen by the vendor.
Quirk: a failed message carries a problem document, whose codes are not listed anywhere we could read.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import httpx
from pydantic import SecretStr, model_validator

from recallgate import (
    Adapter,
    AdapterConfig,
    AdapterOptions,
    Basic,
    Callback,
    CallbackReading,
    Capabilities,
    Event,
    EventType,
    Message,
    Receipt,
    Signed,
    Tools,
    channels,
)
from recallgate_adapters._shared import mask_digits, part_of, phone, present
from recallgate_adapters._sms import iso_time, reported, said, sender_of, validity_s, without_plus
from recallgate_adapters.vonage import STATUSES, VALIDITY_S
from recallgate_adapters.vonage_rest import problem_code, read_answer, read_webhook, with_token

LONGEST_TEXT = 3200


class VonageMessagesConfig(AdapterConfig):
    """An application (`application_id`, `private_key`) or an account (`api_key`, `api_secret`).

    `signature_secret` of the account verifies webhooks.
    """

    dsn_user: ClassVar[str] = "api_key"
    dsn_password: ClassVar[str] = "api_secret"  # noqa: S105 - the name of a field
    base_url: str = "https://api.nexmo.com"
    application_id: str | None = None
    private_key: SecretStr | None = None
    api_key: str | None = None
    api_secret: SecretStr | None = None
    signature_secret: SecretStr | None = None
    sender: str | None = None

    @model_validator(mode="after")
    def _one_way_in(self) -> "VonageMessagesConfig":
        application, account = (self.application_id, self.private_key), (self.api_key, self.api_secret)
        if all(application) == all(account) or any(application) == any(account):
            raise ValueError("give application_id and private_key, or api_key and api_secret")
        return self


class VonageMessagesOptions(AdapterOptions):
    """Options of one message. `entity_id` and `content_id` are the registrations that India asks for."""

    entity_id: str | None = None
    content_id: str | None = None
    pool_id: str | None = None


class VonageMessages(Adapter):
    vendor, channel, api = "vonage", channels.SMS, 1
    needs = {"cryptography": "recallgate[sms]", "jwt": "recallgate[sms]"}
    product: ClassVar[str | None] = "messages"
    Config, Options = VonageMessagesConfig, VonageMessagesOptions
    statuses = STATUSES
    capabilities: ClassVar[Capabilities] = Capabilities(callbacks="signature", reports=True, validity=True)
    config: VonageMessagesConfig

    def __init__(self, config: VonageMessagesConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = Basic("api_key", "api_secret") if config.api_key else Signed(self._sign)
        self.endpoint = httpx.URL(f"{config.base_url.rstrip('/')}/v1/messages")

    def build(self, message: Message) -> httpx.Request:
        options: VonageMessagesOptions = self.options(message)
        chosen = present(options.model_dump())
        written = {
            "to": without_plus(phone(message)),
            "from": without_plus(sender_of(message, self.config.sender)),
            "channel": "sms",
            "message_type": "text",
            "text": said(message, self.adapter_name(), longest=LONGEST_TEXT),
            "ttl": validity_s(message, self.tools.now(), least=VALIDITY_S[0], most=VALIDITY_S[1]),
            "client_ref": message.id,
            "webhook_url": self.tools.callback_url(message, "status"),
            "sms": chosen or None,
        }
        return httpx.Request("POST", self.endpoint, json=present(written))

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        answer = read_answer(response, "message_uuid", now=self.tools.now())
        return Receipt(message_id=message.id, vendor_id=answer["message_uuid"])

    def read_callback(self, callback: Callback) -> CallbackReading:
        fields = read_webhook(callback, self.config.signature_secret)
        if "status" not in fields:
            return CallbackReading()
        return CallbackReading((_report(fields, str(fields.get("client_ref") or "") or callback.message_id),))

    def _sign(self, request: httpx.Request) -> httpx.Request:
        assert self.config.application_id is not None
        assert self.config.private_key is not None
        private_key = self.config.private_key.get_secret_value()
        return with_token(request, application_id=self.config.application_id, private_key=private_key, tools=self.tools)


def _report(fields: Mapping[str, Any], message_id: str | None) -> Event:
    status, uuid = str(fields.get("status") or ""), str(fields.get("message_uuid") or "")
    type_ = STATUSES.get(status) or EventType.UNKNOWN
    error, usage = part_of(fields, "error"), part_of(fields, "usage")
    told = {
        "error": mask_digits(str(error.get("detail") or error.get("title") or "")),
        "price": str(usage.get("price") or ""),
        "currency": str(usage.get("currency") or ""),
        "network": str(part_of(fields, "destination").get("network_code") or ""),
    }
    at, code = iso_time(fields.get("timestamp")), problem_code(error)
    return reported(type_, status, code, vendor_id=uuid, message_id=message_id, errors={}, at=at, data=told)
