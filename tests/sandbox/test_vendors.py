"""Vendors in the process: credentials are checked, outages and lost answers are as on a real wire."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from recallgate import AccountConfig, ConfigError, ErrorKind, FrozenClock, SendError
from recallgate.model.event import EventType
from recallgate.sandbox.face import WorldEvent
from recallgate.sandbox.habits import ChannelHabits, Habits, Outage
from recallgate.sandbox.happenings import Inbound, Report
from recallgate.sandbox.vendors import Vendors
from recallgate.sandbox.world import World
from recallgate.transport.client import Wire

TOKEN = "sandbox-token"
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
FORM = {
    "To": "+14155550101",
    "From": "+15005550006",
    "Body": "Hi https://s.example/l/a",
    "StatusCallback": "https://s.example/cb?m=m1",
}


def vendors(habits: Habits | None = None) -> Vendors:
    return Vendors(World("s", habits or Habits.calm()), FrozenClock(NOW))


def post(
    world: Vendors, account: AccountConfig, *, token: str = TOKEN, host: str = "api.twilio.com", times: int = 1
) -> list[httpx.Response]:
    sid = account.settings.model_dump()["account_sid"]

    async def send() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=world.transport(account), auth=(sid, token)) as client:
            url = f"https://{host}/2010-04-01/Accounts/{sid}/Messages.json"
            return [await client.post(url, data=FORM) for _ in range(times)]

    return asyncio.run(send())


def out(kind: ErrorKind, target: str = "texts", retry_after_s: int | None = None) -> Vendors:
    calm = Habits.calm()
    outage = Outage(target, NOW, LATER, kind, retry_after_s=retry_after_s)
    return vendors(Habits(calm.channels, calm.other, calm.callbacks, 0.0, (outage,)))


def test_message_with_right_credentials_is_taken_and_told_to_the_world(texts: AccountConfig) -> None:
    sandbox = vendors()

    (answer,) = post(sandbox, texts)

    assert answer.status_code == 201
    assert sandbox.world.counts == {"taken.sms": 1, "reached.sms": 1}


def test_unknown_credentials_are_refused_and_nothing_is_taken(texts: AccountConfig) -> None:
    sandbox = vendors()

    (answer,) = post(sandbox, texts, token="another")

    assert answer.status_code == 401
    assert not sandbox.world.counts


def test_host_of_another_vendor_cannot_be_reached(texts: AccountConfig) -> None:
    with pytest.raises(httpx.ConnectError):
        post(vendors(), texts, host="api.elsewhere.example")


@pytest.mark.parametrize("target", ["texts", "twilio.sms", "*"])
def test_outage_refuses_the_connection(texts: AccountConfig, target: str) -> None:
    sandbox = out(ErrorKind.UNAVAILABLE, target)

    with pytest.raises(httpx.ConnectError):
        post(sandbox, texts)

    assert not sandbox.world.counts


def test_outage_ends_at_its_end(texts: AccountConfig) -> None:
    sandbox = out(ErrorKind.UNAVAILABLE)
    assert isinstance(sandbox.clock, FrozenClock)
    sandbox.clock.move_to(LATER)

    assert post(sandbox, texts)[0].status_code == 201


def test_full_account_is_told_in_the_vendors_words_with_its_wait(texts: AccountConfig) -> None:
    (answer,) = post(out(ErrorKind.RATE_LIMITED, retry_after_s=7), texts)

    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")


def test_lost_answer_breaks_the_wire_after_the_message_was_taken(texts: AccountConfig) -> None:
    sandbox = out(ErrorKind.UNCERTAIN)

    with pytest.raises(httpx.ReadError):
        post(sandbox, texts)

    assert sandbox.world.counts["taken.sms"] == 1


def test_wire_reads_outage_as_not_sent_and_lost_answer_as_uncertain(texts: AccountConfig) -> None:
    async def kind_of(sandbox: Vendors) -> ErrorKind:
        wire = Wire(sandbox.transport(texts))
        url = f"https://api.twilio.com/2010-04-01/Accounts/{'AC' + '1' * 32}/Messages.json"
        request = next(httpx.BasicAuth("AC" + "1" * 32, "sandbox-token").auth_flow(httpx.Request("POST", url, data=FORM)))
        try:
            await wire.send(request)
        except SendError as error:
            return error.kind
        finally:
            await wire.close()
        raise AssertionError("it was sent")

    assert asyncio.run(kind_of(out(ErrorKind.UNAVAILABLE))) is ErrorKind.UNAVAILABLE
    assert asyncio.run(kind_of(out(ErrorKind.UNCERTAIN))) is ErrorKind.UNCERTAIN


def test_same_request_twice_at_one_instant_has_two_ids_that_repeat_with_the_seed(texts: AccountConfig) -> None:
    first = [answer.json()["sid"] for answer in post(vendors(), texts, times=2)]
    second = [answer.json()["sid"] for answer in post(vendors(), texts, times=2)]

    assert first == second
    assert len(set(first)) == 2


def test_refused_by_habit_takes_nothing(texts: AccountConfig) -> None:
    sandbox = vendors(Habits.calm(sms=ChannelHabits(refused={ErrorKind.INVALID_RECIPIENT: 1.0})))

    (answer,) = post(sandbox, texts)

    assert (answer.status_code, answer.json()["code"]) == (400, 21211)
    assert sandbox.world.counts == {"refused.invalid_recipient": 1}


def test_reports_are_the_vendors_requests_and_are_received_now(texts: AccountConfig) -> None:
    sandbox = vendors()
    post(sandbox, texts)
    (due,) = sandbox.world.take_due(LATER)
    assert isinstance(due.what, Report)

    (callback,) = sandbox.callbacks(due.what)

    assert callback.url == "https://s.example/cb?m=m1"
    assert callback.received_at == NOW
    assert dict(callback.form)["MessageStatus"] == "delivered"
    assert "x-twilio-signature" in callback.headers


def test_answer_of_a_person_goes_to_the_accounts_own_address(texts: AccountConfig) -> None:
    sandbox = vendors(Habits.calm(sms=ChannelHabits(replies={"STOP": 1.0}, told=frozenset())))
    post(sandbox, texts)
    (due,) = sandbox.world.take_due(LATER)
    assert isinstance(due.what, Inbound)

    (by_message,) = sandbox.callbacks(due.what)
    sandbox.write_to(sandbox.vendor("texts"), "https://s.example/account")
    (by_account,) = sandbox.callbacks(due.what)

    assert by_message.url == "https://s.example/cb?k=inbound"
    assert by_account.url == "https://s.example/account"
    assert dict(by_account.form) | {"Body": "STOP", "From": "+14155550101", "To": "+15005550006"} == dict(by_account.form)


def test_mail_is_taken_by_its_face_and_an_unknown_account_is_named(mail: AccountConfig) -> None:
    sandbox = vendors()
    vendor = sandbox.open(mail)
    raw = b"From: a@sandbox.example\r\nMessage-ID: <1@sandbox.example>\r\nSubject: Hi\r\n\r\nCome back\r\n"

    assert sandbox.accept(vendor, "a@sandbox.example", "jo@example.com", raw)[0] == 250
    assert sandbox.accept(vendor, "a@sandbox.example", "jo@example.com", b"\r\nnothing")[0] == 550
    assert sandbox.world.counts["taken.email"] == 1
    with pytest.raises(ConfigError, match="texts"):
        sandbox.vendor("texts")


def test_secrets_of_an_account_are_not_in_the_repr_of_its_vendor(texts: AccountConfig) -> None:
    assert "sandbox-token" not in repr(vendors().open(texts))


def test_news_that_a_vendor_never_tells_is_no_request(texts: AccountConfig) -> None:
    sandbox = vendors()
    post(sandbox, texts)
    (due,) = sandbox.world.take_due(LATER)
    assert isinstance(due.what, Report)
    silent = Report("texts", due.what.taken, WorldEvent(EventType.COMPLAINED, NOW), "00")

    assert sandbox.callbacks(silent) == []
