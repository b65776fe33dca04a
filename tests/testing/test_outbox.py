"""The outbox and its fake vendors: what a project's own tests rely on."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest

from recallgate import (
    AccountConfig,
    Alternative,
    Card,
    EmailAddress,
    ErrorKind,
    Event,
    EventType,
    Gateway,
    GatewayConfig,
    InboxId,
    Message,
    Phone,
    State,
    StoreError,
    Text,
    WecomUser,
)
from recallgate.model.channels import BUILT_IN
from recallgate.testing import (
    FakeAdapter,
    MemoryStore,
    Outbox,
    Script,
    assert_nothing_sent,
    assert_sent,
    fake_account,
    fake_transport,
    make_outbox,
)

ANN = "+14155550123"


def code(text: str = "Code 4821", to: str = ANN, **fields: Any) -> Message:
    return Message.sms(to, text, purpose="otp", **fields)


def run(outbox: Outbox, *steps: Coroutine[Any, Any, Any]) -> list[Any]:
    """The answers to calls, one after the other, on an outbox that is open."""

    async def all_of_them() -> list[Any]:
        async with outbox:
            return [await step for step in steps]

    return asyncio.run(all_of_them())


def send(outbox: Outbox, *batch: Message) -> list[Any]:
    return run(outbox, *(outbox.gateway.send(message) for message in batch))


@pytest.mark.parametrize(
    "message",
    [
        code(),
        Message.voice(ANN, "Your code is 4 8 2 1", purpose="otp"),
        Message.push("token", "Hello", "You have mail", purpose="service"),
        Message.email("ann@a.example", "Hello", text="You have mail", purpose="service"),
        Message.wecom("ann", Card(title="Hello", url="https://a.example"), purpose="service"),
        Message.inapp("ann", "You have mail", purpose="service"),
    ],
    ids=lambda message: message.channel,
)
def test_every_channel_has_a_vendor_that_takes_messages(message: Message) -> None:
    outbox = make_outbox()

    (delivery,) = send(outbox, message)

    assert delivery.state is State.ACCEPTED
    assert [one.id for one in outbox.sent] == [message.id]


def test_each_channel_has_an_account_named_after_it() -> None:
    outbox = make_outbox()

    assert {name: account.channel for name, account in outbox.gateway.accounts.items()} == {name: name for name in BUILT_IN}


def test_accounts_of_a_config_become_fakes_with_their_names_and_limits() -> None:
    account = AccountConfig.from_dsn(
        "twilio.sms://AC0123456789abcdef0123456789abcdef:SECRET@default?sender=+15005550006&order=3", name="main"
    )
    outbox = make_outbox(GatewayConfig(accounts=(account,)))

    send(outbox, code())

    assert outbox.gateway.accounts["main"].config.order == 3
    assert "sms" not in outbox.gateway.accounts
    assert "SECRET" not in repr(outbox.gateway.config)
    assert len(outbox.sent) == 1


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (ErrorKind.INVALID_RECIPIENT, State.FAILED),
        (ErrorKind.OPTED_OUT, State.FAILED),
        (ErrorKind.UNCERTAIN, State.UNCERTAIN),
        (ErrorKind.UNAVAILABLE, State.HELD),
    ],
)
def test_a_refusal_has_its_kind_and_comes_once(kind: ErrorKind, state: State) -> None:
    outbox = make_outbox()
    outbox.refuse("sms", kind, code="7")

    refused, taken = send(outbox, code(), code(to="+14155550199"))

    assert (refused.state, refused.error.kind, refused.error.code) == (state, kind, "7")
    assert taken.state is State.ACCEPTED
    assert (len(outbox.tried), len(outbox.sent)) == (2, 1)


def test_a_lost_answer_is_uncertain() -> None:
    outbox = make_outbox()
    outbox.uncertain("sms")

    (delivery,) = send(outbox, code())

    assert delivery.state is State.UNCERTAIN
    assert_nothing_sent(outbox)


def test_a_script_answers_in_order() -> None:
    outbox = make_outbox()
    script = outbox.script("sms")
    script.accept()
    script.refuse(ErrorKind.BLOCKED_CONTENT, times=2)

    states = [delivery.state for delivery in send(outbox, *(code(to=f"+1415555010{n}") for n in range(4)))]

    assert states == [State.ACCEPTED, State.FAILED, State.FAILED, State.ACCEPTED]


def test_vendors_ids_are_never_the_same() -> None:
    outbox = make_outbox()

    deliveries = send(outbox, code(), code(to="+14155550199"), Message.voice(ANN, "Hello", purpose="otp"))

    assert len({delivery.receipt.vendor_id for delivery in deliveries}) == 3


def test_a_report_is_told_as_by_the_vendor() -> None:
    outbox = make_outbox()
    message = code()

    _, applied, explained = run(
        outbox,
        outbox.gateway.send(message),
        outbox.report(message, "delivered"),
        outbox.gateway.explain(message.id),
    )

    assert [event.type for event in applied.events] == [EventType.DELIVERED]
    assert explained["message"]["state"] == "delivered"


def test_policies_hold_for_fakes_too() -> None:
    outbox = make_outbox()
    marketing = Message.push("token", "Come back", "We miss you", purpose="marketing", country="US", person="ann")

    first, second = send(outbox, marketing, marketing.model_copy(update={"id": "another"}))

    assert (first.state, second.state) == (State.ACCEPTED, State.SUPPRESSED)


def test_an_outbox_needs_no_opening() -> None:
    outbox = make_outbox()

    assert asyncio.run(outbox.gateway.send(code())).state is State.ACCEPTED


def test_a_store_in_memory_that_was_closed_stays_closed() -> None:
    store = MemoryStore()

    async def used() -> int:
        first = await store.run(lambda c: 1)
        await store.close()
        return first

    assert asyncio.run(used()) == 1
    with pytest.raises(StoreError):
        asyncio.run(store.run(lambda c: 2))


def test_two_outboxes_make_the_same_codes() -> None:
    config = GatewayConfig(public_url="https://app.example")
    texts = []
    for _ in range(2):
        outbox = make_outbox(config)
        words = "See https://shop.example/sale Reply STOP to opt out"
        send(outbox, Message.sms(ANN, words, purpose="marketing", country="US", id="m1"))
        texts.append(outbox.sent[0].text)

    assert texts[0] == texts[1]
    assert "https://app.example/l/" in texts[0]


# Assertions


@pytest.mark.parametrize(
    ("message", "to", "containing"),
    [
        (code(), ANN, "4821"),
        (code(), Phone(e164=ANN), None),
        (Message.email("ann@A.example", "Hello", html="<b>4821</b>", purpose="otp"), EmailAddress(email="ann@a.example"), "4821"),
        (Message.email("ann@a.example", "Hello 4821", text="x", purpose="otp"), None, "Hello 4821"),
        (Message.push("token", "Hello", "x", purpose="service", data={"order": "A-1"}), "token", "A-1"),
        (Message.wecom(WecomUser(userid="ann"), "Hello", purpose="service"), "ann", "Hello"),
        (Message.inapp(InboxId(user="ann"), "x", title="Hello", purpose="service"), "ann", "Hello"),
        (Message.voice(ANN, "Your code is 4821", purpose="otp"), ANN, "4821"),
    ],
    ids=lambda value: getattr(value, "channel", ""),
)
def test_a_sent_message_is_found_by_address_and_words(message: Message, to: Any, containing: str | None) -> None:
    outbox = make_outbox()
    send(outbox, message)

    assert assert_sent(outbox, to=to, containing=containing, channel=message.channel).id == message.id


@pytest.mark.parametrize("asked", [{"to": "+14155550199"}, {"containing": "9999"}, {"channel": "voice"}, {"containing": "text"}])
def test_a_message_that_was_not_sent_fails_and_shows_what_was(asked: dict[str, str]) -> None:
    outbox = make_outbox()
    send(outbox, code("Code 4821"))

    with pytest.raises(AssertionError, match=rf"(?s){next(iter(asked))}=.*sms otp to \{ANN}: Code 4821"):
        assert_sent(outbox, **asked)


def test_a_refused_message_is_not_sent_but_said_to_be_tried() -> None:
    outbox = make_outbox()
    outbox.refuse("sms", ErrorKind.OPTED_OUT)
    send(outbox, code())

    assert_nothing_sent(outbox)
    with pytest.raises(AssertionError, match="nothing was sent, 1 were tried"):
        assert_sent(outbox, to=ANN)


def test_nothing_sent_fails_when_something_was() -> None:
    outbox = make_outbox()
    send(outbox, code())

    with pytest.raises(AssertionError, match="1 sent"):
        assert_nothing_sent(outbox)
    with pytest.raises(AssertionError, match="1 sent"):
        assert_nothing_sent(outbox, to=Phone(e164=ANN))
    assert_nothing_sent(outbox, to="+14155550199")
    assert_nothing_sent(outbox, channel="voice")


# A fake vendor over HTTP


def over_http(script: Script, *batch: Message) -> list[Any]:
    async def sent() -> list[Any]:
        gateway = Gateway(
            fake_account("sms", base=FakeAdapter),
            fake_account("voice", base=FakeAdapter),
            store=MemoryStore(),
            transport=lambda account: fake_transport(script),
        )
        async with gateway:
            return [await gateway.send(message) for message in batch]

    return asyncio.run(sent())


def test_a_fake_over_http_takes_refuses_and_breaks() -> None:
    script = Script()
    script.accept()
    script.refuse(ErrorKind.INVALID_RECIPIENT, code="21211")
    script.uncertain()

    taken, refused, broken = over_http(script, *(code(to=f"+1415555010{n}") for n in range(3)))

    assert (taken.state, taken.receipt.vendor_id) == (State.ACCEPTED, "fake-sms-1")
    assert (refused.error.kind, refused.error.code) == (ErrorKind.INVALID_RECIPIENT, "21211")
    assert (broken.state, broken.error.kind) == (State.UNCERTAIN, ErrorKind.UNCERTAIN)


def test_a_fake_over_http_gets_the_whole_message() -> None:
    script = Script()
    message = code(sender="+15005550006", tags=frozenset({"login"}))

    over_http(script, message)

    assert script.sent == [message]


def test_a_fake_reads_the_news_it_is_told() -> None:
    from recallgate import Callback
    from recallgate.testing.outbox import NOW

    adapter = make_outbox().gateway.accounts["sms"].adapter
    told = Callback("POST", "https://app.example/c?m=m1", httpx.Headers(), b'{"type": "undelivered", "kind": "unreachable"}', NOW)

    (event,) = adapter.read_callback(told).events

    assert event == Event(EventType.UNDELIVERED, message_id="m1", at=NOW, kind=ErrorKind.UNREACHABLE)


def test_a_rerouted_message_is_seen_on_its_new_channel() -> None:
    outbox = make_outbox()
    call = Message.voice(
        ANN,
        "Hello",
        purpose="service",
        alternatives=(Alternative(channel="sms", to=Phone(e164=ANN), content=Text(text="Hello")),),
    )

    send(outbox, call)

    assert assert_sent(outbox).channel in ("voice", "sms")
