"""aioapns against our adapter: the same request over HTTP/2, tokens that each side's key accepts, results read alike."""

import asyncio
import json
import time
from typing import Any

import httpx
import jwt
import pytest
from aioapns import APNs, NotificationRequest, PushType
from aioapns.connection import APNsProductionClientProtocol, JWTAuthorizationHeaderProvider

from adapters.test_apns import ACCOUNT, DEVICE, VECTOR
from oracles.h2_loopback import h2_loopback
from oracles.loopback import Answer, Recorded
from oracles.same import Same
from recallgate import ErrorKind, Message, Purpose, Push, PushToken, SendError, authorize
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.apns import ApnsConfig, ApnsPush, provider_token

MESSAGE_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
HEADERS = ("apns-id", "apns-topic", "apns-priority", "apns-push-type", "apns-expiration", "apns-collapse-id")


def theirs(monkeypatch: pytest.MonkeyPatch, answer: Answer, **fields: Any) -> tuple[Recorded, Any]:
    """The request as aioapns sends it, and what it makes of the answer."""

    async def exchange() -> tuple[Recorded, Any]:
        async with h2_loopback(answer) as (port, requests):
            monkeypatch.setattr(APNsProductionClientProtocol, "APNS_SERVER", "127.0.0.1")
            monkeypatch.setattr(APNsProductionClientProtocol, "APNS_PORT", port)
            client = APNs(
                key=ACCOUNT["private_key"],
                key_id=ACCOUNT["key_id"],
                team_id=ACCOUNT["team_id"],
                topic=ACCOUNT["topic"],
                use_sandbox=False,
            )
            client.pool.ssl_context = None
            result = await client.send_notification(
                NotificationRequest(device_token=DEVICE, notification_id=MESSAGE_ID, **fields)
            )
            client.pool.close()
            return requests[0], result

    monkeypatch.setattr(time, "time", NOW.timestamp)
    return asyncio.run(exchange())


def adapter() -> ApnsPush:
    return ApnsPush(ApnsConfig.model_validate(ACCOUNT), tools_of(None))


def a_push(**over: Any) -> Message:
    content = Push.model_validate({"title": "你好", "body": "B", **over.pop("content", {})})
    to = PushToken(token=DEVICE)
    return Message(id=MESSAGE_ID, channel="push", to=to, content=content, purpose=Purpose.SERVICE, **over)


def test_an_alert_is_sent_as_the_library_sends_it(monkeypatch: pytest.MonkeyPatch, same: Same) -> None:
    message = {"aps": {"alert": {"title": "你好", "body": "B"}, "badge": 3, "sound": "ding"}, "link": "https://shop.example"}
    recorded, _ = theirs(
        monkeypatch,
        Answer(200, b"", {}),
        message=message,
        priority=10,
        push_type=PushType.ALERT,
        time_to_live=3600,
        collapse_key="k",
    )
    from datetime import timedelta

    content = {"badge": 3, "sound": "ding", "link": "https://shop.example", "collapse_key": "k"}
    ours = adapter().build(a_push(content=content, expires_at=NOW + timedelta(hours=1)))

    same(ours, recorded, operation="alert", oracle="aioapns", body="json", headers=HEADERS)


def test_a_background_push_is_sent_as_the_library_sends_it(monkeypatch: pytest.MonkeyPatch, same: Same) -> None:
    message = {"aps": {"content-available": 1}, "sync": "1"}
    recorded, _ = theirs(monkeypatch, Answer(200, b"", {}), message=message, priority=5, push_type=PushType.BACKGROUND)

    options = {"apns.push": {"push_type": "background"}}
    ours = adapter().build(a_push(content={"data": {"sync": "1"}}, options=options))

    same(ours, recorded, operation="background", oracle="aioapns", body="json", headers=HEADERS)


def test_both_tokens_say_the_same_at_the_turn_of_the_half_hour(monkeypatch: pytest.MonkeyPatch, same: Same) -> None:
    monkeypatch.setattr(time, "time", NOW.timestamp)
    provider = JWTAuthorizationHeaderProvider(ACCOUNT["private_key"], ACCOUNT["key_id"], ACCOUNT["team_id"])
    their_token = provider.get_header().removeprefix("bearer ")
    our_token = provider_token(ACCOUNT["private_key"], ACCOUNT["key_id"], ACCOUNT["team_id"], NOW)

    ours, others = (
        jwt.decode(token, VECTOR["expected"]["public_key_pem"], algorithms=["ES256"], options={"verify_iat": False})
        for token in (our_token, their_token)
    )

    assert ours == others
    assert authorize(adapter(), adapter().build(a_push())).headers["authorization"] == f"bearer {our_token}"
    same.proven(operation="provider token", oracle="aioapns", outcome="equal claims and key id; typ is left out by us")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (410, {"reason": "Unregistered", "timestamp": 1700000000000}, ErrorKind.UNREGISTERED_TOKEN),
        (400, {"reason": "BadDeviceToken"}, ErrorKind.UNREGISTERED_TOKEN),
        (429, {"reason": "TooManyRequests"}, ErrorKind.RATE_LIMITED),
    ],
)
def test_a_refusal_is_read_by_both(
    monkeypatch: pytest.MonkeyPatch, same: Same, status: int, body: dict[str, Any], kind: ErrorKind
) -> None:
    raw = json.dumps(body).encode()
    _, result = theirs(monkeypatch, Answer(status, raw, {}), message={"aps": {}})

    with pytest.raises(SendError) as caught:
        adapter().parse(a_push(), httpx.Response(status, content=raw))

    assert (result.status, result.description) == (str(status), body["reason"])
    assert (caught.value.kind, caught.value.code) == (kind, body["reason"])
    same.proven(operation=f"answer {status}", oracle="aioapns")
