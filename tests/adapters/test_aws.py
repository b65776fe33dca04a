"""AWS SNS and End User Messaging keep the contract of adapters, their quirks, and understand the vendor's side of the wire."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from adapters.wire import CALLBACK, DATA, NOW, asked, facts, fault_kind, refusal, response, sent, tools
from recallgate import ErrorKind, EventType, Fault, Message, WorldEvent
from recallgate.testing import AdapterContract
from recallgate_adapters.aws_account import AwsConfig, sign
from recallgate_adapters.aws_eum import AwsEum, AwsEumConfig
from recallgate_adapters.aws_sns import AwsSns, AwsSnsConfig
from recallgate_adapters.faces.aws_eum import AwsEumFace
from recallgate_adapters.faces.aws_sandbox import CERTIFICATE
from recallgate_adapters.faces.aws_sns import AwsSnsFace

FACTS = facts("aws")
OTHER_CERTIFICATE = facts("ses")["sns"]["input"]["certificate_pem"]
KEYS: dict[str, Any] = {
    "access_key_id": "AKIDEXAMPLE",
    "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "region": "us-east-1",
}
NEWS: dict[str, Any] = {
    "sender": "+15005550009",
    "configuration_set": "cs1",
    "sns_topics": ["arn:aws:sns:us-east-1:123456789012:sms-events"],
    "sns_certificates": CERTIFICATE,
}
A_TEXT = {
    "channel": "sms",
    "to": {"type": "phone", "e164": "+15005550006"},
    "content": {"type": "text", "text": "Hi"},
    "purpose": "marketing",
}


class TestAwsSns(AdapterContract):
    adapter = AwsSns
    config = {**KEYS, "sender": "ACME"}
    message = A_TEXT
    exchanges = DATA / "exchanges" / "aws.sns.json"


class TestAwsEum(AdapterContract):
    adapter = AwsEum
    config = {**KEYS, **NEWS}
    stranger = {"sns_certificates": OTHER_CERTIFICATE}
    message = A_TEXT
    exchanges = DATA / "exchanges" / "aws.eum.json"


def sns(**over: Any) -> AwsSns:
    return AwsSns(AwsSnsConfig(**{**KEYS, **over}), tools())


def eum(**over: Any) -> AwsEum:
    return AwsEum(AwsEumConfig(**{**KEYS, **NEWS, **over}), tools())


def sns_face() -> AwsSnsFace:
    return AwsSnsFace({**KEYS, "session_token": None})


def eum_face() -> AwsEumFace:
    return AwsEumFace({**KEYS, **NEWS, "session_token": None, "callback_url": CALLBACK})


def a_text(text: str = "Back? https://shop.example/b", **fields: Any) -> Message:
    return Message.sms("+15005550006", text, purpose="marketing", id="m1", **fields)


@pytest.mark.parametrize("vector", FACTS["vectors"], ids=lambda vector: str(vector["name"]))
def test_a_request_is_signed_as_the_vector_says(vector: dict[str, Any]) -> None:
    config = AwsConfig(
        access_key_id=vector["access_key_id"],
        secret_access_key=vector["secret_access_key"],
        session_token=vector.get("session_token"),
        region=vector["region"],
    )
    told = vector.get("signed_headers") or {**vector["headers"], "host": vector["host"]}
    kept = {name: value for name, value in told.items() if name in ("content-type", "x-amz-target", "host")}
    request = httpx.Request(
        vector["method"], f"https://{told['host']}{vector['path']}", headers=kept, content=vector["body"].encode()
    )

    signed = sign(request, config, service=vector["service"], now=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))

    assert signed.headers["authorization"] == vector["expected_authorization"]


def test_every_code_of_the_vendor_is_mapped() -> None:
    named = {f"sns:{code}" for code in AwsSns.errors} | {f"sms-voice:{code}" for code in AwsEum.errors}

    assert set(FACTS["errors"]) <= named


def test_every_state_of_the_vendor_is_mapped_and_calls_are_dropped() -> None:
    words = {"queued": "accepted", "sent": "sent", "delivered": "delivered", "expired": "expired"}
    words |= dict.fromkeys(("failed", "undelivered", "rejected"), "undelivered")
    wanted = {name: None if name.startswith("VOICE") else words[state] for name, state in FACTS["status_map"].items()}

    assert dict(AwsEum.statuses) == wanted


@pytest.mark.parametrize("adapter", [sns(), eum()], ids=["sns", "eum"])
def test_a_long_text_is_refused_before_it_is_sent(adapter: AwsSns | AwsEum) -> None:
    assert refusal(adapter.build, a_text("x" * 1601)).kind is ErrorKind.PAYLOAD_TOO_LARGE


def test_quirk_a_request_with_another_key_is_refused_by_the_face() -> None:
    for adapter, face in ((sns(secret_access_key="other"), sns_face()), (eum(secret_access_key="other"), eum_face())):
        error = refusal(adapter.parse, a_text(), response(asked(adapter, face, adapter.build(a_text()))))

        assert (error.kind, error.code) == (ErrorKind.AUTH, "SignatureDoesNotMatch")


def test_quirk_sns_tells_no_news() -> None:
    _, reply = sent(sns(), sns_face(), a_text())

    assert reply.taken[0].callback_url is None
    assert not AwsSns.abilities().reports


def test_sns_and_its_face_understand_each_other() -> None:
    receipt, reply = sent(sns(sender="ACME"), sns_face(), a_text())
    (taken,) = reply.taken

    assert (taken.vendor_id, taken.recipient, taken.data["from"]) == (receipt.vendor_id, "+15005550006", "ACME")
    assert taken.links == ("https://shop.example/b",)


def test_eum_and_its_face_understand_each_other() -> None:
    receipt, reply = sent(eum(), eum_face(), a_text())
    (taken,) = reply.taken

    assert (taken.vendor_id, taken.recipient, taken.text) == (receipt.vendor_id, "+15005550006", "Back? https://shop.example/b")


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.AUTH,
        ErrorKind.RATE_LIMITED,
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_of_sns_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(sns(), sns_face(), a_text(), Fault(kind)) is kind


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.AUTH,
        ErrorKind.RATE_LIMITED,
        ErrorKind.OPTED_OUT,
        ErrorKind.UNSUPPORTED_REGION,
        ErrorKind.INVALID_SENDER,
        ErrorKind.INSUFFICIENT_FUNDS,
        ErrorKind.UNSUPPORTED,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_of_eum_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(eum(), eum_face(), a_text(), Fault(kind)) is kind


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        (EventType.ACCEPTED, None),
        (EventType.SENT, None),
        (EventType.DELIVERED, None),
        (EventType.EXPIRED, None),
        (EventType.UNDELIVERED, ErrorKind.UNREACHABLE),
        (EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT),
        (EventType.UNDELIVERED, ErrorKind.UNKNOWN),
    ],
)
def test_news_told_by_the_face_are_read(type_: EventType, kind: ErrorKind | None) -> None:
    face = eum_face()
    _, reply = sent(eum(), face, a_text())

    (callback,) = face.callbacks(reply.taken[0], WorldEvent(type_, NOW, kind=kind), nonce="n1")
    (event,) = eum().read_callback(callback).events

    assert (event.type, event.kind, event.message_id, event.vendor_id) == (type_, kind, "m1", reply.taken[0].vendor_id)
    assert event.at == NOW


def test_quirk_no_news_without_a_configuration_set() -> None:
    _, reply = sent(eum(configuration_set=None), eum_face(), a_text())

    assert reply.taken[0].callback_url is None


def test_quirk_a_person_who_said_stop_is_told_and_refused_from_then_on() -> None:
    face = eum_face()

    (callback,) = face.inbound("+15005550006", "+15005550009", "STOP", url=CALLBACK, at=NOW, nonce="n1")
    (event,) = eum().read_callback(callback).events
    error = refusal(eum().parse, a_text(), response(asked(eum(), face, eum().build(a_text()))))

    assert (event.type, event.address, event.text) == (EventType.REPLIED, "+15005550006", "STOP")
    assert error.kind is ErrorKind.OPTED_OUT
