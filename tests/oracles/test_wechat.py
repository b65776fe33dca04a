"""wechatpy against our adapters: callbacks of WeChat and WeCom that each side signs, encrypts and reads."""

import pytest
from wechatpy.client import WeChatClient
from wechatpy.crypto import WeChatCrypto
from wechatpy.crypto.base import BasePrpCrypto
from wechatpy.enterprise.crypto import WeChatCrypto as EnterpriseCrypto
from wechatpy.exceptions import InvalidSignatureException
from wechatpy.utils import check_signature

from adapters.test_wechat import ACCOUNT, a_message, an_adapter
from adapters.test_wecom import ACCOUNT as WECOM
from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import EventType, Template, Text, WorldEvent
from recallgate.sandbox.face import Taken
from recallgate.testing.exchanges import NOW, signed
from recallgate_adapters.faces.wechat import WechatOaFace
from recallgate_adapters.wechat_callback import signature
from recallgate_adapters.wecom_crypto import decrypt, encrypt

TAKEN = Taken("7", "oABCD", "oa", "hi", callback_url="https://app.example/cb", data={"template": True})


def test_the_plain_signature_is_the_one_of_the_library(same: Same) -> None:
    check_signature("QDG6eK", signature("QDG6eK", "1700000000", "n"), "1700000000", "n")

    with pytest.raises(InvalidSignatureException):
        check_signature("QDG6eK", signature("QDG6eK", "1700000001", "n"), "1700000000", "n")
    same.proven(operation="plain signature", oracle="wechatpy")


def test_the_library_reads_what_our_face_encrypts(same: Same) -> None:
    (callback,) = WechatOaFace(ACCOUNT).callbacks(TAKEN, WorldEvent(EventType.DELIVERED, NOW), nonce="n")
    query = callback.query
    library = WeChatCrypto(ACCOUNT["callback_token"], ACCOUNT["encoding_aes_key"], ACCOUNT["app_id"])

    text = library.decrypt_message(callback.body.decode(), query["msg_signature"], query["timestamp"], query["nonce"])

    assert "<Status>success</Status>" in (text.decode() if isinstance(text, bytes) else text)
    assert an_adapter().read_callback(callback).events[0].type is EventType.DELIVERED
    same.proven(operation="safe mode, ours to theirs", oracle="wechatpy")


@pytest.mark.parametrize("crypto", [WeChatCrypto, EnterpriseCrypto], ids=["wechat", "wecom"])
def test_each_side_decrypts_the_other_and_encrypts_alike(monkeypatch: pytest.MonkeyPatch, same: Same, crypto: type) -> None:
    monkeypatch.setattr(BasePrpCrypto, "get_random_string", lambda _: "aaaabbbbccccdddd")
    key, receiver = str(WECOM["encoding_aes_key"]), str(WECOM["corp_id"])
    library = crypto("QDG6eK", key, receiver)

    sealed = library.encrypt_message("<xml>退订 😀</xml>", "n", "1700000000")

    ours = encrypt(key, "<xml>退订 😀</xml>", receiver, random16=b"aaaabbbbccccdddd")
    assert f"<Encrypt><![CDATA[{ours}]]></Encrypt>" in sealed
    assert decrypt(key, ours, receiver) == "<xml>退订 😀</xml>"
    same.proven(operation=f"{crypto.__module__} encryption", oracle="wechatpy")


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, loopback: Loopback) -> WeChatClient:
    """The library with a token of its own, since it asks for one at the vendor's fixed address."""
    monkeypatch.setattr(WeChatClient, "API_BASE_URL", f"{loopback.url}/cgi-bin/")
    loopback.answers({"errcode": 0, "errmsg": "ok", "msgid": 7})
    return WeChatClient(ACCOUNT["app_id"], ACCOUNT["secret"], access_token="a-token-for-tests")


NO_TYPE = "the library names no content type"


def test_a_template_is_sent_as_the_library_sends_it(client: WeChatClient, loopback: Loopback, same: Same) -> None:
    message = a_message(Template(template="T1", variables={"first": "你好"}), url="https://shop.example/a")
    client.message.send_template("oABCD", "T1", {"first": {"value": "你好"}}, url="https://shop.example/a")

    ours = signed(an_adapter(), an_adapter().build(message))

    differing = {"header content-type": NO_TYPE, "json client_msg_id": "the library knows no key against doubles"}
    same(ours, loopback.last, operation="template", oracle="wechatpy", body="json", differing=differing)


def test_a_text_is_sent_as_the_library_sends_it(client: WeChatClient, loopback: Loopback, same: Same) -> None:
    client.message.send_text("oABCD", "你好")

    ours = signed(an_adapter(), an_adapter().build(a_message(Text(text="你好"))))

    same(ours, loopback.last, operation="text", oracle="wechatpy", body="json", differing={"header content-type": NO_TYPE})
