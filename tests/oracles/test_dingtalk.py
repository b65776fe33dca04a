"""apprise's DingTalk and WeCom robots against our adapters: equal signs and equal requests."""

import time
from urllib.parse import parse_qs, unquote

import pytest
from apprise.plugins.dingtalk import NotifyDingTalk
from apprise.plugins.wecombot import NotifyWeComBot

from adapters.test_dingtalk import ACCOUNT
from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import Content, Conversation, Message, Purpose, Text, authorize
from recallgate.testing.exchanges import NOW, tools_of
from recallgate_adapters.dingtalk import DingtalkConfig, DingtalkRobot
from recallgate_adapters.wecom_robot import WecomRobot, WecomRobotConfig


def a_message(content: Content) -> Message:
    return Message(id="m1", channel="robot", to=Conversation(), content=content, purpose=Purpose.SERVICE)


def test_a_signed_text_is_sent_as_the_library_sends_it(monkeypatch: pytest.MonkeyPatch, loopback: Loopback, same: Same) -> None:
    loopback.answers({"errcode": 0, "errmsg": "ok"})
    monkeypatch.setattr(NotifyDingTalk, "notify_url", f"{loopback.url}/robot/send?access_token={{token}}")
    monkeypatch.setattr(time, "time", NOW.timestamp)
    monkeypatch.setattr(NotifyDingTalk, "request_rate_per_sec", 0)
    token = ACCOUNT["access_token"]
    assert NotifyDingTalk(token=token, secret=ACCOUNT["secret"]).send(body="**好久不见**", title="T")
    adapter = DingtalkRobot(DingtalkConfig.model_validate(ACCOUNT), tools_of(None))
    ours = authorize(adapter, adapter.build(a_message(Text(text="x"))))

    theirs = parse_qs(loopback.last.query)
    # The library quotes its sign and has requests quote it again; the vendor's page quotes once.
    assert {**theirs, "sign": [unquote(theirs["sign"][0])]} == parse_qs(ours.url.query.decode())
    assert loopback.last.path == ours.url.path
    same.proven(
        operation="address and sign", oracle="apprise", outcome="equal once the library's second quoting of the sign is undone"
    )


def test_a_robots_text_is_sent_as_the_library_sends_it(monkeypatch: pytest.MonkeyPatch, loopback: Loopback, same: Same) -> None:
    loopback.answers({"errcode": 0, "errmsg": "ok"})
    monkeypatch.setattr(NotifyWeComBot, "request_rate_per_sec", 0)
    library = NotifyWeComBot(key="693a91f6-7")
    monkeypatch.setattr(library, "api_url", f"{loopback.url}/cgi-bin/webhook/send?key=693a91f6-7")
    assert library.send(body="好久不见")
    adapter = WecomRobot(WecomRobotConfig.model_validate({"key": "693a91f6-7"}), tools_of(None))

    ours = authorize(adapter, adapter.build(a_message(Text(text="好久不见"))))

    differing = {"header content-type": "the library adds a charset, which JSON has none of"}
    same(ours, loopback.last, operation="robot text", oracle="apprise", body="json", differing=differing, vendor="wecom_robot")
