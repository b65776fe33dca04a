"""The signed webhook keeps the contract of adapters, and its receivers can tell ours from forged and old ones."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from adapters.wire import DATA, NOW, asked, fault_kind, refusal, response, sent, tools
from recallgate import Content, Endpoint, ErrorKind, Fault, Message, Payload, Purpose, authorize
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.webhook import WebhookFace
from recallgate_adapters.webhook import Webhook, WebhookConfig, verify

ACCOUNT = {"secret": "whsec-0815"}
URL = "https://receiver.example/hooks/1?a=b"


class TestWebhook(AdapterContract):
    adapter = Webhook
    config = ACCOUNT
    message = {
        "channel": "webhook",
        "to": {"type": "endpoint", "url": URL},
        "content": {"type": "payload", "data": {"event": "lapsed", "days": 30}},
        "purpose": "service",
    }
    exchanges = DATA / "exchanges" / "webhook.http.json"
    # A 2xx is the whole answer: no body can make it unreadable.
    test_an_unreadable_success_is_uncertain = None  # type: ignore[assignment]


def an_adapter(**config: Any) -> Webhook:
    return Webhook(WebhookConfig.model_validate({**ACCOUNT, **config}), tools(NOW))


def a_message(content: Content | None = None, **fields: Any) -> Message:
    body = content or Payload(data={"text": "see https://shop.example/a"})
    return Message(id="m1", channel="webhook", to=Endpoint(url=URL), content=body, purpose=Purpose.SERVICE, **fields)


def a_request(**config: Any) -> httpx.Request:
    adapter = an_adapter(**config)
    return authorize(adapter, adapter.build(a_message()))


def test_a_receiver_believes_what_was_signed() -> None:
    request = a_request()

    assert verify("whsec-0815", request.headers, request.content, now=NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_receiver_refuses_what_is_older_than_five_minutes_or_from_the_future(seconds: int) -> None:
    request = a_request()

    assert verify("whsec-0815", request.headers, request.content, now=NOW + timedelta(seconds=300))
    assert not verify("whsec-0815", request.headers, request.content, now=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    "over",
    [
        {"x-recallgate-signature": "v1=00"},
        {"x-recallgate-signature": ""},
        {"x-recallgate-signature": "é"},
        {"x-recallgate-timestamp": "1795140001"},
        {"x-recallgate-timestamp": "soon"},
        {"x-recallgate-timestamp": ""},
    ],
)
def test_a_receiver_refuses_another_signature_or_time(over: dict[str, str]) -> None:
    request = a_request()

    assert not verify("whsec-0815", {**request.headers, **over}, request.content, now=NOW)


def test_a_receiver_refuses_another_body_and_another_secret() -> None:
    request = a_request()

    assert not verify("whsec-0815", request.headers, request.content + b" ", now=NOW)
    assert not verify("whsec-0816", request.headers, request.content, now=NOW)


@pytest.mark.parametrize("secret", ["whsec-0815", "next-0816"])
def test_during_a_change_either_secret_proves_it(secret: str) -> None:
    request = a_request(next_secret="next-0816")

    assert verify(secret, request.headers, request.content, now=NOW)


def test_what_is_no_json_is_refused() -> None:
    error = refusal(an_adapter().build, a_message(Payload(data={"x": object()})))

    assert (error.kind, error.code) == (ErrorKind.UNSUPPORTED, "payload")


def test_262144_bytes_leave_and_one_more_does_not() -> None:
    room = 256 * 1024 - len('{"a":""}')

    an_adapter().build(a_message(Payload(data={"a": "x" * room})))
    error = refusal(an_adapter().build, a_message(Payload(data={"a": "x" * (room + 1)})))

    assert error.kind is ErrorKind.PAYLOAD_TOO_LARGE


def test_adapter_and_receiver_understand_each_other() -> None:
    face = WebhookFace(ACCOUNT)

    receipt, reply = sent(an_adapter(), face, a_message())
    again = asked(an_adapter(), face, an_adapter().build(a_message()))

    assert (receipt.vendor_id, reply.taken[0].recipient, reply.taken[0].links) == ("m1", URL, ("https://shop.example/a",))
    assert (again.status, again.taken) == (202, ())


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.AUTH,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.RATE_LIMITED,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_receiver_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), WebhookFace(ACCOUNT), a_message(), Fault(kind)) is kind


def test_the_receiver_refuses_another_secret() -> None:
    other = an_adapter(secret="other")

    assert response(asked(other, WebhookFace(ACCOUNT), other.build(a_message()))).status_code == 401
