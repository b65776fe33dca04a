"""Sinch keeps the contract of adapters, its signatures are the vendor's, and its face meets it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from meeting import answered, ask, read, refused, send
from recallgate import (
    Adapter,
    Bearer,
    Callback,
    ErrorKind,
    EventType,
    Fault,
    ForgedCallback,
    Message,
    Receipt,
    SendError,
    Token,
    TokenAuth,
    WorldEvent,
    authorize,
)
from recallgate.testing import AdapterContract
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.sinch import SinchSmsFace
from recallgate_adapters.sinch import CODES, REPORT_ERRORS, STATUSES, SinchSms
from recallgate_adapters.sinch_account import SinchConfig, signature

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "vendors" / "sinch.json").read_text("utf-8"))
(VECTOR,) = (vector for vector in FACTS["signature_vectors"]["vectors"] if vector["name"] == "webhook-nonce")
PLAN: dict[str, Any] = {
    "service_plan_id": "plan1",
    "api_token": "sinch-token-0001",
    "callback_secret": VECTOR["secret"],
    "sender": "+15005550009",
}
PROJECT: dict[str, Any] = {
    "project_id": "p-1",
    "key_id": "k-1",
    "key_secret": "ks-0001",
    "callback_secret": VECTOR["secret"],
    "sender": "+15005550009",
}
MESSAGE: dict[str, Any] = {
    "channel": "sms",
    "to": {"type": "phone", "e164": "+15005550006"},
    "content": {"type": "text", "text": "Hi"},
    "purpose": "marketing",
}
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)


class TestSinchSms(AdapterContract):
    adapter = SinchSms
    config = PLAN
    message = MESSAGE
    exchanges = DATA / "exchanges" / "sinch.sms.json"


def sms(account: dict[str, Any] | None = None, **config: Any) -> SinchSms:
    return SinchSms(SinchConfig(**{**(account or PLAN), **config}), tools_of())


def face(account: dict[str, Any] | None = None, **config: Any) -> SinchSmsFace:
    return SinchSmsFace({**(account or PLAN), **config})


def text(words: str = "Hi https://s.example/a.", *, to: str = "+15005550006", **fields: Any) -> Message:
    return Message.sms(to, words, purpose="marketing", **{"id": "m-1", **fields})


# Facts and signatures


def test_every_code_of_the_facts_is_mapped_or_is_other_news_than_a_failure() -> None:
    assert {*REPORT_ERRORS, *CODES} == set(FACTS["errors"]["report_codes"])
    assert not set(REPORT_ERRORS) & set(CODES)
    told_as = {"queued": "accepted", "failed": "undelivered", "rejected": "undelivered"}
    overrides = {code: told_as.get(told, told) for code, told in FACTS["delivery_status"]["code_overrides"].items()}
    assert {**dict.fromkeys(REPORT_ERRORS, "undelivered"), **{code: type_.value for code, type_ in CODES.items()}} == overrides


def test_every_status_of_the_facts_is_mapped() -> None:
    assert set(STATUSES) == {status.upper() for status in FACTS["delivery_status"]["status_map"]}


def callback_of(**over: Any) -> Callback:
    parts = {"headers": httpx.Headers(VECTOR["headers"]), "body": VECTOR["body"].encode(), **over}
    return Callback("POST", "https://app.example/c?m=m-1", received_at=AT, **parts)


def test_a_vector_is_computed_as_the_vendor_does() -> None:
    headers = VECTOR["headers"]
    nonce, stamp = headers["x-sinch-webhook-signature-nonce"], headers["x-sinch-webhook-signature-timestamp"]

    assert signature(VECTOR["secret"], f"{VECTOR['body']}.{nonce}.{stamp}".encode()) == VECTOR["expected"]
    assert [event.type for event in read(sms(), [callback_of()])] == [EventType.DELIVERED]


@pytest.mark.parametrize(
    "change",
    [
        {"headers": httpx.Headers({**VECTOR["headers"], "x-sinch-webhook-signature-nonce": "1"})},
        {"headers": httpx.Headers({**VECTOR["headers"], "x-sinch-webhook-signature-timestamp": "1"})},
        {"headers": httpx.Headers({**VECTOR["headers"], "x-sinch-webhook-signature": ""})},
        {"headers": httpx.Headers({"x-sinch-webhook-signature": signature(VECTOR["secret"], VECTOR["body"].encode() + b"..")})},
        {"headers": httpx.Headers()},
        {"body": VECTOR["body"].encode() + b" "},
    ],
)
def test_what_is_near_to_a_vector_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ForgedCallback):
        sms().read_callback(callback_of(**change))


def test_without_a_callback_secret_the_secret_address_alone_is_believed() -> None:
    assert read(sms(callback_secret=None), [callback_of(headers=httpx.Headers())])


# Settings and tokens


@pytest.mark.parametrize(
    "account",
    [
        {},
        {"service_plan_id": "plan1"},
        {"project_id": "p-1", "key_id": "k-1"},
        {**PLAN, **PROJECT},
        {**PLAN, "key_id": "k-1"},
    ],
)
def test_an_account_has_one_way_in(account: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="service_plan_id and api_token, or project_id"):
        SinchConfig(**account)


def test_an_account_without_a_sender_needs_one_on_the_message() -> None:
    with pytest.raises(SendError) as caught:
        sms(sender=None).build(text())

    assert caught.value.kind is ErrorKind.INVALID_SENDER


def token_auth(**config: Any) -> TokenAuth:
    auth = sms(PROJECT, **config).auth
    assert isinstance(auth, TokenAuth)
    return auth


def test_a_project_fetches_a_token_and_signs_in_with_it() -> None:
    adapter, vendor, auth = sms(PROJECT), face(PROJECT), token_auth()
    token = auth.parse(answered(ask(vendor, auth.build())))

    reply = ask(vendor, authorize(adapter, adapter.build(text()), token))

    assert isinstance(sms().auth, Bearer)
    assert (token.expires_at - NOW).total_seconds() == 3599
    assert adapter.parse(text(), answered(reply)).vendor_id == reply.taken[0].vendor_id


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), ErrorKind.AUTH),
        (httpx.Response(400, json={"error": "invalid_request"}), ErrorKind.AUTH),
        (httpx.Response(429, headers={"retry-after": "5"}), ErrorKind.UNAVAILABLE),
        (httpx.Response(500), ErrorKind.UNAVAILABLE),
        (httpx.Response(503), ErrorKind.UNAVAILABLE),
        (httpx.Response(200, content=b"<html>"), ErrorKind.UNAVAILABLE),
        (httpx.Response(200, json={"access_token": "t"}), ErrorKind.UNAVAILABLE),
    ],
)
def test_a_token_that_was_not_given_is_never_uncertain(response: httpx.Response, kind: ErrorKind) -> None:
    with pytest.raises(SendError) as caught:
        token_auth().parse(response)

    assert caught.value.kind is kind


@pytest.mark.parametrize(
    ("status", "words", "expired"),
    [
        (401, 'Bearer error="invalid_token", error_description="Jwt expired"', True),
        (401, "Bearer", False),
        (403, "expired", False),
    ],
)
def test_an_old_token_is_told_by_a_word(status: int, words: str, expired: bool) -> None:
    assert token_auth().expired(httpx.Response(status, headers={"www-authenticate": words})) is expired


def test_a_wrong_key_gets_no_token() -> None:
    assert ask(face(PROJECT), token_auth(key_secret="other").build()).status == 401


# Face and adapter


def test_a_message_is_taken_under_the_id_of_its_receipt() -> None:
    receipt, taken = send(sms(), face(), text())

    assert (receipt.vendor_id, taken.recipient, taken.links) == (taken.vendor_id, "+15005550006", ("https://s.example/a",))


def test_a_batch_is_taken_number_by_number() -> None:
    vendor, messages = face(), [text(id="m-1"), text(id="m-2", to="+15005550007")]
    reply = ask(vendor, authorize(sms(), sms().build_batch(messages)))

    outcomes = sms().parse_batch(messages, answered(reply))
    (event,) = read(sms(), vendor.callbacks(reply.taken[1], WorldEvent(EventType.DELIVERED, AT), nonce="n"))

    assert [outcome.vendor_id for outcome in outcomes if isinstance(outcome, Receipt)] == [one.vendor_id for one in reply.taken]
    assert (event.message_id, event.vendor_id) == (None, reply.taken[1].vendor_id)


@pytest.mark.parametrize("other", [{"words": "other"}, {"sender": "ACME"}, {"options": {"sinch.sms": {"max_parts": 1}}}])
def test_a_batch_of_different_messages_is_refused_by_name(other: dict[str, Any]) -> None:
    with pytest.raises(SendError, match="differ") as caught:
        sms().build_batch([text(), text(id="m-2", to="+15005550007", **other)])

    assert caught.value.kind is ErrorKind.UNSUPPORTED


@pytest.mark.parametrize(
    ("news", "kind", "type_", "read_kind"),
    [
        (EventType.ACCEPTED, None, EventType.ACCEPTED, None),
        (EventType.SENT, None, EventType.SENT, None),
        (EventType.DELIVERED, None, EventType.DELIVERED, None),
        (EventType.EXPIRED, None, EventType.EXPIRED, None),
        (EventType.UNDELIVERED, ErrorKind.UNSUPPORTED_REGION, EventType.UNDELIVERED, ErrorKind.UNSUPPORTED_REGION),
        (EventType.UNDELIVERED, ErrorKind.TEMPORARY, EventType.UNDELIVERED, ErrorKind.TEMPORARY),
        (EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT, EventType.UNDELIVERED, ErrorKind.UNKNOWN),
        (EventType.CANCELLED, None, EventType.UNDELIVERED, ErrorKind.UNKNOWN),
    ],
)
def test_news_of_a_message_comes_back(
    news: EventType, kind: ErrorKind | None, type_: EventType, read_kind: ErrorKind | None
) -> None:
    vendor = face()
    receipt, taken = send(sms(), vendor, text())

    (event,) = read(sms(), vendor.callbacks(taken, WorldEvent(news, AT, kind=kind), nonce="n"))

    assert (event.type, event.kind, event.message_id, event.at) == (type_, read_kind, "m-1", AT)
    assert event.vendor_id == receipt.vendor_id


def test_a_lookup_tells_the_last_news() -> None:
    vendor = face()
    receipt, taken = send(sms(), vendor, text())
    vendor.callbacks(taken, WorldEvent(EventType.DELIVERED, AT), nonce="n")
    question = sms().build_lookup(text(), receipt.vendor_id)
    assert question is not None

    (event,) = sms().parse_lookup(text(), answered(ask(vendor, authorize(sms(), question))))

    assert (event.type, event.vendor_id) == (EventType.DELIVERED, receipt.vendor_id)


def test_a_person_replies() -> None:
    (event,) = read(sms(), face().inbound("+15005550006", "+1500", "退订", url="https://app.example/c", at=AT, nonce="n"))

    assert (event.type, event.address, event.text, event.at) == (EventType.REPLIED, "+15005550006", "退订", AT)


def test_a_callback_of_another_account_is_forged() -> None:
    news = face(callback_secret="other").inbound("+15005550006", "+1", "STOP", url="https://app.example/c", at=AT, nonce="n")

    with pytest.raises(ForgedCallback):
        read(sms(), news)


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_a_fault_is_told_in_the_vendors_way(kind: ErrorKind) -> None:
    told = {
        ErrorKind.AUTH,
        ErrorKind.INSUFFICIENT_FUNDS,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.RATE_LIMITED,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
    }
    error = refused(sms(), face(), text(), Fault(kind, retry_after_s=7))

    assert error.kind is (kind if kind in told else ErrorKind.UNKNOWN)
    if kind in (ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE):
        assert error.retry_at is not None
        assert (error.retry_at - NOW).total_seconds() == 7


@pytest.mark.parametrize("other", [{"api_token": "other"}, {"service_plan_id": "plan2"}])
def test_wrong_credentials_are_refused(other: dict[str, Any]) -> None:
    assert refused(sms(), face(**other), text()).kind is ErrorKind.AUTH


def test_a_wrong_token_of_a_project_is_refused() -> None:
    adapter: Adapter = sms(PROJECT)
    request = authorize(adapter, adapter.build(text()), Token("other", AT))

    assert ask(face(PROJECT), request).status == 401


@pytest.mark.parametrize(
    "wanted",
    [
        {"body": "x"},
        {"to": [], "body": "x"},
        {"to": ["+1500"], "body": "x"},
        {"to": ["+15005550006"]},
        {"to": ["+15005550006"], "body": "x", "delivery_report": "all"},
        {"to": ["+15005550006"] * 1001, "body": "x"},
    ],
)
def test_what_the_vendor_requires_is_required(wanted: dict[str, Any]) -> None:
    reply = ask(face(), authorize(sms(), httpx.Request("POST", sms().endpoint, json=wanted)))

    assert (reply.status, reply.taken) == (400, ())
