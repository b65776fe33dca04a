"""What adapters share to read answers and reports: nothing of the wrong shape gets through, and nothing is made up."""

import httpx
import pytest
from pydantic import SecretStr

from recallgate import ErrorKind, Event, EventType, ForgedCallback, Receipt, SendError
from recallgate_adapters import _shared as shared
from recallgate_adapters._sms import reported, reported_at_home

ERRORS = {"21": ErrorKind.UNREACHABLE}


def report(code: str, *, type_: EventType = EventType.UNDELIVERED, vendor_id: str = "v1") -> Event:
    return reported(type_, "failed", code, vendor_id=vendor_id, message_id=None, errors=ERRORS, data={"a": "", "b": None, "c": 0})


@pytest.mark.parametrize(
    ("told", "count"),
    [
        (2, 2),
        ("2", 2),
        ("02", 2),
        (0, None),
        ("0", None),
        (-1, None),
        (1.5, None),
        (True, None),
        ("²", None),
        (None, None),
        ("", None),
    ],
)
def test_a_count_is_a_whole_number_above_zero(told: object, count: int | None) -> None:
    assert shared.count_of(told) == count


@pytest.mark.parametrize("body", [b"", b"[1]", b"null", b'"text"', b"{", b"\xff\xfe\xfd"])
def test_a_body_that_is_no_object_has_no_fields(body: bytes) -> None:
    assert shared.object_in(body) == {}


@pytest.mark.parametrize(("told", "objects"), [([{"a": 1}, 2, None, []], [{"a": 1}]), ({"a": 1}, []), (None, []), ("ab", [])])
def test_objects_are_taken_from_lists_alone(told: object, objects: list[dict[str, int]]) -> None:
    assert shared.objects_of(told) == objects


@pytest.mark.parametrize(("told", "part"), [({"b": 1}, {"b": 1}), ([{"b": 1}], {}), ("b", {}), (None, {})])
def test_a_part_that_is_no_object_is_empty(told: object, part: dict[str, int]) -> None:
    assert shared.part_of({"a": told}, "a") == part


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, '{"id": ""}', ErrorKind.UNCERTAIN),
        (200, '{"id": 7}', ErrorKind.UNCERTAIN),
        (200, "[]", ErrorKind.UNCERTAIN),
        (503, '{"id": "v1"}', ErrorKind.UNAVAILABLE),
    ],
)
def test_an_answer_without_its_id_is_an_error_by_status(status: int, body: str, kind: ErrorKind) -> None:
    with pytest.raises(SendError) as caught:
        shared.answer_naming(httpx.Response(status, text=body), "id")

    assert caught.value.kind is kind


def test_an_answer_with_its_id_is_read() -> None:
    assert shared.answer_naming(httpx.Response(201, json={"id": "v1", "n": 2}), "id") == {"id": "v1", "n": 2}


def test_what_a_batch_has_in_common_is_taken_and_a_difference_refused() -> None:
    assert shared.alike([{"a": 1}, {"a": 1}]) == {"a": 1}
    with pytest.raises(SendError, match="all say the same") as caught:
        shared.alike([{"a": 1}, {"a": 1}, {"a": 2}], "all say the same")
    assert (caught.value.kind, caught.value.code) == (ErrorKind.UNSUPPORTED, "batch")


def test_a_refusal_of_the_only_message_is_raised() -> None:
    receipt, refused = Receipt(message_id="m1", vendor_id="v1"), SendError(ErrorKind.AUTH, "4", "no")

    assert shared.receipt_of(receipt) is receipt
    with pytest.raises(SendError) as caught:
        shared.receipt_of(refused)
    assert caught.value is refused


def test_callbacks_of_an_account_without_its_secret_are_not_believed() -> None:
    assert shared.signing_secret(SecretStr("s"), vendor="acme", setting="key") == "s"
    with pytest.raises(ForgedCallback, match="acme: no key is configured"):
        shared.signing_secret(None, vendor="acme", setting="key")


@pytest.mark.parametrize(
    ("code", "told", "kind"),
    [
        ("21", "21", ErrorKind.UNREACHABLE),
        ("99", "99", ErrorKind.UNKNOWN),
        ("", None, ErrorKind.UNKNOWN),
        ("0", None, ErrorKind.UNKNOWN),
        ("000", None, ErrorKind.UNKNOWN),
        ("100", "100", ErrorKind.UNKNOWN),
    ],
)
def test_a_failure_has_the_kind_of_its_code_and_zeros_are_no_code(code: str, told: str | None, kind: ErrorKind) -> None:
    event = report(code)

    assert (event.code, event.kind, event.data) == (told, kind, {"c": 0})


def test_other_news_has_no_kind_and_is_named_by_message_and_status() -> None:
    event = report("21", type_=EventType.SENT)

    assert (event.kind, event.vendor_event_id) == (None, "v1:failed")
    assert report("21", vendor_id="").vendor_id is None


@pytest.mark.parametrize(
    ("type_", "code", "told", "news"),
    [
        (EventType.UNDELIVERED, "EXPIRED", EventType.EXPIRED, "v1:expired"),
        (EventType.UNDELIVERED, "MK:0001", EventType.UNDELIVERED, "v1:undelivered"),
        (EventType.DELIVERED, "DELIVRD", EventType.DELIVERED, "v1:delivered"),
        (EventType.DELIVERED, "EXPIRED", EventType.DELIVERED, "v1:delivered"),
        (EventType.UNKNOWN, "EXPIRED", EventType.UNKNOWN, "v1:FAIL"),
    ],
)
def test_a_carriers_word_decides_how_a_failure_ended(type_: EventType, code: str, told: EventType, news: str) -> None:
    event = reported_at_home(type_, "FAIL", code, vendor_id="v1", message_id=None, errors={}, data={})

    assert (event.type, event.vendor_event_id) == (told, news)
    assert event.code == (None if code == "DELIVRD" else code)


def test_news_of_a_push_and_of_a_look_up_have_the_name_that_both_know() -> None:
    def name(vendor_id: str, message_id: str | None, named: str = "") -> str | None:
        kinds: dict[str, ErrorKind] = {}
        event = reported_at_home(
            EventType.DELIVERED, "1", "", vendor_id=vendor_id, message_id=message_id, errors=kinds, named=named, data={}
        )
        return event.vendor_event_id

    assert name("v1", "m1") == name("", "m1") == "m1:delivered"
    assert name("v1", None, "v1") == name("v1", "m1", "v1") == "v1:delivered"
