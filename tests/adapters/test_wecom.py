"""WeCom keeps the contract of adapters, each of its quirks, and understands the vendor's side of the wire."""

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from recallgate import (
    Callback,
    Card,
    Content,
    ErrorKind,
    EventType,
    Fault,
    ForgedCallback,
    IdSource,
    Markdown,
    Media,
    Message,
    MiniProgram,
    News,
    Payload,
    Purpose,
    SendError,
    Text,
    Token,
    TokenAuth,
    Tools,
    WecomExternal,
    WecomUser,
    WorldEvent,
    authorize,
)
from recallgate.testing import AdapterContract
from recallgate_adapters.faces.wecom import WecomAppFace
from recallgate_adapters.wecom import WecomApp, WecomConfig
from recallgate_adapters.wecom_content import CARD_TYPES, MSGTYPES
from recallgate_adapters.wecom_crypto import decrypt, encrypt, signature

DATA = Path(__file__).parent.parent / "data"
VECTORS = json.loads((DATA / "vendors" / "wecom.json").read_text(encoding="utf-8"))["signature_vectors"]["vectors"]
KEY = VECTORS[0]["input"]["encoding_aes_key"]
ACCOUNT = {
    "corp_id": VECTORS[0]["input"]["receive_id"],
    "secret": "app-secret-0815",
    "agent_id": 218,
    "callback_token": VECTORS[0]["input"]["token"],
    "encoding_aes_key": KEY,
}
NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
URL = "https://app.example/callbacks/wecom/s3cret"


class TestWecomApp(AdapterContract):
    adapter = WecomApp
    config = ACCOUNT
    message = {
        "channel": "wecom",
        "to": {"type": "wecom_user", "userid": "zhangsan"},
        "content": {"type": "text", "text": "您好"},
        "purpose": "service",
    }
    exchanges = DATA / "exchanges" / "wecom.app.json"


def an_adapter(now: datetime = NOW, **config: object) -> WecomApp:
    tools = Tools(now=lambda: now, nonce=lambda n: ("0123456789abcdef" * 4)[:n], callback_url=lambda *_, **__: None)
    return WecomApp(WecomConfig.model_validate({**ACCOUNT, **config}), tools)


def a_message(content: Content | str = "hi", userid: str = "zhangsan", **fields: Any) -> Message:
    body = Text(text=content) if isinstance(content, str) else content
    return Message(
        id=f"m-{userid}",
        channel="wecom",
        to=WecomUser(userid=userid),
        content=body,
        purpose=Purpose.SERVICE,
        **fields,
    )


def token_auth(adapter: WecomApp) -> TokenAuth:
    assert isinstance(adapter.auth, TokenAuth)
    return adapter.auth


def refusal(call: Any, *arguments: object) -> SendError:
    with pytest.raises(SendError) as caught:
        call(*arguments)
    return caught.value


# The crypto


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_the_vendors_ciphertext_is_reproduced_and_read(vector: dict[str, dict[str, str]]) -> None:
    given, expected = vector["input"], vector["expected"]

    sealed = encrypt(given["encoding_aes_key"], given["plaintext"], given["receive_id"], random16=given["random16"].encode())

    assert sealed == expected["encrypt"]
    assert decrypt(given["encoding_aes_key"], expected["encrypt"], given["receive_id"]) == given["plaintext"]
    assert signature(given["token"], given["timestamp"], given["nonce"], sealed) == expected["msg_signature"]


@pytest.mark.parametrize("length", range(40))
def test_every_length_of_padding_is_taken_off(length: int) -> None:
    text = "x" * length

    assert decrypt(KEY, encrypt(KEY, text, "corp", random16=b"0" * 16), "corp") == text


@pytest.mark.parametrize("sealed", ["", "not base64!", base64.b64encode(b"short").decode(), base64.b64encode(bytes(64)).decode()])
def test_a_damaged_ciphertext_is_refused(sealed: str) -> None:
    with pytest.raises(ForgedCallback):
        decrypt(KEY, sealed, "corp")


def test_a_callback_for_another_company_is_refused() -> None:
    with pytest.raises(ForgedCallback, match="another company"):
        decrypt(KEY, encrypt(KEY, "hi", "corp-b", random16=b"0" * 16), "corp-a")


@pytest.mark.parametrize("key", ["short", "a" * 42, "a" * 44, "*" * 43])
def test_a_wrong_aes_key_is_refused_when_configured(key: str) -> None:
    with pytest.raises(ValidationError, match="encoding_aes_key"):
        WecomConfig.model_validate({**ACCOUNT, "encoding_aes_key": key})


# Callbacks


def signed_post(sealed: str, body: str | None = None) -> Callback:
    proof = signature(ACCOUNT["callback_token"], "1700000000", "n", sealed)
    document = f"<xml><Encrypt>{sealed}</Encrypt></xml>" if body is None else body
    url = f"{URL}?msg_signature={proof}&timestamp=1700000000&nonce=n"
    return Callback("POST", url, httpx.Headers(), document.encode(), NOW)


@pytest.mark.parametrize(
    "outer",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><xml><Encrypt>&e;</Encrypt></xml>',
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>',
        "<xml><Encrypt>",
        "",
    ],
    ids=["external-entity", "entity-expansion", "cut-off", "empty"],
)
def test_a_document_type_or_broken_xml_is_refused(outer: str) -> None:
    with pytest.raises(ForgedCallback):
        an_adapter().read_callback(signed_post("", outer))


def test_a_document_type_inside_the_ciphertext_is_refused() -> None:
    inner = '<!DOCTYPE x [<!ENTITY e "boo">]><xml><Content>&e;</Content></xml>'
    sealed = encrypt(KEY, inner, str(ACCOUNT["corp_id"]), random16=b"0" * 16)

    with pytest.raises(ForgedCallback) as caught:
        an_adapter().read_callback(signed_post(sealed))

    assert caught.value.status == 400


def test_64_kib_are_read_and_one_byte_more_is_refused() -> None:
    sealed = encrypt(KEY, "<xml><MsgType>text</MsgType></xml>", str(ACCOUNT["corp_id"]), random16=b"0" * 16)
    frame = len(f"<xml><Encrypt>{sealed}</Encrypt></xml>")
    fitting = f"<xml><Encrypt>{sealed}</Encrypt>{' ' * (65_536 - frame)}</xml>"

    assert an_adapter().read_callback(signed_post(sealed, fitting)).events[0].type is EventType.REPLIED
    with pytest.raises(ForgedCallback) as caught:
        an_adapter().read_callback(signed_post(sealed, fitting + " "))
    assert caught.value.status == 413


def test_without_keys_no_callback_is_believed() -> None:
    adapter = an_adapter(callback_token=None, encoding_aes_key=None)

    with pytest.raises(ForgedCallback, match="callback_token"):
        adapter.read_callback(signed_post("x"))


# The token


def test_the_token_is_asked_for_with_id_and_secret() -> None:
    request = token_auth(an_adapter()).build()

    assert request.method == "GET"
    assert str(request.url) == "https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=wx5823bf96d3bd56c7&corpsecret=app-secret-0815"


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"errcode": 40001, "errmsg": "invalid credential"}, ErrorKind.AUTH),
        (200, {"errcode": 40013, "errmsg": "invalid corpid"}, ErrorKind.AUTH),
        (200, {"errcode": 45009, "errmsg": "limit"}, ErrorKind.RATE_LIMITED),
        (200, {"errcode": 0, "errmsg": "ok"}, ErrorKind.UNAVAILABLE),
        (200, {}, ErrorKind.UNAVAILABLE),
        (502, {}, ErrorKind.UNAVAILABLE),
    ],
)
def test_a_failed_token_request_is_never_uncertain(status: int, body: dict[str, object], kind: ErrorKind) -> None:
    assert refusal(token_auth(an_adapter()).parse, httpx.Response(status, json=body)).kind is kind


@pytest.mark.parametrize(
    ("code", "expired"), [(40014, True), (41001, True), (42001, True), (40001, False), (0, False), (45009, False)]
)
def test_three_codes_in_a_200_ask_for_a_new_token(code: int, expired: bool) -> None:
    assert token_auth(an_adapter()).expired(httpx.Response(200, json={"errcode": code, "errmsg": ""})) is expired


# What cannot be sent


@pytest.mark.parametrize(
    ("fitting", "above"),
    [
        (Text(text="你" * 682 + "ab"), Text(text="你" * 683)),
        (Markdown(text="a" * 2048), Markdown(text="a" * 2049)),
        (Card(title="a" * 128, url="u"), Card(title="a" * 129, url="u")),
        (Card(title="a", description="a" * 512, url="u"), Card(title="a", description="a" * 513, url="u")),
        (Card(title="a", url="u", button="四个字啊"), Card(title="a", url="u", button="五个字的啊")),
        (
            News(articles=(Card(title="a", description="a" * 512, url="u"),)),
            News(articles=(Card(title="a", description="a" * 513, url="u"),)),
        ),
        (MiniProgram(appid="a", title="a" * 12), MiniProgram(appid="a", title="a" * 13)),
        (
            MiniProgram(appid="a", title="abcd", items=(("k" * 10, "v" * 30),)),
            MiniProgram(appid="a", title="abcd", items=(("k" * 11, "v"),)),
        ),
        (
            Media(kind="video", media_id="m", title="a" * 128),
            Media(kind="video", media_id="m", title="a" * 129),
        ),
    ],
)
def test_a_limit_is_kept_to_the_byte(fitting: Content, above: Content) -> None:
    an_adapter().build(a_message(fitting))

    assert refusal(an_adapter().build, a_message(above)).kind is ErrorKind.PAYLOAD_TOO_LARGE


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (Markdown(text="a", title="t"), "markdown.title"),
        (Card(title="a", url="u", image="i"), "card.image"),
        (News(articles=(Card(title="a", url="u", button="b"),)), "news.button"),
        (Media(kind="image", url="https://x.example/a.png"), "media"),
        (Media(kind="image", media_id="m", title="t"), "media.title"),
        (MiniProgram(appid="a", title="abc"), "miniprogram.title"),
        (Payload(data={"text": {"content": "x"}}), "payload.msgtype"),
        (Payload(data={"msgtype": "text", "text": {"content": "x"}, "touser": "@all"}), "payload.touser"),
        (Payload(data={"card_type": "poster"}), "template_card.card_type"),
    ],
)
def test_what_wecom_lacks_is_refused_by_name(content: Content, name: str) -> None:
    error = refusal(an_adapter().build, a_message(content))

    assert (error.kind, error.code) == (ErrorKind.UNSUPPORTED, name)


@pytest.mark.parametrize("userid", ["a|b", "@all", "@ALL"])
def test_one_member_never_becomes_many(userid: str) -> None:
    assert refusal(an_adapter().build, a_message(userid=userid)).kind is ErrorKind.INVALID_RECIPIENT


def test_a_customer_is_not_a_member() -> None:
    message = a_message().model_copy(update={"to": WecomExternal(external_userid="wmAAA")})

    assert refusal(an_adapter().build, message).kind is ErrorKind.UNSUPPORTED


def test_a_task_id_of_the_app_is_left_alone() -> None:
    card = Payload(data={"card_type": "vote_interaction", "task_id": "mine"})

    assert json.loads(an_adapter().build(a_message(card)).content)["template_card"]["task_id"] == "mine"


# Batches and uploads


def test_a_thousand_members_go_in_one_request_and_one_more_does_not() -> None:
    members = [a_message(userid=f"u{number}") for number in range(1001)]

    body = json.loads(an_adapter().build_batch(members[:1000]).content)

    assert body["touser"].count("|") == 999
    assert refusal(an_adapter().build_batch, members).kind is ErrorKind.UNSUPPORTED


@pytest.mark.parametrize("other", [{"content": Text(text="other")}, {"sender": "99"}, {"options": {"wecom.app": {"safe": 1}}}])
def test_unequal_messages_are_no_batch(other: dict[str, object]) -> None:
    pair = [a_message(userid="a"), a_message(userid="b").model_copy(update=other)]

    assert refusal(an_adapter().build_batch, pair).code == "batch"


def test_an_upload_is_a_form_with_name_and_length() -> None:
    media = Media(kind="image", data=base64.b64encode(b"\x89PNG..").decode(), filename="a.png")

    request = an_adapter().build_upload(media)

    boundary = "0123456789abcdef" * 2
    assert str(request.url) == "https://qyapi.weixin.qq.com/cgi-bin/media/upload?type=image"
    assert request.headers["content-type"] == f"multipart/form-data; boundary={boundary}"
    assert (
        request.content
        == (
            f"--{boundary}\r\n"
            'Content-Disposition: form-data; name="media"; filename="a.png"; filelength=6\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode()
        + b"\x89PNG.."
        + f"\r\n--{boundary}--\r\n".encode()
    )


@pytest.mark.parametrize(
    ("media", "kind"),
    [
        (Media(kind="image", data=base64.b64encode(b"12345").decode()), ErrorKind.UNSUPPORTED),
        (Media(kind="voice", data=base64.b64encode(bytes(2 * 1024 * 1024 + 1)).decode()), ErrorKind.PAYLOAD_TOO_LARGE),
        (Media(kind="file", data="%%%"), ErrorKind.UNSUPPORTED),
        (Media(kind="file", data="QUFBQUFBQUE=", filename='a"\r\n.png'), ErrorKind.UNSUPPORTED),
        (Media(kind="file", media_id="m"), ErrorKind.UNSUPPORTED),
    ],
    ids=["five-bytes", "too-large", "no-base64", "injection", "nothing-to-upload"],
)
def test_an_upload_that_would_fail_is_refused_before(media: Media, kind: ErrorKind) -> None:
    assert refusal(an_adapter().build_upload, media).kind is kind


def test_an_uploaded_file_serves_three_days() -> None:
    answer = {"errcode": 0, "errmsg": "", "type": "image", "media_id": "M1", "created_at": "1380000000"}

    assert an_adapter().parse_upload(httpx.Response(200, json=answer)) == ("M1", timedelta(days=3))
    assert refusal(an_adapter().parse_upload, httpx.Response(200, json={"errcode": 40004})).code == "40004"


# Adapter and face


def answered(face: WecomAppFace, request: httpx.Request, now: datetime = NOW, fault: Fault | None = None) -> httpx.Response:
    reply = face.answer(request, now=now, new_id=IdSource("seed"), fault=fault)
    return httpx.Response(reply.status, headers=dict(reply.headers), content=reply.body)


def a_token(adapter: WecomApp, face: WecomAppFace) -> Token:
    auth = token_auth(adapter)
    return auth.parse(answered(face, auth.build()))


def test_adapter_and_face_understand_each_other() -> None:
    adapter, face = an_adapter(), WecomAppFace({**ACCOUNT, "invalid_users": ["Bo"], "callback_url": URL})
    card = Payload(data={"card_type": "text_notice", "card_action": {"type": 1, "url": "https://shop.example/d"}})
    messages = [a_message(card, userid=name) for name in ("ann", "bo")]
    request = authorize(adapter, adapter.build_batch(messages), a_token(adapter, face))

    reply = face.answer(request, now=NOW, new_id=IdSource("seed"))
    first, second = adapter.parse_batch(messages, httpx.Response(reply.status, content=reply.body))

    assert [taken.recipient for taken in reply.taken] == ["ann"]
    assert not isinstance(first, SendError)
    assert first.vendor_id == reply.taken[0].vendor_id
    assert reply.taken[0].links == ("https://shop.example/d",)
    assert isinstance(second, SendError)
    assert second.kind is ErrorKind.INVALID_RECIPIENT


def test_a_click_told_by_the_face_finds_its_message() -> None:
    adapter, face = an_adapter(), WecomAppFace({**ACCOUNT, "callback_url": URL})
    request = authorize(adapter, adapter.build(a_message(Payload(data={"card_type": "text_notice"}))), a_token(adapter, face))
    (taken,) = face.answer(request, now=NOW, new_id=IdSource("seed")).taken

    (callback,) = face.callbacks(taken, WorldEvent(EventType.CLICKED, NOW), nonce="abc")
    (event,) = adapter.read_callback(callback).events

    assert (event.type, event.message_id, event.address, event.at) == (EventType.CLICKED, "m-zhangsan", "zhangsan", NOW)


@pytest.mark.parametrize("type_", [EventType.UNSUBSCRIBED, EventType.FRIEND_ADDED, EventType.REPLIED])
def test_news_told_by_the_face_are_read(type_: EventType) -> None:
    adapter, face = an_adapter(), WecomAppFace({**ACCOUNT, "callback_url": f"{URL}?k=status"})
    request = authorize(adapter, adapter.build(a_message()), a_token(adapter, face))
    (taken,) = face.answer(request, now=NOW, new_id=IdSource("seed")).taken

    (callback,) = face.callbacks(taken, WorldEvent(type_, NOW, text="退订 <b>&"), nonce="abc")
    (event,) = adapter.read_callback(callback).events

    assert (event.type, event.address) == (type_, "zhangsan")
    assert event.text == ("退订 <b>&" if type_ is EventType.REPLIED else None)


def test_an_address_check_is_answered_in_clear() -> None:
    callback = WecomAppFace(ACCOUNT).url_check("echo 123", url=URL, at=NOW, nonce="abc")

    reading = an_adapter().read_callback(callback)

    assert (reading.events, reading.reply.status, reading.reply.body) == ((), 200, b"echo 123")


def test_the_face_ends_tokens_after_two_hours_and_repeats_them_before() -> None:
    adapter, face = an_adapter(), WecomAppFace(ACCOUNT)
    token = a_token(adapter, face)
    request = authorize(adapter, adapter.build(a_message()), token)

    assert a_token(adapter, face) == token
    assert token.expires_at == NOW + timedelta(seconds=7200)
    assert answered(face, request, NOW + timedelta(seconds=7199)).json()["errcode"] == 0
    assert answered(face, request, NOW + timedelta(seconds=7200)).json()["errcode"] == 42001
    assert answered(face, adapter.build(a_message())).json()["errcode"] == 41001


def test_the_face_takes_an_upload() -> None:
    adapter, face = an_adapter(), WecomAppFace(ACCOUNT)
    media = Media(kind="file", data=base64.b64encode(b"some bytes").decode())

    response = answered(face, authorize(adapter, adapter.build_upload(media), a_token(adapter, face)))

    assert adapter.parse_upload(response)[0]


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.INVALID_RECIPIENT,
        ErrorKind.OPTED_OUT,
        ErrorKind.BLOCKED_CONTENT,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.INVALID_SENDER,
        ErrorKind.AUTH,
        ErrorKind.RATE_LIMITED,
        ErrorKind.TEMPORARY,
        ErrorKind.UNAVAILABLE,
        ErrorKind.UNCERTAIN,
        ErrorKind.UNKNOWN,
    ],
)
def test_a_fault_told_by_the_face_is_read_as_its_kind(kind: ErrorKind) -> None:
    adapter, face = an_adapter(), WecomAppFace(ACCOUNT)
    request = authorize(adapter, adapter.build(a_message()), a_token(adapter, face))

    assert refusal(adapter.parse, a_message(), answered(face, request, fault=Fault(kind))).kind is kind


def test_every_kind_of_message_of_the_vendor_can_be_sent() -> None:
    operations = json.loads((DATA / "vendors" / "wecom_robot.json").read_text(encoding="utf-8"))["operations"]
    told = next(one for one in operations if one["id"] == "message_send")["msgtypes"]

    assert set(MSGTYPES) == set(told)
    assert set(CARD_TYPES) == set(told["template_card"]["template_card"]["card_type"].split(" | "))
