"""Amazon SES keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from adapters.wire import CALLBACK, DATA, NOW, asked, facts, fault_kind, refusal, response, sent, tools
from recallgate import Callback, ErrorKind, EventType, Fault, ForgedCallback, Message, Purpose, WorldEvent, authorize
from recallgate.testing import AdapterContract
from recallgate_adapters.aws_account import AwsConfig, sign
from recallgate_adapters.aws_notices import signed_text
from recallgate_adapters.faces.aws_sandbox import CERTIFICATE
from recallgate_adapters.faces.ses import SesEmailFace
from recallgate_adapters.ses import SesConfig, SesEmail

FACTS = facts("ses")
SNS = FACTS["sns"]["input"]
TOPIC = "arn:aws:sns:us-east-1:123456789012:ses-events"
ACCOUNT: dict[str, Any] = {
    "access_key_id": "AKIDEXAMPLE",
    "secret_access_key": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "region": "us-east-1",
    "sender": "Shop <news@shop.example>",
    "configuration_set": "cs1",
    "templates": {"winback": "winback-v2"},
    "sns_topics": [TOPIC],
    "sns_certificates": CERTIFICATE,
}


class TestSesEmail(AdapterContract):
    adapter = SesEmail
    config = ACCOUNT
    stranger = {"sns_certificates": SNS["certificate_pem"]}
    message = {
        "channel": "email",
        "to": {"type": "email", "email": "ann@example.com"},
        "content": {"type": "email", "subject": "We miss you", "text": "Come back"},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "ses.email.json"


def an_adapter(**over: Any) -> SesEmail:
    return SesEmail(SesConfig(**{**ACCOUNT, **over}), tools())


def a_face(**over: Any) -> SesEmailFace:
    return SesEmailFace({**ACCOUNT, "session_token": None, "callback_url": CALLBACK, **over})


def a_mail(**content: Any) -> Message:
    return Message.email("ann@example.com", "We miss you", text="Come back", purpose=Purpose.MARKETING, id="m1", **content)


def a_callback(envelope: dict[str, Any], **over: str) -> Callback:
    headers = {"x-amz-sns-message-type": envelope["Type"], "x-amz-sns-message-id": envelope["MessageId"], **over}
    return Callback("POST", CALLBACK, httpx.Headers(headers), json.dumps(envelope).encode(), NOW)


# Signatures


@pytest.mark.parametrize("vector", FACTS["sigv4"], ids=lambda vector: str(vector["name"]))
def test_a_request_is_signed_as_the_vector_says(vector: dict[str, Any]) -> None:
    told = vector["input"]
    config = AwsConfig(
        access_key_id=told["access_key"],
        secret_access_key=told["secret_key"],
        session_token=told["session_token"],
        region=told["region"],
    )
    headers = {name: value for name, value in told["signed_headers_input"].items() if name == "Content-Type"}
    request = httpx.Request(told["method"], told["url"], headers=headers, content=told["body"].encode())

    signed = sign(request, config, service=told["service"], now=datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC))

    assert signed.headers["authorization"] == vector["expected"]["authorization"]


@pytest.mark.parametrize("number", range(len(SNS["valid"])))
def test_a_message_that_sns_signed_is_believed(number: int) -> None:
    vector = SNS["valid"][number]

    reading = an_adapter(sns_certificates=SNS["certificate_pem"]).read_callback(a_callback(vector["message"]))

    assert signed_text(vector["message"]) == vector["string_to_sign"]
    assert reading.events[0].status == (
        "Bounce/Permanent" if vector["message"]["Type"] == "Notification" else "SubscriptionConfirmation"
    )


@pytest.mark.parametrize("number", range(len(SNS["invalid"])))
def test_a_message_that_sns_did_not_sign_is_refused(number: int) -> None:
    envelope = SNS["invalid"][number]["message"]

    with pytest.raises(ForgedCallback):
        an_adapter(sns_certificates=SNS["certificate_pem"]).read_callback(a_callback(envelope))


@pytest.mark.parametrize(
    "url",
    [
        "http://sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com.evil.example/a.pem",
        "https://sns.us-east-1.amazonaws.com@evil.example/a.pem",
        "https://evil.example/sns.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com:444/a.pem",
        "https://xsns.us-east-1.amazonaws.com/a.pem",
        "https://sns.us-east-1.amazonaws.com/a.txt",
        "https://[/a.pem",
        "",
    ],
)
def test_a_certificate_from_elsewhere_is_refused_before_its_signature_is_read(url: str) -> None:
    envelope = {**SNS["valid"][0]["message"], "SigningCertURL": url}

    with pytest.raises(ForgedCallback, match="certificate is not at"):
        an_adapter(sns_certificates=SNS["certificate_pem"]).read_callback(a_callback(envelope))


def test_quirk_the_topic_of_another_account_is_refused() -> None:
    callback = a_callback(SNS["valid"][0]["message"])

    with pytest.raises(ForgedCallback, match="sns_topics"):
        an_adapter(sns_certificates=SNS["certificate_pem"], sns_topics=[f"{TOPIC}-2"]).read_callback(callback)


def test_headers_that_differ_from_the_message_are_refused() -> None:
    callback = a_callback(SNS["valid"][0]["message"], **{"x-amz-sns-message-type": "SubscriptionConfirmation"})

    with pytest.raises(ForgedCallback, match="x-amz-sns-message-type"):
        an_adapter(sns_certificates=SNS["certificate_pem"]).read_callback(callback)


def test_an_unknown_signing_certificate_is_named_in_the_refusal() -> None:
    with pytest.raises(ForgedCallback, match=r"https://sns\.us-east-1\.amazonaws\.com/SimpleNotificationService-0000\.pem"):
        an_adapter().read_callback(a_callback(SNS["valid"][0]["message"]))


def test_two_certificates_stand_side_by_side_while_aws_changes_them() -> None:
    both = f"{CERTIFICATE}\n{SNS['certificate_pem']}".replace("\n", "\\n")

    reading = an_adapter(sns_certificates=both).read_callback(a_callback(SNS["valid"][0]["message"]))

    assert reading.events[0].type is EventType.UNDELIVERED


def test_quirk_raw_message_delivery_is_refused() -> None:
    callback = Callback("POST", CALLBACK, httpx.Headers({"x-amz-sns-rawdelivery": "true"}), b'{"eventType": "Bounce"}', NOW)

    with pytest.raises(ForgedCallback):
        an_adapter().read_callback(callback)


@pytest.mark.parametrize(
    "pem", ["none", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", CERTIFICATE.replace("A", "B")]
)
def test_a_certificate_that_cannot_be_read_is_a_wrong_setting(pem: str) -> None:
    with pytest.raises(ValidationError, match="certificate"):
        SesConfig(**{**ACCOUNT, "sns_certificates": pem})


# Quirks


def test_quirk_bulk_texts_with_template_marks_go_one_by_one() -> None:
    message = Message.email("ann@example.com", "S", text="Hi {{name}}", purpose="service")

    assert refusal(an_adapter().build_batch, [message]).kind is ErrorKind.UNSUPPORTED


def test_a_batch_has_one_content() -> None:
    other = Message.email("bo@example.com", "Other", text="Come back", purpose=Purpose.MARKETING)

    assert refusal(an_adapter().build_batch, [a_mail(), other]).code == "batch"


def test_no_sender_is_refused_by_name() -> None:
    assert refusal(an_adapter(sender=None).build, a_mail()).kind is ErrorKind.INVALID_SENDER


@pytest.mark.parametrize("name", ["Bcc", "X A", "Content-Type", "from"])
def test_headers_that_the_mail_itself_sets_are_refused(name: str) -> None:
    message = Message.model_validate(
        {**TestSesEmail.message, "content": {"type": "email", "subject": "S", "text": "T", "headers": {name: "x"}}}
    )

    assert refusal(an_adapter().build, message).code == "headers"


# Facts


def test_every_code_of_the_vendor_is_mapped() -> None:
    named = {name for joined in FACTS["errors"] for name in joined.split(" / ")} - {"5xx"}

    assert named <= set(SesEmail.errors)
    assert set(FACTS["bulk_status"]) - {"SUCCESS"} <= set(SesEmail.errors)


def test_every_state_of_the_vendor_is_mapped() -> None:
    words = {"sent": "sent", "delivered": "delivered", "queued": "accepted", "opened": "opened", "clicked": "clicked"}
    words |= {"bounced": "undelivered", "rejected": "undelivered", "failed": "undelivered"}
    words |= {"complained": "complained", "unsubscribed": "unsubscribed"}

    assert {name: SesEmail.statuses[name] for name in FACTS["status_map"]} == {
        name: words[state] for name, state in FACTS["status_map"].items()
    }


# Adapter and face


def test_adapter_and_face_understand_each_other() -> None:
    message = Message.model_validate(
        {
            **TestSesEmail.message,
            "id": "m1",
            "content": {
                "type": "email",
                "subject": "好久不见",
                "html": '<a href="https://shop.example/back">Back</a>',
                "headers": {"List-Unsubscribe": "<https://app.example/u/1>"},
            },
        }
    )

    receipt, reply = sent(an_adapter(), a_face(), message)
    (taken,) = reply.taken

    assert (taken.vendor_id, taken.recipient, taken.channel) == (receipt.vendor_id, "ann@example.com", "email")
    assert taken.links == ("https://shop.example/back",)
    assert taken.unsubscribe_url == "https://app.example/u/1"
    assert taken.text.startswith("好久不见\n")


def test_a_batch_is_taken_one_by_one() -> None:
    adapter = an_adapter()
    messages = [a_mail(), Message.email("bo@example.com", "We miss you", text="Come back", purpose="marketing", id="m2")]

    reply = asked(adapter, a_face(), adapter.build_batch(messages))
    outcomes = adapter.parse_batch(messages, response(reply))

    assert [taken.recipient for taken in reply.taken] == ["ann@example.com", "bo@example.com"]
    assert [taken.vendor_id for taken in reply.taken] == [getattr(outcome, "vendor_id", None) for outcome in outcomes]


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.AUTH,
        ErrorKind.RATE_LIMITED,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNCERTAIN,
        ErrorKind.INVALID_SENDER,
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.TEMPLATE_OR_SIGNATURE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), a_face(), a_mail(), Fault(kind)) is kind


@pytest.mark.parametrize(
    "over", [{"secret_access_key": "other"}, {"access_key_id": "other"}, {"region": "eu-west-1"}, {"session_token": "s"}]
)
def test_the_face_refuses_another_key(over: dict[str, str]) -> None:
    adapter = an_adapter(**over)

    error = refusal(adapter.parse, a_mail(), response(asked(adapter, a_face(), adapter.build(a_mail()))))

    assert error.kind is ErrorKind.AUTH


def test_the_face_refuses_a_request_that_was_changed_after_it_was_signed() -> None:
    adapter = an_adapter()
    request = authorize(adapter, adapter.build(a_mail()))
    changed = httpx.Request(request.method, request.url, headers=request.headers, content=request.content + b" ")

    assert a_face().answer(changed, now=NOW, new_id=None).status == 403  # type: ignore[arg-type] # no id is needed


@pytest.mark.parametrize(
    ("news", "type_", "kind"),
    [
        (EventType.SENT, EventType.SENT, None),
        (EventType.DELIVERED, EventType.DELIVERED, None),
        (EventType.COMPLAINED, EventType.COMPLAINED, None),
        (EventType.UNSUBSCRIBED, EventType.UNSUBSCRIBED, None),
        (EventType.OPENED, EventType.OPENED, None),
        (EventType.CLICKED, EventType.CLICKED, None),
        (EventType.UNDELIVERED, EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT),
        (EventType.UNDELIVERED, EventType.UNDELIVERED, ErrorKind.UNREACHABLE),
        (EventType.UNDELIVERED, EventType.UNDELIVERED, ErrorKind.UNKNOWN),
    ],
)
def test_news_told_by_the_face_are_read(news: EventType, type_: EventType, kind: ErrorKind | None) -> None:
    _, reply = sent(an_adapter(), a_face(), a_mail())
    (taken,) = reply.taken

    (callback,) = a_face().callbacks(taken, WorldEvent(news, NOW, kind=kind), nonce="n1")
    (event,) = an_adapter().read_callback(callback).events

    assert (event.type, event.kind, event.message_id, event.vendor_id) == (type_, kind, "m1", taken.vendor_id)
    assert (event.address, event.at) == ("ann@example.com", NOW)


def test_a_face_that_is_not_trusted_tells_nothing() -> None:
    _, reply = sent(an_adapter(), a_face(), a_mail())

    told = a_face(sns_certificates="").callbacks(reply.taken[0], WorldEvent(EventType.DELIVERED, NOW), nonce="n1")

    assert told == ()
