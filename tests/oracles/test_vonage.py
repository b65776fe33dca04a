"""Vonage's own library against our adapters: equal requests, tokens and signatures."""

from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
import jwt
import pytest
import requests
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from vonage import Auth, HttpClientOptions, Vonage
from vonage_jwt.verify_jwt import verify_signature
from vonage_messages.models.sms import Sms, SmsOptions
from vonage_sms import SmsMessage
from vonage_voice.models.common import Phone
from vonage_voice.models.input_types import Dtmf
from vonage_voice.models.ncco import Input, Talk
from vonage_voice.models.requests import CreateCallRequest, ToPhone

from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import Callback, CallScript, ErrorKind, EventType, IdSource, KeyAnswer, Message, Say, WorldEvent, authorize
from recallgate.testing.exchanges import NONCE, NOW, tools_of
from recallgate_adapters.faces.vonage import VonageSmsFace
from recallgate_adapters.faces.vonage_voice import VonageVoiceFace
from recallgate_adapters.vonage import VonageSms, VonageSmsConfig
from recallgate_adapters.vonage_messages import VonageMessages, VonageMessagesConfig
from recallgate_adapters.vonage_signature import METHODS
from recallgate_adapters.vonage_voice import VonageVoice, VonageVoiceConfig

SMS: dict[str, Any] = {"api_key": "abcd1234", "api_secret": "api-secret", "signature_secret": "sig-secret-0001", "sender": "ACME"}
EVENT_URL = "https://app.example/ve"
CALL_UUID = {"uuid": "u-1", "status": "started", "direction": "outbound", "conversation_uuid": "CON-1"}


class Plain(HTTPAdapter):
    """The library writes https itself: its requests go to loopback without TLS."""

    def send(self, request: requests.PreparedRequest, *arguments: Any, **named: Any) -> requests.Response:
        request.url = str(request.url).replace("https://", "http://", 1)
        return super().send(request, *arguments, **named)


def library(loopback: Loopback, auth: Auth) -> Vonage:
    client = Vonage(auth, HttpClientOptions(api_host=loopback.host, rest_host=loopback.host))
    client.http_client._session.mount("https://", Plain())
    return client


@pytest.fixture(scope="module")
def private_key() -> str:
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def test_a_message_is_sent_as_the_library_sends_it(loopback: Loopback, same: Same) -> None:
    loopback.answers({"message-count": "1", "messages": [{"status": "0", "message-id": "1"}]})
    text = "Hi 你好 & ü = 1"
    client = library(loopback, Auth(api_key=SMS["api_key"], api_secret=SMS["api_secret"]))
    client.sms.send(
        SmsMessage(
            to="15005550006",
            from_="ACME",
            text=text,
            type="unicode",
            client_ref="m-1",
            ttl=3_600_000,
            callback="https://app.example/cb",
            message_class=1,
            entity_id="E1",
            content_id="C1",
        )
    )
    adapter = VonageSms(VonageSmsConfig(**SMS), tools_of("https://app.example/cb?m=m-1&k=status"))
    options = {"vonage.sms": {"message_class": 1, "entity_id": "E1", "content_id": "C1"}}
    expires_at = NOW.replace(hour=NOW.hour + 1)
    message = Message.sms("+15005550006", text, purpose="service", id="m-1", expires_at=expires_at, options=options)

    ours = authorize(adapter, adapter.build(message))

    same(ours, loopback.last, operation="sms send", oracle="vonage", body="form", headers=("authorization", "content-type"))


@pytest.mark.parametrize("method", METHODS)
def test_a_signature_is_the_one_of_the_library(method: Any, same: Same) -> None:
    adapter = VonageSms(VonageSmsConfig(**{**SMS, "api_secret": None, "signature_method": method}), tools_of(None))
    sent = authorize(adapter, adapter.build(Message.sms("+15005550006", "a=b&c 你好", purpose="service")))
    fields = dict(parse_qsl(sent.content.decode(), keep_blank_values=True))
    auth = Auth(api_key=SMS["api_key"], signature_secret=SMS["signature_secret"], signature_method=method)

    assert auth.check_signature(dict(fields))
    assert not auth.check_signature({**fields, "text": "other"})
    same.proven(
        operation=f"sms send, signed with {method}",
        oracle="vonage",
        outcome="sig equal over the sent fields; the library's own requests sign unset fields as None, and are not compared",
    )


def test_a_signed_webhook_is_believed_by_both(same: Same) -> None:
    auth = Auth(api_key=SMS["api_key"], signature_secret=SMS["signature_secret"], signature_method="sha256")
    fields = {"messageId": "0A1", "status": "failed", "err-code": "9", "client-ref": "m-1", "timestamp": "1795140000"}
    theirs = urlencode({**fields, "sig": auth.sign_params(dict(fields))}).encode()
    adapter = VonageSms(VonageSmsConfig(**SMS), tools_of())
    (event,) = adapter.read_callback(Callback("POST", "https://app.example/c", httpx.Headers(), theirs, NOW)).events
    (callback,) = VonageSmsFace(SMS).inbound("+15005550006", "+1", "a=b&c", url="https://app.example/c", at=NOW, nonce="n")

    assert (event.message_id, event.kind) == ("m-1", ErrorKind.OPTED_OUT)
    assert auth.check_signature(dict(callback.form))
    same.proven(operation="webhook with sig, both ways", oracle="vonage")


def test_a_text_through_messages_is_sent_as_the_library_sends_it(loopback: Loopback, same: Same) -> None:
    loopback.answers({"message_uuid": "u-1"}, status=202)
    client = library(loopback, Auth(api_key=SMS["api_key"], api_secret=SMS["api_secret"]))
    client.messages.send(
        Sms(
            to="15005550006",
            from_="ACME",
            text="Hi 你好",
            ttl=3600,
            client_ref="m-1",
            webhook_url=EVENT_URL,
            sms=SmsOptions(entity_id="E1", content_id="C1", pool_id="P1"),
        )
    )
    account = {name: SMS[name] for name in ("api_key", "api_secret", "sender")}
    adapter = VonageMessages(VonageMessagesConfig(**account), tools_of(EVENT_URL))
    options = {"vonage.messages": {"entity_id": "E1", "content_id": "C1", "pool_id": "P1"}}
    expires_at = NOW.replace(hour=NOW.hour + 1)
    message = Message.sms("+15005550006", "Hi 你好", purpose="service", id="m-1", expires_at=expires_at, options=options)

    same(
        authorize(adapter, adapter.build(message)),
        loopback.last,
        operation="send",
        oracle="vonage",
        body="json",
        headers=("authorization", "content-type"),
        vendor="vonage messages",
    )


def test_a_call_is_made_as_the_library_makes_it(
    loopback: Loopback, same: Same, private_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    loopback.answers(CALL_UUID, status=201)
    jti = "01234567-89ab-cdef-0123-456789abcdef"
    monkeypatch.setattr("vonage_jwt.jwt.time", lambda: NOW.timestamp())
    monkeypatch.setattr("vonage_jwt.jwt.uuid4", lambda: jti)
    adapter = VonageVoice(
        VonageVoiceConfig(application_id="a-1", private_key=SecretStr(private_key), sender="+15005550009"), tools_of(EVENT_URL)
    )
    script = CallScript(
        say=(Say(text="您好", language="zh-CN", voice="1"),), keys={"1": KeyAnswer(action="confirm")}, on_machine="hangup"
    )
    options = {"vonage.voice": {"time_limit_s": 60, "send_digits": "1p2"}}
    ncco = [
        Talk(text="您好", language="cmn-CN", style=1, bargeIn=True),
        Input(type=["dtmf"], dtmf=Dtmf(timeOut=5, maxDigits=1), eventUrl=[EVENT_URL], eventMethod="POST"),
    ]
    library(loopback, Auth(application_id="a-1", private_key=private_key)).voice.create_call(
        CreateCallRequest(
            ncco=ncco,
            to=[ToPhone(number="15005550006", dtmf_answer="1p2")],
            from_=Phone(number="15005550009"),
            event_url=[EVENT_URL],
            event_method="POST",
            machine_detection="hangup",
            length_timer=60,
            ringing_timer=30,
        )
    )

    ours = authorize(adapter, adapter.build(Message.voice("+15005550006", script, purpose="service", options=options)))

    same(ours, loopback.last, operation="call create", oracle="vonage", body="json", vendor="vonage voice")
    options_: Any = {"verify_signature": False}
    tokens = [request.headers["authorization"].removeprefix("Bearer ") for request in (ours, loopback.last)]
    claims, theirs = (jwt.decode(token, options=options_) for token in tokens)
    assert NONCE[:32] == jti.replace("-", "")
    assert claims == theirs
    assert jwt.get_unverified_header(tokens[0]) == jwt.get_unverified_header(tokens[1])
    same.proven(operation="token of a request", oracle="vonage", outcome="equal header and claims", vendor="vonage voice")


def test_a_call_is_asked_for_as_the_library_asks(loopback: Loopback, same: Same, private_key: str) -> None:
    ends = {"type": "phone", "number": "15005550006"}
    loopback.answers({**CALL_UUID, "to": ends, "from": ends, "_links": {"self": {"href": "/v1/calls/u-1"}}})
    library(loopback, Auth(application_id="a-1", private_key=private_key)).voice.get_call("u-1")
    adapter = VonageVoice(VonageVoiceConfig(application_id="a-1", private_key=SecretStr(private_key)), tools_of())
    question = adapter.build_lookup(Message.voice("+15005550006", "Hi", purpose="service"), "u-1")
    assert question is not None

    same(question, loopback.last, operation="call fetch", oracle="vonage", headers=(), vendor="vonage voice")


def test_a_token_of_a_webhook_is_believed_by_both(same: Same, private_key: str) -> None:
    config: dict[str, Any] = {
        "application_id": "a-1",
        "private_key": private_key,
        "signature_secret": "s" * 32,
        "sender": "+15005550009",
    }
    adapter, face = VonageVoice(VonageVoiceConfig(**config), tools_of()), VonageVoiceFace(config)
    request = authorize(adapter, adapter.build(Message.voice("+15005550006", "Hi", purpose="service")))
    (taken,) = face.answer(request, now=NOW, new_id=IdSource("s")).taken
    (callback,) = face.callbacks(taken, WorldEvent(EventType.BUSY, NOW), nonce="n")
    token = callback.headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(token, "s" * 32, algorithms=["HS256"], options={"verify_iat": False})
    callback.headers["authorization"] = f"Bearer {jwt.encode(claims, 's' * 32, algorithm='HS256')}"

    assert jwt.decode(token, options={"verify_signature": False}) == claims
    assert [event.type for event in adapter.read_callback(callback).events] == [EventType.BUSY]
    assert not verify_signature(token, "t" * 32)
    same.proven(operation="token of a webhook, both ways", oracle="vonage", vendor="vonage voice")
