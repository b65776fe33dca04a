"""MessageBird's own library against our adapter: equal requests, and tokens that each side accepts from the other."""

import hashlib
from typing import Any

import httpx
import jwt
import messagebird
import pytest
from messagebird.error import ValidationError
from messagebird.http_client import HttpClient
from messagebird.request_validator import RequestValidator

from meeting import read, send
from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import Callback, EventType, ForgedCallback, Message, WorldEvent, authorize
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.messagebird import MessagebirdSmsFace
from recallgate_adapters.messagebird import MessagebirdSms, MessagebirdSmsConfig

ACCOUNT: dict[str, Any] = {"access_key": "mb-key-1", "signing_key": "mb-signing-key-0001", "sender": "ACME"}
CALLBACK_URL = "https://app.example/mb?m=m-1&k=status"
HEADERS = ("authorization", "content-type")
MADE = {"id": "mid1", "recipients": {"totalCount": 0, "items": []}}


@pytest.fixture
def client(loopback: Loopback) -> messagebird.Client:
    client = messagebird.Client(ACCOUNT["access_key"])
    client.http_client = HttpClient(f"{loopback.url}/", ACCOUNT["access_key"], "ua")
    return client


def sms(callback_url: str | None = CALLBACK_URL, **config: Any) -> MessagebirdSms:
    return MessagebirdSms(MessagebirdSmsConfig(**{**ACCOUNT, **config}), tools_of(callback_url))


def text(words: str = "Hi", *, to: str = "+31612345678", **fields: Any) -> Message:
    return Message.sms(to, words, purpose="marketing", **{"id": "m-1", **fields})


def test_a_message_is_sent_as_the_library_sends_it(client: messagebird.Client, loopback: Loopback, same: Same) -> None:
    loopback.answers(MADE, status=201)
    more = {"reference": "m-1", "reportUrl": CALLBACK_URL, "datacoding": "auto", "validity": 3600}
    client.message_create("ACME", "31612345678", "Hi 你好", more)

    ours = authorize(sms(), sms().build(text("Hi 你好", expires_at=NOW.replace(hour=NOW.hour + 1))))

    same(ours, loopback.last, operation="message create", oracle="messagebird", body="json", headers=HEADERS)


def test_a_batch_is_sent_as_the_library_sends_it(client: messagebird.Client, loopback: Loopback, same: Same) -> None:
    loopback.answers(MADE, status=201)
    client.message_create("ACME", ["31612345678", "31612345679"], "Hi", {"datacoding": "auto"})
    adapter = sms(None)

    ours = authorize(adapter, adapter.build_batch([text(), text(to="+31612345679", id="m-2")]))

    same(ours, loopback.last, operation="message create, two recipients", oracle="messagebird", body="json", headers=HEADERS)


def test_a_message_is_fetched_as_the_library_fetches_it(client: messagebird.Client, loopback: Loopback, same: Same) -> None:
    loopback.answers(MADE)
    client.message("mid1")
    question = sms().build_lookup(text(), "mid1:31612345678")
    assert question is not None

    same(authorize(sms(), question), loopback.last, operation="message fetch", oracle="messagebird", headers=("authorization",))


def test_what_a_token_library_signs_is_believed(same: Same) -> None:
    url = f"{CALLBACK_URL}&id=mid1&status=delivered"
    began = int(NOW.timestamp())
    claims = {
        "iss": "MessageBird",
        "nbf": began,
        "exp": 4_102_444_800,
        "url_hash": hashlib.sha256(url.encode()).hexdigest(),
    }
    key = "mb-signing-key-0001-long-enough-for-any-hash-there-is-in-a-token!"
    for algorithm in ("HS256", "HS384", "HS512"):
        headers = httpx.Headers({"MessageBird-Signature-JWT": jwt.encode(claims, key, algorithm=algorithm)})
        callback = Callback("GET", url, headers, b"", NOW)

        assert [event.type for event in read(sms(signing_key=key), [callback])] == [EventType.DELIVERED]
        with pytest.raises(ForgedCallback):
            read(sms(signing_key="other"), [callback])
    same.proven(operation="callback signed with three algorithms, read by us", oracle="pyjwt")


def test_what_we_sign_is_believed_by_the_library(same: Same, monkeypatch: pytest.MonkeyPatch) -> None:
    class At(type(NOW)):  # type: ignore[misc] - the library's clock stands still
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return NOW

    monkeypatch.setattr("jwt.api_jwt.datetime", At)
    face = MessagebirdSmsFace(ACCOUNT)
    _, taken = send(sms(), face, text())
    (callback,) = face.callbacks(taken, WorldEvent(EventType.DELIVERED, NOW), nonce="n")
    told = callback.headers["MessageBird-Signature-JWT"]

    assert RequestValidator(ACCOUNT["signing_key"]).validate_signature(told, callback.url, callback.body)["jti"] == "n"
    with pytest.raises(ValidationError):
        RequestValidator("other").validate_signature(told, callback.url, callback.body)
    with pytest.raises(ValidationError):
        RequestValidator(ACCOUNT["signing_key"]).validate_signature(told, f"{callback.url}&x=1", callback.body)
    same.proven(operation="callback signed by us, believed by the library", oracle="messagebird")
