"""pywebpush, http-ece and py-vapid against our adapter: equal requests, bodies and tokens that each side reads."""

import os
import time
from typing import Any

import http_ece
import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02
from pywebpush import WebPusher, WebPushException, webpush

from adapters.test_webpush import ACCOUNT, RFC
from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import ErrorKind, FaceReply, IdSource, Message, Purpose, Push, SendError, WebPushSubscription, authorize
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters._es256 import scalar_key, unb64url
from recallgate_adapters.faces.webpush import WebPushFace, decrypt
from recallgate_adapters.webpush import HALF_DAY_S, WebPush, WebPushConfig
from recallgate_adapters.webpush_crypto import encrypt, scalar_of

SCALAR, SALT = scalar_of(bytes.fromhex("0123456789abcdef" * 4)), bytes.fromhex("0123456789abcdef" * 2)
SHOWN = '{"title":"你好","body":"B"}'
ENDS = (int(NOW.timestamp()) // HALF_DAY_S + 2) * HALF_DAY_S


def a_push(endpoint: str) -> Message:
    to = WebPushSubscription(endpoint=endpoint, p256dh=RFC["ua_public"], auth=RFC["auth_secret"])
    return Message(
        id="m1", channel="push", to=to, content=Push(title="你好", body="B", collapse_key="k"), purpose=Purpose.SERVICE
    )


def an_adapter() -> WebPush:
    return WebPush(WebPushConfig.model_validate({**ACCOUNT, "default_ttl_s": 60}), tools_of(None))


def subscription(endpoint: str) -> dict[str, Any]:
    return {"endpoint": endpoint, "keys": {"p256dh": RFC["ua_public"], "auth": RFC["auth_secret"]}}


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their random bytes and clock are ours."""
    monkeypatch.setattr(os, "urandom", lambda n: SALT[:n])
    monkeypatch.setattr(ec, "generate_private_key", lambda *_: scalar_key(SCALAR))
    monkeypatch.setattr(time, "time", NOW.timestamp)


def test_a_message_is_sent_as_the_library_sends_it(frozen: None, loopback: Loopback, same: Same) -> None:
    loopback.answers(b"", status=201)
    webpush(
        subscription(f"{loopback.url}/push/abc"),
        data='{"title":"你好","body":"B","tag":"k"}',
        vapid_private_key=ACCOUNT["private_key"],
        vapid_claims={"sub": ACCOUNT["subject"], "exp": ENDS},
        ttl=60,
        headers={"topic": "k", "urgency": "high"},
    )
    adapter = an_adapter()
    ours = authorize(adapter, adapter.build(a_push(f"{loopback.url}/push/abc")))

    same(
        ours,
        loopback.last,
        operation="send",
        oracle="pywebpush",
        headers=("ttl", "topic", "urgency", "content-encoding", "content-type"),
        differing={"header content-type": "ours is the one that the facts name; the library sends none"},
    )
    # ECDSA of the library is never equal twice: both tokens are checked with the key instead.
    for header in (ours.headers["authorization"], loopback.last.headers["authorization"]):
        assert Vapid02.verify(header)
    same.proven(operation="VAPID header", oracle="py-vapid", outcome="each verifies with the key of the other")


def test_their_browser_reads_our_body_and_ours_reads_theirs(same: Same) -> None:
    private = scalar_key(unb64url(RFC["ua_private"]))
    keys = {"browser_key": unb64url(RFC["ua_public"]), "secret": unb64url(RFC["auth_secret"])}

    ours = encrypt(SHOWN.encode(), **keys, scalar=SCALAR, salt=SALT)
    others = WebPusher(subscription("https://push.example/x")).encode(SHOWN.encode())["body"]

    assert http_ece.decrypt(ours, private_key=private, auth_secret=keys["secret"]).decode() == SHOWN
    assert decrypt(others, scalar=unb64url(RFC["ua_private"]), secret=keys["secret"]).decode() == SHOWN
    same.proven(operation="encryption", oracle="http-ece", outcome="each side reads the other")


def test_our_push_service_takes_what_the_library_sends(monkeypatch: pytest.MonkeyPatch, loopback: Loopback, same: Same) -> None:
    monkeypatch.setattr(time, "time", NOW.timestamp)
    face = WebPushFace(ACCOUNT)
    told = face.subscription("u1")
    loopback.answers(b"", status=201)
    claims: dict[str, Any] = {"sub": ACCOUNT["subject"], "aud": "https://push.example", "exp": ENDS}
    webpush(
        {"endpoint": f"{loopback.url}/send/u1", "keys": {"p256dh": told["p256dh"], "auth": told["auth"]}},
        data=SHOWN,
        vapid_private_key=ACCOUNT["private_key"],
        vapid_claims=claims,
        ttl=60,
    )
    recorded = loopback.last
    request = httpx.Request("POST", "https://push.example/send/u1", headers=recorded.headers, content=recorded.body)
    reply: FaceReply = face.answer(request, now=NOW, new_id=IdSource("s"))

    assert (reply.status, reply.taken[0].text) == (201, "你好\nB")
    same.proven(operation="face takes the library's request", oracle="pywebpush")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, ErrorKind.UNREGISTERED_TOKEN),
        (410, ErrorKind.UNREGISTERED_TOKEN),
        (413, ErrorKind.PAYLOAD_TOO_LARGE),
        (429, ErrorKind.RATE_LIMITED),
    ],
)
def test_a_refusal_is_one_for_both(loopback: Loopback, same: Same, status: int, kind: ErrorKind) -> None:
    loopback.answers(b"no", status=status)
    with pytest.raises(WebPushException) as theirs:
        webpush(
            subscription(f"{loopback.url}/push/abc"),
            data="x",
            vapid_private_key=ACCOUNT["private_key"],
            vapid_claims={"sub": ACCOUNT["subject"]},
        )
    with pytest.raises(SendError) as ours:
        an_adapter().parse(a_push("https://push.example/x"), httpx.Response(status))

    assert theirs.value.response is not None
    assert (theirs.value.response.status_code, ours.value.kind) == (status, kind)
    same.proven(operation=f"answer {status}", oracle="pywebpush")
