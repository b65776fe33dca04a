"""Vonage's messages API keeps the contract of adapters, and its face meets it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from meeting import ask, read, refused, send
from recallgate import ErrorKind, EventType, Fault, ForgedCallback, Message, SendError, WorldEvent, authorize
from recallgate.testing import AdapterContract
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.vonage_messages import VonageMessagesFace
from recallgate_adapters.vonage_messages import VonageMessages, VonageMessagesConfig

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "vendors" / "vonage.json").read_text("utf-8"))
VECTORS: dict[str, dict[str, Any]] = {vector["name"]: vector for vector in FACTS["signature_vectors"]["vectors"]}
SECRET = VECTORS["signed-webhook"]["signature_secret"]
ACCOUNT: dict[str, Any] = {
    "api_key": "abcd1234",
    "api_secret": "api-secret-0001",
    "signature_secret": SECRET,
    "sender": "+15005550009",
}
APPLICATION: dict[str, Any] = {
    "application_id": VECTORS["application-jwt"]["application_id"],
    "private_key": VECTORS["application-jwt"]["private_key_pem"],
    "signature_secret": SECRET,
    "sender": "+15005550009",
}
MESSAGE: dict[str, Any] = {
    "channel": "sms",
    "to": {"type": "phone", "e164": "+15005550006"},
    "content": {"type": "text", "text": "Hi"},
    "purpose": "marketing",
}
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)


class TestVonageMessages(AdapterContract):
    adapter = VonageMessages
    config = ACCOUNT
    message = MESSAGE
    exchanges = DATA / "exchanges" / "vonage.messages.json"


def sms(account: dict[str, Any] | None = None, **config: Any) -> VonageMessages:
    return VonageMessages(VonageMessagesConfig(**{**(account or ACCOUNT), **config}), tools_of())


def face(account: dict[str, Any] | None = None, **config: Any) -> VonageMessagesFace:
    return VonageMessagesFace({**(account or ACCOUNT), **config})


def text(words: str = "Hi https://s.example/a.", **fields: Any) -> Message:
    return Message.sms("+15005550006", words, purpose="marketing", **{"id": "m-1", **fields})


@pytest.mark.parametrize("account", [ACCOUNT, APPLICATION])
def test_a_message_is_taken_under_the_id_of_its_receipt(account: dict[str, Any]) -> None:
    receipt, taken = send(sms(account), face(account), text())

    assert (receipt.vendor_id, taken.recipient, taken.links) == (taken.vendor_id, "+15005550006", ("https://s.example/a",))


@pytest.mark.parametrize(
    "account", [{}, {"api_key": "k"}, {"application_id": "a"}, {**ACCOUNT, **APPLICATION}, {**ACCOUNT, "application_id": "a"}]
)
def test_an_account_has_one_way_in(account: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="application_id and private_key, or api_key and api_secret"):
        VonageMessagesConfig(**account)


@pytest.mark.parametrize(("length", "taken"), [(3200, True), (3201, False)])
def test_a_text_has_at_most_3200_characters(length: int, taken: bool) -> None:
    if taken:
        assert send(sms(), face(), text("x" * length))[1].text == "x" * length
    else:
        with pytest.raises(SendError) as caught:
            sms().build(text("x" * length))
        assert caught.value.kind is ErrorKind.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize(
    ("news", "type_", "kind"),
    [
        (EventType.SENT, EventType.SENT, None),
        (EventType.DELIVERED, EventType.DELIVERED, None),
        (EventType.READ, EventType.READ, None),
        (EventType.EXPIRED, EventType.EXPIRED, None),
        (EventType.UNDELIVERED, EventType.UNDELIVERED, ErrorKind.UNKNOWN),
    ],
)
def test_news_of_a_message_comes_back(news: EventType, type_: EventType, kind: ErrorKind | None) -> None:
    vendor = face()
    receipt, taken = send(sms(), vendor, text())

    (event,) = read(sms(), vendor.callbacks(taken, WorldEvent(news, AT), nonce="n"))

    assert (event.type, event.kind, event.message_id, event.at) == (type_, kind, "m-1", AT)
    assert event.vendor_id == receipt.vendor_id


@pytest.mark.parametrize("secret", ["other", None])
def test_a_callback_that_the_account_has_not_signed_is_forged(secret: str | None) -> None:
    vendor = face(signature_secret=secret)
    _, taken = send(sms(), vendor, text())

    with pytest.raises(ForgedCallback):
        read(sms(), vendor.callbacks(taken, WorldEvent(EventType.DELIVERED, AT), nonce="n"))


def test_without_a_signature_secret_no_callback_is_believed() -> None:
    _, taken = send(sms(), face(), text())

    with pytest.raises(ForgedCallback, match="signature_secret"):
        read(sms(signature_secret=None), face().callbacks(taken, WorldEvent(EventType.DELIVERED, AT), nonce="n"))


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_a_fault_is_told_in_the_vendors_way(kind: ErrorKind) -> None:
    told = {ErrorKind.AUTH, ErrorKind.INSUFFICIENT_FUNDS, ErrorKind.RATE_LIMITED, ErrorKind.UNCERTAIN, ErrorKind.UNAVAILABLE}
    error = refused(sms(), face(), text(), Fault(kind, retry_after_s=7))

    assert error.kind is (kind if kind in told else ErrorKind.UNKNOWN)
    if kind in (ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE):
        assert error.retry_at is not None
        assert (error.retry_at - NOW).total_seconds() == 7


@pytest.mark.parametrize(
    ("account", "other"),
    [
        (ACCOUNT, {"api_secret": "wrong"}),
        (ACCOUNT, {"api_key": "wrong"}),
        (APPLICATION, {"application_id": "wrong"}),
    ],
)
def test_wrong_credentials_are_refused(account: dict[str, Any], other: dict[str, Any]) -> None:
    assert refused(sms(account), face(account, **other), text()).kind is ErrorKind.AUTH


@pytest.mark.parametrize(
    "change", [{"to": "+15005550006"}, {"to": ""}, {"from": ""}, {"text": ""}, {"channel": "mms"}, {"ttl": 1}]
)
def test_what_the_vendor_requires_is_required(change: dict[str, Any]) -> None:
    wanted = {**json.loads(sms().build(text()).content), **change}

    reply = ask(face(), authorize(sms(), httpx.Request("POST", sms().endpoint, json=wanted)))

    assert (reply.status, reply.taken) == (422, ())
