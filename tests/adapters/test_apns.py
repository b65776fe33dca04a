"""APNs keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest

from adapters.wire import DATA, NOW, asked, facts, fault_kind, refusal, response, sent, tools
from recallgate import ErrorKind, Fault, IdSource, Message, Purpose, Push, PushToken, authorize
from recallgate.testing import AdapterContract
from recallgate_adapters.apns import ApnsConfig, ApnsPush, apns_id, provider_token
from recallgate_adapters.faces.apns import ApnsFace

VECTOR = facts("apns")["signature_vectors"]["vectors"][0]
CODES = facts("apns")["errors"]["codes"]
ACCOUNT = {
    "team_id": VECTOR["input"]["team_id"],
    "key_id": VECTOR["input"]["key_id"],
    "private_key": VECTOR["input"]["private_key_p8"],
    "topic": "com.example.shop",
}
DEVICE = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"


class TestApnsPush(AdapterContract):
    adapter = ApnsPush
    config = ACCOUNT
    message = {
        "channel": "push",
        "to": {"type": "push", "token": DEVICE},
        "content": {"type": "push", "title": "Your table is waiting", "body": "3 new dishes"},
        "purpose": "marketing",
    }
    exchanges = DATA / "exchanges" / "apns.push.json"


def an_adapter(now: datetime = NOW, **config: object) -> ApnsPush:
    return ApnsPush(ApnsConfig.model_validate({**ACCOUNT, **config}), tools(now))


def a_push(*, options: dict[str, Any] | None = None, **content: object) -> Message:
    body = Push.model_validate({"title": "T", "body": "B", **content})
    to = PushToken(token=DEVICE)
    return Message(id="m1", channel="push", to=to, content=body, purpose=Purpose.MARKETING, options={"apns.push": options or {}})


def claims_of(token: str) -> dict[str, Any]:
    key = VECTOR["expected"]["public_key_pem"]
    told: dict[str, Any] = jwt.decode(token, key, algorithms=["ES256"], options={"verify_iat": False})
    return told


def test_every_reason_of_the_vendor_is_mapped() -> None:
    assert set(ApnsPush.errors) == set(CODES)


# The provider token


def test_the_provider_token_is_the_one_of_the_vendors_rule() -> None:
    issued = datetime.fromtimestamp(VECTOR["input"]["iat"], UTC)

    token = provider_token(ACCOUNT["private_key"], ACCOUNT["key_id"], ACCOUNT["team_id"], issued)

    assert jwt.get_unverified_header(token) == {**VECTOR["expected"]["header"], "typ": "JWT"} or (
        jwt.get_unverified_header(token) == VECTOR["expected"]["header"]
    )
    claims = claims_of(token)
    assert set(claims) == set(VECTOR["expected"]["claims"])
    assert claims["iss"] == VECTOR["expected"]["claims"]["iss"]
    assert 0 <= VECTOR["input"]["iat"] - claims["iat"] < 1800


def test_the_vendors_example_token_is_signed_by_the_same_key() -> None:
    assert claims_of(VECTOR["expected"]["example_token_that_verifies"]) == VECTOR["expected"]["claims"]


def test_a_token_is_never_older_than_half_an_hour_and_changes_no_sooner() -> None:
    start = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    instants = [start + timedelta(minutes=minute) for minute in range(180)]
    issued = [claims_of(provider_token(ACCOUNT["private_key"], "k", "t", at))["iat"] for at in instants]

    ages = [at.timestamp() - iat for at, iat in zip(instants, issued, strict=True)]

    assert min(ages) >= 0
    assert max(ages) < 1800
    assert sorted(set(issued)) == [int(start.timestamp()) + 1800 * step for step in range(6)]


def test_two_processes_sign_the_same_token() -> None:
    request, other = (
        authorize(an_adapter(now=at), an_adapter(now=at).build(a_push())) for at in (NOW, NOW + timedelta(minutes=29))
    )

    assert request.headers["authorization"] == other.headers["authorization"]
    assert request.headers["authorization"].startswith("bearer ")


def test_a_key_that_is_none_is_an_account_fault_without_the_key() -> None:
    adapter = an_adapter(private_key="not-a-key")

    error = refusal(authorize, adapter, adapter.build(a_push()))

    assert error.kind is ErrorKind.AUTH
    assert "not-a-key" not in str(error)


def test_a_key_with_written_line_breaks_signs() -> None:
    adapter = an_adapter(private_key=ACCOUNT["private_key"].replace("\n", "\\n"))

    assert authorize(adapter, adapter.build(a_push())).headers["authorization"].count(".") == 2


# What leaves


@pytest.mark.parametrize(
    ("message_id", "sent_as"),
    [("01890a5d-ac96-774b-bcce-b302099a8057", "01890a5d-ac96-774b-bcce-b302099a8057"), ("m1", apns_id("m1"))],
)
def test_the_apns_id_is_a_uuid_of_our_id(message_id: str, sent_as: str) -> None:
    request = an_adapter().build(a_push().model_copy(update={"id": message_id}))

    assert request.headers["apns-id"] == sent_as
    assert len(sent_as) == 36


def test_4096_bytes_leave_and_one_more_does_not() -> None:
    frame = len(json.dumps({"aps": {"alert": {"title": "T", "body": ""}}}, separators=(",", ":")))

    an_adapter().build(a_push(body="a" * (4096 - frame)))
    error = refusal(an_adapter().build, a_push(body="a" * (4097 - frame)))

    assert error.kind is ErrorKind.PAYLOAD_TOO_LARGE


def test_voip_takes_5120_bytes() -> None:
    frame = len(json.dumps({"aps": {"alert": {"title": "T", "body": ""}}}, separators=(",", ":")))

    an_adapter().build(a_push(body="a" * (5120 - frame), options={"push_type": "voip"}))
    error = refusal(an_adapter().build, a_push(body="a" * (5121 - frame), options={"push_type": "voip"}))

    assert error.kind is ErrorKind.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (a_push(data={"aps": "x"}), "data.aps"),
        (a_push(link="https://a.example", data={"link": "https://b.example"}), "data.link"),
        (a_push(image="https://a.example", data={"image": "https://b.example"}), "data.image"),
        (a_push(collapse_key="a" * 65), "collapse_key"),
        (a_push(options={"push_type": "background", "priority": 10}), "priority"),
        (a_push().model_copy(update={"to": PushToken(token="t", platform="android")}), "platform"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_apns_lacks_is_refused_by_name(message: Message, code: str) -> None:
    error = refusal(an_adapter().build, message)

    assert (error.kind, error.code) == (ErrorKind.UNSUPPORTED, code)


# Adapter and face


def test_adapter_and_face_understand_each_other() -> None:
    adapter, face = an_adapter(), ApnsFace(ACCOUNT)
    message = a_push(link="https://shop.example/back", data={"x": "y"})

    receipt, reply = sent(adapter, face, message)

    assert (receipt.message_id, receipt.vendor_id) == ("m1", apns_id("m1"))
    assert (reply.taken[0].recipient, reply.taken[0].text) == (DEVICE, "T\nB")
    assert reply.taken[0].links == ("https://shop.example/back",)


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.UNREGISTERED_TOKEN,
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.INVALID_SENDER,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.RATE_LIMITED,
        ErrorKind.AUTH,
        ErrorKind.TEMPORARY,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), ApnsFace(ACCOUNT), a_push(), Fault(kind, retry_after_s=7)) is kind


def test_the_face_refuses_an_old_token_one_renewed_too_soon_and_another_team() -> None:
    face = ApnsFace(ACCOUNT)
    old = authorize(an_adapter(now=NOW), an_adapter().build(a_push()))
    late = face.answer(old, now=NOW + timedelta(minutes=61), new_id=IdSource("s"))
    assert response(late).json()["reason"] == "ExpiredProviderToken"

    asked(an_adapter(), face, an_adapter().build(a_push()))
    from recallgate_adapters._es256 import pem_token

    soon = pem_token(ACCOUNT["private_key"], {"alg": "ES256", "kid": ACCOUNT["key_id"]}, {"iss": "TEAMID1234", "iat": 1795140600})
    hasty = an_adapter().build(a_push())
    hasty.headers["authorization"] = f"bearer {soon}"
    refused = face.answer(hasty, now=NOW + timedelta(minutes=10), new_id=IdSource("s"))
    assert (refused.status, response(refused).json()["reason"]) == (429, "TooManyProviderTokenUpdates")

    other = asked(an_adapter(team_id="OTHERTEAM1"), ApnsFace(ACCOUNT), an_adapter().build(a_push()))
    assert response(other).json()["reason"] == "InvalidProviderToken"


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"apns-topic": "com.other"}, "TopicDisallowed"),
        ({"apns-push-type": "shout"}, "InvalidPushType"),
        ({"apns-priority": "7"}, "BadPriority"),
        ({"apns-id": "m1"}, "BadMessageId"),
        ({"apns-expiration": "soon"}, "BadExpirationDate"),
    ],
)
def test_the_face_checks_what_apns_checks(headers: dict[str, str], reason: str) -> None:
    request = an_adapter().build(a_push())
    request.headers.update(headers)

    reply = asked(an_adapter(), ApnsFace(ACCOUNT), request)

    assert (reply.status, response(reply).json()["reason"]) == (400, reason)


def test_the_face_wants_a_token() -> None:
    reply = ApnsFace(ACCOUNT).answer(an_adapter().build(a_push()), now=NOW, new_id=IdSource("s"))

    assert httpx.Response(reply.status).status_code == 403
