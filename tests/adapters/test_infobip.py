"""Infobip keeps the contract of adapters, and its face meets it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from meeting import answered, ask, read, refused, send
from recallgate import ErrorKind, EventType, Fault, Message, Receipt, SendError, WorldEvent, authorize
from recallgate.testing import AdapterContract
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.infobip import InfobipSmsFace
from recallgate_adapters.infobip import ERRORS, GROUPS, STATUSES, TAKEN_BEFORE, InfobipSms, InfobipSmsConfig

DATA = Path(__file__).parent.parent / "data"
FACTS = json.loads((DATA / "vendors" / "infobip.json").read_text("utf-8"))
ACCOUNT: dict[str, Any] = {"api_key": "ib-key-0001", "sender": "ACME"}
AT = datetime(2026, 11, 20, 2, 5, tzinfo=UTC)


class TestInfobipSms(AdapterContract):
    adapter = InfobipSms
    config = ACCOUNT
    message = {
        "channel": "sms",
        "to": {"type": "phone", "e164": "+41793026727"},
        "content": {"type": "text", "text": "Hi"},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "infobip.sms.json"


def sms(**config: Any) -> InfobipSms:
    return InfobipSms(InfobipSmsConfig(**{**ACCOUNT, **config}), tools_of())


def face(**config: Any) -> InfobipSmsFace:
    return InfobipSmsFace({**ACCOUNT, **config})


def text(words: str = "Hi https://s.example/a.", *, message_id: str = "m-1", **fields: Any) -> Message:
    return Message.sms("+41793026727", words, purpose="marketing", id=message_id, **fields)


# Facts


def test_every_code_of_the_facts_is_mapped_but_the_one_that_means_taken_before() -> None:
    assert {*ERRORS, TAKEN_BEFORE} == set(FACTS["errors"]["codes"])


def test_every_status_of_the_facts_is_mapped() -> None:
    told_as = {"queued": "accepted", "failed": "undelivered", "rejected": "undelivered"}
    wanted = {name: told_as.get(told, told) for name, told in FACTS["delivery_status"]["status_names"].items()}

    assert {name: type_ and type_.value for name, type_ in STATUSES.items()} == wanted
    assert {group: type_.value for group, type_ in GROUPS.items()} == {
        group: told_as.get(told, told) for group, told in FACTS["delivery_status"]["group_map"].items()
    }


# Face and adapter


def test_a_message_is_taken_under_our_own_id() -> None:
    receipt, taken = send(sms(), face(), text())

    assert (receipt.vendor_id, taken.vendor_id, taken.recipient) == ("m-1", "m-1", "+41793026727")
    assert taken.links == ("https://s.example/a",)


def test_the_same_message_again_is_taken_once() -> None:
    vendor = face()
    send(sms(), vendor, text())

    reply = ask(vendor, authorize(sms(), sms().build(text())))

    assert reply.taken == ()
    assert sms().parse(text(), answered(reply)).note == "taken before"


def test_a_refused_message_may_come_again_under_its_id() -> None:
    vendor = face()
    send(sms(), vendor, text())
    refused(sms(), vendor, text(), Fault(ErrorKind.INSUFFICIENT_FUNDS))

    assert send(sms(), vendor, text())[0].note == ""


def test_a_batch_is_taken_message_by_message() -> None:
    vendor, messages = face(), [text(), text("other", message_id="m-2"), text()]
    reply = ask(vendor, authorize(sms(), sms().build_batch(messages)))

    outcomes = sms().parse_batch(messages, answered(reply))

    assert [taken.text for taken in reply.taken] == ["Hi https://s.example/a.", "other"]
    assert [outcome.vendor_id for outcome in outcomes if isinstance(outcome, Receipt)] == ["m-1", "m-2", "m-1"]


@pytest.mark.parametrize(
    ("news", "kind", "type_", "read_kind"),
    [
        (EventType.ACCEPTED, None, EventType.ACCEPTED, None),
        (EventType.SENT, None, EventType.SENT, None),
        (EventType.DELIVERED, None, EventType.DELIVERED, None),
        (EventType.EXPIRED, None, EventType.EXPIRED, None),
        (EventType.UNDELIVERED, ErrorKind.UNREACHABLE, EventType.UNDELIVERED, ErrorKind.TEMPORARY),
        (EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT, EventType.UNDELIVERED, ErrorKind.INVALID_RECIPIENT),
        (EventType.UNDELIVERED, ErrorKind.OPTED_OUT, EventType.UNDELIVERED, ErrorKind.OPTED_OUT),
        (EventType.UNDELIVERED, None, EventType.UNDELIVERED, ErrorKind.UNKNOWN),
    ],
)
def test_news_of_a_message_comes_back(
    news: EventType, kind: ErrorKind | None, type_: EventType, read_kind: ErrorKind | None
) -> None:
    vendor = face()
    _, taken = send(sms(), vendor, text())

    (event,) = read(sms(), vendor.callbacks(taken, WorldEvent(news, AT, kind=kind), nonce="n"))

    assert (event.type, event.kind, event.message_id, event.at) == (type_, read_kind, "m-1", AT)


def test_a_lookup_by_our_id_tells_the_last_news() -> None:
    vendor = face()
    _, taken = send(sms(), vendor, text())
    vendor.callbacks(taken, WorldEvent(EventType.DELIVERED, AT), nonce="n")
    questions = [sms().build_lookup(text(message_id=one), None) for one in ("m-1", "never-sent")]

    told = [sms().parse_lookup(text(), answered(ask(vendor, authorize(sms(), one)))) for one in questions if one]

    assert [[event.type for event in events] for events in told] == [[EventType.DELIVERED], []]


def test_a_person_replies() -> None:
    news = face().inbound("+41793026727", "+41793026700", "STOP it", url="https://app.example/c", at=AT, nonce="n")

    (event,) = read(sms(), news)

    assert (event.type, event.address, event.text, event.at) == (EventType.REPLIED, "+41793026727", "STOP it", AT)


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_a_fault_is_told_in_the_vendors_way(kind: ErrorKind) -> None:
    untold = (
        ErrorKind.UNREGISTERED_TOKEN,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.TEMPLATE_OR_SIGNATURE,
        ErrorKind.UNREACHABLE,
        ErrorKind.UNSUPPORTED,
    )
    error = refused(sms(), face(), text(), Fault(kind, retry_after_s=7))

    assert error.kind is (ErrorKind.UNKNOWN if kind in untold else kind)
    if kind in (ErrorKind.RATE_LIMITED, ErrorKind.UNAVAILABLE):
        assert error.retry_at is not None
        assert (error.retry_at - NOW).total_seconds() == 7


def test_a_wrong_key_is_refused() -> None:
    error = refused(sms(), face(api_key="other"), text())

    assert (error.kind, error.code) == (ErrorKind.AUTH, "UNAUTHORIZED")


@pytest.mark.parametrize(
    "message",
    [
        {"destinations": [{"to": "41793026727"}], "content": {"text": "x"}},
        {"sender": "A", "destinations": [], "content": {"text": "x"}},
        {"sender": "A", "destinations": [{"to": "+41793026727"}], "content": {"text": "x"}},
        {"sender": "A", "destinations": [{"to": "41793026727"}], "content": {}},
    ],
)
def test_what_the_vendor_requires_is_required(message: dict[str, Any]) -> None:
    request = httpx.Request("POST", sms().endpoint, json={"messages": [message]})

    reply = ask(face(), authorize(sms(), request))

    assert (reply.status, reply.taken) == (400, ())


def test_an_account_without_a_sender_needs_one_on_the_message() -> None:
    with pytest.raises(SendError) as caught:
        sms(sender=None).build(text())

    assert caught.value.kind is ErrorKind.INVALID_SENDER
