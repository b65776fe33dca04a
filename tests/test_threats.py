"""The threats of a messaging gateway: a test each, and a table that says where it stands. The page is docs/threats.md."""

import ast
import asyncio
import base64
import gzip
import hashlib
import hmac
import json
import logging
import traceback
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest

from gateway.ground import DAY, MINUTE, NOON, NUMBER, Ground, ground, live, marketing, of, otp
from gateway.test_lanes import post, server, wire
from postgres import database
from recallgate import (
    AccountConfig,
    Callback,
    ConfigError,
    Email,
    Endpoint,
    ErrorKind,
    ForgedCallback,
    FrozenClock,
    Gateway,
    Message,
    Payload,
    PersonRecord,
    Phone,
    SendError,
    StoreError,
    Velocity,
    default_chain,
)
from recallgate.links.targets import safe_target
from recallgate.model.chance import ALPHABET, CODE_LENGTH, Chance
from recallgate.model.custody import ErasureSettings
from recallgate.model.sealing import EncryptionSettings, new_key
from recallgate.policies.address_validity import AddressValidity
from recallgate.policies.country_list import CountryAllowList
from recallgate.store.tables import metadata
from recallgate.text.template import TemplateError, render
from recallgate.transport.client import MAX_BODY
from recallgate.transport.public import PublicOnly
from recallgate.transport.unpack import TooLong, unpack
from recallgate.web import gateway_app
from recallgate.web.app import MAX_CALLBACK

ROOT = Path(__file__).parent.parent
HERE = "tests/test_threats.py"
TABLE = {
    "slow_vendor": (HERE, "test_threat_slow_vendor_meets_one_deadline_for_the_whole_call"),
    "huge_answer": (HERE, "test_threat_huge_answer_is_never_held_whole"),
    "header_crlf": (HERE, "test_threat_header_crlf_is_refused_before_anything_is_stored"),
    "template_injection": (HERE, "test_threat_template_injection_finds_nothing_to_execute"),
    "xml_bomb": (HERE, "test_threat_xml_bomb_is_refused_before_it_is_parsed"),
    "forged_webhook": (HERE, "test_threat_forged_webhook_is_refused_and_a_replay_counts_once"),
    "webhook_flood": (HERE, "test_threat_webhook_flood_is_bounded_in_size_time_and_number"),
    "open_redirect": (HERE, "test_threat_open_redirect_leads_only_to_what_was_stored"),
    "link_enumeration": (HERE, "test_threat_link_enumeration_guesses_nothing_and_learns_nothing"),
    "ssrf": (HERE, "test_threat_ssrf_is_refused_in_every_disguise"),
    "sql_injection": (HERE, "test_threat_sql_injection_stays_text"),
    "secrets_in_logs": (HERE, "test_threat_secrets_in_logs_are_in_no_log_trace_repr_or_dead_letter"),
    "erasure": (HERE, "test_threat_erasure_leaves_no_trace_of_the_person_in_any_table"),
    "data_at_rest": (HERE, "test_threat_data_at_rest_is_sealed_and_a_wrong_key_sends_nothing"),
    "poison_message": (HERE, "test_threat_poison_message_stops_nobody_else"),
    "number_pumping": (HERE, "test_threat_number_pumping_is_stopped_by_country_kind_and_pace"),
    "tenant_leak": (HERE, "test_threat_tenant_leak_has_no_way_through_equal_ids"),
    "plugins": (HERE, "test_threat_plugins_are_loaded_only_when_named"),
    "clock_and_dst": (HERE, "test_threat_clock_and_dst_send_nothing_at_night"),
}
BROWSER = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)"


def test_every_threat_has_its_test_and_stands_on_the_page() -> None:
    def names(path: str) -> set[str]:
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        return {node.name for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))}

    page = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")

    assert not [slug for slug, (path, name) in TABLE.items() if not name.startswith(f"test_threat_{slug}_")]
    assert not [name for path, name in TABLE.values() if name not in names(path)]
    assert not [name for path, name in TABLE.values() if f"`{path}::{name}`" not in page]


def served(gateway: Gateway) -> httpx.AsyncClient:
    """A client of the gateway's own web application."""
    transport = httpx.ASGITransport(gateway_app(gateway))
    return httpx.AsyncClient(transport=transport, base_url="http://testserver", headers={"user-agent": BROWSER})


def hook(gateway: Gateway, name: str = "a") -> str:
    """The path of an account's callbacks."""
    return f"/callbacks/{name}/{gateway._secrets[name][0]}"


@live
async def test_threat_slow_vendor_meets_one_deadline_for_the_whole_call() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(1000):  # each byte is in time, the whole is not
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with server(drip) as base, wire(deadline_s=0.2) as out:
        with pytest.raises(SendError) as late:
            async with asyncio.timeout(10):
                await out.send(post(base))

    assert (late.value.kind, late.value.code) == (ErrorKind.UNCERTAIN, "deadline")


@live
async def test_threat_huge_answer_is_never_held_whole() -> None:
    packed = gzip.compress(b" " * (64 << 20))

    async def bomb(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
        writer.write(head + packed)

    async with server(bomb) as base, wire() as out:
        with pytest.raises(SendError) as refused:
            await out.send(post(base))

    assert len(packed) < MAX_BODY
    assert (refused.value.kind, refused.value.code) == (ErrorKind.UNCERTAIN, "too large")


def test_threat_huge_answer_is_unpacked_to_the_cap_and_not_beyond() -> None:
    twice = gzip.compress(gzip.compress(b"{}"))

    assert unpack(gzip.compress(b"x" * 100), "gzip", most=100) == b"x" * 100
    assert unpack(twice, "gzip, gzip", most=100) == b"{}"
    with pytest.raises(TooLong):
        unpack(gzip.compress(b"x" * 101), "gzip", most=100)
    with pytest.raises(httpx.DecodingError):
        unpack(b"not packed", "deflate", most=100)


@pytest.mark.parametrize("broken", ["\r\nBcc: all@b.example", "\nX: 1", "\x0bX", "\u2028X", "\x00"])
def test_threat_header_crlf_is_refused_before_anything_is_stored(broken: str) -> None:
    for fields in (
        {"subject": f"Hi{broken}"},
        {"reply_to": f"a@b.example{broken}"},
        {"headers": {"X-Note": f"a{broken}"}},
        {"headers": {f"X{broken}": "a"}},
    ):
        with pytest.raises(ValueError, match="line break or control character"):
            Email.model_validate({"subject": "Hi", "text": "Hi", **fields})
    with pytest.raises(ValueError, match="validation error"):
        Message.email({"type": "email", "email": "a@b.example", "name": f"Ann{broken}"}, "Hi", purpose="service", text="Hi")  # type: ignore[arg-type] # as from JSON


@pytest.mark.parametrize(
    "attempt",
    [
        "{{ name.__class__ }}",
        "{{ name.upper() }}",
        "{{ 'a' * 1000000000 }}",
        "{{ name | attr('x') }}",
        "{{ range(100000000) }}",
        "{{ config[0] }}",
    ],
)
def test_threat_template_injection_finds_nothing_to_execute(attempt: str) -> None:
    with pytest.raises(TemplateError):
        render(attempt, {"name": "Ann"})

    assert render("{{ name }}", {"name": attempt}) == attempt  # what is filled in is never read as a template


def test_threat_template_injection_cannot_grow_the_text() -> None:
    with pytest.raises(TemplateError, match="grows over"):
        render("{{ x }}" * 1000, {"x": "y" * 1000})


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>',
        '<!DOCTYPE x SYSTEM "file:///etc/passwd"><xml><Encrypt>a</Encrypt></xml>',
        f"<xml><Encrypt>{'a' * 65_536}</Encrypt></xml>",
    ],
)
@live
async def test_threat_xml_bomb_is_refused_before_it_is_parsed(document: str) -> None:
    settings = {"corp_id": "ww1", "secret": "s", "agent_id": 1, "callback_token": "t", "encoding_aes_key": "a" * 43}
    async with ground(AccountConfig.build("wecom.app", settings, name="a")) as here, served(here.gateway) as client:
        reply = await client.post(hook(here.gateway), content=document.encode())

        assert (reply.status_code, reply.content) == (413 if len(document) > 65_536 else 400, b"")
        assert (await here.counts())["rg_callback"] == 0


TWILIO = {"account_sid": "AC" + "1" * 32, "auth_token": "canary-token", "sender": "+15005550006"}
PUBLIC = "https://go.example"


def signed(url: str, form: dict[str, str], token: str) -> dict[str, str]:
    """Twilio's signature: HMAC-SHA1 over the address and the sorted fields."""
    told = url + "".join(f"{key}{value}" for key, value in sorted(form.items()))
    return {"x-twilio-signature": base64.b64encode(hmac.new(token.encode(), told.encode(), hashlib.sha1).digest()).decode()}


@live
async def test_threat_forged_webhook_is_refused_and_a_replay_counts_once() -> None:
    async with ground(AccountConfig.build("twilio.sms", TWILIO, name="a"), public_url=PUBLIC) as here:
        path = hook(here.gateway)
        form = {"MessageSid": "SM" + "1" * 32, "MessageStatus": "delivered"}
        async with served(here.gateway) as client:

            async def tell(headers: dict[str, str], to: str = path, **over: str) -> int:
                return (await client.post(to, data={**form, **over}, headers=headers)).status_code

            good = signed(PUBLIC + path, form, TWILIO["auth_token"])
            forged = [
                await tell({}),
                await tell(signed(PUBLIC + path, form, "another-token")),
                await tell(good, MessageStatus="failed"),
                await tell(good, to=f"{path}x"),
                await tell(good, to="/callbacks/nobody/x"),
            ]
            nothing = await here.counts()
            genuine = [await tell(good), await tell(good)]

        assert all(status in (401, 403, 404) for status in forged), forged
        assert (nothing["rg_event"], nothing["rg_callback"]) == (0, 0)
        assert genuine == [200, 200]
        assert (await here.counts())["rg_event"] == 1


@live
async def test_threat_webhook_flood_is_bounded_in_size_time_and_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recallgate.web.app._BODY_S", 0.1)
    go = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield b"{"
        await go.wait()
        yield b"}"

    async with ground() as here, served(here.gateway) as client:
        path = hook(here.gateway)
        large = await client.post(path, content=b"x" * (MAX_CALLBACK + 1))
        async with asyncio.timeout(10):
            slow = await client.post(path, content=stuck())
        monkeypatch.setattr("recallgate.web.app._BODY_S", 30.0)
        monkeypatch.setattr("recallgate.web.app.MOST_AT_ONCE", 3)
        many = [asyncio.create_task(client.post(path, content=stuck())) for _ in range(3)]
        await asyncio.wait(many, timeout=0.2)
        one_more = await client.post(path, content=b"{}")
        go.set()
        statuses = {(await one).status_code for one in many}
        after = await client.post(path, content=b"{}")

    assert (large.status_code, slow.status_code, one_more.status_code) == (413, 408, 503)
    assert int(one_more.headers["retry-after"]) > 0
    assert 503 not in statuses
    assert after.status_code != 503  # those that ended count no more


@pytest.mark.parametrize(
    ("target", "stored"),
    [
        ("https://shop.example/c?next=https://evil.example", "https://shop.example/c?next=https://evil.example"),
        ("https://eu.shop.example:8443/@ann", "https://eu.shop.example:8443/@ann"),
        ("https://bücher.shop.example/ü", "https://xn--bcher-kva.shop.example/ü"),
        ("https://shop.example@evil.example/", None),
        ("https://ann:pass@shop.example/", None),
        ("https://evil.example/shop.example", None),
        ("https://evilshop.example/", None),
        ("https://shop.example.evil.example/", None),
        ("https://shop.example\\@evil.example/", None),
        ("https://shop.example/\r\nSet-Cookie: a=b", None),
        ("https://shop.example/\x00", None),
        ("https://shop.example/\u202etxt", None),
        ("https://", None),
        ("//shop.example/c", None),
        ("javascript:alert(1)", None),
        ("https://shop.example:port/", None),
    ],
)
def test_threat_open_redirect_has_its_hosts_listed(target: str, stored: str | None) -> None:
    assert safe_target(target, frozenset({"shop.example"})) == stored


@live
async def test_threat_open_redirect_leads_only_to_what_was_stored() -> None:
    words = ("See https://shop.example/c", "See https://ann@shop.example/x", "See https://evil.example/y")
    async with ground(public_url=PUBLIC, link_hosts={"shop.example"}) as here:
        for i, one in enumerate(words):
            await here.gateway.send(marketing(f"+1415555012{i}", one))
        texts = [one.text for one in here.script().sent]
        (link,) = [word for word in " ".join(texts).split() if word.startswith(PUBLIC)]
        async with served(here.gateway) as client:
            reply = await client.get(f"{link.removeprefix(PUBLIC)}?url=https://evil.example&to=//evil.example")

        assert ["https://ann@shop.example/x" in texts[1], "https://evil.example/y" in texts[2]] == [True, True]  # not in our name
        assert await here.rows("select target from rg_link") == [("https://shop.example/c",)]
        assert (reply.status_code, reply.headers["location"]) == (302, "https://shop.example/c")
        assert (reply.headers["cache-control"], reply.headers["referrer-policy"]) == ("no-store", "no-referrer")


@live
async def test_threat_link_enumeration_guesses_nothing_and_learns_nothing() -> None:
    async with ground(public_url=PUBLIC, store="sqlite://") as here:
        for i in range(20):
            await here.gateway.send(marketing(f"+1415555{3000 + i}"))
        links = [row[0] for row in await here.rows("select code from rg_link")]
        gone = links[0]
        await here.rows_changed("delete from rg_link where code = :code", code=gone)
        async with served(here.gateway) as client:
            replies = [await client.get(f"/l/{code}") for code in (gone, Chance().code(), "1", "x" * 64)]

        assert len(ALPHABET) ** CODE_LENGTH >= 2**64
        assert len({code[:4] for code in links}) == len(links) == 20  # neither sequential nor with a common beginning
        assert {(one.status_code, one.content) for one in replies} == {(404, replies[0].content)}
        assert await here.rows("select count(*) from rg_click") == [(0,)]


INSIDE = [
    "127.0.0.1",
    "10.0.0.8",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "0.0.0.0",  # noqa: S104 - to be refused
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.8",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001:0:1::1",
    "fc00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
]


class Net(httpcore.AsyncNetworkBackend):
    """A network that notes where somebody connects to."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    async def connect_tcp(self, host: str, port: int, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        self.reached.append(host)
        raise httpcore.ConnectError("nobody there")


async def reach(found: list[str], port: int = 443) -> tuple[str, list[str]]:
    """What comes of connecting to a name that has these addresses, and where it was tried."""
    net = Net()
    turns = [found, ["127.0.0.1"]]  # whoever looked twice would be told otherwise

    async def resolve(host: str, port: int) -> list[str]:
        return turns.pop(0)

    try:
        await PublicOnly(net, resolve).connect_tcp("hooks.example", port)
    except SendError as exc:
        return exc.code, net.reached
    except httpcore.ConnectError:
        pass
    return "", net.reached


@live
async def test_threat_ssrf_connects_to_the_address_that_was_checked() -> None:
    public = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "64:ff9b::5db8:d70e"]

    assert await reach(public) == ("", public)
    assert [await reach([one]) for one in INSIDE] == [("address.private", [])] * len(INSIDE)
    assert await reach([public[0], "10.0.0.8"]) == ("address.private", [])
    assert [await reach(public, port) for port in (22, 5432, 8080)] == [("address.private", [])] * 3


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "0",
        "127。0。0。1",
    ],
)
@live
async def test_threat_ssrf_is_refused_in_every_disguise(host: str) -> None:
    message = Message(channel="webhook", to=Endpoint(url=f"http://{host}/x"), content=Payload(data={"a": 1}), purpose="service")
    async with Gateway(AccountConfig.build("webhook.http", {"secret": "whsec"}, name="a"), store="sqlite://") as gateway:
        delivery = await gateway.send(message)

    assert (delivery.state, delivery.error and delivery.error.code) == ("failed", "address.private")


@live
async def test_threat_ssrf_is_lifted_by_the_setting_only() -> None:
    hits: list[bytes] = []

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hits.append(b"")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    async with server(take) as base:
        states = []
        for private in (False, True):
            account = AccountConfig.build("webhook.http", {"secret": "whsec", "private_hosts": private}, name="a")
            async with Gateway(account, store="sqlite://") as gateway:
                to = Endpoint(url=base)
                sent = await gateway.send(Message(channel="webhook", to=to, content=Payload(data={"a": 1}), purpose="service"))
                states.append(str(sent.state))

    assert states == ["failed", "accepted"]
    assert len(hits) == 1


@pytest.mark.parametrize("name", ["webhook.http", "webpush.push"])
def test_threat_ssrf_is_not_left_to_a_transport_that_cannot_check(name: str) -> None:
    keys = {"webhook.http": {"secret": "s"}, "webpush.push": {"private_key": "A" * 42 + "E", "subject": "mailto:a@b.example"}}

    with pytest.raises(ConfigError, match="private_hosts"):
        Gateway(AccountConfig.build(name, {**keys[name], "transport": "fast"}, name="a"), store="sqlite://")


EVIL = ["'; drop table rg_message; --", '" or 1=1 --', "%' or '%'='", "a\\'b", "${x}", ":id", "?1", "{page}"]


async def _injected(here: Ground) -> None:
    sent = []
    for evil in EVIL:
        message = of("service", person=evil, topic=evil, idempotency_key=evil, words=f"Hi {evil}")
        await here.gateway.submit([message])
        await here.gateway.save_people([PersonRecord(evil, data={"x": evil}, contacts={"sms": [Phone(e164=NUMBER)]})])
        await here.gateway.suppress(person=evil, reason="manual", source=evil)
        assert await here.gateway.explain_person(evil)
        assert (await here.gateway.click(evil)).status == 404
        sent.append(message.id)
    rows = await here.rows("select id, person from rg_message")

    assert sorted(rows) == sorted(zip(sent, EVIL, strict=True))
    assert {row[0] for row in await here.rows("select subject from rg_suppression")} == {f"p:{evil}" for evil in EVIL}
    with pytest.raises(StoreError):  # the store's own fault, and without the values
        await here.gateway.store.run(lambda c: c.exec_driver_sql("select nothing from nowhere"))


@live
async def test_threat_sql_injection_stays_text() -> None:
    async with ground(store="sqlite://") as here:
        await _injected(here)


def test_threat_sql_injection_stays_text_on_postgres(postgres_server: Any) -> None:
    @live
    async def run() -> None:
        async with ground(store=database(postgres_server)) as here:
            await _injected(here)
            with pytest.raises(StoreError, match="character NUL"):
                await here.gateway.suppress(address="a\0")

    run()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"person": "a\0b"}, "person"),
        ({"words": "a\0b"}, "content.text"),
        ({"tags": frozenset({"a\0b"})}, "tags"),
        ({"options": {"x.y": {"z": ["a\0b"]}}}, "options"),
        ({"options": {"x.y": {"a\0b": 1}}}, "options"),
    ],
)
@live
async def test_threat_sql_injection_by_nul_is_a_clear_error(fields: dict[str, Any], named: str) -> None:
    async with ground() as here:
        for accept in (here.gateway.send, lambda message: here.gateway.submit([marketing(), message])):
            with pytest.raises(ValueError, match=rf"^{named}: it has the character NUL"):
                await accept(marketing(**fields))
        await here.gateway.send(marketing(words=r"This \u0000 is no NUL"))

        assert await here.rows("select count(*) from rg_message") == [(1,)]


NO_TENANT = "insert into rg_suppression (tenant, subject) values (null, ?)"
TOKEN, WORD, MAIL = "canary-token", "canary-4821", "zuzanna.canary@mail.example"
CANARIES = (TOKEN, WORD, NUMBER, NUMBER.lstrip("+"), MAIL, base64.b64encode(f"{TWILIO['account_sid']}:{TOKEN}".encode()).decode())
ANSWERS = {
    "refused": b'HTTP/1.1 400 Bad\r\ncontent-length: %d\r\n\r\n{"code":21211,"message":"\'To\' %b is not valid, mail %b"}',
    "broken": b"HTTP/1.1 500 Oops\r\ncontent-length: %d\r\n\r\nno worker for %b or %b",
    "unreadable": b"HTTP/1.1 201 Created\r\nset-cookie: a=canary-token\r\ncontent-length: %d\r\n\r\n<p>%b %b",
    "cut": b"HTTP/1.1 201 Created\r\ncontent-length: 9%d\r\n\r\n%b %b",
}


def answered(name: str) -> bytes:
    """An answer of a vendor that repeats what it was told."""
    filled = ANSWERS[name] % (0, NUMBER.encode(), MAIL.encode())
    length = len(filled.partition(b"\r\n\r\n")[2])
    return ANSWERS[name] % (length, NUMBER.encode(), MAIL.encode())


def told_of(thing: object) -> list[str]:
    """A thing as logs, debuggers and error reports would show it."""
    shown = [repr(thing), str(thing)]
    if isinstance(thing, BaseException):
        shown += traceback.format_exception(thing)
    return shown


@live
async def test_threat_secrets_in_logs_are_in_no_log_trace_repr_or_dead_letter(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[object] = []
    heard: list[bytes] = []
    for name in ANSWERS:

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str = name) -> None:
            heard.append(b"")
            writer.write(answered(name))
            if name == "cut":
                writer.close()

        async with server(answer) as base:
            texts = AccountConfig.build("twilio.sms", {**TWILIO, "base_url": base}, name="a")
            async with ground(texts, public_url=PUBLIC) as here:
                gateway = here.gateway
                message = Message.sms(NUMBER, f"Your code is {WORD}", purpose="otp", country="US", person=MAIL)
                delivery = await gateway.send(message)
                await gateway.submit([message.model_copy(update={"id": "two", "purpose": of("service").purpose})])
                await gateway.drain()
                for body in (b"From=%b" % NUMBER.encode(), b'{"to": "%b' % MAIL.encode()):
                    shown.append(callback := Callback("POST", f"{PUBLIC}/x?To={MAIL}", httpx.Headers(), body, NOON))
                    with pytest.raises(ForgedCallback) as refused:
                        await gateway.receive("a", callback)
                    shown.append(refused.value)
                with pytest.raises(StoreError) as store:
                    await gateway.store.run(lambda c: c.exec_driver_sql("select ? from nowhere", (NUMBER,)))
                with pytest.raises(StoreError) as twice:
                    await gateway.store.run(lambda c: c.exec_driver_sql(NO_TENANT, (NUMBER,)))
                live = gateway.accounts["a"]
                dead = await gateway.dead.list()
                story = await gateway.explain(message.id)
                shown += [message, message.to, message.content, delivery, delivery.error, store.value, twice.value, *dead]
                shown += [live, live.adapter, live.config, live.config.settings, gateway, gateway.config, await gateway.status()]
                shown += [attempt.get("detail") for attempt in story["attempts"]]

    with pytest.raises(ConfigError) as dsn:
        AccountConfig.from_dsn(f"twilio.sms://AC1:{TOKEN}@default?sendr={NUMBER}")
    with pytest.raises(ValueError, match="e-mail") as address:
        Message.email(f"{MAIL} x", "Hi", purpose="service", text=WORD)
    shown += [dsn.value, address.value]
    said = "\n".join([caplog.text, *(text for thing in shown for text in told_of(thing))])

    assert len(heard) >= len(ANSWERS)
    assert "api" in said or "twilio" in said  # something was said at all
    assert [canary for canary in CANARIES if canary in said] == []


@live
async def test_threat_erasure_leaves_no_trace_of_the_person_in_any_table() -> None:
    canary = "canary-7731"
    async with ground(erasure=ErasureSettings(key="a-key-that-never-changes")) as here:
        gateway = here.gateway
        await gateway.save_people([PersonRecord(canary, contacts={"sms": [Phone(e164=NUMBER)]}, data={"name": canary})])
        await gateway.send(otp(person=canary))
        waiting = otp(person=canary, not_before=NOON + DAY)
        await gateway.submit([waiting])
        before = await everything(here)
        exported = await gateway.export(canary)
        await gateway.erase(canary)
        after = await everything(here)

        assert canary in before
        assert NUMBER in before
        assert canary in json.dumps(exported)
        assert [one for one in (canary, NUMBER, "4821") if one in after] == []
        assert await here.state(waiting.id) == "cancelled"


async def everything(here: Ground) -> str:
    """Every value of every table."""
    return "\n".join([str(await here.rows(f"select * from {name}")) for name in metadata.tables])  # noqa: S608 - our own names


@live
async def test_threat_data_at_rest_is_sealed_and_a_wrong_key_sends_nothing(tmp_path: Path) -> None:
    def keys() -> EncryptionSettings:
        return EncryptionSettings.model_validate({"current": "k", "keys": {"k": new_key()}})

    store = f"sqlite:///{tmp_path}/a.sqlite"
    async with ground(store=store, encryption=keys()) as here:
        await here.gateway.submit([of("service", words=f"It is {WORD}")])
        kept = await everything(here)
    async with ground(store=store, encryption=keys()) as here:
        with pytest.raises((ConfigError, StoreError)) as refused:
            await here.gateway.drain()

        assert WORD not in kept
        assert not here.script().tried
        assert "encryption" in str(refused.value)
        assert await here.rows("select state from rg_message") == [("queued",)]


@pytest.mark.parametrize("payload", ["{", '{"v": 99, "channel": "sms"}', '{"type": "of another release"}', "null", ""])
@live
async def test_threat_poison_message_stops_nobody_else(payload: str) -> None:
    async with ground() as here:
        batch = [of("service", to=f"+1415555{2000 + i}") for i in range(3)]
        await here.gateway.submit(batch)
        await here.rows_changed("update rg_message set payload = :payload where id = :id", payload=payload, id=batch[1].id)
        await here.gateway.drain()
        (letter,) = await here.gateway.dead.list()

        assert [await here.state(one.id) for one in batch] == ["accepted", "failed", "accepted"]
        assert (letter.id, letter.reason) == (batch[1].id, "poison.unreadable")


@live
async def test_threat_number_pumping_is_stopped_by_country_kind_and_pace() -> None:
    walls = (
        CountryAllowList(frozenset({"US"})),
        AddressValidity(),
        Velocity(limit=3, window=timedelta(hours=1)),
        Velocity(limit=2, window=timedelta(hours=1), per="block", open_digits=2),
    )
    async with ground(chain=default_chain(walls), at=FrozenClock(NOON)) as here:
        abroad = await here.gateway.send(Message.sms("+37120000001", "Your code is 1", purpose="otp"))
        premium = await here.gateway.send(Message.sms("+19005550123", "Your code is 1", purpose="otp"))
        block = [await here.gateway.send(otp(f"+141555520{10 + i}")) for i in range(3)]
        spread = [await here.gateway.send(otp(f"+1415555{30 + i}00")) for i in range(3)]
        here.clock.advance(timedelta(hours=1, minutes=1))
        later = await here.gateway.send(otp("+14155559999"))

        assert [one.verdict and one.verdict.code for one in (abroad, premium)] == ["country.not_allowed", "address.premium"]
        assert [str(one.state) for one in block] == ["accepted", "accepted", "suppressed"]
        assert [str(one.state) for one in spread] == ["accepted", "suppressed", "suppressed"]
        assert later.state == "accepted"


def test_threat_tenant_leak_has_no_way_through_equal_ids(tmp_path: Path, postgres_server: Any) -> None:
    @live
    async def run(store: str) -> None:
        async with ground(store=store, tenant="one") as one, ground(store=store, tenant="two") as two:
            for here in (one, two):
                name = here.gateway.config.tenant
                mine = of("service", tenant=name, person="ann", idempotency_key="same", words=f"for {name}")
                await here.gateway.submit([mine.model_copy(update={"id": "m1"})])
                await here.gateway.save_people([PersonRecord("ann", data={"of": name})])
            await one.gateway.suppress(person="ann", reason="manual", all_purposes=True)
            assert await two.gateway.cancel("m1", tenant="nobody") is False
            exported = {name: json.dumps(await here.gateway.export("ann")) for name, here in (("one", one), ("two", two))}
            for here in (one, two):
                await here.gateway.drain()

            assert await one.rows("select tenant, state from rg_message order by tenant") == [
                ("one", "suppressed"),
                ("two", "accepted"),
            ]
            assert ("for two" in exported["one"], "for one" in exported["two"]) == (False, False)
            assert ("for one" in exported["one"], "for two" in exported["two"]) == (True, True)

    run(f"sqlite:///{tmp_path}/a.sqlite")
    run(database(postgres_server))


OF_PROCESSES = {"rg_job", "rg_schema_version", "rg_token", "rg_worker"}  # of nobody's messages


def test_threat_tenant_leak_has_the_tenant_in_every_table() -> None:
    without = {name for name, table in metadata.tables.items() if "tenant" not in table.columns}

    assert without == OF_PROCESSES


def test_threat_plugins_are_loaded_only_when_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib.metadata import EntryPoint

    from recallgate import registry

    loaded: list[str] = []

    def load(point: EntryPoint) -> Any:
        loaded.append(point.name)
        return genuine(point)

    genuine = EntryPoint.load
    monkeypatch.setattr(EntryPoint, "load", load)
    registry.names.cache_clear()
    Gateway(AccountConfig.build("twilio.sms", TWILIO, name="a"), store="sqlite://")

    assert set(loaded) == {"twilio.sms"}
    with pytest.raises(ConfigError, match="not known"):
        AccountConfig.build("os.system", {})


@pytest.mark.parametrize(
    ("zone", "at", "leaves"),
    [
        # 2026-03-08: New York skips 02:00; 08:00 there is 12:00 UTC from then on, and was 13:00 the day before
        ("America/New_York", "2026-03-07T05:00", "2026-03-07T13:00"),
        ("America/New_York", "2026-03-08T05:00", "2026-03-08T12:00"),
        # 2026-11-01: it has 01:00 twice, and 08:00 is 13:00 UTC again
        ("America/New_York", "2026-11-01T05:30", "2026-11-01T13:00"),
        ("America/New_York", "2026-11-01T06:30", "2026-11-01T13:00"),
    ],
)
@live
async def test_threat_clock_and_dst_send_nothing_at_night(zone: str, at: str, leaves: str) -> None:
    opens = datetime.fromisoformat(leaves).replace(tzinfo=UTC)
    async with ground(at=datetime.fromisoformat(at).replace(tzinfo=UTC)) as here:
        message = marketing("+12125550123", timezone=zone, region="US-NY")
        await here.gateway.submit([message])
        while here.clock.now() < opens - MINUTE:
            await here.gateway.drain()
            here.clock.advance(10 * MINUTE)
            assert not here.script().sent or here.clock.now() > opens
        here.clock.advance(opens + timedelta(hours=1) - here.clock.now())
        await here.gateway.drain()

        assert len(here.script().sent) == 1


def test_threat_clock_and_dst_refuse_what_is_no_zone_or_no_instant() -> None:
    for fields in ({"timezone": "Mars/Base"}, {"timezone": "../../etc/passwd"}, {"not_before": datetime(2026, 3, 8, 2, 30)}):
        with pytest.raises(ValueError, match="validation error"):
            marketing(**fields)
