"""Plivo's own library against our adapter: equal requests, and signatures that each side accepts from the other."""

from typing import Any
from urllib.parse import urlencode

import httpx
import plivo
import plivo.rest.client
import pytest
from plivo.utils.signature_v3 import construct_post_url, get_signature_v3, validate_v3_signature

from meeting import read
from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import Callback, ForgedCallback, Message, authorize
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.faces.plivo import PlivoSmsFace
from recallgate_adapters.plivo import PlivoSms, PlivoSmsConfig

ACCOUNT: dict[str, Any] = {"auth_id": "MAXXXXXXXXXXXXXXXXXX", "auth_token": "plivo-auth-token-0001", "sender": "+15005550009"}
CALLBACK_URL = "https://app.example/dlr?m=m-1&k=status"
HEADERS = ("authorization", "content-type")
ALWAYS = "the library always sends its default"


@pytest.fixture
def client(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> plivo.RestClient:
    for name in ("PLIVO_API_BASE_URI", "API_VOICE_BASE_URI"):
        monkeypatch.setattr(plivo.rest.client, name, f"{loopback.url}/v1/Account")
    loopback.answers({"api_id": "a", "message": "queued", "message_uuid": ["u-1"]}, status=202)
    return plivo.RestClient(ACCOUNT["auth_id"], ACCOUNT["auth_token"])


def sms(callback_url: str | None = CALLBACK_URL, **config: Any) -> PlivoSms:
    return PlivoSms(PlivoSmsConfig(**{**ACCOUNT, **config}), tools_of(callback_url))


def test_a_message_is_sent_as_the_library_sends_it(client: plivo.RestClient, loopback: Loopback, same: Same) -> None:
    client.messages.create(
        dst="+15005550006",
        src="+15005550009",
        text="Hi 你好",
        url=CALLBACK_URL,
        log="false",
        trackable=True,
        message_expiry=3600,
        dlt_entity_id="E1",
        dlt_template_id="T1",
        dlt_template_category="promotional",
    )
    options = {
        "log": False,
        "trackable": True,
        "dlt_entity_id": "E1",
        "dlt_template_id": "T1",
        "dlt_template_category": "promotional",
    }
    message = Message.sms(
        "+15005550006",
        "Hi 你好",
        purpose="marketing",
        expires_at=NOW.replace(hour=NOW.hour + 1),
        options={"plivo.sms": options},
    )

    same(
        authorize(sms(), sms().build(message)),
        loopback.last,
        operation="message create",
        oracle="plivo",
        body="json",
        headers=HEADERS,
    )


def test_a_batch_through_a_powerpack_is_sent_as_the_library_sends_it(
    client: plivo.RestClient, loopback: Loopback, same: Same
) -> None:
    client.messages.create(dst="+15005550006<+15005550007", powerpack_uuid="pp-1", text="Hi", url="https://app.example/dlr")
    adapter = sms(sender=None, powerpack_uuid="pp-1")
    messages = [Message.sms(to, "Hi", purpose="marketing") for to in ("+15005550006", "+15005550007")]

    same(
        authorize(adapter, adapter.build_batch(messages)),
        loopback.last,
        operation="message create, two recipients and a powerpack",
        oracle="plivo",
        body="json",
        headers=HEADERS,
        differing={"json log": ALWAYS, "json trackable": ALWAYS},
    )


def test_a_message_is_fetched_as_the_library_fetches_it(client: plivo.RestClient, loopback: Loopback, same: Same) -> None:
    client.messages.get("u-1")
    question = sms().build_lookup(Message.sms("+15005550006", "Hi", purpose="service"), "u-1")
    assert question is not None

    same(authorize(sms(), question), loopback.last, operation="message get", oracle="plivo", headers=("authorization",))


FIELDS = {"MessageUUID": "u-1", "Status": "delivered", "To": "15005550006", "ErrorCode": "000", "Text": "退订 & ok"}


def test_what_the_library_signs_is_believed(same: Same) -> None:
    told = get_signature_v3(ACCOUNT["auth_token"], construct_post_url(CALLBACK_URL, dict(FIELDS)).decode(), "77").decode()
    headers = httpx.Headers({"x-plivo-signature-v3": told, "x-plivo-signature-v3-nonce": "77"})
    callback = Callback("POST", CALLBACK_URL, headers, urlencode(FIELDS).encode(), NOW)

    assert [event.message_id for event in read(sms(), [callback])] == ["m-1"]
    with pytest.raises(ForgedCallback):
        read(sms(auth_token="other"), [callback])
    same.proven(operation="callback signed by the library, read by us", oracle="plivo")


def test_what_we_sign_is_believed_by_the_library(same: Same) -> None:
    (callback,) = PlivoSmsFace(ACCOUNT).inbound("+15005550006", "+1", "退订 now", url=CALLBACK_URL, at=NOW, nonce="77")
    told = {"nonce": "77", "v3_signature": callback.headers["x-plivo-signature-v3"], "params": dict(callback.form)}

    assert validate_v3_signature("POST", CALLBACK_URL, auth_token=ACCOUNT["auth_token"], **told)
    assert not validate_v3_signature("POST", CALLBACK_URL, auth_token="other", **told)
    same.proven(operation="callback signed by us, read by the library", oracle="plivo")
