"""The official jpush package against our adapter: equal pushes and batches, and failures read alike."""

from typing import Any

import httpx
import jpush
import pytest
from jpush import common

from adapters.test_jpush import ACCOUNT, DEVICE
from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import ErrorKind, Message, Purpose, Push, PushToken, SendError, authorize
from recallgate.testing.exchanges import tools_of
from recallgate_adapters.jpush import JpushConfig, JpushPush

TYPE = "the library writes 'application/json;charset:utf-8', which is no media type"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, loopback: Loopback) -> Any:
    monkeypatch.setitem(common.ZONES["DEFAULT"], "PUSH", f"{loopback.url}/v3/")
    return jpush.JPush(ACCOUNT["app_key"], ACCOUNT["master_secret"])


def adapter() -> JpushPush:
    return JpushPush(JpushConfig.model_validate(ACCOUNT), tools_of(None))


def a_push(platform: Any, message_id: str = "m1") -> Message:
    content = Push(title="你好", body="B", sound="ding", badge=1, data={"x": "1"}, urgency="normal")
    to = PushToken(token=DEVICE, platform=platform)
    return Message(id=message_id, channel="push", to=to, content=content, purpose=Purpose.SERVICE)


def blocks() -> dict[str, Any]:
    extras = {"x": "1"}
    return {
        "android": jpush.android(alert="B", title="你好", badge_set_num=1, sound="ding", extras=extras),
        "ios": jpush.ios(alert={"title": "你好", "body": "B"}, badge=1, sound="ding", extras=extras),
    }


@pytest.mark.parametrize("platform", ["android", "ios"])
def test_a_push_is_sent_as_the_library_sends_it(client: Any, loopback: Loopback, same: Same, platform: str) -> None:
    loopback.answers({"sendno": "0", "msg_id": "7"})
    ours = authorize(adapter(), adapter().build(a_push(platform)))
    push = client.create_push()
    push.cid = adapter()._cid(a_push(platform))
    push.platform = jpush.platform(platform)
    push.audience = jpush.audience(jpush.registration_id(DEVICE))
    push.notification = jpush.notification(alert="B", **{platform: blocks()[platform]})
    push.options = {"apns_production": True}
    response = push.send()

    headers = ("authorization", "content-type")
    differing = {"header content-type": TYPE}
    same(ours, loopback.last, operation=f"push {platform}", oracle="jpush", body="json", headers=headers, differing=differing)
    receipt = adapter().parse(a_push(platform), httpx.Response(200, json=response.payload))
    assert receipt.vendor_id == response.payload["msg_id"]


def test_a_batch_is_sent_as_the_library_sends_it(client: Any, loopback: Loopback, same: Same) -> None:
    messages = [a_push("android", "a"), a_push("android", "b")]
    cids = [adapter()._cid(message) for message in messages]
    loopback.answers({"cidlist": cids})
    loopback.answers({cid: {"msg_id": "7"} for cid in cids})
    single = {
        "platform": ["android"],
        "target": DEVICE,
        "notification": jpush.notification(alert="B", android=blocks()["android"]),
        "options": {"apns_production": True},
    }
    client.create_push().batch_push_by_regid([single, single])

    ours = authorize(adapter(), adapter().build_batch(messages))

    same(ours, loopback.last, operation="batch by regid", oracle="jpush", body="json", headers=("authorization",))


@pytest.mark.parametrize(
    ("status", "code", "kind"), [(400, 1011, ErrorKind.UNREGISTERED_TOKEN), (400, 1005, ErrorKind.PAYLOAD_TOO_LARGE)]
)
def test_a_failure_is_one_for_both(client: Any, loopback: Loopback, same: Same, status: int, code: int, kind: ErrorKind) -> None:
    loopback.answers({"error": {"code": code, "message": "no"}, "msg_id": "1"}, status=status)
    push = client.create_push()
    push.platform, push.audience, push.notification = jpush.all_, jpush.all_, jpush.notification(alert="B")

    with pytest.raises(common.JPushFailure) as theirs:
        push.send()
    with pytest.raises(SendError) as ours:
        adapter().parse(a_push("android"), httpx.Response(status, json={"error": {"code": code, "message": "no"}}))

    assert (theirs.value.error_code, ours.value.code, ours.value.kind) == (code, str(code), kind)
    same.proven(operation=f"failure {code}", oracle="jpush")
