"""DirectMail's own SDK against our adapter: the same form, and signatures that the SDK's signer makes of our requests."""

import hashlib
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from alibabacloud_dm20151123.client import Client
from alibabacloud_dm20151123.models import SingleSendMailRequest, SingleSendMailRequestTemplate
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_openapi.utils import Utils

from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import Message, authorize
from recallgate.testing.exchanges import NONCE, NOW, tools_of
from recallgate_adapters.aliyun_dm import AliyunEmail, AliyunEmailConfig
from recallgate_adapters.faces.aliyun_rest import refused_credentials

KEY, SECRET = "testAccessKeyId0001", "testAccessKeySecret0001"
ACCOUNT: dict[str, Any] = {"access_key_id": KEY, "access_key_secret": SECRET, "sender": "商店 <news@mail.shop.example>"}
HEADERS = ("content-type", "x-acs-action", "x-acs-version", "x-acs-date", "x-acs-signature-nonce")
SDK = "alibabacloud-dm20151123"
SPELLING = {"form ReplyToAddress": "the SDK writes Python's False, the documents say false"}


@pytest.fixture
def client(loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The SDK, talking to this machine at one instant with one nonce."""
    monkeypatch.setattr(Utils, "get_nonce", staticmethod(lambda: NONCE[:32]))
    monkeypatch.setattr(Utils, "get_timestamp", staticmethod(lambda: NOW.strftime("%Y-%m-%dT%H:%M:%SZ")))
    loopback.answers({"EnvId": "600000123", "RequestId": "R"})
    return Client(Config(access_key_id=KEY, access_key_secret=SECRET, endpoint=loopback.host, protocol="HTTP"))


def an_adapter(url: str) -> AliyunEmail:
    return AliyunEmail(AliyunEmailConfig(**ACCOUNT, base_url=url, reply_to="help@shop.example"), tools_of())


def a_message(content: dict[str, Any]) -> Message:
    to = {"type": "email", "email": "ann@example.com"}
    told = {"id": "m1", "channel": "email", "to": to, "content": content, "purpose": "marketing"}
    return Message.model_validate({**told, "options": {"aliyun.email": {"tag": "recall", "unsubscribe_link": "zh-cn"}}})


def common() -> dict[str, Any]:
    return {
        "account_name": "news@mail.shop.example",
        "address_type": 1,
        "reply_to_address": False,
        "to_address": "ann@example.com",
        "from_alias": "商店",
        "reply_address": "help@shop.example",
        "tag_name": "recall",
        "un_subscribe_link_type": "zh-cn",
    }


def signer_agrees(ours: httpx.Request) -> bool:
    """True when the SDK's signer makes our signature of our headers and body."""
    signed = {name: value for name, value in ours.headers.items() if name in ("content-type", "host") or name[:6] == "x-acs-"}
    request = SimpleNamespace(method="POST", pathname="/", query={}, headers=signed)
    made = Utils.get_authorization(request, "ACS3-HMAC-SHA256", hashlib.sha256(ours.content).hexdigest(), KEY, SECRET)
    return bool(made == ours.headers["authorization"])


def test_a_mail_is_sent_as_the_sdk_sends_it(client: Client, loopback: Loopback, same: Same) -> None:
    client.single_send_mail(
        SingleSendMailRequest(
            **common(),
            subject="好久不见",
            text_body="hi",
            html_body="<p>hi</p>",
            headers='{"List-Unsubscribe":"<https://app.example/u/1>","List-Unsubscribe-Post":"List-Unsubscribe=One-Click"}',
        )
    )
    adapter = an_adapter(loopback.url)
    headers = {"List-Unsubscribe": "<https://app.example/u/1>"}
    content = {"type": "email", "subject": "好久不见", "text": "hi", "html": "<p>hi</p>", "headers": headers}

    ours = authorize(adapter, adapter.build(a_message(content)))

    same(ours, loopback.last, operation="SingleSendMail", oracle=SDK, body="form", headers=HEADERS, differing=SPELLING)
    assert signer_agrees(ours)
    same.proven(operation="ACS3 signature of our request by the SDK's signer", oracle="alibabacloud_tea_openapi")


def test_a_template_is_sent_as_the_sdk_sends_it(client: Client, loopback: Loopback, same: Same) -> None:
    template = SingleSendMailRequestTemplate(template_id="t-1", template_data={"name": "张三"})
    client.single_send_mail(SingleSendMailRequest(**common(), template=template))
    adapter = an_adapter(loopback.url)

    ours = authorize(adapter, adapter.build(a_message({"type": "template", "template": "t-1", "variables": {"name": "张三"}})))

    operation = "SingleSendMail by template"
    same(ours, loopback.last, operation=operation, oracle=SDK, body="form", headers=HEADERS, differing=SPELLING)
    assert signer_agrees(ours)


@pytest.mark.parametrize("secret", [SECRET, "other"])
def test_the_face_believes_the_sdk(client: Client, loopback: Loopback, secret: str) -> None:
    client.single_send_mail(SingleSendMailRequest(**common(), subject="S", text_body="T"))
    theirs = loopback.last
    wire = httpx.Request("POST", f"http://{theirs.headers['host']}{theirs.target}", headers=theirs.headers, content=theirs.body)

    refused = refused_credentials({**ACCOUNT, "access_key_secret": secret}, wire, NOW)

    assert (refused is None) is (secret == SECRET)
