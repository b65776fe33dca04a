"""The conformance kit itself: a good adapter passes with no test of its own, and each kind of mistake is caught."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar

import httpx
import pytest
from pydantic import SecretStr

from recallgate import (
    Adapter,
    AdapterConfig,
    Callback,
    CallbackReading,
    ErrorKind,
    Event,
    EventType,
    Message,
    Receipt,
    SendError,
    Text,
    Token,
    TokenAuth,
    Tools,
    channels,
    http_kind,
    read_json,
    retry_after,
)
from recallgate.adapter import Capabilities
from recallgate.testing import AdapterContract


class AcmeConfig(AdapterConfig):
    base_url: str = "https://api.acme.example"
    key: SecretStr


class AcmeSms(Adapter):
    """A made-up vendor: a token is fetched first, messages go in batches, callbacks are not signed."""

    vendor, channel = "acme", channels.SMS
    Config = AcmeConfig
    errors: ClassVar = {"7": ErrorKind.INVALID_RECIPIENT}
    statuses: ClassVar = {"done": EventType.DELIVERED, "moving": None}
    capabilities = Capabilities(callbacks="secret_path", reports=True)
    batch_size: ClassVar[int] = 100

    def __init__(self, config: AcmeConfig, tools: Tools) -> None:
        super().__init__(config, tools)
        self.auth = TokenAuth(
            build=lambda: httpx.Request("POST", f"{config.base_url}/token", json={"key": config.key.get_secret_value()}),
            parse=lambda response: Token(read_json(response)["token"], tools.now() + timedelta(hours=1)),
            apply=lambda request, token: httpx.Request(
                request.method, request.url, headers={**request.headers, "x-token": token.value}, content=request.content
            ),
            expired=lambda response: response.status_code == 401,
            identity="acme",
        )

    def build(self, message: Message) -> httpx.Request:
        return self.build_batch([message])

    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        self.options(messages[0])
        if not isinstance(messages[0].content, Text):
            raise SendError(ErrorKind.UNSUPPORTED, "content", "content: acme.sms takes a text")
        body = {"text": messages[0].text, "to": [message.to.key for message in messages]}
        return httpx.Request("POST", f"{self.config.base_url}/send", json=body)

    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        (outcome,) = self.parse_batch([message], response)
        if isinstance(outcome, SendError):
            raise outcome
        return outcome

    def parse_batch(self, messages: Sequence[Message], response: httpx.Response) -> list[Receipt | SendError]:
        if response.status_code >= 400:
            answer = response.json() if response.content.startswith(b'{"') else {}
            code = str(answer.get("code", ""))
            kind = self.errors.get(code) or http_kind(response.status_code)
            raise SendError(kind, code or None, retry_at=retry_after(response, self.tools.now()))
        ids = read_json(response).get("ids")
        if not isinstance(ids, list) or len(ids) != len(messages):
            raise SendError(ErrorKind.UNCERTAIN, None, "not as many ids as messages")
        return [
            Receipt(message.id, given) if given else SendError(ErrorKind.INVALID_RECIPIENT, "7")
            for message, given in zip(messages, ids, strict=True)
        ]

    def read_callback(self, callback: Callback) -> CallbackReading:
        fields = dict(callback.form)
        status = fields.get("status", "")
        type_ = self.statuses.get(status, EventType.UNKNOWN)
        event = Event(type_ or EventType.UNKNOWN, vendor_id=fields.get("id"), vendor_event_id=f"{fields}", status=status)
        return CallbackReading(() if type_ is None else (event,))


ADDRESS = {"type": "phone", "e164": "+14155550123"}
TABLE: dict[str, Any] = {
    "codes": {"7": "invalid_recipient"},
    "statuses": {"done": "delivered", "moving": None},
    "refusal": {"status": 400, "body": '{"code": $code, "words": "not $to"}'},
    "requests": [
        {
            "name": "one",
            "expected": {
                "url": "https://api.acme.example/send",
                "headers": {"x-token": "a-token-for-tests"},
                "json": {"text": "Hi", "to": ["+14155550123"]},
            },
        }
    ],
    "answers": [{"name": "taken", "body": {"ids": ["a1"]}, "receipt": {"vendor_id": "a1"}}],
    "callbacks": [
        {
            "name": name,
            "request": {"url": "https://app.example/callbacks/acme/s", "body": f"id=a1&status={name}"},
            "events": [
                {"type": type_, "vendor_id": "a1", "vendor_event_id": f"{{'id': 'a1', 'status': '{name}'}}", "status": name}
            ],
        }
        for name, type_ in (("done", "delivered"), ("lost", "unknown"))
    ],
    "batches": [
        {
            "name": "two",
            "messages": [{}, {"id": "b", "to": {**ADDRESS, "e164": "+14155550199"}}],
            "expected": {"url": "https://api.acme.example/send", "json": {"text": "Hi", "to": ["+14155550123", "+14155550199"]}},
            "answer": {"body": {"ids": ["a1", None]}},
            "outcomes": [{"receipt": {"vendor_id": "a1"}}, {"error": {"kind": "invalid_recipient", "code": "7"}}],
        }
    ],
}


class TestAcmeSms(AdapterContract):
    adapter = AcmeSms
    config: ClassVar = {"key": "s3cret-key"}
    message: ClassVar = {"channel": "sms", "to": ADDRESS, "content": {"type": "text", "text": "Hi"}, "purpose": "service"}
    exchanges = TABLE


def test_a_table_gives_at_least_25_cases(request: pytest.FixtureRequest) -> None:
    mine = [item for item in request.session.items if item.nodeid.split("::")[1] == "TestAcmeSms"]

    assert len(mine) >= 25


def test_cases_that_do_not_apply_are_not_collected() -> None:
    assert TestAcmeSms.test_forged_callback_without_a_signature_is_refused is None
    assert TestAcmeSms.test_lookup_is_in_the_table is None
    assert TestAcmeSms.test_batch_is_in_the_table is not None


class _Leaky(AcmeSms):
    def __repr__(self) -> str:
        return f"AcmeSms({self.config.key.get_secret_value()})"


class _Moody(AcmeSms):
    def build(self, message: Message) -> httpx.Request:
        request = super().build(message)
        request.headers["x-id"] = str(id(request))
        self.kept = [*getattr(self, "kept", []), request]
        return request


class _Careless(AcmeSms):
    def parse(self, message: Message, response: httpx.Response) -> Receipt:
        return Receipt(message.id, "always")


class _Stubborn(AcmeSms):
    def build_batch(self, messages: Sequence[Message]) -> httpx.Request:
        return httpx.Request("POST", "https://api.acme.example/send", json={"to": [m.to.key for m in messages]})


class _Talkative(AcmeSms):
    def build(self, message: Message) -> httpx.Request:
        request = super().build(message)
        return httpx.Request(request.method, request.url, params={"key": self.config.key.get_secret_value()})


@pytest.mark.parametrize(
    ("broken", "case", "arguments"),
    [
        (_Leaky, "test_secrets_are_in_no_repr_exception_or_log", {}),
        (_Moody, "test_building_twice_gives_equal_requests", {}),
        (_Careless, "test_an_unreadable_success_is_uncertain", {"body": b""}),
        (_Careless, "test_an_http_fault_has_its_kind", {"fault": (503, ErrorKind.UNAVAILABLE), "fault_body": b""}),
        (_Careless, "test_too_many_requests_wait_as_long_as_told", {"wait": ("30", timedelta(seconds=30))}),
        (_Careless, "test_a_code_never_seen_is_kept", {}),
        (_Stubborn, "test_another_base_url_is_used", {}),
        (_Stubborn, "test_a_misspelt_option_is_refused_by_name", {}),
        (_Stubborn, "test_a_content_of_another_channel_is_refused", {}),
        (_Stubborn, "test_a_recorded_request_is_made_again", {"request_row": TABLE["requests"][0]}),
        (_Stubborn, "test_batch_rows_are_sent_and_read", {"batch_row": TABLE["batches"][0]}),
        (_Talkative, "test_credentials_are_not_in_a_built_request", {}),
    ],
)
def test_a_mistake_is_caught(broken: type[AcmeSms], case: str, arguments: dict[str, Any]) -> None:
    contract = type("Contract", (TestAcmeSms,), {"adapter": broken})()

    with pytest.raises(AssertionError):
        getattr(contract, case)(**arguments)
