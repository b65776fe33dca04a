"""Huawei and HONOR keep the contract of adapters, each of their quirks, and understand the vendors' side of the wire."""

import json
from typing import Any

import httpx
import pytest

from adapters.wire import CALLBACK, DATA, NOW, asked, facts, fault_kind, refusal, response, sent, token_of, tools
from recallgate import (
    Adapter,
    Callback,
    ErrorKind,
    EventType,
    Fault,
    ForgedCallback,
    IdSource,
    Message,
    Purpose,
    Push,
    PushToken,
    TokenAuth,
    VendorFace,
    WorldEvent,
)
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.honor import HonorPushFace
from recallgate_adapters.faces.huawei_push import HuaweiPushFace
from recallgate_adapters.honor import HonorConfig, HonorPush
from recallgate_adapters.huawei_push import HuaweiPush, HuaweiPushConfig
from recallgate_adapters.huawei_push_receipts import signature

VECTOR = facts("huawei_push")["signature_vectors"]["vectors"][0]
CODES = facts("huawei_push")["errors"]["codes"]
HUAWEI = {
    "app_id": "100001",
    "app_secret": "huawei-app-secret",
    "callback_user": VECTOR["input"]["user_name"],
    "callback_secret": VECTOR["input"]["secret"],
}
HONOR = {"app_id": "100001", "client_id": "c1", "client_secret": "honor-client-secret"}
MESSAGE = {
    "channel": "push",
    "to": {"type": "push", "token": "t1"},
    "content": {"type": "push", "title": "好久不见", "body": "3 new dishes"},
    "purpose": "marketing",
}


class TestHuaweiPush(AdapterContract):
    adapter = HuaweiPush
    config = HUAWEI
    message = MESSAGE
    exchanges = DATA / "exchanges" / "huawei.push.json"
    # The signature covers time, nonce and user name; the body is not under it.
    test_forged_callback_that_was_changed_on_the_way_is_refused = None  # type: ignore[assignment]


class TestHonorPush(AdapterContract):
    adapter = HonorPush
    config = HONOR
    message = MESSAGE
    exchanges = DATA / "exchanges" / "honor.push.json"


def huawei(**config: Any) -> HuaweiPush:
    return HuaweiPush(HuaweiPushConfig.model_validate({**HUAWEI, **config}), tools(NOW))


def honor(**config: Any) -> HonorPush:
    return HonorPush(HonorConfig.model_validate({**HONOR, **config}), tools(NOW))


PAIRS = [(huawei, HuaweiPushFace(HUAWEI)), (honor, HonorPushFace(HONOR))]


def a_push(device: str = "t1", message_id: str = "m1", **content: Any) -> Message:
    body = Push.model_validate({"title": "T", "body": "B", **content})
    return Message(id=message_id, channel="push", to=PushToken(token=device), content=body, purpose=Purpose.MARKETING)


def auth_of(adapter: Adapter) -> TokenAuth:
    assert isinstance(adapter.auth, TokenAuth)
    return adapter.auth


def test_every_code_and_status_of_huawei_is_mapped() -> None:
    # "HTTP 502" and the like follow the statuses of every vendor.
    assert set(HuaweiPush.errors) == {code for code in CODES if not code.startswith("HTTP")}
    assert set(HuaweiPush.statuses) == set(facts("huawei_push")["delivery_status"]["status_map"])


def test_every_code_of_honor_is_mapped() -> None:
    told = set(facts("honor_push")["errors"]["codes"])

    # The two lists are read by name, the HTTP statuses as everywhere.
    assert set(HonorPush.errors) == {code for code in told if not code.startswith(("HTTP", "data."))}


def test_the_receipts_signature_is_the_one_of_the_vector() -> None:
    told = VECTOR["input"]

    assert signature(told["secret"], told["timestamp"], told["nonce"], told["user_name"]) == VECTOR["expected"]["value"]


def test_a_receipt_is_not_believed_without_settings() -> None:
    callback = Callback("POST", CALLBACK, httpx.Headers({"x-huawei-callback-id": "timestamp=1;nonce=;value="}), b"{}", NOW)

    with pytest.raises(ForgedCallback):
        huawei(callback_secret=None).read_callback(callback)


def test_the_header_is_read_with_spaces_and_in_any_order() -> None:
    told = VECTOR["input"]
    value = f"value={VECTOR['expected']['value']}; nonce={told['nonce']}; timestamp={told['timestamp']}"
    body = b'{"statuses": [{"token": "t", "status": 0}]}'

    (event,) = (
        huawei().read_callback(Callback("POST", CALLBACK, httpx.Headers({"x-huawei-callback-id": value}), body, NOW)).events
    )

    assert event.type is EventType.DELIVERED


@pytest.mark.parametrize(("adapter", "client"), [(huawei(), "100001"), (honor(), "c1")], ids=["huawei", "honor"])
def test_a_token_is_bought_with_id_and_secret(adapter: Adapter, client: str) -> None:
    request = auth_of(adapter).build()

    fields = dict(httpx.QueryParams(request.content.decode()))
    secret = HUAWEI["app_secret"] if client == "100001" else HONOR["client_secret"]
    assert fields == {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"error":1101}', ErrorKind.AUTH),
        (401, b"", ErrorKind.AUTH),
        (502, b"", ErrorKind.UNAVAILABLE),
        (429, b"", ErrorKind.UNAVAILABLE),
        (200, b"<html>", ErrorKind.UNAVAILABLE),
    ],
)
def test_a_failed_token_request_is_never_uncertain(status: int, body: bytes, kind: ErrorKind) -> None:
    assert refusal(auth_of(huawei()).parse, httpx.Response(status, content=body)).kind is kind


@pytest.mark.parametrize(
    ("make", "status", "code", "expired"),
    [
        (huawei, 401, "80200001", True),
        (huawei, 401, "80200003", True),
        (huawei, 403, "80300002", False),
        (honor, 401, 80200003, True),
        (honor, 401, None, True),
        (honor, 400, 80300007, False),
    ],
)
def test_only_a_bad_token_asks_for_a_new_one(make: Any, status: int, code: object, expired: bool) -> None:
    assert auth_of(make()).expired(httpx.Response(status, json={"code": code})) is expired


@pytest.mark.parametrize("make", [huawei, honor])
def test_4096_bytes_leave_and_many_more_do_not(make: Any) -> None:
    make().build(a_push(body="a" * 1500))

    assert refusal(make().build, a_push(body="a" * 4096)).kind is ErrorKind.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize("other", [a_push("t2", body="another"), a_push("t2").model_copy(update={"expires_at": NOW})])
def test_a_batch_carries_equal_messages_only(other: Message) -> None:
    for make in (huawei, honor):
        assert refusal(make().build_batch, [a_push(), other]).code == "batch"


def test_an_apple_device_is_refused_by_name() -> None:
    message = a_push().model_copy(update={"to": PushToken(token="t", platform="ios")})

    assert refusal(huawei().build, message).code == refusal(honor().build, message).code == "platform"


def test_the_message_id_travels_where_it_fits() -> None:
    long = a_push(message_id="é" * 33)

    assert "bi_tag" not in json.loads(huawei().build(long).content)["message"]["android"]
    assert "biTag" not in json.loads(honor().build(long).content)["android"]


# Adapter and face


@pytest.mark.parametrize(("make", "face"), PAIRS, ids=["huawei", "honor"])
def test_adapter_and_face_understand_each_other(make: Any, face: VendorFace) -> None:
    adapter = make()
    receipt, reply = sent(adapter, face, a_push(link="https://shop.example/back"))

    (callback,) = face.callbacks(reply.taken[0], WorldEvent(EventType.DELIVERED, NOW), nonce="n")
    (event,) = adapter.read_callback(callback).events

    assert (reply.taken[0].text, reply.taken[0].links) == ("T\nB", ("https://shop.example/back",))
    assert (event.type, event.message_id, event.vendor_id) == (EventType.DELIVERED, "m1", receipt.vendor_id)


@pytest.mark.parametrize(
    ("kind", "seen"), [(ErrorKind.UNREGISTERED_TOKEN, ErrorKind.UNREGISTERED_TOKEN), (None, ErrorKind.UNKNOWN)]
)
def test_a_failure_told_by_receipt_has_its_kind(kind: ErrorKind | None, seen: ErrorKind) -> None:
    face = HuaweiPushFace(HUAWEI)
    _, reply = sent(huawei(), face, a_push())

    (callback,) = face.callbacks(reply.taken[0], WorldEvent(EventType.UNDELIVERED, NOW, kind=kind), nonce="n")
    (event,) = huawei().read_callback(callback).events

    assert (event.type, event.kind) == (EventType.UNDELIVERED, seen)


def test_a_batch_is_taken_in_part() -> None:
    for make, face in (
        (huawei, HuaweiPushFace({**HUAWEI, "illegal": ["t2"]})),
        (honor, HonorPushFace({**HONOR, "illegal": ["t2"], "failing": ["t3"]})),
    ):
        adapter: Any = make()
        messages = [a_push("t1", "a"), a_push("t2", "b"), a_push("t3", "c")]
        reply = asked(adapter, face, adapter.build_batch(messages))
        kinds = [getattr(one, "kind", None) for one in adapter.parse_batch(messages, response(reply))]
        third = None if make is huawei else ErrorKind.TEMPORARY
        assert kinds == [None, ErrorKind.UNREGISTERED_TOKEN, third]
        assert len(reply.taken) == kinds.count(None)


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.UNREGISTERED_TOKEN,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.RATE_LIMITED,
        ErrorKind.AUTH,
        ErrorKind.TEMPORARY,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(huawei(), HuaweiPushFace(HUAWEI), a_push(), Fault(kind)) is kind


def test_the_faces_refuse_a_wrong_secret_and_a_missing_token() -> None:
    assert refusal(token_of, huawei(app_secret="wrong"), HuaweiPushFace(HUAWEI)).kind is ErrorKind.AUTH
    assert refusal(token_of, honor(client_secret="wrong"), HonorPushFace(HONOR)).kind is ErrorKind.AUTH
    bare = HuaweiPushFace(HUAWEI).answer(huawei().build(a_push()), now=NOW, new_id=IdSource("s"))
    assert auth_of(huawei()).expired(response(bare))
