"""Plivo keeps the contract of adapters, its signatures are the vendor's, and its face meets it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from meeting import answered, ask, read, refused, send
from recallgate import (
    Callback,
    ErrorKind,
    EventType,
    Fault,
    ForgedCallback,
    Message,
    Receipt,
    SendError,
    WorldEvent,
    authorize,
)
from recallgate.testing import AdapterContract
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.plivo import PlivoSmsFace
from recallgate_adapters.plivo import REPORT_ERRORS, STATUSES, PlivoSms, PlivoSmsConfig
from recallgate_adapters.plivo_signature import base_string, signature, verify

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "vendors" / "plivo.json").read_text("utf-8"))
VECTORS: dict[str, dict[str, Any]] = {vector["name"]: vector for vector in FACTS["signature_vectors"]["vectors"]}
ACCOUNT: dict[str, Any] = {"auth_id": "MAXXXXXXXXXXXXXXXXXX", "auth_token": "plivo-auth-token-0001", "sender": "+15005550009"}
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
every_vector = pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())


class TestPlivoSms(AdapterContract):
    adapter = PlivoSms
    config = ACCOUNT
    message = {
        "channel": "sms",
        "to": {"type": "phone", "e164": "+15005550006"},
        "content": {"type": "text", "text": "Hi"},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "plivo.sms.json"


def sms(**config: Any) -> PlivoSms:
    return PlivoSms(PlivoSmsConfig(**{**ACCOUNT, **config}), tools_of())


def face(**config: Any) -> PlivoSmsFace:
    return PlivoSmsFace({**ACCOUNT, **config})


def text(words: str = "Hi https://s.example/a.", *, to: str = "+15005550006", **fields: Any) -> Message:
    return Message.sms(to, words, purpose="marketing", **{"id": "m-1", **fields})


# Facts and signatures


def test_every_code_and_status_of_the_facts_is_mapped() -> None:
    assert set(REPORT_ERRORS) == set(FACTS["errors"]["report_codes"])
    assert set(STATUSES) == set(FACTS["delivery_status"]["status_map"])


def callback_of(vector: dict[str, Any], **over: Any) -> Callback:
    headers = {"X-Plivo-Signature-V3": vector["expected"], "X-Plivo-Signature-V3-Nonce": vector["nonce"]}
    url, body = vector["url"], urlencode(vector["params"])
    if vector["method"] == "GET":
        url, body = f"{url}?{body}", ""
    parts = {"url": url, "headers": httpx.Headers(headers), "body": body.encode(), "method": vector["method"], **over}
    return Callback(received_at=AT, **parts)


@every_vector
def test_a_vector_is_computed_as_the_vendor_does(vector: dict[str, Any]) -> None:
    fields, nonce = vector["params"].items(), vector["nonce"]

    assert base_string(vector["method"], vector["url"], fields, nonce) == vector["base_string"]
    assert signature(vector["auth_token"], vector["method"], vector["url"], fields, nonce=nonce) == vector["expected"]
    verify(callback_of(vector), secret=vector["auth_token"])


@every_vector
def test_what_is_near_to_a_vector_is_refused(vector: dict[str, Any]) -> None:
    callback = callback_of(vector)
    headers = dict(callback.headers)
    others = [
        callback_of(vector, url=callback.url.replace("app.", "evil.")),
        callback_of(vector, url=f"{callback.url}{'&' if '?' in callback.url else '?'}x=1"),
        callback_of(vector, body=callback.body + b"&x=1") if callback.body else callback_of(vector, method="POST", body=b"x=1"),
        callback_of(vector, headers=httpx.Headers({**headers, "x-plivo-signature-v3-nonce": "1"})),
        callback_of(vector, headers=httpx.Headers({"x-plivo-signature-v3": vector["expected"]})),
        callback_of(vector, headers=httpx.Headers({"x-plivo-signature-v2": vector["expected"]})),
    ]
    for other in others:
        with pytest.raises(ForgedCallback):
            verify(other, secret=vector["auth_token"])
    with pytest.raises(ForgedCallback):
        verify(callback, secret="other")


def test_one_signature_of_several_is_enough() -> None:
    vector = VECTORS["post-form"]
    told = {"x-plivo-signature-v3": f"AAAA, {vector['expected']}", "x-plivo-signature-v3-nonce": vector["nonce"]}

    verify(callback_of(vector, headers=httpx.Headers(told)), secret=vector["auth_token"])


def test_callbacks_come_as_form_or_query() -> None:
    fields = {"MessageUUID": "u-1", "Status": "delivered", "ErrorCode": "000"}
    url = f"https://app.example/c?m=m-1&{urlencode(fields)}"
    told = signature(ACCOUNT["auth_token"], "GET", url, (), nonce="7")
    headers = httpx.Headers({"x-plivo-signature-v3": told, "x-plivo-signature-v3-nonce": "7"})

    (event,) = sms().read_callback(Callback("GET", url, headers, b"", AT)).events

    assert (event.type, event.message_id, event.vendor_id) == (EventType.DELIVERED, "m-1", "u-1")


# Settings


def test_two_senders_are_a_wrong_setting() -> None:
    with pytest.raises(ValueError, match="powerpack_uuid"):
        PlivoSmsConfig(**ACCOUNT, powerpack_uuid="pp-1")


def test_an_account_without_a_sender_needs_one_on_the_message() -> None:
    with pytest.raises(SendError) as caught:
        sms(sender=None).build(text())

    assert caught.value.kind is ErrorKind.INVALID_SENDER


# Face and adapter


def test_a_message_is_taken_under_the_id_of_its_receipt() -> None:
    receipt, taken = send(sms(), face(), text())

    assert (receipt.vendor_id, taken.recipient, taken.links) == (taken.vendor_id, "+15005550006", ("https://s.example/a",))


def test_a_batch_is_taken_number_by_number_and_followed_by_uuid() -> None:
    vendor, messages = face(), [text(id="m-1"), text(id="m-2", to="+15005550007")]
    reply = ask(vendor, authorize(sms(), sms().build_batch(messages)))

    outcomes = sms().parse_batch(messages, answered(reply))
    (event,) = read(sms(), vendor.callbacks(reply.taken[1], WorldEvent(EventType.DELIVERED, AT), nonce="n"))

    assert [taken.recipient for taken in reply.taken] == ["+15005550006", "+15005550007"]
    assert [outcome.vendor_id for outcome in outcomes if isinstance(outcome, Receipt)] == [one.vendor_id for one in reply.taken]
    assert (event.message_id, event.vendor_id) == (None, reply.taken[1].vendor_id)


@pytest.mark.parametrize("other", [{"words": "other"}, {"sender": "ACME"}, {"options": {"plivo.sms": {"log": False}}}])
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
        (EventType.READ, None, EventType.READ, None),
        (EventType.UNDELIVERED, ErrorKind.UNREACHABLE, EventType.UNDELIVERED, ErrorKind.UNREACHABLE),
        (EventType.UNDELIVERED, ErrorKind.OPTED_OUT, EventType.UNDELIVERED, ErrorKind.OPTED_OUT),
        (EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT, EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT),
        (EventType.UNDELIVERED, None, EventType.UNDELIVERED, ErrorKind.UNKNOWN),
        (EventType.EXPIRED, None, EventType.UNDELIVERED, ErrorKind.TEMPORARY),
    ],
)
def test_news_of_a_message_comes_back(
    news: EventType, kind: ErrorKind | None, type_: EventType, read_kind: ErrorKind | None
) -> None:
    vendor = face()
    receipt, taken = send(sms(), vendor, text())

    (event,) = read(sms(), vendor.callbacks(taken, WorldEvent(news, AT, kind=kind), nonce="n"))

    assert (event.type, event.kind, event.message_id, event.vendor_id) == (type_, read_kind, "m-1", receipt.vendor_id)


def test_a_lookup_tells_the_last_news() -> None:
    vendor = face()
    receipt, taken = send(sms(), vendor, text())
    vendor.callbacks(taken, WorldEvent(EventType.UNDELIVERED, AT, kind=ErrorKind.INVALID_RECIPIENT), nonce="n")
    question = sms().build_lookup(text(), receipt.vendor_id)
    assert question is not None

    (event,) = sms().parse_lookup(text(), answered(ask(vendor, authorize(sms(), question))))

    assert (event.type, event.kind) == (EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT)


def test_a_person_replies() -> None:
    news = face().inbound("+15005550006", "+15005550009", "退订", url="https://app.example/c?k=inbound", at=AT, nonce="n")

    (event,) = read(sms(), news)

    assert (event.type, event.address, event.text) == (EventType.REPLIED, "+15005550006", "退订")


def test_a_callback_of_another_account_is_forged() -> None:
    news = face(auth_token="other").inbound("+15005550006", "+1", "STOP", url="https://app.example/c", at=AT, nonce="n")

    with pytest.raises(ForgedCallback):
        read(sms(), news)


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_a_fault_is_told_in_the_vendors_way(kind: ErrorKind) -> None:
    told = {
        ErrorKind.AUTH,
        ErrorKind.INSUFFICIENT_FUNDS,
        ErrorKind.UNSUPPORTED_REGION,
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


@pytest.mark.parametrize("other", [{"auth_token": "other"}, {"auth_id": "MAYYYYYYYYYYYYYYYYYY"}])
def test_wrong_credentials_are_refused(other: dict[str, str]) -> None:
    assert refused(sms(), face(**other), text()).kind is ErrorKind.AUTH


@pytest.mark.parametrize(
    "wanted",
    [
        {"dst": "+15005550006", "text": "x"},
        {"src": "A", "powerpack_uuid": "p", "dst": "+15005550006", "text": "x"},
        {"src": "A", "dst": "+15005550006"},
        {"src": "A", "text": "x"},
        {"src": "A", "dst": "+15005550006<", "text": "x"},
        {"src": "+15005550006", "dst": "+15005550006", "text": "x"},
    ],
)
def test_what_the_vendor_requires_is_required(wanted: dict[str, Any]) -> None:
    reply = ask(face(), authorize(sms(), httpx.Request("POST", sms().endpoint, json=wanted)))

    assert (reply.status, reply.taken) == (400, ())
