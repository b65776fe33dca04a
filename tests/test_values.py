"""Values of the model: they survive JSON, hide what is personal, and states end alike whatever the order of reports."""

import itertools
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from pydantic import ValidationError

from recallgate import (
    Alternative,
    CallScript,
    ConfigError,
    Email,
    EmailAddress,
    ErrorKind,
    EventType,
    Inapp,
    InboxId,
    KeyAnswer,
    Message,
    Origin,
    Phone,
    Push,
    PushToken,
    Say,
    State,
    Template,
    Text,
    WecomUser,
)
from recallgate.config import parse_message
from recallgate.model.errors import KIND_RULES
from recallgate.model.ids import derived_id, uuid7
from recallgate.model.state import RANK, REPORTED, TRANSITIONS, after_report

NOON = datetime(2026, 6, 2, 12, tzinfo=UTC)
MESSAGES = [
    Message.sms("+14155550123", "Code 4821", purpose="otp"),
    Message.voice("+14155550123", CallScript(say=(Say(text="Hello"),), keys={"1": KeyAnswer()}), purpose="service"),
    Message.push("device-token-0123456789", "Title", "Body", purpose="marketing", link="https://shop.example/a"),
    Message.email(EmailAddress(email="jo.doe@example.com", name="Jo"), "Subject", purpose="transactional", text="Words"),
    Message.wecom("zhangsan-0042", "您好", purpose="service"),
    Message.inapp("user-8812-abcdef", "Body", purpose="marketing"),
    Message(
        channel="sms",
        to=Phone(e164="+8613800138000"),
        content=Template(template="winback", variables={"name": "Li"}, preview="Li, hello"),
        purpose="marketing",  # type: ignore[arg-type]  # read from text, as from JSON
        person="li-4711",
        tags=frozenset({"summer", "vip"}),
        timezone="Asia/Shanghai",
        not_before=NOON,
        expires_at=NOON + timedelta(days=1),
        origin=Origin(campaign="june", step="first", arm="a", offer="ten", run=2),
        alternatives=(Alternative(channel="push", to=PushToken(token="t" * 30), content=Push(title="T", body="B")),),
        options={"acme.sms": {"flash": True}},
    ),
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: f"{one.channel}-{one.content.type}")
def test_a_message_survives_json(message: Message) -> None:
    assert parse_message(message.model_dump_json()) == message
    assert parse_message(message.model_dump(mode="json")) == message


@pytest.mark.parametrize(
    ("address", "hidden"),
    [
        (Phone(e164="+14155550123"), "4155550"),
        (EmailAddress(email="jo.doe@example.com", name="Jo Doe"), "doe"),
        (PushToken(token="secret-device-token-0123"), "device-token"),
        (WecomUser(userid="zhangsan-0042"), "zhangsan"),
        (InboxId(user="user-8812-abcdef"), "8812"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_an_address_is_masked_wherever_it_is_shown(address: Any, hidden: str) -> None:
    for shown in (repr(address), str(address), f"{address}", repr([address]), address.masked):
        assert hidden.lower() not in shown.lower()


@pytest.mark.parametrize("message", MESSAGES, ids=lambda one: f"{one.channel}-{one.content.type}")
def test_a_message_shows_neither_its_address_nor_its_words(message: Message) -> None:
    for shown in (repr(message), str(message)):
        assert message.to.key not in shown
        assert "4821" not in shown
        assert message.id in shown


GOOD = {
    "channel": "sms",
    "to": {"type": "phone", "e164": "+14155550123"},
    "content": {"type": "text", "text": "Hi"},
    "purpose": "service",
}


@pytest.mark.parametrize(
    ("change", "field", "remedy", "value"),
    [
        ({"to": {"type": "phone", "e164": "0755-8888-4321"}}, "to", "+14155550123", "4321"),
        ({"to": {"type": "phone", "e164": "+1415555٠١٢٣"}}, "to", "E.164", "٠١٢٣"),
        ({"to": {"type": "email", "email": "jo.doe.at.example"}}, "to", "local@domain", "jo.doe"),
        ({"to": {"type": "email", "email": "jo@example.com"}}, "to", "type phone", "jo@example"),
        ({"purpose": "advert-hidden"}, "purpose", "marketing", "advert-hidden"),
        ({"country": "Germanyland"}, "country", "[A-Z]{2}", "Germanyland"),
        ({"priority": 4242}, "priority", "9", "4242"),
        ({"not_before": "2026-06-02T12:00:00"}, "not_before", "timezone", "2026-06-02"),
        ({"not_before": NOON.isoformat(), "expires_at": NOON.isoformat()}, "expires_at", "not_before", "2026-06-02"),
        ({"content": {"type": "push", "title": "Hush-hush", "body": "b"}}, "content", "text or template", "Hush-hush"),
        ({"idempotency_kee": "order-778899"}, "idempotency_kee", "not known", "778899"),
        ({"channel": None}, "channel", "string", "+1415"),
    ],
)
def test_a_fault_names_the_field_and_the_remedy_and_never_the_value(
    change: dict[str, Any], field: str, remedy: str, value: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_message({**GOOD, **change})

    assert field in str(caught.value)
    assert remedy in str(caught.value)
    assert value not in str(caught.value)


def test_pydantic_itself_does_not_repeat_a_refused_value() -> None:
    with pytest.raises(ValidationError) as caught:
        Message.model_validate({**GOOD, "to": {"type": "phone", "e164": "555-secret-0199"}})

    assert "secret" not in str(caught.value)


REPORTS = sorted(REPORTED)
# the two share a step, and the first of them to come stays: vendors do not tell both of one message
EXCLUSIVE = {EventType.EXPIRED, EventType.CANCELLED}


def folded(start: State, reports: list[EventType]) -> State:
    for report in reports:
        start = after_report(start, report)
    return start


@given(
    start=st.sampled_from([State.SENDING, State.UNCERTAIN, State.ACCEPTED, State.SENT]),
    reports=st.lists(st.sampled_from(REPORTS), min_size=1, max_size=6),
    data=st.data(),
)
def test_any_order_and_any_duplication_of_reports_end_in_one_state(
    start: State, reports: list[EventType], data: st.DataObject
) -> None:
    if set(reports) >= EXCLUSIVE:
        reports = [one for one in reports if one is not EventType.CANCELLED]
    again = data.draw(st.lists(st.sampled_from(reports), max_size=4))
    shuffled = data.draw(st.permutations([*reports, *again]))

    assert folded(start, shuffled) == folded(start, reports)


def test_expired_and_cancelled_never_lift_each_other() -> None:
    assert folded(State.ACCEPTED, [EventType.EXPIRED, EventType.CANCELLED]) is State.EXPIRED
    assert folded(State.ACCEPTED, [EventType.CANCELLED, EventType.EXPIRED]) is State.CANCELLED


@pytest.mark.parametrize(
    ("current", "report", "expected"),
    [
        (State.DELIVERED, EventType.UNDELIVERED, State.DELIVERED),
        (State.UNDELIVERED, EventType.READ, State.DELIVERED),
        (State.EXPIRED, EventType.UNDELIVERED, State.UNDELIVERED),
        (State.UNCERTAIN, EventType.ACCEPTED, State.ACCEPTED),
        (State.ACCEPTED, EventType.CLICKED, State.ACCEPTED),
        (State.HELD, EventType.DELIVERED, State.HELD),
        (State.SUPPRESSED, EventType.DELIVERED, State.SUPPRESSED),
        (State.FAILED, EventType.DELIVERED, State.FAILED),
    ],
)
def test_a_report_lifts_or_leaves(current: State, report: EventType, expected: State) -> None:
    assert after_report(current, report) is expected


@pytest.mark.parametrize(("current", "report"), itertools.product(State, EventType))
def test_no_report_leads_where_the_table_does_not(current: State, report: EventType) -> None:
    after = after_report(current, report)

    assert after is current or after in TRANSITIONS[current]


def test_every_state_is_in_the_table_and_accepted_ones_only_rise() -> None:
    assert set(TRANSITIONS) == set(State)
    for low, high in itertools.product(RANK, RANK):
        assert (high in TRANSITIONS[low]) == (RANK[high] > RANK[low])


def test_every_kind_has_a_rule_and_no_rule_is_left_over() -> None:
    assert set(KIND_RULES) == set(ErrorKind)


def test_only_uncertain_is_reconciled_and_only_it_is_indefinite() -> None:
    assert [kind for kind in ErrorKind if kind.rule.next == "reconcile"] == [ErrorKind.UNCERTAIN]
    assert [kind for kind in ErrorKind if not kind.definite] == [ErrorKind.UNCERTAIN]


@given(at=st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 12, 31)))
def test_a_uuid7_is_one_and_carries_its_instant(at: datetime) -> None:
    made = UUID(uuid7(at.replace(tzinfo=UTC)))

    assert (made.version, made.variant) == (7, "specified in RFC 4122")
    assert made.int >> 80 == (at.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def test_ids_sort_by_their_time() -> None:
    ids = [uuid7(NOON + timedelta(milliseconds=step)) for step in range(50)]

    assert ids == sorted(ids)
    assert all(re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", one) for one in ids)


def test_a_derived_id_repeats_and_depends_on_each_part() -> None:
    made = derived_id(NOON, "campaign", "person", "step")

    assert made == derived_id(NOON, "campaign", "person", "step")
    others = {
        derived_id(NOON, "campaign", "person", "other"),
        derived_id(NOON, "campaign", "personstep"),
        derived_id(NOON, "campaignperson", "step"),
        derived_id(NOON + timedelta(milliseconds=1), "campaign", "person", "step"),
    }
    assert made not in others
    assert len(others) == 4


@pytest.mark.parametrize("content", [Text(text="Hi"), Email(subject="s", text="t"), Inapp(title="", body="b")])
def test_values_are_frozen(content: Any) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        content.type = "other"
