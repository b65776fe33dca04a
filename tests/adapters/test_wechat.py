"""WeChat keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from adapters.wire import CALLBACK, DATA, NOW, facts, fault_kind, refusal, response, sent, token_of, tools
from recallgate import (
    Callback,
    Card,
    Content,
    ErrorKind,
    EventType,
    Fault,
    ForgedCallback,
    IdSource,
    Message,
    MiniProgram,
    News,
    OfficialAccountUser,
    Purpose,
    Template,
    Text,
    Token,
    TokenAuth,
    WorldEvent,
)
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.wechat import WechatOaFace
from recallgate_adapters.wechat import WechatConfig, WechatOa
from recallgate_adapters.wechat_callback import signature

FACTS = facts("wechat")
VECTOR = FACTS["signature_vectors"]["vectors"][0]
ACCOUNT: dict[str, Any] = {
    "app_id": "wx5823bf96d3bd56c7",
    "secret": "oa-secret-0815",
    "callback_token": "QDG6eK",
    "encoding_aes_key": "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
}
PLAIN = {**ACCOUNT, "encoding_aes_key": None}


class TestWechatOa(AdapterContract):
    adapter = WechatOa
    config = ACCOUNT
    message = {
        "channel": "oa",
        "to": {"type": "oa_user", "openid": "oABCD"},
        "content": {"type": "template", "template": "T1", "variables": {"first": "好久不见"}},
        "purpose": "service",
    }
    exchanges = DATA / "exchanges" / "wechat.oa.json"


def an_adapter(**config: Any) -> WechatOa:
    return WechatOa(WechatConfig.model_validate({**ACCOUNT, **config}), tools(NOW))


def auth_of(adapter: WechatOa) -> TokenAuth:
    assert isinstance(adapter.auth, TokenAuth)
    return adapter.auth


def a_message(content: Content | None = None, **options: Any) -> Message:
    body = content or Template(template="T1", variables={"first": "see https://shop.example/a"})
    to = OfficialAccountUser(openid="oABCD")
    return Message(id="m1", channel="oa", to=to, content=body, purpose=Purpose.SERVICE, options={"wechat.oa": options})


def test_every_code_and_status_of_the_vendor_is_mapped() -> None:
    assert set(WechatOa.errors) == set(FACTS["errors"]["codes"])
    assert set(WechatOa.statuses) == {*FACTS["delivery_status"]["status_map"], "text"}


def test_the_signature_is_the_one_of_the_vector() -> None:
    assert signature(**VECTOR["input"]) == VECTOR["expected"]["signature"]


# The token


def test_the_stable_token_is_asked_for() -> None:
    request = auth_of(an_adapter()).build()

    assert (request.method, request.url.path) == ("POST", "/cgi-bin/stable_token")
    assert json.loads(request.content) == {
        "grant_type": "client_credential",
        "appid": ACCOUNT["app_id"],
        "secret": ACCOUNT["secret"],
        "force_refresh": False,
    }


def test_the_token_ends_when_the_vendor_says() -> None:
    token = auth_of(an_adapter()).parse(httpx.Response(200, json={"access_token": "t", "expires_in": 7200}))

    assert token == Token("t", NOW + timedelta(hours=2))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b'{"errcode":40013,"errmsg":"x"}', ErrorKind.AUTH),
        (200, b"<html>", ErrorKind.UNAVAILABLE),
        (502, b"", ErrorKind.UNAVAILABLE),
        (200, b'{"errcode":0}', ErrorKind.UNAVAILABLE),
    ],
)
def test_a_failed_token_request_is_never_uncertain(status: int, body: bytes, kind: ErrorKind) -> None:
    assert refusal(auth_of(an_adapter()).parse, httpx.Response(status, content=body)).kind is kind


@pytest.mark.parametrize(
    ("code", "expired"), [(40001, True), (40014, True), (41001, True), (42001, True), (48001, False), (0, False)]
)
def test_only_a_bad_token_asks_for_a_new_one(code: int, expired: bool) -> None:
    assert auth_of(an_adapter()).expired(httpx.Response(200, json={"errcode": code})) is expired


# What leaves


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (a_message(page="p"), "page"),
        (a_message(lang="zh_CN"), "miniprogram_state"),
        (a_message(kind="subscription", url="https://a.example"), "url"),
        (a_message(kind="miniprogram", miniprogram_appid="wx1"), "miniprogram_appid"),
        (a_message(Text(text="x"), url="https://a.example"), "kind"),
        (a_message(News(articles=(Card(title="A", url="https://a.example"), Card(title="B", url="https://b.example")))), "news"),
        (a_message(News(articles=(Card(title="A", url="https://a.example", button="x"),))), "news.button"),
        (a_message(MiniProgram(appid="wx1", page="p", title="T")), "thumb_media_id"),
        (a_message(MiniProgram(appid="wx1", page="p", title="T", description="D")), "content"),
        (a_message().model_copy(update={"sender": "x"}), "sender"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_an_official_account_lacks_is_refused_by_name(message: Message, code: str) -> None:
    error = refusal(an_adapter().build, message)

    assert (error.kind, error.code) == (ErrorKind.UNSUPPORTED, code)


# Callbacks


def plain_adapter(**config: Any) -> WechatOa:
    """An account with the token of the vector, and without a key unless one is given."""
    return an_adapter(**{"callback_token": VECTOR["input"]["token"], "encoding_aes_key": None, **config})


def a_plain_callback(inner: str, **over: str) -> Callback:
    query = {"timestamp": "1700000000", "nonce": "nonce1", "signature": VECTOR["expected"]["signature"], **over}
    url = f"{CALLBACK}?{httpx.QueryParams(query)}"
    body = f"<xml><FromUserName>oABCD</FromUserName><CreateTime>1700000000</CreateTime>{inner}</xml>"
    return Callback("POST", url, httpx.Headers(), body.encode(), NOW)


def test_without_a_key_the_plain_signature_decides() -> None:
    inner = "<MsgType>event</MsgType><Event>unsubscribe</Event>"
    adapter = plain_adapter()

    (event,) = adapter.read_callback(a_plain_callback(inner)).events

    assert (event.type, event.address) == (EventType.UNSUBSCRIBED, "oABCD")
    for over in ({"signature": "00"}, {"signature": "é"}, {"timestamp": "1700000001"}, {"nonce": "x"}):
        with pytest.raises(ForgedCallback):
            adapter.read_callback(a_plain_callback(inner, **over))


def test_with_a_key_a_plain_callback_is_not_believed() -> None:
    with pytest.raises(ForgedCallback):
        plain_adapter(encoding_aes_key=ACCOUNT["encoding_aes_key"]).read_callback(
            a_plain_callback("<MsgType>event</MsgType><Event>unsubscribe</Event>")
        )


@pytest.mark.parametrize("config", [{"encoding_aes_key": ACCOUNT["encoding_aes_key"]}, {}], ids=["safe", "plain"])
def test_the_address_check_is_answered_as_it_came(config: Mapping[str, Any]) -> None:
    check = replace(a_plain_callback("", echostr="5876454"), method="GET", body=b"")

    reading = plain_adapter(**config).read_callback(check)

    assert (reading.events, reading.reply.body) == ((), b"5876454")
    with pytest.raises(ForgedCallback):
        plain_adapter(**config).read_callback(replace(check, url=check.url.replace("nonce1", "nonce2")))


@pytest.mark.parametrize(
    "body",
    [b"<!DOCTYPE a [<!ENTITY b 'c'>]><xml>&b;</xml>", b"not xml", b"", b"x" * 70_000],
    ids=["entity", "text", "empty", "long"],
)
def test_a_body_that_is_no_plain_xml_is_refused(body: bytes) -> None:
    with pytest.raises(ForgedCallback):
        plain_adapter().read_callback(replace(a_plain_callback(""), body=body))


def test_nothing_is_believed_without_a_token() -> None:
    with pytest.raises(ForgedCallback):
        plain_adapter(callback_token=None).read_callback(a_plain_callback(""))


# Adapter and face


@pytest.mark.parametrize("account", [ACCOUNT, PLAIN], ids=["safe", "plain"])
def test_adapter_and_face_understand_each_other(account: dict[str, Any]) -> None:
    adapter, face = an_adapter(**account), WechatOaFace({**account, "callback_url": CALLBACK})
    receipt, reply = sent(adapter, face, a_message())
    assert reply.taken[0].links == ("https://shop.example/a",)

    for news, type_ in (
        (WorldEvent(EventType.DELIVERED, NOW), EventType.DELIVERED),
        (WorldEvent(EventType.UNDELIVERED, NOW, kind=ErrorKind.OPTED_OUT), EventType.UNDELIVERED),
    ):
        (callback,) = face.callbacks(reply.taken[0], news, nonce="n")
        (event,) = adapter.read_callback(callback).events
        assert (event.type, event.vendor_id, event.kind) == (type_, receipt.vendor_id, news.kind)
    (callback,) = face.callbacks(reply.taken[0], WorldEvent(EventType.REPLIED, NOW, text="退订 & 😀"), nonce="n")
    assert adapter.read_callback(callback).events[0].text == "退订 & 😀"


def test_a_second_copy_of_a_template_is_refused() -> None:
    adapter, face = an_adapter(), WechatOaFace(ACCOUNT)
    sent(adapter, face, a_message())

    assert refusal(sent, adapter, face, a_message()).kind is ErrorKind.UNKNOWN


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.OPTED_OUT,
        ErrorKind.TEMPLATE_OR_SIGNATURE,
        ErrorKind.RATE_LIMITED,
        ErrorKind.AUTH,
        ErrorKind.TEMPORARY,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    assert fault_kind(an_adapter(), WechatOaFace(ACCOUNT), a_message(), Fault(kind)) is kind


def test_the_face_refuses_a_wrong_secret_and_a_missing_token() -> None:
    assert refusal(token_of, an_adapter(secret="wrong"), WechatOaFace(ACCOUNT)).code == "40001"
    bare = WechatOaFace(ACCOUNT).answer(an_adapter().build(a_message()), now=NOW, new_id=IdSource("s"))
    assert auth_of(an_adapter()).expired(response(bare))
