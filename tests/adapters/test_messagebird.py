"""MessageBird keeps the contract of adapters, its tokens are the vendor's, and its face meets it."""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
from recallgate_adapters.faces.messagebird import MessagebirdSmsFace
from recallgate_adapters.messagebird import ERRORS, STATUSES, MessagebirdSms, MessagebirdSmsConfig

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "vendors" / "messagebird.json").read_text("utf-8"))
VECTORS: dict[str, dict[str, Any]] = {vector["name"]: vector for vector in FACTS["signature_vectors"]["vectors"]}
ACCOUNT: dict[str, Any] = {"access_key": "mb-key-0001", "signing_key": "mb-signing-key-0001", "sender": "ACME"}
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)
every_vector = pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS.keys())


class TestMessagebirdSms(AdapterContract):
    adapter = MessagebirdSms
    config = ACCOUNT
    message = {
        "channel": "sms",
        "to": {"type": "phone", "e164": "+31612345678"},
        "content": {"type": "text", "text": "Hi"},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "messagebird.sms.json"


def sms(**config: Any) -> MessagebirdSms:
    return MessagebirdSms(MessagebirdSmsConfig(**{**ACCOUNT, **config}), tools_of())


def face(**config: Any) -> MessagebirdSmsFace:
    return MessagebirdSmsFace({**ACCOUNT, **config})


def text(words: str = "Hi https://s.example/a.", *, to: str = "+31612345678", **fields: Any) -> Message:
    return Message.sms(to, words, purpose="marketing", **{"id": "m-1", **fields})


# Facts and tokens


def test_every_code_and_status_of_the_facts_is_mapped() -> None:
    assert set(ERRORS) == set(FACTS["errors"]["codes"])
    assert set(STATUSES) == set(FACTS["delivery_status"]["status_map"])


def callback_of(vector: dict[str, Any], **over: Any) -> Callback:
    parts = {
        "url": vector["url"],
        "headers": httpx.Headers({"MessageBird-Signature-JWT": vector["expected_header"]}),
        "body": vector["body"].encode(),
        "received_at": AT,
        **over,
    }
    return Callback("POST" if parts["body"] else "GET", **parts)


@every_vector
def test_a_signed_callback_is_believed(vector: dict[str, Any]) -> None:
    (event,) = sms().read_callback(callback_of(vector)).events

    assert (event.type, event.vendor_id) == (EventType.DELIVERED, "mid1:")


def token_of(claims: dict[str, Any], *, alg: str = "HS256", key: str = "mb-signing-key-0001") -> httpx.Headers:
    parts = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": alg}, claims)]
    hashes = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}
    digest = hmac.new(key.encode(), ".".join(parts).encode(), hashes.get(alg, hashlib.sha256)).digest()
    told = urlsafe_b64encode(digest).decode().rstrip("=")
    return httpx.Headers({"MessageBird-Signature-JWT": f"{'.'.join(parts)}.{told}"})


@every_vector
@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_three_algorithms_are_believed(vector: dict[str, Any], alg: str) -> None:
    assert sms().read_callback(callback_of(vector, headers=token_of(vector["claims"], alg=alg))).events


@every_vector
def test_what_is_near_to_a_vector_is_refused(vector: dict[str, Any]) -> None:
    claims = vector["claims"]
    without = [{name: value for name, value in claims.items() if name != gone} for gone in ("iss", "nbf", "exp", "url_hash")]
    changes: list[dict[str, Any]] = [
        {"headers": httpx.Headers()},
        {"headers": token_of(claims, alg="none")},
        {"headers": token_of(claims, key="other")},
        {"headers": token_of({**claims, "iss": "Bird"})},
        {"headers": token_of({**claims, "payload_hash": "0" * 64})},
        {"url": f"{vector['url']}{'&' if '?' in vector['url'] else '?'}x=1"},
        {"body": vector["body"].encode() + b" "},
        {"received_at": datetime.fromtimestamp(claims["nbf"], UTC) - timedelta(seconds=2)},
        {"received_at": datetime.fromtimestamp(claims["exp"], UTC) + timedelta(seconds=2)},
        *({"headers": token_of(fewer)} for fewer in without),
    ]
    for change in changes:
        with pytest.raises(ForgedCallback):
            sms().read_callback(callback_of(vector, **change))


def test_a_body_without_its_hash_is_refused() -> None:
    vector = VECTORS["post-json"]
    claims = {name: value for name, value in vector["claims"].items() if name != "payload_hash"}

    with pytest.raises(ForgedCallback, match="belong"):
        sms().read_callback(callback_of(vector, headers=token_of(claims)))


def test_without_a_signing_key_no_callback_is_believed() -> None:
    with pytest.raises(ForgedCallback, match="signing_key"):
        sms(signing_key=None).read_callback(callback_of(VECTORS["post-json"]))


def test_an_account_without_a_sender_needs_one_on_the_message() -> None:
    with pytest.raises(SendError) as caught:
        sms(sender=None).build(text())

    assert caught.value.kind is ErrorKind.INVALID_SENDER


# Face and adapter


def test_a_message_is_taken_under_the_id_of_its_receipt() -> None:
    receipt, taken = send(sms(), face(), text())

    assert (receipt.vendor_id, taken.recipient, taken.links) == (taken.vendor_id, "+31612345678", ("https://s.example/a",))


def test_a_batch_is_taken_number_by_number() -> None:
    vendor, messages = face(), [text(id="m-1"), text(id="m-2", to="+31612345679")]
    reply = ask(vendor, authorize(sms(), sms().build_batch(messages)))

    outcomes = sms().parse_batch(messages, answered(reply))
    (event,) = read(sms(), vendor.callbacks(reply.taken[1], WorldEvent(EventType.DELIVERED, NOW), nonce="n"))

    assert [outcome.vendor_id for outcome in outcomes if isinstance(outcome, Receipt)] == [one.vendor_id for one in reply.taken]
    assert (event.message_id, event.vendor_id) == (None, reply.taken[1].vendor_id)


@pytest.mark.parametrize("other", [{"words": "other"}, {"sender": "OTHER"}])
def test_a_batch_of_different_messages_is_refused_by_name(other: dict[str, Any]) -> None:
    with pytest.raises(SendError, match="differ") as caught:
        sms().build_batch([text(), text(id="m-2", to="+31612345679", **other)])

    assert caught.value.kind is ErrorKind.UNSUPPORTED


@pytest.mark.parametrize(
    ("news", "type_", "kind"),
    [
        (EventType.ACCEPTED, EventType.ACCEPTED, None),
        (EventType.SENT, EventType.SENT, None),
        (EventType.DELIVERED, EventType.DELIVERED, None),
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


def test_a_lookup_tells_the_last_news() -> None:
    vendor = face()
    receipt, taken = send(sms(), vendor, text())
    vendor.callbacks(taken, WorldEvent(EventType.DELIVERED, AT), nonce="n")
    question = sms().build_lookup(text(), receipt.vendor_id)
    assert question is not None

    (event,) = sms().parse_lookup(text(), answered(ask(vendor, authorize(sms(), question))))

    assert (event.type, event.vendor_id) == (EventType.DELIVERED, receipt.vendor_id)


def test_a_callback_of_another_account_is_forged() -> None:
    vendor = face(signing_key="other")
    _, taken = send(sms(), vendor, text())

    with pytest.raises(ForgedCallback):
        read(sms(), vendor.callbacks(taken, WorldEvent(EventType.DELIVERED, AT), nonce="n"))


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_a_fault_is_told_in_the_vendors_way(kind: ErrorKind) -> None:
    told = {
        ErrorKind.AUTH,
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.INVALID_SENDER,
        ErrorKind.INSUFFICIENT_FUNDS,
        ErrorKind.TEMPORARY,
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


def test_a_wrong_key_is_refused() -> None:
    assert refused(sms(), face(access_key="other"), text()).kind is ErrorKind.AUTH


@pytest.mark.parametrize(
    "wanted",
    [
        {"body": "x", "recipients": "31612345678"},
        {"originator": "A", "recipients": "31612345678"},
        {"originator": "A", "body": "x"},
        {"originator": "A", "body": "x", "recipients": "31612345678,"},
    ],
)
def test_what_the_vendor_requires_is_required(wanted: dict[str, Any]) -> None:
    reply = ask(face(), authorize(sms(), httpx.Request("POST", sms().endpoint, json=wanted)))

    assert (reply.status, reply.taken) == (422, ())
