"""Web Push keeps the contract of adapters, encrypts as its RFC does, and reaches the browser on the other side."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from pydantic import ValidationError

from adapters.wire import DATA, NOW, asked, facts, fault_kind, refusal, sent, tools
from recallgate import ErrorKind, Fault, IdSource, Message, Purpose, Push, WebPushSubscription, authorize
from recallgate.testing import AdapterContract
from recallgate_adapters._es256 import unb64url
from recallgate_adapters.faces.webpush import WebPushFace, decrypt
from recallgate_adapters.webpush import WebPush, WebPushConfig, authorization, topic
from recallgate_adapters.webpush_crypto import MAX_TEXT, encrypt, scalar_of

VECTORS = facts("webpush")["signature_vectors"]["vectors"]
CODES = facts("webpush")["errors"]["codes"]
CIPHERS, VAPID = VECTORS[:3], VECTORS[3]
RFC = CIPHERS[0]["input"]
ACCOUNT = {"private_key": VAPID["input"]["private_key_b64url"], "subject": "mailto:ops@example.com"}
TO = {
    "type": "webpush",
    "endpoint": "https://push.example.net/push/JzLQ3raZJfFBR0aqvOMsLrt54w4rJUsV",
    "p256dh": RFC["ua_public"],
    "auth": RFC["auth_secret"],
}


class TestWebPush(AdapterContract):
    adapter = WebPush
    config = ACCOUNT
    message = {
        "channel": "push",
        "to": TO,
        "content": {"type": "push", "title": "Your table is waiting", "body": "3 new dishes"},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "webpush.push.json"
    # A 2xx is the whole answer: no body can make it unreadable.
    test_an_unreadable_success_is_uncertain = None  # type: ignore[assignment]


def an_adapter(*, now: datetime = NOW, **config: Any) -> WebPush:
    return WebPush(WebPushConfig.model_validate({**ACCOUNT, **config}), tools(now))


def a_push(to: Mapping[str, str] = TO, **content: Any) -> Message:
    body = Push.model_validate({"title": "T", "body": "B", **content})
    address = WebPushSubscription.model_validate(to)
    return Message(id="m1", channel="push", to=address, content=body, purpose=Purpose.MARKETING)


def plain(row: dict[str, Any]) -> bytes:
    told = row["input"]
    return told["plaintext"].encode() if "plaintext" in told else base64.b64decode(told["plaintext_b64"])


def shown(request: httpx.Request) -> dict[str, Any]:
    """What the browser of the RFC reads."""
    text = decrypt(request.content, scalar=unb64url(RFC["ua_private"]), secret=unb64url(RFC["auth_secret"]))
    read: dict[str, Any] = json.loads(text)
    return read


def test_every_status_of_the_vendor_is_mapped() -> None:
    # 5xx follow the design's table: 503 unavailable, the others uncertain.
    assert set(WebPush.errors) == set(CODES) - {"5xx"}


def test_a_status_never_seen_is_kept_and_not_sent_again() -> None:
    error = refusal(an_adapter().parse, a_push(), httpx.Response(418))

    assert (error.kind, error.code) == (ErrorKind.UNKNOWN, "418")


# Encryption


@pytest.mark.parametrize("row", CIPHERS, ids=[row["name"] for row in CIPHERS])
def test_the_body_is_the_one_of_the_standard(row: dict[str, Any]) -> None:
    told = row["input"]

    body = encrypt(
        plain(row),
        browser_key=unb64url(told["ua_public"]),
        secret=unb64url(told["auth_secret"]),
        scalar=unb64url(told["as_private"]),
        salt=unb64url(told["salt"]),
    )

    assert body == unb64url(row["expected"]["body_b64url"])


@pytest.mark.parametrize("row", CIPHERS, ids=[row["name"] for row in CIPHERS])
def test_the_browser_reads_the_body_of_the_standard(row: dict[str, Any]) -> None:
    body = unb64url(row["expected"]["body_b64url"])

    assert decrypt(body, scalar=unb64url(RFC["ua_private"]), secret=unb64url(RFC["auth_secret"])) == plain(row)


def test_no_text_has_no_body() -> None:
    keys = {"browser_key": unb64url(RFC["ua_public"]), "secret": unb64url(RFC["auth_secret"])}

    assert encrypt(b"", **keys, scalar=unb64url(RFC["as_private"]), salt=unb64url(RFC["salt"])) == b""


@pytest.mark.parametrize("random", [b"\x00" * 32, b"\xff" * 32, b"\x01" * 32])
def test_any_random_bytes_make_a_key(random: bytes) -> None:
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

    assert 1 <= int.from_bytes(scalar_of(random), "big") < order


def test_key_and_salt_come_from_the_nonce() -> None:
    other = WebPush(WebPushConfig.model_validate(ACCOUNT), tools(nonce="fedcba9876543210" * 8))

    first, second, third = an_adapter().build(a_push()), an_adapter().build(a_push()), other.build(a_push())

    assert first.content == second.content
    assert first.content[:86] != third.content[:86]


@pytest.mark.parametrize("nonce", ["n", "0123456789abcdef", "x" * 96])
def test_a_nonce_of_any_form_makes_a_body_that_the_browser_reads(nonce: str) -> None:
    fixed = replace(tools(), nonce=lambda _: nonce)

    assert shown(WebPush(WebPushConfig.model_validate(ACCOUNT), fixed).build(a_push())) == {"title": "T", "body": "B"}


def test_the_service_worker_gets_the_words_and_the_link() -> None:
    message = a_push(image="https://cdn.example/a.png", link="https://shop.example/a", data={"x": "1"}, badge=2, collapse_key="k")

    read = shown(an_adapter(message_id_key="rg").build(message))

    assert read == {
        "title": "T",
        "body": "B",
        "image": "https://cdn.example/a.png",
        "badge": 2,
        "tag": "k",
        "data": {"x": "1", "link": "https://shop.example/a", "rg": "m1"},
    }


def test_3993_bytes_leave_and_one_more_does_not() -> None:
    frame = len('{"title":"T","body":""}')

    body = an_adapter().build(a_push(body="a" * (MAX_TEXT - frame))).content
    error = refusal(an_adapter().build, a_push(body="a" * (MAX_TEXT + 1 - frame)))

    assert (MAX_TEXT, len(body)) == (3993, 4096)
    assert error.kind is ErrorKind.PAYLOAD_TOO_LARGE


# The VAPID token


def test_the_key_in_the_header_is_the_one_of_the_library_and_no_space_stands_before_it() -> None:
    header = authorization(unb64url(ACCOUNT["private_key"]), "https://push.example.net", "mailto:ops@example.com", NOW)

    assert header.endswith(f",k={VAPID['expected']['k']}")


@pytest.mark.parametrize("hour", range(0, 25, 3))
def test_the_token_names_the_origin_and_ends_within_a_day(hour: int) -> None:
    now = NOW + timedelta(hours=hour, seconds=1)
    adapter = an_adapter(now=now, base_url="https://relay.example/x")

    header = authorize(adapter, adapter.build(a_push())).headers["authorization"]

    claims = claims_of(header)
    assert claims["aud"] == "https://push.example.net"
    assert claims["sub"] == "mailto:ops@example.com"
    assert 12 * 3600 < claims["exp"] - now.timestamp() <= 24 * 3600


def test_a_port_is_part_of_the_origin() -> None:
    adapter = an_adapter()

    header = authorize(adapter, adapter.build(a_push({**TO, "endpoint": "http://127.0.0.1:8080/x"}))).headers["authorization"]

    assert claims_of(header)["aud"] == "http://127.0.0.1:8080"


def claims_of(header: str) -> dict[str, Any]:
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

    key = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), unb64url(VAPID["expected"]["k"]))
    token = header.partition("t=")[2].partition(",")[0]
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=["ES256"],
        options={"verify_exp": False, "verify_aud": False},
    )
    return claims


def test_the_example_of_the_standard_library_has_our_claims() -> None:
    assert claims_of(VAPID["expected"]["example_authorization"]) == VAPID["input"]["claims"]


@pytest.mark.parametrize(
    "config",
    [{"private_key": "short"}, {"private_key": "é" * 43}, {"subject": "ops@example.com"}, {"default_ttl_s": 2_419_201}],
)
def test_a_wrong_setting_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        an_adapter(**config)


# What cannot be sent


@pytest.mark.parametrize("over", [{"p256dh": "AAAA"}, {"auth": "AAAA"}, {"p256dh": "*"}, {"endpoint": "ftp://x.example"}])
def test_a_subscription_that_is_none_is_a_wrong_recipient(over: dict[str, str]) -> None:
    assert refusal(an_adapter().build, a_push({**TO, **over})).kind is ErrorKind.INVALID_RECIPIENT


@pytest.mark.parametrize(
    ("host", "good"),
    [("push.example.net", True), ("a.push.example.net", True), ("evil-push.example.net", False), ("10.0.0.1", False)],
)
def test_only_listed_hosts_are_written_to(host: str, good: bool) -> None:
    adapter = an_adapter(hosts=("push.example.net",))
    message = a_push({**TO, "endpoint": f"https://{host}/push/1"})

    if good:
        assert adapter.build(message).url.host == host
    else:
        assert refusal(adapter.build, message).code == "endpoint"


@pytest.mark.parametrize("field", ["sound", "category"])
def test_what_a_browser_lacks_is_refused_by_name(field: str) -> None:
    content: dict[str, Any] = {field: "x"}

    error = refusal(an_adapter().build, a_push(**content))

    assert (error.kind, error.code) == (ErrorKind.UNSUPPORTED, field)


@pytest.mark.parametrize(("key", "length"), [("winback", 7), ("a" * 32, 32), ("a" * 33, 32), ("ünï", 32)])
def test_a_topic_fits_whatever_the_collapse_key_is(key: str, length: int) -> None:
    assert len(topic(key)) == length
    assert (topic(key) == key) is (length == len(key) and key.isascii())


# Adapter and face


def test_adapter_and_browser_understand_each_other() -> None:
    adapter, face = an_adapter(), WebPushFace(ACCOUNT)
    message = a_push(WebPushFace.subscription("u1"), link="https://shop.example/back")

    receipt, reply = sent(adapter, face, message)

    assert receipt.vendor_id == reply.taken[0].vendor_id
    assert (reply.taken[0].recipient, reply.taken[0].text) == ("https://push.example/send/u1", "T\nB")
    assert reply.taken[0].links == ("https://shop.example/back",)


def test_the_face_takes_what_it_cannot_read() -> None:
    assert sent(an_adapter(), WebPushFace(ACCOUNT), a_push())[1].taken[0].text == ""


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.UNREGISTERED_TOKEN,
        ErrorKind.AUTH,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.RATE_LIMITED,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), WebPushFace(ACCOUNT), a_push(), Fault(kind)) is kind


def test_the_face_refuses_another_key_and_an_old_token() -> None:
    other = an_adapter(private_key="q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")
    assert asked(other, WebPushFace(ACCOUNT), other.build(a_push())).status == 403

    adapter = an_adapter()
    late = WebPushFace(ACCOUNT).answer(
        authorize(adapter, adapter.build(a_push())), now=NOW + timedelta(days=2), new_id=IdSource("s")
    )
    assert late.status == 403


@pytest.mark.parametrize(
    ("header", "value"), [("ttl", "soon"), ("urgency", "now"), ("topic", "x y"), ("content-encoding", "gzip")]
)
def test_the_face_checks_what_a_push_service_checks(header: str, value: str) -> None:
    request = an_adapter().build(a_push())
    request.headers[header] = value

    assert asked(an_adapter(), WebPushFace(ACCOUNT), request).status == 400
