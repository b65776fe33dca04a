"""wechatpy's enterprise client against our WeCom app: equal messages, and the vendor's answers read alike."""

from typing import Any

import httpx
import pytest
from wechatpy.enterprise import WeChatClient
from wechatpy.exceptions import WeChatClientException

from adapters.test_wecom import ACCOUNT, a_message, an_adapter
from oracles.loopback import Loopback
from oracles.same import Same
from recallgate import Card, Content, ErrorKind, Markdown, Media, SendError, Text
from recallgate.testing.exchanges import signed

NO_TYPE = "the library names no content type"
EMPTY = "the library sends empty lists of parties and tags"
SAFE = "0 is the vendor's default; ours leaves it out"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch, loopback: Loopback) -> WeChatClient:
    """The library with a token of its own, since it asks for one at the vendor's fixed address."""
    monkeypatch.setattr(WeChatClient, "API_BASE_URL", f"{loopback.url}/cgi-bin/")
    return WeChatClient(ACCOUNT["corp_id"], ACCOUNT["secret"], access_token="a-token-for-tests")


@pytest.mark.parametrize(
    ("operation", "content", "arguments", "safe"),
    [
        ("send_text", Text(text="你好"), {"content": "你好"}, True),
        ("send_image", Media(kind="image", media_id="M"), {"media_id": "M"}, True),
        ("send_voice", Media(kind="voice", media_id="M"), {"media_id": "M"}, True),
        ("send_file", Media(kind="file", media_id="M"), {"media_id": "M"}, True),
        ("send_markdown", Markdown(text="**x**"), {"content": "**x**"}, False),
        (
            "send_text_card",
            Card(title="T", description="D", url="https://shop.example/a", button="更多"),
            {"title": "T", "description": "D", "url": "https://shop.example/a", "btntxt": "更多"},
            False,
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_message_is_sent_as_the_library_sends_it(
    client: WeChatClient, loopback: Loopback, same: Same, operation: str, content: Content, arguments: dict[str, Any], safe: bool
) -> None:
    loopback.answers({"errcode": 0, "errmsg": "ok", "msgid": "m"})
    getattr(client.message, operation)(ACCOUNT["agent_id"], "zhangsan", **arguments)

    ours = signed(an_adapter(), an_adapter().build(a_message(content)))

    differing = {"header content-type": NO_TYPE, "json toparty": EMPTY, "json totag": EMPTY}
    if safe and b'"safe"' in loopback.last.body:
        differing["json safe"] = SAFE
    same(ours, loopback.last, operation=operation, oracle="wechatpy", body="json", differing=differing)


def test_a_refusal_is_one_for_both(client: WeChatClient, loopback: Loopback, same: Same) -> None:
    loopback.answers({"errcode": 81013, "errmsg": "user & party & tag all invalid"})

    with pytest.raises(WeChatClientException) as theirs:
        client.message.send_text(ACCOUNT["agent_id"], "zhangsan", "hi")
    with pytest.raises(SendError) as ours:
        an_adapter().parse(a_message(), httpx.Response(200, content=b'{"errcode":81013,"errmsg":"x"}'))

    assert (theirs.value.errcode, ours.value.code, ours.value.kind) == (81013, "81013", ErrorKind.INVALID_RECIPIENT)
    same.proven(operation="refusal 81013", oracle="wechatpy")
