"""Sinch's own library against our adapter: equal requests and tokens, and callbacks that each side accepts."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
from sinch import SinchClient
from sinch.domains.authentication.sinch_events.v1.authentication_validation import (
    calculate_sinch_event_signature,
    compute_signed_data,
)
from sinch.domains.sms.sinch_events.v1 import SmsSinchEvent

from meeting import read, send
from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import Callback, EventType, ForgedCallback, Message, TokenAuth, WorldEvent, authorize
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.sinch import SinchSmsFace
from recallgate_adapters.sinch import SinchSms
from recallgate_adapters.sinch_account import SinchConfig

PLAN: dict[str, Any] = {"service_plan_id": "plan1", "api_token": "token-1", "sender": "+15005550009", "callback_secret": "s-1"}
PROJECT: dict[str, Any] = {"project_id": "p-1", "key_id": "k-1", "key_secret": "ks-1", "sender": "+15005550009"}
CALLBACK_URL = "https://app.example/s?m=m-1&k=status"
HEADERS = ("authorization", "content-type")
MADE = {"id": "01B", "to": ["15005550006"], "type": "mt_text", "body": "Hi"}
REPORT = {
    "type": "recipient_delivery_report_sms",
    "batch_id": "01B",
    "recipient": "15005550006",
    "code": 0,
    "status": "Delivered",
    "at": "2026-11-20T02:03:04.000Z",
    "client_reference": "m-1",
}


@pytest.fixture
def client(loopback: Loopback) -> SinchClient:
    client = SinchClient(service_plan_id="plan1", sms_api_token="token-1", sms_region="us")
    client.configuration.sms_origin_with_service_plan_id = loopback.url
    return client


def sms(account: dict[str, Any] = PLAN, callback_url: str | None = CALLBACK_URL, **config: Any) -> SinchSms:
    return SinchSms(SinchConfig(**{**account, **config}), tools_of(callback_url))


def text(words: str = "Hi", **fields: Any) -> Message:
    return Message.sms("+15005550006", words, purpose="marketing", id="m-1", **fields)


def test_a_message_is_sent_as_the_library_sends_it(client: SinchClient, loopback: Loopback, same: Same) -> None:
    loopback.answers(MADE, status=201)
    client.sms.batches.send_sms(
        to=["+15005550006"],
        from_="+15005550009",
        body="Hi 你好",
        delivery_report="per_recipient",
        event_destination_target=CALLBACK_URL,
        client_reference="m-1",
        expire_at=NOW + timedelta(hours=1, milliseconds=900),
        flash_message=True,
        max_number_of_message_parts=2,
    )
    message = text(
        "Hi 你好",
        expires_at=NOW + timedelta(hours=1, milliseconds=900),
        options={"sinch.sms": {"flash_message": True, "max_parts": 2}},
    )

    ours = authorize(sms(), sms().build(message))

    same(
        ours,
        loopback.last,
        operation="batch send",
        oracle="sinch",
        body="json",
        headers=HEADERS,
        differing={"json expire_at": "milliseconds, as the vendor's documents write it, and not microseconds"},
    )


def test_a_batch_is_sent_as_the_library_sends_it(client: SinchClient, loopback: Loopback, same: Same) -> None:
    loopback.answers(MADE, status=201)
    numbers = ["+15005550006", "+15005550007"]
    client.sms.batches.send_sms(to=numbers, from_="+15005550009", body="Hi", delivery_report="per_recipient")
    adapter = sms(callback_url=None)
    messages = [Message.sms(number, "Hi", purpose="marketing") for number in numbers]

    ours = authorize(adapter, adapter.build_batch(messages))

    same(ours, loopback.last, operation="batch send, two recipients", oracle="sinch", body="json", headers=HEADERS)


def test_a_report_is_asked_for_as_the_library_asks(client: SinchClient, loopback: Loopback, same: Same) -> None:
    loopback.answers(REPORT)
    theirs = client.sms.delivery_reports.get_for_number(batch_id="01B", recipient="15005550006")
    question = sms().build_lookup(text(), "01B:15005550006")
    assert question is not None

    (event,) = sms().parse_lookup(text(), httpx.Response(200, json=REPORT))

    assert (theirs.status, theirs.at) == (event.status, event.at)
    same(authorize(sms(), question), loopback.last, operation="delivery report", oracle="sinch", headers=("authorization",))


def test_a_project_fetches_its_token_as_the_library_does(loopback: Loopback, same: Same) -> None:
    loopback.answers({"access_token": "t-1", "expires_in": 3599, "scope": "", "token_type": "bearer"})
    loopback.answers(MADE, status=201)
    client = SinchClient(project_id="p-1", key_id="k-1", key_secret="ks-1", sms_region="us")
    client.configuration.auth_origin = client.configuration.sms_origin = loopback.url
    client.sms.batches.send_sms(to=["+15005550006"], from_="+15005550009", body="Hi", delivery_report="per_recipient")
    adapter = sms(PROJECT, callback_url=None)
    assert isinstance(adapter.auth, TokenAuth)
    token = adapter.auth.parse(httpx.Response(200, json={"access_token": "t-1", "expires_in": 3599}))
    asked, sent = loopback.requests

    same(adapter.auth.build(), asked, operation="token of a project", oracle="sinch", body="form", headers=HEADERS)
    same(
        authorize(adapter, adapter.build_batch([text()]), token),
        sent,
        operation="batch send of a project",
        oracle="sinch",
        body="json",
        headers=HEADERS,
    )


def test_what_the_library_signs_is_believed(same: Same) -> None:
    body = '{"type":"recipient_delivery_report_sms","batch_id":"01B","recipient":"1500","code":0,"status":"Delivered","x":"é"}'
    told = {
        "x-sinch-webhook-signature": calculate_sinch_event_signature(compute_signed_data(body, "77", "1795140000"), "s-1"),
        "x-sinch-webhook-signature-nonce": "77",
        "x-sinch-webhook-signature-timestamp": "1795140000",
    }
    callback = Callback("POST", CALLBACK_URL, httpx.Headers(told), body.encode(), NOW)

    assert [event.type for event in read(sms(), [callback])] == [EventType.DELIVERED]
    with pytest.raises(ForgedCallback):
        read(sms(callback_secret="other"), [callback])
    same.proven(operation="callback signed by the library, read by us", oracle="sinch")


def test_what_we_sign_is_believed_and_read_by_the_library(same: Same) -> None:
    face = SinchSmsFace(PLAN)
    _, taken = send(sms(), face, text())
    (report,) = face.callbacks(taken, WorldEvent(EventType.DELIVERED, NOW), nonce="77")
    (reply,) = face.inbound("+15005550006", "+1500", "退订", url="https://app.example/c", at=NOW, nonce="77")
    (event,), (heard,) = read(sms(), [report]), read(sms(), [reply])
    library = SmsSinchEvent("s-1")

    for callback in (report, reply):
        assert library.validate_authentication_header(dict(callback.headers), callback.body)
        assert not SmsSinchEvent("other").validate_authentication_header(dict(callback.headers), callback.body)
    theirs, said = library.parse_event(report.body.decode()), library.parse_event(reply.body.decode())
    assert (f"{theirs.batch_id}:{theirs.recipient}", theirs.status, theirs.at) == (event.vendor_id, event.status, event.at)
    assert (f"+{said.from_}", said.body, said.received_at) == (heard.address, heard.text, heard.at)
    same.proven(operation="callbacks signed by us, believed and read by the library", oracle="sinch")
